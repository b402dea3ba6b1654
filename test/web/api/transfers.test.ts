/** Transfers that are no trades, one and many, through the API. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, apiWorld, connectBook } from '../../support/api-world.ts'

let world: ApiWorld
/** Accounts of avon by kind, and of its members by name. */
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

function transfer(from: string, to: string, amount: string, kind: string, more: object = {}) {
  return {
    networkId: world.avon.networkId,
    kind,
    debitAccountId: accounts[from],
    creditAccountId: accounts[to],
    amount: { amount, currency: 'GBP' },
    description: 'Levy of November',
    ...more,
  }
}

const balanceOf = async (name: string) => {
  const { list } = (await world.avon.convener(`GET ${world.avon.path}/ledger/accounts`)).body
  return (list as { id: string; balance: { amount: string } }[]).find((one) => one.id === accounts[name])?.balance
    .amount
}
const deeds = async (what: string) => {
  const { list } = (await world.avon.convener(`GET ${world.avon.path}/deeds?limit=200`)).body
  return (list as { what: string; facts: Record<string, string> }[]).filter((one) => one.what === what)
}

test('a convener and an operator post; auditor, owner and another network’s convener do not', async () => {
  const { app, avon, tamar, operator, bakery } = world
  const ask = { body: transfer('fees', 'sponsor', '100', 'settlement') }
  const auditor = app.client(await app.key({ role: 'auditor', networkId: avon.uuid }))
  const reader = app.client(await app.key({ role: 'convener', networkId: avon.uuid, mayWrite: false }))
  expect((await avon.convener('POST /v1/transfers', ask)).status).toBe(201)
  expect((await operator('POST /v1/transfers', ask)).status).toBe(201)
  for (const [speak, status] of [
    [auditor, 403],
    [bakery.owner, 403],
    [reader, 403],
    [tamar.convener, 404],
  ] as const)
    expect((await speak('POST /v1/transfers', ask)).status).toBe(status)
  expect(await balanceOf('sponsor')).toBe('200')
})

test('the same key is the same transfer and hears its first answer; another body under it is refused', async () => {
  const { convener } = world.avon
  const before = await balanceOf('settlement')
  const body = transfer('fees', 'settlement', '70', 'settlement')
  const first = await convener('POST /v1/transfers', { body, idempotencyKey: 'once' })
  expect(first.status).toBe(201)
  expect(first.body).toMatchObject({ kind: 'settlement', amount: { amount: '70' }, bookedOn: '2026-11-02' })
  const again = await convener('POST /v1/transfers', { body, idempotencyKey: 'once' })
  expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([201, first.body, 'true'])
  const other = { ...body, amount: { amount: '71', currency: 'GBP' } }
  expect((await convener('POST /v1/transfers', { body: other, idempotencyKey: 'once' })).body.code).toBe(
    'key_of_other_body',
  )
  // Many in one call know the same keys.
  const many = await convener('POST /v1/transfers/batch', {
    body: {
      transfers: [
        { key: 'once', ...body },
        { key: 'once', ...other },
      ],
    },
  })
  expect(many.body.list).toMatchObject([
    { key: 'once', status: 201, replayed: true, transfer: first.body, problem: null },
    { key: 'once', status: 422, replayed: false, transfer: null, problem: { code: 'key_of_other_body' } },
  ])
  // Long after the kept answer was forgotten, the ledger itself still knows the transfer.
  await world.app.db.pool.query("delete from answer where key = 'once'")
  expect((await convener('POST /v1/transfers', { body, idempotencyKey: 'once' })).body).toEqual(first.body)
  await world.app.db.pool.query("delete from answer where key = 'once'")
  expect((await convener('POST /v1/transfers', { body: other, idempotencyKey: 'once' })).body.code).toBe(
    'key_of_other_body',
  )
  expect(Number(await balanceOf('settlement')) - Number(before)).toBe(70)
})

