/** What must exist in a member's book: where it stands, why it waits, and what a person can do about it. */
import { z } from 'zod'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import { recordDeed } from '../../networks/record-deed.ts'
import { may, mustBeAllowed } from '../../networks/roles.ts'
import { type Delivery, deliveryFrom } from '../../outbox/delivery.ts'
import { dropDelivery, undoDrop } from '../../outbox/drop-delivery.ts'
import { type LastTry, lastTries, whereDeliveries } from '../../outbox/find-deliveries.ts'
import {
  askAnew,
  candidatesOf,
  chooseContact,
  deliveryOf,
  linkBill,
  redateDelivery,
  retryDelivery,
  takeNextNumber,
} from '../../outbox/move-delivery.ts'
import { placesParkedFor, retryAll } from '../../outbox/retry-all.ts'
import type { Deps } from '../deps.ts'
import { contactsOfBook } from './book-contacts.ts'
import { attemptOut, deliveryOut, deliveryStates, showAttempt, showDelivery } from './delivery-shapes.ts'
import { memberParams } from './member-shapes.ts'
import { type AtMember, atInstallation, atMember } from './place.ts'
import { type Route, route } from './route.ts'
import {
  dayIn,
  idIn,
  at as instant,
  instantFrom,
  instantIn,
  keyOf,
  listOf,
  pageOf,
  pageQuery,
  reason,
  show,
  words,
} from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Deliveries' }
const path = '/networks/{networkId}/members/{memberId}/deliveries'
const causeBody = z.strictObject({ cause: words(100).meta({ examples: ['period_locked'] }) })
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
      cause: words(100)
        .optional()
        .meta({ description: 'Those parked for this cause', examples: ['period_locked'] }),
      promisedBefore: instantIn.optional().meta({ description: 'Those that are older' }),
      tradeId: idIn('trade').optional(),
    }),
    answer: listOf(deliveryOut),
    answers: async ({ at, query, see }) => {
      const key = keyOf(query.after)
      const before = key && { at: instantFrom(key.at), id: key.id }
      const filter = whereDeliveries({
        networkIds: [at.networkId],
        organisationId: at.member.organisationId,
        state: query.state,
        cause: query.cause,
        tradeId: query.tradeId,
        promisedBefore: query.promisedBefore,
      })
      return see(async (tx) => {
        const rows = await tx.delivery.findMany({
          where: {
            AND: [
              filter,
              before
                ? { promisedAt: { lte: before.at }, OR: [{ promisedAt: { lt: before.at } }, { id: { lt: before.id } }] }
                : {},
            ],
          },
          orderBy: [{ promisedAt: 'desc' }, { id: 'desc' }],
          take: query.limit + 1,
        })
        const deliveries = rows.map(deliveryFrom)
        const last = await lastTries(tx, deliveries)
        const keyOfDelivery = (row: Delivery) => ({ at: instant(row.promisedAt), id: row.id })
        return pageOf(deliveries, query.limit, keyOfDelivery, (row) => shown(row, at, last.get(row.id)))
      })
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
        return { delivery: shown(delivery, at, attempts.at(-1)), attempts: attempts.map(showAttempt) }
      }),
  }),
  moveRoute('retry', 'Try a parked delivery again: it is looked up first', z.null(), (tx, _deps, place) =>
    retryDelivery(tx, place),
  ),
  route({
    ...one,
    method: 'post',
    path: `${path}/retry`,
    summary: 'Try all of this book again that are parked for one cause, in bounded steps',
    deed: 'move_delivery',
    body: causeBody,
    answer: z.object({ retried: z.number().int() }),
    answers: async ({ deps, actor, at, body }) => {
      const places = [{ networkId: at.networkId, organisationId: at.member.organisationId }]
      return { retried: await retryAll(deps, { places, cause: body.cause, actor: actor.id }) }
    },
  }),
  route({
    find: atInstallation,
    tag: 'Deliveries',
    method: 'post',
    path: '/deliveries/retry',
    summary: 'Try all again that are parked for one cause, in every book that this key may act for',
    deed: null,
    body: causeBody,
    answer: z.object({ retried: z.number().int(), books: z.number().int() }),
    answers: async ({ deps, actor, body }) => {
      const organisationIds = actor.actsFor
        .map((one) => one.organisationId)
        .filter((organisationId) => may(actor, 'move_delivery', { organisationId }))
      if (organisationIds.length === 0) mustBeAllowed(actor, 'move_delivery')
      const places = await inTransaction(deps.db, asWorker, (tx) =>
        placesParkedFor(tx, { cause: body.cause, organisationIds }),
      )
      return { retried: await retryAll(deps, { places, cause: body.cause, actor: actor.id }), books: places.length }
    },
  }),
  moveRoute(
    'anew',
    'Make a document anew that a person removed, under a reference of its own',
    z.null(),
    async (tx, _deps, place) => {
      await askAnew(tx, place)
      return true
    },
  ),
  moveRoute(
    'link',
    'Use the bill that stands in the book already instead of making one; trying again makes another',
    z.null(),
    async (tx, _deps, place) => {
      await linkBill(tx, place)
      return true
    },
  ),
  moveRoute(
    'drop',
    'Give it up, with a reason: nothing more is sent for it, nor for what depends on it',
    z.strictObject({ reason }),
    (tx, deps, place, body) => dropDelivery(tx, place, body.reason, deps.clock.now()),
  ),
  moveRoute(
    'undo',
    'Take a drop back: it waits again, with what was dropped along with it, and is looked for before it is sent',
    z.null(),
    (tx, _deps, place) => undoDrop(tx, place),
  ),
  moveRoute(
    'redate',
    'Let a document whose day is locked bear another day; its text keeps the true one',
    z.strictObject({ to: dayIn.optional().meta({ description: 'Left out: the first open day' }) }),
    async (tx, _deps, place, body) => {
      await redateDelivery(tx, place, body.to ?? null)
      return true
    },
  ),
  moveRoute('next-number', 'Give a document whose number is taken the next one', z.null(), async (tx, _deps, place) => {
    await takeNextNumber(tx, place)
    return true
  }),
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
        return shownNow(tx, at, await deliveryAt(tx, at, delivery.id))
      })
    },
  }),
]

type DeliveryPlace = { networkId: Uuid; id: Uuid }

function moveRoute<B extends z.ZodType>(
  verb: string,
  summary: string,
  body: B,
  move: (tx: Tx, deps: Deps, place: DeliveryPlace, body: z.output<B>) => Promise<boolean>,
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
        const isChanged = await move(tx, deps, { networkId: at.networkId, id }, given as z.output<B>)
        const delivery = await deliveryAt(tx, at, id)
        const what = `delivery_${verb.replace('-', '_')}`
        const facts = { delivery: show.id('delivery', id), reference: delivery.reference, ...reasonIn(given) }
        if (isChanged) await recordDeed(tx, deps.clock, { ...placeOf(at), actor: actor.id, what, facts })
        return shownNow(tx, at, delivery)
      }),
  })
}

function reasonIn(given: unknown): { reason?: string } {
  const has = typeof given === 'object' && given !== null && 'reason' in given && typeof given.reason === 'string'
  return has ? { reason: given.reason as string } : {}
}

function shown(delivery: Delivery, at: AtMember, last: LastTry | undefined) {
  const memberPath = `/networks/${show.id('network', at.networkId)}/members/${show.id('member', at.member.id)}`
  return showDelivery(delivery, { currency: at.network.currency, memberPath, last })
}

async function shownNow(tx: Tx, at: AtMember, delivery: Delivery) {
  return shown(delivery, at, (await lastTries(tx, [delivery])).get(delivery.id))
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
