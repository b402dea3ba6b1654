/** The same key is the same request: one effect, one answer, for a yes and for a refusal by a rule. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, apiWorld, saleOf } from '../../support/api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())

const suspend = (reason: string, idempotencyKey: string | null) => {
  const { avon, mill } = world
  return avon.convener(`POST ${avon.path}/members/${mill.memberId}/suspend`, { body: { reason }, idempotencyKey })
}

test('a POST without a key, or with one that cannot be, does nothing', async () => {
  for (const key of [null, 'with space', 'x'.repeat(256)]) {
    const answer = await suspend('late', key)
    expect([answer.status, answer.type]).toEqual([400, 'application/problem+json'])
    expect(answer.body.code).toMatch(/^idempotency_key_/)
  }
  expect((await world.mill.owner(`GET ${world.mill.path}`)).body.standing).toBe('admitted')
})

test('repeated, it is done once and answered the same, and says that it is a repeat', async () => {
  const first = await suspend('late', 'suspend-1')
  const again = await suspend('late', 'suspend-1')
  expect([first.status, again.status]).toEqual([200, 200])
  expect(again.body).toEqual(first.body)
  expect(first.headers.get('idempotency-replayed')).toBeNull()
  expect(again.headers.get('idempotency-replayed')).toBe('true')
})

test('a refusal by a rule is kept: the same words even when the rule would say yes by now', async () => {
  const { avon, mill } = world
  const refused = await suspend('again', 'suspend-2')
  expect(refused).toMatchObject({ status: 409, body: { code: 'standing_does_not_allow' } })
  await avon.convener(`POST ${avon.path}/members/${mill.memberId}/restore`, { body: { reason: 'paid' } })
  const again = await suspend('again', 'suspend-2')
  expect([again.status, again.body.code, again.headers.get('idempotency-replayed')]).toEqual([
    409,
    'standing_does_not_allow',
    'true',
  ])
})

test('fault 58: the same key with another body, or on another thing, is refused', async () => {
  expect((await suspend('late', 'suspend-3')).status).toBe(200)
  expect(await suspend('other words', 'suspend-3')).toMatchObject({ status: 422, body: { code: 'key_of_other_body' } })
  const { avon, mill, bakery } = world
  await avon.convener(`POST ${avon.path}/members/${mill.memberId}/restore`, { body: { reason: 'paid' } })
  const other = await avon.convener(`POST ${avon.path}/members/${bakery.memberId}/suspend`, {
    body: { reason: 'late' },
    idempotencyKey: 'suspend-3',
  })
  expect(other.body.code).toBe('key_of_other_body')
})

test('a malformed request, a missing thing and a wrong role keep nothing: mended, the same key works', async () => {
  const { app, avon, mill, bakery } = world
  const idempotencyKey = 'mended-1'
  const path = `POST ${avon.path}/members/${mill.memberId}/suspend`
  expect((await avon.convener(path, { body: { why: 'late' }, idempotencyKey })).status).toBe(400)
  expect((await bakery.owner(path, { body: { reason: 'late' }, idempotencyKey })).status).toBe(404)
  expect((await avon.convener(path, { body: { reason: 'late' }, idempotencyKey })).status).toBe(200)
  await avon.convener(`POST ${avon.path}/members/${mill.memberId}/restore`, { body: { reason: 'paid' } })
  const rows = await app.worker((tx) => tx.answer.count({ where: { key: idempotencyKey } }))
  expect(rows).toBe(1)
})

test('fault 58: keys belong to who sends them: another’s same key is another request', async () => {
  const { app, avon } = world
  const other = app.client(await app.key({ role: 'convener', networkId: avon.uuid }))
  const body = { email: 'dora@avon.example', role: 'auditor' }
  const first = await avon.convener(`POST ${avon.path}/people`, { body, idempotencyKey: 'shared' })
  const second = await other(`POST ${avon.path}/people`, { body, idempotencyKey: 'shared' })
  expect([first.status, second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 201, null])
})

test('fault 57: two at once with one key: one runs, the other waits to be told or is told', async () => {
  const { avon } = world
  const body = { email: 'new@twice.example', organisation: { name: 'Twice Ltd' } }
  const post = () => avon.convener(`POST ${avon.path}/members`, { body, idempotencyKey: 'twice-1' })
  const answers = await Promise.all([post(), post(), post()])
  const statuses = answers.map((one) => one.status).sort()
  expect(statuses[0]).toBe(201)
  for (const one of answers) expect([201, 409]).toContain(one.status)
  for (const one of answers.filter(({ status }) => status === 409)) expect(one.body.code).toBe('key_in_use')
  const settled = await post()
  expect(settled.body).toEqual(answers.find(({ status }) => status === 201)?.body)
  const { list } = (await avon.convener(`GET ${avon.path}/members`)).body
  const twice = list.filter((one: { organisation: { name: string } }) => one.organisation.name === 'Twice Ltd')
  expect(twice).toHaveLength(1)
})

test('fault 57: a trade proposed and accepted many times at once under one key each is one trade and one debt', async () => {
  const { avon, mill, bakery } = world
  const body = saleOf(mill, bakery, '700')
  const propose = () => mill.owner(`POST ${avon.path}/trades`, { body, idempotencyKey: 'sale-1' })
  const proposed = await Promise.all([propose(), propose(), propose()])
  expect(new Set(proposed.map((one) => one.body.id)).size).toBe(1)
  const path = `${avon.path}/trades/${proposed[0]?.body.id}`
  const accept = () => bakery.owner(`POST ${path}/accept`, { body: {}, idempotencyKey: 'yes-1' })
  const accepted = await Promise.all([accept(), accept(), accept(), accept()])
  expect(accepted.map((one) => one.status)).toEqual([200, 200, 200, 200])
  expect(new Set(accepted.map((one) => one.text)).size).toBe(1)
  const repeat = await accept()
  expect([repeat.body, repeat.headers.get('idempotency-replayed')]).toEqual([accepted[0]?.body, 'true'])
  expect((await bakery.owner(`GET ${bakery.path}/account`)).body.balance.amount).toBe('-700')
})

test('a limit’s refusal is kept in the commit of the decision, and told again in the same words', async () => {
  const { avon, mill, bakery } = world
  const proposed = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '200000') })
  const path = `${avon.path}/trades/${proposed.body.id}/accept`
  const first = await bakery.owner(`POST ${path}`, { body: {}, idempotencyKey: 'limit-1' })
  expect(first).toMatchObject({ status: 409, body: { code: 'credit_limit_exceeded' } })
  expect(first.body.detail).toContain('limit')
  const limits = { creditLimit: { amount: '500000', currency: 'GBP' }, reason: 'more' }
  await avon.convener(`PUT ${bakery.path}/limits`, { body: limits })
  const again = await bakery.owner(`POST ${path}`, { body: {}, idempotencyKey: 'limit-1' })
  expect([again.status, again.body.detail, again.headers.get('idempotency-replayed')]).toEqual([
    409,
    first.body.detail,
    'true',
  ])
  expect((await bakery.owner(`POST ${path}`, { body: {} })).status).toBe(200)
})

test('a refusal of a proposal is kept too, whichever rule spoke', async () => {
  const { avon, mill, bakery } = world
  const body = saleOf(mill, bakery, '1000', { credit: { amount: '1200', currency: 'GBP' } })
  const post = () => mill.owner(`POST ${avon.path}/trades`, { body, idempotencyKey: 'share-1' })
  expect(await post()).toMatchObject({ status: 422, body: { code: 'credit_share_too_large' } })
  expect((await post()).headers.get('idempotency-replayed')).toBe('true')
})

test('an answer is kept for thirty days', async () => {
  const { app, avon } = world
  const { forgetOldAnswers } = await import('../../../src/web/api/forget-answers.ts')
  const body = { email: 'erna@avon.example', role: 'auditor' }
  const post = () => avon.convener(`POST ${avon.path}/people`, { body, idempotencyKey: 'old-1' })
  await post()
  const at = app.clock.now()
  await app.travelTo(new Date(at.getTime() + 29 * 86_400_000))
  await forgetOldAnswers(app.deps)
  expect(await app.worker((tx) => tx.answer.count({ where: { key: 'old-1' } }))).toBe(1)
  await app.travelTo(new Date(at.getTime() + 31 * 86_400_000))
  await forgetOldAnswers(app.deps)
  expect(await app.worker((tx) => tx.answer.count({ where: { key: 'old-1' } }))).toBe(0)
})
