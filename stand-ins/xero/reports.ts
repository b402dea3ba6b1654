/**
 * The three reports, with the cells and attributes of the published examples.
 *
 * Trial balance: the first money pair is the month's movement, the YTD pair the balance; a blank cell means zero, and an
 * account that never moved is missing. Profit and loss accounts start anew each financial year.
 */
import { formatMinor } from '../kit/decimals.ts'
import { problem } from './answers.ts'
import type { Account, XeroBook } from './book.ts'
import { asDay, dayBefore, monthStart, yearStart } from './days.ts'
import type { Call, Endpoint } from './endpoint.ts'

interface Cell {
  Value: string
  Attributes?: { Value: string; Id: string }[]
}
interface Row {
  RowType: string
  Title?: string
  Cells?: Cell[]
  Rows?: Row[]
}

const fullMonths = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

export const reportEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/Reports/TrialBalance',
    scope: 'accounting.reports.trialbalance',
    act: (call) => report(call, 'TrialBalance', 'Trial Balance', trialBalance(call.book, dayAsked(call, 'date'))),
  },
  {
    method: 'GET',
    path: '/Reports/BalanceSheet',
    scope: 'accounting.reports.balancesheet',
    act: (call) => report(call, 'BalanceSheet', 'Balance Sheet', balanceSheet(call.book, dayAsked(call, 'date'))),
  },
  {
    method: 'GET',
    path: '/Reports/BankSummary',
    scope: 'accounting.reports.banksummary',
    act: (call) => {
      const to = dayAsked(call, 'toDate')
      const from = call.query.fromDate === undefined ? monthStart(to) : asDay(call.query.fromDate)
      return report(call, 'BankSummary', 'Bank Summary', bankSummary(call.book, from, to))
    },
  },
]

function dayAsked(call: Call, name: string): string {
  const asked = call.query[name]
  return asked === undefined ? call.book.dayAt(call.now) : asDay(asked)
}

function report(call: Call, type: string, title: string, { on, rows }: { on: string; rows: Row[] }) {
  if (!call.book.settings.reportsAllowed) throw problem(403, 'Forbidden', 'AuthorizationUnsuccessful')
  const today = longest(call.book.dayAt(call.now))
  return {
    Reports: [
      {
        ReportID: type,
        ReportName: title,
        ReportType: type,
        ReportTitles: [title, call.book.settings.name, on],
        ReportDate: today,
        UpdatedDateUTC: `/Date(${call.now.getTime()})/`,
        Fields: [],
        Rows: rows,
      },
    ],
  }
}

function longest(day: string): string {
  return `${Number(day.slice(8))} ${fullMonths[Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}`
}

/** The balance a report shows: a profit and loss account since the year's start, any other since ever. */
function balanceFor(book: XeroBook, account: Account, day: string): bigint {
  const temporary = account.class === 'REVENUE' || account.class === 'EXPENSE'
  if (temporary) return book.ledger.movementOf(account.id, yearStart(book, day), day)
  const own = book.ledger.balanceOf(account.id, day)
  return account.systemAccount === 'RETAINEDEARNINGS' ? own + earningsBefore(book, day) : own
}

/** Profits of earlier years, which no journal moved: they show as retained earnings. */
function earningsBefore(book: XeroBook, day: string): bigint {
  const until = dayBefore(yearStart(book, day))
  return temporaryAccounts(book).reduce((sum, account) => sum + book.ledger.balanceOf(account.id, until), 0n)
}

function temporaryAccounts(book: XeroBook): Account[] {
  return [...book.tables.accounts.values()].filter(({ class: kind }) => kind === 'REVENUE' || kind === 'EXPENSE')
}

function trialBalance(book: XeroBook, day: string): { on: string; rows: Row[] } {
  const sections: [string, Account['class'][]][] = [
    ['Revenue', ['REVENUE']],
    ['Expenses', ['EXPENSE']],
    ['Assets', ['ASSET']],
    ['Liabilities', ['LIABILITY']],
    ['Equity', ['EQUITY']],
  ]
  const totals = [0n, 0n, 0n, 0n]
  const rows: Row[] = [headerRow('Account', 'Debit', 'Credit', 'YTD Debit', 'YTD Credit')]
  for (const [Title, classes] of sections) {
    const lines = accountsOf(book, classes).flatMap((account): Row[] => {
      const month = book.ledger.movementOf(account.id, monthStart(day), day)
      const balance = balanceFor(book, account, day)
      if (month === 0n && balance === 0n) return []
      const amounts = [...pair(month), ...pair(balance)]
      amounts.forEach((amount, position) => {
        totals[position] = (totals[position] ?? 0n) + (amount ?? 0n)
      })
      const name = account.code === null ? account.name : `${account.name} (${account.code})`
      return [accountRow(account.id, name, amounts.map(blankOr))]
    })
    rows.push({ RowType: 'Section', Title, Rows: lines })
  }
  const total = { RowType: 'SummaryRow', Cells: ['Total', ...totals.map((sum) => formatMinor(sum))].map(cell) }
  rows.push({ RowType: 'Section', Title: '', Rows: [total] })
  return { on: `As at ${longest(day)}`, rows }
}

