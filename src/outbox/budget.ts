/**
 * Each book's calls: a bucket sized so that burst and refill together stay within the vendor's minute. Pure.
 *
 * A bucket of 60 refilled at 60 a minute would let 120 through in the first minute; so a sixth is the burst.
 */
import type { BookLimits } from '../../connectors/port.ts'

export type Budget = { tokens: number; atMs: number; pausedUntilMs: number }

export function openBudget(limits: BookLimits, nowMs: number): Budget {
  return { tokens: burst(limits), atMs: nowMs, pausedUntilMs: 0 }
}

/** How long to wait before `calls` more may go (0: now), and the bucket after them. */
export function take(
  budget: Budget,
  limits: BookLimits,
  calls: number,
  nowMs: number,
): { waitMs: number; budget: Budget } {
  if (budget.pausedUntilMs > nowMs) return { waitMs: budget.pausedUntilMs - nowMs, budget }
  const perMs = (limits.aMinute - burst(limits)) / 60_000
  const tokens = Math.min(burst(limits), budget.tokens + Math.max(0, nowMs - budget.atMs) * perMs)
  if (tokens < calls && tokens < burst(limits))
    return {
      waitMs: Math.ceil((Math.min(calls, burst(limits)) - tokens) / perMs),
      budget: { ...budget, tokens, atMs: nowMs },
    }
  return { waitMs: 0, budget: { ...budget, tokens: tokens - calls, atMs: nowMs } }
}

export function pause(budget: Budget, ms: number, nowMs: number): Budget {
  return { ...budget, pausedUntilMs: Math.max(budget.pausedUntilMs, nowMs + ms) }
}

function burst(limits: BookLimits): number {
  return Math.max(1, Math.floor(limits.aMinute / 6))
}
