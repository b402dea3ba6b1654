/** The ways to the ledger as a file, for people: plain links, in every format. */
import { isDay } from '../../kit/clock.ts'
import { type ExportFormat, formatNames } from '../../ledger/export/export-ledger.ts'
import { scopeFor } from '../../networks/person.ts'
import { exportFile } from '../api/exports.ts'
import { Malformed } from '../errors.ts'
import type { pages, Visit } from '../page.ts'
import { memberHere, networkHere } from './whereabouts.ts'

const words: Record<ExportFormat, string> = {
  csv: 'CSV, for a spreadsheet',
  jsonl: 'JSON lines, for programs',
  hledger: 'hledger journal',
  beancount: 'beancount file',
}

export function exportPages(serve: ReturnType<typeof pages>): void {
  for (const format of formatNames) {
    serve.get(`/networks/:slug/ledger/export/${format}`, async (visit) => {
      const { network, actor } = await networkHere(visit, 'export_ledger')
      const { db } = visit.deps
      return exportFile(db, await scopeFor(db, actor), { network, member: null, format, ...periodOf(visit) })
    })
    serve.get(`/members/:mem/export/${format}`, async (visit) => {
      const { network, member, actor } = await memberHere(visit, 'see_member')
      const { db } = visit.deps
      return exportFile(db, await scopeFor(db, actor), { network, member, format, ...periodOf(visit) })
    })
  }
}

/** `base`: where the files lie; `query`: a period, as it stands in an address. */
export function ExportLinks({ base, query = '' }: { base: string; query?: string }) {
  return (
    <section aria-labelledby="export">
      <h2 id="export">Export</h2>
      <p>
        Whole files that other programs read, with every transfer and its hash. The last line says that it is whole.
      </p>
      <ul>
        {formatNames.map((format) => (
          <li key={format}>
            <a href={`${base}/export/${format}${query ? `?${query}` : ''}`}>{words[format]}</a>
          </li>
        ))}
      </ul>
    </section>
  )
}

function periodOf({ query }: Visit): { from?: string; to?: string } {
  for (const day of [query.from, query.to])
    if (day && !isDay(day))
      throw new Malformed('malformed', `"${day.slice(0, 20)}" is no day of the calendar.`, 'Write it as 2026-03-31.')
  return { ...(query.from ? { from: query.from } : {}), ...(query.to ? { to: query.to } : {}) }
}
