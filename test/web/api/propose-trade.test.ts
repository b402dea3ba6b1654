/** The way of one trade through its door: how little it asks of the database, and that nothing of it is remembered too long. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { idFromText } from '../../../src/kit/ids.ts'
import { type ApiWorld, apiWorld, saleOf } from '../../support/api-world.ts'

let world: ApiWorld
let secretOfMill: string
beforeAll(async () => {
  world = await apiWorld()
  const organisationId = idFromText('organisation', world.mill.organisationId) ?? ''
  secretOfMill = await world.app.key({ role: 'owner', organisationId })
  const consent = { fromMemberId: world.mill.memberId, side: 'buyer', aMonth: { amount: '100000', currency: 'GBP' } }
  await world.bakery.owner(`POST ${world.bakery.path}/standing-consents`, { body: consent })
})
afterAll(() => world.end())

const sale = (amount = '100', more: object = {}) => ({
  networkId: world.avon.networkId,
  ...saleOf(world.mill, world.bakery, amount),
  ...more,
})
const propose = (body: object = sale(), speak = world.mill.owner, idempotencyKey?: string) =>
  speak('POST /v1/trades', { body, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) })

/** What is asked of the database meanwhile: each statement's text, and how often Prisma opens a transaction. */
async function watched<T>(work: () => Promise<T>): Promise<{ result: T; statements: string[]; prisma: number }> {
  const query = vi.spyOn(pg.Client.prototype, 'query')
  const opened = vi.spyOn(world.app.db.prisma, '$transaction')
  try {
    const result = await work()
    const statements = query.mock.calls.map(([asked]: unknown[]) =>
      typeof asked === 'string' ? asked : ((asked as { text?: string }).text ?? ''),
    )
    return { result, statements, prisma: opened.mock.calls.length }
  } finally {
    query.mockRestore()
    opened.mockRestore()
  }
}
const callsOf = (name: string, statements: string[]) => statements.filter((text) => text.includes(`${name}(`)).length

test('a trade under a standing consent is one call to read and one to write, and Prisma is not asked', async () => {
  expect((await propose()).body.state).toBe('accepted')
  const { result, statements, prisma } = await watched(() => propose())
  expect(result.body.state).toBe('accepted')
  expect(prisma).toBe(0)
  expect(callsOf('trade_grounds', statements)).toBe(1)
  expect(callsOf('accept_trades', statements)).toBe(1)
  // What stands around a posting call, its begin and its end, travels with it.
  expect(statements.length).toBeLessThanOrEqual(4)
})

test('without a consent it is one call to read and one to write too, by the door of the network as well', async () => {
  const { avon, bakery, mill } = world
  const body = saleOf(bakery, mill, '100')
  const door = `POST ${avon.path}/trades`
  await bakery.owner(door, { body })
  const { result, statements, prisma } = await watched(() => bakery.owner(door, { body }))
  expect(result.body.state).toBe('proposed')
  expect([prisma, callsOf('trade_grounds', statements), callsOf('propose_trades', statements)]).toEqual([0, 1, 1])
  const path = `${door}/${result.body.id}/accept`
  const accepted = await watched(() => mill.owner(path, { body: {} }))
  expect([accepted.result.status, accepted.prisma, accepted.statements.length <= 4]).toEqual([200, 0, true])
})

