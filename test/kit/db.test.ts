/** Transactions name who works, and end in time. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction, openDb, withConnection } from '../../src/kit/db.ts'
import { type FreshDatabase, freshDatabase } from '../support/db.ts'

let fresh: FreshDatabase
let db: Db
beforeAll(async () => {
  fresh = await freshDatabase()
  db = openDb(fresh.url, { connections: 2 })
})
afterAll(async () => {
  await db.close()
  await fresh.drop()
})

const settings = `select current_setting('role') as role, current_setting('statement_timeout') as timeout`

test('a statement that takes longer than its transaction may is ended by the database too', async () => {
  const slow = inTransaction(db, asWorker, (tx) => tx.$queryRaw`select pg_sleep(20)::text`, 300)
  await expect(slow).rejects.toThrow()
  const { rows } = await db.apart.query(
    `select count(*)::int as left from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' and pid <> pg_backend_pid()`,
  )
  expect(rows[0].left).toBe(0)
})

test('role and limits end with their transaction', async () => {
  const inside = await inTransaction(db, asWorker, (tx) => tx.$queryRawUnsafe<object[]>(settings), 4_000)
  expect(inside).toEqual([{ role: 'quits_worker', timeout: '4s' }])
  const posting = await withConnection(db.writer, { role: 'writer', network: '' }, (client) => client.query(settings))
  expect(posting.rows).toEqual([{ role: 'quits_writer', timeout: '2min' }])
  for (const pool of [db.pool, db.writer])
    expect((await pool.query(settings)).rows).toEqual([{ role: 'none', timeout: '0' }])
})
