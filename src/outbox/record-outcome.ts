/** Writes what became of each attempt, under the lease's fence, and says what the book's next round must know. */
import type { BookError, Receipt } from '../../connectors/port.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Delivery, receiptToJson } from './delivery.ts'
import { type Lease, stillOurs } from './lease.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { isAway, type Next, nextAfter } from './policy.ts'
import { tellOutcomes } from './tell-attempts.ts'

export type Outcome =
  | { delivery: Delivery; is: 'done'; receipt: Receipt; found: boolean }
  | { delivery: Delivery; is: 'error'; error: BookError; looked: boolean }
  | { delivery: Delivery; is: 'parked'; cause: string; facts: Record<string, unknown> }
  /** `corrected`: refused as it was; it goes again with another body, so under another key. */
  | { delivery: Delivery; is: 'again'; afterMs: number; lookFirst: boolean; corrected?: BookError }
  | { delivery: Delivery; is: 'nothing'; because: string }

type Done = Extract<Outcome, { is: 'done' }>
type Failed = Extract<Outcome, { is: 'error' }>

/** `went`: did the vendor answer, or was it away? `isTooFast`: it counted too many calls and did not say how long to wait. */
export type After = { lost: boolean; pauseMs: number | null; went: 'well' | 'away' | null; isTooFast: boolean }
export const lostLease: After = { lost: true, pauseMs: null, went: null, isTooFast: false }

/** COMMIT POINT: the results of one group, all together; `lost` when another worker holds the lane by now. */
export async function recordOutcome(deps: OutboxDeps, lease: Lease, outcomes: Outcome[], downs = 0): Promise<After> {
  const pauses: number[] = []
  const ours = await inTransaction(deps.db, asWorker, async (tx) => {
    if (!(await stillOurs(tx, lease))) return false
    const done = outcomes.filter((one) => one.is === 'done')
    await writeDone(deps, tx, done)
    const failed = outcomes.filter((one) => one.is === 'error')
    const sinceBy = await unansweredSince(tx, failed)
    for (const outcome of outcomes) {
      if (outcome.is === 'done') continue
      const ageMs = ageOf(deps, sinceBy.get(outcome.delivery.id))
      const pausesMs = await write(deps, tx, lease, outcome, { downs, ageMs })
      if (pausesMs !== null) pauses.push(pausesMs)
    }
    return true
  })
  if (!ours) return lostLease
  tellOutcomes(deps, outcomes)
  const errors = outcomes.flatMap((one) => (one.is === 'error' ? [one.error] : []))
  return {
    lost: false,
    pauseMs: pauses.length > 0 ? Math.max(...pauses) : null,
    went: errors.some(isAway) ? 'away' : outcomes.some(isAnswer) ? 'well' : null,
    isTooFast: errors.some(
      (error) => error.kind === 'throttled' && (error.facts.waitMs === undefined || error.facts.isWaitGuessed === true),
    ),
  }
}

/** What the vendor must have answered for. Parked or needless before a call says nothing of it. */
function isAnswer(outcome: Outcome): boolean {
  if (outcome.is === 'error') return outcome.error.facts.status !== null && outcome.error.kind !== 'throttled'
  return outcome.is === 'done' || outcome.is === 'again'
}

