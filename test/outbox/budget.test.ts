/** A book's calls stay within the vendor's minute, however they are bunched. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BookLimits } from '../../connectors/port.ts'
import { type Budget, openBudget, pause, settle, slowDown, take } from '../../src/outbox/budget.ts'

const limits: BookLimits = {
  atOnce: 5,
  aMinute: 60,
  aDay: null,
  appAMinute: null,
  batchesAMinute: null,
  inOneCall: 50,
  mixesKinds: true,
  alone: [],
  keyLivesMs: null,
  referenceLength: 21,
}

test('a sixth of the minute may go at once, then calls wait for the refill', () => {
  let budget: Budget = openBudget(limits, 0)
  for (let call = 0; call < 10; call += 1) budget = goes(budget, 0)
  expect(take(budget, limits, 1, 0).waitMs).toBe(1_200)
  expect(take(budget, limits, 1, 1_200).waitMs).toBe(0)
})

test('no minute ever sees more calls than the vendor takes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 300 }), (gaps) => {
      let budget = openBudget(limits, 0)
      let now = 0
      const went: number[] = []
      for (const gap of gaps) {
        now += gap
        const taken = take(budget, limits, 1, now)
        budget = taken.budget
        if (taken.waitMs === 0) went.push(now)
      }
      for (const at of went) expect(went.filter((one) => one > at - 60_000 && one <= at).length).toBeLessThanOrEqual(60)
    }),
  )
})

test('a paused book waits until its pause is over, whatever is left in the bucket', () => {
  const paused = pause(openBudget(limits, 0), 7_000, 0)
  expect(take(paused, limits, 1, 1_000).waitMs).toBe(6_000)
  expect(take(paused, limits, 1, 7_000).waitMs).toBe(0)
})

test('more calls than the bucket ever holds still go, alone and after a full one', () => {
  expect(take(openBudget(limits, 0), limits, 25, 0).waitMs).toBe(0)
})

test('what is carried over leaves a fifth of the burst to live trades', () => {
  let budget = openBudget(limits, 0)
  for (let call = 0; call < 8; call += 1) budget = take(budget, limits, { calls: 1, live: false }, 0).budget
  expect(take(budget, limits, { calls: 1, live: false }, 0).waitMs).toBeGreaterThan(0)
  expect(take(budget, limits, { calls: 2, live: true }, 0).waitMs).toBe(0)
})

test('calls that carry several things have a minute of their own where the vendor counts them apart', () => {
  const counted = { ...limits, aMinute: 450, batchesAMinute: 40 }
  let budget = openBudget(counted, 0)
  const went: number[] = []
  for (let now = 0; now < 300_000; now += 100) {
    const taken = take(budget, counted, { calls: 1, batches: 1 }, now)
    budget = taken.budget
    if (taken.waitMs === 0) went.push(now)
  }
  for (const at of went) expect(went.filter((one) => one > at - 60_000 && one <= at).length).toBeLessThanOrEqual(40)
  expect(went.length).toBeGreaterThan(34 * 5)
  // A lone thing is no batch, and does not wait for them.
  expect(take(budget, counted, { calls: 1 }, 300_000).waitMs).toBe(0)
})

test('calls that a round cost beyond what was expected are paid by the next ones', () => {
  const taken = take(openBudget(limits, 0), limits, 2, 0).budget
  const settled = settle(taken, { calls: 12, expected: 2, leftThisMinute: null, leftToday: null }, 0)
  expect(take(settled, limits, 1, 0).waitMs).toBe(3 * 1_200)
})

test('where the vendor says that its minute is spent, calls wait until its next one', () => {
  const told = settle(openBudget(limits, 0), { calls: 0, expected: 0, leftThisMinute: 0, leftToday: null }, 5_000)
  expect(take(told, limits, 1, 10_000).waitMs).toBe(55_000)
  expect(take(told, limits, 1, 65_000).waitMs).toBe(0)
})

test('a vendor’s fixed minute, wherever it begins, is never overdrawn, whoever else calls the same book', () => {
  const others = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 240_000 }), calls: fc.integer({ min: 1, max: 20 }) }),
    {
      maxLength: 6,
    },
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 59_999 }), others, (offset, crowd) => {
      const used = new Map<number, number>()
      const call = (now: number, calls: number): number => {
        const window = Math.floor((now + offset) / 60_000)
        used.set(window, (used.get(window) ?? 0) + calls)
        return 60 - (used.get(window) ?? 0)
      }
      let budget = openBudget(limits, 0)
      for (let now = 0; now < 300_000; now += 300) {
        for (const one of crowd)
          if (one.at >= now - 300 && one.at < now && leftAt(used, now, offset) >= one.calls) {
            const left = call(now, one.calls)
            budget = settle(budget, { calls: one.calls, expected: 0, leftThisMinute: left, leftToday: null }, now)
          }
        const taken = take(budget, limits, 1, now)
        budget = taken.budget
        if (taken.waitMs > 0) continue
        const left = call(now, 1)
        expect(left).toBeGreaterThanOrEqual(0)
        budget = settle(budget, { calls: 1, expected: 1, leftThisMinute: left, leftToday: null }, now)
      }
    }),
  )
})

function leftAt(used: Map<number, number>, now: number, offset: number): number {
  return 60 - (used.get(Math.floor((now + offset) / 60_000)) ?? 0)
}

test('a tenth of the vendor’s day is kept for live trades, and a new day begins when it says so', () => {
  const day = 86_400_000
  let budget = settle(openBudget(limits, 0), { calls: 0, expected: 0, leftThisMinute: null, leftToday: 1_000 }, 0)
  budget = settle(budget, { calls: 0, expected: 0, leftThisMinute: null, leftToday: 5_000 }, 1_000)
  budget = settle(budget, { calls: 0, expected: 0, leftThisMinute: null, leftToday: 500 }, 2_000)
  expect(take(budget, limits, { calls: 1, live: false }, 2_000).waitMs).toBe(day - 1_000)
  expect(take(budget, limits, { calls: 1, live: true }, 2_000).waitMs).toBe(0)
  expect(take(budget, limits, { calls: 1, live: false }, day + 1_000).waitMs).toBe(0)
})

test('a vendor that says no without saying how long gets half as many calls for a while', () => {
  const slow = slowDown(openBudget(limits, 0), 0)
  expect(take(slow, limits, 1, 0).waitMs).toBe(2_400)
  expect(take({ ...slow, atMs: 301_000 }, limits, 1, 301_000).waitMs).toBe(1_200)
})

function goes(budget: Budget, nowMs: number): Budget {
  const taken = take(budget, limits, 1, nowMs)
  expect(taken.waitMs).toBe(0)
  return taken.budget
}
