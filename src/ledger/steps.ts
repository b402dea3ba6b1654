/**
 * A period cut into the steps of a chart: days, weeks that end on Sunday, calendar months. The first and the last step may be
 * shorter than the others.
 *
 * Keeps: the days of a step are ledger days, so its edges lie where the network's own day ends.
 */
import { addDays, type Day, dateOf } from '../kit/clock.ts'

export const stepSizes = ['day', 'week', 'month'] as const
export type StepSize = (typeof stepSizes)[number]
export type Step = { from: Day; to: Day }

/** More points than this nobody tells apart, and each costs a look-up. */
export const mostSteps = 400

/** Null: there would be more than `mostSteps`. Empty: the period ends before it begins. */
export function stepsOf(from: Day, to: Day, by: StepSize): Step[] | null {
  const steps: Step[] = []
  for (let first = from; first <= to; ) {
    if (steps.length === mostSteps) return null
    const whole = lastDayOf(first, by)
    const last = whole < to ? whole : to
    steps.push({ from: first, to: last })
    first = addDays(last, 1)
  }
  return steps
}

/** Where a period begins when only its end is known: ninety days, or a year. */
export function usualFrom(to: Day, by: StepSize): Day {
  return by === 'day' ? addDays(to, -89) : addDays(to, -364)
}

/** Steps short enough to show what happened, and few enough to be told apart. */
export function fittingSize(from: Day, to: Day): StepSize {
  if (addDays(from, 92) >= to) return 'day'
  return addDays(from, 800) >= to ? 'week' : 'month'
}

function lastDayOf(day: Day, by: StepSize): Day {
  if (by === 'day') return day
  if (by === 'week') return addDays(day, (7 - dateOf(day).getUTCDay()) % 7)
  const next = dateOf(`${day.slice(0, 7)}-01`)
  next.setUTCMonth(next.getUTCMonth() + 1)
  return addDays(next.toISOString().slice(0, 10), -1)
}
