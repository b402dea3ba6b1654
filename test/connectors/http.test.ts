/** One request: what is promised when the other side is slow, silent, endless or gone. Played by a real server. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { type CallEnd, CallFailed, call, countIn, redact, retryAfterMs } from '../../connectors/http.ts'

let server: Server | null = null
const sockets = new Set<Socket>()

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(answer)
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((ready) => server?.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  const closing = server
  server = null
  if (closing) await new Promise((closed) => closing.close(closed))
})

async function failureOf(promise: Promise<unknown>): Promise<CallFailed> {
  const error = await promise.then(
    () => new Error('answered'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof CallFailed)) throw error
  return error
}

test('an answer comes back with its status, its headers in lower case and its text', async () => {
  const heard: { method: string | undefined; body: string; length: string | undefined }[] = []
  const base = await serve((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      heard.push({ method: request.method, body, length: request.headers['content-length'] })
      response.writeHead(429, { 'X-Rate-Limit-Problem': 'minute' }).end('wait')
    })
  })
  const seen: CallEnd[] = []
  const answer = await call({
    method: 'PUT',
    url: `${base}/a`,
    headers: {},
    body: '{"a":"é"}',
    onSeen: (end) => seen.push(end),
  })

  expect(answer).toMatchObject({ status: 429, text: 'wait', headers: { 'x-rate-limit-problem': 'minute' } })
  expect(heard).toEqual([{ method: 'PUT', body: '{"a":"é"}', length: '10' }])
  expect(seen).toMatchObject([{ status: 429, headers: { 'x-rate-limit-problem': 'minute' } }])
})

test('a redirect is an answer like any other and is not followed', async () => {
  let asked = 0
  const base = await serve((_request, response) => {
    asked += 1
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  expect((await call({ method: 'GET', url: base, headers: {} })).status).toBe(302)
  expect(asked).toBe(1)
})

test('a zipped answer is read, and the cap holds for what comes out of it', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a'.repeat(50_000)))
  })
  expect((await call({ method: 'GET', url: base, headers: {} })).text).toHaveLength(50_000)
  const failure = await failureOf(call({ method: 'GET', url: base, headers: {}, sizeCap: 40_000 }))
  expect(failure).toMatchObject({ sent: 'maybe', reason: 'too_large' })
})

test('nobody listening: nothing was sent', async () => {
  const base = await serve((_request, response) => response.end())
  const closing = server
  server = null
  await new Promise((closed) => closing?.close(closed))

  const seen: CallEnd[] = []
  const ask = { method: 'PUT', url: base, headers: {}, body: '{}', onSeen: (end: CallEnd) => seen.push(end) }
  expect(await failureOf(call(ask))).toMatchObject({ sent: 'no', reason: 'not_reached' })
  expect(seen).toMatchObject([{ status: null }])
})

test('an address that is neither http nor https is not called', async () => {
  const failure = await failureOf(call({ method: 'GET', url: 'ftp://example.invalid/', headers: {} }))
  expect(failure).toMatchObject({ sent: 'no', reason: 'not_reached' })
})

test('fault 21: a silent server: the deadline ends it, and the request may have arrived', async () => {
  const base = await serve(() => {})
  const failure = await failureOf(call({ method: 'PUT', url: base, headers: {}, body: '{}', timeLimitMs: 60 }))
  expect(failure).toMatchObject({ sent: 'maybe', reason: 'timed_out' })
})

test('fault 21: the deadline holds for the whole answer, not for each drop of it', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200)
    const drip = setInterval(() => response.write('.'), 10)
    response.on('close', () => clearInterval(drip))
  })
  const failure = await failureOf(call({ method: 'GET', url: base, headers: {}, timeLimitMs: 120 }))
  expect(failure).toMatchObject({ sent: 'maybe', reason: 'timed_out' })
})

test('fault 16: a connection cut before or amid the answer leaves it unknown', async () => {
  const base = await serve((request, response) => {
    if (request.url === '/before') request.socket.destroy()
    else {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"half":')
      setImmediate(() => request.socket.destroy())
    }
  })
  for (const path of ['/before', '/amid']) {
    const failure = await failureOf(call({ method: 'PUT', url: base + path, headers: {}, body: '{}' }))
    expect(failure, path).toMatchObject({ sent: 'maybe', reason: 'cut_off' })
  }
})

test('fault 21: an answer past the cap is not read on', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200)
    const pour = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', pour)
    pour()
  })
  const failure = await failureOf(call({ method: 'GET', url: base, headers: {}, sizeCap: 1_000_000 }))
  expect(failure).toMatchObject({ sent: 'maybe', reason: 'too_large' })
})

test('counts and waits are read from headers, and nothing is made of what is no number', () => {
  const now = new Date('2026-11-20T10:00:00Z')
  expect(countIn({ 'x-minlimit-remaining': '59' }, 'X-MinLimit-Remaining')).toBe(59)
  expect(countIn({ 'x-minlimit-remaining': 'many' }, 'X-MinLimit-Remaining')).toBeNull()
  expect(retryAfterMs({ 'retry-after': '66975' }, now)).toBe(66_975_000)
  expect(retryAfterMs({ 'retry-after': 'Fri, 20 Nov 2026 10:01:00 GMT' }, now)).toBe(60_000)
  expect(retryAfterMs({}, now)).toBeNull()
})

test('what a vendor said is shown without secrets and without markup', () => {
  expect(redact('{"refresh_token":"abc123","error":"invalid_grant"}')).toBe(
    '{"refresh_token":"…","error":"invalid_grant"}',
  )
  expect(redact('Authorization: Bearer abcdefgh.ijkl')).toBe('Authorization: Bearer …')
  expect(redact('<!DOCTYPE html><html><style>p{}</style><body><p>Down for\n maintenance</p></body></html>')).toBe(
    'Down for maintenance',
  )
  expect(redact('x'.repeat(5000))).toHaveLength(2000)
})
