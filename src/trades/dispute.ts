/**
 * A dispute: a flag on a trade with what the sides say, append only. While it stands no automatic step is taken.
 *
 * It ends when someone resolves it, or when the trade is reversed.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { lockTrade, type Trade, tradeOf } from './trade.ts'

export type TradeWord = {
  id: Uuid
  saidBy: string
  saidAt: Date
  what: 'dispute' | 'word' | 'resolved'
  words: string
}
type Said = { networkId: Uuid; tradeId: Uuid; organisationId: Uuid | null; words: string; actor: string }

const longestWords = 2000
const disputable: readonly Trade['state'][] = ['proposed', 'accepted']

export async function openDispute(tx: Tx, clock: Clock, ask: Said): Promise<Trade> {
  return say(tx, clock, ask, 'dispute', true)
}

/** Another word in a dispute, or beside a trade without one; the flag stays as it is. */
export async function sayWord(tx: Tx, clock: Clock, ask: Said): Promise<Trade> {
  return say(tx, clock, ask, 'word', null)
}

export async function resolveDispute(tx: Tx, clock: Clock, ask: Said): Promise<Trade> {
  return say(tx, clock, ask, 'resolved', false)
}

/** In the order in which it was said. */
export async function wordsOf(
  tx: Tx,
  networkId: Uuid,
  tradeId: Uuid,
  page: { after: Uuid | null; limit: number } = { after: null, limit: 500 },
): Promise<TradeWord[]> {
  const rows = await tx.tradeWord.findMany({
    where: { networkId, tradeId, ...(page.after ? { id: { gt: page.after } } : {}) },
    orderBy: { id: 'asc' },
    take: page.limit,
  })
  return rows.map((row) => ({ ...row, what: row.what as TradeWord['what'] }))
}

async function say(tx: Tx, clock: Clock, ask: Said, what: TradeWord['what'], disputed: boolean | null): Promise<Trade> {
  const words = ask.words.trim()
  if (words === '' || words.length > longestWords)
    throw new Refusal('text_does_not_fit', { what: 'message', most: longestWords })
  const { networkId, tradeId } = ask
  const trade = await lockTrade(tx, networkId, tradeId)
  if (disputed === true && !disputable.includes(trade.state))
    throw new Refusal('trade_not_open', { state: trade.state })
  const at = clock.now()
  await tx.tradeWord.create({ data: { networkId, id: newId(at), tradeId, saidBy: ask.actor, saidAt: at, what, words } })
  if (disputed === null || disputed === trade.disputed) return trade
  await tx.trade.update({ where: { networkId_id: { networkId, id: tradeId } }, data: { disputed, changedAt: at } })
  await recordDeed(tx, clock, {
    networkId,
    organisationId: ask.organisationId,
    actor: ask.actor,
    what: disputed ? 'trade_disputed' : 'dispute_resolved',
    facts: { tradeId },
  })
  return tradeOf(tx, networkId, tradeId)
}
