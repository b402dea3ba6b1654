/** The ledger as a table, and a table as a test writes it: columns by spaces, indentation away. */
import type { Db } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { formatAmount } from '../../src/kit/money.ts'

/** Each row's cells are divided by two spaces or more; empty cells keep their place by their column. */
export function table(parts: TemplateStringsArray, ...values: unknown[]): string {
  const text = String.raw({ raw: parts }, ...values)
  return text
    .split('\n')
    .map((line) => line.trim().replace(/ {2,}/g, '  '))
    .filter((line) => line !== '')
    .join('\n')
}

/** Every entry in order: transfer kind with its number of that kind, account, debit or credit, balance. */
export async function ledgerTable(db: Db, networkId: Uuid, names: Record<string, Uuid>): Promise<string> {
  const { rows } = await db.pool.query<{
    kind: string
    transfer_id: string
    account_id: string
    amount: string
    after: string
  }>(
    `select t.kind, e.transfer_id, e.account_id, e.amount_minor as amount, e.after_minor as after
       from entry e join transfer t on t.network_id = e.network_id and t.id = e.transfer_id
      where e.network_id = $1 order by e.number, e.amount_minor`,
    [networkId],
  )
  if (rows.length === 0) return 'no entries'
  const nameOf = new Map(Object.entries(names).map(([name, id]) => [id, name]))
  const seen = new Map<string, Map<string, number>>()
  const lines = rows.map((row) => {
    const ofKind = seen.get(row.kind) ?? new Map<string, number>()
    seen.set(row.kind, ofKind)
    if (!ofKind.has(row.transfer_id)) ofKind.set(row.transfer_id, ofKind.size + 1)
    const minor = BigInt(row.amount)
    const cells = [
      `${row.kind} ${ofKind.get(row.transfer_id)}`,
      nameOf.get(row.account_id) ?? row.account_id,
      formatAmount(minor < 0n ? -minor : minor, 2),
      formatAmount(BigInt(row.after), 2),
    ]
    return cells.join('  ')
  })
  return ['transfer  account  debit  credit  balance', ...lines].join('\n')
}
