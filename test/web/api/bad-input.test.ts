/** Bad input at every door of the API: a clear problem, and nothing changes. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { idText, newId } from '../../../src/kit/ids.ts'
import { largestAmountMinor } from '../../../src/kit/money.ts'
import { type ApiWorld, apiWorld, saleOf } from '../../support/api-world.ts'
import type { Answered } from '../../support/app.ts'

let world: ApiWorld
let before: string
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())
beforeEach(async () => {
  before = await everything()
})

/** All that a request could have changed. */
async function everything(): Promise<string> {
  return world.app.worker(async (tx) =>
    JSON.stringify([
      await tx.trade.count(),
      await tx.member.count(),
      await tx.network.count(),
      await tx.transfer.count(),
      await tx.deed.count(),
      await tx.consent.count(),
      await tx.limitChange.count(),
      (await tx.account.findMany({ orderBy: { id: 'asc' } })).map((one) => String(one.balanceMinor)),
    ]),
  )
}

async function refused(answer: Answered, status: number, code?: string): Promise<void> {
  expect([answer.status, answer.type], answer.text).toEqual([status, 'application/problem+json'])
  expect(answer.body).toMatchObject({
    type: expect.stringContaining('/problems/'),
    title: expect.any(String),
    status,
    code: code ?? expect.any(String),
    detail: expect.any(String),
    fix: expect.any(String),
    traceId: expect.any(String),
  })
  expect(answer.headers.get('x-request-id')).toBe(answer.body.traceId)
  expect(await everything()).toBe(before)
}

const propose = (more: object, raw?: string) =>
  world.mill.owner(`POST ${world.avon.path}/trades`, {
    body: saleOf(world.mill, world.bakery, '1000', more),
    ...(raw === undefined ? {} : { raw }),
  })
const line = (net: unknown) => ({ lines: [{ description: 'Flour', net, treatment: 'standard' }] })

test('JSON that is none, is cut, or is no object', async () => {
  for (const raw of ['{', '', 'null', '"text"', '[1', '{"a":1}}', '\u0000']) await refused(await propose({}, raw), 400)
  await refused(await propose({}, '[]'), 400, 'malformed')
})

test('another kind of content', async () => {
  const { mill, avon } = world
  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'text/csv'])
    await refused(
      await mill.owner(`POST ${avon.path}/trades`, { raw: 'a=1', headers: { 'content-type': type } }),
      415,
      'json_needed',
    )
  const strange = { 'content-type': 'application/json; charset=klingon' }
  await refused(await mill.owner(`POST ${avon.path}/trades`, { raw: '{}', headers: strange }), 415)
})

test('a body larger than we take', async () => {
  await refused(await propose({ description: 'x'.repeat(2_200_000) }), 413, 'body_too_large')
})

test('unknown fields, named where they stand', async () => {
  const answer = await propose({
    colour: 'red',
    lines: [{ ...saleOf(world.mill, world.bakery, '1').lines[0], tax: 1 }],
  })
  await refused(answer, 400, 'malformed')
  expect(answer.body.errors.map((one: { pointer: string }) => one.pointer).sort()).toEqual([
    '/body/colour',
    '/body/lines/0/tax',
  ])
  await refused(await world.mill.owner(`GET ${world.avon.path}/trades?colour=red`), 400)
})

test('wrong types, and what is missing', async () => {
  for (const more of [
    { description: 7 },
    { description: null },
    { description: '   ' },
    { description: 'x'.repeat(501) },
    { lines: {} },
    { lines: [] },
    { lines: Array.from({ length: 101 }, () => line({ amount: '1', currency: 'GBP' }).lines[0]) },
    { sellerId: undefined },
    { tradedOn: '2026-02-30' },
    { tradedOn: '2026-11-02T10:00:00Z' },
    { creditBasisPoints: 10_001 },
    { creditBasisPoints: 0.5 },
    { reserve: 'yes' },
    { as: 'both' },
  ])
    await refused(await propose(more), 400, 'malformed')
})

