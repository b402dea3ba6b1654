/**
 * An account's balance: as it stands today, or at the end of an earlier day.
 *
 * Keeps: the sign a book's owner reads: an asset above zero, a debt below.
 */
import type { BookAccount, BookBalance, Day, Grant } from '../port.ts'
import { minorAt, minorOf } from './amounts.ts'
import { quickbooksError } from './errors.ts'
import { at, listAt, textAt } from './json.ts'
import type { Wire } from './wire.ts'

/** Before any book began, so that a trial balance holds all of what led to a balance. */
const firstDay = '1990-01-01'

export async function balance(wire: Wire, grant: Grant, account: BookAccount, on: Day): Promise<BookBalance> {
  const today = wire.settings.now().toISOString().slice(0, 10)
  const amountMinor =
    on >= today ? await currentBalance(wire, grant, account) : await balanceAt(wire, grant, account, on)
  return { accountId: account.id, on, amountMinor }
}

async function currentBalance(wire: Wire, grant: Grant, account: BookAccount): Promise<bigint> {
  const { body, callId } = await wire.get(grant, `account/${encodeURIComponent(account.id)}`)
  const amountMinor = minorAt(body, 'Account', 'CurrentBalance')
  if (amountMinor === null)
    throw quickbooksError('unavailable', 'unreadable_answer', 'The account tells no balance.', { callId })
  // What is owed on a credit card is told above zero; every other debt stands below it.
  return textAt(body, 'Account', 'AccountType') === 'Credit Card' ? -amountMinor : amountMinor
}

/** The trial balance shows each account in a column for debits or one for credits, and leaves out those at zero. */
async function balanceAt(wire: Wire, grant: Grant, account: BookAccount, on: Day): Promise<bigint> {
  const query = { start_date: firstDay, end_date: on, accounting_method: 'Accrual' }
  const { body } = await wire.get(grant, 'reports/TrialBalance', query)
  const titles = listAt(body, 'Columns', 'Column').map((column) => textAt(column, 'ColTitle') ?? '')
  const column = (title: RegExp, usual: number) => {
    const found = titles.findIndex((one) => title.test(one))
    return found > 0 ? found : usual
  }
  const debit = column(/^debit/i, 1)
  const credit = column(/^credit/i, 2)
  const cells = cellsOf(at(body, 'Rows'), account, 0)
  if (!cells) return 0n
  return (minorOf(textAt(cells[debit], 'value')) ?? 0n) - (minorOf(textAt(cells[credit], 'value')) ?? 0n)
}

const deepestRow = 20

/** An account with sub-accounts has its own figures in the heading of its rows. */
function cellsOf(rows: unknown, account: BookAccount, depth: number): unknown[] | null {
  if (depth > deepestRow) return null
  for (const row of listAt(rows, 'Row')) {
    for (const cells of [listAt(row, 'ColData'), listAt(row, 'Header', 'ColData')]) {
      const id = textAt(cells[0], 'id')
      if (id === account.id || (id === null && textAt(cells[0], 'value') === account.name)) return cells
    }
    const inner = cellsOf(at(row, 'Rows'), account, depth + 1)
    if (inner) return inner
  }
  return null
}
