/** Consent and tokens: what is asked of Intuit, what is taken from its answers, and what the package may not do. By a real server. */
import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { connectorWith, grant } from './quickbooks-scene.ts'

let server: Server | null = null
type Asked = { method: string; path: string; headers: IncomingMessage['headers']; body: string }
let asked: Asked[] = []

/** Serves the discovery document and whatever else is told, and keeps what was asked. */
async function intuit(
  answer: (path: string, response: ServerResponse) => void,
  document: (url: string) => unknown = discovery,
) {
  asked = []
  const serving = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const path = request.url ?? ''
    asked.push({ method: request.method ?? '', path, headers: request.headers, body })
    if (path.startsWith('/.well-known')) return void response.end(JSON.stringify(document(url)))
    answer(path, response)
  })
  server = serving
  await new Promise<void>((ready) => serving.listen(0, '127.0.0.1', ready))
  const url = `http://localhost:${(serving.address() as AddressInfo).port}`
  return connectorWith({ discoveryUrl: `${url}/.well-known/openid_configuration`, apiUrl: url, timeLimitMs: 400 })
}
const discovery = (url: string) => ({
  authorization_endpoint: `${url}/consent`,
  token_endpoint: `${url}/tokens`,
  revocation_endpoint: '/revoked',
})
function says(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (_path: string, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', intuit_tid: 'tid-1', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}
async function closeServer() {
  const closing = server
  server = null
  closing?.closeAllConnections()
  if (closing) await new Promise((closed) => closing.close(closed))
}
afterEach(closeServer)

const tokens = {
  access_token: 'access-2',
  refresh_token: 'refresh-2',
  expires_in: 3600,
  x_refresh_token_expires_in: 8726400,
  x_refresh_token_hard_expires_in: 157680000,
  token_type: 'bearer',
}
const verifier = 'v'.repeat(43)
const back = 'https://quits.example/connect/quickbooks'

test('consent is asked where the discovery document says, for accounting and nothing else, with our state', async () => {
  const connector = await intuit(says(200, {}))
  const url = new URL(await connector.consentUrl({ state: 'state-1', verifier }))
  expect(url.pathname).toBe('/consent')
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'client-1',
    redirect_uri: back,
    response_type: 'code',
    scope: 'com.intuit.quickbooks.accounting',
    state: 'state-1',
  })
  await connector.consentUrl({ state: 'state-2', verifier })
  expect(asked.map((one) => one.path)).toEqual(['/.well-known/openid_configuration'])
})

test('two connectors of one process do not take each other’s addresses', async () => {
  const first = await intuit(says(200, {}))
  const ours = new URL(await first.consentUrl({ state: 'a', verifier })).origin
  const other = connectorWith({ discoveryUrl: `${ours}/.well-known/other`, apiUrl: ours })
  await other.consentUrl({ state: 'b', verifier })
  const again = await first.consentUrl({ state: 'c', verifier })
  expect(new URL(again).origin).toBe(ours)
})

test('a code becomes a grant with absolute ends, and the company’s name is read', async () => {
  const connector = await intuit((path, response) =>
    path.startsWith('/tokens')
      ? says(200, tokens)(path, response)
      : says(200, { CompanyInfo: { CompanyName: 'Hill Bakery' } })(path, response),
  )
  const [made] = await connector.grantsFrom({ url: `${back}?code=code-1&state=s&realmId=4620816365`, verifier })
  expect(made).toEqual({
    bookId: '4620816365',
    bookName: 'Hill Bakery',
    cutId: null,
    accessToken: 'access-2',
    accessEndsAt: '2026-11-24T11:00:00.000Z',
    refreshToken: 'refresh-2',
    refreshEndsAt: '2027-03-05T10:00:00.000Z',
    hardEndsAt: '2031-11-23T10:00:00.000Z',
    scopes: ['com.intuit.quickbooks.accounting'],
  })
  const exchange = asked.find((one) => one.path === '/tokens')
  expect(Object.fromEntries(new URLSearchParams(exchange?.body))).toEqual({
    grant_type: 'authorization_code',
    code: 'code-1',
    redirect_uri: back,
  })
  expect(exchange?.headers.authorization).toBe(`Basic ${Buffer.from('client-1:secret-1').toString('base64')}`)
  expect(exchange?.headers['x-include-refresh-token-hard-expires-in']).toBe('true')
  expect(existsSync('logs')).toBe(false)
})

