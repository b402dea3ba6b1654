/**
 * The sweep: all markers of ours in a book against the outbox. Hourly by what changed, nightly the whole book, and first of
 * all after a restore. It is what turns "at least once" into once.
 *
 * Keeps: a trade promised or delivered while the book is read is never called foreign or missing: the outbox is asked after
 * the book, and what is missed is looked for once more by its receipt.
 * Never: writes into a book. A sweep that is cut off begins again where the last one ended.
 */
import { type BookDocument, BookError, type DocumentKind, type Sought } from '../../connectors/port.ts'
import { withGrant } from '../books/grants.ts'
import { mappingShape } from '../books/mapping.ts'
import { dayIn } from '../kit/clock.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Delivery } from '../outbox/delivery.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'
import { lagMs } from '../outbox/policy.ts'
import { isLive, place } from './compare.ts'
import { type Finding, judgeSweep, type Swept, type SweptNetwork } from './sweep-judge.ts'
import { adoptAll, keepFindings, openNewSeries, toldLater } from './sweep-keep.ts'
import { type BookToSweep, deliveriesOf, isBusy, type Keep, knownPlaces, readBook } from './sweep-read.ts'

export type SweepDone = BookToSweep & {
  mode: 'changes' | 'whole'
  documents: number
  adopted: { networkId: Uuid; reference: string; document: BookDocument }[]
  found: Finding[]
  newSeries: number
}
type Asked = BookToSweep & { networks: SweptNetwork[]; cursor: string | null; contactIds: Map<string, string> }

/** Looked for once more in one sweep; what is left is looked for in the next. */
const mostSought = 200
const inOneFind = 50

export async function sweepBook(
  deps: OutboxDeps,
  ask: { organisationId: Uuid; whole: boolean; keep?: Keep },
): Promise<SweepDone> {
  const keep = ask.keep ?? (async () => {})
  const begunAt = deps.clock.now()
  const book = await openSweep(deps, ask)
  const mode = book.cursor === null ? 'whole' : 'changes'
  const known = await inTransaction(deps.db, asWorker, (tx) => knownPlaces(tx, book.organisationId))
  const read = await readBook(deps, book, book.cursor, ({ kind, id }) => known.has(place(kind, id)), keep)
  const { documents } = read
  const marks = {
    references: documents.flatMap(({ reference }) => reference ?? []),
    documentIds: documents.map(({ id }) => id),
  }
  const deliveries = await inTransaction(
    deps.db,
    asWorker,
    (tx) => deliveriesOf(tx, book.organisationId, mode === 'whole' ? 'all' : marks),
    60_000,
  )
  const sought = missed(deliveries, documents, mode, begunAt)
  documents.push(...(await lookOnce(deps, book, sought.slice(0, mostSought), keep)))
  // What could not be looked for is not judged this time.
  const unsure = new Set(sought.slice(mostSought).map(({ id }) => id))
  const swept: Swept = {
    networks: book.networks,
    deliveries: deliveries.filter(({ id, settledAt }) => !unsure.has(id) && !isJustDelivered(settledAt, begunAt)),
    documents,
    contactIds: book.contactIds,
    contacts: read.contacts,
  }
  const told = judgeSweep(swept)
  const adopted = await adoptAll(deps, book.organisationId, told.adopt)
  // A document that is there while its delivery goes by itself a moment later is none of the findings.
  const found = told.found.filter(({ line }) => !isOfJustDelivered(line.document, deliveries, begunAt))
  const newSeries = await inTransaction(
    deps.db,
    asWorker,
    async (tx) => {
      const { connectionId, organisationId, networks } = book
      const looked = {
        ...{ connectionId, organisationId, documents },
        networks: networks.map(({ networkId }) => networkId),
        deliveryIds: swept.deliveries.map(({ id }) => id),
      }
      await keepFindings(tx, deps.clock.now(), looked, found)
      await tx.$executeRaw`
        insert into sweep (connection_id, cursor, swept_at, whole_at) values (${connectionId}::uuid, ${read.next}, ${begunAt}, ${begunAt})
        on conflict (connection_id) do update set cursor = excluded.cursor, swept_at = excluded.swept_at,
          whole_at = case when ${mode} = 'whole' then excluded.whole_at else sweep.whole_at end`
      return openNewSeries(tx, organisationId, found)
    },
    60_000,
  )
  return {
    ...{ connectionId: book.connectionId, organisationId: book.organisationId, kind: book.kind },
    ...{ mode, documents: read.seen, found, newSeries },
    adopted: adopted.map(({ delivery: { networkId, reference }, document }) => ({ networkId, reference, document })),
  }
}

/**
 * Every book that may be read, live or paused, one after the other; one that has live deliveries at its door comes last, and
 * if it still has, an hour later. One that fails does not stop the others.
 */
