/** Is it up, is it ready, and which check says no: told without a secret and in time, whatever hangs. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deps } from '../../src/web/deps.ts'
import { type App, openApp } from '../support/app.ts'
import { serveBeside } from './beside.ts'

let app: App
beforeAll(async () => {
  app = await openApp()
})
afterAll(() => app.end())

async function readyOf(change: Partial<Deps> = {}) {
  const url = await serveBeside({ ...app.deps, ...change })
  const answer = await fetch(`${url}/readyz`)
  const body = (await answer.json()) as { ready: boolean; checks: { name: string; ok: boolean; says: string }[] }
  const no = body.checks.filter((check) => !check.ok).map((check) => check.name)
  return {
    status: answer.status,
    ready: body.ready,
    no,
    names: body.checks.map((check) => check.name),
    text: JSON.stringify(body),
  }
}
/** A database that is not this one: another address, or a pool whose connections are all taken. */
const over = (pool: pg.Pool): Partial<Deps> => ({ db: { ...app.deps.db, pool } })

test('with a database of this schema it is ready, and says what it looked at', async () => {
  expect(await readyOf({ workerAlive: () => true })).toMatchObject({
    status: 200,
    ready: true,
    no: [],
    names: ['draining', 'database', 'schema', 'worker'],
  })
})

test('while it stops it is not ready, though the process is up', async () => {
  const url = await serveBeside({ ...app.deps, ready: () => false })
  const [ready, health] = await Promise.all([fetch(`${url}/readyz`), fetch(`${url}/healthz`)])
  expect([ready.status, health.status, ready.headers.get('connection')]).toEqual([503, 200, 'close'])
  expect(await readyOf({ ready: () => false })).toMatchObject({ status: 503, no: ['draining'] })
})

test('a database that cannot be reached is named, and its address and password are not', async () => {
  const pool = new pg.Pool({ connectionString: 'postgres://clerk:canary-word@127.0.0.1:1/ledger' })
  const found = await readyOf(over(pool))
  await pool.end()
  expect(found).toMatchObject({ status: 503, no: ['database'] })
  expect(found.text).not.toMatch(/canary|clerk|127\.0\.0\.1/)
})

test('when every connection is taken it says so within seconds', async () => {
  const pool = new pg.Pool({ connectionString: app.db.url, max: 1 })
  const taken = await pool.connect()
  const began = performance.now()
  const found = await readyOf(over(pool))
  taken.release()
  expect(found).toMatchObject({ status: 503, no: ['database'] })
  expect(performance.now() - began).toBeLessThan(6_000)
  expect(await readyOf(over(pool))).toMatchObject({ status: 200 })
  await pool.end()
})

test('a database that takes no writes is not ready', async () => {
  const pool = new pg.Pool({ connectionString: app.db.url, options: '-c default_transaction_read_only=on' })
  expect(await readyOf(over(pool))).toMatchObject({ status: 503, no: ['database'] })
  await pool.end()
})

test('a schema older than this version is not ready; a newer one is', async () => {
  const { pool } = app.db
  await pool.query(
    `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('later', 'x', '29991231000000_later', now())`,
  )
  expect(await readyOf()).toMatchObject({ status: 200 })
  await pool.query(`delete from _prisma_migrations where id = 'later'`)

  const newest = (
    await pool.query<{ id: string }>('select id from _prisma_migrations order by migration_name desc limit 1')
  ).rows[0]?.id
  await pool.query('update _prisma_migrations set rolled_back_at = now() where id = $1', [newest])
  expect(await readyOf()).toMatchObject({ status: 503, no: ['schema'] })
  await pool.query('update _prisma_migrations set rolled_back_at = null where id = $1', [newest])
})

test('a worker that takes no turn any more is not ready; where none runs, none is asked for', async () => {
  expect(await readyOf({ workerAlive: () => false })).toMatchObject({ status: 503, no: ['worker'] })
  expect((await readyOf()).names).not.toContain('worker')
})
