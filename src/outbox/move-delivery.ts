/** What a person may do with a delivery: try again, drop with a reason, re-date, take another number, choose the contact, say yes. */
import { addDays, type Day } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Delivery, deliveryFrom } from './delivery.ts'

export type DeliveryPlace = { networkId: Uuid; id: Uuid }

export async function deliveryOf(tx: Tx, place: DeliveryPlace): Promise<Delivery> {
  const row = await tx.delivery.findUnique({ where: { networkId_id: place } })
  if (!row) throw new Refusal('not_found', { thing: 'delivery' })
  return deliveryFrom(row)
}

/** Looked up first, then put again; under a new key, since a person may have mended what the vendor remembers refusing. */
export async function retryDelivery(tx: Tx, place: DeliveryPlace): Promise<void> {
  const delivery = await deliveryOf(tx, place)
  if (delivery.state !== 'parked')
    throw new Refusal('delivery_does_not_allow', { state: delivery.state, wanted: 'tried again' })
  await again(tx, delivery, {})
}

/** All of one book that are parked for the same cause. Gives their number. */
export async function retryAllOfCause(
  tx: Tx,
  ask: { networkId: Uuid; organisationId: Uuid; cause: string },
): Promise<number> {
  const rows = await tx.delivery.findMany({
    where: { networkId: ask.networkId, organisationId: ask.organisationId, state: 'parked', parkedCause: ask.cause },
  })
  for (const row of rows) await again(tx, deliveryFrom(row), {})
  return rows.length
}

/** Nothing more is sent for it, nor for what depends on it. */
export async function dropDelivery(tx: Tx, place: DeliveryPlace, reason: string, at: Date): Promise<void> {
  const delivery = await deliveryOf(tx, place)
  if (delivery.state !== 'parked' && delivery.state !== 'waiting')
    throw new Refusal('delivery_does_not_allow', { state: delivery.state, wanted: 'dropped' })
  await tx.$executeRaw`
    with recursive gone as (
      select id from delivery where network_id = ${place.networkId}::uuid and id = ${place.id}::uuid
      union select child.id from delivery child join gone on gone.id = any (child.depends_on) where child.network_id = ${place.networkId}::uuid)
    update delivery set state = 'dropped', dropped_reason = ${reason}, settled_at = ${at}
    where network_id = ${place.networkId}::uuid and id in (select id from gone) and state in ('waiting', 'parked')`
}

/**
 * A locked day: the document bears its first open day instead, on a person's yes, and its text keeps the true one.
 * `to` must lie after the lock.
 */
export async function redateDelivery(tx: Tx, place: DeliveryPlace, to: Day | null): Promise<Day> {
  const delivery = await deliveryOf(tx, place)
  if (delivery.state !== 'parked' || delivery.parkedCause !== 'period_locked' || delivery.document.what === 'contact') {
    throw new Refusal('delivery_does_not_allow', { state: delivery.state, wanted: 'given another day' })
  }
  const locked = typeof delivery.parkedFacts?.lockedThrough === 'string' ? delivery.parkedFacts.lockedThrough : null
  const day = to ?? (locked ? addDays(locked, 1) : null)
  if (!day || (locked && day <= locked))
    throw new Refusal('delivery_does_not_allow', { state: delivery.state, wanted: 'given a day in a closed period' })
  const truth =
    delivery.document.what === 'invoice' || delivery.document.what === 'bill'
      ? `Tax point ${delivery.document.datedOn}. `
      : `True day ${delivery.document.datedOn}. `
  await again(tx, delivery, { ...delivery.document, datedOn: day, note: `${truth}${delivery.document.note}` })
  return day
}

/** The number stands on a stranger's document: ours takes another one, and the buyer's bill follows while it has not been sent. */
export async function renumberDelivery(tx: Tx, place: DeliveryPlace, number: string): Promise<void> {
  const delivery = await deliveryOf(tx, place)
  if (delivery.state !== 'parked' || !('number' in delivery.document))
    throw new Refusal('delivery_does_not_allow', { state: delivery.state, wanted: 'renumbered' })
  await again(tx, delivery, { ...delivery.document, number })
}

async function again(tx: Tx, delivery: Delivery, document: object): Promise<void> {
  await tx.delivery.update({
    where: { networkId_id: { networkId: delivery.networkId, id: delivery.id } },
    data: {
      state: 'waiting',
      parkedCause: null,
      parkedFacts: {},
      fails: 0,
      lookFirst: delivery.attempts > 0,
      generation: delivery.generation + 1,
      ...(Object.keys(document).length > 0 ? { document: JSON.parse(JSON.stringify(document)) } : {}),
    },
  })
  await tx.$executeRaw`update delivery set due_at = quits_now() where network_id = ${delivery.networkId}::uuid and id = ${delivery.id}::uuid`
  await tx.$executeRaw`select wake_lane(${delivery.organisationId}::uuid)`
}

/** A person's yes to one trade in one book, after a preview. Saying it twice is saying it once. */
export async function approveTrade(
  tx: Tx,
  ask: { networkId: Uuid; tradeId: Uuid; organisationId: Uuid; actor: string; at: Date },
): Promise<void> {
  const made = await tx.$executeRaw`
    insert into approval (network_id, trade_id, organisation_id, given_by, given_at)
    values (${ask.networkId}::uuid, ${ask.tradeId}::uuid, ${ask.organisationId}::uuid, ${ask.actor}, ${ask.at})
    on conflict do nothing`
  if (made === 1)
    await tx.$executeRaw`update connection set yes_given = yes_given + 1 where organisation_id = ${ask.organisationId}::uuid and state <> 'ended'`
  await tx.$executeRaw`select wake_lane(${ask.organisationId}::uuid)`
}
