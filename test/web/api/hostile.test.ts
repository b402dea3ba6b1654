/** What somebody sends to hurt others: long bodies without a key, names that clash, instants that no database takes. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { idFromText, idOfCause, shortName } from '../../../src/kit/ids.ts'
import { askWriter } from '../../../src/ledger/post.ts'
import type { AcceptanceVerdict } from '../../../src/trades/record-trade.ts'
import { type ApiWorld, apiWorld, openNetwork, saleOf } from '../../support/api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())

/** A connection beside the service's own. */
async function beside(): Promise<pg.Client> {
  const client = new pg.Client(world.app.db.url)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}
async function waitsForALock(client: pg.Client): Promise<number[]> {
  for (;;) {
    const { rows } = await client.query(
      "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    if (rows.length > 0) return rows.map((row) => row.pid)
  }
}

test('a long body is read from nobody who is not known: neither packed, nor as it is', async () => {
  const { app, mill } = world
  const long = `{"trades":[${'1,'.repeat(50_000)}1`
  const send = (headers: Record<string, string>, body: BodyInit, path = '/v1/trades/batch') =>
    fetch(`${app.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
  const packed = { 'content-encoding': 'gzip' }
  const dead = { authorization: `Bearer qk_${'A'.repeat(43)}` }
  // Not even that it is no JSON is found out.
  for (const path of ['/v1/trades/batch', '/v1/nothing/batch', '/v1/trades'])
    for (const who of [{}, dead])
      for (const [headers, body] of [
        [{}, long],
        [packed, gzipSync(long)],
      ] as const)
        expect([path, (await send({ ...who, ...headers }, body, path)).status]).toEqual([path, 401])
  expect((await mill.owner('POST /v1/trades/batch', { raw: long, idempotencyKey: null })).status).toBe(400)
})

test('the end of a hold beyond the year 9999 is not well formed', async () => {
  const { avon, mill } = world
  const { list } = (await avon.convener(`GET ${avon.path}/ledger/accounts`)).body
  const idOf = (named: (one: { kind: string; memberId: string }) => boolean) => list.find(named).id
  const hold = (expiresAt: string) =>
    avon.convener(`POST ${avon.path}/holds`, {
      body: {
        debitAccountId: idOf((one) => one.memberId === mill.memberId),
        creditAccountId: idOf((one) => one.kind === 'fees'),
        amount: { amount: '1', currency: 'GBP' },
        expiresAt,
        reason: 'for ever',
      },
    })
  expect((await hold('9999-12-31T23:59:59-01:00')).status).toBe(400)
  expect((await hold('9999-12-31T23:59:59Z')).status).toBe(201)
})

test('a key that makes the name of another trade is refused in words, in this network or beyond, and spoils no neighbour', async () => {
  const { app, operator, avon, mill, bakery } = world
  const severn = await openNetwork(app, operator, 'severn')
  const [fuller, dyer] = [await severn.member('Fuller'), await severn.member('Dyer')]
  const there = await fuller.owner(`POST ${severn.path}/trades`, { body: saleOf(fuller, dyer, '100') })
  const here = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '100') })
  const consent = { fromMemberId: mill.memberId, side: 'buyer', aMonth: { amount: '900000', currency: 'GBP' } }
  const client = await beside()
  const { rows } = await client.query('select proposed_by_actor from trade where network_id = $1', [avon.uuid])
  /** As somebody does who tries keys until two names are the same: it takes some seconds. */
  async function nameAsKeyWould(trade: string, key: string): Promise<void> {
    const name = shortName(idOfCause('trade', avon.uuid, rows[0].proposed_by_actor, key))
    await client.query('set session_replication_role = replica')
    await client.query('update trade set reference = $1 where id = $2', [name, idFromText('trade', trade)])
  }
  const item = (key: string) => ({ key, networkId: avon.networkId, ...saleOf(mill, bakery, '100') })
  let round = 0
  async function three(trade: string) {
    round += 1
    const keys = [`before-${round}`, `clash-${round}`, `after-${round}`]
    await nameAsKeyWould(trade, keys[1] as string)
    const sent = { body: { trades: keys.map(item) }, idempotencyKey: null }
    const answer = await mill.owner('POST /v1/trades/batch', sent)
    expect(answer.status, answer.text).toBe(200)
    return answer.body.list.map((one: { status: number; problem: { code: string } | null; trade: object | null }) => [
      one.status,
      one.problem?.code ?? (one.trade as { state: string }).state,
    ])
  }
  const among = (state: string) => [
    [201, state],
    [409, 'trade_name_taken'],
    [201, state],
  ]
  expect(await three(here.body.id)).toEqual(among('proposed'))
  expect(await three(there.body.id)).toEqual(among('proposed'))
  expect((await bakery.owner(`POST ${bakery.path}/standing-consents`, { body: consent })).status).toBe(201)
  expect(await three(here.body.id)).toEqual(among('accepted'))
  expect(await three(there.body.id)).toEqual(among('accepted'))
})

test('a call that the database gave up on is told to ask again soon, each of its askers once', async () => {
  const { avon, mill, bakery } = world
  const [holder, looker] = [await beside(), await beside()]
  await holder.query('begin')
  await holder.query('select from ledger_head where network_id = $1 for update', [avon.uuid])
  const asked = Promise.all(
    ['slow-1', 'slow-2', 'slow-3'].map((idempotencyKey) =>
      mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '1'), idempotencyKey }),
    ),
  )
  let answered = false
  void asked.then(() => {
    answered = true
  })
  // As statement_timeout does it.
  while (!answered)
    await looker.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
  expect((await asked).map((one) => [one.status, one.headers.get('retry-after')])).toEqual(Array(3).fill([503, '1']))
  await holder.query('rollback')
  const again = await mill.owner(`POST ${avon.path}/trades`, {
    body: saleOf(mill, bakery, '1'),
    idempotencyKey: 'slow-1',
  })
  expect(again.status, again.text).toBe(201)
})

test('a yes stands under its key, also when a no to the same request was kept while it was decided', async () => {
  const { app, avon, mill } = world
  const buyer = await avon.member('Cooper')
  const proposed = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, buyer, '100') })
  expect(proposed.status, proposed.text).toBe(201)
  const bodyHash = createHash('sha256').update('the same').digest('hex')
  const kept = { actor: 'per_cooper', route: 'post /accept', key: 'torn', bodyHash }
  const [holder, other] = [await beside(), await beside()]
  await holder.query('begin')
  await holder.query('select from member where id = $1 for update', [idFromText('member', buyer.memberId)])
  const yes = askWriter<AcceptanceVerdict>(app.db, avon.uuid, 'accept_trades', [
    {
      tradeId: idFromText('trade', proposed.body.id),
      actor: 'per_cooper',
      side: 'buyer',
      confirmTreatment: true,
      answer: { ...kept, template: {}, status: 200 },
    },
  ])
  await waitsForALock(other)
  const no = { ...kept, status: 409, body: { code: 'member_not_admitted', facts: {} } }
  await other.query('select keep_refusals($1::jsonb)', [JSON.stringify([no])])
  await holder.query('commit')
  expect(await yes).toMatchObject([{ ok: true, replayed: false }])
  const { rows } = await other.query("select status from answer where key = 'torn'")
  expect(rows).toEqual([{ status: 200 }])
})
