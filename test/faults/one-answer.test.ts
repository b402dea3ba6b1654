/** Whoever asks for something and is left without an answer asks again with the same key: it is done once, and told. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText } from '../../src/kit/ids.ts'
import { type ApiWorld, apiWorld, saleOf } from '../support/api-world.ts'

let world: ApiWorld
let admin: pg.Client
beforeAll(async () => {
  world = await apiWorld()
  admin = new pg.Client({ connectionString: world.app.db.url })
  await admin.connect()
}, 60_000)
afterAll(async () => {
  await admin.end()
  await world.end()
})

const balanceMinor = async () => {
  const account = await world.bakery.owner(`GET ${world.bakery.path}/account`)
  return BigInt(account.body.balance.amount)
}
const count = async (text: string, values: unknown[] = []) =>
  Number((await admin.query<{ count: string }>(`select count(*) ${text}`, values)).rows[0]?.count)

async function proposed(amount: string): Promise<string> {
  const { avon, mill, bakery } = world
  const made = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, amount) })
  expect(made.status).toBe(201)
  return `${avon.path}/trades/${made.body.id}`
}

test('fault 1: the session ends before the ledger commits: nothing is there, and the same key makes it once', async () => {
  const path = await proposed('4100')
  const before = await balanceMinor()
  const entries = () => count('from entry')
  const stood = await entries()
  const promised = await count('from delivery')
  const key = randomUUID()
  const accept = () => world.bakery.owner(`POST ${path}/accept`, { body: {}, idempotencyKey: key })

  // It stands in the middle of its transaction, then its session is gone.
  await admin.query('begin')
  await admin.query('lock table entry in exclusive mode')
  const first = accept()
  const waiting = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  const mostLooks = 1_000
  for (let looks = 0; (await count(waiting)) === 0; looks += 1) expect(looks).toBeLessThan(mostLooks)
  await admin.query(`select pg_terminate_backend(pid, 5000) ${waiting}`)
  await admin.query('rollback')
  expect((await first).status).toBe(503)
  expect([await entries(), await count('from delivery'), await balanceMinor()]).toEqual([stood, promised, before])
  expect((await world.bakery.owner(`GET ${path}`)).body.state).toBe('proposed')
  expect(await count('from answer where key = $1', [key])).toBe(0)

  const [again, third] = [await accept(), await accept()]
  expect([again.status, third.status, third.headers.get('idempotency-replayed')]).toEqual([200, 200, 'true'])
  expect(third.body).toEqual(again.body)
  expect(await balanceMinor()).toBe(before - 4_100n)
})

test('fault 2: committed, and the answer never arrives: asked again, the kept answer is told', async () => {
  const path = await proposed('4200')
  const before = await balanceMinor()
  const { port } = new URL(world.app.url)
  // Breaks when the first byte of an answer comes.
  const line = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1')
    near.on('data', (asked) => far.write(asked)).on('error', () => far.destroy())
    far.once('data', () => near.destroy()).on('error', () => near.destroy())
  })
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
  const key = randomUUID()
  const { organisationId } = world.bakery
  const secret = await world.app.key({
    role: 'owner',
    organisationId: idFromText('organisation', organisationId) ?? '',
  })
  const lost = fetch(`http://127.0.0.1:${(line.address() as AddressInfo).port}${path}/accept`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'idempotency-key': key, 'content-type': 'application/json' },
    body: '{}',
  })
  await expect(lost).rejects.toThrow()
  line.close()
  expect(await balanceMinor()).toBe(before - 4_200n)

  const client = world.app.client(secret)
  const again = await client(`POST ${path}/accept`, { body: {}, idempotencyKey: key })
  expect([again.status, again.body.state, again.headers.get('idempotency-replayed')]).toEqual([200, 'accepted', 'true'])
  expect(await balanceMinor()).toBe(before - 4_200n)
})
