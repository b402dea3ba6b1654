/**
 * What an export reads: the accounts once, the transfers by pages.
 *
 * Keeps: the ledger day never runs backwards, so a period is a run of numbers, and its ends are found by halving.
 */
import type pg from 'pg'
import type { Day } from '../../kit/clock.ts'
import type { Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import type { ExportedAccount, ExportedTransfer } from './part.ts'

/** Every account of the network, with its balance before the first day and at the end of the last. */
export async function accountsOf(
  client: pg.PoolClient,
  { networkId, from, to }: { networkId: Uuid; from: Day | null; to: Day | null },
): Promise<Map<Uuid, ExportedAccount>> {
  const { rows } = await client.query(
    `select a.id, a.kind, a.member_id, o.name, coalesce(opening.after_minor, 0)::text as opening,
            case when $3::date is null then a.balance_minor else coalesce(closing.after_minor, 0) end::text as closing
       from account a
       left join member m on m.network_id = a.network_id and m.id = a.member_id
       left join organisation o on o.id = m.organisation_id
       left join lateral (
         select e.after_minor from entry e
          where e.network_id = a.network_id and e.account_id = a.id and e.booked_on < $2::date
          order by e.booked_on desc, e.version desc limit 1) opening on true
       left join lateral (
         select e.after_minor from entry e
          where e.network_id = a.network_id and e.account_id = a.id and e.booked_on <= $3::date
          order by e.booked_on desc, e.version desc limit 1) closing on true
      where a.network_id = $1
      order by a.opened_at, a.id`,
    [networkId, from, to],
  )
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        kind: row.kind,
        memberId: row.member_id,
        name: row.name ?? row.kind.replaceAll('_', ' '),
        openingMinor: BigInt(row.opening),
        closingMinor: BigInt(row.closing),
      },
    ]),
  )
}

/** The number of the last transfer before a day; nought when there is none. */
export async function lastNumberBefore(client: pg.PoolClient, networkId: Uuid, day: Day): Promise<bigint> {
  const head = await client.query('select number::text from ledger_head where network_id = $1', [networkId])
  let [low, high] = [0n, BigInt(head.rows[0]?.number ?? 0)]
  while (low < high) {
    const middle = (low + high + 1n) / 2n
    const { rows } = await client.query(
      'select booked_on < $3::date as is_before from transfer where network_id = $1 and number = $2',
      [networkId, String(middle), day],
    )
    invariant(rows[0], `transfer ${middle} is missing`)
    if (rows[0].is_before) low = middle
    else high = middle - 1n
  }
  return low
}

export async function transfersAfter(
  client: pg.PoolClient,
  asked: {
    networkId: Uuid
    accountId: Uuid | null
    after: bigint
    last: bigint
    limit: number
    accounts: Map<Uuid, ExportedAccount>
  },
): Promise<ExportedTransfer[]> {
  const { networkId, accountId, accounts } = asked
  const { rows } = await client.query(
    `select number::text, id, posting_id, kind, debit_account_id, credit_account_id, amount_minor::text, cause_kind, cause_id,
            reverses_id, hold_id, hold_expires_at, hold_promised, booked_on::text, recorded_at, encode(hash, 'hex') as hash
       from transfer
      where network_id = $1 and number > $2 and number <= $3 ${accountId ? 'and $5::uuid in (debit_account_id, credit_account_id)' : ''}
      order by transfer.number limit $4`,
    [networkId, String(asked.after), String(asked.last), asked.limit, ...(accountId ? [accountId] : [])],
  )
  return rows.map((row) => {
    const [debit, credit] = [accounts.get(row.debit_account_id), accounts.get(row.credit_account_id)]
    invariant(debit && credit, `transfer ${row.id} names an account that is not there`)
    return {
      number: BigInt(row.number),
      id: row.id,
      postingId: row.posting_id,
      kind: row.kind,
      debit,
      credit,
      amountMinor: BigInt(row.amount_minor),
      causeKind: row.cause_kind,
      causeId: row.cause_id,
      reversesId: row.reverses_id,
      holdId: row.hold_id,
      holdExpiresAt: row.hold_expires_at,
      holdPromised: row.hold_promised,
      bookedOn: row.booked_on,
      recordedAt: row.recorded_at,
      hash: row.hash,
    }
  })
}
