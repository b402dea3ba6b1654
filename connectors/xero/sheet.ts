/**
 * What is kept in mind of each book, so that writing needs no reading: its accounts for a while, its short code for good, its lock.
 *
 * Keeps: one reading at a time for a book, however many ask.
 * Never: a token, an amount or a document.
 */
import type { BookProfile, Day, Grant } from '../port.ts'
import { listAt, textAt } from './answer.ts'
import { chartLivesMs } from './limits.ts'
import { accountFrom, organisationIn } from './profile.ts'
import type { Chart } from './translate.ts'
import type { XeroWire } from './wire.ts'

export type Frame = { shortCode: string | null; currency: string }

export type XeroSheets = {
  chart(grant: Grant): Promise<Chart>
  frame(grant: Grant): Promise<Frame>
  /** Through which day it was closed when we last read of it. */
  lock(bookId: string): Day | null
  learn(profile: BookProfile): void
  /** As learn, from what was read at that time; what the book has refused since is not believed again. */
  know(profile: BookProfile, readAt: Date): void
  /** Whatever the book refused may have changed since we read it. */
  forgetChart(bookId: string): void
}

const mostBooks = 10_000

export function xeroSheets(wire: XeroWire, now: () => Date): XeroSheets {
  const charts = new Map<string, { at: number; chart: Promise<Chart> }>()
  const frames = new Map<string, Promise<Frame>>()
  const refusedAt = new Map<string, number>()
  /** With a time of its own: a chart that was read alone says nothing of the lock. */
  const locks = new Map<string, { at: number; through: Day | null }>()

  function take({ bookId, accounts, shortCode, currency }: BookProfile, at: number): void {
    for (const kept of [charts, frames, refusedAt]) if (kept.size >= mostBooks) kept.clear()
    charts.set(bookId, { at, chart: Promise.resolve(new Map(accounts.map((account) => [account.id, account]))) })
    frames.set(bookId, Promise.resolve({ shortCode, currency }))
  }

  function takeLock({ bookId, lockedThrough }: BookProfile, at: number): void {
    if (locks.size >= mostBooks) locks.clear()
    locks.set(bookId, { at, through: lockedThrough })
  }

  return {
    chart(grant) {
      const kept = charts.get(grant.bookId)
      if (kept && Math.abs(now().getTime() - kept.at) < chartLivesMs) return kept.chart
      return keep(charts, grant.bookId, readChart(wire, grant), (chart) => ({ at: now().getTime(), chart }))
    },
    frame(grant) {
      return frames.get(grant.bookId) ?? keep(frames, grant.bookId, readFrame(wire, grant), (frame) => frame)
    },
    lock: (bookId) => locks.get(bookId)?.through ?? null,
    learn(profile) {
      const at = now().getTime()
      take(profile, at)
      takeLock(profile, at)
    },
    know(profile, readAt) {
      const at = readAt.getTime()
      const isOlder = at <= Math.max(charts.get(profile.bookId)?.at ?? 0, refusedAt.get(profile.bookId) ?? 0)
      if (!isOlder) take(profile, at)
      if (at > (locks.get(profile.bookId)?.at ?? 0)) takeLock(profile, at)
    },
    forgetChart(bookId) {
      charts.delete(bookId)
      refusedAt.set(bookId, now().getTime())
    },
  }
}

/** A failed reading is not kept. */
function keep<K, V>(
  kept: Map<string, V>,
  bookId: string,
  reading: Promise<K>,
  wrap: (reading: Promise<K>) => V,
): Promise<K> {
  if (kept.size >= mostBooks) kept.clear()
  const entry = wrap(reading)
  kept.set(bookId, entry)
  reading.catch(() => {
    if (kept.get(bookId) === entry) kept.delete(bookId)
  })
  return reading
}

async function readChart(wire: XeroWire, grant: Grant): Promise<Chart> {
  const { json } = await wire.read(grant, (api) => api.getAccounts(grant.bookId))
  const accounts = listAt(json, 'Accounts').flatMap((one) => accountFrom(one) ?? [])
  return new Map(accounts.map((account) => [account.id, account]))
}

async function readFrame(wire: XeroWire, grant: Grant): Promise<Frame> {
  const { json } = await wire.read(grant, (api) => api.getOrganisations(grant.bookId))
  const organisation = organisationIn(json)
  return { shortCode: textAt(organisation, 'ShortCode'), currency: textAt(organisation, 'BaseCurrency') ?? '' }
}
