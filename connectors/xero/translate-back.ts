/**
 * Theirs to ours: Xero's documents, contacts, accounts and tax rates as the port words them. Pure.
 *
 * Keeps: an enum we do not know is read as the nearest harmless thing, never as an error.
 */
import type {
  BookContact,
  BookDocument,
  ContactRole,
  Day,
  DocumentKind,
  DocumentStatus,
  Instant,
  Receipt,
} from '../port.ts'
import { dayAt, flagAt, idAt, instantFrom, type Json, listAt, objectAt, textAt } from './answer.ts'
import { minorFrom } from './decimal.ts'
import { deepLink } from './links.ts'

const beginning: Instant = '1970-01-01T00:00:00.000Z'
const noDay: Day = '1970-01-01'

/** What stands in every document alike; `shortCode` makes the links. */
type Frame = { shortCode: string | null; currency: string }

export function invoiceFrom(json: Json, frame: Frame): BookDocument | null {
  const id = idAt(json, 'InvoiceID')
  const type = textAt(json, 'Type')
  // Overpayments and prepayments share this shape in some lists; they are credits that a person made.
  const kind: DocumentKind | null = type === 'ACCREC' ? 'invoice' : type === 'ACCPAY' ? 'bill' : null
  if (id === null || kind === null) return null
  return {
    ...base(json, kind, id, frame),
    number: textAt(json, 'InvoiceNumber'),
    reference: kind === 'invoice' ? textAt(json, 'Reference') : (markerIn(json) ?? textAt(json, 'Reference')),
    dueOn: dayAt(json, 'DueDate'),
    ...amounts(json, textAt(json, 'AmountDue')),
  }
}

export function creditNoteFrom(json: Json, frame: Frame): BookDocument | null {
  const id = idAt(json, 'CreditNoteID')
  if (id === null) return null
  const kind = textAt(json, 'Type') === 'ACCPAYCREDIT' ? 'supplier_credit' : 'credit_note'
  return {
    ...base(json, kind, id, frame),
    number: textAt(json, 'CreditNoteNumber'),
    reference: kind === 'credit_note' ? textAt(json, 'Reference') : (markerIn(json) ?? textAt(json, 'Reference')),
    ...amounts(json, textAt(json, 'RemainingCredit')),
  }
}

export function paymentFrom(json: Json, frame: Frame): BookDocument | null {
  const id = idAt(json, 'PaymentID')
  if (id === null) return null
  const paid = paidBy(json)
  const amountMinor = minorFrom(textAt(json, 'Amount')) ?? 0n
  const contact = objectAt(paid?.json ?? null, 'Contact')
  const accountId = accountIdIn(objectAt(json, 'Account'))
  const shared = base(json, 'payment', id, frame)
  return {
    ...shared,
    status: settled(shared.status),
    reference: textAt(json, 'Reference'),
    contactId: idAt(contact, 'ContactID'),
    contactName: textAt(contact, 'Name'),
    currency: textAt(paid?.json ?? null, 'CurrencyCode') ?? frame.currency,
    totalMinor: amountMinor,
    moves:
      accountId === null ? [] : [{ accountId, amountMinor: isMoneyIn(json, paid?.kind) ? amountMinor : -amountMinor }],
    of: paid?.kind && paid.id ? [{ kind: paid.kind, id: paid.id, amountMinor }] : [],
  }
}

export function bankTransactionFrom(json: Json, frame: Frame): BookDocument | null {
  const id = idAt(json, 'BankTransactionID')
  const type = textAt(json, 'Type') ?? ''
  // The two halves of a transfer between bank accounts are read as the transfer itself.
  if (id === null || type.endsWith('-TRANSFER')) return null
  const isOut = type.startsWith('SPEND')
  const shared = base(json, isOut ? 'money_spent' : 'money_received', id, frame)
  const { totalMinor, vatMinor } = amounts(json, null)
  const accountId = accountIdIn(objectAt(json, 'BankAccount'))
  return {
    ...shared,
    status: settled(shared.status),
    reference: textAt(json, 'Reference'),
    totalMinor,
    vatMinor,
    moves: accountId === null ? [] : [{ accountId, amountMinor: isOut ? -totalMinor : totalMinor }],
  }
}

