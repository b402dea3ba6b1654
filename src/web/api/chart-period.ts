/** The period of a chart: its days checked, cut into steps, never beyond the network's own today. */
import { z } from 'zod'
import { dayIn as dayAt } from '../../kit/clock.ts'
import { databaseNow, type Tx } from '../../kit/db.ts'
import { mostSteps, type Step, type StepSize, stepSizes, stepsOf, usualFrom } from '../../ledger/steps.ts'
import type { Network } from '../../networks/network.ts'
import { Malformed } from '../errors.ts'
import { dayIn } from './shapes.ts'

export const period = { from: dayIn.optional(), to: dayIn.optional() }
export type Period = { from?: string | undefined; to?: string | undefined }
export const chartQuery = z.strictObject({
  ...period,
  by: z.enum(stepSizes, 'A step is a day, a week or a month.').default('week'),
})

export type ChartPeriod = { from: string; to: string; steps: Step[] }

/** Without an end it ends today; without a beginning it is a year, or ninety days by days. */
export async function chartPeriod(tx: Tx, network: Network, asked: Period, by: StepSize): Promise<ChartPeriod> {
  mustRunForwards(asked)
  const today = await todayOf(tx, network)
  const to = asked.to !== undefined && asked.to < today ? asked.to : today
  const from = asked.from ?? usualFrom(to, by)
  const steps = stepsOf(from, to, by)
  if (steps === null) {
    const says = `The period has more than ${mostSteps} steps of a ${by}.`
    throw new Malformed('period_too_long', says, 'Ask for a shorter period, or for longer steps with `by`.', [], 422)
  }
  return { from, to, steps }
}

/** The network's own day at this instant. */
export async function todayOf(tx: Tx, network: Pick<Network, 'timeZone'>): Promise<string> {
  return dayAt(network.timeZone, await databaseNow(tx))
}

export function mustRunForwards({ from, to }: Period): void {
  if (from && to && from > to)
    throw new Malformed('malformed', 'The period ends before it begins.', 'Give `from` on or before `to`.', [
      { pointer: '/query/to', detail: 'Lies before `from`.' },
    ])
}
