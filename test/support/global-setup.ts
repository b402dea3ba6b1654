/**
 * One database server for the whole run, gone with it, and in it one migrated database that every test file clones.
 *
 * In that template quits_now() reads a row, so that a test moves the database's clock with Node's.
 */
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { migrate } from '../../src/kit/migrate.ts'
import { isAlive } from '../../src/kit/system.ts'
import { TEMPLATE } from './db.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    clusterUrl: string
    /** A folder that is gone with the run. */
    runHome: string
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await clearKilledRuns()
  const home = join(tmpdir(), `quits-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`)
  const server = await startEmbeddedPostgres({ home, durable: false })
  const tearDown = async () => {
    await server.stop()
    await rm(server.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
  try {
    await makeTemplate(server.url)
  } catch (error) {
    await tearDown()
    throw error
  }
  project.provide('clusterUrl', server.url)
  project.provide('runHome', home)
  return tearDown
}

/** A run that was killed leaves its server behind, named after a process that is no more. */
async function clearKilledRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^quits-test-(\d+)-/.exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    try {
      const left = await startEmbeddedPostgres({ home: join(tmpdir(), name), durable: false })
      await left.stop()
      await rm(left.dataFolder, { recursive: true, force: true })
      await rm(join(tmpdir(), name), { recursive: true, force: true })
    } catch {
      // Another account's, or being cleared by another run at this moment: nothing of ours depends on it.
    }
  }
}

async function makeTemplate(url: string): Promise<void> {
  await withClient(url, (client) => client.query(`create database ${TEMPLATE}`))
  const templateUrl = new URL(url)
  templateUrl.pathname = `/${TEMPLATE}`
  await migrate(templateUrl.href)
  await withClient(templateUrl.href, makeClockMovable)
  await withClient(url, (client) => client.query(`alter database ${TEMPLATE} is_template true allow_connections false`))
}

/** Replaced in place, so that column defaults and functions which name quits_now() follow. */
async function makeClockMovable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ written: string; volatility: string }>(
    `select pg_get_functiondef(oid) as written,
            case provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end as volatility
       from pg_proc where proname = 'quits_now' and pronargs = 0`,
  )
  const original = rows[0]
  if (!original) throw new Error('The migrated database has no quits_now()')
  await client.query(original.written.replace('quits_now', 'quits_machine_now'))
  await client.query(`
    create table quits_test_clock (now timestamptz);
    insert into quits_test_clock values (null);
    grant select on quits_test_clock to public;
    create or replace function public.quits_now() returns timestamptz language sql ${original.volatility}
      as $$ select coalesce((select now from public.quits_test_clock), public.quits_machine_now()) $$;
    grant execute on function public.quits_now(), public.quits_machine_now() to public;`)
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
