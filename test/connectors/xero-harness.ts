/**
 * The Xero connector before its stand-in, for the contract.
 */
import { xeroConnector } from '../../connectors/xero/connector.ts'
import { startXeroStandIn } from '../../stand-ins/xero/server.ts'
import { consenting } from './consenting.ts'
import type { BookSeed, Harness } from './harness.ts'
import { decimal, openDesk } from './stand-in-desk.ts'

const client = { clientId: 'quits-xero', clientSecret: 'secret-of-the-xero-client' }
const redirectUri = 'http://localhost:4600/connections/xero/back'
const bellKey = 'key-of-the-xero-bells'
const bookName = 'Old Mill Ltd'
type Organisation = { id: string; accounts: { id: string; code: string | null; name: string }[] }

export async function makeXeroHarness({ vat = 'registered' }: Partial<BookSeed> = {}): Promise<Harness> {
  const standIn = await startXeroStandIn({ ...client, limits: 'off', organisations: [{ name: bookName, vat }] })
  const desk = await openDesk(standIn.url, bellKey)
  const connector = xeroConnector({
    ...client,
    redirectUri,
    identityUrl: standIn.url,
    apiUrl: standIn.url,
    now: () => standIn.clock.now(),
  })
  const [organisation] = (await desk.ask('GET', '/organisations')) as Organisation[]
  if (!organisation) throw new Error('the stand-in has no organisation')
  const accountId = (code: string) => {
    const found = organisation.accounts.find((one) => one.code === code)
    if (!found) throw new Error(`no account ${code}`)
    return found.id
  }
  const { agree, consent, decline, codes } = consenting(connector, redirectUri, bookName)
  const [grant] = await consent()
  if (!grant) throw new Error('the consent opened no book')

  return {
    connector,
    grant,
    bookName,
    now: () => standIn.clock.now(),
    agree,
    consent,
    decline,
    refreshes: { rotateAfterMs: 0, oldLivesMs: 30 * 60_000, accessLivesMs: 30 * 60_000 },
    control: {
      lockPeriod: async (until) => void (await desk.edit(organisation.id, { deed: 'lockPeriod', until })),
      throttleOnce: () => desk.knob({ knob: 'throttle', value: { kind: 'minute', retryAfter: 17 } }),
      downOnce: () => desk.knob({ knob: 'html503' }),
      loseReplyOnce: () => desk.knob({ knob: 'loseReply', match: { method: 'PUT' } }),
      // Forgotten for good: before each of the next calls.
      forgetKeys: () => desk.knob({ knob: 'forgetKeys', times: -1 }),
      editVoid: async (kind, id) => {
        const deed = kind === 'invoice' ? 'voidInvoice' : kind === 'payment' ? 'deletePayment' : 'deleteDocument'
        await desk.edit(organisation.id, { deed, id })
      },
      archiveContact: async (id) => void (await desk.edit(organisation.id, { deed: 'archiveContact', id })),
      personSpends: async (account, amountMinor, date) => {
        const spent = { deed: 'spendMoney', account, amount: decimal(amountMinor), date, contact: 'Post Office' }
        return String((await desk.edit(organisation.id, spent)).id)
      },
      revoke: async () => void (await desk.ask('POST', '/revoke', { organisation: organisation.id })),
      advance: desk.advance,
      violations: desk.violations,
    },
    vat: {
      sales: {
        standard: 'OUTPUT2',
        reduced: 'RROUTPUT',
        zero: 'ZERORATEDOUTPUT',
        exempt: 'EXEMPTOUTPUT',
        outside: 'NONE',
        reverse_charge: 'DRCHARGESUPPLY20',
      },
      purchases: {
        standard: 'INPUT2',
        reduced: 'RRINPUT',
        zero: 'ZERORATEDINPUT',
        exempt: 'EXEMPTINPUT',
        outside: 'NONE',
        reverse_charge: 'DRCHARGE20',
      },
    },
    accounts: { sales: accountId('200'), cost: accountId('310'), fee: accountId('404') },
    itemId: null,
    opens: ['bank', 'current_liability'],
    bellFor: async (_kind, id) => ({ raw: await desk.bellFor(id), key: bellKey }),
    secrets: () => [grant.accessToken, grant.refreshToken, client.clientSecret, ...codes],
    close: async () => {
      await desk.close()
      await standIn.close()
    },
  }
}
