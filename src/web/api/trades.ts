/**
 * Trades: proposed by either side, answered by the other, one by one or many in one call; looked at by their sides.
 */
import { z } from 'zod'
import type { Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import { Refusal } from '../../kit/refusal.ts'
import { type DeedName, may } from '../../networks/roles.ts'
import { decline, withdraw } from '../../trades/propose.ts'
import { otherSide, type Side, type Trade, tradeStates, tradesOf } from '../../trades/trade.ts'
import { Malformed } from '../errors.ts'
import { acceptRoute } from './accept-trade.ts'
import { networkParams } from './networks.ts'
import { type AtNetwork, atNetwork, atTrade, sideOf } from './place.ts'
import { proposeRoutes } from './propose-trade.ts'
import { type Route, route } from './route.ts'
import { dayIn, idIn, at as instant, instantFrom, keyOf, listOf, pageOf, pageQuery, reason } from './shapes.ts'
import { tradeBatchRoutes } from './trade-batches.ts'
import { answerFor, asSide, outcomeOut, showOutcome, showTrade, side, tradeOut, tradeParams } from './trade-shapes.ts'

const tag = 'Trades'
const inNetwork = { params: networkParams, find: atNetwork, tag }
const one = { params: tradeParams, find: atTrade, tag }
const path = '/networks/{networkId}/trades/{tradeId}'
const state = z.enum(tradeStates)

export const tradeRoutes: Route[] = [
  ...proposeRoutes,
  route({
    ...inNetwork,
    method: 'get',
    path: '/networks/{networkId}/trades',
    summary: 'Trades, newest first; a member sees its own',
    deed: 'see_trade',
    query: z.strictObject({
      ...pageQuery,
      memberId: idIn('member').optional(),
      side: side.optional().meta({ description: 'With memberId: only where it is the seller, or the buyer' }),
      state: state.optional(),
      disputed: z.enum(['true', 'false']).optional(),
      from: dayIn.optional().meta({ description: 'Day of sale, from' }),
      to: dayIn.optional(),
    }),
    answer: listOf(tradeOut),
    answers: async ({ actor, at, query, see }) => {
      const key = keyOf(query.after)
      const memberId = may(actor, 'see_trade', { networkId: at.networkId })
        ? query.memberId
        : ownMember(at, query.memberId)
      const rows = await see((tx) =>
        tradesOf(tx, {
          networkId: at.networkId,
          limit: query.limit + 1,
          after: key && { recordedAt: instantFrom(key.at), id: key.id },
          ...(memberId ? { memberId } : {}),
          ...(query.side ? { side: query.side } : {}),
          ...(query.state ? { state: query.state } : {}),
          ...(query.disputed ? { disputed: query.disputed === 'true' } : {}),
          ...(query.from ? { from: query.from } : {}),
          ...(query.to ? { to: query.to } : {}),
        }),
      )
      return pageOf(rows, query.limit, (row) => ({ at: instant(row.recordedAt), id: row.id }), showTrade)
    },
  }),
  route({
    ...one,
    method: 'get',
    path,
    summary: 'One trade',
    deed: 'see_trade',
    answer: tradeOut,
    answers: async ({ at }) => showTrade(at.trade),
  }),
  acceptRoute,
  ...tradeBatchRoutes,
  closeRoute('decline', 'answer_trade', 'Decline a proposal', decline, otherSide),
  closeRoute('withdraw', 'propose_trade', 'Withdraw one’s own proposal', withdraw, (proposer) => proposer),
]

type Close = (deps: Parameters<typeof decline>[0], ask: Parameters<typeof decline>[1]) => Promise<Trade>

function closeRoute(
  verb: string,
  deed: DeedName,
  summary: string,
  close: Close,
  whoseTurn: (proposer: Side) => Side,
): Route {
  return route({
    ...one,
    method: 'post',
    path: `${path}/${verb}`,
    summary,
    deed,
    keepsItself: true,
    body: z.strictObject({ as: asSide, reason: reason.optional() }),
    answer: outcomeOut,
    answers: async ({ deps, actor, at, body, kept }) => {
      const { trade } = at
      const closed = await close(deps, {
        networkId: at.networkId,
        tradeId: trade.id,
        side: standing(sideOf(actor, deed, at, body.as, whoseTurn(trade.proposedBy))),
        actor: actor.id,
        reason: body.reason ?? null,
        ...answerFor(kept, showOutcome(trade), 200),
      })
      return showOutcome(closed)
    },
  })
}

/** The guard has seen to it that the actor stands on one of the sides. */
function standing(found: Side | null): Side {
  invariant(found, 'who answers a trade stands on a side of it')
  return found
}

/** A member asks for its own trades; one who acts for several says for which. */
function ownMember(at: AtNetwork, asked: Uuid | undefined): Uuid {
  const [first, ...others] = at.own
  if (asked) {
    if (!at.own.some(({ id }) => id === asked)) throw new Refusal('not_found', { thing: 'member' })
    return asked
  }
  if (!first) throw new Refusal('not_found', { thing: 'member' })
  if (others.length === 0) return first.id
  const errors = [{ pointer: '/query/memberId', detail: 'You act for several members.' }]
  throw new Malformed('malformed', 'The request is not well formed.', 'Say for which member you ask.', errors)
}
