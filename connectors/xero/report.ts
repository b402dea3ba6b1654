/**
 * Reads one account's balance out of Xero's reports. Pure.
 *
 * Keeps: the account is known by its id in a cell's attributes; the text beside it is only the last resort.
 * Never: takes the month's movement, which stands to the left, for the balance.
 */
import type { BookAccount } from '../port.ts'
import { type Json, listAt, textAt } from './answer.ts'
import { minorFrom } from './decimal.ts'

type Row = { cells: string[]; accountId: string | null; sections: string[] }
type Report = { titles: string[]; rows: Row[] }

/** Debit less credit to date; zero where the account has no row; null when this is no trial balance we can read. */
export function trialBalanceOf(json: Json, account: BookAccount): bigint | null {
  const report = reportFrom(json)
  if (report === null) return null
  const [debitAt, creditAt] = [lastColumn(report.titles, /debit/i), lastColumn(report.titles, /credit/i)]
  if (debitAt < 0 || creditAt < 0) return null
  const row = rowOf(report, account)
  if (row === null) return 0n
  const [debit, credit] = [minorFrom(row.cells[debitAt] ?? ''), minorFrom(row.cells[creditAt] ?? '')]
  return debit === null || credit === null ? null : debit - credit
}

/** A bank account's closing balance; null where the report does not list it. */
export function bankSummaryOf(json: Json, account: BookAccount): bigint | null {
  const report = reportFrom(json)
  if (report === null) return null
  const closingAt = lastColumn(report.titles, /closing/i)
  const row = rowOf(report, account)
  return closingAt < 0 || row === null ? null : minorFrom(row.cells[closingAt] ?? '')
}

/** Liabilities are printed above zero there, and are debts: they come back below. */
export function balanceSheetOf(json: Json, account: BookAccount): bigint | null {
  const report = reportFrom(json)
  if (report === null || report.rows.length === 0) return null
  const row = rowOf(report, account)
  if (row === null) return 0n
  const amount = minorFrom(row.cells[1] ?? '')
  if (amount === null) return null
  const isDebt = row.sections.some((title) => /liabilit|equity/i.test(title)) || account.kind === 'current_liability'
  return isDebt ? -amount : amount
}

function rowOf(report: Report, account: BookAccount): Row | null {
  const byId = report.rows.find((row) => row.accountId === account.id)
  if (byId !== undefined) return byId
  if (report.rows.some((row) => row.accountId !== null)) return null
  const texts = [account.name, `${account.name} (${account.code})`]
  return report.rows.find((row) => texts.includes(row.cells[0] ?? '')) ?? null
}

function reportFrom(json: Json): Report | null {
  const report = listAt(json, 'Reports')[0]
  if (report === undefined) return null
  const titles: string[] = []
  const rows: Row[] = []
  const walk = (from: Json, sections: string[]) => {
    for (const row of listAt(from, 'Rows')) {
      const cells = listAt(row, 'Cells')
      const values = cells.map((cell) => textAt(cell, 'Value') ?? '')
      const type = textAt(row, 'RowType')
      if (type === 'Header' && titles.length === 0) titles.push(...values)
      else if (type === 'Row' || (type === null && cells.length > 0))
        rows.push({ cells: values, accountId: accountIn(cells), sections })
      if (type !== 'SummaryRow') walk(row, [...sections, textAt(row, 'Title') ?? ''])
    }
  }
  walk(report, [])
  return titles.length === 0 && rows.length === 0 ? null : { titles, rows }
}

function accountIn(cells: Json[]): string | null {
  for (const cell of cells) {
    for (const attribute of listAt(cell, 'Attributes')) {
      if (/^account(id)?$/i.test(textAt(attribute, 'Id') ?? '')) return textAt(attribute, 'Value')
    }
  }
  return null
}

/** The year-to-date pair stands rightmost. */
function lastColumn(titles: string[], named: RegExp): number {
  return titles.findLastIndex((title) => named.test(title))
}
