/**
 * What changed in a book: all there is, or what its change feed tells since a cursor.
 *
 * Keeps: the new cursor comes with the last page only, and reaches back a little, so that a reader that stops half-way or
 * whose clock differs loses nothing. Deleted things are told, as far as the feed remembers them (30 days).
 */
import { type BookContact, type BookDocument, BookError, type BookPage, type Cursor, type Grant } from '../port.ts'
import type { Currencies } from './currencies.ts'
import { contactEntities, documentEntities, entities } from './entities.ts'
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
  const next = cursorAfter(nowMs, feed?.time ?? null)
  const told =
    isOld || !feed ? everythingWith(wire, grant, feed?.rows ?? []) : changedRows(wire, grant, feed.rows, from)
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
    const rows = (await changedSince(wire, grant, [name], from))?.rows ?? []
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
    if (optional.has(name) && isNotKnown(error)) return
    throw error
  }
}

/** Not every plan has all of them: a book that does not know a kind holds none of it. Without the others no trade can be kept. */
const optional = new Set<Name>([
  'RefundReceipt',
  'SalesReceipt',
  'Transfer',
  'JournalEntry',
  'CreditMemo',
  'VendorCredit',
])
function isNotKnown(error: unknown): boolean {
  if (!(error instanceof BookError)) return false
  return ['query_refused', 'our_mistake', 'plan_limit', 'refused', 'address_unknown'].includes(error.facts.cause)
}

type Feed = { rows: Rows[]; time: string | null }

/** Null when the book has no feed that reaches so far. A kind that it does not know spoils the whole ask, so then each goes alone. */
export async function changedSince(wire: Wire, grant: Grant, names: Name[], from: string): Promise<Feed | null> {
  try {
    return await askFeed(wire, grant, names, from)
  } catch (error) {
    if (!isNotKnown(error)) throw error
    if (names.length === 1) return null
  }
  const feeds: Feed[] = []
  for (const name of names) {
    const feed = await changedSince(wire, grant, [name], from)
    if (!feed && !optional.has(name)) return null
    if (feed) feeds.push(feed)
  }
  return { rows: feeds.flatMap((feed) => feed.rows), time: feeds[0]?.time ?? null }
}

async function askFeed(wire: Wire, grant: Grant, names: Name[], from: string): Promise<Feed> {
  const { body, time } = await wire.get(grant, 'cdc', { entities: names.join(','), changedSince: from })
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
