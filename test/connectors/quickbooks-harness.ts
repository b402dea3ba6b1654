/**
 * The QuickBooks connector before its stand-in, for the contract.
 */
import { quickbooksConnector } from '../../connectors/quickbooks/connector.ts'
import { startQuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { consenting } from './consenting.ts'
import type { BookSeed, Harness } from './harness.ts'
import { decimal, openDesk } from './stand-in-desk.ts'

const client = { clientId: 'quits-quickbooks', clientSecret: 'secret-of-the-quickbooks-client' }
const redirectUri = 'http://localhost:4600/connections/quickbooks/back'
const bellKey = 'key-of-the-quickbooks-bells'
const bookName = 'Corner Bakery Ltd'
type Named = { id: string; name: string }
type Company = { id: string; accounts: Named[]; taxCodes: Named[]; products: Named[] }

export async function makeQuickBooksHarness({ vat = 'registered' }: Partial<BookSeed> = {}): Promise<Harness> {
  const standIn = await startQuickBooksStandIn({ ...client, limits: 'off', organisations: [{ name: bookName, vat }] })
  const desk = await openDesk(standIn.url, bellKey)
  const connector = quickbooksConnector({
    ...client,
    redirectUri,
    discoveryUrl: `${standIn.url}/.well-known/openid_configuration`,
    apiUrl: standIn.url,
    callsASecond: 1_000,
    now: () => standIn.clock.now(),
  })
  const [company] = (await desk.ask('GET', '/organisations')) as Company[]
  if (!company) throw new Error('the stand-in has no company')
  const idOf = (list: Named[], name: string) => {
    const found = list.find((one) => one.name === name)
    if (!found) throw new Error(`no ${name} among ${list.map((one) => one.name).join(', ')}`)
    return found.id
  }
  const code = (name: string) => (vat === 'none' ? null : idOf(company.taxCodes, name))
  const treatments = {
    standard: code('20.0% S'),
    reduced: code('5.0% R'),
    zero: code('0.0% Z'),
    exempt: code('Exempt'),
    outside: code('No VAT'),
    reverse_charge: code('20.0% RC'),
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
    refreshes: { rotateAfterMs: 24 * 3_600_000, oldLivesMs: 0, accessLivesMs: 3_600_000 },
    control: {
      lockPeriod: async (through) => void (await desk.edit(company.id, { deed: 'lockPeriod', through })),
      throttleOnce: () => desk.knob({ knob: 'throttle', value: { retryAfter: 17 } }),
      downOnce: () => desk.knob({ knob: 'html503' }),
      loseReplyOnce: () => desk.knob({ knob: 'loseReply', match: { method: 'POST', path: '^(?!.*/query)' } }),
      // Forgotten for good: before each of the next calls.
      forgetKeys: () => desk.knob({ knob: 'forgetKeys', times: -1 }),
      editVoid: async (kind, id) => {
        const deed = kind === 'invoice' ? 'voidInvoice' : kind === 'payment' ? 'deletePayment' : 'deleteDocument'
        await desk.edit(company.id, { deed, id: bare(id) })
      },
      archiveContact: async (id) => void (await desk.edit(company.id, { deed: 'archiveContact', id: bare(id) })),
      personSpends: async (account, amountMinor, date) => {
        const { done } = await desk.edit(company.id, {
          deed: 'spendMoney',
          account,
          amount: decimal(amountMinor),
          date,
        })
        return (done as { Id: string }).Id
      },
      revoke: async () => void (await desk.ask('POST', '/revoke', { organisation: company.id })),
      advance: desk.advance,
      violations: desk.violations,
    },
    vat: { sales: treatments, purchases: treatments },
    accounts: {
      sales: idOf(company.accounts, 'Sales'),
      cost: idOf(company.accounts, 'Cost of sales'),
      fee: idOf(company.accounts, 'Membership and network fees'),
    },
    itemId: idOf(company.products, 'Sales'),
    opens: ['bank'],
    bellFor: async (_kind, id) => ({ raw: await desk.bellFor(bare(id)), key: bellKey }),
    secrets: () => [grant.accessToken, grant.refreshToken, client.clientSecret, ...codes],
    close: async () => {
      await desk.close()
      await standIn.close()
    },
  }
}

/** QuickBooks' own id within ours, which may say the object's name before it. */
const bare = (id: string) => id.replace(/^[a-z]+-/i, '')
