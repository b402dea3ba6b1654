/**
 * The ground of the fault tests: a bakery with Xero and a mill with QuickBooks (and their two neighbours), connected by the real
 * connectors to the stand-ins, every published limit enforced, and known to each other: each has sold to the other once.
 *
 * Keeps: one clock for service, database and vendors, which moves only when it is told to or when a call takes its time; the books
 * are asked past the outbox, and every oracle is asked with them.
 */
import { expect, inject } from 'vitest'
import type { BookDocument, VatTreatment } from '../../connectors/port.ts'
import { brokenOracles } from '../../scripts/simulate/oracles.ts'
import type { OwnTime } from '../../scripts/simulate/own-time.ts'
import { actor, buildTown, type Firm, type Town, type Vendor } from '../../scripts/simulate/town.ts'
import type { Cut, Done } from '../../scripts/simulate/worker-in-hand.ts'
import { openWorld } from '../../scripts/simulate/world.ts'
import { withGrant } from '../../src/books/grants.ts'
import { dayIn } from '../../src/kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../../src/kit/db.ts'
import { newId, type Uuid } from '../../src/kit/ids.ts'
import { newTerms } from '../../src/networks/terms.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import { retryDelivery } from '../../src/outbox/move-delivery.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { groundsOf } from '../../src/trades/grounds.ts'
import { proposalsOf, propose } from '../../src/trades/propose.ts'
import { acceptancesOf, recordTrade } from '../../src/trades/record-trade.ts'
import { askReversal } from '../../src/trades/reverse-trade.ts'
import type { Fault } from '../../stand-ins/kit/faults.ts'
import type { SeenRequest } from '../../stand-ins/kit/requests.ts'
import { TEMPLATE } from '../support/db.ts'

export type { Vendor } from '../../scripts/simulate/town.ts'
export const vendors = ['xero', 'quickbooks'] as const
export const otherThan = (vendor: Vendor): Vendor => (vendor === 'xero' ? 'quickbooks' : 'xero')
export type Ground = Awaited<ReturnType<typeof openGround>>
export type DeliveryRow = {
  id: Uuid
  kind: string
  reference: string
  state: string
  attempts: number
  generation: number
  fails: number
  lookFirst: boolean
  cause: string | null
  facts: Record<string, unknown> | null
  receiptId: string | null
}
export type AttemptRow = {
  kind: string
  verb: string
  outcome: string | null
  cause: string | null
  said: string | null
  key: string
}

/** A little longer than a lease. */
export const leaseMs = 121_000
const mostRounds = 400

/** The call that writes an invoice alone, and those that write several things at once. */
export const ofInvoice = {
  xero: { method: 'PUT', path: '/Invoices' },
  quickbooks: { method: 'POST', path: '/invoice\\?' },
}
export const ofInvoices = { ...ofInvoice, quickbooks: { method: 'POST', path: '/(batch|invoice)\\b' } }

/** Built once for all the files that one test process runs; each opens a copy. */
let town: Promise<Town> | null = null
function theTown(): Promise<Town> {
  town ??= buildTown({
    ...{ clusterUrl: inject('clusterUrl'), migrated: TEMPLATE, home: inject('runHome') },
    async before({ deps, time, networkId, firms }) {
      // Without fees, a trade is one document and its payment in each book: what comes first is the document.
      await inTransaction(deps.db, asWorker, (tx) =>
        newTerms(tx, deps.clock, { networkId, change: { fees: [] }, actor }),
      )
      const { proposeSale, accept } = salesOf(deps, networkId, firms)
      for (const vendor of vendors) await accept(await proposeSale(vendor))
      await workOn(
        time,
        (text) => deps.db.pool.query(text).then(({ rows }) => rows),
        () => deliverDue(deps),
      )
    },
  })
  return town
}

