/**
 * QuickBooks' throttles, per company, on the stand-in's clock: 500 a minute, 10 a second, 10 at once, 40 batches a minute.
 */
import type { StandInClock } from '../kit/clock.ts'

const perMinute = 500
const perSecond = 10
const atOnce = 10
const batchesPerMinute = 40

export class Limits {
  readonly #clock: StandInClock
  readonly #calls = new Map<string, number[]>()
  readonly #batches = new Map<string, number[]>()
  readonly #running = new Map<string, number>()

  constructor(clock: StandInClock) {
    this.#clock = clock
  }

  /** Says why a call is too many, or counts it and gives what to call when it is over. */
  enter(companyId: string, isBatch: boolean): { refused: string } | { leave: () => void } {
    const now = this.#clock.now().getTime()
    const calls = within(this.#calls, companyId, now)
    const batches = within(this.#batches, companyId, now)
    const running = this.#running.get(companyId) ?? 0
    if (running >= atOnce) return { refused: `more than ${atOnce} requests at once` }
    if (calls.filter((at) => at > now - 1000).length >= perSecond)
      return { refused: `more than ${perSecond} requests in a second` }
    if (calls.length >= perMinute) return { refused: `more than ${perMinute} requests in a minute` }
    if (isBatch && batches.length >= batchesPerMinute)
      return { refused: `more than ${batchesPerMinute} batches in a minute` }
    calls.push(now)
    if (isBatch) batches.push(now)
    this.#running.set(companyId, running + 1)
    let left = false
    return {
      leave: () => {
        if (left) return
        left = true
        this.#running.set(companyId, Math.max(0, (this.#running.get(companyId) ?? 1) - 1))
      },
    }
  }

  clear(): void {
    this.#calls.clear()
    this.#batches.clear()
  }
}

/** The instants of the last minute; older ones, and ones of a future the clock has left again, are dropped. */
function within(all: Map<string, number[]>, companyId: string, now: number): number[] {
  const kept = (all.get(companyId) ?? []).filter((at) => at > now - 60_000 && at <= now)
  all.set(companyId, kept)
  return kept
}