test('many at once are each answered by themselves, in order, and a bad one spoils nobody', async () => {
  const { convener, path } = world.avon
  const before = await balanceOf('sponsor')
  const good = (key: string, amount: string) => ({ key, ...transfer('fees', 'sponsor', amount, 'settlement') })
  const answer = await convener('POST /v1/transfers/batch', {
    body: {
      transfers: [
        good('m1', '1'),
        { ...good('m2', '1'), amount: { amount: '1.5', currency: 'GBP' } },
        good('m3', '0'),
        { ...good('m4', '1'), creditAccountId: accounts.fees },
        { ...good('m5', '1'), debitAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y6' },
        { ...good('m6', '1'), networkId: world.tamar.networkId },
        { ...good('m7', '1'), amount: { amount: '1', currency: 'EUR' } },
        { key: 'm8', ...transfer('bakery', 'mill', '1', 'settlement') },
        { ...good('m9', '1'), kind: 'gateway' },
        { ...good('m10', '1'), surplus: true },
        { ...good('m11', '1'), key: 'has space' },
        { ...good('m12', '1'), kind: 'trade' },
        'nonsense',
        good('m1', '1'),
        good('m1', '2'),
        good('m14', '2'),
      ],
    },
  })
  expect(answer.status).toBe(200)
  const told = (answer.body.list as { key: string; status: number; problem: { code: string } | null }[]).map((one) => [
    one.key,
    one.status,
    one.problem?.code ?? null,
  ])
  expect(told).toEqual([
    ['m1', 201, null],
    ['m2', 400, 'malformed'],
    ['m3', 422, 'amount_must_be_positive'],
    ['m4', 422, 'accounts_must_differ'],
    ['m5', 404, 'account_unknown'],
    ['m6', 404, 'not_found'],
    ['m7', 422, 'currencies_differ'],
    ['m8', 422, 'transfer_leaves_no_document'],
    ['m9', 422, 'transfer_kind_does_not_fit'],
    ['m10', 400, 'malformed'],
    ['has space', 400, 'malformed'],
    ['m12', 400, 'malformed'],
    [null, 400, 'malformed'],
    ['m1', 201, null],
    ['m1', 422, 'key_of_other_body'],
    ['m14', 201, null],
  ])
  expect(answer.body.list[13]).toMatchObject({ replayed: true, transfer: answer.body.list[0].transfer })
  expect(answer.body.list[1].problem.errors).toMatchObject([{ pointer: '/body/transfers/1/amount/amount' }])
  expect(Number(await balanceOf('sponsor')) - Number(before)).toBe(3)
  expect((await convener(`POST ${path}/ledger/audits`)).body.holds).toBe(true)
})

test('the whole call is refused when it is not a list of 1 to 1,000', async () => {
  const { convener } = world.avon
  const one = { key: 'x', ...transfer('fees', 'sponsor', '1', 'settlement') }
  for (const body of [
    {},
    { transfers: [] },
    { transfers: one },
    { transfers: [one], more: 1 },
    { transfers: new Array(1001).fill(one) },
  ])
    expect((await convener('POST /v1/transfers/batch', { body })).status).toBe(400)
})

test('a refusal by a rule is kept for its key, one that may pass is not', async () => {
  const { convener } = world.avon
  const levy = { key: 'levy-1', ...transfer('mill', 'write_off_reserve', '99999999', 'contribution') }
  const ask = (body: object) =>
    convener('POST /v1/transfers/batch', { idempotencyKey: null, body: { transfers: [body] } })
  expect((await ask(levy)).body.list[0]).toMatchObject({ status: 409, problem: { code: 'credit_limit_exceeded' } })
  const again = (await ask(levy)).body.list[0]
  expect(again).toMatchObject({ status: 409, replayed: true, problem: { code: 'credit_limit_exceeded' } })
  const other = { ...levy, key: 'levy-2', kind: 'gateway' }
  expect((await ask(other)).body.list[0]).toMatchObject({ status: 422, replayed: false })
  expect((await ask(other)).body.list[0]).toMatchObject({ status: 422, replayed: true })
  const { rows } = await world.app.db.pool.query("select status, body from answer where key = 'levy-1'")
  expect(rows).toMatchObject([{ status: 409, body: { code: 'credit_limit_exceeded' } }])
  const lost = {
    key: 'lost',
    ...transfer('fees', 'sponsor', '1', 'settlement', { debitAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y6' }),
  }
  expect((await ask(lost)).body.list[0].status).toBe(404)
  expect((await ask({ ...lost, debitAccountId: accounts.fees })).body.list[0].status).toBe(201)
})

test('a contribution leaves money spent in the member’s book, by what the bookkeeper named, and its reason in the trail', async () => {
  const { app, avon, mill } = world
  await connectBook(app, mill, 'book-mill')
  await mill.owner(`PUT ${mill.path}/connection/ask-first`, { body: { askFirst: 0 } })
  const before = await balanceOf('mill')
  const told = await avon.convener('POST /v1/transfers/batch', {
    body: {
      transfers: [
        { key: 'fee', ...transfer('mill', 'fees', '250', 'contribution', { description: 'Membership 2026' }) },
        { key: 'levy', ...transfer('mill', 'write_off_reserve', '130', 'contribution') },
        { key: 'gift', ...transfer('mill', 'sponsor', '20', 'contribution', { description: 'For the fair' }) },
      ],
    },
  })
  expect(told.body.list.map((one: { status: number }) => one.status)).toEqual([201, 201, 201])
  expect(Number(await balanceOf('mill')) - Number(before)).toBe(-400)
  const { rows } = await app.db.pool.query<{ document: Record<string, unknown> }>(
    "select document from delivery where kind = 'money_spent' and reference like 'K%' order by (document ->> 'totalMinor')::integer desc",
  )
  expect(rows.map((row) => row.document)).toMatchObject([
    {
      account: 'fee',
      totalMinor: '250',
      datedOn: '2026-11-02',
      lines: [{ description: 'Membership 2026', vatMinor: '0' }],
    },
    { account: 'loss', totalMinor: '130', lines: [{ description: 'Levy of November', treatment: 'outside' }] },
    { account: 'fee', totalMinor: '20' },
  ])
  const facts = (await deeds('transfer_posted')).map((one) => one.facts)
  expect(facts).toContainEqual(
    expect.objectContaining({ kind: 'contribution', amountMinor: '250', reason: 'Membership 2026' }),
  )
  // Asked again, nothing is promised or told a second time.
  await avon.convener('POST /v1/transfers/batch', {
    body: { transfers: [{ key: 'levy', ...transfer('mill', 'write_off_reserve', '130', 'contribution') }] },
  })
  expect((await deeds('transfer_posted')).length).toBe(facts.length)
  const count = await app.db.pool.query("select count(*)::integer as n from delivery where kind = 'money_spent'")
  expect(count.rows[0].n).toBe(3)
})

test('what would leave a member’s book without its document is refused with the way out', async () => {
  const { avon } = world
  for (const [from, to] of [
    ['bakery', 'mill'],
    ['fees', 'mill'],
    ['mill', 'settlement'],
    ['write_off_reserve', 'bakery'],
  ] as const) {
    const answer = await avon.convener('POST /v1/transfers', { body: transfer(from, to, '1', 'contribution') })
    expect([from, to, answer.status, answer.body.code]).toEqual([from, to, 422, 'transfer_leaves_no_document'])
    expect(answer.body.fix).toContain('contribution')
  }
})

test('a member that is not admitted contributes nothing, and one in credit never goes below its legal floor', async () => {
  const { avon } = world
  const sole = await avon.member('Weaver', { legalForm: 'sole_trader', vat: false })
  const { list } = (await avon.convener(`GET ${avon.path}/ledger/accounts`)).body
  accounts.weaver = (list as { id: string; memberId: string }[]).find((one) => one.memberId === sole.memberId)?.id ?? ''
  const levy = () => avon.convener('POST /v1/transfers', { body: transfer('weaver', 'fees', '1', 'contribution') })
  expect((await levy()).body.code).toBe('legal_floor')
  await avon.convener(`POST ${sole.path}/leave`, { body: { reason: 'closes its shop' } })
  await world.app.db.pool.query(
    "update member set standing = 'left' where account_id = (select id from account where member_id = member.id) and invoice_prefix like 'WEA%'",
  )
  expect((await levy()).body.code).toBe('member_not_admitted')
})

test('a thousand in one call, and two callers with the same keys at once, post each once', async () => {
  const { convener } = world.avon
  const before = await balanceOf('sponsor')
  const transfers = Array.from({ length: 1000 }, (_, at) => ({
    key: `k${at}`,
    ...transfer('fees', 'sponsor', '1', 'settlement'),
  }))
  const both = await Promise.all(
    [1, 2].map(() => convener('POST /v1/transfers/batch', { idempotencyKey: null, body: { transfers } })),
  )
  const [one, two] = both.map(
    (answer) => answer.body.list as { status: number; replayed: boolean; transfer: { id: string } }[],
  )
  expect([...(one ?? []), ...(two ?? [])].every((verdict) => verdict.status === 201)).toBe(true)
  expect(one?.map((verdict) => verdict.transfer)).toEqual(two?.map((verdict) => verdict.transfer))
  expect([...(one ?? []), ...(two ?? [])].filter((verdict) => !verdict.replayed)).toHaveLength(1000)
  expect(Number(await balanceOf('sponsor')) - Number(before)).toBe(1000)
})
