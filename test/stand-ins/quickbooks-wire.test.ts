/** Limits, replay, webhooks and faults of the QuickBooks stand-in. */
import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { StandInClock } from '../../stand-ins/kit/clock.ts'
import { Limits } from '../../stand-ins/quickbooks/limits.ts'
import type { QuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { type Books, bodies, connected, type Loose, said, startBooks } from './quickbooks-client.ts'

let standIn: QuickBooksStandIn
let books: Books
let of: ReturnType<typeof bodies>

beforeAll(async () => {
  standIn = await startBooks()
})
afterAll(() => standIn.close())
beforeEach(async () => {
  await standIn.control.reset()
  books = await connected(standIn)
  of = bodies(books)
})

const count = async (kind: string) => (await books.query(`select count(*) from ${kind}`)).totalCount
const fault = (knob: string, more: Loose = {}) => standIn.control.fault({ knob, match: { path: '/invoice' }, ...more })
const create = (requestid = '', more: Loose = {}) =>
  books.call('POST', `/invoice${requestid ? `?requestid=${requestid}` : ''}`, of.invoice([10], more))

test('ten a second, five hundred a minute, forty batches a minute, per company', async () => {
  const limited = await startBooks({ limits: 'enforced' })
  const own = await connected(limited)
  // On a busy machine ten calls may take more than a second.
  limited.clock.hold()
  const second = () => limited.clock.advance(1001)
  second()
  for (let at = 0; at < 10; at++) expect((await own.call('GET', '/preferences')).status).toBe(200)
  const refused = await own.call('GET', '/preferences')
  expect(said(refused)).toBe('429 3001')
  expect(refused.headers.get('retry-after')).toBeNull()
  second()
  expect((await own.call('GET', '/preferences')).status).toBe(200)

  limited.clock.advance(60_001)
  for (let at = 0; at < 40; at++) {
    limited.clock.advance(200)
    expect(
      (await own.call('POST', '/batch', { BatchItemRequest: [{ bId: '1', Query: 'select * from Item' }] })).status,
    ).toBe(200)
  }
  limited.clock.advance(200)
  expect(
    said(await own.call('POST', '/batch', { BatchItemRequest: [{ bId: '1', Query: 'select * from Item' }] })),
  ).toBe('429 3001')
  expect((await own.call('GET', '/preferences')).status).toBe(200)

  limited.clock.advance(60_001)
  for (let at = 0; at < 500; at++) {
    limited.clock.advance(101)
    if ((await own.call('GET', '/preferences')).status !== 200) throw new Error(`refused at ${at}`)
  }
  limited.clock.advance(101)
  expect(said(await own.call('GET', '/preferences'))).toBe('429 3001')
  await limited.close()
})

test('ten calls that are still running leave no room for another, in that company only', () => {
  const clock = new StandInClock()
  const limits = new Limits(clock)
  const running = Array.from({ length: 10 }, () => limits.enter('one', false))
  clock.advance(1001)
  expect(limits.enter('one', false)).toEqual({ refused: 'more than 10 requests at once' })
  expect(limits.enter('two', false)).toHaveProperty('leave')
  const [first] = running
  if (first && 'leave' in first) first.leave()
  expect(limits.enter('one', false)).toHaveProperty('leave')
})

test('the same requestid gets the first answer again, until it is forgotten', async () => {
  const first = await create('r-1', { DocNumber: 'R-1' })
  const again = await create('r-1', { DocNumber: 'R-1' })
  expect(again.body).toEqual(first.body)
  expect(await count('Invoice')).toBe(1)
  fault('forgetKeys')
  expect(said(await create('r-1', { DocNumber: 'R-1' }))).toBe('400 6140')
  standIn.control.quirks({ requestIdsKept: false })
  await create('r-2')
  await create('r-2')
  expect(await count('Invoice')).toBe(3)
  expect(said(await create('x'.repeat(51)))).toBe('400 2130')
  expect(
    said(
      await books.call('POST', `/batch?requestid=${'x'.repeat(37)}`, {
        BatchItemRequest: [{ bId: '1', Query: 'select * from Item' }],
      }),
    ),
  ).toBe('400 2130')
})

test('an error kept under a requestid is replayed, another id gets through', async () => {
  fault('replayCachedError')
  expect(said(await create('e-1'))).toBe('500 10000')
  expect(said(await create('e-1'))).toBe('500 10000')
  expect((await create('e-2')).status).toBe(200)
  expect(await count('Invoice')).toBe(1)
})

test('a fault after the commit leaves the invoice there, one before it leaves nothing', async () => {
  fault('loseReply')
  await expect(create()).rejects.toThrow()
  expect(await count('Invoice')).toBe(1)
  fault('error500AfterCommit')
  expect(said(await create())).toBe('500 10000')
  expect(await count('Invoice')).toBe(2)
  fault('error500BeforeCommit')
  expect(said(await create())).toBe('500 10000')
  fault('html503')
  const html = await create()
  expect([html.status, html.headers.get('content-type')]).toEqual([503, expect.stringContaining('text/html')])
  fault('okWithErrorBody')
  expect(said(await create())).toBe('200 6000')
  expect(await count('Invoice')).toBe(2)
  fault('resetMidAnswer')
  await expect(create()).rejects.toThrow()
  fault('truncateAnswer')
  expect(typeof (await create()).body).toBe('string')
  fault('poisonAnswer')
  expect((await create()).body.Invoice.FieldNobodyKnows).toBeDefined()
  expect(await count('Invoice')).toBe(5)
})

test('knobs of the gateway and of the world', async () => {
  fault('unauthorizedXml')
  const xml = await create()
  expect([xml.status, xml.headers.get('content-type')]).toEqual([401, expect.stringContaining('xml')])
  expect(xml.body).toContain('errorCode=003200')
  fault('throttle', { value: { retryAfter: 30 } })
  const throttled = await create()
  expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '30'])
  fault('permissionMissing')
  expect(said(await create())).toBe('403 5020')
  fault('lockPeriod', { value: '2026-12-31' })
  expect(said(await create())).toBe('400 6200')
  standIn.control.edit(books.company.id, { deed: 'unlockPeriod' })
  fault('editBehindOurBack', { value: { deed: 'archiveContact', contact: 'The Corner Café' } })
  expect(said(await create())).toBe('400 610')
  fault('expireAccess')
  expect(said(await create())).toBe('401 3200')
})

