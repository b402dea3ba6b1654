/**
 * The door of a proposal: by the address of a network, or with the network named in the body. One handler, and one call that reads
 * all it is judged on; where the other side gave a standing consent, one more writes the whole trade.
 *
 * @path trade 1/7 takes the ask, well formed and by someone who may
 */
import type { z } from 'zod'
import { dayIn as dayInZone } from '../../kit/clock.ts'
import { idOfCause, idText, type Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import { Refusal } from '../../kit/refusal.ts'
import type { Actor } from '../../networks/roles.ts'
import type { Ground } from '../../trades/grounds.ts'
import type { Parties } from '../../trades/proposal.ts'
import { type Proposed, postProposal, type ReadyProposal, readyProposal } from '../../trades/propose.ts'
import type { Linked, Side } from '../../trades/trade.ts'
import type { Deps } from '../deps.ts'
import { judgedFirst, type KeptAnswer, keptUnder, type Told, tracedAs } from './kept-answer.ts'
import { linkedDocument } from './linked-document.ts'
import { inCurrency } from './network-shapes.ts'
import { networkParams } from './networks.ts'
import { type Found, sideOf } from './place.ts'
import { type Ask, type Opener, openingRoute } from './route.ts'
import { answerFor, outcomeOfNew, outcomeOut, partFrom, proposalIn, proposalInNetwork } from './trade-shapes.ts'

type Proposal = z.output<typeof proposalIn>
export type AtProposal = Found & { networkId: Uuid; ground: Ground }

const door = {
  tag: 'Trades',
  deed: 'propose_trade',
  status: 201,
  description:
    'Nothing is owed until the other side accepts. Where it has given a standing consent, the trade is accepted at once and `state` says so.',
  answer: outcomeOut,
} as const

export const proposeRoutes = [
  openingRoute({
    ...door,
    path: '/networks/{networkId}/trades',
    summary: 'Propose a trade, as its seller or as its buyer',
    params: networkParams,
    opens: (deps, secret, { params, body }) => openProposal(deps, secret, params?.networkId, body),
    body: proposalIn,
    answers: (ask) => {
      invariant(ask.kept, 'a proposal is posted')
      return proposeTrade(ask, ask.body, ask.kept)
    },
  }),
  openingRoute({
    ...door,
    path: '/trades',
    summary: 'Propose a trade in the network that it names',
    opens: (deps, secret, { body }) => openProposal(deps, secret, body?.networkId, body),
    body: proposalInNetwork,
    answers: (ask) => {
      invariant(ask.kept, 'a proposal is posted')
      const { networkId, ...body } = ask.body
      const kept = keptProposal(ask.actor, networkId, ask.kept.key, ask.sent as object)
      return proposeTrade(ask, body, { ...kept, ...tracedAs(ask.kept) })
    },
  }),
]

/** Whoever names no network is looked for all the same: a dead key is told so first. */
async function openProposal(
  deps: Deps,
  secret: string,
  networkId: Uuid | undefined,
  body: Pick<Proposal, 'sellerId' | 'buyerId'> | null,
): ReturnType<Opener<unknown, unknown, AtProposal>> {
  const named = { sellerId: body?.sellerId ?? null, buyerId: body?.buyerId ?? null }
  const ground = await deps.grounds.ask({
    secret,
    proposals: networkId === undefined ? [] : [{ networkId, ...named }],
    trades: [],
  })
  if (!ground) return null
  return { actor: ground.actor, at: networkId === undefined ? null : () => atProposal(ground, networkId) }
}

/** The network, and where in it the actor stands. */
export function atProposal(ground: Ground, networkId: Uuid): AtProposal {
  ground.network(networkId)
  const own = ground.isMemberOf(networkId) ? ground.actor.actsFor : []
  const places = [{ networkId }, ...own.map(({ organisationId }) => ({ networkId, organisationId }))]
  return { networkId, ground, places, thing: 'network' }
}

/** Every door keeps a proposal's answer as the network's own door does: one key is one trade, wherever it is asked again. */
export function keptProposal(actor: Actor, networkId: Uuid, key: string, sent: object): KeptAnswer {
  const { networkId: _network, key: _key, ...proposal } = sent as Record<string, unknown>
  const address = `/v1/networks/${idText('network', networkId)}/trades`
  return keptUnder({ route: 'post /networks/{networkId}/trades', address }, actor, key, proposal)
}

async function proposeTrade(
  { deps, actor, at }: Ask<unknown, unknown, unknown, AtProposal>,
  body: Proposal,
  kept: KeptAnswer,
): Promise<Told> {
  const judged = await judgedFirst(deps, kept, async () => {
    const stand = standOf(at.ground, at.networkId, body)
    const named = { ...stand, ...stand.parties, currency: stand.parties.network.currency }
    const linkedInvoice = await linkedDocument(deps, { ...named, number: body.linkInvoiceNumber })
    const linkedBill = await linkedDocument(deps, { ...named, bill: body.linkBillNumber })
    return readyFrom(deps, at.ground, stand, { actorId: actor.id, body, kept, linked: { linkedInvoice, linkedBill } })
  })
  return 'told' in judged ? judged.told : toldOf(judged.ready, await postProposal(deps, judged.ready))
}

type Stand = { parties: Parties; proposedBy: Side }

/** Both sides and the one on which the actor stands, or a refusal in words. */
export function standOf(ground: Ground, networkId: Uuid, body: Pick<Proposal, 'sellerId' | 'buyerId' | 'as'>): Stand {
  const parties = {
    network: ground.network(networkId),
    seller: ground.member(networkId, body.sellerId),
    buyer: ground.member(networkId, body.buyerId),
    terms: ground.terms(networkId),
  }
  const proposedBy = sideOf(ground.actor, 'propose_trade', parties, body.as, 'seller')
  if (!proposedBy) throw new Refusal('not_allowed', { deed: 'propose a trade between others', role: 'neither side' })
  return { parties, proposedBy }
}

export function readyFrom(
  deps: Deps,
  ground: Ground,
  { parties, proposedBy }: Stand,
  ask: {
    actorId: string
    body: Proposal
    kept: KeptAnswer
    linked?: { linkedInvoice: Linked | null; linkedBill: Linked | null }
  },
): ReadyProposal {
  const { network, terms, seller, buyer } = parties
  const { actorId, body, kept, linked } = ask
  const { currency } = network
  const lines = body.lines.map(({ net, ...line }) => ({ ...line, netMinor: inCurrency(net, currency) }))
  const part = partFrom(body, currency)
  const isOpen = Object.keys(part).length === 0 && terms.vatIn === 'money'
  // The same key is the same trade, whatever became of the first asking.
  const id = idOfCause('trade', network.id, actorId, kept.key)
  const now = deps.clock.now()
  return readyProposal(
    { parties, consentId: ground.consentFor(parties, proposedBy) },
    {
      networkId: network.id,
      id,
      actor: actorId,
      proposedBy,
      sellerMemberId: seller.id,
      buyerMemberId: buyer.id,
      currency,
      lines,
      part: isOpen ? { creditBasisPoints: terms.largestCreditShareBasisPoints } : part,
      description: body.description,
      tradedOn: body.tradedOn ?? dayInZone(network.timeZone, now),
      ...(body.dueOn ? { dueOn: body.dueOn } : {}),
      buyerReference: body.buyerReference ?? null,
      ...linked,
      reserve: body.reserve ?? false,
      source: 'api',
      ...answerFor(kept, outcomeOfNew(id), 201),
      ...tracedAs(kept),
    },
    now,
  )
}

/** The answer just as it is kept, so that a repeat hears the very same. */
export function toldOf({ answer }: Pick<ReadyProposal, 'answer'>, proposed: Proposed): Told {
  if ('kept' in proposed) return { ...proposed.kept, replayed: true }
  invariant(answer, 'what is told through a door is kept')
  return { status: answer.status, body: { ...answer.template, ...proposed.outcome }, replayed: proposed.replayed }
}
