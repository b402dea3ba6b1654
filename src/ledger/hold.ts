/**
 * Holds: transfers that reserve and write no entries, until another transfer posts all or part of them, releases them, or
 * says that they have run out.
 *
 * Keeps: a hold counts in both limits from the moment it stands; what is held can be posted whatever the limits have become.
 */
import type { Batch } from '../kit/batch.ts'
import type { Day } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import { idOfCause, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { PostingAsk, PostingVerdict, TransferAsk } from './post.ts'

export type Hold = Required<Pick<TransferAsk, 'id' | 'debit' | 'credit' | 'amountMinor' | 'causeKind' | 'causeId'>>

export function holdTransfer(hold: Hold, until: { expiresAt: Date | null; promised: boolean }): TransferAsk {
  return {
    ...whatIsHeld(hold),
    kind: 'hold',
    ...(until.expiresAt ? { holdExpiresAt: until.expiresAt } : {}),
    holdPromised: until.promised,
  }
}

/** Moves up to what is held; all the rest of it is freed. */
export function postHold(hold: Hold, amountMinor: bigint): TransferAsk {
  return { ...endOf(hold, 'hold_post'), amountMinor }
}

export function releaseHold(hold: Hold): TransferAsk {
  return { ...endOf(hold, 'hold_release'), amountMinor: 0n }
}

/** Refused before its time has come, and always for a promised one. */
export function expireHold(hold: Hold): TransferAsk {
  return { ...endOf(hold, 'hold_expire'), amountMinor: 0n }
}

function endOf(hold: Hold, kind: 'hold_post' | 'hold_release' | 'hold_expire'): TransferAsk {
  return { ...whatIsHeld(hold), id: idOfCause('transfer', hold.id, kind), kind, holdId: hold.id }
}

/** A hold as it is read knows more than a transfer may carry. */
function whatIsHeld({ id, debit, credit, amountMinor, causeKind, causeId }: Hold): Hold {
  return { id, debit, credit, amountMinor, causeKind, causeId }
}

export const holdStates = ['open', 'posted', 'released', 'expired'] as const
export type HoldState = (typeof holdStates)[number]
export type OpenHold = Hold & {
  number: bigint
  expiresAt: Date | null
  promised: boolean
  bookedOn: Day
  recordedAt: Date
}
export type KnownHold = OpenHold & {
  state: HoldState
  /** What moved, when it was posted; the rest was freed. */
  postedMinor: bigint | null
  endedAt: Date | null
}

/** `after` is the number of the last one seen; with `accountIds` only those that touch one of them. */
export type HoldsAsked = { after?: bigint | null; accountIds?: readonly Uuid[] }

/** Holds that nothing has ended yet, oldest first. */
export async function openHolds(tx: Tx, networkId: Uuid, limit: number, asked: HoldsAsked = {}): Promise<OpenHold[]> {
  const after = asked.after ?? null
  const accountIds = asked.accountIds ? [...asked.accountIds] : null
  return tx.$queryRaw<OpenHold[]>`
    select h.id, h.number, h.debit_account_id as debit, h.credit_account_id as credit, h.amount_minor as "amountMinor",
           h.cause_kind as "causeKind", h.cause_id as "causeId", h.hold_expires_at as "expiresAt", h.hold_promised as promised,
           h.booked_on::text as "bookedOn", h.recorded_at as "recordedAt"
      from transfer h
     where h.network_id = ${networkId}::uuid and h.kind = 'hold' and h.number > coalesce(${after}::bigint, 0)
       and (${accountIds}::uuid[] is null or h.debit_account_id = any (${accountIds}::uuid[]) or h.credit_account_id = any (${accountIds}::uuid[]))
       and not exists (select 1 from transfer e where e.network_id = h.network_id and e.hold_id = h.id)
     order by h.number limit ${limit}`
}

/** One hold, and what became of it. */
export async function holdOf(tx: Tx, networkId: Uuid, holdId: Uuid): Promise<KnownHold> {
  // By its id alone: with the kind beside it, the planner may walk through all holds instead.
  const [found] = await tx.$queryRaw<(Omit<KnownHold, 'state'> & { kind: string; endedBy: string | null })[]>`
    select h.kind, h.id, h.number, h.debit_account_id as debit, h.credit_account_id as credit, h.amount_minor as "amountMinor",
           h.cause_kind as "causeKind", h.cause_id as "causeId", h.hold_expires_at as "expiresAt", h.hold_promised as promised,
           h.booked_on::text as "bookedOn", h.recorded_at as "recordedAt", e.kind as "endedBy", e.recorded_at as "endedAt",
           case e.kind when 'hold_post' then e.amount_minor end as "postedMinor"
      from transfer h
      left join transfer e on e.network_id = h.network_id and e.hold_id = h.id
     where h.network_id = ${networkId}::uuid and h.id = ${holdId}::uuid`
  if (found?.kind !== 'hold') throw new Refusal('not_found', { thing: 'hold' })
  const { endedBy, kind: _kind, ...hold } = found
  return { ...hold, state: stateAfter(endedBy) }
}

function stateAfter(endedBy: string | null): HoldState {
  if (endedBy === null) return 'open'
  if (endedBy === 'hold_post') return 'posted'
  return endedBy === 'hold_release' ? 'released' : 'expired'
}

/** Most holds ended in one go; the next round takes the rest. */
const mostExpired = 500

/** Open holds of all networks whose time has come; a promised one has none. */
export async function dueHolds(tx: Tx): Promise<(Hold & { networkId: Uuid })[]> {
  return tx.$queryRaw`
    select h.network_id as "networkId", h.id, h.debit_account_id as debit, h.credit_account_id as credit, h.amount_minor as "amountMinor",
           h.cause_kind as "causeKind", h.cause_id as "causeId"
      from transfer h
     where h.kind = 'hold' and not h.hold_promised and h.hold_expires_at <= quits_now()
       and not exists (select 1 from transfer e where e.network_id = h.network_id and e.hold_id = h.id)
     order by h.hold_expires_at limit ${mostExpired}`
}

/** Ends the holds whose time has come; one that was promised to another ledger waits. A timed task. */
export async function expireHolds(deps: { db: Db; postings: Batch<PostingAsk, PostingVerdict> }): Promise<number> {
  const due = await inTransaction(deps.db, asWorker, dueHolds)
  const verdicts = await Promise.all(
    due.map(({ networkId, ...hold }) =>
      deps.postings.add(networkId, { id: idOfCause('posting', hold.id, 'hold_expire'), transfers: [expireHold(hold)] }),
    ),
  )
  // One that was answered in this very moment is refused, and rightly so.
  return verdicts.filter((verdict) => verdict.ok).length
}
