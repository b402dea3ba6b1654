/**
 * Looks for what may be there: by our reference, by a number, or by the book's own id.
 *
 * Keeps: the filter sent is one plain equality and only spares pages; what counts is what we see in the elements.
 * Never: takes a voided or deleted thing while a live one answers too.
 */
import type { AccountingApi } from 'xero-node'
import { type BookDocument, type DocumentKind, type Grant, isLike, type Sought } from '../port.ts'
import { type Json, listAt } from './answer.ts'
import { markersInOneCall } from './limits.ts'
import { documentReaders, type ListName, searched, type Wanted } from './lists.ts'
import type { Frame, XeroSheets } from './sheet.ts'
import { allocationsFrom } from './translate-back.ts'
import type { XeroWire } from './wire.ts'

type DocumentList = Exclude<ListName, 'Contacts'>

const listOf: Record<Exclude<DocumentKind, 'allocation'>, DocumentList> = {
  invoice: 'Invoices',
  bill: 'Invoices',
  credit_note: 'CreditNotes',
  supplier_credit: 'CreditNotes',
  payment: 'Payments',
  money_spent: 'BankTransactions',
  money_received: 'BankTransactions',
  book_transfer: 'BankTransfers',
  journal: 'ManualJournals',
}

const one: Record<DocumentList, (api: AccountingApi, tenant: string, id: string) => Promise<unknown>> = {
  Invoices: (api, tenant, id) => api.getInvoice(tenant, id),
  CreditNotes: (api, tenant, id) => api.getCreditNote(tenant, id),
  Payments: (api, tenant, id) => api.getPayment(tenant, id),
  BankTransactions: (api, tenant, id) => api.getBankTransaction(tenant, id),
  BankTransfers: (api, tenant, id) => api.getBankTransfer(tenant, id),
  ManualJournals: (api, tenant, id) => api.getManualJournal(tenant, id),
}

export type Found = { document: BookDocument; json: Json }

export function xeroFind(wire: XeroWire, sheets: XeroSheets) {
  async function find(grant: Grant, sought: Sought[]): Promise<(BookDocument | null)[]> {
    const frame = await sheets.frame(grant)
    const batch = await invoicesByIds(grant, sought, frame)
    const marked = await byMarks(grant, sought.filter(isMarked), frame)
    const answers: (BookDocument | null)[] = []
    for (const ask of sought) {
      const known = ask.by === 'receipt' ? batch.get(ask.id) : undefined
      if (known !== undefined && known.kind === ask.kind) answers.push(known)
      else if (ask.by === 'receipt') answers.push((await byId(grant, ask.kind, ask.id))?.document ?? null)
      else if (isMarked(ask)) answers.push(marked.get(ask) ?? null)
      else answers.push(ask.by === 'reference' ? await allocationOf(grant, ask, frame) : null)
    }
    return answers
  }

  /** The thing with this id as the book holds it now, with its raw fields. */
  async function byId(grant: Grant, kind: DocumentKind, id: string): Promise<Found | null> {
    const frame = await sheets.frame(grant)
    if (kind === 'allocation') {
      const [creditId = ''] = id.split('/')
      const json = await elementById(grant, 'CreditNotes', creditId)
      const document = json && allocationsFrom(json, frame).find((allocation) => allocation.id === id)
      return json && document ? { document, json } : null
    }
    const name = listOf[kind]
    const json = await elementById(grant, name, id)
    const document = json && documentReaders[name](json, frame)
    return json && document && document.kind === kind ? { document, json } : null
  }

  async function elementById(grant: Grant, name: DocumentList, id: string): Promise<Json | null> {
    const wired = await wire.readOne(grant, (api) => one[name](api, grant.bookId, id))
    return wired === null ? null : (listAt(wired.json, name)[0] ?? null)
  }

  /** Several invoices by id cost one call together. What this misses is asked for by itself. */
  async function invoicesByIds(grant: Grant, sought: Sought[], frame: Frame): Promise<Map<string, BookDocument>> {
    const ids = sought.flatMap((ask) =>
      ask.by === 'receipt' && (ask.kind === 'invoice' || ask.kind === 'bill') ? [ask.id] : [],
    )
    const found = new Map<string, BookDocument>()
    if (ids.length < 2) return found
    for (let at = 0; at < ids.length; at += idsInOneCall) {
      const some = ids.slice(at, at + idsInOneCall)
      const { json } = await wire.read(grant, (api) =>
        api.getInvoices(grant.bookId, undefined, undefined, undefined, some, undefined, undefined, undefined, 1),
      )
      for (const element of listAt(json, 'Invoices')) {
        const document = documentReaders.Invoices(element, frame)
        if (document) found.set(document.id, document)
      }
    }
    return found
  }

  /** Those of one list are asked for together, fifty in one call; where nothing was found there is no entry. */
  async function byMarks(grant: Grant, asks: Marked[], frame: Frame): Promise<Map<Marked, BookDocument>> {
    const found = new Map<Marked, BookDocument>()
    for (const [name, of] of listedTogether(asks))
      for (let at = 0; at < of.length; at += markersInOneCall)
        await markedIn(grant, name, of.slice(at, at + markersInOneCall), { frame, found })
    return found
  }

  async function markedIn(
    grant: Grant,
    name: DocumentList,
    asks: Marked[],
    { frame, found }: { frame: Frame; found: Map<Marked, BookDocument> },
  ): Promise<void> {
    for await (const elements of searched(wire, grant, name, filterForAll(asks))) {
      const documents = elements.flatMap((json) => documentReaders[name](json, frame) ?? [])
      for (const ask of asks)
        for (const document of documents)
          if (isSought(document, ask)) found.set(ask, fitter(ask, found.get(ask) ?? null, document))
      // Filtered by contact and kind only, a list may be long: live matches are what we came for.
      if (asks.every((ask) => isWhatWeCameFor(ask, found.get(ask)))) return
    }
  }

  /** Xero gives an allocation no reference: it is found inside the credit note, or by the invoice it was set against. */
  async function allocationOf(
    grant: Grant,
    ask: Extract<Sought, { by: 'reference' }>,
    frame: Frame,
  ): Promise<BookDocument | null> {
    const { of } = ask
    if (of === undefined) return null
    if (of.kind === 'credit_note' || of.kind === 'supplier_credit') {
      const json = await elementById(grant, 'CreditNotes', of.id)
      return json === null ? null : allocationsFrom(json, frame).reduce(better, null)
    }
    const invoice = await elementById(grant, 'Invoices', of.id)
    for (const credit of listAt(invoice, 'CreditNotes')) {
      const json = await elementById(grant, 'CreditNotes', String(credit.CreditNoteID))
      const set =
        json === null ? [] : allocationsFrom(json, frame).filter((one) => one.of.some(({ id }) => id === of.id))
      const found = set.reduce(better, null)
      if (found) return found
    }
    return null
  }

  return { find, byId }
}

