/**
 * What changed since an instant: whole objects, and a stub for each deleted one after them.
 */
import type { Company } from './company.ts'
import type { Kind } from './document.ts'
import { refuse } from './fault.ts'
import { everyOf, kindAt, shown } from './kinds.ts'

const mostObjects = 1000
const daysBack = 30
const notTracked: readonly Kind[] = ['TaxCode', 'TaxRate', 'TaxAgency', 'CompanyInfo', 'Preferences']

export function changesSince(
  company: Company,
  entities: string | undefined,
  changedSince: string | undefined,
  lagMs: number,
): Record<string, unknown> {
  if (!entities) throw refuse('2020', 'Required parameter entities is missing in the request', 'entities')
  const since = Date.parse(changedSince ?? '')
  if (Number.isNaN(since)) throw refuse('2060', 'Date format is invalid at changedSince', 'changedSince')
  const now = company.clock.now().getTime()
  if (since < now - daysBack * 86_400_000)
    throw refuse('2060', `changedSince is more than ${daysBack} days ago`, 'changedSince')
  const asked = entities.split(',').map((name) => {
    const kind = kindAt(name.trim())
    if (!kind || notTracked.includes(kind))
      throw refuse('4001', `QueryValidationError: ${name} is not supported by change data capture`, 'entities')
    return kind
  })
  let left = mostObjects
  const inTime = (at: string | undefined) =>
    at !== undefined && Date.parse(at) >= Math.floor(since / 1000) * 1000 && Date.parse(at) <= now - lagMs
  const QueryResponse = asked.map((kind) => {
    const live = everyOf(company, kind)
      .filter((body) => inTime(body.MetaData?.LastUpdatedTime))
      .sort((a, b) => Date.parse(b.MetaData?.LastUpdatedTime ?? '') - Date.parse(a.MetaData?.LastUpdatedTime ?? ''))
      .map((body) => shown(company, kind, body))
    const deleted = company
      .tombstones()
      .filter((stone) => stone.kind === kind && inTime(stone.at))
      .map((stone) => ({ Id: stone.id, status: 'Deleted', domain: 'QBO', MetaData: { LastUpdatedTime: stone.at } }))
    const found = [...live, ...deleted].slice(0, left)
    left -= found.length
    return found.length === 0
      ? {}
      : { [kind]: found, startPosition: 1, maxResults: found.length, totalCount: found.length }
  })
  return { CDCResponse: [{ QueryResponse }] }
}
