/**
 * The doors to outgoing webhooks: a network's own, which hear of all its members, and a member's, which hear of that one alone.
 *
 * Keeps: a secret is told once and stands nowhere, not even in the answer that is kept for a repeat; a convener does not see
 * what its members have let be told, nor an owner what the network has.
 */
import { z } from 'zod'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import type { DeedName } from '../../networks/roles.ts'
import { noticesOf } from '../../outbox/notice.ts'
import {
  type AddressPlace,
  addressAt,
  addressesAt,
  makeAddress,
  promiseTest,
  removeAddress,
  replayOne,
  replaySince,
  rotateSecret,
  switchAddress,
  type WebhookAddress,
} from '../../outbox/webhook-address.ts'
import { memberParams } from './member-shapes.ts'
import { networkParams } from './networks.ts'
import { type AtMember, type AtNetwork, atMember, atNetwork, type Finder, type Found } from './place.ts'
import { type Route, route } from './route.ts'
import { byId, idIn, idOut, instantFrom, instantIn, keyOf, listOf, pageOf, pageQuery, show } from './shapes.ts'
import {
  changedOut,
  noticeOut,
  noticeQuery,
  secretOut,
  showNotice,
  showWebhook,
  webhookIn,
  webhookOut,
} from './webhook-shapes.ts'

type Belongs<F extends Found> = (at: F) => AddressPlace
type Doors<F extends Found> = {
  base: string
  params: z.ZodObject
  find: Finder<F>
  belongs: Belongs<F>
  sees: DeedName
  changes: DeedName
  hears: string
}
type Named = { webhookId: Uuid; noticeId: Uuid }

export const webhookRoutes: Route[] = [
  ...doors({
    base: '/networks/{networkId}/webhooks',
    params: networkParams,
    find: atNetwork,
    belongs: ({ networkId }: AtNetwork) => ({ networkId, organisationId: null }),
    sees: 'see_network_webhooks',
    changes: 'change_network_webhooks',
    hears: 'It hears of everything that happens in this network.',
  }),
  ...doors({
    base: '/networks/{networkId}/members/{memberId}/webhooks',
    params: memberParams,
    find: atMember,
    belongs: ({ networkId, member }: AtMember) => ({ networkId, organisationId: member.organisationId }),
    sees: 'see_member_webhooks',
    changes: 'change_member_webhooks',
    hears: 'It hears of what happens to this member, and of no other.',
  }),
]

function doors<F extends Found>(told: Doors<F>): Route[] {
  return [...madeAndRead(told), ...changed(told), ...noticesSeen(told)]
}

