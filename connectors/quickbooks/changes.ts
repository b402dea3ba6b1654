/**
 * What changed in a book: all there is, or what its change feed tells since a cursor.
 *
 * Keeps: the new cursor comes with the last page only, and reaches back a little, so that a reader that stops half-way or
 * whose clock differs loses nothing. Deleted things are told, as far as the feed remembers them (30 days).
 */
import { type BookContact, type BookDocument, BookError, type BookPage, type Cursor, type Grant } from '../port.ts'
import type { Currencies } from './currencies.ts'
import { contactEntities, type DocumentEntity, documentEntities, entities } from './entities.ts'
import { fieldsOf, listAt } from './json.ts'
import { changesInOneAnswer, changesReachBackMs, cursorOverlapMs } from './limits.ts'
import { activeOrNot, pagesOf } from './query.ts'
import { contactFrom, documentFrom, instantOf, isDeleted, namesNoCurrency } from './translate.ts'
import type { Wire } from './wire.ts'

const everything = [...contactEntities, ...documentEntities]
type Name = (typeof everything)[number]
type Rows = { name: Name; rows: unknown[] }

export async function* changes(
  wire: Wire,
  currencies: Currencies,
  grant: Grant,
  since: Cursor,
): AsyncGenerator<BookPage> {
  const nowMs = wire.settings.now().getTime()
  const sinceMs = since === null ? null : Date.parse(since)
  const isOld = sinceMs === null || Number.isNaN(sinceMs) || nowMs - sinceMs > changesReachBackMs
  const from =
    isOld || sinceMs === null ? new Date(nowMs - changesReachBackMs).toISOString() : new Date(sinceMs).toISOString()

  const feed = await changedSince(wire, grant, everything, from)
  const next = cursorAfter(nowMs, feed.time)
  const told = isOld ? everythingWith(wire, grant, feed.rows) : changedRows(wire, grant, feed.rows, from)
  for await (const { name, rows } of told) {
    const page = await pageOf(currencies, grant, name, rows)
    if (page.documents.length + page.contacts.length > 0) yield { ...page, next: since }
  }
  yield { documents: [], contacts: [], next }
}

/** A full reading, and the deleted ones from the feed, which no query shows. */
async function* everythingWith(wire: Wire, grant: Grant, feed: Rows[]): AsyncGenerator<Rows> {
  for (const name of everything) yield* readAll(wire, grant, name)
  yield* deletedOnly(feed)
}

/** An answer that is full may have been cut: then each kind is asked for alone, and read whole where even that is full. */
async function* changedRows(wire: Wire, grant: Grant, feed: Rows[], from: string): AsyncGenerator<Rows> {
  const count = feed.reduce((sum, one) => sum + one.rows.length, 0)
  if (count < changesInOneAnswer) {
    yield* feed
    return
  }
  for (const name of everything) {
    const { rows } = await changedSince(wire, grant, [name], from)
    const isCut = rows.some((one) => one.rows.length >= changesInOneAnswer)
    if (isCut) yield* readAll(wire, grant, name)
    yield* isCut ? deletedOnly(rows) : rows
  }
}

function deletedOnly(feed: Rows[]): Rows[] {
  return feed.map(({ name, rows }) => ({ name, rows: rows.filter(isDeleted) })).filter(({ rows }) => rows.length > 0)
}

async function* readAll(wire: Wire, grant: Grant, name: Name): AsyncGenerator<Rows> {
  const isContact = (contactEntities as string[]).includes(name)
  try {
    for await (const rows of pagesOf(wire, grant, name, isContact ? activeOrNot : '')) yield { name, rows }
  } catch (error) {
    if (name === optional && isUnknownName(error)) return
    throw error
  }
}

/** Refund receipts are never ours, and not every plan has them: a book that knows none of them holds none. */
const optional: DocumentEntity = 'RefundReceipt'
function isUnknownName(error: unknown): boolean {
  if (!(error instanceof BookError)) return false
  return ['query_refused', 'our_mistake', 'plan_limit', 'refused', 'address_unknown'].includes(error.facts.cause)
}

export async function changedSince(
  wire: Wire,
  grant: Grant,
  names: Name[],
  from: string,
): Promise<{ rows: Rows[]; time: string | null }> {
  const ask = (asked: Name[]) => wire.get(grant, 'cdc', { entities: asked.join(','), changedSince: from })
  const { body, time } = await ask(names).catch((error: unknown) => {
    const fewer = names.filter((name) => name !== optional)
    if (fewer.length === names.length || fewer.length === 0 || !isUnknownName(error)) throw error
    return ask(fewer)
  })
  const answers = listAt(body, 'CDCResponse').flatMap((one) => listAt(one, 'QueryResponse'))
  const rows = answers.flatMap((answer) =>
    Object.keys(fieldsOf(answer)).flatMap((field) => {
      const name = names.find((one) => one === field)
      return name ? [{ name, rows: listAt(answer, field) }] : []
    }),
  )
  return { rows, time }
}

async function pageOf(
  currencies: Currencies,
  grant: Grant,
  name: Name,
  rows: unknown[],
): Promise<Omit<BookPage, 'next'>> {
  if (name === 'Customer' || name === 'Vendor') {
    const contacts: BookContact[] = rows.map((row) => contactFrom(name, row))
    return { documents: [], contacts }
  }
  const home = rows.some((row) => namesNoCurrency(row) && !isDeleted(row)) ? await currencies.home(grant) : ''
  const documents: BookDocument[] = rows.map((row) => documentFrom(entities[name], row, home))
  return { documents, contacts: [] }
}

/** The earlier of their clock and ours, and a little before it. */
function cursorAfter(nowMs: number, time: string | null): string {
  const theirs = instantOf(time)
  const startedMs = theirs === null ? nowMs : Math.min(nowMs, Date.parse(theirs))
  return new Date(startedMs - cursorOverlapMs).toISOString()
}
