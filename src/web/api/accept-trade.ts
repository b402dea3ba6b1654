/** The door of an answer: the other side's yes to a proposal. One call reads who may say it, one more is the decision. */
import type { z } from 'zod'
import { idText } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import type { Actor } from '../../networks/roles.ts'
import type { TradeNamed, TradeOnGround } from '../../trades/grounds.ts'
import { proposedFrom } from '../../trades/propose.ts'
import type { AcceptanceAsk } from '../../trades/record-trade.ts'
import { otherSide } from '../../trades/trade.ts'
import type { Deps } from '../deps.ts'
import { judgedFirst, type KeptAnswer, keptUnder, type Told, tracedAs } from './kept-answer.ts'
import { type Found, sideOf } from './place.ts'
import { toldOf } from './propose-trade.ts'
import { openingRoute } from './route.ts'
import { answerFor, outcomeOfNew, outcomeOut, tradeParams, yesIn } from './trade-shapes.ts'

type Yes = z.output<typeof yesIn>
type AtAnswer = Found & { trade: TradeOnGround }

export const acceptRoute = openingRoute({
  tag: 'Trades',
  path: '/networks/{networkId}/trades/{tradeId}/accept',
  summary: 'Accept a proposal: the ledger holds it, both books will be told',
  deed: 'answer_trade',
  params: tradeParams,
  opens: async (deps, secret, { params }) => {
    const ground = await deps.grounds.ask({ secret, proposals: [], trades: params ? [params] : [] })
    if (!ground) return null
    return { actor: ground.actor, at: params && (() => atAnswer(ground.trade(params.networkId, params.tradeId))) }
  },
  body: yesIn,
  answer: outcomeOut,
  answers: async ({ deps, actor, at, body, kept }) => {
    invariant(kept, 'a yes is posted')
    const judged = await judgedFirst(deps, kept, () => acceptanceOf(actor, at.trade, body, kept))
    return 'told' in judged ? judged.told : acceptTrade(deps, judged.ready)
  },
})

/** The trade, and the sides of it on which somebody may stand. */
export function atAnswer(trade: TradeOnGround): AtAnswer {
  const { networkId, seller, buyer } = trade
  return { trade, thing: 'trade', places: [seller, buyer].map(({ organisationId }) => ({ networkId, organisationId })) }
}

/** Every door keeps a yes as the trade's own door does. */
export function keptYes(actor: Actor, { networkId, tradeId }: TradeNamed, key: string, sent: object): KeptAnswer {
  const { networkId: _network, tradeId: _trade, key: _key, ...yes } = sent as Record<string, unknown>
  const address = `/v1/networks/${idText('network', networkId)}/trades/${idText('trade', tradeId)}/accept`
  return keptUnder({ route: 'post /networks/{networkId}/trades/{tradeId}/accept', address }, actor, key, yes)
}

export function acceptanceOf(actor: Actor, trade: TradeOnGround, body: Yes, kept: KeptAnswer): AcceptanceAsk {
  const side = sideOf(actor, 'answer_trade', trade, body.as, otherSide(trade.proposedBy))
  invariant(side, 'who answers a trade stands on a side of it')
  return {
    networkId: trade.networkId,
    tradeId: trade.id,
    actor: actor.id,
    side,
    confirmTreatment: body.confirmTreatment,
    ...answerFor(kept, outcomeOfNew(trade.id), 200),
    ...tracedAs(kept),
  }
}

export async function acceptTrade(deps: Deps, ask: AcceptanceAsk): Promise<Told> {
  return toldOf(ask, proposedFrom(await deps.acceptances.add(ask.networkId, ask)))
}
