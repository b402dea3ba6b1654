/** Trades as businesses make them: proposed by the seller, accepted by the buyer's standing consent, promised to both books. */
import { type Clock, dayIn } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../../src/kit/db.ts'
import { newId, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import type { Parties, TradeAsk } from '../../src/trades/proposal.ts'
import { partiesOf, postProposal, proposalsOf, readyProposal } from '../../src/trades/propose.ts'
import { acceptancesOf } from '../../src/trades/record-trade.ts'
import type { Pair } from './scene.ts'

const askedAtOnce = 200

export type Market = {
  /** Gives the trade's id once it is accepted. */
  sell(pair: Pair, netMinor?: bigint): Promise<Uuid>
  sellMany(pair: Pair, count: number): Promise<void>
}
type Known = { parties: Parties; consentId: Uuid }

export function marketOf(db: Db, networkId: Uuid, clock: Clock): Market {
  const deps = { clock, acceptances: acceptancesOf(db), proposals: proposalsOf(db) }
  const known = new Map<Pair, Promise<Known>>()

  /** As a batch of trades reads its parties: once. */
  async function read({ seller, buyer }: Pair): Promise<Known> {
    return inTransaction(db, asWorker, async (tx) => {
      const asked = { networkId, sellerMemberId: seller.memberId, buyerMemberId: buyer.memberId }
      const consent = await tx.standingConsent.findFirst({
        where: { networkId, memberId: buyer.memberId, fromMemberId: seller.memberId, revokedAt: null },
        select: { id: true },
      })
      invariant(consent, 'the buyer has given no consent')
      return { parties: await partiesOf(tx, asked), consentId: consent.id }
    })
  }
  async function sell(pair: Pair, netMinor = 100n): Promise<Uuid> {
    const reading = known.get(pair) ?? read(pair)
    known.set(pair, reading)
    const ask: TradeAsk = {
      networkId,
      id: newId(clock.now()),
      actor: 'quits',
      proposedBy: 'seller',
      sellerMemberId: pair.seller.memberId,
      buyerMemberId: pair.buyer.memberId,
      currency: 'GBP',
      lines: [{ description: 'Flour, a sack', netMinor, treatment: 'outside' }],
      part: {},
      description: 'Flour',
      tradedOn: dayIn('Europe/London', clock.now()),
      linkedInvoice: null,
      linkedBill: null,
      source: 'api',
    }
    const proposed = await postProposal(deps, readyProposal(await reading, ask, clock.now()))
    invariant('outcome' in proposed && proposed.outcome.state === 'accepted', 'a trade was not accepted')
    return ask.id
  }
  return {
    sell,
    async sellMany(pair, count) {
      for (let made = 0; made < count; made += askedAtOnce)
        await Promise.all(Array.from({ length: Math.min(askedAtOnce, count - made) }, () => sell(pair)))
    },
  }
}
