/**
 * What a person may do with a delivery: try again, re-date, take another number, link, choose the contact, say yes.
 *
 * Keeps: what is being sent at this moment is not touched; a deed that is done already is done.
 * Runs as the worker; who may is asked before.
 */
import { keepContact } from '../books/contact.ts'
import { addDays, type Clock, type Day } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { type Delivery, type DeliveryState, deliveryFrom, type PromisedDocument } from './delivery.ts'
import { takeUpAgain } from './take-up-again.ts'

export type DeliveryPlace = { networkId: Uuid; id: Uuid }

export async function deliveryOf(tx: Tx, { networkId, id }: DeliveryPlace): Promise<Delivery> {
  const row = await tx.delivery.findUnique({ where: { networkId_id: { networkId, id } } })
  if (!row) throw new Refusal('not_found', { thing: 'delivery' })
  return deliveryFrom(row)
}

/** How a state is said in a refusal. */
const stateWords: Record<DeliveryState, string> = {
  waiting: 'waiting',
  sending: 'being sent at this moment',
  delivered: 'in the book',
  parked: 'parked',
  undone: 'undone',
  dropped: 'dropped',
}

export function doesNotAllow(state: DeliveryState, wanted: string): Refusal {
  return new Refusal('delivery_does_not_allow', { state: stateWords[state], wanted })
}

/**
 * The delivery, with its trade, its book's lane and itself locked, in the order in which everybody locks them: a worker
 * that begins a try or writes what became of one holds the lane for that moment, so neither can happen beside a deed.
 */
export async function lockDelivery(tx: Tx, place: DeliveryPlace): Promise<Delivery> {
  const { organisationId, tradeId } = await deliveryOf(tx, place)
  if (tradeId)
    await tx.$queryRaw`select id from trade where network_id = ${place.networkId}::uuid and id = ${tradeId}::uuid for no key update`
  const lanes = await tx.$queryRaw<{ isHeld: boolean }[]>`
    select coalesce(leased_until > quits_now(), false) as "isHeld" from lane where id = ${organisationId}::uuid for update`
  await tx.$queryRaw`select id from delivery where network_id = ${place.networkId}::uuid and id = ${place.id}::uuid for update`
  // Nobody holds the lane: whoever was sending it is gone, and what came of it is not known.
  if (!lanes[0]?.isHeld)
    await tx.$executeRaw`
      update delivery set state = 'waiting', look_first = true where network_id = ${place.networkId}::uuid and id = ${place.id}::uuid and state = 'sending'`
  return deliveryOf(tx, place)
}

/** Tried again; what waits to go already is left to it. True when this was what set it going. */
export async function retryDelivery(tx: Tx, place: DeliveryPlace): Promise<boolean> {
  const delivery = await lockDelivery(tx, place)
  if (delivery.state === 'waiting') return false
  if (delivery.state !== 'parked') throw doesNotAllow(delivery.state, 'tried again')
  await again(tx, delivery, {})
  return true
}

/**
 * A locked day: the document bears its first open day instead, on a person's yes, and its text keeps the true one.
 * `to` must lie after the lock.
 */
export async function redateDelivery(tx: Tx, place: DeliveryPlace, to: Day | null): Promise<Day> {
  const delivery = await lockDelivery(tx, place)
  if (delivery.state !== 'parked' || delivery.parkedCause !== 'period_locked' || delivery.document.what === 'contact') {
    throw doesNotAllow(delivery.state, 'given another day')
  }
  const locked = typeof delivery.parkedFacts?.lockedThrough === 'string' ? delivery.parkedFacts.lockedThrough : null
  const day = to ?? (locked ? addDays(locked, 1) : null)
  const firstOpen = locked ? addDays(locked, 1) : null
  const today = await todayIn(tx, place.networkId)
  if (day && day > today && day !== firstOpen) throw doesNotAllow(delivery.state, 'given a day that has not come')
  if (!day || (locked && day <= locked)) throw doesNotAllow(delivery.state, 'given a day in a closed period')
  const truth =
    delivery.document.what === 'invoice' || delivery.document.what === 'bill'
      ? `Tax point ${delivery.document.datedOn}. `
      : `True day ${delivery.document.datedOn}. `
  const { dueOn } = 'dueOn' in delivery.document ? delivery.document : { dueOn: null }
  await again(tx, delivery, {
    ...delivery.document,
    datedOn: day,
    ...(dueOn && dueOn < day ? { dueOn: day } : {}),
    note: `${truth}${delivery.document.note}`,
  })
  return day
}