test('many in the same instant share their calls', async () => {
  const { app, avon, bakery, mill } = world
  const { sellerId, buyerId } = saleOf(mill, bakery, '1')
  const uuidOf = (text: string) => idFromText('member', text) ?? ''
  const named = { networkId: avon.uuid, sellerId: uuidOf(sellerId), buyerId: uuidOf(buyerId) }
  const dead = `qk_${'A'.repeat(43)}`
  const asks = [secretOfMill, dead, secretOfMill, ...Array.from({ length: 21 }, () => secretOfMill)]
  const read = await watched(() =>
    Promise.all(asks.map((secret) => app.deps.grounds.ask({ secret, proposals: [named], trades: [] }))),
  )
  expect(read.result.map((ground) => ground !== null)).toEqual(asks.map((secret) => secret !== dead))
  expect(callsOf('trade_grounds', read.statements)).toBeLessThanOrEqual(2)

  const batch = (seller: typeof mill, buyer: typeof mill) => ({
    trades: Array.from({ length: 24 }, (_, place) => ({
      key: `shared-${place}`,
      networkId: avon.networkId,
      ...saleOf(seller, buyer, '10'),
    })),
  })
  const post = 'POST /v1/trades/batch'
  const accepted = await watched(() => mill.owner(post, { body: batch(mill, bakery), idempotencyKey: null }))
  expect(accepted.result.body.list.map((one: { trade: { state: string } }) => one.trade.state)).toEqual(
    Array.from({ length: 24 }, () => 'accepted'),
  )
  expect(callsOf('trade_grounds', accepted.statements)).toBe(1)
  expect(callsOf('accept_trades', accepted.statements)).toBeLessThanOrEqual(2)
  const open = await watched(() => bakery.owner(post, { body: batch(bakery, mill), idempotencyKey: null }))
  expect(open.result.body.list[23].trade.state).toBe('proposed')
  expect([open.prisma, callsOf('propose_trades', open.statements) <= 2]).toEqual([0, true])
})

test('a key that is revoked, has run out, or never was is refused at once', async () => {
  const { app, mill } = world
  const uuid = idFromText('organisation', mill.organisationId) ?? ''
  const secret = await app.key({ role: 'owner', organisationId: uuid })
  const speak = app.client(secret)
  expect((await propose(sale(), speak)).status).toBe(201)
  await app.db.pool.query(
    'update api_key set revoked_at = quits_now() where id = (select max(id::text)::uuid from api_key)',
  )
  for (const body of [sale(), { not: 'a sale' }]) {
    const refused = await propose(body, speak)
    expect([refused.status, refused.body.code, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'key_dead',
      'Bearer',
    ])
  }
  const batch = { body: { trades: [{ key: 'x', ...sale() }] }, idempotencyKey: null }
  expect((await speak('POST /v1/trades/batch', batch)).status).toBe(401)
  const short = await app.key({ role: 'owner', organisationId: uuid })
  await app.db.pool.query(
    'update api_key set expires_at = quits_now() where id = (select max(id::text)::uuid from api_key)',
  )
  expect((await propose(sale(), app.client(short))).status).toBe(401)
  expect((await propose(sale(), app.client(null))).body.code).toBe('key_missing')
})

test('what the convener or the other side changes holds for the very next trade', async () => {
  const { avon, bakery, mill, app } = world
  const consents = (await bakery.owner(`GET ${bakery.path}/standing-consents`)).body.list
  const consent = `${bakery.path}/standing-consents`
  await bakery.owner(`POST ${consent}/${consents[0].id}/revoke`)
  expect((await propose()).body.state).toBe('proposed')
  const body = { fromMemberId: mill.memberId, side: 'buyer', aMonth: { amount: '100000', currency: 'GBP' } }
  await bakery.owner(`POST ${consent}`, { body })
  expect((await propose()).body.state).toBe('accepted')
  const terms = await avon.convener(`GET ${avon.path}/terms`)
  const { rows } = await app.db.pool.query('select max(version) as version from network_terms where network_id = $1', [
    avon.uuid,
  ])
  await app.db.pool.query(
    `insert into network_terms select (jsonb_populate_record(t, '{"version": ${rows[0].version + 1}, "largest_credit_share_basis_points": 5000}')).*
       from network_terms t where t.network_id = $1 and t.version = $2`,
    [avon.uuid, rows[0].version],
  )
  expect(terms.status).toBe(200)
  const wide = await propose(sale('1000', { creditBasisPoints: 10_000 }))
  expect([wide.status, wide.body.code]).toEqual([422, 'credit_share_too_large'])
  await avon.convener(`POST ${bakery.path}/suspend`, { body: { reason: 'late' } })
  expect((await propose()).body.code).toBe('member_may_not_buy')
  await avon.convener(`POST ${bakery.path}/restore`, { body: { reason: 'paid' } })
  expect((await propose()).status).toBe(201)
})

