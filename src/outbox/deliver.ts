/**
 * Keeps the promises: claims a book's lane, sends what is due, records every attempt and its outcome.
 *
 * Keeps: an attempt is committed before its call; an unknown outcome is looked up before anything is put again; every
 * result is written under the lease's fence.
 * Never: touches the ledger, or two books in one call.
 *
 * @path trade 5/7 sends what a book must hold, one book at a time
 * @path connect 6/6 once a connection is live, what was held goes
 */
import { createHash } from 'node:crypto'
import { type BookConnector, BookError, type Grant, type Verdict } from '../../connectors/port.ts'
import { withGrant } from '../books/grants.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Budget, pause, take } from './budget.ts'
import { checkFirst } from './check-first.ts'
import { deliverContacts } from './deliver-contacts.ts'
import type { Delivery } from './delivery.ts'
import { giveBack, type Lease, stillOurs, takeLease } from './lease.ts'
import { lookUp } from './look-up.ts'
import { bookOfLane, type OpenBook, takeUpLost, takeUpMended } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { nextGroup } from './ready.ts'
import { type Outcome, recordOutcome } from './record-outcome.ts'
import { type Wanted, wantedFor } from './translate-delivery.ts'

const mostRounds = 500

/** Serves due books until none is due or `limit` books have been served. Gives the number of books served. */
export async function deliverDue(
  deps: OutboxDeps,
  { limit = 50, worker = deps.worker }: { limit?: number; worker?: string } = {},
): Promise<number> {
  for (let served = 0; served < limit; served += 1) {
    const lease = await takeLease(deps.db, worker, 'book')
    if (!lease) return served
    await serveBook(deps, lease)
  }
  return limit
}

async function serveBook(deps: OutboxDeps, lease: Lease): Promise<void> {
  const book = await bookOfLane(deps, lease)
  // No live connection: everything waits for it, and it makes the lane due again.
  if (!book) return giveBack(deps.db, lease, lease.budget, 300_000)
  await takeUpLost(deps, lease)
  await takeUpMended(deps, lease)
  let budget = book.budget
  // Whoever has sent so much that another book should have its turn comes again at once.
  let notBeforeMs = 1
  for (let round = 0; round < mostRounds; round += 1) {
    const group = await nextGroup(deps, book)
    if (group.length === 0) {
      notBeforeMs = 0
      break
    }
    const nowMs = deps.clock.now().getTime()
    const taken = take(budget, book.connector.limits, callsFor(book.connector, group), nowMs)
    budget = taken.budget
    if (taken.waitMs > 0) {
      notBeforeMs = taken.waitMs
      break
    }
    const after = await sendGroup(deps, lease, book, group)
    if (after.lost) return
    if (after.pauseMs !== null) {
      notBeforeMs = after.pauseMs
      budget = pause(budget, after.pauseMs, nowMs)
      break
    }
  }
  await giveBack(deps.db, lease, budget satisfies Budget, notBeforeMs)
}

/** A batch is one call; contacts are read before they are made; what is looked up first may cost a call each. */
function callsFor(connector: BookConnector, group: Delivery[]): number {
  const reads = group[0]?.kind === 'contact' ? 1 : group.filter(isLookedUp).length
  return reads + Math.ceil(group.length / connector.limits.inOneCall)
}

function isLookedUp({ lookFirst, document }: Delivery): boolean {
  return lookFirst || ('linkedId' in document && document.linkedId !== null)
}

export type AttemptVerb = 'look' | 'contacts' | 'documents' | 'payments'
type After = { lost: boolean; pauseMs: number | null }

