/** A dispute about a trade: opened by a side, spoken about, resolved by the convener. Append only. */
import { z } from 'zod'
import { asWorker, type Tx } from '../../kit/db.ts'
import type { DeedName } from '../../networks/roles.ts'
import { openDispute, resolveDispute, sayWord, wordsOf } from '../../trades/dispute.ts'
import { atTrade, sideOf } from './place.ts'
import { type Route, route } from './route.ts'
import { byId, idOut, at as instant, instantOut, keyOf, listOf, pageOf, pageQuery, show, words } from './shapes.ts'
import { showTrade, tradeOut, tradeParams } from './trade-shapes.ts'

const one = { params: tradeParams, find: atTrade, tag: 'Trades' }
const path = '/networks/{networkId}/trades/{tradeId}'

export const disputeRoutes: Route[] = [
  sayRoute('dispute', 'dispute_trade', 'Dispute a trade: automatic steps wait until it is resolved', openDispute),
  sayRoute('words', 'dispute_trade', 'Say another word beside a trade', sayWord),
  sayRoute('resolve', 'resolve_dispute', 'Resolve a dispute, with words', resolveDispute),
  route({
    ...one,
    method: 'get',
    path: `${path}/words`,
    summary: 'What was said about a trade, in order',
    deed: 'see_trade',
    query: z.strictObject(pageQuery),
    answer: listOf(
      z.object({
        id: idOut('tradeWord'),
        saidBy: z.string(),
        saidAt: instantOut,
        what: z.enum(['dispute', 'word', 'resolved']),
        words: z.string(),
      }),
    ),
    answers: async ({ at, query, see }) => {
      const asked = { after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
      const rows = await see((tx) => wordsOf(tx, at.networkId, at.trade.id, asked))
      return pageOf(rows, query.limit, byId, (row) => ({
        ...row,
        id: show.id('tradeWord', row.id),
        saidAt: instant(row.saidAt),
      }))
    },
  }),
]

type Say = (
  tx: Tx,
  clock: Parameters<typeof openDispute>[1],
  ask: Parameters<typeof openDispute>[2],
) => ReturnType<typeof openDispute>

function sayRoute(verb: string, deed: DeedName, summary: string, say: Say): Route {
  return route({
    ...one,
    method: 'post',
    path: `${path}/${verb}`,
    summary,
    deed,
    body: z.strictObject({ words: words(2000) }),
    answer: tradeOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const found = sideOf(actor, 'dispute_trade', at, undefined, 'seller')
        const ask = {
          networkId: at.networkId,
          tradeId: at.trade.id,
          organisationId: found && at[found].organisationId,
          words: body.words,
          actor: actor.id,
        }
        return showTrade(await say(tx, deps.clock, ask))
      }),
  })
}
