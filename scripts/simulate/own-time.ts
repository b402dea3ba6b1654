/**
 * The one clock of a simulation, shared by service, database and vendors: it stands still until it is moved, so that a day takes
 * no day, and nothing that happens hangs on how fast this machine is.
 */
import pg from 'pg'
import type { Clock } from '../../src/kit/clock.ts'
import { invariant } from '../../src/kit/invariant.ts'

type Vendor = { clock: { hold(): void; set(iso: string): void } }
export type OwnTime = Clock & { advance(ms: number): Promise<void> }

/** A Monday in the tax year, on which every simulation begins. */
export const beginsAt = '2026-03-02T09:00:00.000Z'

export async function ownTime(client: pg.Client, vendors: readonly Vendor[]): Promise<OwnTime> {
  let nowMs = Date.parse(beginsAt)
  const tell = async () => {
    const iso = new Date(nowMs).toISOString()
    for (const { clock } of vendors) clock.set(iso)
    await client.query('update simulated_clock set now = $1', [iso])
  }
  const advance = async (ms: number) => {
    nowMs += Math.max(0, Math.ceil(ms))
    await tell()
  }
  for (const { clock } of vendors) clock.hold()
  await tell()
  return { now: () => new Date(nowMs), advance, rest: advance }
}

/** quits_now() reads a row from now on, in the place of the machine's time. */
export async function makeClockMovable(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ volatility: string }>(
      `select case provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end as volatility
         from pg_proc where proname = 'quits_now' and pronargs = 0`,
    )
    invariant(rows[0], 'the database has no quits_now()')
    await client.query(`
      create table simulated_clock (now timestamptz not null);
      insert into simulated_clock values ('${beginsAt}');
      grant select on simulated_clock to public;
      create or replace function public.quits_now() returns timestamptz language sql ${rows[0].volatility}
        as 'select now from public.simulated_clock'`)
  } finally {
    await client.end()
  }
}
