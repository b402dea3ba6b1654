/** What must exist in a member's book: where it stands, why it waits, and what a person can do about it. */
import { z } from 'zod'
import { asWorker, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import { recordDeed } from '../../networks/record-deed.ts'
import { type Delivery, deliveryFrom } from '../../outbox/delivery.ts'
import {
  askAnew,
  candidatesOf,
  chooseContact,
  deliveryOf,
  dropDelivery,
  linkBill,
  redateDelivery,
  retryAllOfCause,
  retryDelivery,
  takeNextNumber,
} from '../../outbox/move-delivery.ts'
import type { Deps } from '../deps.ts'
import { contactsOfBook } from './book-contacts.ts'
import { attemptOut, deliveryOut, deliveryStates, showAttempt, showDelivery } from './delivery-shapes.ts'
import { memberParams } from './member-shapes.ts'
import { type AtMember, atMember } from './place.ts'
import { type Route, route } from './route.ts'
import { dayIn, idIn, at as instant, instantFrom, keyOf, listOf, pageOf, pageQuery, reason, words } from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Deliveries' }
const path = '/networks/{networkId}/members/{memberId}/deliveries'
const deliveryParams = memberParams.extend({ deliveryId: idIn('delivery') })

export const deliveryRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path,
    summary: 'Everything promised to this book, newest first',
    deed: 'see_book',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(deliveryStates).optional(),
      tradeId: idIn('trade').optional(),
    }),
    answer: listOf(deliveryOut),
    answers: async ({ at, query, see }) => {
      const key = keyOf(query.after)
      const before = key && { at: instantFrom(key.at), id: key.id }
      const rows = await see((tx) =>
        tx.delivery.findMany({
          where: {
            networkId: at.networkId,
            organisationId: at.member.organisationId,
            ...(query.state ? { state: query.state } : {}),
            ...(query.tradeId ? { tradeId: query.tradeId } : {}),
            ...(before
              ? {
                  promisedAt: { lte: before.at },
                  OR: [{ promisedAt: { lt: before.at } }, { id: { lt: before.id } }],
                }
              : {}),
          },
          orderBy: [{ promisedAt: 'desc' }, { id: 'desc' }],
          take: query.limit + 1,
        }),
      )
      const keyOfDelivery = (row: Delivery) => ({ at: instant(row.promisedAt), id: row.id })
      const shown = (row: Delivery) => showDelivery(row, at.network.currency)
      return pageOf(rows.map(deliveryFrom), query.limit, keyOfDelivery, shown)
    },
  }),
  route({
    ...one,
    params: deliveryParams,
    method: 'get',
    path: `${path}/{deliveryId}`,
    summary: 'One delivery with every try and the book’s own words',
    deed: 'see_book',
    answer: z.object({ delivery: deliveryOut, attempts: z.array(attemptOut) }),
    answers: async ({ at, params, see }) =>
      see(async (tx) => {
        const delivery = await deliveryAt(tx, at, params.deliveryId)
        const where = { networkId: at.networkId, deliveryId: delivery.id }
        const attempts = await tx.attempt.findMany({ where, orderBy: { number: 'asc' }, take: 500 })
        return { delivery: showDelivery(delivery, at.network.currency), attempts: attempts.map(showAttempt) }
      }),
  }),
  moveRoute('retry', 'Try a parked delivery again: it is looked up first', z.null(), (tx, _deps, place) =>
    retryDelivery(tx, place),
  ),
  route({
    ...one,
    method: 'post',
    path: `${path}/retry`,
    summary: 'Try all again that are parked for one cause',
    deed: 'move_delivery',
    body: z.strictObject({ cause: words(100).meta({ examples: ['period_locked'] }) }),
    answer: z.object({ retried: z.number().int() }),
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { organisationId } = at.member
        const retried = await retryAllOfCause(tx, { networkId: at.networkId, organisationId, cause: body.cause })
        const facts = { cause: body.cause, retried }
        await recordDeed(tx, deps.clock, { ...placeOf(at), actor: actor.id, what: 'deliveries_retried', facts })
        return { retried }
      }),
  }),
  moveRoute(
    'anew',
    'Make a document anew that a person removed, under a reference of its own',
    z.null(),
    (tx, _deps, place) => askAnew(tx, place),
  ),
  moveRoute(
    'link',
    'Use the bill that stands in the book already instead of making one; trying again makes another',
    z.null(),
    async (tx, _deps, place) => void (await linkBill(tx, place)),
  ),
  moveRoute(
    'drop',
    'Give it up, with a reason: nothing more is sent for it, nor for what depends on it',
    z.strictObject({ reason }),
    (tx, deps, place, body) => dropDelivery(tx, place, body.reason, deps.clock.now()),
  ),
  moveRoute(
    'redate',
    'Let a document whose day is locked bear another day; its text keeps the true one',
    z.strictObject({ to: dayIn.optional().meta({ description: 'Left out: the first open day' }) }),
    async (tx, _deps, place, body) => void (await redateDelivery(tx, place, body.to ?? null)),
  ),
  moveRoute(
    'next-number',
    'Give a document whose number is taken the next one',
    z.null(),
    async (tx, _deps, place) => void (await takeNextNumber(tx, place)),
  ),
  route({
    ...one,
    params: deliveryParams,
    method: 'post',
    path: `${path}/{deliveryId}/contact`,
    summary: 'Choose the contact of the book that is meant; it is remembered',
    description: 'One of the delivery’s `candidates`, or any active contact listed at …/connection/contacts.',
    deed: 'move_delivery',
    body: z.strictObject({ contactId: words(200) }),
    answer: deliveryOut,
    answers: async ({ deps, actor, at, params, body, see, inTx }) => {
      const { organisationId } = at.member
      const delivery = await see((tx) => deliveryAt(tx, at, params.deliveryId))
      const contact =
        candidatesOf(delivery).find(({ id }) => id === body.contactId) ??
        (await contactsOfBook(deps, organisationId)).find(({ id }) => id === body.contactId)
      if (!contact) throw new Refusal('not_found', { thing: 'contact in the book' })
      return inTx(asWorker, async (tx) => {
        const place = { networkId: at.networkId, id: delivery.id }
        await chooseContact(tx, place, contact, { clock: deps.clock, actor: actor.id })
        return showDelivery(await deliveryAt(tx, at, delivery.id), at.network.currency)
      })
    },
  }),
]