/** The common case, fifty at a time: two statements. */
async function writeDone(deps: OutboxDeps, tx: Tx, done: Done[]): Promise<void> {
  const networkId = done[0]?.delivery.networkId
  if (!networkId) return
  const told = JSON.stringify(
    done.map(({ delivery, receipt, found }) => ({
      id: delivery.id,
      number: delivery.attempts,
      outcome: found ? 'found' : 'done',
      callId: receipt.callId,
      receipt: receiptToJson(receipt),
      warnings: [...delivery.warnings, ...receipt.warnings],
    })),
    (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  )
  await tx.$executeRaw`
    update attempt t set ended_at = quits_now(), outcome = o.outcome, call_id = o."callId"
      from jsonb_to_recordset(${told}::jsonb) as o(id uuid, number integer, outcome text, "callId" text)
     where t.network_id = ${networkId}::uuid and t.delivery_id = o.id and t.number = o.number and t.ended_at is null`
  await tx.$executeRaw`
    update delivery d set state = 'delivered', receipt = o.receipt, warnings = o.warnings, settled_at = ${deps.clock.now()},
           look_first = false, parked_cause = null
      from jsonb_to_recordset(${told}::jsonb) as o(id uuid, receipt jsonb, warnings jsonb)
     where d.network_id = ${networkId}::uuid and d.id = o.id`
}

/** Since when a delivery is tried without anybody knowing what came of it. */
async function unansweredSince(tx: Tx, failed: Failed[]): Promise<Map<Uuid, Date>> {
  const networkId = failed[0]?.delivery.networkId
  if (!networkId) return new Map()
  const ids = failed.map(({ delivery }) => delivery.id)
  const rows = await tx.$queryRaw<{ id: Uuid; since: Date }[]>`
    select delivery_id as id, min(started_at) as since from attempt
     where network_id = ${networkId}::uuid and delivery_id = any (${ids}::uuid[]) and outcome = 'unknown' group by delivery_id`
  return new Map(rows.map((row) => [row.id, row.since]))
}

function ageOf(deps: OutboxDeps, since: Date | undefined): number {
  return since ? deps.clock.now().getTime() - since.getTime() : 0
}

type Told = { downs: number; ageMs: number }

async function write(
  deps: OutboxDeps,
  tx: Tx,
  lease: Lease,
  outcome: Exclude<Outcome, { is: 'done' }>,
  told: Told,
): Promise<number | null> {
  const { delivery } = outcome
  const where = { networkId_id: { networkId: delivery.networkId, id: delivery.id } }
  const now = deps.clock.now()
  switch (outcome.is) {
    case 'nothing':
      await endAttempt(tx, delivery, 'absent', null, null)
      await tx.delivery.update({ where, data: { state: 'undone', droppedReason: outcome.because, settledAt: now } })
      return null
    case 'parked':
      await endAttempt(tx, delivery, 'refused', { cause: outcome.cause, said: '', status: null }, null)
      await park(tx, delivery, outcome.cause, { ...outcome.facts, at: now })
      return null
    case 'again':
      await (outcome.corrected
        ? endAttempt(tx, delivery, 'refused', outcome.corrected.facts, outcome.corrected.facts.callId)
        : endAttempt(tx, delivery, 'absent', null, null))
      await tx.$executeRaw`
        update delivery set state = 'waiting', look_first = ${outcome.lookFirst}, generation = generation + ${outcome.corrected ? 1 : 0}, due_at = quits_now() + make_interval(secs => ${outcome.afterMs / 1000})
        where network_id = ${delivery.networkId}::uuid and id = ${delivery.id}::uuid and fence = ${lease.fence}`
      return null
    case 'error':
      return afterError(deps, tx, lease, outcome, told)
  }
}

async function afterError(
  deps: OutboxDeps,
  tx: Tx,
  lease: Lease,
  outcome: Failed,
  { downs, ageMs }: Told,
): Promise<number | null> {
  const { delivery, error } = outcome
  const next = nextAfter(error, { fails: delivery.fails, downs, ageMs, looked: outcome.looked, dice: deps.dice() })
  const unknown = error.kind === 'unclear' || error.kind === 'unavailable'
  await endAttempt(
    tx,
    delivery,
    unknown ? 'unknown' : next.to === 'waiting' ? 'waiting' : 'refused',
    { cause: error.facts.cause, said: error.facts.said, status: error.facts.status },
    error.facts.callId,
  )
  if (next.to === 'waiting') return wait(tx, lease, outcome, next)
  // A refused link of a refund is a warning: the money and the credit stand, only their tie is missing.
  if (delivery.document.what === 'allocation' && delivery.document.minor) {
    await tx.delivery.update({
      where: { networkId_id: { networkId: delivery.networkId, id: delivery.id } },
      data: {
        state: 'undone',
        warnings: [...delivery.warnings, error.facts.said || error.facts.cause],
        droppedReason: 'the book refused the link',
        settledAt: deps.clock.now(),
      },
    })
    return null
  }
  await park(tx, delivery, next.cause, { ...error.facts, at: deps.clock.now() })
  return null
}

async function wait(
  tx: Tx,
  lease: Lease,
  { delivery, error }: Failed,
  next: Extract<Next, { to: 'waiting' }>,
): Promise<number | null> {
  await tx.$executeRaw`
    update delivery set state = 'waiting', look_first = look_first or ${next.lookFirst}, fails = fails + ${next.isFail ? 1 : 0},
      generation = generation + ${next.newGeneration ? 1 : 0}, due_at = quits_now() + make_interval(secs => ${next.afterMs / 1000})
    where network_id = ${delivery.networkId}::uuid and id = ${delivery.id}::uuid and fence = ${lease.fence}`
  // Without permission nothing leaves anyway: the connection makes the lane due.
  return error.kind === 'unauthorized' ? 0 : next.lanePausesMs
}

async function park(tx: Tx, delivery: Delivery, cause: string, facts: Record<string, unknown>): Promise<void> {
  await tx.delivery.update({
    where: { networkId_id: { networkId: delivery.networkId, id: delivery.id } },
    data: { state: 'parked', parkedCause: cause, parkedFacts: JSON.parse(JSON.stringify(facts)) },
  })
}

export async function endAttempt(
  tx: Tx,
  delivery: Delivery,
  outcome: string,
  trouble: { cause: string; said: string; status: number | null } | null,
  callId: string | null,
): Promise<void> {
  await tx.$executeRaw`
    update attempt set ended_at = quits_now(), outcome = ${outcome}, cause = ${trouble?.cause ?? null}, said = ${trouble?.said.slice(0, 2000) ?? null}, status = ${trouble?.status ?? null}, call_id = ${callId}
    where network_id = ${delivery.networkId}::uuid and delivery_id = ${delivery.id}::uuid and number = ${delivery.attempts} and ended_at is null`
}
