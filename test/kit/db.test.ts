/** Transactions name who works, and end in time. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, callAlone, type Db, inTransaction, openDb, withConnection } from '../../src/kit/db.ts'
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
  expect((await db.pool.query(settings)).rows).toEqual([{ role: 'none', timeout: '0' }])
  // A lone statement cannot limit itself, so whoever posts is limited for good.
  expect((await db.writer.query(settings)).rows).toEqual([{ role: 'none', timeout: '2min' }])
})

test('a call alone takes the role and the limits with it, and a failed one leaves its connection as it was', async () => {
  const writer = { role: 'writer', network: '' } as const
  const inside = `current_setting('role') || ' ' || current_setting('statement_timeout') || ' ' || $1`
  expect(await callAlone(db, writer, inside, ['asked'])).toBe('quits_writer 2min asked')
  await expect(callAlone(db, writer, '1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' })
  await expect(callAlone(db, writer, 'no_such_function($1)', [0])).rejects.toMatchObject({ code: '42883' })
  expect((await db.writer.query(settings)).rows).toEqual([{ role: 'none', timeout: '2min' }])
  expect(db.writer.totalCount).toBe(1)
  expect(await callAlone(db, writer, inside, ['again'])).toBe('quits_writer 2min again')
})

test('a call whose connection is lost gives it up, and the next one has another', async () => {
  const writer = { role: 'writer', network: '' } as const
  await db.pool.query(`create or replace function end_myself(text) returns int language plpgsql security definer as $$
    begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return 1; end $$`)
  await expect(callAlone(db, writer, 'end_myself($1)', [''])).rejects.toThrow()
  expect(await callAlone(db, writer, `current_setting('role') || $1`, ['!'])).toBe('quits_writer!')
})

test('calls of one network that are under way at once share a connection and keep their order; another network has its own', async () => {
  const [one, other] = ['1', '2'].map((end) => `00000000-0000-4000-8000-00000000000${end}`) as [string, string]
  await db.pool.query(`create sequence turn; grant usage on sequence turn to public;
    create function my_turn(text) returns json language plpgsql as $$
    begin perform pg_sleep($1::numeric); return json_build_array(pg_backend_pid(), nextval('turn')); end $$`)
  const ask = (network: string, seconds: string) =>
    callAlone<[number, number]>(db, { role: 'writer', network }, 'my_turn($1)', [seconds])
  const fails = callAlone(db, { role: 'writer', network: one }, '1 / $1::int', [0])
  const [slow, , quick, elsewhere] = await Promise.all([
    ask(one, '0.2'),
    expect(fails).rejects.toMatchObject({ code: '22012' }),
    ask(one, '0'),
    ask(other, '0'),
  ])
  expect(quick).toEqual([slow[0], slow[1] + 1])
  expect(elsewhere[0]).not.toBe(slow[0])
  expect(elsewhere[1]).toBeLessThan(slow[1])
  expect([db.lines.size, db.writer.idleCount]).toEqual([0, db.writer.totalCount])
})

test('a connection that is lost is lost to all whose calls were on it, and to nobody who asks later', async () => {
  const writer = { role: 'writer', network: '' } as const
  const both = [callAlone(db, writer, 'end_myself($1)', ['']), callAlone(db, writer, '$1::int', [1])]
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await callAlone(db, writer, '$1::int', [2])).toBe(2)
})

test('a call that fails after it wrote has written nothing', async () => {
  await db.pool.query(`create function write_and_fail(text) returns int language plpgsql as $$
    begin insert into person (id, email, created_at) values (gen_random_uuid(), $1, now()); return 1 / 0; end $$`)
  await expect(callAlone(db, asWorker, 'write_and_fail($1)', ['ada@example.org'])).rejects.toMatchObject({
    code: '22012',
  })
  expect((await db.pool.query('select email from person')).rows).toEqual([])
})