async function todayIn(tx: Tx, networkId: Uuid): Promise<Day> {
  const rows = await tx.$queryRaw<{ today: string }[]>`
    select to_char(quits_now() at time zone n.time_zone, 'YYYY-MM-DD') as today from network n where n.id = ${networkId}::uuid`
  invariant(rows[0], 'a delivery is of a network')
  return rows[0].today
}

/**
 * The number stands on a stranger's document: ours takes the next one of the seller's own run, and the trade and the
 * buyer's bill follow while that has not been sent. What is no invoice keeps its number and adds to it.
 */
export async function takeNextNumber(tx: Tx, place: DeliveryPlace): Promise<string> {
  const delivery = await lockDelivery(tx, place)
  const { document } = delivery
  if (delivery.state !== 'parked' || delivery.parkedCause !== 'number_taken' || !('linkedId' in document))
    throw doesNotAllow(delivery.state, 'renumbered')
  const isInvoice = document.what === 'invoice' && delivery.tradeId !== null
  const number = isInvoice ? await nextNumberOf(tx, delivery) : longerNumber(document.number ?? delivery.reference)
  await again(tx, delivery, { ...document, number })
  if (!isInvoice) return number
  await tx.$executeRaw`
    update trade set invoice_number = ${number}, changed_at = quits_now()
    where network_id = ${delivery.networkId}::uuid and id = ${delivery.tradeId}::uuid`
  await tx.$executeRaw`
    update delivery set document = document || jsonb_build_object('number', ${number}::text), generation = generation + 1
    where network_id = ${delivery.networkId}::uuid and trade_id = ${delivery.tradeId}::uuid and kind = 'bill'
      and state in ('waiting', 'parked') and document ->> 'number' = ${document.number}`
  return number
}

/** The same run from which acceptance takes its numbers. */
async function nextNumberOf(tx: Tx, delivery: Delivery): Promise<string> {
  const rows = await tx.$queryRaw<{ number: string }[]>`
    update member m set invoice_next = m.invoice_next + 1
     where m.network_id = ${delivery.networkId}::uuid and m.organisation_id = ${delivery.organisationId}::uuid
    returning m.invoice_prefix
      || case when m.invoice_series > 26 then chr(64 + (m.invoice_series - 1) / 26) else '' end
      || case when m.invoice_series > 1 then chr(65 + (m.invoice_series - 1) % 26) else '' end
      || case when m.invoice_next <= 100000 then lpad((m.invoice_next - 1)::text, 5, '0') else (m.invoice_next - 1)::text end as number`
  invariant(rows[0], `${delivery.reference}: its owner is no member`)
  return rows[0].number
}

const longestNumber = 21
function longerNumber(number: string): string {
  const [, base = number, count = '1'] = /^(.*?)(?:\/(\d+))?$/.exec(number) ?? []
  const end = `/${Number(count) + 1}`
  return base.slice(0, longestNumber - end.length) + end
}

/** A bill that stood in the book already is the trade's: it is used as it is, and paid; none is made. */
export async function linkBill(tx: Tx, place: DeliveryPlace): Promise<string> {
  const delivery = await lockDelivery(tx, place)
  const { document, parkedFacts } = delivery
  const linkedId = parkedFacts?.billId
  if (delivery.state !== 'parked' || delivery.parkedCause !== 'bill_already_there' || typeof linkedId !== 'string')
    throw doesNotAllow(delivery.state, 'linked')
  const taken = await tx.$queryRaw<{ id: Uuid }[]>`
    select id from delivery where network_id = ${place.networkId}::uuid and organisation_id = ${delivery.organisationId}::uuid and kind = 'bill'
      and state not in ('undone', 'dropped') and (document ->> 'linkedId' = ${linkedId} or receipt ->> 'id' = ${linkedId}) limit 1`
  if (taken.length > 0) throw new Refusal('invoice_does_not_fit', { why: 'another trade has it already' })
  await again(tx, delivery, { ...document, linkedId })
  return typeof parkedFacts?.number === 'string' ? parkedFacts.number : ''
}

/**
 * A person removed it and another one wants it after all: it is made anew, under a reference of its own. What was delivered
 * must have been missed by a reconciliation first.
 */
