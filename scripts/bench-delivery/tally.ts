/**
 * What the stand-ins saw: calls to their API, by book, writes and reads apart; refreshes and refusals for haste beside them.
 *
 * Keeps: counted where the vendor counts, not by what the service believes.
 */
import { invariant } from '../../src/kit/invariant.ts'
import type { SeenRequest } from '../../stand-ins/kit/requests.ts'
import type { Scene } from './scene.ts'

export type Calls = { writes: number; reads: number; throttled: number; refreshes: number; profileReads: number }

export type Tally = {
  /** Of one book since the tally began; keep asking, the stand-ins forget. */
  of(bookId: string): Calls
  read(): void
  throttled(): number
  /** When the vendor first gave this book a good answer after that instant. */
  firstGood(bookId: string, after: Date): Date | null
}

const profileLists = /\/(Accounts|TaxRates|Organisation|companyinfo|preferences|taxservice)/i

export function tallyOf(scene: Scene): Tally {
  const { xero, quickbooks } = scene
  const seen: SeenRequest[][] = [[], []]
  const last = [lastNumber(xero.control.requests.since()), lastNumber(quickbooks.control.requests())]
  function read(): void {
    for (const [place, rows] of [
      xero.control.requests.since(last[0]),
      quickbooks.control.requests(last[1]),
    ].entries()) {
      seen[place]?.push(...rows.map((row) => ({ ...row, body: null, headers: bookIn(row), violations: [] })))
      last[place] = Math.max(last[place] ?? 0, lastNumber(rows))
    }
  }
  // An answer's status is noted when it has left: asked for at the end.
  const statusOf = (row: SeenRequest) => row.status
  const all = () => seen.flat()
  return {
    read,
    of(bookId) {
      read()
      const calls: Calls = { writes: 0, reads: 0, throttled: 0, refreshes: 0, profileReads: 0 }
      for (const row of all()) {
        if (row.path.endsWith('/token') || row.path.endsWith('/bearer')) calls.refreshes += 1
        if (row.headers.book !== bookId) continue
        if (statusOf(row) === 429) calls.throttled += 1
        if (row.method !== 'GET') calls.writes += 1
        else if (profileLists.test(row.path)) calls.profileReads += 1
        else calls.reads += 1
      }
      return calls
    },
    throttled: () => (xero.control.requests.statuses().get(429) ?? 0) + (quickbooks.control.statuses().get(429) ?? 0),
    firstGood(bookId, after) {
      read()
      const found = all().find(
        (row) =>
          row.headers.book === bookId &&
          (row.status ?? 0) >= 200 &&
          (row.status ?? 0) < 300 &&
          row.at > after.toISOString(),
      )
      return found ? new Date(found.at) : null
    },
  }
}

function bookIn({ headers, path }: SeenRequest): Record<string, unknown> {
  return { book: headers['xero-tenant-id'] ?? /\/company\/(\d+)/.exec(path)?.[1] ?? null }
}

function lastNumber(rows: SeenRequest[]): number {
  const number = rows.at(-1)?.number ?? 0
  invariant(number >= 0, 'requests are numbered')
  return number
}
