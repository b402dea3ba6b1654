/**
 * A database that restarts, cuts connections, tears transactions apart, is full, takes no writes or has no connection left: the
 * service says so, accepts nothing it could lose, and goes on by itself.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, inTransaction, openDb } from '../../src/kit/db.ts'
import { type ApiWorld, apiWorld, saleOf } from '../support/api-world.ts'
import { serveBeside } from '../web/beside.ts'

let world: ApiWorld
let admin: pg.Client
beforeAll(async () => {
  world = await apiWorld()
  admin = new pg.Client({ connectionString: world.app.db.url })
  admin.on('error', () => undefined)
  await admin.connect()
}, 60_000)
afterAll(async () => {
  await admin.end()
  await world.end()
})

const database = () => new URL(world.app.db.url).pathname.slice(1)
/** As when the server restarts: every session but the one that looks on ends, whatever it is at. */
const endSessions = () =>
  admin.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
const ready = async () => {
  const answer = await fetch(`${world.app.url}/readyz`)
  const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean }[] }
  return { status: answer.status, no: checks.filter((check) => !check.ok).map((check) => check.name) }
}
const proposing = (amount: string) => {
  const { avon, mill, bakery } = world
  const said = { body: saleOf(mill, bakery, amount), idempotencyKey: randomUUID() }
  return () => mill.owner(`POST ${avon.path}/trades`, said)
}
const balance = async () => (await world.bakery.owner(`GET ${world.bakery.path}/account`)).body.balance.amount

