/**
 * A joinery with Xero and a bakery with QuickBooks, both stand-ins behind the real connectors: connected, mapped, live. The
 * ground moves to another database on demand, as after a restore; the books stay what they are.
 */
import { onTestFinished } from 'vitest'
import type { BookConnector, BookDocument, BookKind } from '../../connectors/port.ts'
import { quickbooksConnector } from '../../connectors/quickbooks/connector.ts'
import { xeroConnector } from '../../connectors/xero/connector.ts'
import { beginConsent, chooseBook, finishConsent } from '../../src/books/connect.ts'
import { setAskFirst } from '../../src/books/connection.ts'
import { withGrant } from '../../src/books/grants.ts'
import { makeCreditAccount, saveMapping } from '../../src/books/mapping.ts'
import { dayIn } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb, type Tx } from '../../src/kit/db.ts'
import { newId } from '../../src/kit/ids.ts'
import { openLog } from '../../src/kit/log.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { admit } from '../../src/networks/admit.ts'
import { invite } from '../../src/networks/invite.ts'
import type { Member } from '../../src/networks/member.ts'
import { createNetwork } from '../../src/networks/network.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import { isMarker } from '../../src/reconcile/marker.ts'
import { proposalsOf, propose } from '../../src/trades/propose.ts'
import { acceptancesOf, recordTrade } from '../../src/trades/record-trade.ts'
import { startQuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { startXeroStandIn } from '../../stand-ins/xero/server.ts'
import { throughConsentPage } from '../connectors/consent-page.ts'
import { formOf } from '../networks/set-up.ts'
import { databaseFrom, freshDatabase, setDatabaseClock } from '../support/db.ts'

export const masterKey = new Uint8Array(32).fill(7)
const publicUrl = 'http://localhost:4600'
const actor = 'per_bea'
const xeroApp = { clientId: 'quits-xero', clientSecret: 'secret-of-the-xero-client' }
const quickbooksApp = { clientId: 'quits-quickbooks', clientSecret: 'secret-of-the-quickbooks-client' }
const names = { xero: 'Green Door Joinery Ltd', quickbooks: 'Corner Bakery Ltd' } as const
export type Vendor = keyof typeof names
export type StandInGround = Awaited<ReturnType<typeof standInGround>>

export async function standInGround() {
  const at = new Date('2026-11-20T09:00:00Z')
  const clock = { now: () => at }
  const seed = (vendor: Vendor) => ({
    limits: 'off' as const,
    organisations: [{ name: names[vendor], vat: 'none' as const }],
  })
  const xero = await startXeroStandIn({ ...xeroApp, ...seed('xero') })
  const quickbooks = await startQuickBooksStandIn({ ...quickbooksApp, ...seed('quickbooks') })
  onTestFinished(async () => void (await Promise.all([xero.close(), quickbooks.close()])))
  for (const { url } of [xero, quickbooks])
    await fetch(`${url}/control/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ set: at.toISOString() }),
    })
  const discoveryUrl = `${quickbooks.url}/.well-known/openid_configuration`
  const connectors: Partial<Record<BookKind, BookConnector>> = {
    xero: xeroConnector({
      ...xeroApp,
      ...{ redirectUri: `${publicUrl}/connect/xero/callback`, identityUrl: xero.url, apiUrl: xero.url, now: clock.now },
    }),
    quickbooks: quickbooksConnector({
      ...quickbooksApp,
      ...{ redirectUri: `${publicUrl}/connect/quickbooks/callback`, discoveryUrl, apiUrl: quickbooks.url },
      ...{ callsASecond: 1_000, now: clock.now },
    }),
  }
  const fixed = {
    clock,
    connectors,
    log: openLog('silent'),
    seal: sealWith([masterKey]),
    worker: 'drill',
    dice: () => 0.5,
  }
  const open = new Set<Db>()
  const over = (url: string) => {
    const db = openDb(url, { connections: 5 })
    open.add(db)
    onTestFinished(async () => void (open.delete(db) && (await db.close())))
    return { ...fixed, db, config: { publicUrl }, acceptances: acceptancesOf(db), proposals: proposalsOf(db) }
  }
  /** A migrated database without a row, whose clock stands where ours does. */
  const database = async () => {
    const fresh = await freshDatabase()
    onTestFinished(() => fresh.drop())
    await setDatabaseClock(fresh.url, at)
    return fresh.url
  }

  let deps = over(await database())
  const worker = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(deps.db, asWorker, work)
  const network = await worker((tx) =>
    createNetwork(tx, clock, {
      ...{ slug: 'calder-valley', name: 'Calder Valley', from: { template: 'uk-business' }, actor: 'quits' },
      organisation: { name: 'Valley Exchange CIC', form: formOf('cic') },
      convener: { email: 'asha@valley.example', name: 'Asha' },
    }),
  )
  const members = { xero: await join('xero'), quickbooks: await join('quickbooks') }

  async function join(vendor: Vendor): Promise<Member> {
    const email = `${vendor}@valley.example`
    const organisation = { name: names[vendor], form: formOf('company'), email }
    const member = await worker(async (tx) => {
      const from = { id: 'per_asha', name: 'Asha' }
      const ask = { networkId: network.id, email, organisation, from, publicUrl, seal: fixed.seal }
      const invited = await invite(tx, clock, ask)
      return admit(tx, clock, { networkId: network.id, memberId: invited.member.id, actor: 'per_asha' })
    })
    const { networkId, organisationId } = member
    const session = { actor, sessionHash: null }
    const { url } = await beginConsent(deps, { networkId, organisationId, kind: vendor, ...session })
    const choice = { press: /allow|connect|authori[sz]e/i, book: names[vendor] }
    const back = await throughConsentPage(url, `${publicUrl}/connect/${vendor}/callback`, choice)
    const { consentId, offered } = await finishConsent(deps, { url: back, ...session })
    const { id } = await chooseBook(deps, { consentId, bookId: offered[0]?.bookId ?? '', actor })
    const { mapping } = await makeCreditAccount(deps, { connectionId: id, networkId, kind: 'bank', actor })
    await saveMapping(deps, { connectionId: id, networkId, mapping: mapping.draft, ifVersion: mapping.version, actor })
    await worker((tx) => setAskFirst(tx, clock, { connectionId: id, askFirst: 0, actor }))
    return member
  }

  return {
    network,
    members,
    get deps() {
      return deps
    },
    worker,
    database,
    moveTo(url: string) {
      deps = over(url)
    },
    /** A copy of the database as it is now, and of nothing that comes after. */
    async standby(): Promise<string> {
      open.delete(deps.db)
      await deps.db.close()
      const copied = await databaseFrom(new URL(deps.db.url).pathname.slice(1))
      onTestFinished(() => copied.drop())
      deps = over(deps.db.url)
      return copied.url
    },
    /** No vendor remembers a key of ours any more, nor from now on. */
    async forgetKeys(): Promise<void> {
      for (const { url } of [xero, quickbooks])
        await fetch(`${url}/control/faults`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ knob: 'forgetKeys', times: -1 }),
        })
    },
    /** What a command of its own needs to find the same books. */
    environment: (url: string) => ({
      ...{ DATABASE_URL: url, QUITS_MASTER_KEY: Buffer.from(masterKey).toString('hex'), PUBLIC_URL: publicUrl },
      ...{ XERO_CLIENT_ID: xeroApp.clientId, XERO_CLIENT_SECRET: xeroApp.clientSecret },
      ...{ XERO_IDENTITY_URL: xero.url, XERO_API_URL: xero.url, QUICKBOOKS_API_URL: quickbooks.url },
      ...{ QUICKBOOKS_CLIENT_ID: quickbooksApp.clientId, QUICKBOOKS_CLIENT_SECRET: quickbooksApp.clientSecret },
      QUICKBOOKS_DISCOVERY_URL: discoveryUrl,
    }),
    /** Sold by the joinery to the bakery and accepted; gives the invoice's number. */
    async sell(pence: bigint): Promise<string> {
      const trade = await propose(deps, {
        ...{ networkId: network.id, id: newId(at), actor, proposedBy: 'seller', source: 'page', currency: 'GBP' },
        ...{ sellerMemberId: members.xero.id, buyerMemberId: members.quickbooks.id, description: 'Shelves', part: {} },
        lines: [{ description: 'Shelves', netMinor: pence, treatment: 'outside' }],
        tradedOn: dayIn(network.timeZone, at),
        ...{ linkedInvoice: null, linkedBill: null },
      })
      const ask = { networkId: network.id, tradeId: trade.id, actor, side: 'buyer' as const, confirmTreatment: false }
      await recordTrade(deps, ask)
      const row = await worker((tx) => tx.trade.findFirstOrThrow({ where: { id: trade.id } }))
      return row.invoiceNumber ?? ''
    },
    async deliver(): Promise<void> {
      const mostRounds = 20
      for (let round = 0; round < mostRounds; round += 1) {
        await deps.db.pool.query("update lane set due_at = quits_now() where kind = 'book' and leased_until is null")
        await deps.db.pool.query(
          "update delivery set due_at = quits_now() where state = 'waiting' and due_at > quits_now()",
        )
        await deliverDue(deps)
        const { rows } = await deps.db.pool.query("select from delivery where state in ('waiting', 'sending')")
        if (rows.length === 0) return
      }
      const { rows } = await deps.db.pool.query(
        "select kind, reference, state, look_first, fails from delivery where state in ('waiting', 'sending')",
      )
      throw new Error(`deliveries never come to rest: ${JSON.stringify(rows)}`)
    },
    /** Every living document of ours that this book holds, read whole. */
    async documents(vendor: Vendor): Promise<BookDocument[]> {
      const { organisationId } = members[vendor]
      const { id } = await worker((tx) => tx.connection.findFirstOrThrow({ where: { organisationId } }))
      return withGrant(deps, id, async (grant, connector) => {
        const found: BookDocument[] = []
        for await (const page of connector.changes(grant, null))
          found.push(...page.documents.filter((one) => isMarker(one) && !['voided', 'deleted'].includes(one.status)))
        return found
      })
    },
  }
}