/** One for each test file: opened before its tests, ended after them. `calm` between two of them. */
export async function openGround() {
  const town = await theTown()
  // Another chance than the town was built with: or its ids would be drawn once more.
  const world = await openWorld(town, 2)
  const { time, query } = world
  // A copy's time begins where the town's began: past all that has happened there.
  await time.advance(60 * 60_000)
  const { networkId } = town
  const { deps } = world.desk
  const firm = (vendor: Vendor) => firmIn(town.firms, vendor)
  const seen = (vendor: Vendor): SeenRequest[] =>
    vendor === 'xero' ? world.vendors.xero.control.requests.since() : world.vendors.quickbooks.control.requests()

  const { proposeSale, proposeLines, accept } = salesOf(deps, networkId, town.firms)

  /** Sold to the firm with the other vendor and accepted: gives the trade's id. Nothing has left yet. */
  async function sell(seller: Vendor, netMinor?: bigint): Promise<Uuid> {
    const id = await proposeSale(seller, netMinor)
    await accept(id)
    return id
  }

  /** The same of several lines, between any two. */
  async function sellLines(from: Firm, to: Firm, nets: readonly bigint[], treatment?: VatTreatment): Promise<Uuid> {
    const id = await proposeLines(from, to, nets, treatment)
    await accept(id)
    return id
  }

  async function reverse(tradeId: Uuid): Promise<void> {
    const ask = { networkId, tradeId, actor, reason: 'came back' }
    const judging = { ...deps, grounds: groundsOf(deps.db) }
    await askReversal(judging, { ...ask, side: 'seller' })
    await askReversal(judging, { ...ask, side: 'buyer' })
  }

  /** Worker `place` serves what is due now, and no more: to its end, or to what befalls it. One that died is replaced. */
  const work = (cut?: Cut, place = 0): Promise<Done<number>> =>
    world.worker(place).step((given) => deliverDue(given, { limit: 20 }), cut)

  /** With a token that is fresh: the calls that a cut or a trouble counts are those of the work. */
  const signedIn = (vendor: Vendor): Promise<void> => withGrant(deps, firm(vendor).connectionId, async () => undefined)

  /** The same, of this vendor's book alone, at once: to its end, or to what befalls the worker. */
  async function workAt(vendor: Vendor, cut?: Cut, place = 0): Promise<Done<number>> {
    await signedIn(vendor)
    await query(
      "update lane set due_at = quits_now() - interval '1 day' where id = $1 and kind = 'book' and leased_until is null",
      [firm(vendor).organisationId],
    )
    return world.worker(place).step((given) => deliverDue(given, { limit: 1 }), cut)
  }

  /** Works on, time moving to what is due next, until nothing may go any more. */
  const deliver = (place = 0): Promise<void> =>
    workOn(time, query, async () => {
      const done = await work(undefined, place)
      if (done.is === 'failed') throw done.error
    })

  /** What is promised to books, of these trades or of all, in the order promised. */
  function deliveries(tradeIds: Uuid[] | null = null, vendor: Vendor | null = null): Promise<DeliveryRow[]> {
    return query<DeliveryRow>(
      `select id, kind, reference, state, attempts, generation, fails, look_first as "lookFirst", parked_cause as cause,
              parked_facts as facts, receipt ->> 'id' as "receiptId"
         from delivery where ($1::uuid[] is null or trade_id = any ($1)) and ($2::uuid is null or organisation_id = $2)
        order by promised_at, id`,
      [tradeIds, vendor ? firm(vendor).organisationId : null],
    )
  }

  /** The tries of a trade's deliveries in one book, in the order begun. */
  function attempts(tradeId: Uuid, vendor: Vendor): Promise<AttemptRow[]> {
    return query<AttemptRow>(
      `select d.kind, t.verb, t.outcome, t.cause, t.said, t.key from attempt t join delivery d on d.network_id = t.network_id and d.id = t.delivery_id
        where d.trade_id = $1 and d.organisation_id = $2 order by t.started_at, t.number, d.id`,
      [tradeId, firm(vendor).organisationId],
    )
  }

  /** The one promise of that kind to that book. */
  async function one(tradeId: Uuid, vendor: Vendor, kind = 'invoice'): Promise<DeliveryRow> {
    const found = (await deliveries([tradeId], vendor)).find((row) => row.kind === kind)
    if (!found) throw new Error(`${vendor} was promised no ${kind}`)
    return found
  }
  /** How its tries went, as verb and outcome. */
  const verbs = async (tradeId: Uuid, vendor: Vendor, kind = 'invoice') =>
    (await attempts(tradeId, vendor)).filter((row) => row.kind === kind).map((row) => [row.verb, row.outcome])
  const states = async (tradeId: Uuid, vendor: Vendor) =>
    (await deliveries([tradeId], vendor)).map(({ kind, state }) => `${kind} ${state}`).sort()

  /** Every document that stands in that firm's book, read whole. */
  async function documents(vendor: Vendor): Promise<BookDocument[]> {
    return withGrant(deps, firm(vendor).connectionId, async (grant, connector) => {
      const found = new Map<string, BookDocument>()
      for await (const page of connector.changes(grant, null))
        for (const one of page.documents) found.set(`${one.kind}:${one.id}`, one)
      return [...found.values()].filter(({ status }) => status !== 'voided' && status !== 'deleted')
    })
  }

  const standing = async (vendor: Vendor, reference: string) =>
    (await documents(vendor)).filter((document) => document.reference === reference)

  /** Every promise of these trades is kept, and each of their documents stands once in its book. */
  async function expectOnce(...tradeIds: Uuid[]): Promise<void> {
    const rows = await deliveries(tradeIds)
    expect(rows.length).toBeGreaterThanOrEqual(tradeIds.length * 4)
    expect(rows.filter((one) => one.state !== 'delivered')).toEqual([])
    for (const vendor of vendors) {
      const ours = await deliveries(tradeIds, vendor)
      const references = new Set(ours.map((one) => one.reference))
      const standing = (await documents(vendor)).filter((one) => references.has(one.reference ?? ''))
      const named = (all: { kind: string; reference: string | null }[]) =>
        all.map((one) => `${one.kind} ${one.reference}`).sort()
      expect(named(standing)).toEqual(named(ours.filter((one) => one.kind !== 'contact' && one.kind !== 'allocation')))
    }
  }

  /** Every oracle of the simulator, asked of both books. `isTouched`: people have changed them. */
  async function expectOracles({ isTouched = false } = {}): Promise<void> {
    const asked = { deps, networkId, isTouched, secrets: [...world.secrets], said: world.said, mostAttempts: 60 }
    expect(await brokenOracles({ ...asked, books: vendors.map(firm) })).toEqual([])
  }

  const worker = <T>(deed: (tx: Tx) => Promise<T>): Promise<T> => inTransaction(deps.db, asWorker, deed)
  /** A person asks for it again. */
  const retry = ({ id }: DeliveryRow) => worker((tx) => retryDelivery(tx, { networkId, id }))
  /** What a person does in that firm's book. */
  const edit = (vendor: Vendor, deed: Record<string, unknown>) =>
    world.vendors[vendor].control.edit(firm(vendor).bookId, deed) as Record<string, unknown>
  /** As if the vendors took so many in one call of worker `place`. */
  function inCallsOf(inOneCall: number, place: number): void {
    const { connectors } = world.worker(place).deps
    for (const kind of vendors) {
      const connector = connectors[kind]
      if (connector) connectors[kind] = { ...connector, limits: { ...connector.limits, inOneCall } }
    }
  }

  function fault(vendor: Vendor, one: Fault): void {
    if (vendor === 'xero') world.vendors.xero.control.faults.add(one)
    else world.vendors.quickbooks.control.fault(one)
  }
  function clearFaults(): void {
    world.troubles.length = 0
    world.vendors.xero.control.faults.clear()
    world.vendors.quickbooks.control.clearFaults()
  }

  /** The number of a vendor's last request: what comes after it is of this test. */
  const mark = (vendor: Vendor): number => seen(vendor).at(-1)?.number ?? 0
  /** What that vendor was asked after that, token endpoint apart. */
  const asked = (vendor: Vendor, since: number): SeenRequest[] =>
    seen(vendor).filter((one) => one.number > since && !/token|bearer|authorize|consent|connections/.test(one.path))
  /** Those that would write: Xero is put to, QuickBooks is posted to. */
  const writes = (vendor: Vendor, since: number): SeenRequest[] =>
    asked(vendor, since).filter((one) => one.method !== 'GET' && !/\/query$/.test(one.path))
  const invoicesWritten = (vendor: Vendor, since: number) =>
    writes(vendor, since).filter((one) => /\/invoices?$/i.test(one.path))

  return {
    ...{ town, world, deps, time, query, networkId, firm, vendors: world.vendors },
    ...{ proposeSale, accept, sell, sellLines, reverse, work, workAt, signedIn, deliver },
    ...{ deliveries, attempts, one, verbs, states, documents, standing },
    ...{ expectOnce, expectOracles },
    ...{ worker, retry, edit, inCallsOf, fault, clearFaults, mark, asked, writes, invoicesWritten },
    /** Faults end and what waits goes: before the next test of the file. */
    async calm(): Promise<void> {
      clearFaults()
      const held = world.heldUp()
      if (held) await held.letGo()
      await deliver()
      // Each test has a minute's calls before it.
      await time.advance(61_000)
    },
    /** Not before every oracle holds. */
    async end(told: { isTouched?: boolean } = {}): Promise<void> {
      try {
        clearFaults()
        await deliver()
        await expectOracles(told)
      } finally {
        await world.end()
      }
    },
  }
}

