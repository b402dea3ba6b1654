/**
 * One worker holds a lane at a time, by a lease with a fence number that grows with each lease and is checked by every
 * write of a result: a worker that was thought dead and comes back late changes nothing.
 *
 * The instants are the database's, so that the clocks of two workers need not agree. After a standby has taken over nobody has a
 * lane before its deliveries are begun anew (backup/take-over): what was committed may be gone.
 */
import { type Clock, rest } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { InvariantError } from '../kit/invariant.ts'

/** `takenAt`: by the database's clock, which all who share the budget go by. */
export type Lease = { laneId: Uuid; fence: bigint; budget: unknown; takenAt: Date }
type Row = { id: Uuid; fence: bigint; budget: unknown; taken_at: Date }

const leaseSeconds = 120

/** Takes the lane that has been due longest, or null when none is due. One whose holder went silent is due by that alone. */
export async function takeLease(
  db: Db,
  worker: string,
  kind: 'book' | 'mail' | 'bell' | 'address',
): Promise<Lease | null> {
  const rows = await inTransaction(
    db,
    asWorker,
    (tx) => tx.$queryRaw<Row[]>`
      update lane set leased_by = ${worker}, leased_until = quits_now() + make_interval(secs => ${leaseSeconds}), fence = fence + 1, due_at = 'infinity'
      where id = (
        select id from lane
        where kind = ${kind} and history = (select server_history())
          and ((leased_until is null and due_at <= quits_now()) or leased_until <= quits_now())
        order by least(due_at, leased_until) limit 1 for update skip locked)
      returning id, fence, budget, quits_now() as taken_at`,
  )
  const row = rows[0]
  return row ? leaseFrom(row) : null
}

/** Locks the lane's row for this transaction and says whether the lease is still ours; renews it. */
export async function stillOurs(tx: Tx, lease: Lease): Promise<boolean> {
  const changed = await tx.$executeRaw`
    update lane set leased_until = quits_now() + make_interval(secs => ${leaseSeconds})
    where id = ${lease.laneId}::uuid and fence = ${lease.fence} and leased_by is not null and history = (select server_history())`
  return changed === 1
}

/**
 * Gives the lane back. Told 'at_once', it is due again behind those that wait already. Told to rest, it rests that long whatever was promised meanwhile. Otherwise it is due again when
 * its first waiting delivery is, at the latest in five minutes, and at once when something was promised meanwhile (taking
 * the lease set `due_at` to infinity, a promise sets it to now).
 */
export async function giveBack(db: Db, lease: Lease, budget: unknown, notBeforeMs: number | 'at_once'): Promise<void> {
  const atOnce = notBeforeMs === 'at_once'
  const restSeconds = atOnce ? 0 : notBeforeMs / 1000
  await inTransaction(
    db,
    asWorker,
    (tx) => tx.$executeRaw`
      update lane set leased_by = null, leased_until = null, budget = ${JSON.stringify(budget)}::jsonb,
        due_at = case when ${atOnce} then quits_now()
          when ${restSeconds}::float8 > 0 then quits_now() + make_interval(secs => ${restSeconds})
          else least(due_at, quits_now() + interval '5 minutes',
            coalesce((select min(d.due_at) from delivery d where d.organisation_id = lane.id and d.state in ('waiting', 'sending') and d.due_at > quits_now()), 'infinity')) end
      where id = ${lease.laneId}::uuid and fence = ${lease.fence}`,
  )
}

/** Takes this very lane, waiting for its present holder. Throws when it is held for longer than a lease lasts. */
export async function takeLeaseOf(
  { db, clock }: { db: Db; clock: Clock },
  worker: string,
  laneId: Uuid,
): Promise<Lease> {
  const mostTries = leaseSeconds * 4
  for (let tries = 0; tries < mostTries; tries += 1) {
    const rows = await inTransaction(
      db,
      asWorker,
      (tx) => tx.$queryRaw<Row[]>`
        update lane set leased_by = ${worker}, leased_until = quits_now() + make_interval(secs => ${leaseSeconds}), fence = fence + 1
        where id = ${laneId}::uuid and history = (select server_history()) and (leased_until is null or leased_until <= quits_now())
        returning id, fence, budget, quits_now() as taken_at`,
    )
    const row = rows[0]
    if (row) return leaseFrom(row)
    await rest(clock, 250)
  }
  throw new InvariantError(`the lane ${laneId} is never free`)
}

function leaseFrom({ id, fence, budget, taken_at }: Row): Lease {
  return { laneId: id, fence, budget, takenAt: taken_at }
}
