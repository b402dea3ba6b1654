/**
 * Credit notes, and the setting of credits against invoices: a second call after the credit note is made.
 */
import { randomUUID } from 'node:crypto'
import { toMinor } from '../kit/decimals.ts'
import { dayFrom, dayStamp, Invalid, instantStamp, money, notFound } from './answers.ts'
import type { Allocation, Credit, Paper, PaperType, XeroBook } from './book.ts'
import { contactStub } from './contacts.ts'
import type { Element } from './elements.ts'
import { writeElements, writeOne } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { livePayments, paperFields, ring } from './invoices.ts'
import { list } from './list.ts'
import { refuseLockedDocument } from './locks.ts'
import { allocatedOf, creditRemaining, creditTotal, dueOf, settle } from './owing.ts'
import { changedPaper, isSale, keepPaper, paperFrom } from './paper.ts'

const scope = 'accounting.invoices'
const body = { plural: 'CreditNotes', schema: 'CreditNote' }
const allocations = { plural: 'Allocations', schema: 'Allocation', required: ['Amount', 'Invoice', 'Date'] }

export const creditNoteEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/CreditNotes',
    scope,
    act: (call) =>
      list(call, {
        plural: 'CreditNotes',
        schema: 'CreditNote',
        rows: [...call.book.tables.creditNotes.values()],
        updatedAt: (row) => row.updatedAt,
        createdAt: (row) => row.createdAt,
        render: (row, whole) => render(call.book, row, whole),
      }),
  },
  {
    method: 'PUT',
    path: '/CreditNotes',
    scope,
    body: { ...body, required: ['Type', 'Contact', 'LineItems'] },
    act: (call) => writeElements(call, 'CreditNotes', (ask) => render(call.book, createCreditNote(call, ask))),
  },
  {
    method: 'POST',
    path: '/CreditNotes',
    scope,
    body,
    act: (call) =>
      writeElements(call, 'CreditNotes', (ask) => {
        const found = call.book.tables.creditNotes.get(String(ask.CreditNoteID ?? '').toLowerCase())
        return render(call.book, found ? updateCreditNote(call, found, ask) : createCreditNote(call, ask))
      }),
  },
  {
    method: 'GET',
    path: '/CreditNotes/:id',
    scope,
    act: ({ book, params }) => ({ CreditNotes: [render(book, creditNoteAt(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/CreditNotes/:id',
    scope,
    body,
    act: (call) => {
      const found = creditNoteAt(call.book, call.params.id ?? '')
      return writeElements(call, 'CreditNotes', (ask) => render(call.book, updateCreditNote(call, found, ask)))
    },
  },
  {
    method: 'PUT',
    path: '/CreditNotes/:id/Allocations',
    scope,
    body: allocations,
    act: (call) =>
      writeElements(call, 'Allocations', (ask) => {
        const note = creditNoteAt(call.book, call.params.id ?? '')
        return renderAllocation(call.book, allocate(call, { kind: 'creditNote', id: note.id }, ask))
      }),
  },
  {
    method: 'DELETE',
    path: '/CreditNotes/:id/Allocations/:allocationId',
    scope,
    act: (call) => deleteAllocation(call),
  },
  ...(['Overpayment', 'Prepayment'] as const).flatMap((kind): Endpoint[] => [
    {
      method: 'GET',
      path: `/${kind}s`,
      scope: 'accounting.payments',
      act: (call) =>
        list(call, {
          plural: `${kind}s`,
          schema: kind,
          rows: [...call.book.tables.credits.values()].filter((credit) => credit.kind === kind),
          updatedAt: (row) => row.updatedAt,
          createdAt: (row) => row.updatedAt,
          render: (row) => renderCredit(call.book, row),
        }),
    },
    {
      method: 'GET',
      path: `/${kind}s/:id`,
      scope: 'accounting.payments',
      act: ({ book, params }) => ({ [`${kind}s`]: [renderCredit(book, creditAt(book, kind, params.id ?? ''))] }),
    },
    {
      method: 'PUT',
      path: `/${kind}s/:id/Allocations`,
      scope: 'accounting.payments',
      body: allocations,
      act: (call) =>
        writeElements(call, 'Allocations', (ask) => {
          const credit = creditAt(call.book, kind, call.params.id ?? '')
          return renderAllocation(call.book, allocate(call, { kind: 'credit', id: credit.id }, ask))
        }),
    },
    {
      method: 'DELETE',
      path: `/${kind}s/:id/Allocations/:allocationId`,
      scope: 'accounting.payments',
      act: (call) => deleteAllocation(call),
    },
  ]),
]

function creditNoteAt(book: XeroBook, id: string): Paper {
  const found =
    book.tables.creditNotes.get(id.toLowerCase()) ??
    [...book.tables.creditNotes.values()].find((note) => note.number === id)
  if (found === undefined) throw notFound()
  return found
}

function creditAt(book: XeroBook, kind: Credit['kind'], id: string): Credit {
  const found = book.tables.credits.get(id.toLowerCase())
  if (found === undefined || found.kind !== kind) throw notFound()
  return found
}

function createCreditNote(call: Call, ask: Element): Paper {
  const type = ask.Type as PaperType
  if (type !== 'ACCRECCREDIT' && type !== 'ACCPAYCREDIT') throw new Invalid('Type must be ACCRECCREDIT or ACCPAYCREDIT')
  const notes = [...call.book.tables.creditNotes.values()]
  const number = String(
    ask.CreditNoteNumber ?? (type === 'ACCRECCREDIT' ? `CN-${String(notes.length + 1).padStart(4, '0')}` : ''),
  )
  if (
    type === 'ACCRECCREDIT' &&
    notes.some((note) => note.type === type && note.status !== 'DELETED' && note.number === number)
  )
    throw new Invalid('Credit Note # must be unique.')
  const note = paperFrom(call, ask, type, number)
  keepPaper(call.book, note)
  ring(call, note, 'CREATE')
  return note
}

export function updateCreditNote(call: Call, before: Paper, ask: Element): Paper {
  const changed = changedPaper(call, before, ask)
  keepPaper(call.book, changed, before)
  ring(call, changed, 'UPDATE')
  return changed
}

/** Sets a credit note, an overpayment or a prepayment against an invoice or bill of the same contact. */
export function allocate(call: Call, from: Allocation['from'], ask: Element): Allocation {
  const { book } = call
  const amountMinor = toMinor((ask.Amount ?? 0) as number)
  const date = dayFrom(ask.Date, 'Date') ?? book.dayAt(call.now)
  const source = sourceOf(book, from)
  const invoice = book.tables.invoices.get(String((ask.Invoice as Element | undefined)?.InvoiceID ?? '').toLowerCase())
  if (invoice === undefined) throw new Invalid('Invoice could not be found')

  const messages: string[] = []
  if (invoice.status !== 'AUTHORISED') messages.push('Allocations can only be made against Authorised documents')
  if (source.sale !== isSale(invoice.type)) messages.push('The invoice type does not fit the credit')
  if (source.contactId !== invoice.contactId)
    messages.push('The contact of the credit and of the invoice must be the same')
  if (amountMinor <= 0n) messages.push('The amount of an allocation must be greater than zero')
  if (amountMinor > source.remainingMinor) messages.push('The amount exceeds the remaining credit')
  if (amountMinor > dueOf(book, invoice)) messages.push('The amount exceeds the amount outstanding on this document')
  if (messages.length > 0) throw new Invalid(...messages)
  refuseLockedDocument(book, date)

  const allocation: Allocation = { id: randomUUID(), from, invoiceId: invoice.id, amountMinor, date, deleted: false }
  const at = call.now.getTime()
  book.tables.allocations.set(allocation.id, allocation)
  const onInvoice = { ...invoice, allocationIds: [...invoice.allocationIds, allocation.id] }
  ring(call, settle(book, onInvoice, date, at), 'UPDATE')
  settleSource(call, from, [allocation.id], date)
  return allocation
}

function sourceOf(book: XeroBook, from: Allocation['from']) {
  if (from.kind === 'creditNote') {
    const note = book.tables.creditNotes.get(from.id) as Paper
    const remainingMinor = dueOf(book, note)
    return { sale: isSale(note.type), contactId: note.contactId as string | null, remainingMinor }
  }
  const credit = book.tables.credits.get(from.id) as Credit
  const entry = book.tables.bankEntries.get(credit.bankEntryId)
  return {
    sale: entry?.type.startsWith('RECEIVE') ?? false,
    contactId: entry?.contactId ?? null,
    remainingMinor: creditRemaining(book, credit),
  }
}

function settleSource(call: Call, from: Allocation['from'], more: string[], date: string): void {
  const { book } = call
  const at = call.now.getTime()
  if (from.kind === 'creditNote') {
    const note = book.tables.creditNotes.get(from.id) as Paper
    const changed = { ...note, allocationIds: [...note.allocationIds, ...more] }
    ring(call, settle(book, changed, date, at), 'UPDATE')
    return
  }
  const credit = book.tables.credits.get(from.id) as Credit
  book.tables.credits.set(credit.id, { ...credit, allocationIds: [...credit.allocationIds, ...more], updatedAt: at })
}

function deleteAllocation(call: Call): Element {
  const { book, params } = call
  const allocation = book.tables.allocations.get(String(params.allocationId).toLowerCase())
  if (allocation === undefined || allocation.from.id !== params.id?.toLowerCase()) throw notFound()
  return writeOne(call, { AllocationID: allocation.id }, () => {
    if (allocation.deleted) throw new Invalid('Allocation not of valid status for modification')
    refuseLockedDocument(book, allocation.date)
    const deleted = { ...allocation, deleted: true }
    book.tables.allocations.set(allocation.id, deleted)
    const invoice = book.tables.invoices.get(allocation.invoiceId)
    if (invoice !== undefined) ring(call, settle(book, invoice, allocation.date, call.now.getTime()), 'UPDATE')
    settleSource(call, allocation.from, [], allocation.date)
    // The published answer is one allocation that does not fit its own schema: the id is spelt AllocationId here.
    return {
      AllocationId: allocation.id,
      Date: dayStamp(allocation.date),
      Invoice: [{ InvoiceID: allocation.invoiceId }],
      IsDeleted: true,
    }
  })
}

function renderAllocation(book: XeroBook, allocation: Allocation): Element {
  const { from } = allocation
  const credit = from.kind === 'credit' ? book.tables.credits.get(from.id) : undefined
  const name = credit?.kind ?? 'CreditNote'
  return {
    AllocationID: allocation.id,
    Amount: money(allocation.amountMinor),
    Date: dayStamp(allocation.date),
    Invoice: { InvoiceID: allocation.invoiceId, InvoiceNumber: book.tables.invoices.get(allocation.invoiceId)?.number },
    [name]: { [`${name}ID`]: from.id, ID: from.id },
    ValidationErrors: [],
  }
}

function liveAllocations(book: XeroBook, ids: string[]): Element[] {
  return ids.flatMap((id) => {
    const allocation = book.tables.allocations.get(id)
    return allocation === undefined || allocation.deleted ? [] : [renderAllocation(book, allocation)]
  })
}

export function render(book: XeroBook, note: Paper, whole = true): Element {
  return {
    ...paperFields(book, note, whole, false),
    CreditNoteID: note.id,
    ID: note.id,
    CreditNoteNumber: note.number,
    RemainingCredit: money(dueOf(book, note)),
    AppliedAmount: money(allocatedOf(book, note)),
    Allocations: liveAllocations(book, note.allocationIds),
    Payments: livePayments(book, note),
  }
}

function renderCredit(book: XeroBook, credit: Credit): Element {
  const entry = book.tables.bankEntries.get(credit.bankEntryId)
  return {
    [`${credit.kind}ID`]: credit.id,
    ID: credit.id,
    Type: entry?.type,
    Contact: contactStub(book, entry?.contactId ?? null),
    Status: entry?.status === 'DELETED' ? 'VOIDED' : creditRemaining(book, credit) === 0n ? 'PAID' : 'AUTHORISED',
    ...(entry === undefined ? {} : { Date: dayStamp(entry.date), DateString: `${entry.date}T00:00:00` }),
    Total: money(creditTotal(book, credit)),
    RemainingCredit: money(creditRemaining(book, credit)),
    Allocations: liveAllocations(book, credit.allocationIds),
    Payments: livePayments(book, credit),
    CurrencyCode: book.settings.currency,
    UpdatedDateUTC: instantStamp(credit.updatedAt),
  }
}