test('who may propose, and what is not there, are told in the words of the network’s own door', async () => {
  const { app, avon, bakery, forge, tamar, mill } = world
  const baskets = await avon.member('Baskets')
  const readsOnly = app.client(
    await app.key({
      role: 'owner',
      organisationId: idFromText('organisation', mill.organisationId) ?? '',
      mayWrite: false,
    }),
  )
  const absent = `mem_${'0'.repeat(26)}`
  const asked: [object, typeof mill.owner, number, string][] = [
    [sale(), avon.convener, 403, 'not_allowed'],
    [sale(), baskets.owner, 403, 'not_allowed'],
    [sale(), readsOnly, 403, 'not_allowed'],
    [sale(), forge.owner, 404, 'not_found'],
    [sale(), tamar.convener, 404, 'not_found'],
    [sale('1', { networkId: `net_${'0'.repeat(26)}` }), mill.owner, 404, 'not_found'],
    [sale('1', { buyerId: forge.memberId }), mill.owner, 404, 'not_found'],
    [sale('1', { sellerId: absent }), mill.owner, 404, 'not_found'],
    [sale('1', { as: 'buyer' }), mill.owner, 404, 'not_found'],
    [sale('1', { more: 1 }), mill.owner, 400, 'malformed'],
    [{}, bakery.owner, 400, 'malformed'],
  ]
  for (const [body, speak, status, code] of asked) {
    const answer = await propose(body, speak)
    expect([answer.status, answer.body.code, answer.type]).toEqual([status, code, 'application/problem+json'])
    const { networkId, ...rest } = body as { networkId?: string }
    if (!networkId) continue
    const own = await speak(`POST /v1/networks/${networkId}/trades`, { body: rest })
    expect([own.status, own.body.code, own.body.detail]).toEqual([status, code, answer.body.detail])
  }
})

test('an earlier answer stands before a rule that would say no by now, and another body under its key is refused', async () => {
  const { avon, bakery } = world
  const first = await propose(sale(), world.mill.owner, 'earlier-1')
  await avon.convener(`POST ${bakery.path}/suspend`, { body: { reason: 'late' } })
  const again = await propose(sale(), world.mill.owner, 'earlier-1')
  const other = await propose(sale('7'), world.mill.owner, 'earlier-1')
  const refused = await propose(sale('8'), world.mill.owner, 'earlier-2')
  await avon.convener(`POST ${bakery.path}/restore`, { body: { reason: 'paid' } })
  expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([201, first.body, 'true'])
  expect([other.status, other.body.code]).toEqual([422, 'key_of_other_body'])
  const kept = await propose(sale('8'), world.mill.owner, 'earlier-2')
  expect([refused.body.code, kept.body.code, kept.body.detail, kept.headers.get('idempotency-replayed')]).toEqual([
    'member_may_not_buy',
    'member_may_not_buy',
    refused.body.detail,
    'true',
  ])
})

test('when a key was last seen is written at most once a minute', async () => {
  const { app, mill } = world
  const secret = await app.key({ role: 'owner', organisationId: idFromText('organisation', mill.organisationId) ?? '' })
  const speak = app.client(secret)
  const seen = async () =>
    (await app.db.pool.query('select seen_at from api_key order by id desc limit 1')).rows[0].seen_at
  expect(await seen()).toBeNull()
  await speak('GET /v1/me')
  const first = await seen()
  expect(first).toEqual(app.clock.now())
  const start = app.clock.now().getTime()
  await app.travelTo(new Date(start + 59_000))
  await propose(sale(), speak)
  expect(await seen()).toEqual(first)
  await app.travelTo(new Date(start + 60_000))
  await propose(sale(), speak)
  expect(await seen()).toEqual(new Date(start + 60_000))
})
