/** A trade reversed: by both sides, or by the convener with a reason. The ledger keeps both movements. */
import { z } from 'zod'
import { Refusal } from '../../kit/refusal.ts'
import { askReversal, reverseTrade } from '../../trades/reverse-trade.ts'
import { otherSide } from '../../trades/trade.ts'
import { tracedAs } from './kept-answer.ts'
import { atTrade, sideOf } from './place.ts'
import { type Route, route } from './route.ts'
import { reason } from './shapes.ts'
import { answerFor, asSide, outcomeOut, showOutcome, tradeParams } from './trade-shapes.ts'

const one = { params: tradeParams, find: atTrade, tag: 'Trades' }
const path = '/networks/{networkId}/trades/{tradeId}'

export const reversalRoutes: Route[] = [
  route({
    ...one,
    method: 'post',
    path: `${path}/reversal`,
    summary: 'Ask for a reversal; where the other side has asked already, this is the yes',
    deed: 'reverse_trade',
    keepsItself: true,
    body: z.strictObject({ as: asSide, reason }),
    answer: outcomeOut,
    answers: async ({ deps, actor, at, body, kept }) => {
      const { trade } = at
      const asked = trade.reversalAskedBy ? otherSide(trade.reversalAskedBy) : 'seller'
      const found = sideOf(actor, 'reverse_trade', at, body.as, asked)
      if (!found) throw new Refusal('not_allowed', { deed: 'ask for a reversal as a side of it', role: 'convener' })
      const reversed = await askReversal(deps, {
        networkId: at.networkId,
        tradeId: trade.id,
        side: found,
        actor: actor.id,
        reason: body.reason,
        ...answerFor(kept, showOutcome(trade), 200),
        ...(kept ? tracedAs(kept) : {}),
      })
      return showOutcome(reversed)
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/reverse`,
    summary: 'Reverse a trade as the convener, with a reason',
    description: 'May pass a credit limit; never the legal floor.',
    deed: 'trade_as_convener',
    keepsItself: true,
    body: z.strictObject({ reason }),
    answer: outcomeOut,
    answers: async ({ deps, actor, at, body, kept }) =>
      showOutcome(
        await reverseTrade(deps, {
          networkId: at.networkId,
          tradeId: at.trade.id,
          side: 'convener',
          actor: actor.id,
          reason: body.reason,
          ...answerFor(kept, showOutcome(at.trade), 200),
          ...(kept ? tracedAs(kept) : {}),
        }),
      ),
  }),
]