test('what is new is not seen by queries at once, when reading lags', async () => {
  await create('', { DocNumber: 'LAG-1' })
  standIn.control.fault({ knob: 'readLag', times: -1, value: 30_000 })
  expect(await books.query("select * from Invoice where DocNumber = 'LAG-1'")).toEqual({})
  standIn.clock.advance(31_000)
  expect((await books.query("select * from Invoice where DocNumber = 'LAG-1'")).Invoice).toHaveLength(1)
})

test('one element of a batch is refused, the other stands', async () => {
  standIn.control.fault({ knob: 'rejectOne' })
  const reply = await books.call('POST', '/batch', {
    BatchItemRequest: ['a', 'b'].map((bId) => ({ bId, operation: 'create', Invoice: of.invoice([1]) })),
  })
  expect(reply.body.BatchItemResponse.map((one: Loose) => (one.Fault ? 'refused' : 'made')).sort()).toEqual([
    'made',
    'refused',
  ])
})

test('every answer has its own trace id', async () => {
  const [one, two] = [await books.call('GET', '/preferences'), await books.call('GET', '/nothing/1')]
  expect(one.headers.get('intuit_tid')).toMatch(/^1-/)
  expect(two.headers.get('intuit_tid')).not.toBe(one.headers.get('intuit_tid'))
})

test('bells ring in both shapes, signed over their bytes, again when nobody answered', async () => {
  const rung: { raw: string; signature: string; type: string }[] = []
  let status = 500
  const app: Server = createServer((request, response) => {
    let raw = ''
    request.on('data', (part) => (raw += part))
    request.on('end', () => {
      rung.push({
        raw,
        signature: String(request.headers['intuit-signature']),
        type: String(request.headers['content-type']),
      })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  await standIn.control.webhooks({
    url: `http://127.0.0.1:${(app.address() as AddressInfo).port}/bells`,
    key: 'bell-key',
  })
  const invoice = (await create()).body.Invoice

  await standIn.control.webhooks({ send: true })
  status = 200
  await standIn.control.webhooks({ send: true })
  expect(rung).toHaveLength(2)
  expect(rung[1]?.raw).toBe(rung[0]?.raw)
  expect(rung[1]?.signature).toBe(
    createHmac('sha256', 'bell-key')
      .update(rung[1]?.raw ?? '')
      .digest('base64'),
  )
  expect(JSON.parse(rung[1]?.raw ?? '')).toEqual({
    eventNotifications: [
      {
        realmId: books.company.id,
        dataChangeEvent: {
          entities: [{ name: 'Invoice', id: invoice.Id, operation: 'Create', lastUpdated: expect.any(String) }],
        },
      },
    ],
  })

  await books.call('POST', '/invoice?operation=void', { Id: invoice.Id, SyncToken: '0' })
  await standIn.control.webhooks({ send: true, format: 'cloudevents', duplicate: true, badSignature: true })
  expect(rung).toHaveLength(4)
  expect(rung[3]?.type).toContain('application/cloudevents+json')
  expect(JSON.parse(rung[3]?.raw ?? '')).toMatchObject([
    {
      specversion: '1.0',
      type: 'qbo.invoice.voided.v1',
      intuitentityid: invoice.Id,
      intuitaccountid: books.company.id,
    },
  ])
  expect(rung[3]?.signature).not.toBe(
    createHmac('sha256', 'bell-key')
      .update(rung[3]?.raw ?? '')
      .digest('base64'),
  )
  await new Promise((resolve) => app.close(resolve))
})

test('the control plane answers over HTTP, and refuses what it does not know', async () => {
  const control = async (method: string, path: string, body?: Loose) => {
    const answer = await fetch(`${standIn.url}/control${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.status, body: (await answer.json()) as Loose }
  }
  expect((await control('POST', '/organisations', { name: 'New Co', vat: 'none' })).body.taxCodes).toEqual([])
  expect((await control('POST', '/faults', { knob: 'noSuchKnob' })).status).toBe(400)
  expect((await control('POST', '/quirks', { overpayment: 'unapplied' })).body.overpayment).toBe('unapplied')
  expect((await control('POST', '/clock', { advanceMs: 1000 })).status).toBe(200)
  expect((await control('GET', '/violations')).body).toEqual([])
  const seen = (await control('GET', '/requests')).body
  expect(seen.map((one: Loose) => one.path)).toContain('/oauth2/v1/tokens/bearer')
  expect(seen.map((one: Loose) => one.path)).toContain(`/v3/company/${books.company.id}/account`)
  expect(JSON.stringify(seen)).not.toContain(books.token.access_token)
  const page = await (await fetch(`${standIn.url}/books/${books.company.id}`)).text()
  expect(page).toContain('Mutual credit')
  expect((await fetch(`${standIn.url}/books/${books.company.id}/accounts/${books.mc}`)).status).toBe(200)
})