test('a grant is not lost because the company’s name could not be read', async () => {
  const connector = await intuit((path, response) =>
    path.startsWith('/tokens') ? says(200, tokens)(path, response) : says(503, '<html>')(path, response),
  )
  const [made] = await connector.grantsFrom({ url: `${back}?code=code-1&realmId=4620816365`, verifier })
  expect(made).toMatchObject({ accessToken: 'access-2', bookName: '4620816365' })
})

test.each([
  ['error=access_denied', 'consent_declined'],
  ['error=invalid_scope', 'consent_refused'],
  ['code=code-1', 'consent_refused'],
  ['realmId=4620816365', 'consent_refused'],
])('quickbooks group 7: a callback with %s opens nothing', async (query, cause) => {
  const connector = await intuit(says(200, tokens))
  const opened = connector.grantsFrom({ url: `${back}?state=s&${query}`, verifier })
  await expect(opened).rejects.toMatchObject({ kind: 'unauthorized', facts: { cause } })
  expect(asked).toEqual([])
})

test('a refresh sends the token once and keeps what the new answer says', async () => {
  const { x_refresh_token_hard_expires_in: _, ...without } = tokens
  const connector = await intuit(says(200, without))
  const fresh = await connector.refresh({ ...grant, hardEndsAt: '2030-01-01T00:00:00.000Z' })
  expect(fresh).toMatchObject({
    bookId: grant.bookId,
    refreshToken: 'refresh-2',
    hardEndsAt: '2030-01-01T00:00:00.000Z',
  })
  const calls = asked.filter((one) => one.path === '/tokens')
  expect(calls.map((one) => one.body)).toEqual(['grant_type=refresh_token&refresh_token=refresh-canary'])
})

test.each([
  ['a dead token', 400, { error: 'invalid_grant' }, 'unauthorized', 'refresh_refused'],
  ['wrong credentials of ours', 401, { error: 'invalid_client' }, 'unauthorized', 'client_refused'],
  ['an answer without tokens', 200, {}, 'unavailable', 'tokens_missing'],
  ['half of the tokens', 200, { access_token: 'access-2' }, 'unavailable', 'tokens_missing'],
  ['a page instead of tokens', 200, '<html>Welcome</html>', 'unavailable', 'tokens_missing'],
  ['a server in trouble', 503, '<html>no</html>', 'unavailable', 'vendor_down'],
  ['too many calls', 429, {}, 'throttled', 'minute_limit'],
])(
  'quickbooks group 6: a refresh answered by %s is asked once, and told as what it is',
  async (_what, status, body, kind, cause) => {
    const connector = await intuit(says(status, body))
    const error = await connector.refresh(grant).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ kind, facts: { cause } })
    expect(asked.filter((one) => one.path === '/tokens')).toHaveLength(1)
    expect(JSON.stringify(error)).not.toMatch(/canary|secret-1|access-2/)
  },
)

test('quickbooks group 6: a refresh that gets no answer ends at its deadline, and it is not known whether the token was changed', async () => {
  const connector = await intuit(() => undefined)
  await expect(connector.refresh(grant)).rejects.toMatchObject({ kind: 'unclear', facts: { cause: 'no_reply' } })
  expect(asked.filter((one) => one.path === '/tokens')).toHaveLength(1)
})

test('quickbooks group 8: revoking sends the refresh token as JSON; a token that is dead already is as good as revoked', async () => {
  const connector = await intuit(says(200, ''))
  await connector.revoke(grant)
  const call = asked.find((one) => one.path === '/revoked')
  expect(call?.headers['content-type']).toBe('application/json')
  expect(JSON.parse(call?.body ?? '')).toEqual({ token: 'refresh-canary' })

  await closeServer()
  const dead = await intuit(says(400, { error: 'invalid_token' }))
  await expect(dead.revoke(grant)).resolves.toBeUndefined()
})

