/**
 * Attempts: begun before a call, ended after it, kept for ever.
 *
 * Keeps: an attempt is committed before its call; the key tells generations apart, the marker in the document never does.
 */
import { createHash } from 'node:crypto'
import { BookError } from '../../connectors/port.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Delivery } from './delivery.ts'
import { type Lease, stillOurs } from './lease.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { tellBegun } from './tell-attempts.ts'

export type AttemptVerb = 'look' | 'contacts' | 'documents' | 'payments'

/**
 * COMMIT POINT: the attempts stand in the database before the call leaves. Gives 'lost' when the lease is no longer ours.
 * What a person dropped in between, and what was paused (books/pause.ts locks the same lane), is not begun and not called for.
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
    return beginAttempts(tx, lease, sending, verb)
  })
  if (begun === 'lost') return 'lost'
  tellBegun(deps, verb, begun)
  return call(begun)
}

/** All of a group in one statement: a group is of one network. */
async function beginAttempts<S extends { delivery: Delivery; wanted: unknown }>(
  tx: Tx,
  lease: Lease,
  sending: S[],
  verb: AttemptVerb,
): Promise<S[]> {
  const networkId = sending[0]?.delivery.networkId
  if (!networkId) return []
  const asked = sending.map(({ delivery, wanted }) => ({
    id: delivery.id,
    generation: delivery.generation,
    key: keyOf(delivery),
    hash: Buffer.from(bodyHash(wanted)).toString('hex'),
  }))
  const begun = await tx.$queryRaw<{ id: Uuid; attempts: number }[]>`
    with asked as (
      select * from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as a(id uuid, generation integer, key text, hash text)),
    begun as (
      update delivery d set state = 'sending', fence = ${lease.fence}, attempts = d.attempts + 1, generation = a.generation
        from asked a
       where d.network_id = ${networkId}::uuid and d.id = a.id and d.state in ('waiting', 'sending')
         and exists (select 1 from connection c where c.organisation_id = d.organisation_id and c.state = 'live')
         and exists (select 1 from network n where n.id = d.network_id and n.sending_paused_at is null)
      returning d.id, d.attempts),
    -- A look that found nothing ends where the put begins; an attempt that nobody ended was cut off: what came of it is not known.
    ended as (
      update attempt t set ended_at = quits_now(), outcome = case when t.fence = ${lease.fence} then 'absent' else 'unknown' end
       where t.network_id = ${networkId}::uuid and t.delivery_id in (select id from begun) and t.ended_at is null),
    written as (
      insert into attempt (network_id, delivery_id, number, key, verb, body_hash, fence, started_at)
      select ${networkId}::uuid, b.id, b.attempts, a.key, ${verb}, decode(a.hash, 'hex'), ${lease.fence}, quits_now()
        from begun b join asked a on a.id = b.id)
    select id, attempts from begun`
  const numberOf = new Map(begun.map((row) => [row.id, row.attempts]))
  if (begun.length < sending.length) {
    const left = sending.map((one) => one.delivery.id).filter((id) => !numberOf.has(id))
    await stepBack(tx, lease, networkId, left)
  }
  return sending.filter(({ delivery }) => {
    const number = numberOf.get(delivery.id)
    if (number !== undefined) delivery.attempts = number
    return number !== undefined
  })
}

/** Looked for already, and then not put because of a pause: it waits again. */
async function stepBack(tx: Tx, lease: Lease, networkId: Uuid, ids: Uuid[]): Promise<void> {
  await tx.$executeRaw`
    with back as (
      update delivery set state = 'waiting', look_first = true
       where network_id = ${networkId}::uuid and id = any (${ids}::uuid[]) and state = 'sending' and fence = ${lease.fence} returning id)
    update attempt set ended_at = quits_now(), outcome = 'absent'
     where network_id = ${networkId}::uuid and delivery_id in (select id from back) and ended_at is null`
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
