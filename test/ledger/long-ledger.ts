/**
 * A ledger of a million entries, written straight into the tables: one account stands in every transfer, the others take turns.
 * Numbers, versions, balances and what is kept of all days but the last three are right; the hashes are empty.
 */
import pg from 'pg'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'

export const transfers = 500_000
export const days = 730
export const others = 999
export const firstDay = '2024-01-01'
export const longLedgerId = idOfCause('network', 'long')
/** In every transfer: half of all entries are its own. */
export const hotAccount = accountId(0)
export const coolAccount = accountId(7)

function accountId(place: number): Uuid {
  return `00000000-0000-7000-8001-${place.toString(16).padStart(12, '0')}`
}

/** Sells in each odd transfer and buys as much back from the same account in the next one. */
export async function fillLongLedger(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const network = `'${longLedgerId}'::uuid`
  const id = (kind: number, n: string) => `('00000000-0000-7000-800${kind}-' || lpad(to_hex(${n}), 12, '0'))::uuid`
  const day = `date '${firstDay}' + ((n - 1)::bigint * ${days} / ${transfers})::integer`
  const each = `generate_series(1, ${transfers}) n, lateral (select n % 2 = 1 as odd, (n - 1) / 2 as pair) p`
  try {
    // Built whole afterwards, as they were: row by row they would take most of the time.
    const indexes = await client.query<{ name: string; made: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made from pg_index i
        where indrelid in ('transfer'::regclass, 'entry'::regclass) and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid)`,
    )
    await client.query(`set maintenance_work_mem = '256MB'; set work_mem = '256MB'`)
    await client.query(indexes.rows.map(({ name }) => `drop index ${name};`).join(''))
    await client.query(`
      insert into organisation (id, name, legal_form, created_at) values (${network}, 'Long', 'cic', now());
      insert into network (id, slug, name, organisation_id, currency, time_zone, created_at)
        values (${network}, 'long', 'Long', ${network}, 'GBP', 'Europe/London', now());
      insert into account (network_id, id, kind, member_id, opened_at)
        select ${network}, ${id(1, 'n')}, 'member', ${id(2, 'n')}, now() from generate_series(0, ${others}) n;
      insert into transfer (network_id, id, number, posting_id, kind, debit_account_id, credit_account_id, amount_minor, cause_kind,
          cause_id, booked_on, recorded_at, hash)
        select ${network}, ${id(3, 'n')}, n, ${id(4, 'n')}, 'trade', case when odd then other else hot end,
               case when odd then hot else other end, 100, 'trade', ${id(5, 'n')}, ${day},
               timestamptz '${firstDay}' + n * interval '2 minutes', ''
          from ${each}, lateral (select ${id(1, '0')} as hot, ${id(1, `1 + pair % ${others}`)} as other) a;
      insert into entry (network_id, account_id, version, transfer_id, number, amount_minor, before_minor, after_minor, booked_on)
        select ${network}, ${id(1, '0')}, n, ${id(3, 'n')}, n, case when odd then 100 else -100 end,
               case when odd then 0 else 100 end, case when odd then 100 else 0 end, ${day} from ${each};
      insert into entry (network_id, account_id, version, transfer_id, number, amount_minor, before_minor, after_minor, booked_on)
        select ${network}, ${id(1, `1 + pair % ${others}`)}, 2 * (pair / ${others}) + case when odd then 1 else 2 end, ${id(3, 'n')}, n,
               case when odd then -100 else 100 end, case when odd then 0 else -100 end, case when odd then -100 else 0 end, ${day}
          from ${each} order by pair % ${others}, n;
      ${indexes.rows.map(({ made }) => `${made};`).join('')}
      insert into ledger_head (network_id, number, hash, recorded_at, booked_on)
        select ${network}, number, '', recorded_at, booked_on from transfer where network_id = ${network} and number = ${transfers};
      update account a set version = e.version, balance_minor = e.after_minor
        from (select distinct on (account_id) account_id, version, after_minor from entry where network_id = ${network}
               order by account_id, version desc) e
       where a.network_id = ${network} and a.id = e.account_id;
      insert into ledger_day (network_id, day, last_number, transfers, turnover_minor, reversed_minor, in_use_minor)
        select ${network}, ${day}, max(n), count(*), 100 * count(*), 0, max(n) % 2 * 100 from generate_series(1, ${transfers}) n
         group by 2 having min(${day}) < date '${firstDay}' + ${days - 3} order by 2;
      analyze;`)
  } finally {
    await client.end()
  }
}
