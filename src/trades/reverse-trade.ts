/**
 * Reverses a trade: the same as recording one, backwards. Both sides agree, or the convener decides with a reason.
 *
 * Keeps: both movements stay in the ledger; nothing in a book is voided or deleted, since a VAT return may be filed.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { askWriter, type PostingAsk, postingJson, refusalOf, type TransferAsk } from '../ledger/post.ts'
import { memberOf } from '../networks/member.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { termsOf } from '../networks/terms.ts'
import { type PromisedPaper, promisedDocument } from '../outbox/delivery.ts'
import { reversalFor, reversalPostingFor, type TradePromise } from './documents.ts'
import { factsFrom } from './proposal.ts'
import { partiesOf } from './propose.ts'
import { type AnswerToKeep, type KeptAnswer, refusedBefore } from './record-trade.ts'
import { lockTrade, otherSide, type Side, type Trade, type TradeLine, tradeFrom, tradeOf } from './trade.ts'

export type ReversalAsk = {
  networkId: Uuid
  tradeId: Uuid
  side: Side | 'convener'
  actor: string
  reason: string
  answer?: AnswerToKeep
  /** Of the request, for what the books must hold because of it. */
  trace?: string
}
type Verdict =
  | { ok: true; replayed: boolean; tradeId: Uuid; state: string }
  | { ok: true; replayed: true; kept: KeptAnswer }
  | { ok: false; code: string; facts: Record<string, string> }

const longestReason = 500

/** One side asks for it; if the other has asked already, that was the yes and the trade is reversed. */
export async function askReversal(deps: { db: Db; clock: Clock }, ask: ReversalAsk & { side: Side }): Promise<Trade> {
  mustHaveReason(ask.reason)
  const { networkId, tradeId, side } = ask
  const asked = await inTransaction(deps.db, asWorker, async (tx) => {
    const trade = await lockTrade(tx, networkId, tradeId)
    if (trade.state === 'reversed') throw new Refusal('trade_already_reversed', {})
    if (trade.state !== 'accepted') throw new Refusal('trade_not_accepted', { state: trade.state })
    if (trade.reversalAskedBy === otherSide(side)) return null
    if (trade.reversalAskedBy === side) return trade
    const at = deps.clock.now()
    await tx.trade.update({
      where: { networkId_id: { networkId, id: tradeId } },
      data: { reversalAskedBy: side, reversalAskedAt: at, reversalReason: ask.reason.trim(), changedAt: at },
    })
    const member = await memberOf(tx, networkId, side === 'seller' ? trade.sellerMemberId : trade.buyerMemberId)
    await recordDeed(tx, deps.clock, {
      networkId,
      organisationId: member.organisationId,
      actor: ask.actor,
      what: 'reversal_asked',
      facts: { tradeId, reason: ask.reason.trim() },
    })
    return tradeOf(tx, networkId, tradeId)
  })
  return asked ?? reverseTrade(deps, ask)
}

/** For the side that was asked, or for a convener. */
export async function reverseTrade(deps: { db: Db }, ask: ReversalAsk): Promise<Trade> {
  mustHaveReason(ask.reason)
  const { networkId, tradeId, side, actor } = ask
  const { posting, promises } = await inTransaction(deps.db, asWorker, async (tx) => {
    const row = await tx.trade.findUnique({ where: { networkId_id: { networkId, id: tradeId } } })
    if (!row) throw new Refusal('not_found', { thing: 'trade' })
    const trade = tradeFrom(row)
    const terms = await termsOf(tx, networkId, trade.termsVersion)
    const parties = await partiesOf(tx, trade)
    const agreed = agreedIn(row.posting, row.promises)
    if (trade.ledgerOnly)
      return { posting: reversalPostingFor({ ...trade, posting: agreed.posting }, true), promises: [] }
    const asked = agreed.posting.transfers.map((transfer) => transfer.id)
    const posted = await tx.transfer.findMany({ where: { networkId, id: { in: asked } }, select: { id: true } })
    const stands = new Set(posted.map((transfer) => transfer.id))
    const facts = {
      ...factsFrom({ parties, fees: terms.fees }, { ...trade, documentLines: agreed.documentLines }),
      posting: agreed.posting,
    }
    facts.buyer.vatRegistered = agreed.buyerWasRegistered
    // The book it was put into, though its connection may have ended since.
    const kindOf = async (organisationId: Uuid) =>
      (
        await tx.connection.findFirst({
          where: { organisationId },
          orderBy: { madeAt: 'desc' },
          select: { kind: true },
        })
      )?.kind
    return reversalFor(facts, {
      feesBack: terms.feesBackOnReversal,
      twoStep: {
        seller: (await kindOf(facts.seller.organisationId)) === 'quickbooks',
        buyer: (await kindOf(facts.buyer.organisationId)) === 'quickbooks',
      },
      feesLeftOut: new Set(asked.filter((id) => !stands.has(id))),
    })
  })
  const asked = {
    tradeId,
    side,
    actor,
    reason: ask.reason.trim(),
    posting: postingJson(posting),
    promises: promises.map((one) => ({ ...one, trace: ask.trace })),
  }
  const [verdict] = await askWriter<Verdict>(deps.db, networkId, 'reverse_trades', [
    { ...asked, ...(ask.answer ? { answer: ask.answer } : {}) },
  ])
  invariant(verdict, 'a reversal was answered by nothing')
  if (!verdict.ok) throw refusalOf(verdict)
  const refused = 'kept' in verdict ? refusedBefore(verdict.kept) : null
  if (refused) throw refused
  return inTransaction(deps.db, asWorker, (tx) => tradeOf(tx, networkId, tradeId))
}

function mustHaveReason(reason: string): void {
  if (reason.trim() === '') throw new Refusal('reason_missing', {})
  if (reason.length > longestReason) throw new Refusal('text_does_not_fit', { what: 'reason', most: longestReason })
}

type StoredTransfer = Omit<TransferAsk, 'amountMinor' | 'holdExpiresAt'> & { amountMinor: string }

/** What was agreed then, whatever a member's registration has become since: the same lines go back. */
function agreedIn(
  posting: unknown,
  promises: unknown,
): { posting: PostingAsk; documentLines: TradeLine[]; buyerWasRegistered: boolean } {
  const stored = posting as { id: Uuid; transfers: StoredTransfer[] }
  const transfers = stored.transfers.map((one) => ({ ...one, amountMinor: BigInt(one.amountMinor) }))
  const papers = (promises as TradePromise[]).map((promise) => promisedDocument.parse(promise.document))
  const invoice = papers.find((paper): paper is PromisedPaper => paper.what === 'invoice')
  const bill = papers.find((paper): paper is PromisedPaper => paper.what === 'bill' && paper.account === undefined)
  return {
    posting: { id: stored.id, transfers },
    documentLines: (invoice?.lines ?? []).map((line) => ({
      ...line,
      netMinor: BigInt(line.netMinor),
      vatMinor: BigInt(line.vatMinor),
    })),
    // The bill of a buyer without a registration has gross lines.
    buyerWasRegistered: JSON.stringify(bill?.lines) === JSON.stringify(invoice?.lines),
  }
}
