/** Holds through the API: made, seen by whom they concern, posted in all or part, released, run out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expireHolds } from '../../../src/ledger/hold.ts'
import { type ApiWorld, apiWorld, saleOf } from '../../support/api-world.ts'
import { firstDay } from '../../support/app.ts'

let world: ApiWorld
const accounts: Record<string, string> = {}
beforeAll(async () => {
  world = await apiWorld()
  const { avon, bakery, mill } = world
  const { list } = (await avon.convener(`GET ${avon.path}/ledger/accounts`)).body
  for (const one of list as { id: string; kind: string; memberId: string | null }[]) {
    if (one.memberId === bakery.memberId) accounts.bakery = one.id
    else if (one.memberId === mill.memberId) accounts.mill = one.id
    else accounts[one.kind] = one.id
  }
})
afterAll(() => world.end())

const soon = '2026-11-02T12:00:00Z'
const holds = () => `${world.avon.path}/holds`
function holdOf(from: string, to: string, amount: string, more: object = {}) {
  return {
    debitAccountId: accounts[from],
    creditAccountId: accounts[to],
    amount: { amount, currency: 'GBP' },
    expiresAt: soon,
    reason: 'levy of the winter term',
    ...more,
  }
}
async function made(body: object): Promise<string> {
  const answer = await world.avon.convener(`POST ${holds()}`, { body })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.id
}
const seen = async (id: string) => (await world.avon.convener(`GET ${holds()}/${id}`)).body
const openIds = async () =>
  (await world.avon.convener(`GET ${holds()}?limit=200`)).body.list.map((one: { id: string }) => one.id) as string[]
const accountOf = async (path: string, speak = world.mill.owner) => (await speak(`GET ${path}/account`)).body

test('a hold counts at once, is posted in part, frees the rest, and leaves its document', async () => {
  const { avon, mill, app } = world
  const before = await accountOf(mill.path)
  const id = await made(holdOf('mill', 'fees', '4000'))
  expect(await seen(id)).toMatchObject({
    state: 'open',
    amount: { amount: '4000' },
    posted: null,
    promised: false,
    tradeId: null,
    reason: 'levy of the winter term',
    endedAt: null,
  })
  const during = await accountOf(mill.path)
  expect(Number(before.toBuy.amount) - Number(during.toBuy.amount)).toBe(4000)
  expect(during.heldOut.amount).toBe('4000')
  const over = await avon.convener(`POST ${holds()}/${id}/post`, {
    body: { amount: { amount: '4001', currency: 'GBP' } },
  })
  expect([over.status, over.body.code]).toEqual([422, 'hold_exceeded'])
  const post = { body: { amount: { amount: '2500', currency: 'GBP' } }, idempotencyKey: 'post-it' }
  const posted = await avon.convener(`POST ${holds()}/${id}/post`, post)
  expect(posted.body).toMatchObject({ state: 'posted', posted: { amount: '2500' }, freed: { amount: '1500' } })
  expect((await avon.convener(`POST ${holds()}/${id}/post`, post)).body).toEqual(posted.body)
  expect(await seen(id)).toMatchObject({ state: 'posted', posted: { amount: '2500' } })
  expect(Number((await accountOf(mill.path)).balance.amount)).toBe(Number(before.balance.amount) - 2500)
  const { rows } = await app.db.pool.query("select document from delivery where kind = 'money_spent'")
  expect(rows.map((row) => row.document)).toMatchObject([
    { what: 'money_spent', account: 'fee', totalMinor: '2500', lines: [{ description: 'levy of the winter term' }] },
  ])
  // Under another key: the same end is told again, another is refused.
  expect((await avon.convener(`POST ${holds()}/${id}/post`, { body: post.body })).body).toEqual(posted.body)
  const other = await avon.convener(`POST ${holds()}/${id}/post`, {
    body: { amount: { amount: '1', currency: 'GBP' } },
  })
  expect([other.status, other.body.code]).toEqual([409, 'hold_closed'])
  expect((await avon.convener(`POST ${holds()}/${id}/release`, { body: { reason: 'no' } })).body.code).toBe(
    'hold_closed',
  )
  const deeds = (await avon.convener(`GET ${avon.path}/deeds?limit=200`)).body.list as {
    what: string
    facts: { hold?: string }
  }[]
  expect(
    deeds
      .filter((one) => one.facts.hold === id)
      .map((one) => one.what)
      .sort(),
  ).toEqual(['credits_held', 'hold_posted'])
})

test('the same key is the same hold; other content under it is refused', async () => {
  const { convener } = world.avon
  const ask = { body: holdOf('fees', 'settlement', '10'), idempotencyKey: 'hold-once' }
  const first = await convener(`POST ${holds()}`, ask)
  expect((await convener(`POST ${holds()}`, ask)).body).toEqual(first.body)
  const other = { body: holdOf('fees', 'settlement', '11'), idempotencyKey: 'hold-once' }
  expect((await convener(`POST ${holds()}`, other)).body.code).toBe('key_of_other_body')
  await world.app.db.pool.query("delete from answer where key = 'hold-once'")
  expect((await convener(`POST ${holds()}`, ask)).body).toEqual(first.body)
  await world.app.db.pool.query("delete from answer where key = 'hold-once'")
  expect((await convener(`POST ${holds()}`, other)).body.code).toBe('key_of_other_body')
  const freed = await convener(`POST ${holds()}/${first.body.id}/release`, { body: { reason: 'done' } })
  expect(freed.body).toMatchObject({ state: 'released', posted: { amount: '0' }, freed: { amount: '10' } })
})

test('what is held is posted though the limit has fallen meanwhile, and more is refused', async () => {
  const { avon, bakery } = world
  const id = await made(holdOf('bakery', 'write_off_reserve', '5000'))
  const limits = await avon.convener(`GET ${bakery.path}/limits`)
  const lowered = await avon.convener(`PUT ${bakery.path}/limits`, {
    body: { creditLimit: { amount: '0', currency: 'GBP' }, reason: 'a test of limits' },
    headers: { 'if-match': limits.headers.get('etag') ?? '' },
  })
  expect(lowered.status, lowered.text).toBe(200)
  const more = await avon.convener(`POST ${holds()}`, { body: holdOf('bakery', 'write_off_reserve', '1') })
  expect(more.body.code).toBe('credit_limit_exceeded')
  expect((await avon.convener(`POST ${holds()}/${id}/post`, { body: {} })).body).toMatchObject({
    posted: { amount: '5000' },
  })
})

test('a member sees its own holds and no other’s, and makes or ends none', async () => {
  const { avon, tamar, mill, bakery, forge } = world
  const its = await made(holdOf('mill', 'fees', '1'))
  const own = await made(holdOf('fees', 'sponsor', '1'))
  expect((await mill.owner(`GET ${holds()}`)).body.list.map((one: { id: string }) => one.id)).toEqual([its])
  expect((await bakery.owner(`GET ${holds()}`)).body.list).toEqual([])
  expect((await mill.owner(`GET ${holds()}/${its}`)).status).toBe(200)
  for (const [speak, id] of [
    [bakery.owner, its],
    [mill.owner, own],
    [forge.owner, its],
    [tamar.convener, its],
  ] as const)
    expect((await speak(`GET ${holds()}/${id}`)).status).toBe(404)
  expect((await mill.owner(`POST ${holds()}`, { body: holdOf('mill', 'fees', '1') })).status).toBe(403)
  for (const verb of ['post', 'release'])
    expect((await mill.owner(`POST ${holds()}/${its}/${verb}`, { body: { reason: 'x' } })).status).toBe(403)
  expect((await forge.owner(`GET ${holds()}`)).status).toBe(404)
  for (const id of [its, own]) await avon.convener(`POST ${holds()}/${id}/release`, { body: { reason: 'end of test' } })
})

test('only a convener promises one; that never runs out, and others run out at their time', async () => {
  const { app, avon, operator } = world
  const promise = holdOf('fees', 'sponsor', '7', { promised: true, expiresAt: undefined })
  const refused = await operator(`POST ${holds()}`, { body: promise })
  expect([refused.status, refused.body.code]).toEqual([403, 'not_allowed'])
  const promised = await made(promise)
  const plain = await made(holdOf('fees', 'sponsor', '8'))
  expect(await expireHolds(app.deps)).toBe(0)
  await app.travelTo(new Date(soon))
  expect(await expireHolds(app.deps)).toBe(1)
  expect(await expireHolds(app.deps)).toBe(0)
  expect(await seen(plain)).toMatchObject({ state: 'expired', endedAt: '2026-11-02T12:00:00.000Z' })
  expect(await seen(promised)).toMatchObject({ state: 'open', promised: true, expiresAt: null })
  expect((await avon.convener(`POST ${holds()}/${plain}/post`, { body: {} })).body.code).toBe('hold_closed')
  for (const verb of ['post', 'release'])
    expect(
      (await operator(`POST ${holds()}/${promised}/${verb}`, { body: verb === 'post' ? {} : { reason: 'x' } })).status,
    ).toBe(403)
  const past = await avon.convener(`POST ${holds()}`, { body: holdOf('fees', 'sponsor', '8') })
  expect([past.status, past.body.code]).toEqual([422, 'hold_ends_in_past'])
  expect((await avon.convener(`POST ${holds()}/${promised}/post`, { body: {} })).status).toBe(200)
  await app.travelTo(firstDay)
})

test('a hold of a proposed trade is shown with it and ends with it alone', async () => {
  const { avon, mill, bakery } = world
  const proposed = await mill.owner(`POST ${avon.path}/trades`, {
    body: { ...saleOf(bakery, mill, '1000'), as: 'buyer', reserve: true },
  })
  expect(proposed.status, proposed.text).toBe(201)
  const mine = (await avon.convener(`GET ${holds()}`)).body.list.find(
    (one: { tradeId: string }) => one.tradeId === proposed.body.id,
  )
  expect(mine).toMatchObject({ state: 'open', amount: { amount: '1000' }, debitAccountId: accounts.mill })
  for (const [verb, body] of [
    ['post', {}],
    ['release', { reason: 'x' }],
  ] as const) {
    const answer = await avon.convener(`POST ${holds()}/${mine.id}/${verb}`, { body })
    expect([answer.status, answer.body.code]).toEqual([409, 'hold_belongs_to_trade'])
  }
  await mill.owner(`POST ${avon.path}/trades/${proposed.body.id}/withdraw`, { body: {} })
  expect(await seen(mine.id)).toMatchObject({ state: 'released' })
})

test('open holds come page by page, oldest first', async () => {
  const ids = [
    await made(holdOf('fees', 'sponsor', '1')),
    await made(holdOf('fees', 'sponsor', '2')),
    await made(holdOf('fees', 'sponsor', '3')),
  ]
  const { convener } = world.avon
  const found: string[] = []
  let next: string | null = ''
  while (next !== null) {
    const page: { body: { list: { id: string }[]; next: string | null } } = await convener(
      `GET ${holds()}?limit=1${next && `&after=${next}`}`,
    )
    found.push(...page.body.list.map((one) => one.id))
    next = page.body.next
  }
  expect(found.slice(-3)).toEqual(ids)
  expect(found).toEqual(await openIds())
  for (const after of ['x', '-1', '9'.repeat(30)])
    expect((await convener(`GET ${holds()}?after=${after}`)).status).toBe(400)
})

test('what is not well formed, or between accounts that no transfer may join, is refused', async () => {
  const { convener } = world.avon
  const status = async (body: object) => {
    const answer = await convener(`POST ${holds()}`, { body })
    return [answer.status, answer.body.code]
  }
  const good = holdOf('fees', 'sponsor', '1')
  expect(await status({ ...good, expiresAt: undefined })).toEqual([400, 'malformed'])
  expect(await status({ ...good, promised: true })).toEqual([400, 'malformed'])
  expect(await status({ ...good, expiresAt: 'tomorrow' })).toEqual([400, 'malformed'])
  expect(await status({ ...good, reason: ' ' })).toEqual([400, 'malformed'])
  expect(await status({ ...good, amount: { amount: '-1', currency: 'GBP' } })).toEqual([400, 'malformed'])
  expect(await status({ ...good, amount: { amount: '0', currency: 'GBP' } })).toEqual([422, 'amount_must_be_positive'])
  expect(await status({ ...good, amount: { amount: '1', currency: 'EUR' } })).toEqual([422, 'currencies_differ'])
  expect(await status({ ...good, creditAccountId: accounts.fees })).toEqual([422, 'accounts_must_differ'])
  expect(await status(holdOf('bakery', 'mill', '1'))).toEqual([422, 'transfer_leaves_no_document'])
  expect(await status({ ...good, debitAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y6' })).toEqual([404, 'account_unknown'])
  expect((await convener(`GET ${holds()}/trf_01KA9Z6QJ8F2R4S6T8V0W2X4Y6`)).status).toBe(404)
  expect((await convener(`POST ${world.avon.path}/ledger/audits`)).body.holds).toBe(true)
})
