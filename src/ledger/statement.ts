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
  return (await lastEntry(tx, networkId, accountId, day === null ? null : { day, orBefore: true })).afterMinor
}

/**
 * One page. The period's days are turned into a range of the account's versions first, since both run the same way: a page in the
 * middle of a long account costs what the first one does. `after`: the version of the last entry seen, in either direction.
 */
export async function statement(
  tx: Tx,
  ask: {
    networkId: Uuid
    accountId: Uuid
    from: Day | null
    to: Day | null
    after: bigint | null
    limit: number
    newestFirst?: boolean
  },
): Promise<Statement> {
  const { networkId, accountId, from, to, after, newestFirst = false } = ask
  const opens = from === null ? noEntry : await lastEntry(tx, networkId, accountId, { day: from, orBefore: false })
  const closes = await lastEntry(tx, networkId, accountId, to === null ? null : { day: to, orBefore: true })
  const above = after !== null && !newestFirst && after > opens.version ? after : opens.version
  const upTo = after !== null && newestFirst && after <= closes.version ? after - 1n : closes.version
  const range = { networkId, accountId, above, upTo, limit: ask.limit + 1 }
  const rows = above >= upTo ? [] : newestFirst ? await newest(tx, range) : await oldest(tx, range)
  const entries = rows.slice(0, ask.limit).map(entryOf)
  return {
    from,
    to,
    openingMinor: opens.afterMinor,
    closingMinor: closes.afterMinor,
    entries,
    next: rows.length > ask.limit ? (entries.at(-1)?.version ?? null) : null,
  }
}

type LastEntry = { version: bigint; afterMinor: bigint }
const noEntry: LastEntry = { version: 0n, afterMinor: 0n }

/** The last entry of an account, or the last one on or before a day, or the last one before it. */
async function lastEntry(
  tx: Tx,
  networkId: Uuid,
  accountId: Uuid,
  by: { day: Day; orBefore: boolean } | null,
): Promise<LastEntry> {
  const rows =
    by === null
      ? await tx.$queryRaw<LastEntry[]>`
          select version, after_minor as "afterMinor" from entry
           where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid
           order by version desc limit 1`
      : by.orBefore
        ? await tx.$queryRaw<LastEntry[]>`
            select version, after_minor as "afterMinor" from entry
             where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid and booked_on <= ${by.day}::date
             order by booked_on desc, version desc limit 1`
        : await tx.$queryRaw<LastEntry[]>`
            select version, after_minor as "afterMinor" from entry
             where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid and booked_on < ${by.day}::date
             order by booked_on desc, version desc limit 1`
  return rows[0] ?? noEntry
}

type Range = { networkId: Uuid; accountId: Uuid; above: bigint; upTo: bigint; limit: number }

function oldest(tx: Tx, range: Range): Promise<Row[]> {
  const { networkId, accountId, above, upTo, limit } = range
  return tx.$queryRaw<Row[]>`
    select e.version, e.number, e.transfer_id, e.amount_minor, e.before_minor, e.after_minor, e.booked_on,
           t.posting_id, t.kind, t.cause_kind, t.cause_id, t.debit_account_id, t.credit_account_id, t.recorded_at
      from (select * from entry where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid
               and version > ${above}::bigint and version <= ${upTo}::bigint
             order by version limit ${limit}) e
      join transfer t on t.network_id = e.network_id and t.id = e.transfer_id
     order by e.version`
}

function newest(tx: Tx, range: Range): Promise<Row[]> {
  const { networkId, accountId, above, upTo, limit } = range
  return tx.$queryRaw<Row[]>`
    select e.version, e.number, e.transfer_id, e.amount_minor, e.before_minor, e.after_minor, e.booked_on,
           t.posting_id, t.kind, t.cause_kind, t.cause_id, t.debit_account_id, t.credit_account_id, t.recorded_at
      from (select * from entry where network_id = ${networkId}::uuid and account_id = ${accountId}::uuid
               and version > ${above}::bigint and version <= ${upTo}::bigint
             order by version desc limit ${limit}) e
      join transfer t on t.network_id = e.network_id and t.id = e.transfer_id
     order by e.version desc`
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
