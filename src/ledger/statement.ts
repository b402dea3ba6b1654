/**
 * A statement: the entries of one account in a period, with opening and closing balance, now or at any ledger day.
 *
 * Keeps: `booked_on` never runs backwards in a network, so the balance of a day is the last entry on or before it.
 */
import { type Day, dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'

export type StatementEntry = {
  version: bigint
  number: bigint
  transferId: Uuid
  postingId: Uuid
  kind: string
  causeKind: string
  causeId: Uuid
  /** The other account of the transfer. */
  otherAccountId: Uuid
  amountMinor: bigint
  beforeMinor: bigint
  afterMinor: bigint
  bookedOn: Day
  recordedAt: Date
}
export type Statement = {
  from: Day | null
  to: Day | null
  openingMinor: bigint
  closingMinor: bigint
  entries: StatementEntry[]
  /** Ask again with this to read on; null at the end. */
  next: bigint | null
}

/** The balance at the end of a ledger day; of now, when no day is given. */
export async function balanceOn(tx: Tx, networkId: Uuid, accountId: Uuid, day: Day | null): Promise<bigint> {
  const rows = await tx.$queryRaw<{ after: bigint }[]>`
    select after_minor as after from entry
     where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid
       and (${day}::date is null or booked_on <= ${day}::date)
     order by booked_on desc, version desc limit 1`
  return rows[0]?.after ?? 0n
}

export async function statement(
  tx: Tx,
  ask: { networkId: Uuid; accountId: Uuid; from: Day | null; to: Day | null; after: bigint | null; limit: number },
): Promise<Statement> {
  const { networkId, accountId, from, to } = ask
  const rows = await tx.$queryRaw<Row[]>`
    select e.version, e.number, e.transfer_id, e.amount_minor, e.before_minor, e.after_minor, e.booked_on,
           t.posting_id, t.kind, t.cause_kind, t.cause_id, t.debit_account_id, t.credit_account_id, t.recorded_at
      from entry e join transfer t on t.network_id = e.network_id and t.id = e.transfer_id
     where e.network_id = ${networkId}::uuid and e.account_id = ${accountId}::uuid and e.version > ${ask.after ?? 0n}::bigint
       and (${from}::date is null or e.booked_on >= ${from}::date) and (${to}::date is null or e.booked_on <= ${to}::date)
     order by e.version limit ${ask.limit + 1}`
  const entries = rows.slice(0, ask.limit).map(entryOf)
  return {
    from,
    to,
    openingMinor: from === null ? 0n : await balanceBefore(tx, networkId, accountId, from),
    closingMinor: await balanceOn(tx, networkId, accountId, to),
    entries,
    next: rows.length > ask.limit ? (entries.at(-1)?.version ?? null) : null,
  }
}

async function balanceBefore(tx: Tx, networkId: Uuid, accountId: Uuid, day: Day): Promise<bigint> {
  const rows = await tx.$queryRaw<{ after: bigint }[]>`
    select after_minor as after from entry
     where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid and booked_on < ${day}::date
     order by booked_on desc, version desc limit 1`
  return rows[0]?.after ?? 0n
}

type Row = {
  version: bigint
  number: bigint
  transfer_id: Uuid
  amount_minor: bigint
  before_minor: bigint
  after_minor: bigint
  booked_on: Date
  posting_id: Uuid
  kind: string
  cause_kind: string
  cause_id: Uuid
  debit_account_id: Uuid
  credit_account_id: Uuid
  recorded_at: Date
}

function entryOf(row: Row): StatementEntry {
  return {
    version: row.version,
    number: row.number,
    transferId: row.transfer_id,
    postingId: row.posting_id,
    kind: row.kind,
    causeKind: row.cause_kind,
    causeId: row.cause_id,
    otherAccountId: row.amount_minor > 0n ? row.debit_account_id : row.credit_account_id,
    amountMinor: row.amount_minor,
    beforeMinor: row.before_minor,
    afterMinor: row.after_minor,
    bookedOn: dayOf(row.booked_on),
    recordedAt: row.recorded_at,
  }
}
