/** Many trades and many answers in one call: each has its own key, its own verdict, and none spoils its neighbours. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText, idText } from '../../../src/kit/ids.ts'
import { Refusal } from '../../../src/kit/refusal.ts'
import { createMember } from '../../../src/networks/invite.ts'
import { type ApiWorld, apiWorld, type Party, saleOf } from '../../support/api-world.ts'
import type { Answered } from '../../support/app.ts'

let world: ApiWorld
let baskets: Party
beforeAll(async () => {
  world = await apiWorld()
  baskets = await world.avon.member('Baskets')
  // The bakery's yes stands; the basket maker answers by itself.
  const consent = { fromMemberId: world.mill.memberId, side: 'buyer', aMonth: { amount: '90000000', currency: 'GBP' } }
  const given = await world.bakery.owner(`POST ${world.bakery.path}/standing-consents`, { body: consent })
  if (given.status !== 201) throw new Error(given.text)
  const more = {
    creditLimit: { amount: '2000000', currency: 'GBP' },
    exposureLimit: { amount: '2000000', currency: 'GBP' },
  }
  for (const party of [world.bakery, world.mill, baskets])
    await world.avon.convener(`PUT ${party.path}/limits`, { body: { ...more, reason: 'as agreed' } })
})
afterAll(() => world.end())

type Verdict = {
  key: string | null
  status: number
  replayed: boolean
  trade: { id: string; state: string } | null
  problem: { status: number; code: string; type: string; errors?: { pointer: string }[] } | null
  retryAfter: number | null
}
const item = (key: string, amount = '100', more: object = {}, buyer: Party = world.bakery) => ({
  key,
  networkId: world.avon.networkId,
  ...saleOf(world.mill, buyer, amount),
  ...more,
})
const send = (trades: unknown, speak = world.mill.owner) =>
  speak('POST /v1/trades/batch', { body: { trades }, idempotencyKey: null })
const listOf = (answer: Answered): Verdict[] => {
  expect(answer.status).toBe(200)
  return answer.body.list
}
const balanceOf = async (party: Party) => (await party.owner(`GET ${party.path}/account`)).body.balance.amount

test('each is answered on its own, in the order asked: accepted on a consent, or proposed', async () => {
  const before = BigInt(await balanceOf(world.bakery))
  const verdicts = listOf(await send([item('order-1'), item('order-2', '200', {}, baskets), item('order-3', '300')]))
  expect(verdicts.map(({ key, status, replayed, trade }) => [key, status, replayed, trade?.state])).toEqual([
    ['order-1', 201, false, 'accepted'],
    ['order-2', 201, false, 'proposed'],
    ['order-3', 201, false, 'accepted'],
  ])
  expect(verdicts.every(({ problem, retryAfter }) => problem === null && retryAfter === null)).toBe(true)
  expect(BigInt(await balanceOf(world.bakery))).toBe(before - 400n)
  expect(verdicts[0]?.trade).toMatchObject({ bookedOn: '2026-11-02', invoiceNumber: expect.any(String) })
})

test('what is malformed, not allowed, not there or refused is its own problem and spoils no neighbour', async () => {
  const { avon, forge, bakery, mill } = world
  const absent = `mem_${'0'.repeat(26)}`
  const bad: [unknown, number, string][] = [
    [null, 400, 'malformed'],
    [7, 400, 'malformed'],
    [[], 400, 'malformed'],
    [{ key: 'bare' }, 400, 'malformed'],
    [item('unknown-field', '1', { colour: 'red' }), 400, 'malformed'],
    [
      item('number', '1', {
        lines: [{ description: 'x', net: { amount: 5, currency: 'GBP' }, treatment: 'standard' }],
      }),
      400,
      'malformed',
    ],
    [{ ...item('keyless'), key: 'with space' }, 400, 'malformed'],
    [item('linked', '1', { linkInvoiceNumber: 'A-1' }), 400, 'malformed'],
    [item('no-member', '1', { buyerId: absent }), 404, 'not_found'],
    [item('foreign-member', '1', { buyerId: forge.memberId }), 404, 'not_found'],
    [item('no-network', '1', { networkId: `net_${'0'.repeat(26)}` }), 404, 'not_found'],
    [item('foreign-network', '1', { networkId: world.tamar.networkId }), 404, 'not_found'],
    [{ ...item('others'), ...saleOf(bakery, baskets, '100') }, 403, 'not_allowed'],
    [item('currency', '1', { credit: { amount: '1', currency: 'EUR' } }), 422, 'currencies_differ'],
    [item('share', '1000', { credit: { amount: '1200', currency: 'GBP' } }), 422, 'credit_share_too_large'],
    [item('itself', '1', { buyerId: mill.memberId }), 422, 'trade_with_itself'],
  ]
  const before = BigInt(await balanceOf(bakery))
  const mixed = bad.flatMap(([one], place) => [one, item(`good-${place}`, '10')])
  const verdicts = listOf(await send(mixed))
  expect(verdicts).toHaveLength(mixed.length)
  bad.forEach(([one, status, code], place) => {
    const verdict = verdicts[place * 2]
    expect([place, verdict?.status, verdict?.problem?.code]).toEqual([place, status, code])
    expect(verdict?.problem).toMatchObject({ status, type: expect.stringContaining(`/problems/${code}`) })
    expect(verdict).toMatchObject({ trade: null, replayed: false })
    if (status === 400)
      for (const { pointer } of verdict?.problem?.errors ?? [])
        expect(pointer.startsWith(`/body/trades/${place * 2}`), `${JSON.stringify(one)} ${pointer}`).toBe(true)
  })
  expect(verdicts.filter((_, place) => place % 2 === 1).map(({ trade }) => trade?.state)).toEqual(
    bad.map(() => 'accepted'),
  )
  expect(BigInt(await balanceOf(bakery))).toBe(before - BigInt(bad.length) * 10n)
  expect(verdicts.map(({ key }) => key).slice(0, 2)).toEqual([null, 'good-0'])
  const amount = verdicts[10]?.problem?.errors?.map(({ pointer }) => pointer)
  expect(amount).toEqual(['/body/trades/10/lines/0/net/amount'])
  // Nothing of it tells a stranger more than that there is nothing.
  expect(verdicts[18]?.problem).toMatchObject({ code: verdicts[16]?.problem?.code })
  expect((await avon.convener(`GET ${avon.path}/trades?limit=200`)).status).toBe(200)
})

test('a key that stands twice is one ask: the same content is told the same, other content is refused, neighbours stand', async () => {
  const before = await balanceOf(world.bakery)
  const answer = await send([item('twice'), item('once'), item('twice'), item('twice', '5')])
  const list = answer.body.list as {
    status: number
    replayed: boolean
    trade: { id: string } | null
    problem: { code: string } | null
  }[]
  expect(list.map(({ status }) => status)).toEqual([201, 201, 201, 422])
  expect(list.map(({ replayed }) => replayed).slice(0, 3)).toEqual([false, false, true])
  expect(list[2]?.trade?.id).toBe(list[0]?.trade?.id)
  expect(list[3]?.problem?.code).toBe('key_of_other_body')
  const again = await send([item('twice', '5'), item('twice')])
  expect(again.body.list.map(({ status }: { status: number }) => status)).toEqual([422, 201])
  expect(await balanceOf(world.bakery)).not.toBe(before)
})

test('a body that is no such list, or is too long is refused whole, and nothing is done', async () => {
  const before = await balanceOf(world.bakery)
  const bodies: unknown[] = [
    {},
    [],
    { trades: {} },
    { trades: [] },
    { trades: [item('whole-1')], more: 1 },
    { trades: Array.from({ length: 1001 }, (_, place) => item(`long-${place}`)) },
  ]
  for (const body of bodies) {
    const answer = await world.mill.owner('POST /v1/trades/batch', { body, idempotencyKey: null })
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed'])
  }
  for (const raw of ['{', 'null', '7'])
    expect((await world.mill.owner('POST /v1/trades/batch', { raw, idempotencyKey: null })).status).toBe(400)
  const text = { raw: 'x', headers: { 'content-type': 'text/plain' }, idempotencyKey: null }
  expect((await world.mill.owner('POST /v1/trades/batch', text)).status).toBe(415)
  expect(await balanceOf(world.bakery)).toBe(before)
})

test('a list whose answer was lost is sent again: what was done is told again, the rest is done', async () => {
  const first = listOf(
    await send([
      item('lost-1'),
      item('lost-2', '100', {}, baskets),
      item('lost-3', '1', { buyerId: world.mill.memberId }),
    ]),
  )
  const before = BigInt(await balanceOf(world.bakery))
  const again = listOf(
    await send([
      item('lost-1'),
      item('lost-2', '100', {}, baskets),
      item('lost-3', '1', { buyerId: world.mill.memberId }),
      item('lost-4'),
    ]),
  )
  expect(again.map(({ replayed }) => replayed)).toEqual([true, true, true, false])
  expect(again.slice(0, 3).map(({ status, trade }) => [status, trade])).toEqual(
    first.map(({ status, trade }) => [status, trade]),
  )
  expect(again[2]?.problem?.code).toBe('trade_with_itself')
  expect(BigInt(await balanceOf(world.bakery))).toBe(before - 100n)
  // The same key with something else is not the same.
  const other = listOf(await send([item('lost-1', '999'), item('lost-3', '999')]))
  expect(other.map(({ status, problem }) => [status, problem?.code])).toEqual([
    [422, 'key_of_other_body'],
    [422, 'key_of_other_body'],
  ])
})

test('a key is one trade at every door', async () => {
  const { avon, mill, bakery } = world
  const [many] = listOf(await send([item('door-1')]))
  const body = saleOf(mill, bakery, '100')
  const one = await mill.owner('POST /v1/trades', {
    body: { networkId: avon.networkId, ...body },
    idempotencyKey: 'door-1',
  })
  const inNetwork = await mill.owner(`POST ${avon.path}/trades`, { body, idempotencyKey: 'door-1' })
  for (const answer of [one, inNetwork])
    expect([answer.status, answer.body, answer.headers.get('idempotency-replayed')]).toEqual([201, many?.trade, 'true'])
  const fresh = await mill.owner('POST /v1/trades', {
    body: { networkId: avon.networkId, ...body },
    idempotencyKey: 'door-2',
  })
  expect([fresh.status, fresh.body.state, fresh.headers.get('idempotency-replayed')]).toEqual([201, 'accepted', null])
  expect(listOf(await send([item('door-2')]))[0]).toMatchObject({ replayed: true, trade: fresh.body })
})

test('one call may name several networks', async () => {
  const { app, avon, tamar, forge } = world
  const organisationId = idFromText('organisation', forge.organisationId) ?? ''
  const member = await app.worker((tx) =>
    createMember(tx, app.clock, {
      networkId: avon.uuid,
      organisation: { organisationId },
    }),
  )
  const here = idText('member', member.id)
  expect((await avon.convener(`POST ${avon.path}/members/${here}/admit`, { body: {} })).status).toBe(200)
  const smith = await tamar.member('Smith')
  const verdicts = listOf(
    await send(
      [
        { key: 'n-1', networkId: tamar.networkId, ...saleOf(forge, smith, '100') },
        { key: 'n-2', networkId: avon.networkId, ...saleOf({ ...forge, memberId: here }, baskets, '100') },
        // A member of the one is none of the other.
        { key: 'n-3', networkId: avon.networkId, ...saleOf(forge, baskets, '100') },
      ],
      forge.owner,
    ),
  )
  expect(verdicts.map(({ status, trade }) => [status, trade?.state])).toEqual([
    [201, 'proposed'],
    [201, 'proposed'],
    [404, undefined],
  ])
})

test('many answers in one call: accepted, refused, not theirs and not there, each on its own', async () => {
  const { avon, mill } = world
  const proposed = listOf(await send(['a', 'b', 'c'].map((key) => item(`yes-${key}`, '100', {}, baskets))))
  const [a, b, c] = proposed.map(({ trade }) => trade?.id)
  const yes = (key: string, tradeId: unknown, more: object = {}) => ({
    key,
    networkId: avon.networkId,
    tradeId,
    ...more,
  })
  const accept = (answers: unknown[], speak = baskets.owner) =>
    speak('POST /v1/trades/accept/batch', { body: { answers }, idempotencyKey: null })
  const asked = [
    yes('y-1', a),
    yes('y-2', `trd_${'0'.repeat(26)}`),
    yes('y-3', 'trd_x'),
    yes('y-4', b, { as: 'seller' }),
    yes('y-5', b, { confirmTreatment: true }),
    yes('y-6', a),
  ]
  const verdicts = listOf(await accept(asked))
  expect(verdicts.map(({ status, trade, problem }) => [status, trade?.state ?? problem?.code])).toEqual([
    [200, 'accepted'],
    [404, 'not_found'],
    [400, 'malformed'],
    [404, 'not_found'],
    [200, 'accepted'],
    [200, 'accepted'],
  ])
  expect(verdicts[2]?.problem?.errors?.[0]?.pointer).toBe('/body/answers/2/tradeId')
  const again = listOf(await accept(asked))
  expect(again[0]).toEqual({ ...verdicts[0], replayed: true })
  const single = await baskets.owner(`POST ${avon.path}/trades/${a}/accept`, { body: {}, idempotencyKey: 'y-1' })
  expect([single.body, single.headers.get('idempotency-replayed')]).toEqual([verdicts[0]?.trade, 'true'])
  // Neither the side that proposed nor a stranger says yes for another.
  expect(listOf(await accept([yes('z-1', c)], mill.owner))[0]?.problem?.code).toBe('not_yours_to_answer')
  expect(listOf(await accept([yes('z-2', c)], world.forge.owner))[0]?.problem?.code).toBe('not_found')
})

test('a key that only reads, or serves no member, is told so for each, in the words of the door for one', async () => {
  const { app, avon, mill, tamar } = world
  const stranger = await tamar.member('Stranger')
  const organisationId = idFromText('organisation', mill.organisationId) ?? ''
  const readsOnly = app.client(await app.key({ role: 'owner', organisationId, mayWrite: false }))
  const { key, ...body } = item('far-1')
  for (const [speak, status, code] of [
    [avon.convener, 403, 'not_allowed'],
    [readsOnly, 403, 'not_allowed'],
    [tamar.convener, 404, 'not_found'],
    [stranger.owner, 404, 'not_found'],
  ] as const) {
    const [verdict] = listOf(await send([{ key, ...body }], speak))
    const one = await speak('POST /v1/trades', { body })
    expect([verdict?.status, verdict?.problem?.code, one.status]).toEqual([status, code, status])
    expect({ ...verdict?.problem, traceId: '' }).toEqual({ ...one.body, traceId: '' })
  }
  expect((await send([item('nobody')], app.client(null))).status).toBe(401)
  expect((await send([item('dead')], app.client(`qk_${'A'.repeat(43)}`))).status).toBe(401)
})

test('a full waiting room is said of each with the time to wait, and the same keys work later', async () => {
  const { app } = world
  const { acceptances, proposals } = app.deps
  const full = { add: () => Promise.reject(new Refusal('try_again_soon', {})), idle: async () => {} }
  Object.assign(app.deps, { acceptances: full, proposals: full })
  const asked = [item('full-1'), item('full-2', '100', {}, baskets)]
  const refused = listOf(await send(asked))
  const idempotencyKey = randomUUID()
  const body = { networkId: world.avon.networkId, ...saleOf(world.mill, baskets, '100') }
  const single = await world.mill.owner('POST /v1/trades', { body, idempotencyKey })
  Object.assign(app.deps, { acceptances, proposals })
  expect(refused.map(({ status, problem, retryAfter }) => [status, problem?.code, retryAfter])).toEqual([
    [503, 'try_again_soon', 1],
    [503, 'try_again_soon', 1],
  ])
  expect([single.status, single.headers.get('retry-after'), single.body.code]).toEqual([503, '1', 'try_again_soon'])
  expect(listOf(await send(asked)).map(({ status, replayed }) => [status, replayed])).toEqual([
    [201, false],
    [201, false],
  ])
  expect((await world.mill.owner('POST /v1/trades', { body, idempotencyKey })).status).toBe(201)
})

test('a thousand in one call are a thousand trades, and others are served meanwhile', async () => {
  const before = BigInt(await balanceOf(world.bakery))
  const words = 'x'.repeat(400)
  const asked = Array.from({ length: 1000 }, (_, place) => item(`k-${place}`, '10', { description: words }))
  const sent = send(asked)
  let isDone = false
  void sent.then(() => {
    isDone = true
  })
  let served = 0
  while (!isDone) {
    expect((await world.forge.owner('GET /v1/me')).status).toBe(200)
    if (!isDone) served += 1
  }
  const verdicts = listOf(await sent)
  expect(served).toBeGreaterThan(3)
  expect(verdicts.map(({ key, status }) => `${key} ${status}`)).toEqual(asked.map(({ key }) => `${key} 201`))
  expect(new Set(verdicts.map(({ trade }) => trade?.id)).size).toBe(1000)
  expect(BigInt(await balanceOf(world.bakery))).toBe(before - 10_000n)
  expect((await world.avon.convener(`POST ${world.avon.path}/ledger/audits`)).body.holds).toBe(true)
}, 120_000)
