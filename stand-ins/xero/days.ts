/**
 * Days as text: YYYY-MM-DD, reckoned without any time zone.
 */
import { queryRefused } from './answers.ts'
import type { XeroBook } from './book.ts'

const dayMs = 86_400_000

export function asDay(text: string): string {
  const day = text.slice(0, 10)
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(Date.parse(day))) throw queryRefused(`not a date: ${text}`)
  return day
}

export function dayBefore(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - dayMs).toISOString().slice(0, 10)
}

export function monthStart(day: string): string {
  return `${day.slice(0, 7)}-01`
}

/** The first day of the financial year in which a day lies. */
export function yearStart(book: XeroBook, day: string): string {
  const { month } = book.settings.financialYearEnd
  const [year, at] = [Number(day.slice(0, 4)), Number(day.slice(5, 7))]
  const startMonth = (month % 12) + 1
  const startYear = at >= startMonth ? year : year - 1
  return `${startYear}-${String(startMonth).padStart(2, '0')}-01`
}