/** The one of the two with that vendor who trades. */
function firmIn(firms: readonly Firm[], vendor: Vendor): Firm {
  const found = firms.find((one) => one.vendor === vendor && one.isRegistered)
  if (!found) throw new Error(`nobody keeps ${vendor}`)
  return found
}

function salesOf({ db, clock }: OutboxDeps, networkId: Uuid, firms: readonly Firm[]) {
  const deps = { db, clock, acceptances: acceptancesOf(db), proposals: proposalsOf(db) }
  /** Proposed only: nothing is promised to a book yet. */
  async function proposeLines(from: Firm, to: Firm, nets: readonly bigint[], treatment: VatTreatment = 'standard') {
    const id = newId(clock.now())
    await propose(deps, {
      ...{ networkId, id, actor, proposedBy: 'seller', source: 'page', currency: 'GBP', part: {} },
      ...{ sellerMemberId: from.memberId, buyerMemberId: to.memberId },
      ...{ description: 'Goods of the day', tradedOn: dayIn('Europe/London', clock.now()) },
      lines: nets.map((netMinor, place) => ({ description: `Sacks ${place + 1}`, netMinor, treatment })),
      ...{ linkedInvoice: null, linkedBill: null },
    })
    return id
  }
  return {
    proposeLines,
    proposeSale: (seller: Vendor, netMinor = 10_000n) =>
      proposeLines(firmIn(firms, seller), firmIn(firms, otherThan(seller)), [netMinor]),
    accept: (tradeId: Uuid) => recordTrade(deps, { networkId, tradeId, actor, side: 'buyer', confirmTreatment: false }),
  }
}

/** A round that finds nothing due lets time go on to what is due next. */
async function workOn(
  time: OwnTime,
  query: (text: string) => Promise<Record<string, unknown>[]>,
  round: () => Promise<unknown>,
): Promise<void> {
  for (let rounds = 0; rounds < mostRounds; rounds += 1) {
    await round()
    const [row] = await query(
      `with recursive stuck as (
         select id from delivery where state in ('parked', 'dropped', 'undone')
         union select d.id from delivery d join stuck on stuck.id = any (d.depends_on))
       select count(*) as open, (select min(least(due_at, leased_until)) from lane where kind = 'book' and least(due_at, leased_until) < 'infinity') as due
         from delivery d where state in ('waiting', 'sending') and id not in (select id from stuck)
          and exists (select from connection c where c.organisation_id = d.organisation_id and c.state = 'live')`,
    )
    if (!row || row.open === '0' || !(row.due instanceof Date)) return
    await time.advance(row.due.getTime() - time.now().getTime() + 1)
  }
  throw new Error('deliveries never come to rest')
}
