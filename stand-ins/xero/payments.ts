/**
 * Payments: one of an invoice, a bill, or a refund of a credit note or an overpayment. Never edited: made or deleted.
 */
import { randomUUID } from 'node:crypto'
import { toMinor } from '../kit/decimals.ts'
import { dayFields, dayFrom, Invalid, instantStamp, money, notFound } from './answers.ts'
import type { Account, Credit, Paper, Payment, XeroBook } from './book.ts'
import { contactStub } from './contacts.ts'
import type { Element } from './elements.ts'
import { elementsOf, writeElements, writeOne } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { ring } from './invoices.ts'
import { list } from './list.ts'
import { refuseLockedPayment } from './locks.ts'
import { creditRemaining, isOpenStatus, openOf, settle } from './owing.ts'
import { isSale } from './paper.ts'

const scope = 'accounting.payments'
const body = {
  plural: 'Payments',
  schema: 'Payment',
  required: ['Account', 'Date', 'Amount'],
  oneOf: ['Invoice', 'InvoiceNumber', 'CreditNote', 'CreditNoteNumber', 'Overpayment', 'Prepayment'],
}

export const paymentEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/Payments',
    scope,
    act: (call) =>
      list(call, {
        plural: 'Payments',
        schema: 'Payment',
        rows: [...call.book.tables.payments.values()],
        updatedAt: (row) => row.updatedAt,
        createdAt: (row) => row.createdAt,
        render: (row) => render(call.book, row),
      }),
  },
  {
    method: 'PUT',
    path: '/Payments',
    scope,
    body,
    act: (call) => writeElements(call, 'Payments', (ask) => render(call.book, pay(call, ask))),
  },
  {
    method: 'POST',
    path: '/Payments',
    scope,
    body,
    act: (call) => writeElements(call, 'Payments', (ask) => render(call.book, pay(call, ask))),
  },
  {
    method: 'GET',
    path: '/Payments/:id',
    scope,
    act: ({ book, params }) => ({ Payments: [render(book, paymentAt(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/Payments/:id',
    scope,
    body: { plural: 'Payments', schema: 'PaymentDelete', required: ['Status'] },
    act: (call) => {
      const payment = paymentAt(call.book, call.params.id ?? '')
      const [ask = {}] = elementsOf(call.body, 'Payments')
      return writeOne(call, { PaymentID: payment.id, ...ask }, () => {
        if (ask.Status !== 'DELETED') throw new Invalid('Status must be DELETED')
        if (payment.inBatch) throw new Invalid('Payments within a batch cannot be deleted.')
        return { Payments: [render(call.book, deletePayment(call, payment))] }
      })
    },
  },
]

function paymentAt(book: XeroBook, id: string): Payment {
  const found = book.tables.payments.get(id.toLowerCase())
  if (found === undefined) throw notFound()
  return found
}

/** The account money comes into or goes out of: a bank account, or one with payments enabled. */
function paymentAccount(book: XeroBook, ask: unknown): Account {
  const account = book.accountBy(ask as { AccountID?: string; Code?: string })
  if (account === undefined || account.status === 'ARCHIVED') throw new Invalid('Account could not be found')
  if (account.type !== 'BANK' && !account.paymentsEnabled)
    throw new Invalid('Account type is invalid for making a payment to/from')
  return account
}

interface Target {
  of: Payment['of']
  type: string
  remainingMinor: bigint
  /** Whether the money comes in. */
  received: boolean
  paper?: Paper
  credit?: Credit
}

function targetOf(book: XeroBook, ask: Element): Target {
  const invoice = ask.Invoice as Element | undefined
  const number = ask.InvoiceNumber ?? invoice?.InvoiceNumber
  if (invoice?.InvoiceID !== undefined || number !== undefined) {
    const paper =
      invoice?.InvoiceID === undefined
        ? [...book.tables.invoices.values()].find((row) => row.type === 'ACCREC' && row.number === number)
        : book.tables.invoices.get(String(invoice.InvoiceID).toLowerCase())
    if (paper === undefined) throw new Invalid('Invoice could not be found')
    return paperTarget(book, paper, `${paper.type}PAYMENT`, isSale(paper.type))
  }
  const note = ask.CreditNote as Element | undefined
  const noteNumber = ask.CreditNoteNumber ?? note?.CreditNoteNumber
  if (note?.CreditNoteID !== undefined || noteNumber !== undefined) {
    const paper =
      note?.CreditNoteID === undefined
        ? [...book.tables.creditNotes.values()].find((row) => row.number === noteNumber)
        : book.tables.creditNotes.get(String(note.CreditNoteID).toLowerCase())
    if (paper === undefined) throw new Invalid('Credit note could not be found')
    return paperTarget(book, paper, isSale(paper.type) ? 'ARCREDITPAYMENT' : 'APCREDITPAYMENT', !isSale(paper.type))
  }
  const overpaid = (ask.Overpayment as Element | undefined)?.OverpaymentID
  const prepaid = (ask.Prepayment as Element | undefined)?.PrepaymentID
  const credit = book.tables.credits.get(String(overpaid ?? prepaid ?? '').toLowerCase())
  if (credit === undefined) throw new Invalid('Overpayment or prepayment could not be found')
  const fromSale = book.tables.bankEntries.get(credit.bankEntryId)?.type.startsWith('RECEIVE') ?? false
  const type = `${fromSale ? 'AR' : 'AP'}${credit.kind.toUpperCase()}PAYMENT`
  const remainingMinor = creditRemaining(book, credit)
  return { of: { kind: 'credit', id: credit.id }, type, remainingMinor, received: !fromSale, credit }
}

function paperTarget(book: XeroBook, paper: Paper, type: string, received: boolean): Target {
  const kind = paper.type === 'ACCREC' || paper.type === 'ACCPAY' ? 'invoice' : 'creditNote'
  const remainingMinor = isOpenStatus(paper.status) ? openOf(book, paper) : 0n
  return { of: { kind, id: paper.id }, type, remainingMinor, received, paper }
}

export function pay(call: Call, ask: Element): Payment {
  const { book } = call
  const target = targetOf(book, ask)
  const amountMinor = toMinor((ask.Amount ?? 0) as number)
  const date = dayFrom(ask.Date, 'Date') ?? book.dayAt(call.now)
  const messages: string[] = []
  if (target.paper !== undefined && target.paper.status !== 'AUTHORISED')
    messages.push('Payments can only be made against Authorised documents')
  if (amountMinor <= 0n) messages.push('Payment amount must be greater than zero')
  if (amountMinor > target.remainingMinor)
    messages.push('Payment amount exceeds the amount outstanding on this document')
  const account = collect(messages, () => paymentAccount(book, ask.Account ?? {}))
  collect(messages, () => refuseLockedPayment(book, date))
  if (messages.length > 0 || account === undefined) throw new Invalid(...messages)

  const at = call.now.getTime()
  const payment: Payment = {
    id: randomUUID(),
    of: target.of,
    type: target.type,
    accountId: account.id,
    date,
    amountMinor,
    reference: String(ask.Reference ?? ''),
    reconciled: ask.IsReconciled === true,
    inBatch: false,
    status: 'AUTHORISED',
    createdAt: at,
    updatedAt: at,
  }
  book.tables.payments.set(payment.id, payment)
  const fromSale = payment.type.startsWith('ACCREC') || payment.type.startsWith('AR')
  const control = book.systemAccount(fromSale ? 'DEBTORS' : 'CREDITORS')
  const sign = target.received ? 1n : -1n
  book.ledger.journal(
    date,
    [
      { accountId: account.id, amountMinor: sign * amountMinor },
      { accountId: control.id, amountMinor: -sign * amountMinor },
    ],
    { kind: 'payment', id: payment.id },
  )
  attach(call, target, payment)
  return payment
}

/** Tries one rule; what it refuses joins the other messages. */
function collect<T>(messages: string[], rule: () => T): T | undefined {
  try {
    return rule()
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    messages.push(...error.messages)
    return undefined
  }
}

function attach(call: Call, { paper, credit }: Target, payment: Payment): void {
  const { book } = call
  if (credit !== undefined) {
    const paymentIds = [...credit.paymentIds, payment.id]
    book.tables.credits.set(credit.id, { ...credit, paymentIds, updatedAt: call.now.getTime() })
  }
  if (paper === undefined) return
  const paymentIds = [...paper.paymentIds, payment.id]
  const settled = settle(book, { ...paper, paymentIds }, payment.date, call.now.getTime())
  if (call.paymentsRing) ring(call, settled, 'UPDATE')
}

export function deletePayment(call: Call, payment: Payment): Payment {
  const { book } = call
  if (payment.status === 'DELETED') throw new Invalid('Payment not of valid status for modification')
  refuseLockedPayment(book, payment.date)
  const at = call.now.getTime()
  const deleted: Payment = { ...payment, status: 'DELETED', updatedAt: at }
  book.tables.payments.set(payment.id, deleted)
  book.ledger.undoSource('payment', payment.id)
  const table = payment.of.kind === 'invoice' ? book.tables.invoices : book.tables.creditNotes
  const paper = payment.of.kind === 'credit' ? undefined : table.get(payment.of.id)
  if (paper !== undefined) {
    const settled = settle(book, paper, payment.date, at)
    if (call.paymentsRing) ring(call, settled, 'UPDATE')
  }
  return deleted
}

export function render(book: XeroBook, payment: Payment): Element {
  const account = book.tables.accounts.get(payment.accountId)
  return {
    PaymentID: payment.id,
    ...dayFields('Date', payment.date),
    BankAmount: money(payment.amountMinor),
    Amount: money(payment.amountMinor),
    Reference: payment.reference,
    CurrencyRate: 1,
    PaymentType: payment.type,
    Status: payment.status,
    UpdatedDateUTC: instantStamp(payment.updatedAt),
    HasAccount: true,
    IsReconciled: payment.reconciled,
    Account: { AccountID: payment.accountId, ...(account?.code ? { Code: account.code } : {}), Name: account?.name },
    ...renderTarget(book, payment),
    HasValidationErrors: false,
  }
}

function renderTarget(book: XeroBook, payment: Payment): Element {
  const { kind, id } = payment.of
  if (kind === 'credit') {
    const credit = book.tables.credits.get(id)
    return credit === undefined ? {} : { [credit.kind]: { [`${credit.kind}ID`]: id } }
  }
  const paper = kind === 'invoice' ? book.tables.invoices.get(id) : book.tables.creditNotes.get(id)
  if (paper === undefined) return {}
  const stub = {
    Type: paper.type,
    Contact: contactStub(book, paper.contactId),
    CurrencyCode: book.settings.currency,
    HasErrors: false,
    LineItems: [],
  }
  if (kind === 'invoice')
    return { Invoice: { ...stub, InvoiceID: id, InvoiceNumber: paper.number, IsDiscounted: false, Payments: [] } }
  return { CreditNote: { ...stub, CreditNoteID: id, CreditNoteNumber: paper.number } }
}