test('quickbooks group 8: a revocation that failed is told', async () => {
  const connector = await intuit(says(500, 'no'))
  await expect(connector.revoke(grant)).rejects.toMatchObject({ kind: 'unavailable' })
})

test('secrets are not sent to Intuit because another’s discovery document is away or empty', async () => {
  const connector = await intuit(says(200, tokens), () => ({}))
  await expect(connector.refresh(grant)).rejects.toMatchObject({ facts: { cause: 'discovery_unreadable' } })
  const away = connectorWith({ discoveryUrl: 'http://127.0.0.1:9/away' })
  await expect(away.consentUrl({ state: 's', verifier })).rejects.toMatchObject({ kind: 'unavailable' })
})

// ─── Bells ────────────────────────────────────────────────────────────────────────────────────────────────────────

const old = {
  eventNotifications: [
    {
      realmId: '1',
      dataChangeEvent: {
        entities: [
          { name: 'Invoice', id: '31', operation: 'Update', lastUpdated: '2026-11-24T02:00:00-08:00' },
          { name: 'BillPayment', id: '33', operation: 'Void', lastUpdated: '2026-11-24T02:00:00-08:00' },
        ],
      },
    },
    { realmId: '2', dataChangeEvent: { entities: [{ name: 'Planet', id: '1', operation: 'Spin' }] } },
  ],
}
const cloud = [
  {
    specversion: '1.0',
    id: 'e-1',
    type: 'qbo.invoice.updated.v1',
    time: '2026-11-24T10:00:00Z',
    intuitentityid: '31',
    intuitaccountid: '1',
  },
  { specversion: '1.0', id: 'e-2', type: 'something else', intuitaccountid: '1' },
  { specversion: '1.0', id: 'e-3', type: 'qbo.bill.created.v1', intuitentityid: '9' },
]
function rung(body: unknown, key = 'key-1') {
  const bytes = new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
  return { body: bytes, headers: { 'Intuit-Signature': createHmac('sha256', key).update(bytes).digest('base64') } }
}

test('fault 41: quickbooks group 22: bells of both shapes ring for the book and the thing; what is not understood rings none', () => {
  const { bells } = connectorWith()
  expect(bells(rung(old), ['key-0', 'key-1'])).toMatchObject([
    { bookId: '1', kind: 'invoice.updated', thingId: '31', at: '2026-11-24T10:00:00.000Z' },
    { bookId: '1', kind: 'billpayment.voided', thingId: 'billpayment-33' },
    { bookId: '2', kind: 'planet.spin', thingId: '1' },
  ])
  expect(bells(rung(cloud), ['key-1'])).toEqual([
    { id: 'e-1', bookId: '1', kind: 'invoice.updated', thingId: '31', at: '2026-11-24T10:00:00.000Z' },
  ])
  expect(bells(rung('not json'), ['key-1'])).toEqual([])
  const [first, second] = [bells(rung(old), ['key-1']), bells(rung(old), ['key-1'])]
  expect(first.map((bell) => bell.id)).toEqual(second.map((bell) => bell.id))
  expect(new Set(first.map((bell) => bell.id)).size).toBe(3)
})

test('fault 43: fault 44: quickbooks group 22: a bell with a changed byte, another key, no key or no signature is refused', () => {
  const { bells } = connectorWith()
  const changed = rung(old)
  changed.body[20] = 0x20
  const refused = expect.objectContaining({
    kind: 'unauthorized',
    facts: expect.objectContaining({ cause: 'signature_refused' }),
  })
  expect(() => bells(changed, ['key-1'])).toThrow(refused)
  expect(() => bells(rung(old), ['key-2'])).toThrow(refused)
  expect(() => bells(rung(old, ''), [''])).toThrow(refused)
  expect(() => bells({ body: rung(old).body, headers: {} }, ['key-1'])).toThrow(refused)
})
