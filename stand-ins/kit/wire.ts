/**
 * The faults of the wire: what happens to a request or an answer between the vendor and its caller.
 *
 * Keeps: a fault before the commit leaves nothing behind; a fault after it leaves everything the vendor wrote.
 * Mount it in front of the vendor's routes, behind the request log.
 */
import type { NextFunction, Request, Response } from 'express'
import type { Asked, Fault, Faults } from './faults.ts'

export interface WireBodies {
  /** What the vendor says with a 500. */
  error500: { type: string; body: string }
  /** A body that means an error though the status says 200. */
  okWithError: { type: string; body: string }
}

const html503 =
  '<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'
const hugeBytes = 100 * 1024 * 1024
const chunkBytes = 64 * 1024

const changers: Record<string, (answer: Answer, response: Response, bodies: WireBodies, fault: Fault) => void> = {
  loseReply: (_answer, response) => void response.socket?.destroy(),
  hangReply: () => undefined,
  error500AfterCommit: (answer, _response, bodies) => answer.send(500, bodies.error500.type, bodies.error500.body),
  okWithErrorBody: (answer, _response, bodies) => answer.send(200, bodies.okWithError.type, bodies.okWithError.body),
  resetMidAnswer: (answer, response) => {
    response.setHeader('Content-Length', answer.body.length)
    response.write(answer.body.subarray(0, Math.ceil(answer.body.length / 2)), () => response.socket?.destroy())
  },
  truncateAnswer: (answer) =>
    answer.send(undefined, undefined, answer.body.subarray(0, Math.floor(answer.body.length / 2))),
  slowDrip: (answer, response, _bodies, fault) => {
    const everyMs = typeof fault.value === 'number' ? fault.value : 200
    response.removeHeader('Content-Length')
    let sent = 0
    const timer = setInterval(() => {
      response.write(answer.body.subarray(sent, sent + 1))
      sent += 1
      if (sent >= answer.body.length) {
        clearInterval(timer)
        answer.end(Buffer.alloc(0))
      }
    }, everyMs)
    response.on('close', () => clearInterval(timer))
  },
  hugeBody: (_answer, response, _bodies, fault) => {
    const total = typeof fault.value === 'number' ? fault.value : hugeBytes
    response.setHeader('Content-Length', total)
    const chunk = Buffer.alloc(chunkBytes, ' ')
    let left = total
    const pump = () => {
      while (left > 0 && !response.destroyed) {
        const size = Math.min(left, chunkBytes)
        left -= size
        if (!response.write(chunk.subarray(0, size))) return void response.once('drain', pump)
      }
    }
    pump()
  },
  poisonAnswer: (answer) => answer.send(undefined, undefined, poisoned(answer.body)),
}

class Answer {
  readonly body: Buffer
  readonly #response: Response
  readonly end: (body: Buffer) => void

  constructor(response: Response, body: Buffer, end: (body: Buffer) => void) {
    this.#response = response
    this.body = body
    this.end = end
  }

  send(status: number | undefined, type: string | undefined, body: string | Buffer): void {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body)
    if (status !== undefined) this.#response.statusCode = status
    if (type !== undefined) this.#response.setHeader('Content-Type', type)
    this.#response.setHeader('Content-Length', bytes.length)
    this.end(bytes)
  }
}

/** Express middleware that applies what waits in `faults`, one fault for each request at most. */
export function faultyWire(faults: Faults, bodies: WireBodies) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const asked: Asked = { method: request.method, path: request.originalUrl }

    const slow = faults.take('slowAnswer', asked)
    if (slow !== undefined) after(typeof slow.value === 'number' ? slow.value : 1_000, response)
    const html = faults.take('html503', asked)
    if (html !== undefined && !afterCommit(html)) {
      response.status(503).type('text/html').send(html503)
      return
    }
    if (faults.take('error500BeforeCommit', asked) !== undefined) {
      response.status(500).type(bodies.error500.type).send(bodies.error500.body)
      return
    }
    const refused = faults.take('okWithErrorBody', asked)
    if (refused !== undefined && !afterCommit(refused)) {
      response.status(200).type(bodies.okWithError.type).send(bodies.okWithError.body)
      return
    }
    const hang = faults.take('hangReply', asked)
    if (hang !== undefined && !afterCommit(hang)) return // Nothing is done and nothing is said.

    for (const [knob, change] of Object.entries(changers)) {
      const fault = knob === 'hangReply' ? hang : knob === 'okWithErrorBody' ? refused : faults.take(knob, asked)
      if (fault === undefined) continue
      insteadOfAnswer(response, (answer) => change(answer, response, bodies, fault))
      next()
      return
    }
    if (html !== undefined) insteadOfAnswer(response, (answer) => answer.send(503, 'text/html', html503))
    next()
  }
}

/** The answer is ready and comes later; until then the call counts as one that runs. */
function after(ms: number, response: Response): void {
  const end = response.end.bind(response)
  response.end = ((...given: Parameters<typeof end>) => {
    setTimeout(() => end(...given), ms)
    return response
  }) as typeof response.end
}

/** `value: { after: true }` moves html503, hangReply and okWithErrorBody behind the commit. */
function afterCommit(fault: Fault): boolean {
  return typeof fault.value === 'object' && fault.value !== null && 'after' in fault.value && fault.value.after === true
}

function insteadOfAnswer(response: Response, change: (answer: Answer) => void): void {
  const end = response.end.bind(response)
  response.end = ((chunk?: unknown) => {
    const body = Buffer.isBuffer(chunk) ? chunk : Buffer.from(typeof chunk === 'string' ? chunk : '')
    response.end = end
    change(new Answer(response, body, (bytes) => void end(bytes)))
    return response
  }) as typeof response.end
}

/** Unknown fields, an unknown enum value and odd Unicode in every object; amounts and ids stay as they are. */
function poisoned(body: Buffer): Buffer {
  try {
    return Buffer.from(JSON.stringify(poison(JSON.parse(body.toString('utf8')))))
  } catch {
    return body // Not JSON: nothing to poison.
  }
}

function poison(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(poison)
  if (typeof value !== 'object' || value === null) return value
  const changed: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) changed[name] = poison(inner)
  changed.FieldNobodyKnows = { Kind: 'VALUE_OF_NEXT_YEAR', Text: 'a\u0000\u202Eb\uD83E\uDD91\u0301' }
  return changed
}