test('amounts that are numbers, floats, negative, huge, or written another way', async () => {
  for (const amount of [
    1000,
    10.5,
    '10.5',
    '-1000',
    '1e3',
    '0x10',
    ' 1000',
    '01',
    '+1',
    '',
    null,
    '1000 ',
    '٣',
    `${largestAmountMinor + 1n}`,
    '9007199254740993000',
    `1${'0'.repeat(400)}`,
  ])
    await refused(await propose(line({ amount, currency: 'GBP' })), 400, 'malformed')
  for (const net of [
    { amount: '1000' },
    { amount: '1000', currency: 'gbp' },
    { amount: '1000', currency: 'GBP', scale: 2 },
    '1000',
    1000,
  ])
    await refused(await propose(line(net)), 400, 'malformed')
})

test('amounts of another currency, alone or mixed', async () => {
  await refused(await propose(line({ amount: '1000', currency: 'EUR' })), 422, 'currencies_differ')
  const mixed = [...line({ amount: '1000', currency: 'GBP' }).lines, ...line({ amount: '1', currency: 'USD' }).lines]
  await refused(await propose({ lines: mixed }), 422, 'currencies_differ')
  await refused(await propose({ credit: { amount: '500', currency: 'EUR' } }), 422, 'currencies_differ')
})

test('sums that are too large although each amount is not', async () => {
  const lines = Array.from({ length: 20 }, () => line({ amount: String(largestAmountMinor), currency: 'GBP' }).lines[0])
  await refused(await propose({ lines }), 422, 'amount_too_large')
})

test('an amount of nothing, parts that do not add up, treatments that are not taken', async () => {
  await refused(await propose(line({ amount: '0', currency: 'GBP' })), 422, 'lines_missing')
  const parts = { credit: { amount: '500', currency: 'GBP' }, money: { amount: '1', currency: 'GBP' } }
  await refused(await propose(parts), 422, 'parts_do_not_add_up')
  const cis = [{ description: 'Wall', net: { amount: '1000', currency: 'GBP' }, treatment: 'cis' }]
  await refused(await propose({ lines: cis }), 422, 'treatment_not_taken')
})

test('text with characters that no database takes', async () => {
  for (const description of ['Flour\u0000', '\ud800', 'a\u0007b', '\u200b\u200d', 'Flour \u202eruolF'])
    await refused(await propose({ description }), 400, 'malformed')
})

test('ids of other kinds, of nothing, and of another network', async () => {
  const { forge, avon, mill } = world
  await refused(await propose({ buyerId: avon.networkId }), 400)
  await refused(await propose({ buyerId: `${forge.memberId.slice(0, -1)}u` }), 400)
  await refused(await propose({ buyerId: forge.memberId }), 404, 'not_found')
  await refused(await mill.owner(`GET /v1/networks/${mill.memberId}`), 400)
  await refused(await mill.owner('GET /v1/networks/net_1'), 400)
})

test('addresses that are not well formed, routes and methods that are not offered', async () => {
  const { mill, avon } = world
  await refused(await mill.owner('GET /v1/networks/%E0%A4%A'), 400)
  await refused(await mill.owner('GET /v1/nothing'), 404, 'not_found')
  await refused(await mill.owner('GET /v1'), 404, 'not_found')
  await refused(await mill.owner(`PATCH ${avon.path}`, { body: {} }), 404)
  await refused(await mill.owner(`DELETE ${avon.path}`), 404)
})

test('bodies where none is taken', async () => {
  const { avon } = world
  await refused(
    await avon.convener(`POST ${avon.path}/ledger/audits`, { body: { force: true } }),
    400,
    'body_not_taken',
  )
})

