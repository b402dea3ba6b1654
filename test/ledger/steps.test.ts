import { expect, test } from 'vitest'
import { mostSteps, stepsOf, usualFrom } from '../../src/ledger/steps.ts'

const said = (from: string, to: string, by: 'day' | 'week' | 'month') =>
  stepsOf(from, to, by)?.map((step) => `${step.from}/${step.to}`)

test('days are steps of their own, the leap day too', () => {
  expect(said('2028-02-28', '2028-03-01', 'day')).toEqual([
    '2028-02-28/2028-02-28',
    '2028-02-29/2028-02-29',
    '2028-03-01/2028-03-01',
  ])
})

test('a week ends on Sunday; the first and the last may be shorter', () => {
  // 1 March 2026 is a Sunday.
  expect(said('2026-03-01', '2026-03-10', 'week')).toEqual([
    '2026-03-01/2026-03-01',
    '2026-03-02/2026-03-08',
    '2026-03-09/2026-03-10',
  ])
})

test('a month ends on its last day, over the turn of the year', () => {
  expect(said('2025-11-15', '2026-02-28', 'month')).toEqual([
    '2025-11-15/2025-11-30',
    '2025-12-01/2025-12-31',
    '2026-01-01/2026-01-31',
    '2026-02-01/2026-02-28',
  ])
})

test('the longest period has as many steps as are allowed, and one day more has none', () => {
  expect(stepsOf('2025-01-01', '2026-02-04', 'day')).toHaveLength(mostSteps)
  expect(stepsOf('2025-01-01', '2026-02-05', 'day')).toBeNull()
  expect(stepsOf('0001-01-01', '2026-02-05', 'month')).toBeNull()
})

test('a period that ends before it begins has no steps', () => {
  expect(stepsOf('2026-01-02', '2026-01-01', 'week')).toEqual([])
})

test('without a beginning it is a year, or ninety days', () => {
  expect(stepsOf(usualFrom('2026-03-31', 'day'), '2026-03-31', 'day')).toHaveLength(90)
  expect(usualFrom('2026-03-31', 'month')).toBe('2025-04-01')
})