const idsInOneCall = 40

/** By our marker, by a number, or by likeness; an allocation bears no marker. */
type Marked = Exclude<Sought, { by: 'receipt' }> & { kind: Exclude<DocumentKind, 'allocation'> }
const isMarked = (ask: Sought): ask is Marked => ask.by !== 'receipt' && ask.kind !== 'allocation'

/** What one filter can ask for: documents of one list whose marker stands in one field. */
function listedTogether(asks: Marked[]): [DocumentList, Marked[]][] {
  const groups = new Map<string, [DocumentList, Marked[]]>()
  for (const ask of asks) {
    const name = listOf[ask.kind]
    const field = fieldOf(ask) ?? `${ask.by} ${ask.kind}`
    const group = groups.get(`${name} ${field}`) ?? [name, []]
    group[1].push(ask)
    groups.set(`${name} ${field}`, group)
  }
  return [...groups.values()]
}

type Field = 'InvoiceNumber' | 'Narration' | 'Reference'

/** The field in which a filter can find it; null where the marker stands in the text only. */
function fieldOf(ask: Marked): Field | null {
  if (ask.by === 'like') return null
  if (ask.by === 'number') return 'InvoiceNumber'
  if (ask.kind === 'bill' || ask.kind === 'supplier_credit') return null
  return ask.kind === 'journal' ? 'Narration' : 'Reference'
}

function filterForAll(asks: Marked[]): Wanted {
  const [first] = asks
  const field = first && fieldOf(first)
  if (field) return { where: asks.map((ask) => testFor(field, ask)).join(' OR ') }
  if (first?.kind === 'supplier_credit') return { where: 'Type=="ACCPAYCREDIT"' }
  const contactIds = asks.map((ask) => ask.contactId)
  const isWide = contactIds.some((id) => id === null)
  return {
    where: 'Type=="ACCPAY"',
    contactIds: isWide ? undefined : [...new Set(contactIds.filter((id) => id !== null))],
  }
}

function testFor(field: Field, ask: Marked): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const text = ask.by === 'reference' ? ask.reference : ask.by === 'number' ? ask.number : ''
  return field === 'Narration' ? `Narration.StartsWith(${quoted(text)})` : `${field}==${quoted(text)}`
}

function isSought(document: BookDocument, ask: Exclude<Sought, { by: 'receipt' }>): boolean {
  if (ask.by === 'like') return isLike(document, ask)
  if (document.kind !== ask.kind) return false
  // The marker is ours alone: a document that bears it under another contact is shown, and whoever asked judges.
  if (ask.by === 'number') return isOf(document, ask) && document.number === ask.number
  if (ask.of !== undefined && document.of.length > 0 && !document.of.some(({ id }) => id === ask.of?.id)) return false
  return document.reference === ask.reference || (document.reference ?? '').startsWith(`${ask.reference} `)
}

const isLive = (document: BookDocument): boolean => document.status !== 'voided' && document.status !== 'deleted'

const isOf = ({ contactId }: BookDocument, ask: Marked): boolean =>
  ask.contactId === null || contactId === null || contactId === ask.contactId

/** One of the contact that was asked for before any other. */
function fitter(ask: Marked, best: BookDocument | null, other: BookDocument): BookDocument {
  if (best !== null && isOf(best, ask) !== isOf(other, ask)) return isOf(best, ask) ? best : other
  return better(best, other)
}

function isWhatWeCameFor(ask: Marked, document: BookDocument | undefined): boolean {
  return document !== undefined && isLive(document) && isOf(document, ask)
}

/** A live one before one taken back; of equals the later. */
function better(best: BookDocument | null, other: BookDocument): BookDocument {
  if (best === null || (isLive(other) && !isLive(best))) return other
  if (isLive(best) && !isLive(other)) return best
  return other.updatedAt > best.updatedAt ? other : best
}
