/**
 * Invoices and bills: one endpoint for both. A sales invoice's number is unique, a bill's is not.
 */
import { dayFields, dayStamp, Invalid, instantStamp, money, notFound } from './answers.ts'
import type { Paper, PaperType, XeroBook } from './book.ts'
import { contactStub } from './contacts.ts'
import type { Element } from './elements.ts'
import { writeElements } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { renderLine } from './lines.ts'
import { idsOf, list } from './list.ts'
import { allocatedOf, openOf, paidOn } from './owing.ts'
import { changedPaper, keepPaper, paperFrom } from './paper.ts'

const body = { plural: 'Invoices', schema: 'Invoice' }
const scope = 'accounting.invoices'

export const invoiceEndpoints: Endpoint[] = [
  { method: 'GET', path: '/Invoices', scope, act: listInvoices },
  {
    method: 'PUT',
    path: '/Invoices',
    scope,
    body: { ...body, required: ['Type', 'Contact', 'LineItems'] },
    act: (call) => writeElements(call, 'Invoices', (ask) => shown(call, createInvoice(call, ask))),
  },
  {
    method: 'POST',
    path: '/Invoices',
    scope,
    body,
    act: (call) => writeElements(call, 'Invoices', (ask) => shown(call, createOrUpdate(call, ask))),
  },
  {
    method: 'GET',
    path: '/Invoices/:id',
    scope,
    act: (call) => ({ Invoices: [shown(call, invoiceAt(call.book, call.params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/Invoices/:id',
    scope,
    body,
    act: (call) => {
      const found = invoiceAt(call.book, call.params.id ?? '')
      return writeElements(call, 'Invoices', (ask) => shown(call, updateInvoice(call, found, ask)))
    },
  },
  {
    method: 'GET',
    path: '/Invoices/:id/OnlineInvoice',
    scope,
    act: ({ book, params }) => {
      const { id } = invoiceAt(book, params.id ?? '')
      return { OnlineInvoices: [{ OnlineInvoiceUrl: `https://in.example/${id}` }] }
    },
  },
]

function listInvoices(call: Call) {
  const { book, query } = call
  const [ids, contactIds] = [idsOf(query.IDs), idsOf(query.ContactIDs)]
  const numbers = query.InvoiceNumbers ? new Set(query.InvoiceNumbers.split(',')) : undefined
  const statuses = query.Statuses ? new Set(query.Statuses.toUpperCase().split(',')) : undefined
  const rows = [...book.tables.invoices.values()].filter(
    (paper) =>
      (ids === undefined || ids.has(paper.id)) &&
      (contactIds === undefined || contactIds.has(paper.contactId)) &&
      (numbers === undefined || numbers.has(paper.number)) &&
      (statuses === undefined || statuses.has(paper.status)) &&
      (query.createdByMyApp?.toLowerCase() !== 'true' || paper.createdByApp === call.appId),
  )
  return list(call, {
    plural: 'Invoices',
    schema: 'Invoice',
    rows,
    updatedAt: (row) => row.updatedAt,
    createdAt: (row) => row.createdAt,
    render: (row, whole) => render(book, row, whole, call.query.unitdp === '4'),
  })
}

function invoiceAt(book: XeroBook, id: string): Paper {
  const found =
    book.tables.invoices.get(id.toLowerCase()) ??
    [...book.tables.invoices.values()].find((paper) => paper.type === 'ACCREC' && paper.number === id)
  if (found === undefined) throw notFound()
  return found
}

export function createInvoice(call: Call, ask: Element): Paper {
  const type = ask.Type as PaperType
  if (type !== 'ACCREC' && type !== 'ACCPAY') throw new Invalid('Type must be ACCREC or ACCPAY')
  const number = String(ask.InvoiceNumber ?? (type === 'ACCREC' ? nextNumber(call.book) : ''))
  const messages: string[] = []
  if (type === 'ACCREC' && taken(call.book, number)) messages.push('Invoice # must be unique.')
  let paper: Paper | undefined
  try {
    paper = paperFrom(call, ask, type, number)
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    messages.push(...error.messages)
  }
  if (messages.length > 0 || paper === undefined) throw new Invalid(...messages)
  if (paper.status === 'AUTHORISED') refuseBeyondPlan(call, paper)
  keepPaper(call.book, paper)
  if (paper.status === 'AUTHORISED' && paper.totalMinor === 0n) {
    paper = { ...paper, status: 'PAID', fullyPaidOn: paper.date }
    call.book.tables.invoices.set(paper.id, paper)
  }
  ring(call, paper, 'CREATE')
  return paper
}

function createOrUpdate(call: Call, ask: Element): Paper {
  if (typeof ask.InvoiceID === 'string') {
    const found = call.book.tables.invoices.get(ask.InvoiceID.toLowerCase())
    if (found === undefined) throw new Invalid('The invoice could not be found')
    return updateInvoice(call, found, ask)
  }
  const namesake = [...call.book.tables.invoices.values()].find(
    (paper) => paper.type === 'ACCREC' && ask.Type !== 'ACCPAY' && paper.number === ask.InvoiceNumber,
  )
  return namesake === undefined ? createInvoice(call, ask) : updateInvoice(call, namesake, ask)
}

export function updateInvoice(call: Call, before: Paper, ask: Element): Paper {
  const changed = changedPaper(call, before, ask)
  if (typeof ask.InvoiceNumber === 'string' && ask.InvoiceNumber !== before.number) {
    if (before.type === 'ACCREC' && taken(call.book, ask.InvoiceNumber)) throw new Invalid('Invoice # must be unique.')
    changed.number = ask.InvoiceNumber
  }
  if (changed.status === 'AUTHORISED' && before.status !== 'AUTHORISED') refuseBeyondPlan(call, changed)
  keepPaper(call.book, changed, before)
  ring(call, changed, 'UPDATE')
  return changed
}

/** A deleted draft frees its number; a voided invoice keeps it. */
function taken(book: XeroBook, number: string): boolean {
  for (const paper of book.tables.invoices.values())
    if (paper.type === 'ACCREC' && paper.status !== 'DELETED' && paper.number === number) return true
  return false
}

function nextNumber(book: XeroBook): string {
  let next = 1
  for (const paper of book.tables.invoices.values()) {
    const match = /^INV-(\d+)$/.exec(paper.number)
    if (paper.type === 'ACCREC' && match) next = Math.max(next, Number(match[1]) + 1)
  }
  return `INV-${String(next).padStart(4, '0')}`
}

function refuseBeyondPlan(call: Call, paper: Paper): void {
  const cap = call.book.settings.approvalCap
  if (cap === undefined) return
  const month = call.book.dayAt(call.now).slice(0, 7)
  const approved = [...call.book.tables.invoices.values()].filter(
    (other) =>
      other.id !== paper.id &&
      other.type === paper.type &&
      ['AUTHORISED', 'PAID'].includes(other.status) &&
      call.book.dayAt(new Date(other.createdAt)).startsWith(month),
  )
  if (approved.length >= (paper.type === 'ACCREC' ? cap.sales : cap.bills))
    throw new Invalid('You have reached the limit of invoices you can approve')
}

export function ring(call: Call, paper: Paper, type: 'CREATE' | 'UPDATE'): void {
  const credit = paper.type === 'ACCRECCREDIT' || paper.type === 'ACCPAYCREDIT'
  if (!credit) return void call.bells.push({ category: 'INVOICE', type, resource: 'Invoices', id: paper.id })
  const about = { Type: paper.type, Status: paper.status }
  call.bells.push({ category: 'CREDITNOTE', type, resource: 'CreditNotes', id: paper.id, about })
}

function shown(call: Call, paper: Paper): Element {
  return render(call.book, paper, true, call.query.unitdp === '4')
}

/** What every document shows, whichever its type. */
export function paperFields(book: XeroBook, paper: Paper, whole: boolean, fourPlaceUnits: boolean): Element {
  return {
    Type: paper.type,
    Contact: contactStub(book, paper.contactId),
    ...dayFields('Date', paper.date),
    ...dayFields('DueDate', paper.dueDate),
    Status: paper.status,
    LineAmountTypes: paper.lineAmountTypes,
    LineItems: whole ? paper.lines.map((line) => renderLine(book, line, fourPlaceUnits)) : [],
    SubTotal: money(paper.subTotalMinor),
    TotalTax: money(paper.taxMinor),
    Total: money(paper.totalMinor),
    UpdatedDateUTC: instantStamp(paper.updatedAt),
    CurrencyCode: book.settings.currency,
    CurrencyRate: 1,
    Reference: paper.reference,
    SentToContact: paper.sentToContact,
    HasAttachments: false,
    HasErrors: false,
    ...(paper.fullyPaidOn === undefined ? {} : { FullyPaidOnDate: dayStamp(paper.fullyPaidOn) }),
  }
}

export function render(book: XeroBook, paper: Paper, whole = true, fourPlaceUnits = false): Element {
  const live = paper.allocationIds
    .map((id) => book.tables.allocations.get(id))
    .filter((allocation) => allocation !== undefined && !allocation.deleted)
  const credited = (kind: string) =>
    live.flatMap((allocation) => {
      if (allocation?.from.kind !== 'credit' || book.tables.credits.get(allocation.from.id)?.kind !== kind) return []
      return [
        {
          [`${kind}ID`]: allocation.from.id,
          AppliedAmount: money(allocation.amountMinor),
          Date: dayStamp(allocation.date),
        },
      ]
    })
  return {
    ...paperFields(book, paper, whole, fourPlaceUnits),
    InvoiceID: paper.id,
    InvoiceNumber: paper.number,
    ...(paper.url === undefined ? {} : { Url: paper.url }),
    ...(paper.expectedPaymentDate === undefined ? {} : dayFields('ExpectedPaymentDate', paper.expectedPaymentDate)),
    ...(paper.cisDeductionMinor === 0n ? {} : { CISDeduction: money(paper.cisDeductionMinor) }),
    Payments: livePayments(book, paper),
    CreditNotes: live.flatMap((allocation) => {
      if (allocation?.from.kind !== 'creditNote') return []
      const note = book.tables.creditNotes.get(allocation.from.id)
      return [
        {
          CreditNoteID: allocation.from.id,
          CreditNoteNumber: note?.number,
          ID: allocation.from.id,
          AppliedAmount: money(allocation.amountMinor),
          ...dayFields('Date', allocation.date),
          LineItems: [],
          Total: money(note?.totalMinor ?? 0n),
        },
      ]
    }),
    Prepayments: credited('Prepayment'),
    Overpayments: credited('Overpayment'),
    AmountDue: money(paper.status === 'VOIDED' || paper.status === 'DELETED' ? 0n : openOf(book, paper)),
    AmountPaid: money(paidOn(book, paper)),
    AmountCredited: money(allocatedOf(book, paper)),
    IsDiscounted: paper.lines.some((line) => line.discountRate !== undefined),
  }
}

export function livePayments(book: XeroBook, paper: { paymentIds: string[] }): Element[] {
  return paper.paymentIds.flatMap((id) => {
    const payment = book.tables.payments.get(id)
    if (payment === undefined || payment.status === 'DELETED') return []
    return [
      {
        PaymentID: payment.id,
        ...dayFields('Date', payment.date),
        Amount: money(payment.amountMinor),
        Reference: payment.reference,
        CurrencyRate: 1,
        HasAccount: true,
        HasValidationErrors: false,
      },
    ]
  })
}
