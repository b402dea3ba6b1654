/** A fake book, and what disagrees with it, as tables of text; `table` of tables.ts writes the same. */
import type { FakeBook } from '../../connectors/fake/knobs.ts'
import type { BookDocument } from '../../connectors/port.ts'
import { formatAmount, sum } from '../../src/kit/money.ts'
import type { linesOf } from '../../src/reconcile/read.ts'
import type { Reconciliation } from '../../src/reconcile/run.ts'

const none = '-'

const order = [
  'invoice',
  'bill',
  'credit_note',
  'supplier_credit',
  'money_spent',
  'money_received',
  'allocation',
  'payment',
]

/** Papers first, then money, then what settles; those that went out together have no order of their own. Voided and deleted ones say so. */
export function bookTable(book: FakeBook, creditAccountId: string): string {
  const documents = [...book.documents.values()]
  if (documents.length === 0) return 'no documents'
  const rows = documents.map((document) => {
    const moved = sum(document.moves.filter((one) => one.accountId === creditAccountId).map((one) => one.amountMinor))
    const isPaper = ['invoice', 'bill', 'credit_note', 'supplier_credit'].includes(document.kind)
    const isGone = document.status === 'voided' || document.status === 'deleted'
    return [
      document.kind + (isGone ? ` (${document.status})` : ''),
      document.contactName ?? none,
      formatAmount(document.totalMinor, 2),
      isPaper ? formatAmount(document.vatMinor, 2) : none,
      isPaper ? formatAmount(openOf(book, document), 2) : none,
      moved === 0n ? none : formatAmount(moved, 2),
    ].join('  ')
  })
  return ['document  contact  total  vat  open  account', ...rows.sort(inOrder)].join('\n')
}

function inOrder(one: string, other: string): number {
  const rank = (row: string) => order.indexOf(row.split(' ')[0] ?? '')
  return rank(one) - rank(other) || (one < other ? -1 : 1)
}

/** What is still open: its total less what settles it and is there. */
function openOf(book: FakeBook, document: BookDocument): bigint {
  const settling = (book.settling.get(document.id) ?? []).filter(
    (one) => one.status !== 'voided' && one.status !== 'deleted',
  )
  const settled = settling.flatMap((one) => one.of.filter(({ id }) => id === document.id))
  return document.totalMinor - sum(settled.map((one) => one.amountMinor))
}

export function disagreementTable(run: Reconciliation, lines: Awaited<ReturnType<typeof linesOf>>): string {
  const wrong = lines.filter((line) => line.verdict !== 'match')
  if (wrong.length === 0 && run.driftMinor === 0n) return 'all agree'
  const rows = wrong.map((line) =>
    [line.verdict, line.bookKind ?? none, formatAmount(line.ledgerMinor, 2), formatAmount(line.bookMinor, 2)].join(
      '  ',
    ),
  )
  const drift = `drift  ${formatAmount(run.driftMinor ?? 0n, 2)}`
  return ['disagreement  document  ledger  book', ...rows.sort(), drift].join('\n')
}
