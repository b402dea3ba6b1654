/**
 * What is still open: of an invoice or bill what is due, of a credit note or overpayment what remains.
 *
 * Payments, allocated credit notes, overpayments and prepayments all reduce it; a CIS deduction does too.
 */
import type { Credit, Paper, PaperStatus, XeroBook } from './book.ts'

export function paidOn(book: XeroBook, paper: { paymentIds: string[] }): bigint {
  return paper.paymentIds.reduce((sum, id) => {
    const payment = book.tables.payments.get(id)
    return payment?.status === 'AUTHORISED' ? sum + payment.amountMinor : sum
  }, 0n)
}

export function allocatedOf(book: XeroBook, paper: { allocationIds: string[] }): bigint {
  return paper.allocationIds.reduce((sum, id) => {
    const allocation = book.tables.allocations.get(id)
    return allocation === undefined || allocation.deleted ? sum : sum + allocation.amountMinor
  }, 0n)
}

export function isOpenStatus(status: PaperStatus): boolean {
  return status === 'AUTHORISED' || status === 'PAID'
}

/** Due on an invoice, remaining on a credit note; nothing on what is not approved. */
export function openOf(book: XeroBook, paper: Paper): bigint {
  return paper.totalMinor - paper.cisDeductionMinor - paidOn(book, paper) - allocatedOf(book, paper)
}

export function dueOf(book: XeroBook, paper: Paper): bigint {
  return isOpenStatus(paper.status) ? openOf(book, paper) : 0n
}

export function creditTotal(book: XeroBook, credit: Credit): bigint {
  return book.tables.bankEntries.get(credit.bankEntryId)?.totalMinor ?? 0n
}

export function creditRemaining(book: XeroBook, credit: Credit): bigint {
  return creditTotal(book, credit) - paidOn(book, credit) - allocatedOf(book, credit)
}

/** A document is PAID exactly while nothing of it is open: Xero sets and takes back the status itself. */
export function settle(book: XeroBook, paper: Paper, on: string, at: number): Paper {
  const table = paper.type === 'ACCREC' || paper.type === 'ACCPAY' ? book.tables.invoices : book.tables.creditNotes
  const { fullyPaidOn: _before, ...rest } = paper
  const paid = openOf(book, paper) === 0n
  const settled: Paper = {
    ...rest,
    status: paid ? 'PAID' : 'AUTHORISED',
    ...(paid ? { fullyPaidOn: on } : {}),
    updatedAt: at,
  }
  table.set(settled.id, settled)
  return settled
}
