/**
 * Records a trade: the one place where a sale becomes a debt.
 *
 * Keeps: ledger, promised deliveries, invoice number, the trade's state and the kept answer change together, or not at all.
 * Never: speaks to a book. Books are told later, by outbox/deliver.
 *
 * @path trade 2/7 decides; many trades share one call and one commit
 */
import { type Batch, batchOf } from '../kit/batch.ts'
import { type Day, instantOf } from '../kit/clock.ts'
import type { Db } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { askWriter, refusalOf, type SoftWarning } from '../ledger/post.ts'
import type { Proposal } from './proposal.ts'

/** Where the caller's answer is kept, in the same commit. `template`: what the answer holds besides the outcome. */
export type AnswerToKeep = {
  actor: string
  route: string
  key: string
  /** SHA-256 of the request, in hexadecimal. */
  bodyHash: string
  template: Record<string, unknown>
  status: number
  /** A no is not the answer yet: another way is tried after it. */
  onlyYes?: boolean
}
export type AcceptanceAsk = {
  networkId: Uuid
  tradeId: Uuid
  /** `per_…`, `key_…` or `quits`. */
  actor: string
  side: 'seller' | 'buyer' | 'convener' | 'import'
  /** The seller's yes to the VAT treatment and to the invoice in its name. */
  confirmTreatment: boolean
  /** Only a carried-over past names its ledger day. */
  bookedOn?: Day
  /** The standing consent on which it is accepted. */
  consentId?: Uuid
  /** A trade that does not stand yet: written only if it is accepted. */
  proposal?: Proposal
  answer?: AnswerToKeep
  /** Of the request: whatever the trade leaves in the books is told under it. */
  trace?: string
}
type Facts = Record<string, string | number | boolean | null>
export type KeptAnswer = { status: number; body: Record<string, unknown> }
export type AcceptanceVerdict =
  | {
      ok: true
      replayed: boolean
      tradeId: Uuid
      state: 'accepted'
      invoiceNumber: string | null
      bookedOn: Day
      acceptedAt: string
      warnings: SoftWarning[]
    }
  | { ok: true; replayed: true; kept: KeptAnswer }
  | { ok: false; code: string; facts: Facts }

export type TradeAccepted = {
  tradeId: Uuid
  /** True when it was accepted before and nothing was done now. */
  replayed: boolean
  invoiceNumber: string | null
  bookedOn: Day
  acceptedAt: Date
  warnings: SoftWarning[]
}

const mostInOneCall = 200
const waitingRoom = 10_000
const networksAtOnce = 3

export function acceptancesOf(db: Db): Batch<AcceptanceAsk, AcceptanceVerdict> {
  return batchOf({
    run: (networkId, asked) =>
      unlessNamesake(asked, askWriter<AcceptanceVerdict>(db, networkId, 'accept_trades', asked)),
    most: mostInOneCall,
    waitingRoom,
    atOnce: networksAtOnce,
  })
}

/**
 * The trade that has the name already may stand in another network, which the writer of this one does not see: then the table says
 * so. A call of several is asked in halves until the one is alone.
 */
export async function unlessNamesake<Verdict>(
  asked: unknown[],
  verdicts: Promise<Verdict[]>,
): Promise<(Verdict | { ok: false; code: string; facts: Record<string, never> })[]> {
  try {
    return await verdicts
  } catch (error) {
    const isNamesake = (error as { constraint?: unknown } | null)?.constraint === 'trade_reference_key'
    if (asked.length > 1 || !isNamesake) throw error
    return [{ ok: false, code: 'trade_name_taken', facts: {} }]
  }
}

export async function recordTrade(
  deps: { acceptances: Batch<AcceptanceAsk, AcceptanceVerdict> },
  ask: AcceptanceAsk,
): Promise<TradeAccepted> {
  // COMMIT POINT: accept_trades() asks every rule under the ledger's lock, then writes all of it or only the answer.
  const verdict = await deps.acceptances.add(ask.networkId, ask)
  if (!verdict.ok) throw refusalOf(verdict)
  if ('kept' in verdict) return acceptedFrom(ask.tradeId, verdict.kept)
  const { tradeId, replayed, invoiceNumber, bookedOn, warnings } = verdict
  return { tradeId, replayed, invoiceNumber, bookedOn, acceptedAt: instantOf(verdict.acceptedAt), warnings }
}

/** What was answered under this key before: the same yes, or the same no. */
function acceptedFrom(tradeId: Uuid, kept: KeptAnswer): TradeAccepted {
  const refused = refusedBefore(kept)
  if (refused) throw refused
  const { invoiceNumber, bookedOn, acceptedAt } = kept.body
  invariant(typeof bookedOn === 'string' && typeof acceptedAt === 'string', 'a kept answer is of another shape')
  return {
    tradeId,
    replayed: true,
    invoiceNumber: typeof invoiceNumber === 'string' ? invoiceNumber : null,
    bookedOn,
    acceptedAt: instantOf(acceptedAt),
    warnings: [],
  }
}

export function refusedBefore(kept: KeptAnswer): Error | null {
  if (kept.status < 400) return null
  const { code, facts } = kept.body
  invariant(typeof code === 'string', 'a kept refusal has no code')
  return refusalOf({ code, facts: (facts ?? {}) as Facts })
}