export async function askAnew(tx: Tx, place: DeliveryPlace): Promise<void> {
  const delivery = await lockDelivery(tx, place)
  const isRemoved = delivery.state === 'parked' && delivery.parkedCause === 'removed_by_person'
  const isMissed =
    delivery.state === 'delivered' &&
    (await tx.discrepancy.count({
      where: {
        networkId: place.networkId,
        deliveryId: place.id,
        state: { not: 'gone' },
        kind: { in: ['missing_in_book', 'voided_by_person'] },
      },
    })) > 0
  if (!isRemoved && !isMissed) throw doesNotAllow(delivery.state, 'made anew')
  const [, base = delivery.reference, count = '1'] = /^(\w+-\w+)(?:-(\d+))?$/.exec(delivery.reference) ?? []
  await tx.delivery.update({
    where: { networkId_id: { networkId: delivery.networkId, id: delivery.id } },
    data: { reference: `${base}-${Number(count) + 1}`, settledAt: null },
  })
  await tx.$executeRaw`update delivery set receipt = null where network_id = ${place.networkId}::uuid and id = ${place.id}::uuid`
  // Under its new reference nothing was ever sent, so there is nothing to look for, unless a backup was restored that does not
  // know of it; and it must not bear the old key.
  await again(tx, delivery, {}, true)
  await tx.$executeRaw`
    update delivery set look_first = exists (select 1 from deed where network_id is null and what in ('backup_restored', 'standby_took_over')) where network_id = ${place.networkId}::uuid and id = ${place.id}::uuid`
}

const contactCauses = [
  'contact_ambiguous',
  'contact_archived',
  'contact_gone',
  'contact_missing',
  'contact_number_taken',
  'name_taken',
]

/**
 * A person's choice of the contact that stands for a counterparty: remembered, and everything that waits for it goes again.
 * `contact` is one of those offered in the parked facts, or one that was just read from the book.
 */
export async function chooseContact(
  tx: Tx,
  place: DeliveryPlace,
  contact: { id: string; name: string },
  told: { clock: Clock; actor: string },
): Promise<void> {
  const delivery = await lockDelivery(tx, place)
  const { document } = delivery
  if (delivery.state !== 'parked' || !contactCauses.includes(delivery.parkedCause ?? ''))
    throw doesNotAllow(delivery.state, 'given a contact')
  const connection = await tx.connection.findFirst({
    where: { organisationId: delivery.organisationId, state: { not: 'ended' } },
    select: { id: true },
  })
  if (!connection) throw new Refusal('not_found', { thing: 'connection' })
  const role = roleIn(document)
  await keepContact(tx, told.clock, {
    connectionId: connection.id,
    counterpartId: document.counterpartId,
    role,
    contact: { ...contact, version: null },
    chosenBy: told.actor,
  })
  await recordDeed(tx, told.clock, {
    networkId: delivery.networkId,
    organisationId: delivery.organisationId,
    actor: told.actor,
    what: 'contact_chosen',
    facts: { contact: contact.name, role },
  })
  const parked = await tx.delivery.findMany({
    where: {
      networkId: delivery.networkId,
      organisationId: delivery.organisationId,
      state: 'parked',
      parkedCause: { in: contactCauses },
    },
  })
  for (const one of parked.map(deliveryFrom))
    if (one.document.counterpartId === document.counterpartId && roleIn(one.document) === role) await again(tx, one, {})
}

/** Those offered when it was parked. */
export function candidatesOf(delivery: Delivery): { id: string; name: string; email: string | null }[] {
  const offered = delivery.parkedFacts?.candidates
  return Array.isArray(offered) ? offered : []
}

export function roleIn(document: PromisedDocument): 'customer' | 'supplier' {
  if ('role' in document) return document.role
  return document.what === 'invoice' || document.what === 'credit_note' ? 'customer' : 'supplier'
}

async function again(tx: Tx, delivery: Delivery, document: object, isAnew = false): Promise<void> {
  const { networkId, id, organisationId } = delivery
  const isCorrected = Object.keys(document).length > 0
  await takeUpAgain(tx, { networkId, ids: [id], corrected: isCorrected || isAnew })
  if (isCorrected)
    await tx.delivery.update({
      where: { networkId_id: { networkId, id } },
      data: { document: JSON.parse(JSON.stringify(document)) },
    })
  await tx.$executeRaw`select wake_lane(${organisationId}::uuid)`
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
