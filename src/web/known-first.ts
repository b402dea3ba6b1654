/**
 * A long body is read only from somebody who is known: to parse ten megabytes takes seconds, in which nobody else is served, and
 * packed they are a thousandth of that to send.
 */
import type { Request, RequestHandler } from 'express'
import type { Deps } from './deps.ts'
import { actorOfRequest } from './session.ts'

const longestOfAnybody = 64 * 1024

export function knownFirst(deps: Deps): RequestHandler {
  return async (ask, _answer, next) => {
    if (mayBeLong(ask)) await actorOfRequest(deps, ask)
    next()
  }
}

function mayBeLong(ask: Request): boolean {
  if (ask.get('transfer-encoding') !== undefined || ask.get('content-encoding') !== undefined) return true
  return Number(ask.get('content-length') ?? 0) > longestOfAnybody
}