export async function sweepAll(
  deps: OutboxDeps,
  ask: { whole: boolean },
): Promise<{ done: number; failed: number; putOff: number; adopted: number; found: number }> {
  const told = { done: 0, failed: 0, putOff: 0, adopted: 0, found: 0 }
  let books = await booksToSweep(deps)
  for (const isLast of [false, true]) {
    const busy: BookToSweep[] = []
    for (const book of books) {
      if (await inTransaction(deps.db, asWorker, (tx) => isBusy(tx, book))) {
        busy.push(book)
        continue
      }
      try {
        const done = await sweepBook(deps, { organisationId: book.organisationId, whole: ask.whole })
        told.done += 1
        told.adopted += done.adopted.length
        told.found += done.found.length
      } catch (error) {
        told.failed += 1
        toldLater(deps, book.organisationId, error)
      }
    }
    books = busy
    if (isLast) told.putOff = busy.length
  }
  return told
}

export async function booksToSweep(deps: OutboxDeps): Promise<BookToSweep[]> {
  return inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<BookToSweep[]>`
      select c.id as "connectionId", c.organisation_id as "organisationId", c.kind from connection c
       where c.state in ('live', 'paused') and exists (select 1 from mapping m where m.connection_id = c.id and m.confirmed_at is not null)
       order by c.made_at, c.id`,
  )
}

async function openSweep(deps: OutboxDeps, ask: { organisationId: Uuid; whole: boolean }): Promise<Asked> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const { organisationId } = ask
    const connection = await tx.connection.findFirst({ where: { organisationId, state: { in: ['live', 'paused'] } } })
    if (!connection) throw new Refusal('nothing_to_reconcile', {})
    const connectionId = connection.id
    const mappings = await tx.mapping.findMany({ where: { connectionId, confirmedAt: { not: null } } })
    if (mappings.length === 0) throw new Refusal('nothing_to_reconcile', {})
    const networks: SweptNetwork[] = []
    for (const { networkId, body } of mappings) {
      const { currency, timeZone } = await tx.network.findUniqueOrThrow({ where: { id: networkId } })
      const { creditAccountId } = mappingShape.parse(body)
      networks.push({ networkId, currency, creditAccountId, asOf: dayIn(timeZone, deps.clock.now()) })
    }
    const contacts = await tx.bookContact.findMany({ where: { connectionId } })
    const last = await tx.sweep.findUnique({ where: { connectionId } })
    return {
      ...{ connectionId, organisationId, kind: connection.kind as Asked['kind'], networks },
      cursor: ask.whole ? null : (last?.cursor ?? null),
      contactIds: new Map(contacts.map((one) => [`${one.counterpartId} ${one.role}`, one.bookContactId])),
    }
  })
}

/** Delivered, by our account, and not among what was read: either gone, or not in these pages. */
function missed(deliveries: Delivery[], documents: BookDocument[], mode: SweepDone['mode'], begunAt: Date): Delivery[] {
  const read = new Set(documents.map((one) => place(one.kind, one.id)))
  const marked = new Set(documents.filter(isLive).map(({ reference }) => reference))
  return deliveries.filter(({ state, kind, receipt, settledAt, reference }) => {
    if (state !== 'delivered' || !receipt || receipt.kind === 'contact' || kind === 'allocation') return false
    if (read.has(place(receipt.kind, receipt.id)) || isJustDelivered(settledAt, begunAt)) return false
    // Of changes alone, only where another document bears the same marker is it asked where the first one is.
    return mode === 'whole' || marked.has(reference)
  })
}

/** It may not show yet in what was read, or was put while it was read. */
function isJustDelivered(settledAt: Date | null, begunAt: Date): boolean {
  return settledAt !== null && settledAt.getTime() > begunAt.getTime() - lagMs
}

function isOfJustDelivered(document: BookDocument | null, deliveries: Delivery[], begunAt: Date): boolean {
  return (
    document !== null &&
    deliveries.some((one) => one.reference === document.reference && isJustDelivered(one.settledAt, begunAt))
  )
}

async function lookOnce(deps: OutboxDeps, book: Asked, sought: Delivery[], keep: Keep): Promise<BookDocument[]> {
  if (sought.length === 0) return []
  const found: BookDocument[] = []
  for (let from = 0; from < sought.length; from += inOneFind) {
    const asks = sought.slice(from, from + inOneFind).flatMap(({ receipt }): Sought[] => {
      if (!receipt || receipt.kind === 'contact') return []
      const kind: DocumentKind = receipt.kind
      return [{ by: 'receipt', kind, id: receipt.id }]
    })
    const answers = await withGrant(deps, book.connectionId, (grant, connector) => connector.find(grant, asks))
    found.push(...answers.filter((one) => one !== null))
    await keep()
  }
  return found
}

/** A book that does not answer is a refusal to whoever asked for it. */
export function asRefusal(error: unknown): unknown {
  return error instanceof BookError ? new Refusal('book_does_not_answer', { cause: error.facts.cause }) : error
}
