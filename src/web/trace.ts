/** One trace id from the HTTP call to the vendor's request id: taken from `traceparent`, else from `X-Request-Id`, else made. */
import { randomBytes } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Log } from '../kit/log.ts'

export function trace(log: Log, nowMs: () => number): RequestHandler {
  return (ask, answer, next) => {
    const parent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(ask.get('traceparent') ?? '')?.[1]
    const asked = /^[\w.-]{8,64}$/.exec(ask.get('x-request-id') ?? '')?.[0]
    const traceId = parent ?? asked ?? randomBytes(16).toString('hex')
    answer.locals.traceId = traceId
    answer.set('X-Request-Id', traceId)
    const began = nowMs()
    answer.on('finish', () => {
      // Links with a token in their path are not written down whole.
      const path = ask.path.replace(/^(\/(?:join|sign-in)\/)[^/]+/, '$1…')
      log.info({ traceId, method: ask.method, path, status: answer.statusCode, tookMs: nowMs() - began }, 'request')
    })
    next()
  }
}