test('bodies that are deep, cut off, or compressed badly', async () => {
  const { mill, avon } = world
  const deep = [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`]
  for (const raw of deep) {
    await refused(await propose({}, raw), 400, 'malformed')
    await refused(await avon.convener(`POST ${avon.path}/ledger/audits`, { raw }), 400, 'body_not_taken')
  }
  const ask = { raw: '{}', headers: { 'content-encoding': 'gzip' } }
  await refused(await mill.owner(`POST ${avon.path}/trades`, ask), 400, 'body_not_readable')
  await refused(await mill.owner(`POST ${avon.path}/trades`, { ...ask, headers: { 'content-encoding': 'zz' } }), 415)
})

test('names that would reach into the language’s own', async () => {
  for (const raw of ['{"__proto__":{"sellerId":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"toString":1}'])
    await refused(await propose({}, raw), 400, 'malformed')
  const made = { slug: 'x1', name: 'X', from: { template: 'constructor' }, organisation: { name: 'X' } }
  await refused(await world.operator('POST /v1/networks', { body: made }), 422, 'template_unknown')
  expect(({} as { sellerId?: number }).sellerId).toBeUndefined()
})

test('an import that is too large, is no file, or is sent by one who may not', async () => {
  const { mill, avon } = world
  const path = `POST ${avon.path}/imports/trades?fileName=past.csv`
  const csv = (raw: string) => ({ raw, headers: { 'content-type': 'text/csv' } })
  await refused(await avon.convener(path, csv('x'.repeat(50_000_000))), 413, 'body_too_large')
  await refused(await avon.convener(path, { body: { day: 1 } }), 415, 'csv_needed')
  await refused(await mill.owner(path, csv('day\n2026-01-01')), 403, 'not_allowed')
  await refused(await world.tamar.convener(path, csv('day\n2026-01-01')), 404, 'not_found')
})

test('days, limits and cursors in the address', async () => {
  const { mill, avon } = world
  const uuid = '018f4d3e-7b7a-7c3a-8f4d-3e7b7a7c3a8f'
  const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=ten',
    'limit=1.5',
    'after=xyz',
    'after=%00',
    `after=${'x'.repeat(300)}`,
    'state=sold',
    'from=yesterday',
    'limit=1&limit=2',
    'limit=-1',
    'limit=1e9',
    'limit=NaN',
    'from=0000-01-01',
    'to=10000-01-01',
    '__proto__=1',
    `after=${cursor('', uuid)}`,
    `after=${cursor('0000-01-01T00:00:00Z', uuid)}`,
    `after=${cursor('2026-01-01T00:00:00Z', 'x')}`,
  ])
    await refused(await mill.owner(`GET ${avon.path}/trades?${query}`), 400)
  await refused(await mill.owner(`GET ${mill.path}/statement?from=2026-02-01&to=2026-01-01`), 400)
  await refused(await mill.owner(`GET ${mill.path}/statement?after=-1`), 400)
  for (const instant of ['0000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-01', '10000-01-01T00:00:00Z'])
    await refused(await mill.owner(`GET ${mill.path}/deliveries?promisedBefore=${instant}`), 400)
  const notOurs = Buffer.from(JSON.stringify(['9999-99-99', 'x'])).toString('base64url')
  await refused(await mill.owner(`GET ${avon.path}/trades?after=${notOurs}`), 400)
})

test('a forged state, a callback without one, and a consent that was never begun', async () => {
  const { mill, app } = world
  const finish = (url: string) => mill.owner(`POST ${mill.path}/connection/consents/finish`, { body: { url } })
  for (const url of ['https://quits.example/?code=1&state=forged', 'https://quits.example/?code=1', 'no address'])
    expect((await finish(url)).body.code).toBe('consent_unknown')
  expect(await app.worker((tx) => tx.connection.count())).toBe(0)
})

test('a consent is finished once, and by the key that began it', async () => {
  const { app, mill, bakery } = world
  app.books.addBook({ id: 'book-once', name: 'Once' })
  const begun = await mill.owner(`POST ${mill.path}/connection/consents`, { body: { kind: 'fake' } })
  const url = app.books.agree(begun.body.consentUrl, ['book-once'])
  const finish = (party: typeof mill) => party.owner(`POST ${party.path}/connection/consents/finish`, { body: { url } })
  expect((await finish(bakery)).body.code).toBe('consent_unknown')
  expect((await finish(mill)).status).toBe(200)
  expect((await finish(mill)).body.code).toBe('consent_used')
  const declined = await mill.owner(`POST ${mill.path}/connection/consents`, { body: { kind: 'fake' } })
  const back = app.books.decline(declined.body.consentUrl)
  const said = await mill.owner(`POST ${mill.path}/connection/consents/finish`, { body: { url: back } })
  expect(said).toMatchObject({ status: 409, body: { code: 'consent_declined' } })
  const unknown = await mill.owner(`POST ${mill.path}/connection/consents`, { body: { kind: 'xero' } })
  expect(unknown.status).toBe(404)
})

test('a change of what somebody else changed meanwhile is refused (412) and nothing is done', async () => {
  const { avon, mill } = world
  const terms = await avon.convener(`GET ${avon.path}/terms`)
  const etag = terms.headers.get('etag') ?? ''
  const put = (path: string, body: object, ifMatch: string) =>
    avon.convener(`PUT ${path}`, { body, headers: { 'if-match': ifMatch } })
  const changed = await put(`${avon.path}/terms`, { proposalLifeDays: 20 }, etag)
  expect([changed.status, changed.body.version]).toEqual([200, terms.body.version + 1])
  before = await everything()
  await refused(await put(`${avon.path}/terms`, { proposalLifeDays: 25 }, etag), 412, 'changed_meanwhile')
  expect((await avon.convener(`GET ${avon.path}/terms`)).body.proposalLifeDays).toBe(20)

  const limits = await avon.convener(`GET ${mill.path}/limits`)
  const ask = { creditLimit: { amount: '5', currency: 'GBP' }, reason: 'small' }
  const stale = limits.headers.get('etag') ?? ''
  expect((await put(`${mill.path}/limits`, ask, stale)).status).toBe(200)
  before = await everything()
  await refused(await put(`${mill.path}/limits`, { ...ask, reason: 'again' }, stale), 412, 'changed_meanwhile')
})

test('answers carry the trace they were asked with, and are not to be stored by others', async () => {
  const { mill } = world
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await mill.owner('GET /v1/me', { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } })
  expect(answer.headers.get('x-request-id')).toBe(trace)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('set-cookie')).toBeNull()
})

test('a webhook to where none may go, of events that there are not, more than ten, and a replay since never', async () => {
  const { mill, avon } = world
  const make = (body: unknown) => mill.owner(`POST ${mill.path}/webhooks`, { body })
  for (const url of [
    'http://mill.example/',
    'https://127.0.0.1/',
    'https://localhost/',
    'https://10.0.0.1:8443/x',
    'https://[::1]/',
    'https://a:b@mill.example/',
    'ftp://mill.example',
    'mill',
  ])
    await refused(await make({ url }), 422, 'address_not_allowed')
  const url = 'https://mill.example/'
  for (const body of [
    {},
    { url: 7 },
    { url: '' },
    { url: `${url}${'x'.repeat(2000)}` },
    { url, events: [] },
    { url, events: ['trade.sold'] },
    { url, events: 'trade.accepted' },
    { url, secret: 'own' },
  ])
    await refused(await make(body), 400, 'malformed')

  const ids: string[] = []
  for (let count = 0; count < 10; count += 1) ids.push((await make({ url })).body.webhook.id)
  before = await everything()
  await refused(await make({ url }), 422, 'too_many_webhooks')
  const path = `${mill.path}/webhooks/${ids[0]}`
  for (const since of [
    'never',
    '2026-11-25',
    '2026-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2026-11-25T08:00:00+01:00',
    5,
  ])
    await refused(await mill.owner(`POST ${path}/replay`, { body: { since } }), 400, 'malformed')
  for (const query of [
    'state=lost',
    'after=xyz',
    `after=${Buffer.from(`["","${'0'.repeat(8)}"]`).toString('base64url')}`,
  ])
    await refused(await mill.owner(`GET ${path}/notices?${query}`), 400)
  const nowhere = idText('notice', newId(world.app.clock.now()))
  await refused(await mill.owner(`POST ${path}/notices/${nowhere}/replay`), 404, 'not_found')
  expect((await mill.owner(`POST ${path}/switch-off`)).body.state).toBe('off')
  before = await everything()
  await refused(await mill.owner(`POST ${path}/test`), 409, 'webhook_is_off')
  await refused(
    await mill.owner(`POST ${path}/replay`, { body: { since: '2026-11-25T08:00:00Z' } }),
    409,
    'webhook_is_off',
  )
  for (const id of ids) expect((await mill.owner(`POST ${mill.path}/webhooks/${id}/remove`)).body.removed).toBe(true)
  expect((await avon.convener(`GET ${avon.path}/webhooks`)).body.list).toEqual([])
})

test('the first and the last day there are do no harm', async () => {
  const { mill, avon } = world
  for (const query of ['from=0001-01-01&to=9999-12-31', 'from=9999-12-31'])
    expect((await mill.owner(`GET ${mill.path}/statement?${query}`)).status).toBe(200)
  for (const days of [{ tradedOn: '9999-12-31' }, { tradedOn: '0001-01-01' }, { dueOn: '0001-01-01' }]) {
    const answer = await propose(days)
    expect([days, answer.status < 500]).toEqual([days, true])
  }
  expect((await mill.owner(`GET ${avon.path}/trades`)).status).toBe(200)
})
