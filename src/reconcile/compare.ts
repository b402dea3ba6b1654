/**
 * Our documents and theirs → matches and discrepancies. Pure: no reading, no clock.
 *
 * Keeps: the lines add up. The sum of what each line leaves on the mutual-credit account in the ledger, less what it
 * leaves there in the book, is the drift, to the penny; what nobody can name stands on a line of its own.
 *
 * @path reconcile 4/6 judges every document of ours, and everything else found on the account
 */
import type { BookDocument } from '../../connectors/port.ts'
import { type Day, dateOf } from '../kit/clock.ts'
import type { Uuid } from '../kit/ids.ts'
import { sum } from '../kit/money.ts'
import type { Delivery } from '../outbox/delivery.ts'
import { isMarker } from './marker.ts'

const discrepancyKinds = [
  'on_its_way',
  'missing_in_book',
  'missing_in_ledger',
  'amount_differs',
  'vat_differs',
  'date_differs',
  'contact_differs',
  'changed_by_person',
  'voided_by_person',
  'doubled',
  'wrong_account',
  'paid_elsewhere',
  'dated_ahead',
  'opening_balance',
  'foreign_currency',
] as const
export type DiscrepancyKind = (typeof discrepancyKinds)[number]

export type Line = {
  verdict: 'match' | DiscrepancyKind
  /** Names the same disagreement again in the next run. */
  mark: string
  delivery: Delivery | null
  document: BookDocument | null
  /** What stands on the mutual-credit account because of it. */
  ledgerMinor: bigint
  bookMinor: bigint
  ours: Record<string, string> | null
  theirs: Record<string, string> | null
}

export type Compared = { lines: Line[]; ledgerMinor: bigint; bookMinor: bigint; driftMinor: bigint }

export type Ours = {
  deliveries: Delivery[]
  ledgerMinor: bigint
  asOf: Day
  currency: string
  creditAccountId: string
  contactIds: ReadonlyMap<string, string>
  /** What this member's other networks have put into the same book, as kind:id, and what they promised it, as its reference. */
  elsewhere: ReadonlySet<string>
}
export type Theirs = { documents: BookDocument[]; bookMinor: bigint }

export function compare(ours: Ours, theirs: Theirs): Compared {
  const lines = linesUpTo(ours.asOf, ours, theirs)
  const ahead = sum(theirs.documents.map((document) => moveOn(document, ours, endOfTime) - moveOn(document, ours)))
  const bookRest = theirs.bookMinor - sum(lines.map((line) => line.bookMinor))
  // Some books tell a balance that holds what is dated ahead: then those documents explain it, and are shown with it.
  const whole = ahead !== 0n && bookRest === ahead ? linesUpTo(endOfTime, ours, theirs) : lines
  return {
    lines: [...whole, ...leftOver(whole, ours, theirs)],
    ledgerMinor: ours.ledgerMinor,
    bookMinor: theirs.bookMinor,
    driftMinor: ours.ledgerMinor - theirs.bookMinor,
  }
}

const endOfTime: Day = '9999-12-31'

