/**
 * What writers ask: drawn by dice, and turned into postings and acceptances as the service would send them.
 *
 * Keeps: ids and content follow from the network, the writer and the number of the ask, so that it can be asked again after
 * any crash, and anybody can say what must stand in the ledger when it was acknowledged.
 */
import { createHash } from 'node:crypto'
import { machineClock } from '../../src/kit/clock.ts'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import type { PostingAsk, TransferAsk } from '../../src/ledger/post.ts'
import { type Parties, proposalOf } from '../../src/trades/proposal.ts'
import type { AcceptanceAsk } from '../../src/trades/record-trade.ts'
import { type Dice, oneOf } from './dice.ts'
import type { Ask } from './journal.ts'
import type { Consent, Scene } from './scene.ts'

export type Mix = 'all kinds' | 'hot account'
export const actor = 'key_simulated'
export const route = 'POST /v1/trades'

/** What the writer has had acknowledged and may still build on. */
export type Standing = { holds: Ask[]; moved: Ask[] }

export function drawAsk(dice: Dice, scene: Scene, n: number, mix: Mix, standing: Standing): Ask {
  const roll = dice(100)
  if (roll < 30)
    return { n, what: 'trade', from: dice(scene.consents.length), to: 0, amount: 100 + dice(1_500), of: null }
  const hold = roll < 42 ? standing.holds.shift() : undefined
  if (hold) {
    if (dice(3) === 0) return { ...hold, n, what: 'hold_release', amount: 0, of: hold.n }
    return { ...hold, n, what: 'hold_post', amount: dice(2) === 0 ? hold.amount : 1 + dice(hold.amount), of: hold.n }
  }
  // A ceiling does not stop a reversal, so where limits are watched to the penny there is none.
  const moved = mix === 'all kinds' && roll < 48 ? standing.moved.shift() : undefined
  if (moved) return { n, what: 'reversal', from: moved.to, to: moved.from, amount: moved.amount, of: moved.n }
  const [from, to] = twoAccounts(dice, scene, mix)
  const amount = 1 + dice(dice(4) === 0 ? 2_500 : 400)
  return { n, what: oneOf(dice, ['transfer', 'transfer', 'pair', 'hold'] as const), from, to, amount, of: null }
}

/** Four in five have the first account on one side. */
function twoAccounts(dice: Dice, { accounts }: Scene, mix: Mix): [number, number] {
  const first = mix === 'hot account' && dice(5) < 4 ? 0 : dice(accounts.length)
  const second = (first + 1 + dice(accounts.length - 1)) % accounts.length
  return dice(2) === 0 ? [first, second] : [second, first]
}

export function partId(scene: Scene, writer: string, n: number, part: string): Uuid {
  return idOfCause('simulated', scene.networkId, writer, String(n), part)
}

export function postingOf(scene: Scene, writer: string, ask: Ask): PostingAsk {
  const id = (n: number, part: string) => partId(scene, writer, n, part)
  const debit = scene.accounts[ask.from]
  const credit = scene.accounts[ask.to]
  invariant(debit && credit, 'an ask names an account that is not there')
  const cause = { causeKind: 'simulated', causeId: id(ask.of ?? ask.n, 'cause') }
  const first: TransferAsk = {
    id: id(ask.n, 'first'),
    kind: ask.what === 'transfer' || ask.what === 'pair' || ask.what === 'trade' ? 'gateway' : ask.what,
    debit,
    credit,
    amountMinor: BigInt(ask.amount),
    ...cause,
  }
  if (ask.what === 'reversal') first.reversesId = id(ask.of ?? -1, 'first')
  if (ask.what === 'hold_post' || ask.what === 'hold_release') first.holdId = id(ask.of ?? -1, 'first')
  const transfers = [first]
  // A charge that may be left out, and one that may not.
  if (ask.what === 'pair')
    transfers.push(
      { ...first, id: id(ask.n, 'second'), kind: 'fee', credit: scene.feesId, amountMinor: 40n, optional: true },
      { ...first, id: id(ask.n, 'third'), kind: 'contribution', debit: credit, credit: scene.feesId, amountMinor: 3n },
    )
  return { id: id(ask.n, 'posting'), transfers }
}

export type PartiesOf = (consent: Consent) => Parties

/** As a trade proposed by its seller under the buyer's standing consent. */
export function acceptanceOf(scene: Scene, writer: string, ask: Ask, partiesOf: PartiesOf): AcceptanceAsk {
  const consent = scene.consents[ask.from]
  invariant(consent, 'an ask names a consent that is not there')
  const tradeId = partId(scene, writer, ask.n, 'trade')
  const parties = partiesOf(consent)
  const at = machineClock.now()
  const proposal = proposalOf(
    parties,
    {
      networkId: scene.networkId,
      id: tradeId,
      actor,
      proposedBy: 'seller',
      sellerMemberId: consent.sellerMemberId,
      buyerMemberId: consent.buyerMemberId,
      currency: 'GBP',
      lines: [{ description: 'Work', netMinor: BigInt(ask.amount), treatment: 'outside' }],
      part: {},
      description: 'Work',
      tradedOn: '2026-01-05',
      source: 'api',
    },
    at,
  )
  return {
    networkId: scene.networkId,
    tradeId,
    actor,
    side: 'buyer',
    confirmTreatment: false,
    consentId: consent.id,
    proposal,
    answer: {
      actor,
      route,
      key: answerKey(scene, writer, ask.n),
      bodyHash: createHash('sha256').update(JSON.stringify(ask)).digest('hex'),
      template: { id: tradeId },
      status: 201,
    },
  }
}

export function answerKey(scene: Scene, writer: string, n: number): string {
  return `${scene.networkId}-${writer}-${n}`
}

/** The seller's fee of the scene's terms: one per cent half up, and two pence. */
export function feeOf(amount: number): number {
  return Math.floor((amount + 50) / 100) + 2
}
