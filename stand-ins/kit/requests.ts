/**
 * The log of requests a stand-in has seen, for tests and for the control plane.
 *
 * Keeps: a bounded number of requests; never the value of an Authorization header, a client secret or a token.
 */
import type { NextFunction, Request, Response } from 'express'
import type { StandInClock } from './clock.ts'

export interface SeenRequest {
  number: number
  at: string
  method: string
  path: string
  query: Record<string, unknown>
  headers: Record<string, unknown>
  body: unknown
  status: number | null
  violations: string[]
}

const kept = 5000
const secretFields = ['client_secret', 'refresh_token', 'code', 'code_verifier', 'token', 'access_token']

export class RequestLog {
  #seen: SeenRequest[] = []
  #byRequest = new WeakMap<Request, SeenRequest>()
  #next = 1
  #statuses = new Map<number, number>()
  readonly #clock: StandInClock

  constructor(clock: StandInClock) {
    this.#clock = clock
  }

  /** Express middleware: notes the request at once, its status when the answer is over. */
  note(request: Request, response: Response, next: NextFunction): void {
    const seen: SeenRequest = {
      number: this.#next++,
      at: this.#clock.now().toISOString(),
      method: request.method,
      path: request.path,
      query: { ...request.query },
      headers: { ...request.headers, ...(request.headers.authorization ? { authorization: '(hidden)' } : {}) },
      body: withoutSecrets(request.body),
      status: null,
      violations: [],
    }
    this.#byRequest.set(request, seen)
    this.#seen.push(seen)
    if (this.#seen.length > kept) this.#seen.shift()
    response.on('close', () => {
      seen.status = response.headersSent ? response.statusCode : null
      this.#statuses.set(seen.status ?? 0, (this.#statuses.get(seen.status ?? 0) ?? 0) + 1)
    })
    next()
  }

  /** Notes that a request broke the published schema or the strict overlay. */
  violation(request: Request, what: string): void {
    this.#byRequest.get(request)?.violations.push(what)
  }

  since(number = 0): SeenRequest[] {
    return this.#seen.filter((seen) => seen.number > number)
  }

  violations(): { number: number; method: string; path: string; body: unknown; what: string[] }[] {
    return this.#seen
      .filter((seen) => seen.violations.length > 0)
      .map(({ number, method, path, body, violations }) => ({ number, method, path, body, what: violations }))
  }

  /** How many were answered with each status, however long ago; 0 for those that got no whole answer. */
  statuses(): ReadonlyMap<number, number> {
    return this.#statuses
  }

  clear(): void {
    this.#seen = []
    this.#statuses = new Map()
  }
}

function withoutSecrets(sent: unknown): unknown {
  const body = typeof sent === 'string' ? readJson(sent) : sent
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return undefined
  if (Array.isArray(body)) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, secretFields.includes(name) ? '(hidden)' : value]),
  )
}

/** A body that was kept as text is shown as what it says, or as the text when it says nothing. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { text: text.slice(0, 1000) }
  }
}
