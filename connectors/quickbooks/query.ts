/**
 * Queries: one kind of object, page by page.
 *
 * Keeps: nothing is skipped when rows come or go between two pages; nothing is told twice.
 */
import { BookError, type Grant } from '../port.ts'
import { quickbooksError } from './errors.ts'
import { listAt, textAt } from './json.ts'
import { namesInOneQuery, rowsInOnePage } from './limits.ts'
import type { Wire } from './wire.ts'

const mostPages = 1000
/** Pages overlap by so many rows, so that a deletion in between moves none past us. */
const overlapRows = 25

export async function* pagesOf(wire: Wire, grant: Grant, name: string, where = ''): AsyncGenerator<unknown[]> {
  const select = `select * from ${name}${where && ` where ${where}`}`
  const first = await rowsOf(wire, grant, name, `${select} startposition 1 maxresults ${rowsInOnePage}`)
  yield first
  if (first.length < rowsInOnePage) return

  // More than a page: only a fixed order makes positions mean something, so it is read from the start in the order of making.
  const told = new Set(first.map((row) => textAt(row, 'Id')))
  let order = ' orderby MetaData.CreateTime'
  let start = 1
  for (let page = 0; page < mostPages; page++) {
    const asked = () =>
      rowsOf(wire, grant, name, `${select}${order} startposition ${start} maxresults ${rowsInOnePage}`)
    const rows = await asked().catch((error: unknown) => {
      if (page > 0 || !(error instanceof BookError) || error.facts.cause !== 'query_refused') throw error
      order = ''
      return asked()
    })
    const fresh = rows.filter((row) => !told.has(textAt(row, 'Id')))
    for (const row of fresh) told.add(textAt(row, 'Id'))
    if (fresh.length > 0) yield fresh
    if (rows.length < rowsInOnePage) return
    start += rowsInOnePage - overlapRows
  }
  throw quickbooksError('invalid', 'book_too_large', `More than ${mostPages} pages of ${name}.`)
}

export async function allOf(wire: Wire, grant: Grant, name: string, where = ''): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const page of pagesOf(wire, grant, name, where)) rows.push(...page)
  return rows
}

/** Everything whose field is one of these values; asked for a few at a time. */
export async function allWith(
  wire: Wire,
  grant: Grant,
  name: string,
  field: string,
  values: string[],
): Promise<unknown[]> {
  const rows: unknown[] = []
  const distinct = [...new Set(values)]
  for (let start = 0; start < distinct.length; start += namesInOneQuery) {
    rows.push(...(await allOf(wire, grant, name, isOneOf(field, distinct.slice(start, start + namesInOneQuery)))))
  }
  return rows
}

function isOneOf(field: string, values: string[]): string {
  const [only] = values
  if (values.length === 1 && only !== undefined) return `${field} = ${quoted(only)}`
  return `${field} in (${values.map(quoted).join(', ')})`
}

export function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** Lists leave out what is inactive unless asked. */
export const activeOrNot = 'Active in (true, false)'

async function rowsOf(wire: Wire, grant: Grant, name: string, query: string): Promise<unknown[]> {
  const { body } = await wire.get(grant, 'query', { query })
  return listAt(body, 'QueryResponse', name)
}