async function sendGroup(deps: OutboxDeps, lease: Lease, book: OpenBook, group: Delivery[]): Promise<After> {
  if (group[0]?.kind === 'contact') return record(deps, lease, await deliverContacts(deps, lease, book, group))
  const checked = await checkFirst(deps, lease, book, group, await book.around(group))
  if (checked === 'lost') return { lost: true, pauseMs: null }
  const wanted = checked.rest.map((delivery) => ({ delivery, wanted: wantedFor(delivery, checked.around) }))
  const outcomes: Outcome[] = [...checked.outcomes]
  for (const one of wanted) {
    if (one.wanted.verb === 'park')
      outcomes.push({ delivery: one.delivery, is: 'parked', cause: one.wanted.cause, facts: one.wanted.facts })
    if (one.wanted.verb === 'nothing')
      outcomes.push({ delivery: one.delivery, is: 'nothing', because: one.wanted.because })
  }
  const rest = wanted.filter((one) => one.wanted.verb !== 'park' && one.wanted.verb !== 'nothing')
  const looking = rest.filter(
    (one) => one.delivery.lookFirst || one.wanted.verb === 'link' || one.wanted.verb === 'measure',
  )
  const found =
    looking.length > 0
      ? await begin(deps, lease, looking, 'look', (begun) => callLook(deps, book, begun))
      : { outcomes: [], goOn: [] }
  if (found === 'lost') return { lost: true, pauseMs: null }
  outcomes.push(...found.outcomes)
  const puts = [...rest.filter((one) => !looking.includes(one)), ...found.goOn]
  for (const verb of ['documents', 'payments'] as const) {
    const these = puts.filter((one): one is Sending<typeof verb> => one.wanted.verb === verb)
    if (these.length === 0) continue
    const sent = await begin(deps, lease, these, verb, (begun) => callPut(deps, book, verb, begun))
    if (sent === 'lost') return { lost: true, pauseMs: null }
    outcomes.push(...sent)
  }
  return record(deps, lease, outcomes)
}

export type Sending<V extends Wanted['verb'] = Wanted['verb']> = {
  delivery: Delivery
  wanted: Extract<Wanted, { verb: V }>
}

async function record(deps: OutboxDeps, lease: Lease, outcomes: Outcome[] | 'lost'): Promise<After> {
  if (outcomes === 'lost') return { lost: true, pauseMs: null }
  return recordOutcome(deps, lease, outcomes)
}

/**
 * COMMIT POINT: the attempts stand in the database before the call leaves. Gives 'lost' when the lease is no longer ours.
 * What a person dropped in between is not begun, and not called for.
 */
export async function begin<S extends { delivery: Delivery; wanted: unknown }, T>(
  deps: OutboxDeps,
  lease: Lease,
  sending: S[],
  verb: AttemptVerb,
  call: (begun: S[]) => Promise<T>,
): Promise<T | 'lost'> {
  const begun = await inTransaction(deps.db, asWorker, async (tx) => {
    if (!(await stillOurs(tx, lease))) return 'lost' as const
    const ours: S[] = []
    for (const one of sending) if (await beginAttempt(tx, lease, one.delivery, verb, one.wanted)) ours.push(one)
    return ours
  })
  return begun === 'lost' ? 'lost' : call(begun)
}

async function beginAttempt(
  tx: Tx,
  lease: Lease,
  delivery: Delivery,
  verb: AttemptVerb,
  wanted: unknown,
): Promise<boolean> {
  const attempts = await tx.$queryRaw<{ attempts: number }[]>`
    update delivery set state = 'sending', fence = ${lease.fence}, attempts = attempts + 1, generation = ${delivery.generation}
    where network_id = ${delivery.networkId}::uuid and id = ${delivery.id}::uuid and state in ('waiting', 'sending')
    returning attempts`
  const number = attempts[0]?.attempts
  if (!number) return false
  delivery.attempts = number
  // A look that found nothing ends where the put begins.
  await tx.$executeRaw`
    update attempt set ended_at = quits_now(), outcome = 'absent'
    where network_id = ${delivery.networkId}::uuid and delivery_id = ${delivery.id}::uuid and ended_at is null and fence = ${lease.fence}`
  // An attempt that nobody ended was cut off: what came of it is not known.
  await tx.$executeRaw`
    update attempt set ended_at = quits_now(), outcome = 'unknown'
    where network_id = ${delivery.networkId}::uuid and delivery_id = ${delivery.id}::uuid and ended_at is null`
  await tx.$executeRaw`
    insert into attempt (network_id, delivery_id, number, key, verb, body_hash, fence, started_at)
    values (${delivery.networkId}::uuid, ${delivery.id}::uuid, ${number}, ${keyOf(delivery)}, ${verb}, ${bodyHash(wanted)}, ${lease.fence}, quits_now())`
  return true
}

