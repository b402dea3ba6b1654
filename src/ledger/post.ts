/**
 * Writes a posting into the ledger: an ordered group of transfers that stands or falls whole.
 *
 * Keeps: ledger_post() (post.sql) is the only judge; nothing here decides anything. A lone posting goes the same way as many.
 * Never: is called inside a Prisma transaction; what waits while one call commits is the next call.
 *
 * @path trade 3/7 writes the transfer and its two entries
 */
import { type Batch, batchOf } from '../kit/batch.ts'
import type { Day } from '../kit/clock.ts'
import { instantOf, isDay } from '../kit/clock.ts'
import { callAlone, type Db } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { isRefusalCode, Refusal, type RefusalCode } from '../kit/refusal.ts'

export type TransferKind =
  | 'trade'
  | 'fee'
  | 'reversal'
  | 'hold'
  | 'hold_post'
  | 'hold_release'
  | 'hold_expire'
  | 'write_off'
  | 'settlement'
  | 'payroll'
  | 'staff_spend'
  | 'set_off'
  | 'contribution'
  | 'gateway'
  | 'opening'

export type TransferAsk = {
  id: Uuid
  kind: TransferKind
  /** The account that goes down: the buyer's. */
  debit: Uuid
  /** The account that goes up: the seller's. */
  credit: Uuid
  amountMinor: bigint
  causeKind: string
  causeId: Uuid
  reversesId?: Uuid
  holdId?: Uuid
  holdExpiresAt?: Date
  /** A yes was given on the strength of it, so it does not run out. */
  holdPromised?: boolean
  /** Left out, and the posting stands without it, when the rules on its accounts refuse it. */
  optional?: boolean
}
export type PostingAsk = {
  id: Uuid
  transfers: TransferAsk[]
  /** Only a carried-over past names its day; else it is today, or the ledger's day if that is later. */
  bookedOn?: Day
  /** A convener's leave: a reversal may pass a credit limit, never the legal floor. */
  passCreditLimit?: boolean
  mayBuyFrozen?: boolean
}
export type SoftWarning = { accountId: Uuid; kind: 'soft_floor' | 'soft_ceiling'; balanceMinor: string }
export type PostedTransfer = { id: Uuid; number: number | null; leftOut: boolean }
export type PostingVerdict =
  | {
      ok: true
      replayed: boolean
      bookedOn: Day
      recordedAt: string
      transfers: PostedTransfer[]
      warnings: SoftWarning[]
    }
  | { ok: false; code: RefusalCode; facts: Record<string, string | number | boolean | null> }
export type Posted = {
  replayed: boolean
  bookedOn: Day
  recordedAt: Date
  transfers: PostedTransfer[]
  warnings: SoftWarning[]
}

/** Most postings in one call: a call of this size takes some tens of milliseconds. */
const mostInOneCall = 500
const waitingRoom = 20_000
const networksAtOnce = 3
const retriesOfADeadlock = 3

export function postingsOf(db: Db): Batch<PostingAsk, PostingVerdict> {
  return batchOf({
    run: (networkId, asked) => askWriter<PostingVerdict>(db, networkId, 'ledger_post', asked.map(postingJson)),
    most: mostInOneCall,
    waitingRoom,
    atOnce: networksAtOnce,
  })
}

/** Asks one posting and waits for its own verdict. */
export async function post(
  deps: { postings: Batch<PostingAsk, PostingVerdict> },
  networkId: Uuid,
  ask: PostingAsk,
): Promise<Posted> {
  invariant(ask.transfers.length > 0, 'a posting without transfers')
  invariant(ask.bookedOn === undefined || isDay(ask.bookedOn), `${ask.bookedOn} is no day`)
  const verdict = await deps.postings.add(networkId, ask)
  if (!verdict.ok) throw refusalOf(verdict)
  const { replayed, bookedOn, transfers, warnings } = verdict
  return { replayed, bookedOn, recordedAt: instantOf(verdict.recordedAt), transfers, warnings }
}

/** A refusal as SQL tells it. An unknown code is our own fault. */
export function refusalOf(verdict: { code: string; facts: Record<string, string | number | boolean | null> }): Refusal {
  invariant(isRefusalCode(verdict.code), `SQL refused with an unlisted code ${verdict.code}`)
  return new Refusal(verdict.code, verdict.facts)
}

/** The posting as ledger_post() reads it. */
export function postingJson(ask: PostingAsk): Record<string, unknown> {
  return {
    ...ask,
    transfers: ask.transfers.map((transfer) => ({
      ...transfer,
      amountMinor: transfer.amountMinor.toString(),
      ...(transfer.holdExpiresAt ? { holdExpiresAt: transfer.holdExpiresAt.toISOString() } : {}),
    })),
  }
}

type PostingFunction =
  | 'ledger_post'
  | 'post_and_promise'
  | 'accept_trades'
  | 'propose_trades'
  | 'close_trades'
  | 'reverse_trades'

/** One call of a posting function as the writer of one network, in a transaction of its own; all of it or nothing. */
export async function askWriter<Verdict>(
  db: Db,
  networkId: Uuid,
  name: PostingFunction,
  asks: unknown[],
): Promise<Verdict[]> {
  const scope = { role: 'writer', network: networkId } as const
  const values = [networkId, JSON.stringify(asks)]
  for (let tries = 1; ; tries += 1) {
    try {
      const verdicts = await callAlone<Verdict[]>(db, scope, `${name}($1, $2::jsonb)`, values)
      invariant(verdicts.length === asks.length, `${name} answered another number of verdicts`)
      return verdicts
    } catch (error) {
      if (tookTooLong(error)) throw new Refusal('try_again_soon', {})
      if (tries > retriesOfADeadlock || !isUndoneByTheDatabase(error)) throw error
    }
  }
}

/** The database gave up on the statement, most likely for a lock that somebody else holds: nothing was written. */
function tookTooLong(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '57014'
}

/** Deadlock or serialization failure: nothing was written, and asking again is safe. */
function isUndoneByTheDatabase(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === '40P01' || code === '40001'
}
