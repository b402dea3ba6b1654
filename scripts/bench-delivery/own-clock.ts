/**
 * The one clock that service, database and stand-ins share while a backlog or an outage is measured: it stands still until the
 * bench moves it, so that an outage of an hour takes no hour.
 */
import pg from 'pg'
import type { Clock } from '../../src/kit/clock.ts'
import { invariant } from '../../src/kit/invariant.ts'

type Held = { clock: { hold(): void; set(iso: string): void; now(): Date } }
export type OwnClock = Clock & {
  moveTo(at: Date): Promise<void>
  end(): Promise<void>
}

/** Holds the time where the first of the stand-ins has it. */
export async function ownClock(databaseUrl: string, standIns: Held[]): Promise<OwnClock> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  await makeMovable(client)
  for (const { clock } of standIns) clock.hold()
  let at = standIns[0]?.clock.now()
  invariant(at, 'nobody shares the clock')
  const own: OwnClock = {
    now: () => new Date((at as Date).getTime()),
    async moveTo(next) {
      at = next
      for (const { clock } of standIns) clock.set(next.toISOString())
      await client.query('update bench_clock set now = $1', [next])
    },
    end: () => client.end(),
  }
  await own.moveTo(at)
  return own
}

/** quits_now() reads a row from now on, in the place of the machine's time. */
async function makeMovable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ volatility: string }>(
    `select case provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end as volatility
       from pg_proc where proname = 'quits_now' and pronargs = 0`,
  )
  invariant(rows[0], 'the database has no quits_now()')
  await client.query(`
    create table bench_clock (now timestamptz not null);
    insert into bench_clock values (now());
    grant select on bench_clock to public;
    create or replace function public.quits_now() returns timestamptz language sql ${rows[0].volatility}
      as 'select now from public.bench_clock'`)
}