function linesUpTo(countedTo: Day, ours: Ours, theirs: Theirs): Line[] {
  const byId = new Map(theirs.documents.map((document) => [place(document.kind, document.id), document]))
  const named = new Set(ours.deliveries.flatMap((one) => (one.receipt ? [placeOf(one.receipt)] : [])))
  const byReference = new Map<string, BookDocument[]>()
  for (const document of theirs.documents) {
    if (document.reference === null || !isLive(document) || named.has(place(document.kind, document.id))) continue
    byReference.set(document.reference, [...(byReference.get(document.reference) ?? []), document])
  }
  const claimed = new Set<string>()
  /** The one its receipt names; if that is gone or was never told, a live one that bears our reference. */
  const documentOf = (delivery: Delivery): BookDocument | null => {
    const told = delivery.receipt ? (byId.get(placeOf(delivery.receipt)) ?? null) : null
    if (told && isLive(told)) return told
    const kinds: string[] = delivery.receipt ? [delivery.receipt.kind] : kindsOf(delivery)
    const ours = byReference
      .get(delivery.reference)
      ?.find((one) => kinds.includes(one.kind) && !claimed.has(place(one.kind, one.id)))
    return ours ?? told
  }
  const counted = ours.deliveries.filter((one) => one.kind !== 'contact' && one.state !== 'undone')
  const documents = new Map<Uuid, BookDocument | null>()
  for (const delivery of counted) {
    const document = documentOf(delivery)
    documents.set(delivery.id, document)
    if (document) claimed.add(place(document.kind, document.id))
  }
  const lines = counted.map((delivery): Line => {
    const line = lineFor(delivery, documents.get(delivery.id) ?? null, ours, countedTo)
    const paid = delivery.document.what === 'payment' ? documents.get(delivery.document.of) : null
    return paid && isPaidElsewhere(line, paid)
      ? { ...line, verdict: 'paid_elsewhere', mark: `paid_elsewhere ${delivery.id}` }
      : line
  })
  const references = new Set(ours.deliveries.map((delivery) => delivery.reference))
  for (const document of theirs.documents) {
    if (claimed.has(place(document.kind, document.id))) continue
    const line = strangerFor(document, ours, references, countedTo)
    if (line) lines.push(line)
  }
  return lines
}

/** As which documents a promise may stand in a book. */
function kindsOf({ kind }: Delivery): string[] {
  return kind === 'refund' ? ['payment', 'money_spent', 'money_received'] : [kind]
}

/** One promise of ours against what the book holds of it. */
function lineFor(delivery: Delivery, document: BookDocument | null, ours: Ours, countedTo: Day): Line {
  const ledgerMinor = effectOf(delivery)
  const bookMinor = document ? moveOn(document, ours, countedTo) : 0n
  const base = {
    delivery,
    document,
    ledgerMinor,
    bookMinor,
    ours: ourFacts(delivery),
    theirs: document ? theirFacts(document) : null,
  }
  const as = (verdict: Line['verdict']): Line => ({ ...base, verdict, mark: `${verdict} ${delivery.id}` })
  if (delivery.state === 'waiting' || delivery.state === 'sending' || delivery.state === 'parked')
    return as('on_its_way')
  if (delivery.state === 'dropped' && !document) return as('missing_in_book')
  // Some books list no set-offs of their own; what they set off shows in the open amounts of the documents.
  if (!document) return delivery.kind === 'allocation' ? as('match') : as('missing_in_book')
  if (document.status === 'voided' || document.status === 'deleted') return as('voided_by_person')
  return as(differenceIn(delivery, document, ours, bookMinor, ledgerMinor) ?? 'match')
}

/** Our payment is not there (any more), yet the document is settled as if it were. */
function isPaidElsewhere(line: Line, paid: BookDocument): boolean {
  if (line.verdict !== 'missing_in_book' && line.verdict !== 'voided_by_person') return false
  return (
    paid.status !== 'voided' &&
    paid.status !== 'deleted' &&
    paid.openMinor <= paid.totalMinor - (line.ledgerMinor < 0n ? -line.ledgerMinor : line.ledgerMinor)
  )
}