function balanceSheet(book: XeroBook, day: string): { on: string; rows: Row[] } {
  const section = (Title: string, accounts: Account[], sign: bigint): { row: Row; total: bigint } => {
    let total = 0n
    const lines = accounts.flatMap((account): Row[] => {
      const shown = sign * balanceFor(book, account, day)
      if (shown === 0n) return []
      total += shown
      return [accountRow(account.id, account.name, [formatMinor(shown)])]
    })
    const summary = { RowType: 'SummaryRow', Cells: [cell(`Total ${Title}`), cell(formatMinor(total))] }
    return { row: { RowType: 'Section', Title, Rows: [...lines, summary] }, total }
  }
  const all = [...book.tables.accounts.values()]
  const bank = section(
    'Bank',
    all.filter((account) => account.type === 'BANK'),
    1n,
  )
  const current = section(
    'Current Assets',
    all.filter(({ class: kind, type }) => kind === 'ASSET' && type !== 'BANK' && type !== 'FIXED'),
    1n,
  )
  const fixed = section(
    'Fixed Assets',
    all.filter((account) => account.type === 'FIXED'),
    1n,
  )
  const owed = section(
    'Current Liabilities',
    all.filter(({ class: kind }) => kind === 'LIABILITY'),
    -1n,
  )
  const equity = section(
    'Equity',
    all.filter(({ class: kind }) => kind === 'EQUITY'),
    -1n,
  )
  const earnings = temporaryAccounts(book).reduce((sum, account) => sum - balanceFor(book, account, day), 0n)
  const profit = accountRow('abababab-abab-abab-abab-abababababab', 'Current Year Earnings', [formatMinor(earnings)])
  equity.row.Rows?.splice(-1, 1, profit, {
    RowType: 'SummaryRow',
    Cells: [cell('Total Equity'), cell(formatMinor(equity.total + earnings))],
  })
  const sum = (Title: string, amount: bigint): Row => ({
    RowType: 'Section',
    Title: '',
    Rows: [{ RowType: 'SummaryRow', Cells: [cell(Title), cell(formatMinor(amount))] }],
  })
  const assets = bank.total + current.total + fixed.total
  return {
    on: `As at ${longest(day)}`,
    rows: [
      headerRow('', longest(day)),
      { RowType: 'Section', Title: 'Assets', Rows: [] },
      bank.row,
      current.row,
      fixed.row,
      sum('Total Assets', assets),
      { RowType: 'Section', Title: 'Liabilities', Rows: [] },
      owed.row,
      sum('Total Liabilities', owed.total),
      sum('Net Assets', assets - owed.total),
      equity.row,
    ],
  }
}

function bankSummary(book: XeroBook, from: string, to: string): { on: string; rows: Row[] } {
  const totals = [0n, 0n, 0n, 0n]
  const lines = [...book.tables.accounts.values()]
    .filter((account) => account.type === 'BANK' && account.status === 'ACTIVE')
    .map((account): Row => {
      const opening = book.ledger.balanceOf(account.id, dayBefore(from))
      const { received, spent } = flows(book, account.id, from, to)
      const amounts = [opening, received, spent, opening + received - spent]
      amounts.forEach((amount, position) => {
        totals[position] = (totals[position] ?? 0n) + amount
      })
      const [first = '', second = '', third = '', last = ''] = amounts.map((amount) => formatMinor(amount))
      return {
        RowType: 'Row',
        Cells: [
          { Value: account.name, Attributes: [{ Value: account.id, Id: 'accountID' }] },
          cell(first),
          { Value: second, Attributes: [{ Value: account.id, Id: 'account' }] },
          { Value: third, Attributes: [{ Value: account.id, Id: 'account' }] },
          cell(last),
        ],
      }
    })
  const summary = { RowType: 'SummaryRow', Cells: ['Total', ...totals.map((sum) => formatMinor(sum))].map(cell) }
  return {
    on: `From ${longest(from)} to ${longest(to)}`,
    rows: [
      headerRow('Bank Accounts', 'Opening Balance', 'Cash Received', 'Cash Spent', 'Closing Balance'),
      { RowType: 'Section', Title: '', Rows: [...lines, summary] },
    ],
  }
}

/** What was undone counts as never moved, so it is taken from the side it had been on. */
function flows(book: XeroBook, accountId: string, from: string, to: string): { received: bigint; spent: bigint } {
  let [received, spent] = [0n, 0n]
  for (const { journal, line } of book.ledger.entriesOf(accountId)) {
    if (journal.on < from || journal.on > to) continue
    const inward = journal.undoes === undefined ? line.amountMinor > 0n : line.amountMinor < 0n
    if (inward) received += line.amountMinor
    else spent -= line.amountMinor
  }
  return { received, spent }
}

function accountsOf(book: XeroBook, classes: Account['class'][]): Account[] {
  return [...book.tables.accounts.values()].filter((account) => classes.includes(account.class))
}

function pair(balance: bigint): [bigint | undefined, bigint | undefined] {
  return balance >= 0n ? [balance, undefined] : [undefined, -balance]
}

function blankOr(amount: bigint | undefined): string {
  return amount === undefined || amount === 0n ? '' : formatMinor(amount)
}

function cell(Value: string): Cell {
  return { Value }
}

function headerRow(...titles: string[]): Row {
  return { RowType: 'Header', Cells: titles.map(cell) }
}

function accountRow(id: string, name: string, amounts: string[]): Row {
  const Attributes = [{ Value: id, Id: 'account' }]
  return { RowType: 'Row', Cells: [name, ...amounts].map((Value) => ({ Value, Attributes })) }
}
