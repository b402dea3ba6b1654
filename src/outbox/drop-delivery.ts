/**
 * A delivery given up by a person with a reason, and what hangs on it; and the way back, as long as its trade stands.
 *
 * Keeps: what is being sent is not dropped; what comes back is looked for in the book before it is ever sent again, unless
 * nothing was ever sent for it.
 */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Delivery } from './delivery.ts'
import { type DeliveryPlace, doesNotAllow, lockDelivery } from './move-delivery.ts'
import { takeUpAgain } from './take-up-again.ts'

/** Nothing more is sent for it, nor for what depends on it. True when this was what dropped it. */
export async function dropDelivery(tx: Tx, place: DeliveryPlace, reason: string, at: Date): Promise<boolean> {
  if (reason.trim() === '') throw new Refusal('reason_missing', {})
  const delivery = await lockDelivery(tx, place)
  if (delivery.state === 'dropped') return false
  if (delivery.state !== 'parked' && delivery.state !== 'waiting') throw doesNotAllow(delivery.state, 'dropped')
  const beneath = await hangingOn(tx, delivery)
  const onItsWay = beneath.find((one) => one.state === 'sending')
  if (onItsWay)
    throw doesNotAllow('sending', `dropped with ${delivery.reference}, on which it (${onItsWay.reference}) hangs`)
  await tx.$executeRaw`
    update delivery set state = 'dropped', dropped_reason = ${reason}, dropped_with = ${place.id}::uuid, settled_at = ${at}
    where network_id = ${place.networkId}::uuid and id = any (${[place.id, ...beneath.map((one) => one.id)]}::uuid[])
      and state in ('waiting', 'parked')`
  return true
}

/** Back to waiting, with what was dropped along with it. True when this was what brought it back. */
export async function undoDrop(tx: Tx, place: DeliveryPlace): Promise<boolean> {
  const delivery = await lockDelivery(tx, place)
  if (delivery.state === 'waiting') return false
  if (delivery.state !== 'dropped') throw doesNotAllow(delivery.state, 'taken back, since nobody dropped it')
  const rows = await tx.$queryRaw<{ with: Uuid | null }[]>`
    select dropped_with as "with" from delivery where network_id = ${place.networkId}::uuid and id = ${place.id}::uuid`
  const root = rows[0]?.with ?? null
  if (root && root !== place.id) await mustStandAlone(tx, { networkId: place.networkId, id: root })
  await mustBeOfStandingTrade(tx, delivery)
  await mustBeUnlinked(tx, delivery)
  const together = await tx.$queryRaw<{ id: Uuid }[]>`
    select id from delivery where network_id = ${place.networkId}::uuid and organisation_id = ${delivery.organisationId}::uuid and state = 'dropped'
      and (id = ${place.id}::uuid or dropped_with = ${place.id}::uuid) order by id for update`
  await takeUpAgain(tx, { networkId: place.networkId, ids: together.map((one) => one.id) })
  await tx.$executeRaw`select wake_lane(${delivery.organisationId}::uuid)`
  return true
}

type Hanging = { id: Uuid; state: Delivery['state']; reference: string }

async function hangingOn(tx: Tx, { networkId, id, organisationId }: Delivery): Promise<Hanging[]> {
  return tx.$queryRaw<Hanging[]>`
    with recursive gone as (
      select id from delivery where network_id = ${networkId}::uuid and id = ${id}::uuid
      union select child.id from delivery child join gone on gone.id = any (child.depends_on)
       where child.network_id = ${networkId}::uuid and child.organisation_id = ${organisationId}::uuid and child.state in ('waiting', 'sending', 'parked'))
    select d.id, d.state, d.reference from delivery d join gone on gone.id = d.id
     where d.network_id = ${networkId}::uuid and d.id <> ${id}::uuid order by d.id for update of d`
}

/** What was dropped with another one comes back with that one, unless that one is back already. */
async function mustStandAlone(tx: Tx, root: DeliveryPlace): Promise<void> {
  const row = await tx.delivery.findUnique({
    where: { networkId_id: { networkId: root.networkId, id: root.id } },
    select: { state: true, reference: true },
  })
  if (row?.state === 'dropped')
    throw doesNotAllow('dropped', `taken back alone: it hangs on ${row.reference}; take that one back`)
}

/** Once its trade is reversed, the original may not reach the book any more; what reverses it may. */
async function mustBeOfStandingTrade(tx: Tx, delivery: Delivery): Promise<void> {
  if (!delivery.tradeId) return
  const trade = await tx.trade.findUnique({
    where: { networkId_id: { networkId: delivery.networkId, id: delivery.tradeId } },
    select: { reversedAt: true },
  })
  if (trade?.reversedAt && delivery.promisedAt < trade.reversedAt) throw new Refusal('trade_already_reversed', {})
}

/** The document it was linked to may have been given to another trade meanwhile. */
async function mustBeUnlinked(tx: Tx, delivery: Delivery): Promise<void> {
  const linkedId = 'linkedId' in delivery.document ? delivery.document.linkedId : null
  if (linkedId === null) return
  const taken = await tx.$queryRaw<{ id: Uuid }[]>`
    select id from delivery where network_id = ${delivery.networkId}::uuid and organisation_id = ${delivery.organisationId}::uuid
      and kind = ${delivery.kind} and id <> ${delivery.id}::uuid and state not in ('undone', 'dropped')
      and (document ->> 'linkedId' = ${linkedId} or receipt ->> 'id' = ${linkedId}) limit 1`
  if (taken.length > 0) throw new Refusal('invoice_does_not_fit', { why: 'another trade has it already' })
}
