/**
 * How an answer leaves: with the time, once for each requestid, and as a fault when something was refused.
 */
import { randomUUID } from 'node:crypto'
import type { NextFunction, Request, Response } from 'express'
import { stamp } from './clocking.ts'
import type { Company } from './company.ts'
import { gone, QuickBooksFault, refuse } from './fault.ts'
import { type ApiParts, askedBy } from './gate.ts'

export function companyOf(parts: ApiParts, request: Request): Company {
  const company = parts.company(String(request.params.companyId))
  if (!company) throw gone()
  return company
}

const longestRequestId = 50
const longestBatchRequestId = 36

/** Runs a deed, answers with its body and the time; a write with a requestid is answered once and replayed after that. */
export function answering(
  parts: ApiParts,
  deed: (company: Company, request: Request) => Record<string, unknown>,
  bare = false,
) {
  return (request: Request, response: Response): void => {
    const company = companyOf(parts, request)
    const version = request.query.minorversion
    if (version !== undefined && !/^\d{1,3}$/.test(String(version)))
      throw refuse('2110', `Number is invalid at minorversion: ${version}`, 'minorversion')
    const isWrite = request.method === 'POST' && !request.path.endsWith('/query')
    const requestId = isWrite
      ? typeof request.query.requestid === 'string'
        ? request.query.requestid
        : undefined
      : undefined
    if (requestId !== undefined) {
      const most = request.path.endsWith('/batch') ? longestBatchRequestId : longestRequestId
      if (requestId === '' || requestId.length > most) {
        parts.requests.violation(request, `requestid of ${requestId.length} characters`)
        throw refuse('2130', `A requestid has at most ${most} characters`, 'requestid')
      }
      const earlier = parts.replay.find(company.terms.id, requestId)
      if (earlier) return void response.status(earlier.status).json(earlier.body)
      if (parts.faults.take('replayCachedError', askedBy(request))) {
        const body = systemFault(stampMs(parts.now()))
        parts.replay.keep(company.terms.id, requestId, { status: 500, body })
        return void response.status(500).json(body)
      }
    }
    const made = deed(company, request)
    const body = bare ? made : { ...made, time: stampMs(parts.now()) }
    if (requestId !== undefined && parts.quirks.requestIdsKept)
      parts.replay.keep(company.terms.id, requestId, { status: 200, body })
    if (isWrite) parts.changed()
    response.status(200).json(body)
  }
}

export const stampMs = (at: Date): string =>
  stamp(at).replace(/(:\d\d)([+-])/, `$1.${String(at.getUTCMilliseconds()).padStart(3, '0')}$2`)

export const systemFault = (time: string) => ({
  Fault: {
    Error: [
      {
        Message: 'An application error has occurred while processing your request',
        Detail: 'System Failure Error',
        code: '10000',
        element: '',
      },
    ],
    type: 'SystemFault',
  },
  time,
})

/** Each answer has its own trace id. */
export function traced(_request: Request, response: Response, next: NextFunction): void {
  response.set('intuit_tid', `1-${randomUUID()}`)
  next()
}

export function faultAnswer(now: () => Date) {
  return (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      next(error)
      return
    }
    const time = stampMs(now())
    if (error instanceof QuickBooksFault) return void response.status(error.status).json(error.body(time))
    if (error instanceof Error && 'type' in error && String(error.type).startsWith('entity.')) {
      const unread = refuse('2010', 'Request has invalid or unsupported property : the body is not JSON or too large')
      return void response.status(400).json(unread.body(time))
    }
    response.status(500).json(systemFault(time))
  }
}
