/** A reconciliation as CSV: one line a document, amounts in units with a point, safe to open in a spreadsheet. */
import { csvLine } from '../kit/csv.ts'
import { formatAmount } from '../kit/money.ts'
import type { StoredLine } from './read.ts'
import type { Reconciliation } from './run.ts'

export function reconciliationCsv(run: Reconciliation, lines: StoredLine[], scale: number): string {
  const amount = (minor: bigint | null) => (minor === null ? '' : formatAmount(minor, scale))
  const head = [
    'verdict',
    'reference',
    'kind',
    'book_document_id',
    'ledger_amount',
    'book_amount',
    'difference',
    'our_total',
    'their_total',
    'our_day',
    'their_day',
    'their_status',
    'their_contact',
  ]
  const body = lines.map((line) => {
    const ours = (line.ours ?? {}) as Record<string, string>
    const theirs = (line.theirs ?? {}) as Record<string, string>
    const total = (side: Record<string, string>) =>
      side.totalMinor && /^-?\d+$/.test(side.totalMinor) ? amount(BigInt(side.totalMinor)) : ''
    return [
      line.verdict,
      line.reference ?? '',
      line.bookKind ?? ours.kind ?? '',
      line.bookDocumentId ?? '',
      amount(line.ledgerMinor),
      amount(line.bookMinor),
      amount(line.ledgerMinor - line.bookMinor),
      total(ours),
      total(theirs),
      ours.datedOn ?? '',
      theirs.datedOn ?? '',
      theirs.status ?? '',
      theirs.contact ?? '',
    ]
  })
  const foot = [
    'total',
    '',
    '',
    '',
    amount(run.ledgerMinor),
    amount(run.bookMinor),
    amount(run.driftMinor),
    '',
    '',
    run.asOf,
    run.asOf,
    '',
    '',
  ]
  return [head, ...body, foot].map(csvLine).join('')
}
