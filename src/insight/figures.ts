/**
 * The whole installation in numbers, as the database has it now: what waits and how long, what disagrees, what did not run.
 *
 * Keeps: counted, never named: nobody's book, trade or amount can be told from it. Each reading is cut off when it takes too long.
 */
import { asWorker, type Db, withConnection } from '../kit/db.ts'

export type Figures = {
  deliveries: { state: string; kind: string; age: string; count: number; oldestSeconds: number }[]
  connections: { vendor: string; state: string; count: number }[]
  discrepancies: { kind: string; count: number }[]
  driftingBooks: number
  reconciliationOldestSeconds: number
  auditsBroken: number
  bells: { waiting: number; oldestSeconds: number }
  silent: { vendor: string; seconds: number }[]
  mail: { waiting: number; oldestSeconds: number }
  tasks: { name: string; lastSuccessAt: number }[]
}

const longestReadingMs = 3_000

/** As `outbox/ready.ts` asks it: without a live, mapped connection it is held; what waits for a person's yes is asked for. */
const deliveries = `
  with open as (
    select d.network_id, d.organisation_id, d.trade_id, d.kind, d.state, d.promised_at from delivery d where d.state in ('waiting', 'sending')
    union all
    select d.network_id, d.organisation_id, d.trade_id, d.kind, d.state, d.promised_at from delivery d where d.state = 'parked'),
  told as (
    select o.kind, extract(epoch from quits_now() - o.promised_at)::float8 as age,
           case when o.state <> 'waiting' then o.state
                when m.connection_id is null then 'held'
                when c.ask_first is not null and c.yes_given >= c.ask_first then 'waiting'
                when o.kind <> 'contact' and (o.trade_id is null or a.trade_id is not null) then 'waiting'
                else 'asked_for' end as state
      from open o
      left join connection c on c.organisation_id = o.organisation_id and c.state = 'live'
      left join mapping m on m.connection_id = c.id and m.network_id = o.network_id and m.confirmed_at is not null
      left join approval a on a.network_id = o.network_id and a.trade_id = o.trade_id and a.organisation_id = o.organisation_id)
  select state, kind, count(*)::float8 as count, max(age) as "oldestSeconds",
         case when age < 60 then 'under_1m' when age < 600 then 'under_10m' when age < 3600 then 'under_1h' when age < 86400 then 'under_1d' else 'over_1d' end as age
    from told group by 1, 2, 5`

const connections = `select kind as vendor, state, count(*)::float8 as count from connection where state <> 'ended' group by 1, 2`

const discrepancies = `select kind, count(*)::float8 as count from discrepancy where state = 'open' group by 1`

/** Each live book in each network it is mapped for: its last good comparison. One that was never compared waits since it was mapped. */
const reconciliations = `
  select count(*) filter (where r.drift_minor <> 0)::float8 as drifting,
         coalesce(max(extract(epoch from quits_now() - coalesce(r.ended_at, m.confirmed_at))), 0)::float8 as oldest
    from connection c
    join mapping m on m.connection_id = c.id and m.confirmed_at is not null
    left join lateral (
      select x.drift_minor, x.ended_at from reconciliation x
       where x.network_id = m.network_id and x.organisation_id = c.organisation_id and x.connection_id = c.id and x.state = 'done'
       order by x.started_at desc limit 1) r on true
   where c.state = 'live'`

const audits = `
  select count(*)::float8 as broken from network n
   cross join lateral (select r.holds from audit_run r where r.network_id = n.id order by r.ran_at desc limit 1) last
   where not last.holds`

const waiting = (table: string, since: string, which: string) =>
  `select count(*)::float8 as waiting, coalesce(max(extract(epoch from quits_now() - ${since})), 0)::float8 as "oldestSeconds" from ${table} where ${which}`

/** A vendor that never rang is one whose bells nobody asked for. */
const silent = `
  select c.kind as vendor, extract(epoch from quits_now() - last.received_at)::float8 as seconds
    from (select distinct kind from connection where state = 'live') c
   cross join lateral (select b.received_at from bell b where b.kind = c.kind order by b.received_at desc limit 1) last`

/** Name by name, and of each only its newest rows: the table grows by a row each minute. */
const tasks = `
  with recursive named as (
    (select name from timed_task order by name limit 1)
    union all
    select (select t.name from timed_task t where t.name > named.name order by t.name limit 1) from named where named.name is not null)
  select named.name, extract(epoch from last.ended_at)::float8 as "lastSuccessAt"
    from named
   cross join lateral (
      select t.ended_at from timed_task t
       where t.name = named.name and t.ended_at is not null and t.outcome not like 'failed:%' order by t.due_at desc limit 1) last`

export async function figuresOf(db: Pick<Db, 'pool'>): Promise<Figures> {
  return withConnection(db.pool, asWorker, async (client) => {
    await client.query(`set local statement_timeout = ${longestReadingMs}`)
    const rows = async <R extends object>(text: string): Promise<R[]> => (await client.query<R>(text)).rows
    const one = async <R extends object>(text: string): Promise<R> => (await rows<R>(text))[0] as R
    const compared = await one<{ drifting: number; oldest: number }>(reconciliations)
    return {
      deliveries: await rows(deliveries),
      connections: await rows(connections),
      discrepancies: await rows(discrepancies),
      driftingBooks: compared.drifting,
      reconciliationOldestSeconds: compared.oldest,
      auditsBroken: (await one<{ broken: number }>(audits)).broken,
      bells: await one(waiting('bell', 'received_at', 'answered_at is null')),
      silent: await rows(silent),
      mail: await one(waiting('mail', 'made_at', 'sent_at is null and failed is null')),
      tasks: await rows(tasks),
    }
  })
}
