/**
 * The balance of one account at the end of each step of a period: what a chart draws.
 *
 * Keeps: each point is one look-up in the index of days, however many entries lie between.
 */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Step } from './steps.ts'

export type BalancePoint = Step & { balanceMinor: bigint }

export async function balanceChart(
  tx: Tx,
  ask: { networkId: Uuid; accountId: Uuid; steps: Step[] },
): Promise<BalancePoint[]> {
  const ends = ask.steps.map((step) => step.to)
  const rows = await tx.$queryRaw<{ balance: bigint }[]>`
    select coalesce(e.after_minor, 0) as balance
      from unnest(${ends}::date[]) with ordinality s(day, place)
      left join lateral (
        select after_minor from entry
         where network_id = ${ask.networkId}::uuid and account_id = ${ask.accountId}::uuid and booked_on <= s.day
         order by booked_on desc, version desc limit 1) e on true
     order by s.place`
  return ask.steps.map((step, place) => ({ ...step, balanceMinor: rows[place]?.balance ?? 0n }))
}
