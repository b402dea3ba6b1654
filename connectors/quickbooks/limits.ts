/**
 * QuickBooks' numbers. Sources: pages under developer.intuit.com/app/developer/qbo/docs, named per line.
 */
import type { BookLimits } from '../port.ts'

export const quickbooksLimits: BookLimits = {
  // learn/limits-and-throttles: 10 a second for one company and app; older pages say 10 at once. Both are obeyed.
  atOnce: 8,
  // learn/limits-and-throttles: 500 a minute for one company; kept below it with the burst allowed for.
  aMinute: 450,
  // Nothing by the day: reads are metered by the month and by the app, not by the company.
  aDay: null,
  // 800 a minute are shared with other Intuit endpoints, and are per company too.
  appAMinute: null,
  // learn/limits-and-throttles: 40 batches a minute for one company and app.
  batchesAMinute: 40,
  // api/accounting/all-entities/batch and learn/limits-and-throttles: 30.
  inOneCall: 30,
  mixesKinds: true,
  alone: [],
  // blogs.intuit.com 2015/04/06/15346 tells how requestid works, and nothing says how long it is remembered.
  keyLivesMs: null,
  // all-entities/invoice: DocNumber; all-entities/payment: PaymentRefNum.
  referenceLength: 21,
}

/** The same page: 10 a second for one company and app; a book that answers at once would see more without a pace. */
export const callsASecond = 8
/** learn/limits-and-throttles: what to wait after 429 when the answer does not say. */
export const waitWithoutWordMs = 60_000
/** explore-the-quickbooks-online-api/data-queries: the most rows of one page. */
export const rowsInOnePage = 1000
/** api/accounting/all-entities/changedatacapture: 30 days back at most; a day less, for clocks that disagree. */
export const changesReachBackMs = 29 * 86_400_000
/** The same page: at most so many objects in one answer. What reaches it may have been cut. */
export const changesInOneAnswer = 1000
/** How far a cursor is set back, so that clocks and late commits lose nothing. What is read twice is the same thing. */
export const cursorOverlapMs = 2 * 60_000
/** all-entities/*: lengths of what is written. */
export const longestNote = 4000
export const longestDescription = 4000
export const longestDisplayName = 500
export const longestAccountName = 100
export const longestEmail = 100
/** all-entities/account, United Kingdom: AcctNum. */
export const longestAccountCode = 7
/** explore-the-quickbooks-online-api/minor-versions: the lowest that is still served. */
export const minorVersion = '75'
/** develop/troubleshooting: requests over 120 s are cut off there; ours are sooner. */
export const callMs = 30_000
export const tokenCallMs = 12_000
/** Names asked for in one query, so that the address stays short. */
export const namesInOneQuery = 30
