import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate, pendingMigrations, readMigrations, schemaVersion } from '../../src/kit/migrate.ts'
import { emptyDatabase, type FreshDatabase, freshDatabase, setDatabaseClock } from '../support/db.ts'

const FIRST = '20260101000000_first'
const SECOND = '20260102000000_second'
let folder: string
let root: URL
let database: FreshDatabase

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quits-migrations-'))
  root = pathToFileURL(`${folder}/`)
  database = await emptyDatabase()
  await mkdir(join(folder, 'src', 'ledger'), { recursive: true })
  await write('src/ledger/one.sql', 'create or replace function one() returns int language sql as $$ select 1 $$;\n')
  await migration(FIRST, 'create table shelf (id int primary key);\n-- include src/ledger/one.sql\n')
})

afterEach(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

test('migrations run in order, each once, with the files that they include', async () => {
  await migration(SECOND, 'insert into shelf values (one());')
  expect(await schemaVersion(database.url)).toBeNull()
  expect(await pendingMigrations(database.url, { root })).toEqual([FIRST, SECOND])

  expect(await migrate(database.url, { root })).toEqual({ applied: [FIRST, SECOND] })

  expect(await ask('select id from shelf')).toEqual([{ id: 1 }])
  expect(await migrate(database.url, { root })).toEqual({ applied: [] })
  expect(await schemaVersion(database.url)).toBe(SECOND)
  expect(await pendingMigrations(database.url, { root })).toEqual([])
})

test('each is recorded in Prisma’s table with the checksum of what ran', async () => {
  await migrate(database.url, { root })
  const recorded = await ask(
    `select migration_name, checksum, applied_steps_count, finished_at >= started_at as is_finished, rolled_back_at from _prisma_migrations`,
  )
  const checksum = readMigrations(root)[0]?.checksum
  expect(checksum).toMatch(/^[0-9a-f]{64}$/)
  expect(recorded).toEqual([
    { migration_name: FIRST, checksum, applied_steps_count: 1, is_finished: true, rolled_back_at: null },
  ])
})

test('two that migrate at once apply each migration once', async () => {
  const both = await Promise.all([migrate(database.url, { root }), migrate(database.url, { root })])
  expect(both.flatMap((outcome) => outcome.applied)).toEqual([FIRST])
})

test('a migration that fails leaves nothing of itself, keeps those before it, and names its line', async () => {
  await migration(SECOND, 'create table box (id int);\n\ninsert into nowhere values (1);')
  await expect(migrate(database.url, { root })).rejects.toThrow(/second failed and was undone.*42P01.*line 3: nowhere/s)
  expect(await schemaVersion(database.url)).toBe(FIRST)
  expect(await ask("select to_regclass('box') as box")).toEqual([{ box: null }])
})

test('an applied migration that was changed is refused', async () => {
  await migrate(database.url, { root })
  await migration(FIRST, 'create table shelf (id int primary key, name text);\n-- include src/ledger/one.sql\n')
  await expect(migrate(database.url, { root })).rejects.toThrow('first has been changed since it was applied')
})

test('a changed function is refused until a newer migration includes it again', async () => {
  await migrate(database.url, { root })
  await write('src/ledger/one.sql', 'create or replace function one() returns int language sql as $$ select 11 $$;\n')
  await expect(migrate(database.url, { root })).rejects.toThrow('src/ledger/one.sql has been changed since')

  await migration(SECOND, '-- include src/ledger/one.sql\n')

  expect(await migrate(database.url, { root })).toEqual({ applied: [SECOND] })
  expect(await ask('select one()')).toEqual([{ one: 11 }])
})

test('a database of a newer version is refused', async () => {
  await migration(SECOND, 'select 1;')
  await migrate(database.url, { root })
  await rm(join(folder, 'prisma', 'migrations', SECOND), { recursive: true })
  await expect(migrate(database.url, { root })).rejects.toThrow('belongs to a newer version')
  await expect(pendingMigrations(database.url, { root })).rejects.toThrow('belongs to a newer version')
})

test('a migration stamped before what the database has had is refused', async () => {
  await migrate(database.url, { root })
  await migration('20250101000000_late', 'select 1;')
  await expect(migrate(database.url, { root })).rejects.toThrow('Give it a later stamp')
})

test('an include of a file that is not there is refused before anything runs', async () => {
  await migration(SECOND, '-- include src/ledger/two.sql\n')
  await expect(migrate(database.url, { root })).rejects.toThrow('includes src/ledger/two.sql')
  expect(await schemaVersion(database.url)).toBeNull()
})

test('a login that may not create roles is given the SQL for someone who may', async () => {
  const clerk = `clerk_${folder.slice(-6).toLowerCase().replace(/\W/g, '_')}`
  await ask(
    `create role ${clerk} login password 'clerk'; grant all on database ${new URL(database.url).pathname.slice(1)} to ${clerk}; grant all on schema public to ${clerk}`,
  )
  try {
    const url = new URL(database.url)
    url.username = clerk
    url.password = 'clerk'
    await expect(migrate(url.href, { root })).rejects.toThrow(
      new RegExp(`grant quits_app to "?${clerk}"?;\\ngrant quits_writer`),
    )

    await ask(`grant quits_app, quits_writer, quits_worker to ${clerk}`)

    expect(await migrate(url.href, { root })).toEqual({ applied: [FIRST] })
  } finally {
    await ask(`drop owned by ${clerk} cascade; drop role ${clerk}`)
  }
})

test('the product’s own migrations run on an empty database', async () => {
  const { applied } = await migrate(database.url)
  expect(applied.length).toBeGreaterThan(0)
  expect(await pendingMigrations(database.url)).toEqual([])
})

test('a test moves the database’s clock and lets it run again', async () => {
  const own = await freshDatabase()
  const now = async () => ((await ask('select quits_now() as now', own.url))[0] as { now: Date }).now
  await setDatabaseClock(own.url, new Date('2031-05-06T07:08:09Z'))
  expect((await now()).toISOString()).toBe('2031-05-06T07:08:09.000Z')
  await setDatabaseClock(own.url, null)
  expect((await now()).getFullYear()).not.toBe(2031)
  await own.drop()
})

async function write(path: string, text: string): Promise<void> {
  await writeFile(join(folder, path), text)
}

async function migration(name: string, text: string): Promise<void> {
  await mkdir(join(folder, 'prisma', 'migrations', name), { recursive: true })
  await write(`prisma/migrations/${name}/migration.sql`, text)
}

async function ask(text: string, url = database.url): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
