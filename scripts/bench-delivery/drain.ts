/** The service at work on the bench's own clock: serves what is due, moves the clock to what is due next, until nothing waits. */
import type { Uuid } from '../../src/kit/ids.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import type { OwnClock } from './own-clock.ts'
import type { Tally } from './tally.ts'

const mostSteps = 20_000

export type Drain = { deps: OutboxDeps; clock: OwnClock; tally: Tally }

/** Gives how long it took on that clock, in minutes. `until`: stops at that instant, whatever still waits. */
export async function drain(
  { deps, clock, tally }: Drain,
  organisationIds: Uuid[],
  { until = null, onStep = () => {} }: { until?: Date | null; onStep?: (open: number) => void } = {},
): Promise<number> {
  const startedAt = clock.now().getTime()
  for (let step = 0; step < mostSteps; step += 1) {
    await deliverDue(deps, { limit: 50 })
    tally.read()
    const { open, parked, due } = await standing(deps, organisationIds)
    if (parked > 0) throw new Error(`${parked} deliveries are parked`)
    onStep(open)
    if (open === 0) return (clock.now().getTime() - startedAt) / 60_000
    // An instant is kept to the microsecond there and to the millisecond here.
    const next = new Date(Math.max((due ?? clock.now()).getTime(), clock.now().getTime()) + 1)
    if (until && next >= until) {
      await clock.moveTo(until)
      return (clock.now().getTime() - startedAt) / 60_000
    }
    await clock.moveTo(next)
  }
  throw new Error('the backlog never ends')
}

async function standing(
  { db }: OutboxDeps,
  organisationIds: Uuid[],
): Promise<{ open: number; parked: number; due: Date | null }> {
  const { rows } = await db.pool.query<{ open: string; parked: string; due: Date | null }>(
    `select count(*) filter (where state in ('waiting', 'sending')) as open, count(*) filter (where state = 'parked') as parked,
            (select min(due_at) from lane where id = any ($1::uuid[]) and due_at < 'infinity') as due
       from delivery where organisation_id = any ($1::uuid[])`,
    [organisationIds],
  )
  const row = rows[0]
  return { open: Number(row?.open), parked: Number(row?.parked), due: row?.due ?? null }
}
