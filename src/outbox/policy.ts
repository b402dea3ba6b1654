/**
 * What happens next, by the kind of a BookError: wait, look first, hold, or park. Pure.
 *
 * An unknown outcome never leads straight to a second put: it leads to a look.
 */
import type { BookError } from '../../connectors/port.ts'

export type Next =
  | {
      to: 'waiting'
      afterMs: number
      lookFirst: boolean
      isFail: boolean
      newGeneration: boolean
      lanePausesMs: number | null
    }
  | { to: 'parked'; cause: string }

/** After this long without an outcome a person is asked. */
export const patienceMs = 24 * 3_600_000
/** A document that the book has just taken may not show in its searches yet. */
export const lagMs = 30_000
const firstWaitMs = 5_000
const longestWaitMs = 15 * 60_000
/** A vendor that is away is probed at least so often, by one call for each of its books. */
const longestProbeMs = 2 * 60_000
const mostStale = 3

/**
 * `fails` counts the tries that ended without an outcome, `ageMs` the time since the first of them, `downs` the calls in a row
 * that found this book's vendor away, `dice` is in [0, 1).
 */
export function nextAfter(
  error: BookError,
  told: { fails: number; downs?: number; ageMs: number; looked: boolean; dice: number },
): Next {
  const waits = (afterMs: number, more: Partial<Extract<Next, { to: 'waiting' }>> = {}): Next => ({
    to: 'waiting',
    afterMs,
    lookFirst: false,
    isFail: true,
    newGeneration: false,
    lanePausesMs: null,
    ...more,
  })
  const backOff = backOffMs(told.fails, told.dice)
  // The book waits, not each of its documents: once the vendor is back, all of them go.
  const probe = { lanePausesMs: probeMs(told.downs ?? 0, told.dice) }
  const away = isAway(error)
  switch (error.kind) {
    case 'throttled': {
      // Waiting as told is no failure, and the whole book waits, not this delivery alone.
      const waitMs = error.facts.waitMs ?? 60_000
      return waits(waitMs, { isFail: false, lanePausesMs: waitMs })
    }
    case 'unavailable':
      return told.ageMs > patienceMs ? { to: 'parked', cause: 'keeps_failing' } : waits(0, { isFail: false, ...probe })
    case 'unclear':
      return told.ageMs > patienceMs
        ? { to: 'parked', cause: 'outcome_unknown' }
        : waits(away && told.fails === 0 ? 0 : backOff, {
            lookFirst: true,
            newGeneration: error.facts.remembered === true,
            ...(away ? probe : {}),
          })
    case 'unauthorized':
      return waits(0, { isFail: false, lanePausesMs: 0 })
    case 'stale':
      return told.fails >= mostStale ? { to: 'parked', cause: 'keeps_changing' } : waits(backOff, { lookFirst: true })
    case 'conflicting':
      // It may be our own, put by a try whose answer was lost: look once, then ask a person.
      return told.looked ? { to: 'parked', cause: error.facts.cause } : waits(0, { lookFirst: true, isFail: false })
    case 'period_locked':
      return { to: 'parked', cause: 'period_locked' }
    case 'invalid':
      return error.facts.remembered
        ? waits(0, { lookFirst: true, newGeneration: true })
        : { to: 'parked', cause: error.facts.cause }
  }
}

/** No answer at all, or one that speaks for the whole vendor: whatever is sent next would fare no better. */
export function isAway({ kind, facts }: BookError): boolean {
  if (kind === 'unavailable') return true
  return (
    kind === 'unclear' &&
    facts.remembered !== true &&
    (facts.status === null || facts.status >= 500) &&
    !ofOne.has(facts.cause)
  )
}

/** The vendor answered, and left out this one. */
const ofOne = new Set(['no_word_of_it', 'no_verdict', 'unreadable_answer', 'answer_unreadable'])

export function probeMs(downs: number, dice: number): number {
  return Math.min(longestProbeMs, backOffMs(downs, dice))
}

/** Doubling with full jitter. */
export function backOffMs(fails: number, dice: number): number {
  const most = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(fails, 20))
  return Math.round(1_000 + dice * (most - 1_000))
}
