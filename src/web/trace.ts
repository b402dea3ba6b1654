/**
 * One trace id from the HTTP call to the vendor's request id: taken from `traceparent`, else from `X-Request-Id`, else made. It goes
 * back in both, stands in the line of the request, is kept with what the request promises, and stands in each attempt's line.
 *
 * Keeps: only letters, digits, `.`, `_` and `-`, at most 64: whoever asks cannot forge a line of the log.
 */
import { randomBytes } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Log } from '../kit/log.ts'
import type { Metrics } from '../kit/metrics.ts'

/** Links with a token in their path are not written down whole, however they are spelled. */
export function pathToLog(path: string): string {
  return path.replace(/^(\/+(?:join|sign-in)\/+).+/i, '$1…').slice(0, 300)
}

export function trace(log: Log, nowMs: () => number, metrics?: Metrics): RequestHandler {
  return (ask, answer, next) => {
    const traceId = traceIn(ask) ?? randomBytes(16).toString('hex')
    answer.locals.traceId = traceId
    answer.set('X-Request-Id', traceId)
    if (/^[0-9a-f]{32}$/.test(traceId)) answer.set('traceparent', `00-${traceId}-${randomBytes(8).toString('hex')}-01`)
    const began = nowMs()
    const startedAt = performance.now()
    // Taken now: below a mounted folder (/assets) Express shortens it.
    const told = { traceId, method: ask.method, path: pathToLog(ask.path) }
    answer.on('finish', () => {
      log.info({ ...told, status: answer.statusCode, tookMs: nowMs() - began }, 'request')
      if (metrics) count(metrics, ask, answer, (performance.now() - startedAt) / 1000)
    })
    next()
  }
}

export function traceOf(answer: Response): string {
  return String(answer.locals.traceId ?? '')
}

/** What the asker named, where it is well formed; a trace of noughts is none. */
function traceIn(ask: Request): string | null {
  const parent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(ask.get('traceparent') ?? '')?.[1]
  if (parent && !/^0+$/.test(parent)) return parent
  return /^[A-Za-z0-9._-]{8,64}$/.exec(ask.get('x-request-id') ?? '')?.[0] ?? null
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

/** By the route's pattern, never by the path: paths have no end. */
function count(metrics: Metrics, ask: Request, answer: Response, seconds: number): void {
  const pattern: unknown = ask.route?.path
  const route =
    typeof pattern === 'string' ? `${ask.baseUrl}${pattern}` : ask.baseUrl === '/assets' ? '/assets' : 'none'
  const method = methods.has(ask.method) ? ask.method : 'other'
  metrics.httpRequests.inc({ route, method, status: `${Math.floor(answer.statusCode / 100)}xx` })
  metrics.httpSeconds.observe({ route }, seconds)
}