function differenceIn(
  delivery: Delivery,
  document: BookDocument,
  ours: Ours,
  bookMinor: bigint,
  ledgerMinor: bigint,
): DiscrepancyKind | null {
  const promise = delivery.document
  if (promise.what === 'contact') return null
  if (document.currency !== promise.currency) return 'foreign_currency'
  if (ledgerMinor !== 0n) {
    const elsewhere = document.moves.some((move) => move.accountId !== ours.creditAccountId)
    if (bookMinor === 0n && elsewhere) return 'wrong_account'
    if (bookMinor !== ledgerMinor) return document.datedOn > ours.asOf ? 'dated_ahead' : 'amount_differs'
  }
  if ('totalMinor' in promise && document.totalMinor !== BigInt(promise.totalMinor)) return 'amount_differs'
  if ('vatMinor' in promise && !promise.linkedId && document.vatMinor !== BigInt(promise.vatMinor)) return 'vat_differs'
  const isLinked = 'linkedId' in promise && promise.linkedId !== null
  if (!isLinked && promise.what !== 'allocation' && promise.datedOn !== null && document.datedOn !== promise.datedOn)
    return 'date_differs'
  const contactId = ours.contactIds.get(`${promise.counterpartId} ${sideOf(delivery)}`)
  if (contactId && document.contactId && document.contactId !== contactId) return 'contact_differs'
  if ((promise.what === 'invoice' || promise.what === 'bill') && document.status === 'draft') return 'changed_by_person'
  return null
}

/** Something in the book that is not ours: only what touches the mutual-credit account, or doubles a document of ours, is looked at. */
function strangerFor(document: BookDocument, ours: Ours, references: ReadonlySet<string>, countedTo: Day): Line | null {
  const bookMinor = moveOn(document, ours, countedTo)
  const base = { delivery: null, document, ledgerMinor: 0n, bookMinor, ours: null, theirs: theirFacts(document) }
  const as = (verdict: DiscrepancyKind): Line => ({
    ...base,
    verdict,
    mark: `${verdict} ${place(document.kind, document.id)}`,
  })
  if (document.status === 'voided' || document.status === 'deleted' || document.status === 'draft') return null
  const touches = document.moves.some((move) => move.accountId === ours.creditAccountId && move.amountMinor !== 0n)
  if (touches && document.currency !== ours.currency) return as('foreign_currency')
  const isOurs = document.reference !== null && references.has(document.reference)
  if (touches && isOurs) return as('doubled')
  if (touches) return as(document.datedOn > ours.asOf ? 'dated_ahead' : 'missing_in_ledger')
  // What another network of this member has put there is looked at in that network; so is a paper that stands behind ours.
  const isElsewhere =
    ours.elsewhere.has(place(document.kind, document.id)) || ours.elsewhere.has(document.reference ?? '')
  if (isElsewhere || (isOurs && !isPaper(document, ours))) return null
  // Ours by its marker, of a trade that we do not know (any more): a restored backup forgot it.
  if (!isOurs && isMarker(document)) return as('missing_in_ledger')
  const twin = ours.deliveries.find((delivery) => doubles(document, delivery, ours))
  return twin ? { ...as('doubled'), ours: ourFacts(twin) } : null
}

/** The same bill (or invoice) typed in by hand as well: same contact, and the same number or the same total within 30 days. */
function doubles(document: BookDocument, delivery: Delivery, ours: Ours): boolean {
  const promise = delivery.document
  if (
    promise.what !== document.kind ||
    !('linkedId' in promise) ||
    promise.linkedId ||
    delivery.state === 'undone' ||
    delivery.state === 'dropped'
  )
    return false
  if (document.contactId !== ours.contactIds.get(`${promise.counterpartId} ${sideOf(delivery)}`)) return false
  if (document.number !== null && document.number === promise.number) return true
  return (
    document.totalMinor === BigInt(promise.totalMinor) &&
    promise.datedOn !== null &&
    daysApart(document.datedOn, promise.datedOn) <= 30
  )
}

