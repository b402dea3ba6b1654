/** One trace id from the HTTP call to the vendor's request id: taken from `traceparent`, else from `X-Request-Id`, else made. */
import { randomBytes } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Log } from '../kit/log.ts'

/** Links with a token in their path are not written down whole, however they are spelled. */
export function pathToLog(path: string): string {
  return path.replace(/^(\/+(?:join|sign-in)\/+).+/i, '$1…').slice(0, 300)
}

export function trace(log: Log, nowMs: () => number): RequestHandler {
  return (ask, answer, next) => {
    const parent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(ask.get('traceparent') ?? '')?.[1]
    const asked = /^[\w.-]{8,64}$/.exec(ask.get('x-request-id') ?? '')?.[0]
    const traceId = parent ?? asked ?? randomBytes(16).toString('hex')
    answer.locals.traceId = traceId
    answer.set('X-Request-Id', traceId)
    const began = nowMs()
    // Taken now: below a mounted folder (/assets) Express shortens it.
    const told = { traceId, method: ask.method, path: pathToLog(ask.path) }
    answer.on('finish', () => {
      log.info({ ...told, status: answer.statusCode, tookMs: nowMs() - began }, 'request')
    })
    next()
  }
}