export function bankTransferFrom(json: Json, frame: Frame): BookDocument | null {
  const id = idAt(json, 'BankTransferID')
  if (id === null) return null
  const amountMinor = minorFrom(textAt(json, 'Amount')) ?? 0n
  const from = accountIdIn(objectAt(json, 'FromBankAccount'))
  const to = accountIdIn(objectAt(json, 'ToBankAccount'))
  const shared = base(json, 'book_transfer', id, frame)
  return {
    ...shared,
    status: settled(shared.status),
    reference: textAt(json, 'Reference'),
    totalMinor: amountMinor,
    moves: [
      ...(from === null ? [] : [{ accountId: from, amountMinor: -amountMinor }]),
      ...(to === null ? [] : [{ accountId: to, amountMinor }]),
    ],
    updatedAt:
      shared.updatedAt === beginning ? (instantFrom(textAt(json, 'CreatedDateUTC')) ?? beginning) : shared.updatedAt,
  }
}

export function journalFrom(json: Json, frame: Frame): BookDocument | null {
  const id = idAt(json, 'ManualJournalID')
  if (id === null) return null
  const moves = listAt(json, 'JournalLines').flatMap((line) => {
    const accountId = accountIdIn(line)
    const amountMinor = minorFrom(textAt(line, 'LineAmount')) ?? 0n
    return accountId === null ? [] : [{ accountId, amountMinor }]
  })
  const shared = base(json, 'journal', id, frame)
  return {
    ...shared,
    status: settled(shared.status),
    reference: textAt(json, 'Narration')?.split(' ')[0] ?? null,
    totalMinor: moves.reduce((sum, move) => (move.amountMinor > 0n ? sum + move.amountMinor : sum), 0n),
    moves,
  }
}

/** Xero keeps an allocation inside its credit note: its id here is the note's and its own. */
export function allocationsFrom(credit: Json, frame: Frame): BookDocument[] {
  const creditNote = creditNoteFrom(credit, frame)
  if (creditNote === null) return []
  return listAt(credit, 'Allocations').flatMap((json) => allocationFrom(json, creditNote, frame) ?? [])
}

export function allocationFrom(json: Json, creditNote: BookDocument, frame: Frame): BookDocument | null {
  const invoiceId = idAt(objectAt(json, 'Invoice'), 'InvoiceID')
  const own = idAt(json, 'AllocationID') ?? invoiceId
  if (own === null) return null
  const amountMinor = minorFrom(textAt(json, 'Amount') ?? textAt(json, 'AppliedAmount')) ?? 0n
  const against = creditNote.kind === 'credit_note' ? 'invoice' : 'bill'
  return {
    ...base(json, 'allocation', `${creditNote.id}/${own}`, frame),
    status: flagAt(json, 'IsDeleted') ? 'deleted' : 'paid',
    version: creditNote.version,
    contactId: creditNote.contactId,
    contactName: creditNote.contactName,
    currency: creditNote.currency,
    totalMinor: amountMinor,
    of: [
      { kind: creditNote.kind, id: creditNote.id, amountMinor },
      ...(invoiceId === null ? [] : [{ kind: against, id: invoiceId, amountMinor } as const]),
    ],
    updatedAt: creditNote.updatedAt,
  }
}

export function contactFrom(json: Json): BookContact | null {
  const id = idAt(json, 'ContactID')
  if (id === null) return null
  const roles: ContactRole[] = []
  if (flagAt(json, 'IsCustomer')) roles.push('customer')
  if (flagAt(json, 'IsSupplier')) roles.push('supplier')
  return {
    id,
    version: instantFrom(textAt(json, 'UpdatedDateUTC')),
    name: textAt(json, 'Name') ?? '',
    email: textAt(json, 'EmailAddress'),
    companyNumber: textAt(json, 'CompanyNumber'),
    vatNumber: textAt(json, 'TaxNumber'),
    roles,
    active: (textAt(json, 'ContactStatus') ?? 'ACTIVE') === 'ACTIVE',
    mergedInto: idAt(json, 'MergedToContactID'),
  }
}

export function receiptFrom(document: BookDocument, warnings: string[], callId: string | null): Receipt {
  const { kind, id, version, number, totalMinor, openMinor, datedOn, status, deepLink } = document
  return { kind, id, version, number, totalMinor, openMinor, datedOn, status, deepLink, warnings, callId }
}

