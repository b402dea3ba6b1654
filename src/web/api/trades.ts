/**
 * Trades: proposed by either side, answered by the other, reversed by both or by the convener.
 *
 * @path trade 1/7 takes the ask, well formed and by someone who may
 */
import { z } from 'zod'
import { dayIn as dayInZone } from '../../kit/clock.ts'
import { idOfCause, type Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import { Refusal } from '../../kit/refusal.ts'
import { memberOf } from '../../networks/member.ts'
import { type DeedName, may } from '../../networks/roles.ts'
import { currentTerms } from '../../networks/terms.ts'
import { decline, propose, withdraw } from '../../trades/propose.ts'
import { recordTrade } from '../../trades/record-trade.ts'
import { otherSide, type Side, type Trade, tradeStates, tradesOf } from '../../trades/trade.ts'
import { Malformed } from '../errors.ts'
import { linkedDocument } from './linked-document.ts'
import { inCurrency } from './network-shapes.ts'
import { networkParams } from './networks.ts'
import { type AtNetwork, atNetwork, atTrade, sideOf } from './place.ts'
import { type Ask, type Route, route } from './route.ts'
import { dayIn, idIn, at as instant, instantFrom, keyOf, listOf, pageOf, pageQuery, reason } from './shapes.ts'
import {
  answerFor,
  asSide,
  outcomeOfNew,
  outcomeOut,
  partFrom,
  proposalIn,
  showOutcome,
  showTrade,
  side,
  tradeOut,
  tradeParams,
} from './trade-shapes.ts'

const tag = 'Trades'
const inNetwork = { params: networkParams, find: atNetwork, tag }
const one = { params: tradeParams, find: atTrade, tag }
const path = '/networks/{networkId}/trades/{tradeId}'
const state = z.enum(tradeStates)

export const tradeRoutes: Route[] = [
  route({
    ...inNetwork,
    method: 'post',
    path: '/networks/{networkId}/trades',
    summary: 'Propose a trade, as its seller or as its buyer',
    description:
      'Nothing is owed until the other side accepts. Where it has given a standing consent, the trade is accepted at once and `state` says so.',
    deed: 'propose_trade',
    status: 201,
    keepsItself: true,
    body: proposalIn,
    answer: outcomeOut,
    answers: proposeTrade,
  }),
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
  route({
    ...one,
    method: 'post',
    path: `${path}/accept`,
    summary: 'Accept a proposal: the ledger holds it, both books will be told',
    deed: 'answer_trade',
    keepsItself: true,
    body: z
      .strictObject({
        as: asSide,
        confirmTreatment: z.boolean().default(false).meta({
          description: 'The seller’s yes to the VAT treatment, where `treatmentConfirmed` is false',
        }),
      })
      .meta({ examples: [{ confirmTreatment: true }] }),
    answer: outcomeOut,
    answers: async ({ deps, actor, at, body, kept }) => {
      const { trade } = at
      const accepted = await recordTrade(deps, {
        networkId: at.networkId,
        tradeId: trade.id,
        actor: actor.id,
        side: standing(sideOf(actor, 'answer_trade', at, body.as, otherSide(trade.proposedBy))),
        confirmTreatment: body.confirmTreatment,
        ...answerFor(kept, showOutcome(trade), 200),
      })
      return {
        ...showOutcome(trade),
        state: 'accepted' as const,
        invoiceNumber: accepted.invoiceNumber,
        bookedOn: accepted.bookedOn,
        acceptedAt: instant(accepted.acceptedAt),
      }
    },
  }),
  closeRoute('decline', 'answer_trade', 'Decline a proposal', decline, otherSide),
  closeRoute('withdraw', 'propose_trade', 'Withdraw one’s own proposal', withdraw, (proposer) => proposer),
]

async function proposeTrade({
  deps,
  actor,
  at,
  body,
  kept,
  see,
}: Ask<unknown, unknown, z.output<typeof proposalIn>, AtNetwork>) {
  invariant(kept, 'a proposal is posted')
  const { networkId, network } = at
  const { seller, buyer, terms } = await see(async (tx) => ({
    seller: await memberOf(tx, networkId, body.sellerId),
    buyer: await memberOf(tx, networkId, body.buyerId),
    terms: await currentTerms(tx, networkId),
  }))
  const proposedBy = sideOf(actor, 'propose_trade', { networkId, seller, buyer }, body.as, 'seller')
  if (!proposedBy) throw new Refusal('not_allowed', { deed: 'propose a trade between others', role: 'neither side' })
  const lines = body.lines.map(({ net, ...line }) => ({ ...line, netMinor: inCurrency(net, network.currency) }))
  const part = partFrom(body, network.currency)
  const isOpen = Object.keys(part).length === 0 && terms.vatIn === 'money'
  // The same key is the same trade, whatever became of the first asking.
  const id = idOfCause('trade', networkId, actor.id, kept.key)
  const { currency } = network
  const trade = await propose(deps, {
    networkId,
    id,
    actor: actor.id,
    proposedBy,
    sellerMemberId: seller.id,
    buyerMemberId: buyer.id,
    currency,
    lines,
    part: isOpen ? { creditBasisPoints: terms.largestCreditShareBasisPoints } : part,
    description: body.description,
    tradedOn: body.tradedOn ?? dayInZone(network.timeZone, deps.clock.now()),
    ...(body.dueOn ? { dueOn: body.dueOn } : {}),
    buyerReference: body.buyerReference ?? null,
    linkedInvoice: await linkedDocument(deps, { at, proposedBy, seller, buyer, number: body.linkInvoiceNumber }),
    linkedBill: await linkedDocument(deps, { at, proposedBy, seller, buyer, bill: body.linkBillNumber }),
    reserve: body.reserve ?? false,
    source: 'api',
    ...answerFor(kept, outcomeOfNew(id), 201),
  })
  return showOutcome(trade)
}

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