function madeAndRead<F extends Found>({ base, params, find, belongs, sees, changes, hears }: Doors<F>): Route[] {
  const place = { params, find, tag: 'Webhooks' }
  return [
    route({
      ...place,
      method: 'get',
      path: base,
      summary: 'The webhooks made here, and how each stands',
      deed: sees,
      query: z.strictObject(pageQuery),
      answer: listOf(webhookOut),
      answers: async ({ deps, at, query }) => {
        const asked = { after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
        const rows = await inTransaction(deps.db, asWorker, (tx) => addressesAt(tx, belongs(at), asked))
        return pageOf(rows, query.limit, byId, showWebhook)
      },
    }),
    route({
      ...place,
      method: 'post',
      path: base,
      summary: 'Name an address of a program that is told of what happens',
      description: `${hears} What is sent is signed after the Standard Webhooks scheme with the secret that is told here once. At most ten stand at one place.`,
      deed: changes,
      status: 201,
      body: webhookIn,
      answer: secretOut,
      answers: async ({ deps, actor, at, body, inTx }) => {
        let told: string | null = null
        const loopback = deps.config.webhooksToLoopback ?? false
        const ask = { ...belongs(at), url: body.url, whats: [...new Set(body.events)], actor: actor.id }
        const kept = await inTx(asWorker, async (tx) => {
          const made = await makeAddress(tx, { ...deps, loopback }, ask)
          told = made.secret
          return { webhook: showWebhook(made.address), secret: null }
        })
        return { ...kept, secret: told }
      },
    }),
    route({
      ...place,
      params: params.extend({ webhookId: idIn('webhook') }),
      method: 'get',
      path: `${base}/{webhookId}`,
      summary: 'One webhook: good, failing or off, since when and why',
      deed: sees,
      answer: webhookOut,
      answers: async ({ deps, at, params: named }) =>
        inTransaction(deps.db, asWorker, async (tx) => showWebhook(await webhookHere(tx, belongs(at), named))),
    }),
  ]
}

function changed<F extends Found>(told: Doors<F>): Route[] {
  const { base, params, find, belongs, changes } = told
  const one = { params: params.extend({ webhookId: idIn('webhook') }), find, tag: 'Webhooks', deed: changes }
  const at = (verb: string) => ({ ...one, method: 'post' as const, path: `${base}/{webhookId}/${verb}` })
  return [
    route({
      ...at('rotate-secret'),
      summary: 'Another secret; the old one signs beside it for a day',
      answer: secretOut,
      answers: async ({ deps, actor, at, params: named, inTx }) => {
        let secret: string | null = null
        const kept = await inTx(asWorker, async (tx) => {
          const address = await webhookHere(tx, belongs(at), named)
          secret = await rotateSecret(tx, deps, address.id, actor.id)
          return { webhook: showWebhook(address), secret: null }
        })
        return { ...kept, secret }
      },
    }),
    route({
      ...at('test'),
      status: 202,
      summary: 'Send it a `webhook.test` that means nothing',
      description: 'It leaves within seconds; the list of notices says what was answered.',
      answer: z.object({ noticeId: idOut('notice') }),
      answers: async ({ deps, at, params: named, inTx }) =>
        inTx(asWorker, async (tx) => {
          const address = await webhookHere(tx, belongs(at), named)
          return { noticeId: show.id('notice', await promiseTest(tx, deps.clock, address)) }
        }),
    }),
    switching(told, true),
    switching(told, false),
    route({
      ...at('remove'),
      summary: 'Remove a webhook with all its notices; there is no way back',
      answer: z.object({ id: idOut('webhook'), removed: z.boolean() }),
      answers: async ({ deps, actor, at, params: named, inTx }) =>
        inTx(asWorker, async (tx) => {
          const address = await webhookHere(tx, belongs(at), named)
          await removeAddress(tx, deps.clock, address, actor.id)
          return { id: show.id('webhook', address.id), removed: true }
        }),
    }),
  ]
}

function switching<F extends Found>({ base, params, find, belongs, changes }: Doors<F>, on: boolean): Route {
  return route({
    params: params.extend({ webhookId: idIn('webhook') }),
    find,
    tag: 'Webhooks',
    deed: changes,
    method: 'post',
    path: `${base}/{webhookId}/switch-${on ? 'on' : 'off'}`,
    summary: on ? 'Tell it again' : 'Tell it nothing any more, until it is switched on',
    description: on
      ? 'What waited goes at once. What it has not heard while it was off is sent by …/replay.'
      : 'What happens meanwhile is kept for thirty days, to be sent by …/replay.',
    answer: webhookOut,
    answers: async ({ deps, actor, at, params: named, inTx }) =>
      inTx(asWorker, async (tx) => {
        const address = await webhookHere(tx, belongs(at), named)
        const to = { on, cause: 'switched off by a person', actor: actor.id }
        return showWebhook(await switchAddress(tx, deps.clock, address.id, to))
      }),
  })
}

function noticesSeen<F extends Found>({ base, params, find, belongs, sees, changes }: Doors<F>): Route[] {
  const one = { params: params.extend({ webhookId: idIn('webhook') }), find, tag: 'Webhooks' }
  return [
    route({
      ...one,
      method: 'get',
      path: `${base}/{webhookId}/notices`,
      summary: 'What was told to a webhook or waits to be told, newest first',
      description: 'What was taken or given up stands here for thirty days.',
      deed: sees,
      query: noticeQuery,
      answer: listOf(noticeOut),
      answers: async ({ deps, at, params: named, query }) => {
        const after = keyOf(query.after)
        if (after) instantFrom(after.at)
        const rows = await inTransaction(deps.db, asWorker, async (tx) => {
          const address = await webhookHere(tx, belongs(at), named)
          return noticesOf(tx, address, { state: query.state ?? null, after, limit: query.limit + 1 })
        })
        return pageOf(rows, query.limit, ({ key, id }) => ({ at: key, id }), showNotice)
      },
    }),
    route({
      ...one,
      method: 'post',
      path: `${base}/{webhookId}/replay`,
      summary: 'Send anew, under the same ids, all that happened since an instant',
      description: 'Also what was taken already, and what was given up; what still waits goes in its turn.',
      deed: changes,
      body: z
        .strictObject({
          since: instantIn,
        })
        .meta({ examples: [{ since: '2026-11-25T08:00:00Z' }] }),
      answer: changedOut,
      answers: async ({ at, params: named, body, inTx }) =>
        inTx(asWorker, async (tx) => {
          const address = await webhookHere(tx, belongs(at), named)
          return { count: await replaySince(tx, address, body.since) }
        }),
    }),
    route({
      ...one,
      params: one.params.extend({ noticeId: idIn('notice') }),
      method: 'post',
      path: `${base}/{webhookId}/notices/{noticeId}/replay`,
      summary: 'Send one notice anew, under the same id; one that waits goes at once',
      deed: changes,
      answer: changedOut,
      answers: async ({ at, params: named, inTx }) =>
        inTx(asWorker, async (tx) => {
          const address = await webhookHere(tx, belongs(at), named)
          await replayOne(tx, address, (named as Named).noticeId)
          return { count: 1 }
        }),
    }),
  ]
}

/** What the path names, at its own place; another's is not there. */
function webhookHere(tx: Tx, place: AddressPlace, named: unknown): Promise<WebhookAddress> {
  return addressAt(tx, place, (named as Named).webhookId)
}
