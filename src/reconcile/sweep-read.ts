/**
 * What a sweep reads: of the book what bears a marker of ours or is known by its receipt, of the outbox what belongs to it.
 *
 * Keeps: live trades go first. The calls are taken from the book's one budget, the part kept for live trades left alone;
 * a book with live deliveries at its door is put off. The lane is not held: a worker goes on beside it.
 */
import {
  type BookConnector,
  type BookContact,
  type BookDocument,
  BookError,
  type Cursor,
} from '../../connectors/port.ts'
import type { Connectors } from '../books/connectors.ts'
import { withGrant } from '../books/grants.ts'
import { rest } from '../kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Budget, openBudget, take } from '../outbox/budget.ts'
import { type Delivery, deliveryFrom } from '../outbox/delivery.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'
import { place } from './compare.ts'
import { isMarker } from './marker.ts'

export type BookToSweep = { connectionId: Uuid; organisationId: Uuid; kind: keyof Connectors }
/** Called after each step of a reading that may be long: whoever holds something meanwhile goes on holding it. */
export type Keep = () => Promise<void>
export type ReadBook = { documents: BookDocument[]; contacts: BookContact[]; next: Cursor; seen: number }

/** What reading changes costs at least: a call for each kind of thing. */
const callsAtFirst = 8
/** A page's calls are asked for before it is read; a longer wait than this is told to whoever asked. */
const longestWaitMs = 75_000
const mostWaits = 20

/** Everything since the cursor (null: the whole book), of which only what concerns us is kept. */
export async function readBook(
  deps: OutboxDeps,
  book: BookToSweep,
  since: Cursor,
  isKnown: (document: BookDocument) => boolean,
  keep: Keep,
): Promise<ReadBook> {
  return withGrant(deps, book.connectionId, async (grant, connector) => {
    await payFor(deps, book, connector, callsAtFirst, keep)
    const byPlace = new Map<string, BookDocument>()
    const contacts: BookContact[] = []
    let next = since
    let seen = 0
    let pages = 0
    for await (const page of connector.changes(grant, since)) {
      pages += 1
      await keep()
      if (pages > callsAtFirst) await payFor(deps, book, connector, 1, keep)
      seen += page.documents.length
      for (const document of page.documents) {
        if (!isMarker(document) && !isKnown(document)) continue
        const key = place(document.kind, document.id)
        const known = byPlace.get(key)
        // A page may show a thing twice when rows shift while they are read: the newest state counts.
        if (!known || known.updatedAt <= document.updatedAt) byPlace.set(key, document)
      }
      contacts.push(...page.contacts)
      next = page.next
    }
    return { documents: [...byPlace.values()], contacts, next, seen }
  })
}

/** Waits until the book's budget has so many calls to spare for what is not live, and takes them. */
async function payFor(
  deps: OutboxDeps,
  book: BookToSweep,
  connector: BookConnector,
  calls: number,
  keep: Keep,
): Promise<void> {
  for (let waits = 0; waits < mostWaits; waits += 1) {
    const waitMs = await inTransaction(deps.db, asWorker, (tx) => takeCalls(tx, book, connector, calls))
    if (waitMs === 0) return
    if (waitMs > longestWaitMs) throw tooBusy(waitMs)
    await rest(deps.clock, waitMs)
    await keep()
  }
  throw tooBusy(longestWaitMs)
}

/** A worker that holds the lane counts for itself, and learns from the vendor's answers what we spend beside it. */
async function takeCalls(
  tx: Tx,
  { organisationId }: BookToSweep,
  { limits }: BookConnector,
  calls: number,
): Promise<number> {
  const rows = await tx.$queryRaw<{ budget: unknown; now: Date }[]>`
    select budget, quits_now() as now from lane
     where id = ${organisationId}::uuid and (leased_until is null or leased_until <= quits_now()) for update skip locked`
  const row = rows[0]
  if (!row) return 0
  const nowMs = row.now.getTime()
  const { waitMs, budget } = take(
    budgetIn(row.budget) ?? openBudget(limits, nowMs),
    limits,
    { calls, live: false },
    nowMs,
  )
  await tx.$executeRaw`
    update lane set budget = ${JSON.stringify(budget)}::jsonb where id = ${organisationId}::uuid`
  return waitMs
}

function budgetIn(stored: unknown): Budget | null {
  return typeof stored === 'object' && stored !== null && 'tokens' in stored && 'atMs' in stored
    ? (stored as Budget)
    : null
}

function tooBusy(waitMs: number): BookError {
  const facts = { cause: 'budget_spent', said: '', status: null, vendorCode: null, callId: null, waitMs }
  return new BookError('throttled', facts)
}

/** Something live is due and may go: the sweep comes later. */
export async function isBusy(
  tx: Tx,
  { organisationId, connectionId }: Pick<BookToSweep, 'organisationId' | 'connectionId'>,
): Promise<boolean> {
  const rows = await tx.$queryRaw<{ busy: boolean }[]>`
    select exists (select 1 from delivery d join connection c on c.id = ${connectionId}::uuid and c.state = 'live'
                    where d.organisation_id = ${organisationId}::uuid and d.live and d.state in ('waiting', 'sending')
                      and d.due_at <= quits_now()
                      and d.network_id in (select network_id from member where organisation_id = ${organisationId}::uuid)) as busy`
  return rows[0]?.busy === true
}

/** What a document in the book may be ours by. */
type Marks = { references: string[]; documentIds: string[] }
const pageSize = 1_000

/** All deliveries to this book, or those that bear one of these marks; contacts bear none. */
export async function deliveriesOf(tx: Tx, organisationId: Uuid, marks: Marks | 'all'): Promise<Delivery[]> {
  const rows =
    marks === 'all'
      ? await tx.$queryRaw<{ network_id: Uuid; id: Uuid }[]>`
          select d.network_id, d.id from delivery d join member m on m.network_id = d.network_id and m.organisation_id = d.organisation_id
           where d.organisation_id = ${organisationId}::uuid and d.kind <> 'contact' order by d.promised_at, d.id`
      : await tx.$queryRaw<{ network_id: Uuid; id: Uuid }[]>`
          select d.network_id, d.id from delivery d join member m on m.network_id = d.network_id and m.organisation_id = d.organisation_id
           where d.organisation_id = ${organisationId}::uuid and d.kind <> 'contact'
             and (d.reference = any (${marks.references}::text[]) or d.receipt ->> 'id' = any (${marks.documentIds}::text[]))
           order by d.promised_at, d.id`
  const found: Delivery[] = []
  for (let from = 0; from < rows.length; from += pageSize) {
    const page = rows.slice(from, from + pageSize)
    const whole = await tx.delivery.findMany({
      where: {
        networkId: { in: [...new Set(page.map((row) => row.network_id))] },
        id: { in: page.map((row) => row.id) },
      },
      orderBy: [{ promisedAt: 'asc' }, { id: 'asc' }],
    })
    found.push(...whole.map(deliveryFrom))
  }
  return found
}

/** Where each delivered document stands, as kind:id. */
export async function knownPlaces(tx: Tx, organisationId: Uuid): Promise<Set<string>> {
  const rows = await tx.$queryRaw<{ place: string }[]>`
    select (d.receipt ->> 'kind') || ':' || (d.receipt ->> 'id') as place from delivery d
      join member m on m.network_id = d.network_id and m.organisation_id = d.organisation_id
     where d.organisation_id = ${organisationId}::uuid and d.receipt is not null`
  return new Set(rows.map((row) => row.place))
}