type DeliveryPlace = { networkId: Uuid; id: Uuid }

function moveRoute<B extends z.ZodType>(
  verb: string,
  summary: string,
  body: B,
  move: (tx: Tx, deps: Deps, place: DeliveryPlace, body: z.output<B>) => Promise<void>,
): Route {
  return route({
    ...one,
    params: deliveryParams,
    method: 'post',
    path: `${path}/{deliveryId}/${verb}`,
    summary,
    deed: 'move_delivery',
    ...(body instanceof z.ZodNull ? {} : { body }),
    answer: deliveryOut,
    answers: async ({ deps, actor, at, params, body: given, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { id } = await deliveryAt(tx, at, params.deliveryId)
        await move(tx, deps, { networkId: at.networkId, id }, given as z.output<B>)
        const delivery = await deliveryAt(tx, at, id)
        const facts = { reference: delivery.reference }
        await recordDeed(tx, deps.clock, { ...placeOf(at), actor: actor.id, what: `delivery_${verb}`, facts })
        return showDelivery(delivery, at.network.currency)
      }),
  })
}

/** Another member's delivery of the same network is not there. */
async function deliveryAt(tx: Tx, at: AtMember, id: Uuid): Promise<Delivery> {
  const delivery = await deliveryOf(tx, { networkId: at.networkId, id })
  if (delivery.organisationId !== at.member.organisationId) throw new Refusal('not_found', { thing: 'delivery' })
  return delivery
}

function placeOf(at: AtMember) {
  return { networkId: at.networkId, organisationId: at.member.organisationId }
}
