/**
 * One side asks, the other answers; until it says yes nothing is owed. A standing consent says yes at once.
 *
 * Keeps: a proposal reserves nothing, unless a buyer who proposes asks for it; what was reserved is posted or freed by the
 * answer, in one transaction with it.
 */
import { type Batch, batchOf } from '../kit/batch.ts'
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { idOfCause } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { releaseHold } from '../ledger/hold.ts'
import { askWriter, postingJson, refusalOf } from '../ledger/post.ts'
import { type Member, memberOf } from '../networks/member.ts'
import { type Network, networkOf } from '../networks/network.ts'
import { currentTerms, type Terms } from '../networks/terms.ts'
import { holdPostingFor, type Parties, type Proposal, proposalOf, type TradeAsk } from './proposal.ts'
import {
  type AcceptanceAsk,
  type AcceptanceVerdict,
  type AnswerToKeep,
  type KeptAnswer,
  refusedBefore,
  unlessNamesake,
} from './record-trade.ts'
import { consentFor } from './standing-consent.ts'
import { otherSide, type Side, type Trade, tradeOf } from './trade.ts'

export type ProposeDeps = {
  clock: Clock
  acceptances: Batch<AcceptanceAsk, AcceptanceVerdict>
  proposals: Batch<ProposalAsk, ProposalVerdict>
}
type ClosingVerdict =
  | { ok: true; replayed: boolean; tradeId: Uuid; state: string }
  | { ok: true; replayed: true; kept: KeptAnswer }
  | { ok: false; code: string; facts: Record<string, string> }
/** A whole trade row, and the hold that a buyer who proposes asked for. */
export type ProposalAsk = { proposal: Proposal; hold?: Record<string, unknown>; answer?: AnswerToKeep }
export type ProposalVerdict = ClosingVerdict

/** What became of a proposal: what its answer holds beside what was known before, or the answer that was given to this key before. */
export type Proposed =
  | { replayed: boolean; outcome: Record<string, unknown> & { state: string } }
  | { replayed: true; kept: KeptAnswer }

const mostInOneCall = 200
const waitingRoom = 10_000
const networksAtOnce = 3

/** Proposals that wait for the other side's own yes share calls and commits too. */
export function proposalsOf(db: Db): Batch<ProposalAsk, ProposalVerdict> {
  return batchOf({
    run: (networkId, asked) =>
      unlessNamesake(asked, askWriter<ProposalVerdict>(db, networkId, 'propose_trades', asked)),
    most: mostInOneCall,
    waitingRoom,
    atOnce: networksAtOnce,
  })
}

/** The trade as it then stands: proposed, or accepted already on a standing consent. */
export async function propose(
  deps: ProposeDeps & { db: Db },
  ask: TradeAsk & { answer?: AnswerToKeep; trace?: string },
): Promise<Trade> {
  const { parties, consentId } = await inTransaction(deps.db, asWorker, async (tx) => {
    const found = await partiesOf(tx, ask)
    return { parties: found, consentId: await consentFor(tx, ask) }
  })
  const ready = readyProposal({ parties, consentId }, ask, deps.clock.now())
  const proposed = await postProposal(deps, ready)
  const refused = 'kept' in proposed ? refusedBefore(proposed.kept) : null
  if (refused) throw refused
  return readTrade(deps.db, ask.networkId, ask.id)
}

export type ReadyProposal = ProposalAsk & { proposedBy: Side; consentId: Uuid | null }

/** Everything that can be judged before it is asked of the ledger. Pure. */
export function readyProposal(
  ground: { parties: Parties; consentId: Uuid | null },
  ask: TradeAsk & { answer?: AnswerToKeep; trace?: string },
  at: Date,
): ReadyProposal {
  const proposal = traced(proposalOf(ground.parties, ask, at), ask.trace)
  const hold = holdPostingFor(ground.parties, proposal, at)
  return {
    proposal,
    proposedBy: ask.proposedBy,
    // What is held is posted by the other side's own yes.
    consentId: hold ? null : ground.consentId,
    ...(hold ? { hold: postingJson(hold) } : {}),
    ...(ask.answer ? { answer: ask.answer } : {}),
  }
}

/** So that each attempt can be found by the request that asked for the trade. */
function traced(proposal: Proposal, trace: string | undefined): Proposal {
  if (trace === undefined || !Array.isArray(proposal.promises)) return proposal
  return { ...proposal, promises: proposal.promises.map((one: object) => ({ ...one, trace })) }
}

/** Accepted at once where the other side gave its consent; else, or if a rule says no to that, it waits for its own answer. */
export async function postProposal(deps: ProposeDeps, ready: ReadyProposal): Promise<Proposed> {
  const accepted = await acceptedAtOnce(deps, ready)
  if (accepted) return accepted
  const { proposal, hold, answer } = ready
  const asked = { proposal, ...(hold ? { hold } : {}), ...(answer ? { answer } : {}) }
  return proposedFrom(await deps.proposals.add(proposal.network_id, asked))
}

/** A no here is not the answer: the proposal then waits. */
async function acceptedAtOnce(deps: ProposeDeps, ready: ReadyProposal): Promise<Proposed | null> {
  const { proposal, proposedBy, consentId, answer } = ready
  if (consentId === null) return null
  const { network_id: networkId, id: tradeId } = proposal
  const verdict = await deps.acceptances.add(networkId, {
    networkId,
    tradeId,
    actor: 'quits',
    side: otherSide(proposedBy),
    confirmTreatment: false,
    consentId,
    proposal,
    ...(answer ? { answer: { ...answer, onlyYes: true } } : {}),
  })
  return verdict.ok || verdict.code === 'key_of_other_body' ? proposedFrom(verdict) : null
}

/** What accept_trades() and propose_trades() say, as an answer tells it; throws a refusal that was not given before. */
export function proposedFrom(verdict: AcceptanceVerdict | ProposalVerdict): Proposed {
  if (!verdict.ok) throw refusalOf(verdict)
  if ('kept' in verdict) return { replayed: true, kept: verdict.kept }
  const { ok: _yes, replayed, tradeId: _id, ...outcome } = verdict
  if ('warnings' in outcome) {
    const { warnings: _warnings, ...rest } = outcome
    return { replayed, outcome: rest }
  }
  return { replayed, outcome }
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
    const verdicts = await askWriter<ClosingVerdict>(deps.db, networkId, 'close_trades', asks)
    lapsed += verdicts.filter((verdict) => verdict.ok).length
  }
  return lapsed
}

export async function partiesOf(
  tx: Tx,
  ask: Pick<TradeAsk, 'networkId' | 'sellerMemberId' | 'buyerMemberId'>,
): Promise<{ network: Network; terms: Terms; seller: Member; buyer: Member }> {
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
  const [verdict] = await askWriter<ClosingVerdict>(db, networkId, 'close_trades', [asked])
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

function mustBeYes(verdict: ClosingVerdict | undefined): void {
  invariant(verdict, 'a trade was answered by nothing')
  if (!verdict.ok) throw refusalOf(verdict)
  const refused = 'kept' in verdict ? refusedBefore(verdict.kept) : null
  if (refused) throw refused
}

function readTrade(db: Db, networkId: Uuid, tradeId: Uuid): Promise<Trade> {
  return inTransaction(db, asWorker, (tx) => tradeOf(tx, networkId, tradeId))
}
