/** A book's calls stay within the vendor's minute, however they are bunched. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BookLimits } from '../../connectors/port.ts'
import { type Budget, openBudget, pause, take } from '../../src/outbox/budget.ts'

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

function goes(budget: Budget, nowMs: number): Budget {
  const taken = take(budget, limits, 1, nowMs)
  expect(taken.waitMs).toBe(0)
  return taken.budget
}
