/** What a network's ledger amounts to: how members stand now, what moved in a period and how much was in use, drawn and as a table. */
import { isDay } from '../../../kit/clock.ts'
import type { Tx } from '../../../kit/db.ts'
import { fittingSize, type StepSize, stepsOf, usualFrom } from '../../../ledger/steps.ts'
import { type Standings, standingsNow, type TotalsPoint, totalsChart } from '../../../ledger/totals.ts'
import type { Network } from '../../../networks/network.ts'
import { mustRunForwards, todayOf } from '../../api/chart-period.ts'
import { Chart } from '../../chart.tsx'
import { Malformed } from '../../errors.ts'
import type { Visit } from '../../page.ts'
import { Amount, Field } from '../../parts.tsx'

export type Totals = { now: Standings; from: string; to: string; by: StepSize; points: TotalsPoint[] }

/** Of the period in the address; without one, of the last year. */
export async function totalsOf(tx: Tx, network: Network, visit: Visit): Promise<Totals> {
  const asked = { from: dayFrom(visit, 'from'), to: dayFrom(visit, 'to') }
  mustRunForwards(asked)
  const today = await todayOf(tx, network)
  const to = asked.to !== undefined && asked.to < today ? asked.to : today
  const from = asked.from ?? usualFrom(to, 'month')
  const by = asked.from === undefined ? 'month' : fittingSize(from, to)
  const steps = stepsOf(from, to, by)
  if (!steps)
    throw new Malformed('period_too_long', 'That period is too long to be drawn.', 'Choose a later first day.')
  const { points } = await totalsChart(tx, { networkId: network.id, steps })
  return { now: await standingsNow(tx, network.id), from, to, by, points }
}

function dayFrom(visit: Visit, name: 'from' | 'to'): string | undefined {
  const text = visit.query[name]?.trim()
  if (!text) return undefined
  if (isDay(text)) return text
  throw new Malformed('malformed', `"${text.slice(0, 20)}" is no day of the calendar.`, 'Write it as 2026-03-31.')
}

export function TotalsSection({ totals, network, path }: { totals: Totals; network: Network; path: string }) {
  const { now, points, by } = totals
  const sum = (of: (point: TotalsPoint) => bigint) => points.reduce((all, one) => all + of(one), 0n)
  const drawn = (of: (point: TotalsPoint) => bigint) =>
    points.map((one) => ({ from: one.from, to: one.to, minor: of(one) }))
  return (
    <section aria-labelledby="totals">
      <h2 id="totals">Totals</h2>
      <form method="get" action={path} class="row">
        <Field name="from" type="date" label="From" value={totals.from} />
        <Field name="to" type="date" label="To" value={totals.to} />
        <button type="submit" class="second">
          Show
        </button>
      </form>
      <dl class="facts">
        <dt>Credits in use now</dt>
        <dd>
          <Amount minor={now.inUseMinor} unit={network} />{' '}
          <span class="small">the sum of all balances above zero; those below zero sum to the same</span>
        </dd>
        <dt>Members</dt>
        <dd>{`${now.above} above zero, ${now.below} below, ${now.atZero} at zero`}</dd>
        <dt>Sold in this period</dt>
        <dd>
          <Amount minor={sum((one) => one.turnoverMinor)} unit={network} />
          {`, in ${sum((one) => one.transfers)} transfers of any kind; reversed `}
          <Amount minor={sum((one) => one.reversedMinor)} unit={network} />
        </dd>
      </dl>
      <Chart
        id="turnover-chart"
        title={`Sold in each ${by}`}
        points={drawn((one) => one.turnoverMinor)}
        unit={network}
        shape="bars"
      />
      <Chart
        id="in-use-chart"
        title={`Credits in use at the end of each ${by}`}
        points={drawn((one) => one.inUseMinor)}
        unit={network}
      />
    </section>
  )
}