/** At most 36 characters: the delivery's id without hyphens and its generation. */
export function keyOf(delivery: { id: Uuid; generation: number }): string {
  return `${delivery.id.replaceAll('-', '')}${delivery.generation > 1 ? `.${delivery.generation}` : ''}`
}

/** Tells one thing that was asked for from another. */
export function bodyHash(wanted: unknown): Uint8Array {
  const text = JSON.stringify(wanted, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  return Uint8Array.from(
    createHash('sha256')
      .update(text ?? '')
      .digest(),
  )
}

async function callLook(
  deps: OutboxDeps,
  book: OpenBook,
  looking: { delivery: Delivery; wanted: Wanted }[],
): Promise<{ outcomes: Outcome[]; goOn: { delivery: Delivery; wanted: Wanted }[] }> {
  try {
    return await withGrant(deps, book.connectionId, (grant, connector) =>
      lookUp(grant, connector, looking, deps.clock.now()),
    )
  } catch (error) {
    return {
      outcomes: looking.map(({ delivery }) => ({
        delivery,
        is: 'error' as const,
        error: bookError(error),
        looked: false,
      })),
      goOn: [],
    }
  }
}

async function callPut(
  deps: OutboxDeps,
  book: OpenBook,
  verb: 'documents' | 'payments',
  sending: Sending<'documents' | 'payments'>[],
): Promise<Outcome[]> {
  let verdicts: Verdict[]
  try {
    verdicts = await withGrant(deps, book.connectionId, (grant, connector) => put(grant, connector, verb, sending))
  } catch (error) {
    const known = bookError(error)
    return sending.map(({ delivery }) => ({ delivery, is: 'error' as const, error: known, looked: delivery.lookFirst }))
  }
  return sending.map(({ delivery }, place): Outcome => {
    const verdict = verdicts[place]
    if (!verdict)
      return {
        delivery,
        is: 'error',
        error: new BookError('unclear', {
          cause: 'no_verdict',
          said: '',
          status: null,
          vendorCode: null,
          callId: null,
        }),
        looked: delivery.lookFirst,
      }
    return verdict.ok
      ? { delivery, is: 'done', receipt: verdict.receipt, found: false }
      : { delivery, is: 'error', error: verdict.error, looked: delivery.lookFirst }
  })
}

async function put(
  grant: Grant,
  connector: BookConnector,
  verb: 'documents' | 'payments',
  sending: Sending<'documents' | 'payments'>[],
): Promise<Verdict[]> {
  if (verb === 'documents')
    return connector.putDocuments(
      grant,
      sending.flatMap((one) =>
        one.wanted.verb === 'documents' ? [{ key: keyOf(one.delivery), thing: one.wanted.thing }] : [],
      ),
    )
  return connector.putPayments(
    grant,
    sending.flatMap((one) =>
      one.wanted.verb === 'payments' ? [{ key: keyOf(one.delivery), thing: one.wanted.thing }] : [],
    ),
  )
}

/**
 * A call that failed as a whole throws BookError and nothing else; a connection that was paused, cut or signed out
 * meanwhile refuses, and then all of it waits for the connection. Anything else is our own fault and goes on up.
 */
export function bookError(error: unknown): BookError {
  if (error instanceof BookError) return error
  if (error instanceof Refusal && error.code === 'connection_does_not_allow')
    return new BookError('unauthorized', {
      cause: 'grant_gone',
      said: '',
      status: null,
      vendorCode: null,
      callId: null,
    })
  throw error
}