test('fault 50: connections cut while acceptances are under way: each is done or told 503, and sent again it is done once', async () => {
  const { avon, bakery } = world
  const proposed = await Promise.all(Array.from({ length: 6 }, (_, place) => proposing(`${100 + place}`)()))
  expect(proposed.map((one) => one.status)).toEqual(proposed.map(() => 201))
  const before = BigInt(await balance())
  const accept = proposed.map((one) => {
    const said = { body: {}, idempotencyKey: randomUUID() }
    return () => bakery.owner(`POST ${avon.path}/trades/${one.body.id}/accept`, said)
  })
  // All of them stand in the middle of their transaction.
  await admin.query('begin')
  await admin.query('lock table transfer in access exclusive mode')
  const first = accept.map((one) => one())
  await until(async () => {
    const { rows } = await admin.query(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    return rows.length > 0
  })
  expect((await endSessions()).rows.length).toBeGreaterThan(0)
  await admin.query('rollback')
  for (const answer of await Promise.all(first)) {
    expect([200, 503]).toContain(answer.status)
    if (answer.status === 503)
      expect([answer.body.code, answer.headers.get('retry-after')]).toEqual(['database_away', '1'])
  }

  const again = await Promise.all(accept.map((one) => one()))
  expect(again.map((one) => one.status)).toEqual(again.map(() => 200))
  expect(BigInt(await balance())).toBe(before - 615n)
  expect((await avon.convener(`POST ${avon.path}/ledger/audits`)).body.holds).toBe(true)
})

test('fault 50: connections cut after the commit, before our answer: sent again, it hears what was done', async () => {
  const propose = proposing('77')
  const first = propose()
  const second = propose()
  await endSessions()
  const answers = await Promise.all([first, second])
  for (const answer of answers) expect([201, 409, 503]).toContain(answer.status)
  const [one, other] = [await propose(), await propose()]
  expect([one.status, other.status, one.body.id]).toEqual([201, 201, other.body.id])
  const { rows } = await admin.query(
    'select count(*) as made from trade where id in (select id from trade where net_minor = 77)',
  )
  expect(rows[0].made).toBe('1')
})

test('fault 51: of two transactions in a deadlock the one that is torn apart is done again, whole', async () => {
  const { db } = world.app.deps
  const [one, other] = (await admin.query<{ id: string }>('select id from organisation order by id limit 2')).rows
  await admin.query(`alter database ${database()} set deadlock_timeout = '20ms'`)
  await endSessions()
  let met = 0
  const tries: string[] = []
  const both = (name: string, first: string, second: string) =>
    inTransaction(db, asWorker, async (tx) => {
      tries.push(name)
      await tx.$queryRaw`select id from organisation where id = ${first}::uuid for update`
      met += 1
      await until(async () => met >= 2)
      await tx.$queryRaw`select id from organisation where id = ${second}::uuid for update`
      return name
    })
  const done = await Promise.all([
    both('one', one?.id ?? '', other?.id ?? ''),
    both('other', other?.id ?? '', one?.id ?? ''),
  ])
  expect(done).toEqual(['one', 'other'])
  expect(tries).toHaveLength(3)
})

test('fault 51: a serialization failure is retried a few times, in the posting path too, and then told', async () => {
  const { avon, bakery } = world
  await admin.query(`
    create sequence torn;
    create function tear() returns trigger language plpgsql security definer as $$
      begin if nextval('public.torn') <= 2 then raise exception 'torn apart' using errcode = '40001'; end if; return new; end $$;
    create trigger tears before insert on transfer for each row execute function tear()`)
  const proposed = await proposing('55')()
  const said = { body: {}, idempotencyKey: randomUUID() }
  const accepted = await bakery.owner(`POST ${avon.path}/trades/${proposed.body.id}/accept`, said)
  expect(accepted.status).toBe(200)
  await admin.query('drop trigger tears on transfer')

  let tries = 0
  const never = inTransaction(world.app.deps.db, asWorker, (tx) => {
    tries += 1
    return tx.$executeRaw`do $$ begin raise exception 'torn apart' using errcode = '40001'; end $$`
  })
  await expect(never).rejects.toThrow()
  expect(tries).toBe(4)
})

test('fault 52: a database that takes no writes turns /readyz red and refuses a POST; it recovers by itself, and the same key works', async () => {
  const propose = proposing('88')
  await admin.query(`alter database ${database()} set default_transaction_read_only = on`)
  await endSessions()
  await until(async () => (await ready()).status === 503)
  expect((await ready()).no).toEqual(['database'])
  const refused = await propose()
  expect([refused.status, refused.body.code]).toEqual([503, 'database_away'])
  await admin.query('set transaction_read_only = off')
  await admin.query(`alter database ${database()} reset default_transaction_read_only`)
  await endSessions()
  await until(async () => (await ready()).status === 200)
  expect((await propose()).status).toBe(201)
})

test('fault 52: a disk that is full refuses what would be written, loses nothing, and once there is room the same key works', async () => {
  await admin.query(`
    create function no_room() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
    create trigger full_disk before insert on trade for each row execute function no_room()`)
  const propose = proposing('99')
  const refused = await propose()
  expect([refused.status, refused.body.code]).toEqual([503, 'database_away'])
  expect(refused.text).not.toContain('device')
  await admin.query('drop trigger full_disk on trade')
  expect((await propose()).status).toBe(201)
})

test('fault 52: without a free connection /readyz is red and a POST is refused instead of waiting for ever; freed, all goes on', async () => {
  const db = openDb(world.app.db.url, { connections: 2, waitMs: 200 })
  const url = await serveBeside({ ...world.app.deps, db })
  const key = await world.app.key({ role: 'operator' })
  const post = () =>
    fetch(`${url}/v1/networks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': 'crowded' },
      body: '{}',
    })
  const taken = [await db.pool.connect(), await db.pool.connect()]
  const [readiness, posted] = await Promise.all([fetch(`${url}/readyz`), post()])
  expect([readiness.status, posted.status]).toEqual([503, 503])
  for (const client of taken) client.release()
  expect([(await fetch(`${url}/readyz`)).status, (await post()).status]).toEqual([200, 400])
  await db.close()
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < 500; looks += 1) {
    if (await holds()) return
    await new Promise((done) => setTimeout(done, 10))
  }
  throw new Error('it never came to that')
}
