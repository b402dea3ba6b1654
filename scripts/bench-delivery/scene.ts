/**
 * What delivery is measured on: a database, the two stand-ins with every published limit enforced, and pairs of members whose
 * books are really connected: consent, account, mapping, nothing to say yes to.
 */
import { quickbooksConnector } from '../../connectors/quickbooks/connector.ts'
import { xeroConnector } from '../../connectors/xero/connector.ts'
import { beginConsent, chooseBook, finishConsent } from '../../src/books/connect.ts'
import { setAskFirst } from '../../src/books/connection.ts'
import { makeCreditAccount, saveMapping } from '../../src/books/mapping.ts'
import { giveConsent as allow } from '../../src/demo/visitor.ts'
import { type Clock, machineClock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { openLog } from '../../src/kit/log.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { callsSeen } from '../../src/outbox/calls-seen.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { giveConsent } from '../../src/trades/standing-consent.ts'
import { type QuickBooksStandIn, startQuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { startXeroStandIn, type XeroStandIn } from '../../stand-ins/xero/server.ts'
import { openNetwork } from '../bench/site.ts'
import { admitMembers } from '../bench/trade-site.ts'

export type Vendor = 'xero' | 'quickbooks'
export const apps = {
  xero: { clientId: 'xero-bench', clientSecret: 'xero-bench-secret' },
  quickbooks: { clientId: 'quickbooks-bench', clientSecret: 'quickbooks-bench-secret' },
}
export const publicUrl = 'http://localhost:4600'
export const masterKey = new Uint8Array(32).fill(7)
const aMonthMinor = 900_000_000_000n

export type Firm = { memberId: Uuid; organisationId: Uuid; vendor: Vendor | null; bookId: string | null }
export type Pair = { seller: Firm; buyer: Firm }
export type Scene = {
  url: string
  db: Db
  networkId: Uuid
  xero: XeroStandIn
  quickbooks: QuickBooksStandIn
  pairs: Pair[]
  /** Members besides, without a book. */
  others: Firm[]
  /** As a service just started knows it: nothing is kept in its connectors yet. */
  deps(clock?: Clock): OutboxDeps
  end(): Promise<void>
}

type Wanted = { seller: Vendor | null; buyer: Vendor | null }
const connectedAtOnce = 2

/** Each pair names whose manners the seller's and the buyer's book have; null: no book. */
export async function openScene(url: string, wanted: Wanted[], others = 0): Promise<Scene> {
  const names = (vendor: Vendor) =>
    wanted.flatMap((pair, place) =>
      (['seller', 'buyer'] as const).flatMap((side) => (pair[side] === vendor ? [nameOf(place, side)] : [])),
    )
  const xero = await startXeroStandIn({
    ...apps.xero,
    organisations: names('xero').map((name) => ({ name, vat: 'none' as const, plan: 'STANDARD' as const })),
  })
  const quickbooks = await startQuickBooksStandIn({
    ...apps.quickbooks,
    organisations: names('quickbooks').map((name) => ({ name })),
  })
  const db = openDb(url)
  const deps = (clock: Clock = machineClock): OutboxDeps =>
    depsOf(db, clock, { xero: xero.url, quickbooks: quickbooks.url })
  const networkId = await openNetwork(db, 'delivery', 'uk-business')
  await admitMembers(db, networkId, wanted.length * 2 + others)
  const members = await inTransaction(db, asWorker, (tx) =>
    tx.member.findMany({ where: { networkId }, orderBy: { invoicePrefix: 'asc' } }),
  )
  const pairs: Pair[] = []
  for (let at = 0; at < wanted.length; at += connectedAtOnce)
    pairs.push(
      ...(await Promise.all(
        wanted
          .slice(at, at + connectedAtOnce)
          .map((pair, place) => openPair(deps, networkId, members, pair, at + place)),
      )),
    )
  return {
    url,
    db,
    networkId,
    xero,
    quickbooks,
    pairs,
    others: members
      .slice(wanted.length * 2)
      .map(({ id, organisationId }) => ({ memberId: id, organisationId, vendor: null, bookId: null })),
    deps,
    async end() {
      await db.close()
      await Promise.all([xero.close(), quickbooks.close()])
    },
  }
}

async function openPair(
  deps: () => OutboxDeps,
  networkId: Uuid,
  members: { id: Uuid; organisationId: Uuid }[],
  pair: Wanted,
  place: number,
): Promise<Pair> {
  const [seller, buyer] = (['seller', 'buyer'] as const).map((side, at): Firm => {
    const member = members[place * 2 + at]
    invariant(member, 'a member is missing')
    return { memberId: member.id, organisationId: member.organisationId, vendor: pair[side], bookId: null }
  })
  invariant(seller && buyer, 'a pair has two sides')
  await inTransaction(deps().db, asWorker, (tx) =>
    giveConsent(tx, machineClock, {
      networkId,
      memberId: buyer.memberId,
      fromMemberId: seller.memberId,
      side: 'buyer',
      aMonthMinor,
      actor: 'quits',
    }),
  )
  seller.bookId = await connect(deps(), networkId, seller, nameOf(place, 'seller'))
  buyer.bookId = await connect(deps(), networkId, buyer, nameOf(place, 'buyer'))
  return { seller, buyer }
}

const nameOf = (place: number, side: string) => `Firm ${place + 1} (${side})`

export function depsOf(db: Db, clock: Clock, vendors: Record<Vendor, string>): OutboxDeps {
  const calls = callsSeen()
  const told = { now: () => clock.now(), onCall: calls.note }
  return {
    db,
    clock,
    calls,
    log: openLog('silent'),
    seal: sealWith([masterKey]),
    connectors: {
      xero: xeroConnector({
        ...apps.xero,
        ...told,
        redirectUri: `${publicUrl}/connect/xero/callback`,
        identityUrl: vendors.xero,
        apiUrl: vendors.xero,
      }),
      quickbooks: quickbooksConnector({
        ...apps.quickbooks,
        ...told,
        redirectUri: `${publicUrl}/connect/quickbooks/callback`,
        discoveryUrl: `${vendors.quickbooks}/.well-known/openid_configuration`,
        apiUrl: vendors.quickbooks,
      }),
    },
    config: { publicUrl },
    worker: `bench/${process.pid}`,
    dice: Math.random,
  }
}

/** Gives the vendor's id of the book. */
async function connect(deps: OutboxDeps, networkId: Uuid, firm: Firm, name: string): Promise<string | null> {
  if (!firm.vendor) return null
  const { organisationId, vendor: kind } = firm
  const session = { actor: 'quits', sessionHash: null }
  const { url } = await beginConsent(deps, { networkId, organisationId, kind, ...session })
  const { consentId, offered } = await finishConsent(deps, { url: await allow(url, name), ...session })
  const book = offered.find((one) => one.bookName === name)
  invariant(book, `${name} was not offered`)
  const { id } = await chooseBook(deps, { consentId, bookId: book.bookId, actor: 'quits' })
  const { mapping } = await makeCreditAccount(deps, { connectionId: id, networkId, kind: 'bank', actor: 'quits' })
  const ask = { connectionId: id, networkId, mapping: mapping.draft, ifVersion: mapping.version, actor: 'quits' }
  await saveMapping(deps, ask)
  await inTransaction(deps.db, asWorker, (tx) =>
    setAskFirst(tx, deps.clock, { connectionId: id, askFirst: 0, actor: 'quits' }),
  )
  return book.bookId
}