/** What neither side's documents explain: on the ledger's side trades without documents, on the book's an opening balance or entries not read. */
function leftOver(lines: Line[], ours: Ours, theirs: Theirs): Line[] {
  const counted = lines.filter((line) => line.verdict !== 'dated_ahead' || line.ledgerMinor !== 0n)
  const ledgerRest = ours.ledgerMinor - sum(counted.map((line) => line.ledgerMinor))
  const bookRest = theirs.bookMinor - sum(lines.map((line) => line.bookMinor))
  const rests: Line[] = []
  const base = { delivery: null, document: null }
  if (ledgerRest !== 0n)
    rests.push({
      ...base,
      verdict: 'opening_balance',
      mark: 'opening_balance ledger',
      ledgerMinor: ledgerRest,
      bookMinor: 0n,
      ours: { what: 'ledger entries from before the connection, without documents' },
      theirs: null,
    })
  if (bookRest !== 0n)
    rests.push({
      ...base,
      verdict: 'opening_balance',
      mark: 'opening_balance book',
      ledgerMinor: 0n,
      bookMinor: bookRest,
      ours: null,
      theirs: { what: 'opening balance of the account, or entries the book does not list' },
    })
  return rests
}

/** What this promise leaves on the mutual-credit account once it is kept. */
function effectOf(delivery: Delivery): bigint {
  const promise = delivery.document
  switch (promise.what) {
    case 'payment':
      return promise.role === 'customer' ? BigInt(promise.amountMinor) : -BigInt(promise.amountMinor)
    case 'refund':
      return promise.role === 'customer' ? -BigInt(promise.amountMinor) : BigInt(promise.amountMinor)
    case 'money_spent':
      return -BigInt(promise.totalMinor)
    case 'money_received':
      return BigInt(promise.totalMinor)
    default:
      return 0n
  }
}

/** What the document moves on the account up to that day. */
function moveOn(document: BookDocument, ours: Ours, countedTo: Day = ours.asOf): bigint {
  if (!isLive(document) || document.status === 'draft' || document.datedOn > countedTo) return 0n
  return sum(document.moves.filter((move) => move.accountId === ours.creditAccountId).map((move) => move.amountMinor))
}

export function sideOf(delivery: Delivery): 'customer' | 'supplier' {
  const promise = delivery.document
  if ('role' in promise) return promise.role
  return promise.what === 'invoice' || promise.what === 'credit_note' ? 'customer' : 'supplier'
}

function ourFacts(delivery: Delivery): Record<string, string> {
  const promise = delivery.document
  if (promise.what === 'contact') return {}
  return {
    kind: delivery.kind,
    state: delivery.state,
    ...('totalMinor' in promise ? { totalMinor: promise.totalMinor } : { totalMinor: promise.amountMinor }),
    ...('vatMinor' in promise ? { vatMinor: promise.vatMinor } : {}),
    ...('number' in promise && promise.number ? { number: promise.number } : {}),
    ...(promise.datedOn ? { datedOn: promise.datedOn } : {}),
    ...(delivery.droppedReason ? { dropped: delivery.droppedReason } : {}),
    ...(delivery.parkedCause ? { parked: delivery.parkedCause } : {}),
  }
}

function theirFacts(document: BookDocument): Record<string, string> {
  return {
    kind: document.kind,
    status: document.status,
    totalMinor: document.totalMinor.toString(),
    vatMinor: document.vatMinor.toString(),
    openMinor: document.openMinor.toString(),
    datedOn: document.datedOn,
    ...(document.reference ? { reference: document.reference } : {}),
    ...(document.number ? { number: document.number } : {}),
    ...(document.contactName ? { contact: document.contactName } : {}),
    ...(document.deepLink ? { link: document.deepLink } : {}),
  }
}

/** Does one of our deliveries of this very kind bear its reference? Else it only stands behind one (a bill that a fee is paid through). */
function isPaper(document: BookDocument, ours: Ours): boolean {
  return ours.deliveries.some((one) => one.reference === document.reference && kindsOf(one).includes(document.kind))
}

export function isLive(document: BookDocument): boolean {
  return document.status !== 'voided' && document.status !== 'deleted'
}

export function place(kind: string, id: string): string {
  return `${kind}:${id}`
}

function placeOf(receipt: { kind: string; id: string }): string {
  return place(receipt.kind, receipt.id)
}

function daysApart(one: Day, other: Day): number {
  return Math.abs(dateOf(one).getTime() - dateOf(other).getTime()) / 86_400_000
}
