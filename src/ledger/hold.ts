/**
 * Holds: transfers that reserve and write no entries, until another transfer posts all or part of them, releases them, or
 * says that they have run out.
 *
 * Keeps: a hold counts in both limits from the moment it stands; what is held can be posted whatever the limits have become.
 */
import type { Batch } from '../kit/batch.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import { idOfCause, type Uuid } from '../kit/ids.ts'
import type { PostingAsk, PostingVerdict, TransferAsk } from './post.ts'

export type Hold = Required<Pick<TransferAsk, 'id' | 'debit' | 'credit' | 'amountMinor' | 'causeKind' | 'causeId'>>

export function holdTransfer(hold: Hold, until: { expiresAt: Date | null; promised: boolean }): TransferAsk {
  return {
    ...hold,
    kind: 'hold',
    ...(until.expiresAt ? { holdExpiresAt: until.expiresAt } : {}),
    holdPromised: until.promised,
  }
}

/** Moves up to what is held; all the rest of it is freed. */
export function postHold(hold: Hold, amountMinor: bigint): TransferAsk {
  return { ...hold, id: idOfCause('transfer', hold.id, 'hold_post'), kind: 'hold_post', holdId: hold.id, amountMinor }
}

export function releaseHold(hold: Hold): TransferAsk {
  return {
    ...hold,
    id: idOfCause('transfer', hold.id, 'hold_release'),
    kind: 'hold_release',
    holdId: hold.id,
    amountMinor: 0n,
  }
}

/** Refused before its time has come, and always for a promised one. */
export function expireHold(hold: Hold): TransferAsk {
  return {
    ...hold,
    id: idOfCause('transfer', hold.id, 'hold_expire'),
    kind: 'hold_expire',
    holdId: hold.id,
    amountMinor: 0n,
  }
}

export type OpenHold = Hold & { expiresAt: Date | null; promised: boolean; recordedAt: Date }

/** Holds that nothing has ended yet, oldest first. */
export async function openHolds(tx: Tx, networkId: Uuid, limit: number): Promise<OpenHold[]> {
  const rows = await tx.$queryRaw<
    {
      id: Uuid
      debit: Uuid
      credit: Uuid
      amount: bigint
      cause_kind: string
      cause_id: Uuid
      expires: Date | null
      promised: boolean
      recorded: Date
    }[]
  >`
    select h.id, h.debit_account_id as debit, h.credit_account_id as credit, h.amount_minor as amount, h.cause_kind, h.cause_id,
           h.hold_expires_at as expires, h.hold_promised as promised, h.recorded_at as recorded
      from transfer h
     where h.network_id = ${networkId}::uuid and h.kind = 'hold'
       and not exists (select 1 from transfer e where e.network_id = h.network_id and e.hold_id = h.id)
     order by h.number limit ${limit}`
  return rows.map((row) => ({
    id: row.id,
    debit: row.debit,
    credit: row.credit,
    amountMinor: row.amount,
    causeKind: row.cause_kind,
    causeId: row.cause_id,
    expiresAt: row.expires,
    promised: row.promised,
    recordedAt: row.recorded,
  }))
}

/** Most holds ended in one go; the next round takes the rest. */
const mostExpired = 500

/** Ends the holds whose time has come; one that was promised to another ledger waits. A timed task. */
export async function expireHolds(deps: { db: Db; postings: Batch<PostingAsk, PostingVerdict> }): Promise<number> {
  const due = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<
      { networkId: Uuid; id: Uuid; debit: Uuid; credit: Uuid; amountMinor: bigint; causeKind: string; causeId: Uuid }[]
    >`
      select h.network_id as "networkId", h.id, h.debit_account_id as debit, h.credit_account_id as credit, h.amount_minor as "amountMinor",
             h.cause_kind as "causeKind", h.cause_id as "causeId"
        from transfer h
       where h.kind = 'hold' and not h.hold_promised and h.hold_expires_at <= quits_now()
         and not exists (select 1 from transfer e where e.network_id = h.network_id and e.hold_id = h.id)
       order by h.hold_expires_at limit ${mostExpired}`,
  )
  const verdicts = await Promise.all(
    due.map(({ networkId, ...hold }) =>
      deps.postings.add(networkId, { id: idOfCause('posting', hold.id, 'hold_expire'), transfers: [expireHold(hold)] }),
    ),
  )
  // One that was answered in this very moment is refused, and rightly so.
  return verdicts.filter((verdict) => verdict.ok).length
}
