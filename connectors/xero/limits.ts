/**
 * Xero's numbers, each with the page that says so.
 *
 * Never: a number that only a stand-in keeps.
 */
import type { BookLimits } from '../port.ts'

export const xeroLimits: BookLimits = {
  // https://developer.xero.com/faq/limits: per organisation and app 5 at once, 60 a minute, 5,000 a day; 1,000 a day on the Starter tier.
  atOnce: 5,
  aMinute: 60,
  aDay: 1000,
  // The same page: 10,000 a minute for the app, over all organisations; kept below it, for reads that nobody budgets.
  appAMinute: 9_000,
  batchesAMinute: null,
  // https://developer.xero.com/documentation/api-guides/integration-best-practices: about 50 elements, 3.5 MB, in one request.
  inOneCall: 50,
  // Each list has an address of its own; an allocation is put at its own credit note.
  mixesKinds: false,
  alone: ['allocation'],
  // https://developer.xero.com/documentation/guides/idempotent-requests/idempotency: a key is remembered for six minutes, errors too.
  keyLivesMs: 6 * 60_000,
  // https://developer.xero.com/documentation/api/accounting/invoices: Reference and InvoiceNumber.
  referenceLength: 255,
}

/** https://developer.xero.com/documentation/guides/oauth2/token-types: 30 minutes and 60 days; a used refresh token works 30 minutes more. */
export const accessLivesMs = 30 * 60_000
export const refreshLivesMs = 60 * 24 * 60 * 60_000

/** Pages may hold 100 to 1,000; at 500 the fullest page we know of stays well under the cap of one answer. */
export const pageSize = 500
/** A page shorter than the smallest one Xero makes is the last. */
export const smallestPage = 100
/** https://developer.xero.com/documentation/best-practices/data-integrity/paging: lists end at 100,000 records. */
export const mostPages = 1000
/** A list whose rows move while it is read is read again, at most so often. */
export const mostReadings = 4

/** It is not stated whether If-Modified-Since is inclusive, and writes land while a list is read. */
export const overlapMs = 5 * 60_000

/** https://developer.xero.com/documentation/api/accounting/invoices#line-items */
export const longestDescription = 4000
export const longestNarration = 2500

/** How long a book's accounts serve for codes: they are read anew every day, and whenever the book refuses one of them. */
export const chartLivesMs = 26 * 60 * 60_000
/** Markers asked for in one call, so that the address stays short. */
export const markersInOneCall = 50
