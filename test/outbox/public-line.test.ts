/** Whatever the other side answers, a POST to it ends, and in time. */
import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { post } from '../../src/outbox/public-line.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(() => Promise.all(ends.splice(0).map((end) => end())))

/** Says these bytes to whoever calls, word for word, and leaves the connection as it is. */
async function saying(words: string): Promise<string> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(words))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  ends.push(() => {
    for (const socket of open) socket.destroy()
    return new Promise((done) => server.close(done))
  })
  const address = server.address()
  return `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}/`
}
const told = async (words: string) => post(await saying(words), {}, '{}', { loopback: true, limitMs: 300 })

test('fault 62: one who answers with another protocol is not waited for, and has taken nothing', async () => {
  expect(await told('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')).toEqual({
    status: 101,
  })
})

test('fault 62: one who says nothing, or promises an answer for ever, is left when the time is over', async () => {
  expect(await told('')).toEqual({ status: null, why: 'timeout' })
  expect(await told('HTTP/1.1 102 Processing\r\n\r\n')).toEqual({ status: null, why: 'timeout' })
  expect(await told('HTTP/1.1 101 Switching Protocols\r\n\r\n')).toMatchObject({ status: expect.anything() })
})

test('fault 62: one who never ends its answer has answered: its status counts', async () => {
  expect(await told('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal')).toEqual({ status: 200 })
})
