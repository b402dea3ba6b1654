/** How our things are named in a member's book, the preview of what will be written, and the yes to it. */
import { z } from 'zod'
import { addNetwork, makeCreditAccount, mappingOf, mappingShape, saveMapping } from '../../books/mapping.ts'
import { asWorker, inTransaction } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import { recordDeed } from '../../networks/record-deed.ts'
import { approveTrade } from '../../outbox/move-delivery.ts'
import { previewOf } from '../../outbox/preview.ts'
import { tradeOf } from '../../trades/trade.ts'
import type { Deps } from '../deps.ts'
import { mappingOut, previewOut, showMapping, showPreview } from './connection-shapes.ts'
import { connectionAt } from './connections.ts'
import { memberParams } from './member-shapes.ts'
import { type AtMember, atMember } from './place.ts'
import { type Route, route } from './route.ts'
import { idIn, idOut, at as instant, instantOut, listOf, show } from './shapes.ts'
import { etag, mustMatch } from './versions.ts'

const one = { params: memberParams, find: atMember, tag: 'Connection' }
const path = '/networks/{networkId}/members/{memberId}/connection'

export const mappingRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path: `${path}/mapping`,
    summary: 'The mapping, proposed or confirmed, with the book’s own lists to choose from',
    deed: 'see_book',
    versioned: true,
    answer: mappingOut,
    answers: async ({ at, see, header }) =>
      see(async (tx) => {
        const connection = await connectionAt(tx, at)
        const kept = await mappingOf(tx, connection.id, at.networkId)
        header('ETag', etag(kept.version))
        return showMapping(kept, connection.profile)
      }),
  }),
  route({
    ...one,
    method: 'put',
    path: `${path}/mapping`,
    summary: 'Confirm a mapping; the first one makes the connection live',
    description:
      'Send the whole mapping: the proposal of GET with what is still to be chosen. Ids are those of `lists`.',
    deed: 'change_mapping',
    versioned: true,
    body: mappingShape.meta({ id: 'MappingChosen' }),
    answer: mappingOut,
    answers: async ({ deps, actor, at, body, ifMatch, header }) => {
      const { connection, held } = await inTransaction(deps.db, asWorker, async (tx) => {
        const connection = await connectionAt(tx, at)
        return { connection, held: await mappingOf(tx, connection.id, at.networkId) }
      })
      mustMatch(ifMatch, held.version)
      const ask = { connectionId: connection.id, networkId: at.networkId, mapping: body, ifVersion: held.version }
      const kept = await saveMapping(deps, { ...ask, actor: actor.id })
      header('ETag', etag(kept.version))
      return showMapping(kept, connection.profile)
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/mapping`,
    summary: 'Use the same book for this network too: proposes a mapping',
    deed: 'change_mapping',
    status: 201,
    answer: mappingOut,
    answers: async ({ at, inTx }) =>
      inTx(asWorker, async (tx) => {
        const connection = await connectionAt(tx, at)
        const kept = await addNetwork(tx, { connectionId: connection.id, networkId: at.networkId })
        return showMapping(kept, connection.profile)
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/credit-account`,
    summary: 'Make the mutual-credit account in the book and put it into the proposal',
    deed: 'change_mapping',
    status: 201,
    body: z
      .strictObject({ kind: z.enum(['bank', 'current_liability']).default('bank') })
      .meta({ examples: [{ kind: 'bank' }] }),
    answer: z.object({
      account: z.object({ id: z.string(), code: z.string().nullable(), name: z.string(), kind: z.string() }),
      made: z.boolean().meta({ description: 'False: it was there already' }),
      mapping: mappingOut,
    }),
    answers: async ({ deps, actor, at, body }) => {
      const { id } = await inTransaction(deps.db, asWorker, (tx) => connectionAt(tx, at))
      const ask = { connectionId: id, networkId: at.networkId, kind: body.kind, actor: actor.id }
      const done = await makeCreditAccount(deps, ask)
      const { profile } = await inTransaction(deps.db, asWorker, (tx) => connectionAt(tx, at))
      const { id: accountId, code, name, kind } = done.account
      return {
        account: { id: accountId, code, name, kind },
        made: done.made,
        mapping: showMapping(done.mapping, profile),
      }
    },
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/preview`,
    summary: 'The trades that wait for a yes, with each document exactly as it will look in the book',
    deed: 'see_book',
    query: z.strictObject({ tradeId: idIn('trade').optional().meta({ description: 'Only this one, waiting or not' }) }),
    answer: listOf(previewOut),
    answers: async ({ deps, at, query, see }) =>
      see(async (tx) => {
        const connection = await connectionAt(tx, at)
        const rows = await previewOf(tx, {
          networkId: at.networkId,
          organisationId: at.member.organisationId,
          connectionId: connection.id,
          refundsInTwoSteps: refundsInTwoSteps(deps, connection.kind),
          publicUrl: deps.config.publicUrl,
          tradeId: query.tradeId,
        })
        return { list: rows.map((row) => showPreview(row, at.network.currency)), next: null }
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/approvals`,
    summary: 'Say yes to the documents of one trade in this book',
    deed: 'approve_delivery',
    status: 201,
    body: z.strictObject({ tradeId: idIn('trade') }),
    answer: z.object({ tradeId: idOut('trade'), approvedAt: instantOut }),
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        mustBeTheirs(await tradeOf(tx, at.networkId, body.tradeId), at)
        const { organisationId } = at.member
        const approvedAt = deps.clock.now()
        await approveTrade(tx, {
          networkId: at.networkId,
          tradeId: body.tradeId,
          organisationId,
          actor: actor.id,
          at: approvedAt,
        })
        await recordDeed(tx, deps.clock, {
          networkId: at.networkId,
          organisationId,
          actor: actor.id,
          what: 'delivery_approved',
          facts: { tradeId: body.tradeId },
        })
        return { tradeId: show.id('trade', body.tradeId), approvedAt: instant(approvedAt) }
      }),
  }),
]

function mustBeTheirs(trade: { sellerMemberId: string; buyerMemberId: string }, at: AtMember): void {
  if (trade.sellerMemberId !== at.member.id && trade.buyerMemberId !== at.member.id)
    throw new Refusal('not_found', { thing: 'trade' })
}

function refundsInTwoSteps(deps: Deps, kind: keyof Deps['connectors']): boolean {
  return deps.connectors[kind]?.refundsInTwoSteps ?? false
}
