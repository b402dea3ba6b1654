/**
 * Looks for what may be there: by our reference, by a number, or by the book's own id.
 *
 * Keeps: the filter sent is one plain equality and only spares pages; what counts is what we see in the elements.
 * Never: takes a voided or deleted thing while a live one answers too.
 */
import type { AccountingApi } from 'xero-node'
import { type BookDocument, type DocumentKind, type Grant, isLike, type Sought } from '../port.ts'
import { type Json, listAt } from './answer.ts'
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
    const answers: (BookDocument | null)[] = []
    for (const ask of sought) {
      const known = ask.by === 'receipt' ? batch.get(ask.id) : undefined
      if (known !== undefined && known.kind === ask.kind) answers.push(known)
      else
        answers.push(
          ask.by === 'receipt'
            ? ((await byId(grant, ask.kind, ask.id))?.document ?? null)
            : await byMark(grant, ask, frame),
        )
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

  async function byMark(
    grant: Grant,
    ask: Exclude<Sought, { by: 'receipt' }>,
    frame: Frame,
  ): Promise<BookDocument | null> {
    if (ask.kind === 'allocation') return ask.by === 'reference' ? allocationOf(grant, ask, frame) : null
    const name = listOf[ask.kind]
    let best: BookDocument | null = null
    for await (const elements of searched(wire, grant, name, filterFor(ask))) {
      for (const json of elements) {
        const document = documentReaders[name](json, frame)
        if (document && isSought(document, ask)) best = better(best, document)
      }
      // Filtered by contact and kind only, a list may be long: a live match is what we came for.
      if (best && isLive(best)) return best
    }
    return best
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

function filterFor(ask: Exclude<Sought, { by: 'receipt' }>): Wanted {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  if (ask.by === 'like') return { where: 'Type=="ACCPAY"', contactIds: [ask.contactId] }
  if (ask.by === 'number') return { where: `InvoiceNumber==${quoted(ask.number)}` }
  switch (ask.kind) {
    case 'bill':
      return { where: 'Type=="ACCPAY"', contactIds: ask.contactId === null ? undefined : [ask.contactId] }
    case 'supplier_credit':
      return { where: 'Type=="ACCPAYCREDIT"' }
    case 'journal':
      return { where: `Narration.StartsWith(${quoted(ask.reference)})` }
    default:
      return { where: `Reference==${quoted(ask.reference)}` }
  }
}

function isSought(document: BookDocument, ask: Exclude<Sought, { by: 'receipt' }>): boolean {
  if (ask.by === 'like') return isLike(document, ask)
  if (document.kind !== ask.kind) return false
  if (ask.contactId !== null && document.contactId !== null && document.contactId !== ask.contactId) return false
  if (ask.by === 'number') return document.number === ask.number
  if (ask.of !== undefined && document.of.length > 0 && !document.of.some(({ id }) => id === ask.of?.id)) return false
  return document.reference === ask.reference || (document.reference ?? '').startsWith(`${ask.reference} `)
}

const isLive = (document: BookDocument): boolean => document.status !== 'voided' && document.status !== 'deleted'

/** A live one before one taken back; of equals the later. */
function better(best: BookDocument | null, other: BookDocument): BookDocument {
  if (best === null || (isLive(other) && !isLive(best))) return other
  if (isLive(best) && !isLive(other)) return best
  return other.updatedAt > best.updatedAt ? other : best
}
