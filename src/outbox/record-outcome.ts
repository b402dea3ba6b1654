/** Writes what became of each attempt, under the lease's fence, and says whether the book must pause. */
import type { BookError, Receipt } from '../../connectors/port.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import { type Delivery, receiptToJson } from './delivery.ts'
import { type Lease, stillOurs } from './lease.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { nextAfter } from './policy.ts'

export type Outcome =
  | { delivery: Delivery; is: 'done'; receipt: Receipt; found: boolean }
  | { delivery: Delivery; is: 'error'; error: BookError; looked: boolean }
  | { delivery: Delivery; is: 'parked'; cause: string; facts: Record<string, unknown> }
  | { delivery: Delivery; is: 'again'; afterMs: number; lookFirst: boolean }
  | { delivery: Delivery; is: 'nothing'; because: string }

/** COMMIT POINT: the results of one call, all together; `lost` when another worker holds the lane by now. */
export async function recordOutcome(
  deps: OutboxDeps,
  lease: Lease,
  outcomes: Outcome[],
): Promise<{ lost: boolean; pauseMs: number | null }> {
  let pauseMs: number | null = null
  const ours = await inTransaction(deps.db, asWorker, async (tx) => {
    if (!(await stillOurs(tx, lease))) return false
    for (const outcome of outcomes) {
      const pausesMs = await write(deps, tx, lease, outcome)
      if (pausesMs !== null) pauseMs = Math.max(pauseMs ?? 0, pausesMs)
    }
    return true
  })
  return { lost: !ours, pauseMs }
}

async function write(deps: OutboxDeps, tx: Tx, lease: Lease, outcome: Outcome): Promise<number | null> {
  const { delivery } = outcome
  const where = { networkId_id: { networkId: delivery.networkId, id: delivery.id } }
  const now = deps.clock.now()
  switch (outcome.is) {
    case 'done': {
      await endAttempt(tx, delivery, outcome.found ? 'found' : 'done', null, outcome.receipt.callId)
      await tx.delivery.update({
        where,
        data: {
          state: 'delivered',
          receipt: receiptToJson(outcome.receipt),
          warnings: [...delivery.warnings, ...outcome.receipt.warnings],
          settledAt: now,
          lookFirst: false,
          parkedCause: null,
        },
      })
      return null
    }
    case 'nothing':
      await endAttempt(tx, delivery, 'absent', null, null)
      await tx.delivery.update({ where, data: { state: 'undone', droppedReason: outcome.because, settledAt: now } })
      return null
    case 'parked':
      await endAttempt(tx, delivery, 'refused', { cause: outcome.cause, said: '', status: null }, null)
      await park(tx, delivery, outcome.cause, { ...outcome.facts, at: now })
      return null
    case 'again':
      await endAttempt(tx, delivery, 'absent', null, null)
      await tx.$executeRaw`
        update delivery set state = 'waiting', look_first = ${outcome.lookFirst}, fails = fails + ${outcome.lookFirst ? 1 : 0}, due_at = quits_now() + make_interval(secs => ${outcome.afterMs / 1000})
        where network_id = ${delivery.networkId}::uuid and id = ${delivery.id}::uuid and fence = ${lease.fence}`
      return null
    case 'error':
      return afterError(deps, tx, lease, outcome)
  }
}

async function afterError(
  deps: OutboxDeps,
  tx: Tx,
  lease: Lease,
  outcome: Extract<Outcome, { is: 'error' }>,
): Promise<number | null> {
  const { delivery, error } = outcome
  const next = nextAfter(error, {
    fails: delivery.fails,
    ageMs: deps.clock.now().getTime() - delivery.promisedAt.getTime(),
    looked: outcome.looked,
    dice: deps.dice(),
  })
  const unknown = error.kind === 'unclear' || error.kind === 'unavailable'
  await endAttempt(
    tx,
    delivery,
    unknown ? 'unknown' : next.to === 'waiting' ? 'waiting' : 'refused',
    { cause: error.facts.cause, said: error.facts.said, status: error.facts.status },
    error.facts.callId,
  )
  // A refused link of a refund is a warning: the money and the credit stand, only their tie is missing.
  if (next.to === 'parked' && delivery.document.what === 'allocation' && delivery.document.minor) {
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
  if (next.to === 'parked') {
    await park(tx, delivery, next.cause, { ...error.facts, at: deps.clock.now() })
    return null
  }
  const isPermitted = error.kind !== 'unauthorized'
  await tx.$executeRaw`
    update delivery set state = 'waiting', look_first = look_first or ${next.lookFirst}, fails = fails + ${next.isFail ? 1 : 0},
      generation = generation + ${next.newGeneration ? 1 : 0}, due_at = quits_now() + make_interval(secs => ${next.afterMs / 1000}),
      warnings = warnings
    where network_id = ${delivery.networkId}::uuid and id = ${delivery.id}::uuid and fence = ${lease.fence}`
  return isPermitted ? next.lanePausesMs : 0
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
