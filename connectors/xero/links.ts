/**
 * Deep links: the page of a thing in Xero, opened in the right organisation.
 *
 * https://developer.xero.com/documentation/guides/how-to-guides/deep-link-xero
 */
import type { DocumentKind } from '../port.ts'

const pages: Partial<Record<DocumentKind | 'contact', (id: string) => string>> = {
  invoice: (id) => `/AccountsReceivable/View.aspx?InvoiceID=${id}`,
  bill: (id) => `/AccountsPayable/View.aspx?InvoiceID=${id}`,
  credit_note: (id) => `/AccountsReceivable/ViewCreditNote.aspx?creditNoteID=${id}`,
  supplier_credit: (id) => `/AccountsPayable/ViewCreditNote.aspx?creditNoteID=${id}`,
  money_spent: (id) => `/Bank/ViewTransaction.aspx?bankTransactionID=${id}`,
  money_received: (id) => `/Bank/ViewTransaction.aspx?bankTransactionID=${id}`,
  journal: (id) => `/Journal/View.aspx?invoiceID=${id}`,
  contact: (id) => `/Contacts/View/${id}`,
}

/** Null for what has no page of its own, or while the organisation's short code is not known. */
export function deepLink(kind: DocumentKind | 'contact', id: string, shortCode: string | null): string | null {
  const page = pages[kind]?.(encodeURIComponent(id))
  if (page === undefined || shortCode === null) return null
  const ask = new URLSearchParams({ shortcode: shortCode, redirecturl: page })
  return `https://go.xero.com/organisationlogin/default.aspx?${ask}`
}
