/**
 * What a network's ledger amounts to: how much moved in each step of a period, how many credits are in use, and how many accounts
 * stand above and below zero now.
 *
 * Keeps: exact up to the head that it names. Days that are over are added up from what was kept of them (keep-days.ts); only the
 * transfers since the last such day are read, by their numbers. With nothing kept it is slower and says the same.
 */
import { type Day, dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import type { Step } from './steps.ts'

/** `transfers`: those that moved something. `turnover`: what was sold for credits, reversed or not. */
export type Moved = { transfers: bigint; turnoverMinor: bigint; reversedMinor: bigint }
/** `inUseMinor`: the sum of all balances above zero at the end of the step; those below zero sum to the same. */
export type TotalsPoint = Step & Moved & { inUseMinor: bigint }
export type TotalsChart = { headNumber: bigint; points: TotalsPoint[] }

export async function totalsChart(tx: Tx, ask: { networkId: Uuid; steps: Step[] }): Promise<TotalsChart> {
  const { networkId, steps } = ask
  const { kept, headNumber } = await whereKeptEnds(tx, networkId)
  const days = await movedBetween(tx, networkId, kept.lastNumber, headNumber)
  const sums = await keptSums(tx, networkId, steps, kept.lastNumber)
  const points = steps.map((step, place) => {
    const sum = sums[place]
    invariant(sum, `no sums of step ${place}`)
    const own = days.filter((one) => one.day >= step.from && one.day <= step.to)
    const upToEnd = days.filter((one) => one.day <= step.to)
    return {
      ...step,
      transfers: sum.transfers + total(own, 'transfers'),
      turnoverMinor: sum.turnoverMinor + total(own, 'turnoverMinor'),
      reversedMinor: sum.reversedMinor + total(own, 'reversedMinor'),
      inUseMinor: upToEnd.length > 0 ? kept.inUseMinor + total(upToEnd, 'inUseChangeMinor') : sum.inUseMinor,
    }
  })
  return { headNumber, points }
}

export type Standings = { inUseMinor: bigint; above: bigint; below: bigint; atZero: bigint }

/** Balances as they stand now, over the accounts of members: as many rows as there are accounts, however long the ledger is. */
export async function standingsNow(tx: Tx, networkId: Uuid): Promise<Standings> {
  const rows = await tx.$queryRaw<Standings[]>`
    select coalesce(sum(balance_minor) filter (where balance_minor > 0), 0)::bigint as "inUseMinor",
           count(*) filter (where balance_minor > 0 and kind = 'member') as above,
           count(*) filter (where balance_minor < 0 and kind = 'member') as below,
           count(*) filter (where balance_minor = 0 and kind = 'member') as "atZero"
      from account where network_id = ${networkId}::uuid`
  invariant(rows[0], 'an aggregate gave no row')
  return rows[0]
}

export type KeptEnd = { lastNumber: bigint; inUseMinor: bigint }

/** Up to which transfer days are kept, and the head. What is posted or kept from now on changes nothing below this head. */
export async function whereKeptEnds(
  tx: Tx,
  networkId: Uuid,
): Promise<{ kept: KeptEnd; headNumber: bigint; headDay: Day }> {
  const [head] = await tx.$queryRaw<{ number: bigint; bookedOn: Date }[]>`
    select number, booked_on as "bookedOn" from ledger_head where network_id = ${networkId}::uuid`
  invariant(head, `network ${networkId} has no ledger head`)
  const [last] = await tx.$queryRaw<KeptEnd[]>`
    select last_number as "lastNumber", in_use_minor as "inUseMinor" from ledger_day
     where network_id = ${networkId}::uuid and last_number <= ${head.number}::bigint order by day desc limit 1`
  return {
    kept: last ?? { lastNumber: 0n, inUseMinor: 0n },
    headNumber: head.number,
    headDay: dayOf(head.bookedOn),
  }
}

export type DayMoved = Moved & { day: Day; lastNumber: bigint; inUseChangeMinor: bigint }

/** Day by day, what the transfers numbered above one and up to another moved. A hold, its release and its expiry move nothing. */
export async function movedBetween(tx: Tx, networkId: Uuid, above: bigint, upTo: bigint): Promise<DayMoved[]> {
  if (above >= upTo) return []
  const rows = await tx.$queryRaw<(Omit<DayMoved, 'day'> & { day: Date })[]>`
    select t.day, t.last as "lastNumber", t.transfers, t.turnover as "turnoverMinor", t.reversed as "reversedMinor",
           coalesce(e.change, 0)::bigint as "inUseChangeMinor"
      from (
        select booked_on as day, max(number) as last,
               count(*) filter (where kind not in ('hold', 'hold_release', 'hold_expire')) as transfers,
               coalesce(sum(amount_minor) filter (where kind in ('trade', 'staff_spend', 'set_off')
                 or (kind = 'hold_post' and cause_kind = 'trade')), 0)::bigint as turnover,
               coalesce(sum(amount_minor) filter (where kind = 'reversal'), 0)::bigint as reversed
          from transfer where network_id = ${networkId}::uuid and number > ${above}::bigint and number <= ${upTo}::bigint
         group by booked_on) t
      left join (
        select booked_on as day, sum(greatest(after_minor, 0) - greatest(before_minor, 0)) as change
          from entry where network_id = ${networkId}::uuid and number > ${above}::bigint and number <= ${upTo}::bigint
         group by booked_on) e on e.day = t.day
     order by t.day`
  return rows.map((row) => ({ ...row, day: dayOf(row.day) }))
}

/** Of days kept up to that number: one that is kept at this very moment is among those that are read transfer by transfer. */
async function keptSums(
  tx: Tx,
  networkId: Uuid,
  steps: Step[],
  upTo: bigint,
): Promise<(Moved & { inUseMinor: bigint })[]> {
  return tx.$queryRaw<(Moved & { inUseMinor: bigint })[]>`
    select d.transfers, d.turnover as "turnoverMinor", d.reversed as "reversedMinor", coalesce(u.in_use_minor, 0) as "inUseMinor"
      from unnest(${steps.map((step) => step.from)}::date[], ${steps.map((step) => step.to)}::date[])
           with ordinality s(first, last, place)
      cross join lateral (
        select coalesce(sum(transfers), 0)::bigint as transfers, coalesce(sum(turnover_minor), 0)::bigint as turnover,
               coalesce(sum(reversed_minor), 0)::bigint as reversed
          from ledger_day where network_id = ${networkId}::uuid and day between s.first and s.last
           and last_number <= ${upTo}::bigint) d
      left join lateral (
        select in_use_minor from ledger_day where network_id = ${networkId}::uuid and day <= s.last
           and last_number <= ${upTo}::bigint order by day desc limit 1) u on true
     order by s.place`
}

function total<K extends string>(days: Record<K, bigint>[], key: K): bigint {
  return days.reduce((sum, day) => sum + day[key], 0n)
}