function base(json: Json, kind: DocumentKind, id: string, frame: Frame): BookDocument {
  const contact = objectAt(json, 'Contact')
  const updatedAt = instantFrom(textAt(json, 'UpdatedDateUTC')) ?? instantFrom(textAt(json, 'UpdatedDateUTCString'))
  return {
    kind,
    id,
    version: updatedAt,
    number: null,
    reference: null,
    contactId: idAt(contact, 'ContactID'),
    contactName: textAt(contact, 'Name'),
    datedOn: dayAt(json, 'Date') ?? noDay,
    dueOn: null,
    status: statuses[textAt(json, 'Status') ?? ''] ?? 'open',
    currency: textAt(json, 'CurrencyCode') ?? frame.currency,
    totalMinor: 0n,
    vatMinor: 0n,
    openMinor: 0n,
    moves: [],
    of: [],
    updatedAt: updatedAt ?? beginning,
    deepLink: deepLink(kind, id, frame.shortCode),
  }
}

const statuses: Record<string, DocumentStatus> = {
  DRAFT: 'draft',
  SUBMITTED: 'draft',
  AUTHORISED: 'open',
  POSTED: 'open',
  PAID: 'paid',
  VOIDED: 'voided',
  DELETED: 'deleted',
  ARCHIVED: 'deleted',
}

/** What moves money has nothing left to pay once it stands. */
const settled = (status: DocumentStatus): DocumentStatus => (status === 'open' ? 'paid' : status)

function amounts(json: Json, open: string | null) {
  const totalMinor = minorFrom(textAt(json, 'Total')) ?? 0n
  return { totalMinor, vatMinor: minorFrom(textAt(json, 'TotalTax')) ?? 0n, openMinor: minorFrom(open) ?? 0n }
}

/** Our marker on what has no Reference: at the end of the link, else in brackets at the end of the text. */
function markerIn(json: Json): string | null {
  const fragment = /#([A-Za-z0-9][A-Za-z0-9._-]{2,20})$/.exec(textAt(json, 'Url') ?? '')?.[1]
  if (fragment !== undefined) return fragment
  for (const line of listAt(json, 'LineItems')) {
    const inText = /\[([A-Za-z0-9][A-Za-z0-9._-]{2,20})\]\s*$/.exec(textAt(line, 'Description') ?? '')?.[1]
    if (inText !== undefined) return inText
  }
  return null
}

type Paid = { kind: DocumentKind | null; id: string | null; json: Json }
function paidBy(json: Json): Paid | null {
  const invoice = objectAt(json, 'Invoice')
  const invoiceId = idAt(invoice, 'InvoiceID')
  if (invoice && invoiceId !== null) {
    const isBill = /^(ACCPAY|AP)/.test(textAt(invoice, 'Type') ?? textAt(json, 'PaymentType') ?? '')
    return { kind: isBill ? 'bill' : 'invoice', id: invoiceId, json: invoice }
  }
  const credit = objectAt(json, 'CreditNote')
  const creditId = idAt(credit, 'CreditNoteID')
  if (credit && creditId !== null) {
    const isSupplier = /^(ACCPAY|AP)/.test(textAt(credit, 'Type') ?? textAt(json, 'PaymentType') ?? '')
    return { kind: isSupplier ? 'supplier_credit' : 'credit_note', id: creditId, json: credit }
  }
  const other = objectAt(json, 'Overpayment') ?? objectAt(json, 'Prepayment')
  return other === null ? null : { kind: null, id: null, json: other }
}

/** ARCREDITPAYMENT and its kin are refunds: money of a customer's goes out, money of a supplier's comes in. */
const inwards = new Set(['ACCRECPAYMENT', 'APCREDITPAYMENT', 'APOVERPAYMENTPAYMENT', 'APPREPAYMENTPAYMENT'])
function isMoneyIn(json: Json, kind: DocumentKind | null | undefined): boolean {
  const type = textAt(json, 'PaymentType')
  if (type !== null) return inwards.has(type)
  return kind === 'invoice' || kind === 'supplier_credit'
}

const accountIdIn = (json: Json | null): string | null =>
  idAt(json, 'AccountID') ?? textAt(json, 'AccountCode') ?? textAt(json, 'Code')
