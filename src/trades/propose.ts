/**
 * One side asks, the other answers; until it says yes nothing is owed. A standing consent says yes at once.
 *
 * Keeps: a proposal reserves nothing, unless a buyer who proposes asks for it; what was reserved is posted or freed by the
 * answer, in one transaction with it.
 */
import type { Batch } from '../kit/batch.ts'
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { idOfCause } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { releaseHold } from '../ledger/hold.ts'
import { askWriter, postingJson, refusalOf } from '../ledger/post.ts'
import { memberOf } from '../networks/member.ts'
import { networkOf } from '../networks/network.ts'
import { currentTerms } from '../networks/terms.ts'
import { holdPostingFor, type Parties, proposalOf, type TradeAsk } from './proposal.ts'
import {
  type AcceptanceAsk,
  type AcceptanceVerdict,
  type AnswerToKeep,
  type KeptAnswer,
  refusedBefore,
} from './record-trade.ts'
import { consentFor } from './standing-consent.ts'
import { otherSide, type Side, type Trade, tradeOf } from './trade.ts'

type Deps = { db: Db; clock: Clock; acceptances: Batch<AcceptanceAsk, AcceptanceVerdict> }
type Verdict =
  | { ok: true; replayed: boolean; tradeId: Uuid; state: string }
  | { ok: true; replayed: true; kept: KeptAnswer }
  | { ok: false; code: string; facts: Record<string, string> }

/** The trade as it then stands: proposed, or accepted already on a standing consent. */
export async function propose(deps: Deps, ask: TradeAsk & { answer?: AnswerToKeep }): Promise<Trade> {
  const { parties, consentId } = await inTransaction(deps.db, asWorker, async (tx) => {
    const found = await partiesOf(tx, ask)
    return { parties: found, consentId: await consentFor(tx, ask) }
  })
  const at = deps.clock.now()
  const proposal = proposalOf(parties, ask, at)
  const answer = ask.answer ? { answer: ask.answer } : {}
  if (consentId !== null && proposal.hold_id === null) {
    const side = otherSide(ask.proposedBy)
    const accepted = await acceptedAtOnce(deps, {
      networkId: ask.networkId,
      tradeId: ask.id,
      actor: 'quits',
      side,
      confirmTreatment: false,
      consentId,
      proposal,
      ...answer,
    })
    if (accepted) return readTrade(deps.db, ask.networkId, ask.id)
  }
  const hold = holdPostingFor(parties, proposal, at)
  const [verdict] = await askWriter<Verdict>(deps.db, ask.networkId, 'propose_trades', [
    { proposal, ...(hold ? { hold: postingJson(hold) } : {}), ...answer },
  ])
  mustBeYes(verdict)
  return readTrade(deps.db, ask.networkId, ask.id)
}

/** A no here is not the answer: the proposal then waits for the other side's own. */
async function acceptedAtOnce(deps: Deps, ask: AcceptanceAsk): Promise<boolean> {
  const answer = ask.answer ? { answer: { ...ask.answer, onlyYes: true } } : {}
  const verdict = await deps.acceptances.add(ask.networkId, { ...ask, ...answer })
  if (!verdict.ok && verdict.code === 'key_of_other_body') throw refusalOf(verdict)
  const refused = verdict.ok && 'kept' in verdict ? refusedBefore(verdict.kept) : null
  if (refused) throw refused
  return verdict.ok
}

export type Closing = {
  networkId: Uuid
  tradeId: Uuid
  side: Side
  actor: string
  reason: string | null
  answer?: AnswerToKeep
}

/** The other side says no. */
export async function decline(deps: { db: Db }, ask: Closing): Promise<Trade> {
  return close(deps.db, 'declined', ask)
}

/** The side that proposed takes it back. */
export async function withdraw(deps: { db: Db }, ask: Closing): Promise<Trade> {
  return close(deps.db, 'withdrawn', ask)
}

const mostLapsedAtOnce = 500

/** Proposals whose life is over. A timed task; one in dispute waits. */
export async function lapseDue(deps: { db: Db }): Promise<number> {
  const due = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<{ network_id: Uuid; id: Uuid; posting: unknown }[]>`
      select network_id, id, posting from trade where state = 'proposed' and lapses_at <= quits_now() and not disputed
       order by lapses_at limit ${mostLapsedAtOnce}`,
  )
  const byNetwork = new Map<Uuid, object[]>()
  for (const { network_id, id, posting } of due) {
    const asks = byNetwork.get(network_id) ?? []
    byNetwork.set(network_id, asks)
    asks.push({ tradeId: id, to: 'lapsed', actor: 'quits', reason: null, ...releaseOf(network_id, id, posting) })
  }
  let lapsed = 0
  for (const [networkId, asks] of byNetwork) {
    const verdicts = await askWriter<Verdict>(deps.db, networkId, 'close_trades', asks)
    lapsed += verdicts.filter((verdict) => verdict.ok).length
  }
  return lapsed
}

export async function partiesOf(
  tx: Tx,
  ask: Pick<TradeAsk, 'networkId' | 'sellerMemberId' | 'buyerMemberId'>,
): Promise<Parties> {
  return {
    network: await networkOf(tx, ask.networkId),
    terms: await currentTerms(tx, ask.networkId),
    seller: await memberOf(tx, ask.networkId, ask.sellerMemberId),
    buyer: await memberOf(tx, ask.networkId, ask.buyerMemberId),
  }
}

async function close(db: Db, to: 'declined' | 'withdrawn', ask: Closing): Promise<Trade> {
  const { networkId, tradeId, side, actor, reason } = ask
  const row = await inTransaction(db, asWorker, (tx) =>
    tx.trade.findUnique({ where: { networkId_id: { networkId, id: tradeId } }, select: { posting: true } }),
  )
  if (!row) throw new Refusal('not_found', { thing: 'trade' })
  const release = releaseOf(networkId, tradeId, row.posting)
  const answer = ask.answer ? { answer: ask.answer } : {}
  const asked = { tradeId, to, side, actor, reason, ...release, ...answer }
  const [verdict] = await askWriter<Verdict>(db, networkId, 'close_trades', [asked])
  mustBeYes(verdict)
  return readTrade(db, networkId, tradeId)
}

/** What frees the part that was reserved, if any was: its posting begins with the posting of that hold. */
function releaseOf(networkId: Uuid, tradeId: Uuid, posting: unknown): { release?: object } {
  const [first] = (posting as { transfers: { holdId?: Uuid; debit: Uuid; credit: Uuid; amountMinor: string }[] })
    .transfers
  if (!first?.holdId) return {}
  const { debit, credit } = first
  const hold = {
    id: first.holdId,
    debit,
    credit,
    amountMinor: BigInt(first.amountMinor),
    causeKind: 'trade',
    causeId: tradeId,
  }
  const id = idOfCause('posting', networkId, tradeId, 'release')
  return { release: postingJson({ id, transfers: [releaseHold(hold)] }) }
}

function mustBeYes(verdict: Verdict | undefined): void {
  invariant(verdict, 'a trade was answered by nothing')
  if (!verdict.ok) throw refusalOf(verdict)
  const refused = 'kept' in verdict ? refusedBefore(verdict.kept) : null
  if (refused) throw refused
}

function readTrade(db: Db, networkId: Uuid, tradeId: Uuid): Promise<Trade> {
  return inTransaction(db, asWorker, (tx) => tradeOf(tx, networkId, tradeId))
}
