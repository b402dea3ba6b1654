/** The commands about trades: proposed by either side, answered, asked twice, reversed. A refusal is an outcome like another. */
import { dayIn } from '../../src/kit/clock.ts'
import { newId, type Uuid } from '../../src/kit/ids.ts'
import { groundsOf } from '../../src/trades/grounds.ts'
import type { TradeAsk } from '../../src/trades/proposal.ts'
import { decline, proposalsOf, propose, withdraw } from '../../src/trades/propose.ts'
import { acceptancesOf, recordTrade } from '../../src/trades/record-trade.ts'
import { askReversal, reverseTrade } from '../../src/trades/reverse-trade.ts'
import type { Command } from './commands.ts'
import { actor } from './town.ts'
import type { World } from './world.ts'

type Trade = Extract<Command, { do: 'trade' }>
type Row = { id: Uuid; proposedBy: 'seller' | 'buyer'; state: string }

const treatments = ['standard', 'reduced', 'zero', 'standard'] as const

export function tradesOf(world: World) {
  const { db, clock } = world.desk.deps
  const deps = { db, clock, acceptances: acceptancesOf(db), proposals: proposalsOf(db), grounds: groundsOf(db) }
  const { networkId } = world.town

  async function accept(tradeId: Uuid, proposedBy: 'seller' | 'buyer'): Promise<string> {
    const side = proposedBy === 'seller' ? 'buyer' : 'seller'
    const ask = { networkId, tradeId, actor, side, confirmTreatment: side === 'seller' } as const
    const done = await recordTrade(deps, ask)
    return `${done.replayed ? 'accepted before' : 'accepted'} ${done.invoiceNumber}`
  }
  async function close(tradeId: Uuid, proposedBy: 'seller' | 'buyer', how: 'decline' | 'withdraw'): Promise<string> {
    const side = how === 'withdraw' ? proposedBy : proposedBy === 'seller' ? 'buyer' : 'seller'
    const ask = { networkId, tradeId, side, actor, reason: 'not now' } as const
    const trade = await (how === 'decline' ? decline(deps, ask) : withdraw(deps, ask))
    return trade.state
  }
  const inOrder = (states: string[]) =>
    world.query<Row>(
      'select id, proposed_by as "proposedBy", state from trade where network_id = $1 and state = any ($2::text[]) order by recorded_at, id',
      [networkId, states],
    )
  const picked = <T>(rows: T[], place: number): T | null => rows[place % Math.max(rows.length, 1)] ?? null

  return {
    async trade(asked: Trade): Promise<string> {
      const [seller, buyer] = [world.firm(asked.seller), world.firm(asked.buyer)]
      const ask: TradeAsk = {
        networkId,
        id: newId(clock.now()),
        actor,
        proposedBy: asked.by,
        sellerMemberId: seller.memberId,
        buyerMemberId: buyer.memberId,
        currency: 'GBP',
        lines: asked.nets.map((net, place) => ({
          description: `Sack ${place + 1}`,
          netMinor: BigInt(net),
          treatment: seller.isRegistered
            ? (treatments[(asked.treatment + place) % treatments.length] ?? 'zero')
            : 'outside',
        })),
        part: asked.creditBasisPoints === null ? {} : { creditBasisPoints: asked.creditBasisPoints },
        description: 'Goods of the day',
        tradedOn: dayIn('Europe/London', clock.now()),
        ...{ linkedInvoice: null, linkedBill: null, source: 'api', reserve: asked.reserve },
      }
      const { reference } = await propose(deps, ask)
      if (asked.answer === 'later') return `${reference} proposed`
      if (asked.answer === 'decline' || asked.answer === 'withdraw')
        return `${reference} ${await close(ask.id, asked.by, asked.answer)}`
      const first = await accept(ask.id, asked.by)
      if (asked.answer === 'accept') return `${reference} ${first}`
      // The answer was lost on its way: whoever asked asks again.
      const again = await accept(ask.id, asked.by)
      if (again !== first.replace('accepted', 'accepted before'))
        throw new Error(`${reference} was ${first}, then ${again}`)
      return `${reference} ${first}, asked twice`
    },
    async answer({ trade, how }: Extract<Command, { do: 'answer' }>): Promise<string> {
      const row = picked(await inOrder(['proposed']), trade)
      if (!row) return 'nothing is proposed'
      return how === 'accept' ? accept(row.id, row.proposedBy) : close(row.id, row.proposedBy, how)
    },
    async reverse({ trade, how }: Extract<Command, { do: 'reverse' }>): Promise<string> {
      const row = picked(await inOrder(['accepted', 'reversed']), trade)
      if (!row) return 'nothing to reverse'
      const ask = { networkId, tradeId: row.id, actor, reason: 'came back' }
      if (how === 'convener') return (await reverseTrade(deps, { ...ask, side: 'convener' })).state
      await askReversal(deps, { ...ask, side: 'seller' })
      return (await askReversal(deps, { ...ask, side: 'buyer' })).state
    },
  }
}
