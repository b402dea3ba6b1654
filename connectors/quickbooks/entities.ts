/**
 * QuickBooks' objects and our kinds: which is which, where our marker stands, and where a person sees the thing. Pure.
 *
 * A kind may be one of two objects there (a payment is a Payment or a BillPayment). The id we hand out says which: the rarer
 * object's name stands before it, so nobody needs to guess when it is looked up again.
 */
import type { DocumentKind } from '../port.ts'

export type DocumentEntity =
  | 'Invoice'
  | 'Bill'
  | 'CreditMemo'
  | 'VendorCredit'
  | 'Payment'
  | 'BillPayment'
  | 'Purchase'
  | 'Deposit'
  | 'SalesReceipt'
  | 'RefundReceipt'
  | 'JournalEntry'
  | 'Transfer'
export type ContactEntity = 'Customer' | 'Vendor'

export type Entity = {
  name: DocumentEntity
  kind: DocumentKind
  /** Stands before the id where the kind alone does not name the object. */
  prefix: string
  /** The field in which our reference stands. Where it is the note, no query can ask for it and the contact's documents are read. */
  marker: 'DocNumber' | 'PaymentRefNum' | 'PrivateNote'
  /** The field that names the counterparty, by which documents can be asked for. */
  contact: 'CustomerRef' | 'VendorRef' | null
  page: string
  /** How it is taken back. */
  undo: 'void' | 'voidByUpdate' | 'delete'
}

const invoices = { marker: 'PrivateNote', contact: 'CustomerRef' } as const
const bills = { marker: 'PrivateNote', contact: 'VendorRef' } as const
const numbered = { marker: 'DocNumber', contact: null, undo: 'delete' } as const

export const entities: Record<DocumentEntity, Entity> = {
  Invoice: { name: 'Invoice', kind: 'invoice', prefix: '', ...invoices, page: 'invoice', undo: 'void' },
  Bill: { name: 'Bill', kind: 'bill', prefix: '', ...bills, page: 'bill', undo: 'delete' },
  CreditMemo: {
    ...numbered,
    name: 'CreditMemo',
    kind: 'credit_note',
    prefix: '',
    contact: 'CustomerRef',
    page: 'creditmemo',
  },
  VendorCredit: {
    ...numbered,
    name: 'VendorCredit',
    kind: 'supplier_credit',
    prefix: '',
    contact: 'VendorRef',
    page: 'vendorcredit',
  },
  Payment: {
    name: 'Payment',
    kind: 'payment',
    prefix: '',
    marker: 'PaymentRefNum',
    contact: 'CustomerRef',
    page: 'recvpayment',
    undo: 'voidByUpdate',
  },
  BillPayment: {
    ...numbered,
    name: 'BillPayment',
    kind: 'payment',
    prefix: 'billpayment-',
    contact: 'VendorRef',
    page: 'billpayment',
    undo: 'voidByUpdate',
  },
  Purchase: { ...numbered, name: 'Purchase', kind: 'money_spent', prefix: '', page: 'expense' },
  Deposit: {
    name: 'Deposit',
    kind: 'money_received',
    prefix: '',
    marker: 'PrivateNote',
    contact: null,
    page: 'deposit',
    undo: 'delete',
  },
  SalesReceipt: {
    ...numbered,
    name: 'SalesReceipt',
    kind: 'money_received',
    prefix: 'salesreceipt-',
    contact: 'CustomerRef',
    page: 'salesreceipt',
    undo: 'voidByUpdate',
  },
  RefundReceipt: {
    ...numbered,
    name: 'RefundReceipt',
    kind: 'money_spent',
    prefix: 'refundreceipt-',
    contact: 'CustomerRef',
    page: 'refundreceipt',
  },
  JournalEntry: { ...numbered, name: 'JournalEntry', kind: 'journal', prefix: '', page: 'journal' },
  Transfer: {
    ...numbered,
    name: 'Transfer',
    kind: 'book_transfer',
    prefix: '',
    marker: 'PrivateNote',
    page: 'transfer',
  },
}
export const documentEntities = Object.keys(entities) as DocumentEntity[]
export const contactEntities: ContactEntity[] = ['Customer', 'Vendor']

/** All objects that may hold a thing of this kind, the usual one first. An allocation is a payment of nothing. */
export function entitiesOf(kind: DocumentKind): Entity[] {
  const held = kind === 'allocation' ? 'payment' : kind
  return documentEntities.map((name) => entities[name]).filter((one) => one.kind === held)
}

export function bookIdOf(entity: Entity, id: string): string {
  return entity.prefix + id
}

/** The object and the bare id behind an id that we handed out. */
export function entityBehind(kind: DocumentKind, id: string): { entity: Entity; bareId: string } | null {
  const possible = entitiesOf(kind)
  const marked = possible.find((one) => one.prefix !== '' && id.startsWith(one.prefix))
  const entity = marked ?? possible.find((one) => one.prefix === '')
  return entity ? { entity, bareId: id.slice(entity.prefix.length) } : null
}

/** The names that links use for what they lead to. */
export const entityLinked: Record<string, DocumentEntity> = {
  Invoice: 'Invoice',
  Bill: 'Bill',
  CreditMemo: 'CreditMemo',
  VendorCredit: 'VendorCredit',
  Expense: 'Purchase',
  Purchase: 'Purchase',
  Check: 'Purchase',
  CashPurchase: 'Purchase',
  Deposit: 'Deposit',
  JournalEntry: 'JournalEntry',
  SalesReceipt: 'SalesReceipt',
  RefundReceipt: 'RefundReceipt',
  Transfer: 'Transfer',
  Payment: 'Payment',
  ReceivePayment: 'Payment',
  BillPayment: 'BillPayment',
  BillPaymentCheck: 'BillPayment',
  BillPaymentCreditCard: 'BillPayment',
}

export function pathOf(name: string): string {
  return name.toLowerCase()
}

const site = 'https://app.qbo.intuit.com/app'
export function documentLink(entity: Entity, id: string): string {
  return `${site}/${entity.page}?txnId=${encodeURIComponent(id)}`
}
export function contactLink(entity: ContactEntity, id: string): string {
  return `${site}/${entity === 'Customer' ? 'customerdetail' : 'vendordetail'}?nameId=${encodeURIComponent(id)}`
}
