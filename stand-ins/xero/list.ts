/**
 * A list as Xero gives it: changed since, filtered, ordered, cut into pages.
 *
 * Pages hold 100 unless asked otherwise, 1000 at most; only a paged answer carries `pagination` and whole elements.
 */
import { queryRefused } from './answers.ts'
import { fieldsOf } from './check.ts'
import type { Call } from './endpoint.ts'
import { parseWhere } from './where.ts'

const usualPage = 100
const largestPage = 1000

export interface Listed<T> {
  plural: string
  /** The schema whose fields a filter may name. */
  schema: string
  rows: T[]
  updatedAt(row: T): number
  createdAt(row: T): number
  render(row: T, whole: boolean): Record<string, unknown>
}

export function list<T>(call: Call, { plural, schema, rows, updatedAt, createdAt, render }: Listed<T>) {
  const paged = call.query.page !== undefined || call.query.pageSize !== undefined
  const visible = rows
    .filter((row) => createdAt(row) <= call.now.getTime() - call.readLagMs || call.readLagMs === 0)
    .filter((row) => updatedAt(row) > changedSince(call))
  const test = call.query.where ? parseWhere(call.query.where, knownIn(schema)) : () => true
  const chosen = visible
    .map((row) => ({ row, shown: render(row, true), at: createdAt(row) }))
    .filter(({ shown }) => test(shown))
  sort(chosen, call.query.order, knownIn(schema))

  if (!paged) return { [plural]: chosen.map(({ row }) => render(row, false)) }
  const page = positive(call.query.page ?? '1', 'page')
  const pageSize = Math.min(positive(call.query.pageSize ?? String(usualPage), 'pageSize'), largestPage)
  const shift = page > 1 ? call.fault('shiftPages') : undefined
  const start = (page - 1) * pageSize + (shift === undefined ? 0 : typeof shift.value === 'number' ? shift.value : 1)
  return {
    pagination: { page, pageSize, pageCount: Math.ceil(chosen.length / pageSize), itemCount: chosen.length },
    [plural]: chosen.slice(start, start + pageSize).map(({ shown }) => shown),
  }
}

function knownIn(schema: string): (field: string) => boolean {
  const fields = fieldsOf(schema)
  return (field) => fields.has(field)
}

/** Whether the header is inclusive is not documented: a row changed in that very instant is left out. */
function changedSince(call: Call): number {
  const header = call.headers['if-modified-since']
  if (typeof header !== 'string') return Number.NEGATIVE_INFINITY
  const text = /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(header) ? `${header}Z` : header
  const at = Date.parse(text)
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at
}

function positive(text: string, name: string): number {
  const value = Number.parseInt(text, 10)
  if (!Number.isInteger(value) || value < 1) throw queryRefused(`${name} must be a whole number above zero`)
  return value
}

function sort(rows: { shown: Record<string, unknown>; at: number }[], order = '', knows: (field: string) => boolean) {
  if (order === '') {
    rows.sort((a, b) => a.at - b.at)
    return
  }
  const [path = '', direction = 'ASC'] = order.trim().split(/\s+/)
  const names = path.split('.')
  if (!knows(names[0] ?? '')) throw queryRefused(`No property or field '${path}' exists in type`)
  const sign = direction.toUpperCase().startsWith('DESC') ? -1 : 1
  const key = (row: { shown: Record<string, unknown> }) => {
    let value: unknown = row.shown
    for (const name of names) value = (value as Record<string, unknown> | undefined)?.[name]
    const stamp = typeof value === 'string' ? /^\/Date\((-?\d+)/.exec(value) : null
    return (stamp ? Number(stamp[1]) : (value ?? '')) as string | number
  }
  rows.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0))
}

export function idsOf(text: string | undefined): Set<string> | undefined {
  if (text === undefined || text === '') return undefined
  return new Set(text.split(',').map((id) => id.trim().toLowerCase()))
}
