/** A program that migrates is killed in the middle; and a version goes on while the next one changes the schema under it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { migrate, pendingMigrations, readMigrations, schemaVersion } from '../../src/kit/migrate.ts'
import { openHouse } from '../../src/main.ts'
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../support/db.ts'
import { ground, smallWorld } from '../trades/small-world.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const masterKey = '07'.repeat(32)
let half: FreshDatabase
let whole: FreshDatabase
beforeAll(async () => {
  half = await emptyDatabase()
  whole = await freshDatabase()
})
afterAll(async () => {
  await half.drop()
  await whole.drop()
})

async function ask<R extends object>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

/** What stands in a schema, as lines: columns with their kind, functions with their arguments. */
async function standing(url: string): Promise<Map<string, string>> {
  const rows = await ask<{ name: string; kind: string }>(
    url,
    `select 'column ' || table_name || '.' || column_name as name,
            case when is_nullable = 'NO' and column_default is null then 'must be given' else 'may be left out' end as kind
       from information_schema.columns where table_schema = 'public' and table_name not like 'quits_test%'
     union all
     select 'function ' || p.oid::regprocedure::text, 'function'
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'public' and p.proname <> 'quits_machine_now'`,
  )
  return new Map(rows.map(({ name, kind }) => [name, kind]))
}

test('fault 12: a migration killed in the middle leaves nothing of itself, no service starts on what is there, and the next one goes on', async () => {
  const names = readMigrations().map(({ name }) => name)
  const killed = '20261127093000_pauses_and_drops'
  const before = names[names.indexOf(killed) - 1] ?? ''
  await migrate(half.url, { upTo: before })
  // It changes `connection` and `network` first, and then waits for somebody who reads `delivery`.
  const reader = new pg.Client({ connectionString: half.url })
  await reader.connect()
  await reader.query('begin')
  await reader.query('select 1 from delivery limit 1')

  const environment = { DATABASE_URL: half.url, QUITS_MASTER_KEY: masterKey, PUBLIC_URL: 'https://quits.example' }
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/quits.ts', 'migrate'], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...environment },
  })
  const ended = once(child, 'exit')
  for (;;) {
    const [row] = await ask<{ stuck: number }>(
      half.url,
      "select (select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as stuck, pg_sleep(0.05)",
    )
    if (row && row.stuck > 0) break
  }
  child.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
  await reader.query('commit')
  await reader.end()

  expect(await schemaVersion(half.url)).toBe(before)
  expect(await pendingMigrations(half.url)).toEqual(names.slice(names.indexOf(killed)))
  expect([...(await standing(half.url)).keys()].filter((name) => /paused|dropped_with/.test(name))).toEqual([])
  const start = openHouse({ ...readConfig(environment), logLevel: 'silent' })
  await expect(start).rejects.toThrow(/lacks \d+ migrations; run: npm run migrate/)

  expect((await migrate(half.url)).applied).toEqual(names.slice(names.indexOf(killed)))
  expect([...(await standing(half.url))].sort()).toEqual([...(await standing(whole.url))].sort())
}, 120_000)

test('fault 54: from one version to the next nothing that is called or written goes, and nothing new must be given', async () => {
  const database = await emptyDatabase()
  const gone: string[] = []
  const demanded: string[] = []
  let earlier = new Map<string, string>()
  for (const { name } of readMigrations()) {
    await migrate(database.url, { upTo: name })
    const now = await standing(database.url)
    gone.push(...[...earlier.keys()].filter((one) => !now.has(one)))
    const tables = new Set([...earlier.keys()].map((one) => one.split('.')[0]))
    demanded.push(
      ...[...now]
        .filter(([one, kind]) => kind === 'must be given' && tables.has(one.split('.')[0]) && earlier.get(one) !== kind)
        .map(([one]) => one),
    )
    earlier = now
  }
  await database.drop()
  expect(gone).toEqual([])
  expect(demanded).toEqual([])
  // A function's file always shows its newest text, so what is called is held to a list: a name leaves it a version after its last caller.
  expect(called.filter((one) => !earlier.has(`function ${one}`))).toEqual([])
})
const called = [
  'accept_trades(uuid,jsonb)',
  'close_trades(uuid,jsonb)',
  'gather_notices(integer)',
  'keep_refusals(jsonb)',
  'key_holder(bytea)',
  'key_holders(bytea[])',
  'ledger_post(uuid,jsonb)',
  'post_and_promise(uuid,jsonb)',
  'propose_trades(uuid,jsonb)',
  'quits_networks()',
  'quits_now()',
  'quits_organisations()',
  'reverse_trades(uuid,jsonb)',
  'ring_bells(text,jsonb)',
  'take_app_calls(text,integer,integer,boolean)',
  'trade_grounds(jsonb)',
  'wake_lane(uuid)',
  'wake_lanes(uuid[])',
]

test('fault 54: a version that runs goes on trading while the next one migrates, and both find the schema they need', async () => {
  const on = await ground()
  const world = await smallWorld(on, { baker: {}, mill: {} })
  const trade = () => world.sale('mill', 'baker', { net: 1_000n })
  const folder = mkdtempSync(join(tmpdir(), 'quits-next-'))
  try {
    for (const part of ['prisma/migrations', 'src'])
      cpSync(join(root, part), join(folder, part), {
        recursive: true,
        filter: (path) => !/prisma-client/.test(path) && (/\.sql$/.test(path) || !/\.\w+$/.test(path)),
      })
    const next = join(folder, 'prisma', 'migrations', '20991231000000_next')
    mkdirSync(next)
    const functions = ['src/ledger/post.sql', 'src/outbox/enqueue.sql', 'src/trades/record-trade.sql']
    const added = 'alter table trade add column rated text;\nalter table delivery add column seen_at timestamptz;\n'
    writeFileSync(join(next, 'migration.sql'), added + functions.map((path) => `\n-- include ${path}\n`).join(''))
    const first = await trade()
    const [, during] = await Promise.all([
      migrate(on.db.url, { root: pathToFileURL(`${folder}/`) }),
      Promise.all(Array.from({ length: 8 }, trade)),
    ])
    const last = await trade()
    expect([first, ...during, last].map(({ state }) => state)).toEqual(Array(10).fill('accepted'))
    expect(await schemaVersion(on.db.url)).toBe('20991231000000_next')
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await on.end()
  }
})
