/**
 * Xero's lists, page by page, each with how its elements are read.
 *
 * Keeps: a list ends on its own word (`pagination`), on a short page, or where a page brings nothing new; never on trust alone.
 * A row that moves while it is read is not missed.
 */
import type { AccountingApi } from 'xero-node'
import { type BookDocument, BookError, type Grant } from '../port.ts'
import { idAt, type Json, listAt, objectAt, textAt } from './answer.ts'
import { mostPages, mostReadings, pageSize, smallestPage } from './limits.ts'
import type { Frame } from './sheet.ts'
import {
  bankTransactionFrom,
  bankTransferFrom,
  creditNoteFrom,
  invoiceFrom,
  journalFrom,
  paymentFrom,
} from './translate-back.ts'
import { type ApiCall, vendorInstant, type XeroWire } from './wire.ts'

export type ListName =
  | 'Contacts'
  | 'Invoices'
  | 'CreditNotes'
  | 'Payments'
  | 'BankTransactions'
  | 'BankTransfers'
  | 'ManualJournals'
export type Wanted = { since?: Date | undefined; where?: string | undefined; contactIds?: string[] | undefined }
type PageAsk = Wanted & { tenant: string; page: number }

type List = { id: string; isPaged: boolean; ask: (api: AccountingApi, wanted: PageAsk) => Promise<unknown> }

/** xero-node takes its arguments by position; this is the only place where lists are asked for. */
const lists: Record<ListName, List> = {
  Contacts: {
    id: 'ContactID',
    isPaged: true,
    ask: (api, { tenant, since, where, page }) =>
      api.getContacts(tenant, since, where, undefined, undefined, page, true, undefined, undefined, pageSize),
  },
  Invoices: {
    id: 'InvoiceID',
    isPaged: true,
    ask: (api, { tenant, since, where, contactIds, page }) =>
      api.getInvoices(
        tenant,
        since,
        where,
        undefined,
        undefined,
        undefined,
        contactIds,
        undefined,
        page,
        undefined,
        undefined,
        undefined,
        undefined,
        pageSize,
      ),
  },
  CreditNotes: {
    id: 'CreditNoteID',
    isPaged: true,
    ask: (api, { tenant, since, where, page }) =>
      api.getCreditNotes(tenant, since, where, undefined, page, undefined, pageSize),
  },
  Payments: {
    id: 'PaymentID',
    isPaged: true,
    ask: (api, { tenant, since, where, page }) => api.getPayments(tenant, since, where, undefined, page, pageSize),
  },
  BankTransactions: {
    id: 'BankTransactionID',
    isPaged: true,
    ask: (api, { tenant, since, where, page }) =>
      api.getBankTransactions(tenant, since, where, undefined, page, undefined, pageSize),
  },
  BankTransfers: {
    id: 'BankTransferID',
    isPaged: false,
    ask: (api, { tenant, since, where }) => api.getBankTransfers(tenant, since, where, undefined, true),
  },
  ManualJournals: {
    id: 'ManualJournalID',
    isPaged: true,
    ask: (api, { tenant, since, where, page }) =>
      api.getManualJournals(tenant, since, where, undefined, page, pageSize),
  },
}

/** How one element of a list is read as a document of ours; contacts have a shape of their own. */
export const documentReaders: Record<
  Exclude<ListName, 'Contacts'>,
  (json: Json, frame: Frame) => BookDocument | null
> = {
  Invoices: invoiceFrom,
  CreditNotes: creditNoteFrom,
  Payments: paymentFrom,
  BankTransactions: bankTransactionFrom,
  BankTransfers: bankTransferFrom,
  ManualJournals: journalFrom,
}

export type ListPage = { elements: Json[]; at: string | null }

/**
 * Rows that go, or move to the end because somebody changes them, draw those behind them onto a page that was read already.
 * The list's own count tells; it is then read once more for what that hid.
 */
export async function* pagesOf(wire: XeroWire, grant: Grant, name: ListName, wanted: Wanted): AsyncGenerator<ListPage> {
  const known = new Set<string>()
  for (let reading = 1; reading <= mostReadings; reading += 1) {
    const { count, hasMoved } = yield* readOnce(wire, grant, name, wanted, known, reading === 1)
    if (!hasMoved && known.size >= count) return
  }
  throw listError('unavailable', 'list_keeps_moving', `${name}: rows move faster than they are read`)
}

async function* readOnce(
  wire: XeroWire,
  grant: Grant,
  name: ListName,
  wanted: Wanted,
  known: Set<string>,
  isFirst: boolean,
): AsyncGenerator<ListPage, { count: number; hasMoved: boolean }> {
  const list = lists[name]
  let before = 0
  let hasMoved = false
  for (let page = 1; page <= mostPages; page += 1) {
    const ask: ApiCall = (api) => list.ask(api, { ...wanted, tenant: grant.bookId, page })
    // Not every organisation has transfers between banks; every other list is always there.
    const wired = name === 'BankTransfers' ? await wire.readOne(grant, ask) : await wire.read(grant, ask)
    const json = wired?.json ?? {}
    const elements = listAt(json, name)
    const fresh = elements.filter((one) => !known.has(idAt(one, list.id) ?? ''))
    for (const one of fresh) known.add(idAt(one, list.id) ?? '')
    if (fresh.length > 0 || page === 1) yield { elements: fresh, at: vendorInstant(json) }

    const pagination = objectAt(json, 'pagination')
    const count = Number(textAt(pagination, 'itemCount') ?? 0)
    hasMoved ||= count < before
    before = count
    const pageCount = textAt(pagination, 'pageCount')
    const isLast = pageCount === null ? elements.length < smallestPage : page >= Number(pageCount)
    // One page is one moment: nothing can have moved.
    if (!list.isPaged || (isLast && page === 1)) return { count: 0, hasMoved: false }
    if (isLast || (fresh.length === 0 && (isFirst || known.size >= count))) return { count, hasMoved }
  }
  // Stopping here in silence would make what lies beyond look absent.
  throw listError('invalid', 'too_many_pages', `${name}: more than ${mostPages} pages`)
}

function listError(kind: 'invalid' | 'unavailable', cause: string, said: string): BookError {
  return new BookError(kind, { cause, said, status: null, vendorCode: null, callId: null })
}

/** As pagesOf; where the vendor cannot read the filter, everything is read and the caller filters it as it does anyway. */
export async function* searched(wire: XeroWire, grant: Grant, name: ListName, wanted: Wanted): AsyncGenerator<Json[]> {
  try {
    for await (const { elements } of pagesOf(wire, grant, name, wanted)) yield elements
  } catch (error) {
    const isFilterRefused = error instanceof BookError && error.facts.status === 400 && wanted.where !== undefined
    if (!isFilterRefused) throw error
    for await (const { elements } of pagesOf(wire, grant, name, { ...wanted, where: undefined })) yield elements
  }
}
