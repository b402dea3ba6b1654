/**
 * One caller of an HTTP service: a connection that stays open, one question at a time. It does only what these answers need
 * (a status, `Content-Length`, JSON), since whatever the caller costs is taken from the machine that both contenders share.
 */
import { connect, type Socket } from 'node:net'
import { invariant } from '../../src/kit/invariant.ts'

export type Answer = { status: number; text: string }
export type Caller = {
  post(path: string, headers: Record<string, string>, body: string): Promise<Answer>
  end(): void
}
type Waiting = { yes(answer: Answer): void; no(error: Error): void }
type Line = { ask(request: string): Promise<Answer>; end(): void }

/** Longer than any answer takes, even of a contender that is far behind; then the run ends instead of waiting for ever. */
const patientMs = 90_000
/** A server closes a connection that is idle for five seconds; ours is changed for a new one before that. */
const idleMs = 3_000
const headEnd = Buffer.from('\r\n\r\n')

export async function openCaller(port: number): Promise<Caller> {
  let line = await openLine(port)
  let answeredAt = performance.now()
  return {
    async post(path, headers, body) {
      if (performance.now() - answeredAt > idleMs) {
        line.end()
        line = await openLine(port)
      }
      const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)) })
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const answer = await line.ask(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${head}\r\n${body}`,
      )
      answeredAt = performance.now()
      return answer
    },
    end: () => line.end(),
  }
}

async function openLine(port: number): Promise<Line> {
  const socket = await new Promise<Socket>((done, failed) => {
    const one = connect({ port, host: '127.0.0.1', noDelay: true }, () => done(one))
    one.once('error', failed)
  })
  let waiting: Waiting | null = null
  let seen: Buffer = Buffer.alloc(0)

  const settle = (how: (one: Waiting) => void) => {
    const one = waiting
    waiting = null
    if (one) how(one)
  }
  socket.setTimeout(patientMs, () => {
    if (waiting) socket.destroy(new Error(`no answer within ${patientMs} ms`))
  })
  socket.on('error', (error) => settle((one) => one.no(error)))
  socket.on('close', () => settle((one) => one.no(new Error('the connection was closed before the answer'))))
  socket.on('data', (bytes) => {
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes])
    const end = seen.indexOf(headEnd)
    if (end < 0) return
    const head = seen.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length === undefined) return settle((one) => one.no(new Error('an answer without Content-Length')))
    const from = end + headEnd.length
    if (seen.length < from + Number(length)) return
    const text = seen.toString('utf8', from, from + Number(length))
    seen = seen.subarray(from + Number(length))
    settle((one) => one.yes({ status: Number(head.slice(9, 12)), text }))
  })

  return {
    ask(request) {
      invariant(waiting === null, 'a caller asks one question at a time')
      return new Promise((yes, no) => {
        if (socket.destroyed) return no(new Error('the connection is closed'))
        waiting = { yes, no }
        socket.write(request)
      })
    },
    end: () => void socket.destroy(),
  }
}
