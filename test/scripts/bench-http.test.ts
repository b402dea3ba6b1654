/** The bench's own caller: one connection, whole answers, and never a wait without an end. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { openCaller } from '../../scripts/bench/lean-http.ts'

let server: Server
afterEach(() => {
  vi.restoreAllMocks()
  server.closeAllConnections()
  server.close()
})

async function serve(answers: (body: string, answer: ServerResponse) => void): Promise<number> {
  server = createServer((ask, answer) => {
    let body = ''
    ask.on('data', (bytes) => {
      body += bytes
    })
    ask.on('end', () => answers(body, answer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

test('answers come whole and in turn over one connection, also when they arrive in pieces', async () => {
  const port = await serve((body, answer) => {
    const text = JSON.stringify({ heard: body })
    answer.writeHead(201, { 'content-length': Buffer.byteLength(text) })
    answer.write(text.slice(0, 5))
    setImmediate(() => answer.end(text.slice(5)))
  })
  const caller = await openCaller(port)
  const connections = vi.fn()
  server.on('connection', connections)
  for (const word of ['one', 'zwölf']) {
    const { status, text } = await caller.post('/', { 'x-word': 'a' }, word)
    expect([status, JSON.parse(text)]).toEqual([201, { heard: word }])
  }
  expect(connections).toHaveBeenCalledTimes(0)
  caller.end()
})

test('a connection that was idle is changed for a new one before the server closes it', async () => {
  const port = await serve((_body, answer) => void answer.writeHead(200, { 'content-length': 2 }).end('{}'))
  const caller = await openCaller(port)
  await caller.post('/', {}, '')
  const connections = vi.fn()
  server.on('connection', connections)
  const now = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(now + 10_000)
  expect((await caller.post('/', {}, '')).status).toBe(200)
  expect(connections).toHaveBeenCalledTimes(1)
  caller.end()
})

test('a service that hangs up tells so', async () => {
  const port = await serve((_body, answer) => void answer.destroy())
  const caller = await openCaller(port)
  await expect(caller.post('/', {}, '')).rejects.toThrow(/closed|ECONNRESET/)
  await expect(caller.post('/', {}, '')).rejects.toThrow('the connection is closed')
})
