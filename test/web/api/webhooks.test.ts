/** Bells at the door: signed over the raw bytes, stored once, answered empty and without a cookie. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('a bell that is signed is stored and answered with nothing', async () => {
  const body = xeroBody('invoice-1', 'invoice-2')
  const answer = await ring('xero', body, { 'x-xero-signature': sign(body, 'new-key') })
  expect([answer.status, answer.text, answer.headers.get('set-cookie')]).toEqual([200, '', null])
  expect((await bells()).map(({ kind, bookId, thingId, answeredAt }) => [kind, bookId, thingId, answeredAt])).toEqual([
    ['xero', 'book-1', 'invoice-1', null],
    ['xero', 'book-1', 'invoice-2', null],
  ])
})

test('the same bell three times is one bell, under the old key too while keys change', async () => {
  const body = xeroBody('invoice-1', 'invoice-2', 'invoice-3')
  for (let time = 0; time < 3; time += 1)
    expect((await ring('xero', body, { 'x-xero-signature': sign(body, 'old-key') })).status).toBe(200)
  expect(await bells()).toHaveLength(3)
})

test('forged, re-encoded, unsigned and empty: 401, and nothing is stored', async () => {
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

test('asking whether we would hear it (no events) is answered by the signature alone', async () => {
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

test('where no vendor is set up, no bell is heard', async () => {
  const bare = await openApp()
  const body = xeroBody('invoice-1')
  const headers = { 'x-xero-signature': sign(body, 'new-key') }
  const answer = await bare.client(null)('POST /v1/webhooks/xero', { raw: body, headers })
  expect(answer.status).toBe(401)
  await bare.end()
})
