/**
 * Each book's calls: a bucket sized so that burst and refill together stay within the vendor's minute. Pure.
 *
 * A bucket of 60 refilled at 60 a minute would let 120 through in the first minute; so a sixth is the burst.
 *
 * Keeps: no minute sees more calls than the vendor takes, by our own count and by what its answers say is left; what is
 * carried over from old times leaves a little of every minute and of every day to live trades.
 */
import type { BookLimits } from '../../connectors/port.ts'

export type Budget = {
  tokens: number
  atMs: number
  pausedUntilMs: number
  /** Calls that carry several things, where the vendor counts them apart. */
  batches?: number
  /** A vendor that said no for too many calls gets half of them until then. */
  slowUntilMs?: number
  /** Calls in a row that found the vendor away: it is probed, one call at a time. */
  downs?: number
  /** What the vendor's answers say is left, and when its minute and its day began at the latest. */
  minute?: Left
  day?: Left
}
type Left = { left: number; sinceMs: number | null; most: number }
export type Asked = { calls: number; batches?: number; live?: boolean }

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** Where nobody knows when the vendor's day began, one call an hour asks. */
const dayUnknownMs = 60 * minuteMs
const slowForMs = 5 * minuteMs
/** Kept for live trades: of the burst, and of the day. */
const reserveOfBurst = 1 / 5
const reserveOfDay = 1 / 10

export function openBudget(limits: BookLimits, nowMs: number): Budget {
  return { tokens: burst(limits.aMinute), atMs: nowMs, pausedUntilMs: 0 }
}

/** How long to wait before `calls` more may go (0: now), and the bucket after them. */
export function take(
  budget: Budget,
  limits: BookLimits,
  asked: number | Asked,
  nowMs: number,
): { waitMs: number; budget: Budget } {
  const { calls, batches = 0, live = true } = typeof asked === 'number' ? { calls: asked } : asked
  if (budget.pausedUntilMs > nowMs) return { waitMs: budget.pausedUntilMs - nowMs, budget }
  const filled = refilled(budget, limits, nowMs)
  const waits = [
    missing(filled.tokens, calls, limits.aMinute, live) / perMs(limits.aMinute, filled, nowMs),
    limits.batchesAMinute === null || batches === 0
      ? 0
      : missing(filled.batches ?? 0, batches, limits.batchesAMinute, live) /
        perMs(limits.batchesAMinute, filled, nowMs),
    untilNext(filled.minute, calls, live ? 0 : Math.floor(burst(limits.aMinute) * reserveOfBurst), minuteMs, nowMs),
    untilNext(filled.day, calls, live ? 0 : Math.floor((filled.day?.most ?? 0) * reserveOfDay), dayMs, nowMs),
  ]
  const waitMs = Math.ceil(Math.max(...waits))
  return waitMs > 0 ? { waitMs, budget: filled } : { waitMs: 0, budget: spent(filled, calls, batches) }
}

export function pause(budget: Budget, ms: number, nowMs: number): Budget {
  return { ...budget, pausedUntilMs: Math.max(budget.pausedUntilMs, nowMs + ms) }
}

/** The vendor counted more than we did: half the pace for a while, until it has forgotten. */
export function slowDown(budget: Budget, nowMs: number): Budget {
  return { ...budget, tokens: Math.min(budget.tokens, 0), slowUntilMs: nowMs + slowForMs }
}

/** What a round really cost, and what the vendor's last answer says is left. */
export function settle(
  budget: Budget,
  seen: { calls: number; expected: number; leftThisMinute: number | null; leftToday: number | null },
  nowMs: number,
): Budget {
  const { calls, expected, leftThisMinute, leftToday } = seen
  const told = spent(budget, calls - expected, 0)
  return {
    ...told,
    ...(leftThisMinute === null ? {} : { minute: leftNow(budget.minute, leftThisMinute, minuteMs, nowMs) }),
    ...(leftToday === null ? {} : { day: leftNow(budget.day, leftToday, dayMs, nowMs) }),
  }
}

function refilled(budget: Budget, limits: BookLimits, nowMs: number): Budget {
  const ms = Math.max(0, nowMs - budget.atMs)
  const fill = (tokens: number, aMinute: number) =>
    Math.min(burst(aMinute), tokens + ms * perMs(aMinute, budget, nowMs))
  const { batchesAMinute } = limits
  return {
    ...budget,
    atMs: nowMs,
    tokens: fill(budget.tokens, limits.aMinute),
    ...(batchesAMinute === null ? {} : { batches: fill(budget.batches ?? burst(batchesAMinute), batchesAMinute) }),
  }
}

/** More than the bucket ever holds goes alone, after a full one. */
function missing(tokens: number, wanted: number, aMinute: number, live: boolean): number {
  const most = burst(aMinute)
  const kept = live ? 0 : Math.floor(most * reserveOfBurst)
  return Math.max(0, Math.min(wanted + kept, most) - tokens)
}

/** The vendor's own count of its window is spent: its next one begins at the latest a whole window after this one was seen to begin. */
function untilNext(seen: Left | undefined, calls: number, kept: number, windowMs: number, nowMs: number): number {
  // What needs more than a whole window holds is let go at the beginning of one.
  if (!seen || seen.left >= Math.min(calls + kept, Math.max(1, seen.most))) return 0
  return seen.sinceMs === null ? 0 : Math.max(0, seen.sinceMs + windowMs - nowMs)
}

function leftNow(before: Left | undefined, left: number, windowMs: number, nowMs: number): Left {
  const isNew = before !== undefined && left > before.left
  const isOver = before?.sinceMs != null && nowMs >= before.sinceMs + windowMs
  const most = Math.max(before?.most ?? 0, left)
  if (before && !isNew && !isOver) return { ...before, left, most }
  // The first answer says nothing of when its day began; a minute is soon over.
  const sinceMs = before || windowMs === minuteMs ? nowMs : left > 0 ? null : nowMs - dayMs + dayUnknownMs
  return { left, sinceMs, most }
}

function spent(budget: Budget, calls: number, batches: number): Budget {
  const less = (seen: Left) => ({ ...seen, left: Math.max(0, seen.left - Math.max(0, calls)) })
  return {
    ...budget,
    tokens: budget.tokens - calls,
    ...(budget.batches === undefined ? {} : { batches: budget.batches - batches }),
    ...(budget.minute ? { minute: less(budget.minute) } : {}),
    ...(budget.day ? { day: less(budget.day) } : {}),
  }
}

function perMs(aMinute: number, budget: Budget, nowMs: number): number {
  const isSlow = (budget.slowUntilMs ?? 0) > nowMs
  return (aMinute - burst(aMinute)) / minuteMs / (isSlow ? 2 : 1)
}

function burst(aMinute: number): number {
  return Math.max(1, Math.floor(aMinute / 6))
}
