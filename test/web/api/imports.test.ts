/** Files of members and of past trades through the API. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, apiWorld } from '../../support/api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())

let keys = 0
/** As a program sends a file: the body as it is, not JSON. */
async function send(
  key: string,
  path: string,
  csv: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  keys += 1
  const answer = await fetch(`${world.app.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'text/csv',
      'idempotency-key': `file-${keys}`,
      ...headers,
    },
    body: csv,
  })
  const text = await answer.text()
  return { status: answer.status, body: JSON.parse(text), headers: answer.headers }
}
const convenerKey = async () => world.app.key({ role: 'convener', networkId: world.avon.uuid })
const trades = (query: string) => `${world.avon.path}/imports/trades?${query}`
const past = (amount: string) =>
  `day,seller,buyer,amount\n2020-01-01,Mill,Bakery,600\n2020-01-02,Mill,Bakery,${amount}\n2020-01-03,Bakery,Mill,1\n`

test('trades are tried, refused with their line, and made; totals and balances are money', async () => {
  const key = await convenerKey()
  const tried = await send(key, trades('fileName=past.csv&dryRun=true'), past('400.01'))
  expect(tried).toMatchObject({
    status: 200,
    body: {
      dryRun: true,
      rows: 3,
      done: 2,
      total: { amount: '60100', currency: 'GBP' },
      refusals: [{ line: 3, why: expect.stringContaining('−£1,000.01') }],
      stoppedAtLine: null,
    },
  })
  expect((await world.avon.convener(`GET ${world.avon.path}/ledger/head`)).body.number).toBe('0')
  const stopped = await send(key, trades('fileName=past.csv'), past('400.01'))
  expect(stopped.body).toMatchObject({ done: 1, stoppedAtLine: 3 })
  const made = await send(key, trades('fileName=past.csv'), past('400.00'))
  expect(made.body).toMatchObject({
    done: 2,
    known: 1,
    refusals: [],
    closing: [
      { name: 'Bakery', balance: { amount: '-99900', currency: 'GBP' }, memberId: world.bakery.memberId },
      { name: 'Mill', balance: { amount: '99900' } },
    ],
  })
  const runs = (await world.avon.convener(`GET ${world.avon.path}/imports?limit=1`)).body
  expect(runs.list).toMatchObject([{ what: 'trades', fileName: 'past.csv', rowsDone: 2, stoppedAtLine: null }])
  const older = (await world.avon.convener(`GET ${world.avon.path}/imports?after=${runs.next}`)).body
  expect(older).toMatchObject({ list: [{ rowsDone: 1, stoppedAtLine: 3 }], next: null })
})

test('the same key gives the same answer and does nothing twice', async () => {
  const key = await convenerKey()
  const csv = 'day,seller,buyer,amount\n2021-01-01,Mill,Bakery,1\n'
  const first = await send(key, trades('fileName=twice.csv'), csv, { 'idempotency-key': 'same' })
  const again = await send(key, trades('fileName=twice.csv'), csv, { 'idempotency-key': 'same' })
  expect(again.body).toEqual(first.body)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await send(key, trades('fileName=twice.csv'), `${csv}\n`, { 'idempotency-key': 'same' })).toMatchObject({
    body: { code: 'key_of_other_body' },
  })
})

test('members are brought in, once', async () => {
  const key = await convenerKey()
  const path = `${world.avon.path}/imports/members?fileName=members.csv`
  const csv = '\uFEFFname,email,legal_form,registration_number\r\n"Oak, Ash & Co",oak@example.org,company,03333333\r\n'
  expect((await send(key, path, csv)).body).toMatchObject({ done: 1, known: 0, total: { amount: '0' } })
  expect((await send(key, path, csv)).body).toMatchObject({ done: 0, known: 1 })
})

test('only a convener of this network imports, and only with a file and its name', async () => {
  const key = await convenerKey()
  const csv = past('1')
  const foreign = await world.app.key({ role: 'convener', networkId: world.tamar.uuid })
  const auditor = await world.app.key({ role: 'auditor', networkId: world.avon.uuid })
  expect((await send(foreign, trades('fileName=a.csv'), csv)).status).toBe(404)
  expect((await send(auditor, trades('fileName=a.csv'), csv)).status).toBe(403)
  expect((await world.avon.convener(`GET ${world.tamar.path}/imports`)).status).toBe(404)
  expect(await send(key, trades(''), csv)).toMatchObject({ status: 400 })
  expect(await send(key, trades('fileName=a.csv&dryRun=maybe'), csv)).toMatchObject({ status: 400 })
  expect(await send(key, trades('fileName=a.csv&colour=red'), csv)).toMatchObject({ status: 400 })
  expect(await send(key, trades('fileName=a.csv'), '{}', { 'content-type': 'application/json' })).toMatchObject({
    status: 415,
  })
  expect((await send(key, trades('fileName=a.csv'), '')).status).toBeLessThan(500)
  expect((await send(key, trades('fileName=a.csv'), 'x'.repeat(11_000_000))).status).toBe(413)
  expect(
    await send(
      key,
      trades('fileName=a.csv'),
      Uint8Array.from(Buffer.from('day,seller,buyer,amount\n2020-01-01,Caf\xe9,Bakery,1\n', 'latin1')),
    ),
  ).toMatchObject({
    status: 200,
    body: { refusals: [{ line: 2, why: expect.stringContaining('UTF-8') }] },
  })
})
