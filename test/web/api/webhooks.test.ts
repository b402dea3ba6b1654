/** Bells at the door: signed over the raw bytes, stored once, answered empty and without a cookie. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { quickbooksConnector } from '../../../connectors/quickbooks/connector.ts'
import { xeroConnector } from '../../../connectors/xero/connector.ts'
import { type App, firstDay, openApp } from '../../support/app.ts'

const nowhere = 'http://127.0.0.1:9'
const vendor = { clientId: 'id', clientSecret: 'secret', redirectUri: 'https://quits.example/back' }
const now = () => firstDay
let app: App
beforeAll(async () => {
  app = await openApp({
    environment: {
      XERO_CLIENT_ID: 'id',
      XERO_CLIENT_SECRET: 'secret',
      XERO_WEBHOOK_KEY: 'new-key,old-key',
      QUICKBOOKS_CLIENT_ID: 'id',
      QUICKBOOKS_CLIENT_SECRET: 'secret',
      QUICKBOOKS_WEBHOOK_VERIFIER: 'verifier',
    },
    connectors: {
      xero: xeroConnector({ ...vendor, identityUrl: nowhere, apiUrl: nowhere, now }),
      quickbooks: quickbooksConnector({ ...vendor, discoveryUrl: nowhere, apiUrl: nowhere, now }),
    },
  })
})
afterAll(() => app.end())

const xeroBody = (...invoices: string[]) =>
  JSON.stringify({
    events: invoices.map((resourceId) => ({
      resourceUrl: `https://api.xero.com/api.xro/2.0/Invoices/${resourceId}`,
      resourceId,
      eventDateUtc: '2026-11-02T09:58:59.371',
      eventType: 'UPDATE',
      eventCategory: 'INVOICE',
      tenantId: 'book-1',
      tenantType: 'ORGANISATION',
    })),
    firstEventSequence: 1,
    lastEventSequence: invoices.length,
    entropy: 'S0m3r4Nd0mt3xt',
  })
const sign = (body: string, key: string) => createHmac('sha256', key).update(body).digest('base64')
const ring = (kind: string, raw: string, headers: Record<string, string>) =>
  app.client(null)(`POST /v1/webhooks/${kind}`, { raw, headers, idempotencyKey: null })
const bells = () => app.worker((tx) => tx.bell.findMany({ orderBy: { thingId: 'asc' } }))

test('a bell that is signed is stored and answered with nothing; of a book that nobody keeps it asks for no look', async () => {
  const body = xeroBody('invoice-1', 'invoice-2')
  const answer = await ring('xero', body, { 'x-xero-signature': sign(body, 'new-key') })
  expect([answer.status, answer.text, answer.headers.get('set-cookie')]).toEqual([200, '', null])
  expect((await bells()).map(({ kind, bookId, thingId, answeredAt }) => [kind, bookId, thingId, answeredAt])).toEqual([
    ['xero', 'book-1', 'invoice-1', firstDay],
    ['xero', 'book-1', 'invoice-2', firstDay],
  ])
  expect(await app.worker((tx) => tx.lane.count({ where: { kind: 'bell' } }))).toBe(0)
})

test('fault 43: the same bell three times is one bell, under the old key too while keys change', async () => {
  const body = xeroBody('invoice-1', 'invoice-2', 'invoice-3')
  for (let time = 0; time < 3; time += 1)
    expect((await ring('xero', body, { 'x-xero-signature': sign(body, 'old-key') })).status).toBe(200)
  expect(await bells()).toHaveLength(3)
})

test('fault 43 and fault 44: forged, re-encoded by a proxy, unsigned and empty: 401, and nothing is stored', async () => {
  const body = xeroBody('invoice-9')
  const right = sign(body, 'new-key')
  const asked: [string, Record<string, string>][] = [
    [body, {}],
    [body, { 'x-xero-signature': '' }],
    [body, { 'x-xero-signature': sign(body, 'another-key') }],
    [JSON.stringify(JSON.parse(body), null, 1), { 'x-xero-signature': right }],
    [`${body} `, { 'x-xero-signature': right }],
    ['', { 'x-xero-signature': right }],
  ]
  for (const [raw, headers] of asked) {
    const answer = await ring('xero', raw, headers)
    expect([answer.status, answer.text]).toEqual([401, ''])
  }
  expect(await bells()).toHaveLength(3)
})

test('a body of ten megabytes is not read, signed or not, nor is one that is compressed badly', async () => {
  const body = 'x'.repeat(10_000_000)
  expect((await ring('xero', body, { 'x-xero-signature': sign(body, 'new-key') })).status).toBe(413)
  const headers = { 'x-xero-signature': sign('{}', 'new-key'), 'content-encoding': 'gzip' }
  expect((await ring('xero', '{}', headers)).status).toBe(400)
  expect(await bells()).toHaveLength(3)
})

test('fault 43: asking whether we would hear it (no events) is answered by the signature alone', async () => {
  const body = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"ABC"}'
  expect((await ring('xero', body, { 'x-xero-signature': sign(body, 'new-key') })).status).toBe(200)
  expect((await ring('xero', body, { 'x-xero-signature': sign(body, 'wrong') })).status).toBe(401)
})

test('QuickBooks’ bells, as cloud events', async () => {
  const event = {
    specversion: '1.0',
    id: 'event-1',
    source: 'intuit',
    type: 'qbo.invoice.updated.v1',
    time: '2026-11-02T09:59:00Z',
    intuitentityid: '77',
    intuitaccountid: 'realm-1',
  }
  const body = JSON.stringify([event])
  const answer = await ring('quickbooks', body, { 'intuit-signature': sign(body, 'verifier') })
  expect([answer.status, answer.text]).toEqual([200, ''])
  expect((await bells()).filter(({ kind }) => kind === 'quickbooks')).toMatchObject([
    { id: 'event-1', bookId: 'realm-1' },
  ])
  expect((await ring('quickbooks', body, { 'intuit-signature': sign(body, 'new-key') })).status).toBe(401)
})

test('fault 46: five hundred bells at once are each stored before they are answered, by one call of the database; what cannot be stored is no 2xx', async () => {
  const known = new Set((await bells()).map(({ id }) => id))
  const calls = vi.spyOn(app.db.pool, 'query')
  const many = Array.from({ length: 500 }, (_, number) => xeroBody(`burst-${number}`))
  const slowest: number[] = []
  let next = 0
  const send = async () => {
    for (let body = many[next++]; body !== undefined; body = many[next++]) {
      const from = performance.now()
      expect((await ring('xero', body, { 'x-xero-signature': sign(body, 'new-key') })).status).toBe(200)
      slowest.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: 25 }, send))
  expect(calls).toHaveBeenCalledTimes(500)
  expect((await bells()).filter(({ id }) => !known.has(id))).toHaveLength(500)
  expect(slowest.sort((one, other) => one - other)[494]).toBeLessThan(1_000)

  calls.mockRejectedValueOnce(Object.assign(new Error('cut off'), { code: '57P01' }))
  const lost = xeroBody('lost')
  const answer = await ring('xero', lost, { 'x-xero-signature': sign(lost, 'new-key') })
  expect([answer.status >= 500, await bells()]).toEqual([
    true,
    expect.not.arrayContaining([expect.objectContaining({ thingId: 'lost' })]),
  ])
  expect((await ring('xero', lost, { 'x-xero-signature': sign(lost, 'new-key') })).status).toBe(200)
  calls.mockRestore()
})

test('where no vendor is set up, no bell is heard', async () => {
  const bare = await openApp()
  const body = xeroBody('invoice-1')
  const headers = { 'x-xero-signature': sign(body, 'new-key') }
  const answer = await bare.client(null)('POST /v1/webhooks/xero', { raw: body, headers })
  expect(answer.status).toBe(401)
  await bare.end()
})
