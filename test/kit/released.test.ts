/** An installation of the last release can be brought to this version: what it ran stands unchanged, or is included anew. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate, pendingMigrations, readMigrations } from '../../src/kit/migrate.ts'
import { emptyDatabase, type FreshDatabase } from '../support/db.ts'

type Released = ReturnType<typeof readMigrations>[number]
const released: Omit<Released, 'text'>[] = JSON.parse(
  readFileSync(new URL('../../prisma/released.json', import.meta.url), 'utf8'),
)
let database: FreshDatabase
let client: pg.Client
beforeAll(async () => {
  database = await emptyDatabase()
  await migrate(database.url)
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

/** As a database of that release remembers what it has had. */
async function remember(rows: typeof released): Promise<void> {
  await client.query('delete from _prisma_migrations')
  for (const { name, checksum, parts } of rows)
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, logs, started_at, finished_at, applied_steps_count)
       values (gen_random_uuid(), $1, $2, $3, now(), now(), 1)`,
      [checksum, name, JSON.stringify(parts)],
    )
}

test('a database of the last release takes the migrations that came after it, and no others', async () => {
  await remember(released)
  const last = released.at(-1)?.name ?? ''
  const newer = readMigrations().map(({ name }) => name)
  expect(await pendingMigrations(database.url)).toEqual(newer.filter((name) => name > last))
  expect(released.length).toBeGreaterThan(10)
})

test('a released migration that was edited is refused, and so is a changed function that nobody included again', async () => {
  const [first, ...others] = released
  if (!first) throw new Error('nothing is released')
  await remember([{ ...first, checksum: 'other', parts: { ...first.parts, own: 'other' } }, ...others])
  await expect(pendingMigrations(database.url)).rejects.toThrow(`${first.name} has been changed`)

  const all = readMigrations()
  const includer = all.at(-1 - [...all].reverse().findIndex(({ parts }) => Object.keys(parts.includes).length > 0))
  const path = Object.keys(includer?.parts.includes ?? {})[0]
  if (!includer || !path) throw new Error('no migration includes a file')
  const older = { ...includer.parts.includes, [path]: 'other' }
  await remember(
    all.map((one) =>
      one === includer ? { ...one, checksum: 'other', parts: { ...one.parts, includes: older } } : one,
    ),
  )
  await expect(pendingMigrations(database.url)).rejects.toThrow(`${path} has been changed`)
})
