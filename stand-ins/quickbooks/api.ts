/**
 * The accounting addresses under /v3/company: who may come in, what the throttles say, and which answer each address gives.
 */
import { randomUUID } from 'node:crypto'
import express, { type NextFunction, type Request, type Response, Router } from 'express'
import type { Faults } from '../kit/faults.ts'
import type { RequestLog } from '../kit/requests.ts'
import { answerBatch } from './batch.ts'
import { changesSince } from './cdc.ts'
import { stamp } from './clocking.ts'
import type { Company } from './company.ts'
import type { Body } from './document.ts'
import { isDocumentKind } from './document.ts'
import { edit } from './edits.ts'
import { type GatewayFault, gatewayFault, gone, QuickBooksFault, refuse, unknownReference } from './fault.ts'
import { everyOf, kindAt, shown } from './kinds.ts'
import type { Limits } from './limits.ts'
import { accountingScope, type Consents } from './oauth.ts'
import { answerQuery, type QueryView } from './query.ts'
import type { Quirks } from './quirks.ts'
import type { Replay } from './replay.ts'
import { report } from './reports.ts'
import { write } from './write.ts'

export interface ApiParts {
  consents: Consents
  faults: Faults
  requests: RequestLog
  limits: Limits | undefined
  replay: Replay
  quirks: Quirks
  company(id: string): Company | undefined
  now(): Date
  changed(): void
}

const knownParameters = [
  'minorversion',
  'requestid',
  'operation',
  'include',
  'query',
  'entities',
  'changedSince',
  'start_date',
  'end_date',
  'accounting_method',
  'account',
  'testing_migration',
  'columns',
  'date_macro',
]

export function apiRouter(parts: ApiParts): Router {
  const router = Router({ mergeParams: true })
  router.use('/:companyId', (request, response, next) => {
    const blocked = atTheGate(parts, request, response)
    if (!blocked) return next()
    if (blocked.asXml) return void response.status(blocked.fault.status).type('application/xml').send(blocked.fault.xml)
    response.status(blocked.fault.status).json(blocked.fault.body)
  })
  router.use('/:companyId', (request, _response, next) => {
    for (const name of Object.keys(request.query))
      if (!knownParameters.includes(name)) parts.requests.violation(request, `unknown query parameter ${name}`)
    const company = companyOf(parts, request)
    if (company.terms.lapsed)
      throw refuse(
        '6190',
        'Invalid Company Status : the subscription of the company has ended or there is a billing problem.',
      )
    if (company.terms.permissionMissing || parts.faults.take('permissionMissing', askedBy(request)))
      throw refuse(
        '5020',
        'Permission Denied Error : Sorry, but you don’t have permission to do that. Ask your administrator to change your access rights.',
      )
    next()
  })

  const route = router
  route.get(
    '/:companyId/query',
    answering(parts, (company, request) => ({
      QueryResponse: answerQuery(company, only(request.query.query), viewOf(parts, request)),
    })),
  )
  route.post(
    '/:companyId/query',
    express.text({ type: ['application/text', 'text/plain'] }),
    answering(parts, (company, request) => {
      if (typeof request.body !== 'string')
        throw refuse('4000', 'QueryParserError: the query must come as application/text')
      return { QueryResponse: answerQuery(company, request.body, viewOf(parts, request)) }
    }),
  )
  route.get(
    '/:companyId/cdc',
    answering(parts, (company, request) =>
      changesSince(
        company,
        textOf(request.query.entities),
        textOf(request.query.changedSince),
        viewOf(parts, request).lagMs,
      ),
    ),
  )
  route.post(
    '/:companyId/batch',
    answering(parts, (company, request) => {
      mustBeObject(request.body)
      return answerBatch(company, request.body, {
        view: viewOf(parts, request),
        rejectOne: parts.faults.take('rejectOne', askedBy(request)) !== undefined,
        withRequestId: request.query.requestid !== undefined,
        onViolation: (what) => parts.requests.violation(request, what),
      })
    }),
  )
  route.get(
    '/:companyId/reports/:name',
    answering(
      parts,
      (company, request) => report(company, String(request.params.name), request.query as Record<string, string>),
      true,
    ),
  )
  route.get(
    '/:companyId/:kind{/:id}',
    answering(parts, (company, request) => readOne(company, request)),
  )
  route.post(
    '/:companyId/:kind',
    answering(parts, (company, request) => writeOne(parts, company, request)),
  )
  router.use(
    (_request, response) => void response.status(404).type('text/html').send('<html><body>Not Found</body></html>'),
  )
  return router
}

const askedBy = (request: Request) => ({ method: request.method, path: request.originalUrl })
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function only(value: unknown): string {
  if (typeof value !== 'string') throw refuse('4000', 'QueryParserError: the query is missing')
  return value
}

/** Consent, throttle, the knobs that act before anything is read. */
function atTheGate(
  parts: ApiParts,
  request: Request,
  response: Response,
): { fault: GatewayFault; asXml: boolean } | undefined {
  const asked = askedBy(request)
  const companyId = String(request.params.companyId)
  const at = parts.now()
  actBefore(parts, request, companyId)

  const asXml = parts.faults.take('unauthorizedXml', asked)
  const consent = parts.consents.behind(request.headers.authorization)
  if (!consent || asXml) {
    const fault = gatewayFault(
      401,
      '3200',
      'AuthenticationFailed',
      'Token expired, malformed or revoked',
      'AUTHENTICATION',
      at,
    )
    return { fault, asXml: asXml !== undefined }
  }
  if (consent.companyId !== companyId || !consent.scopes.includes(accountingScope) || !parts.company(companyId))
    return {
      fault: gatewayFault(
        403,
        '3100',
        'ApplicationAuthorizationFailed',
        'The app is not allowed to reach this company',
        'AUTHORIZATION',
        at,
      ),
      asXml: false,
    }

  const throttle = parts.faults.take('throttle', asked)
  const entered = throttle
    ? { refused: 'asked for' }
    : (parts.limits?.enter(companyId, request.path.endsWith('/batch')) ?? { leave: () => undefined })
  if ('refused' in entered) {
    const value = throttle?.value as { retryAfter?: number } | undefined
    if (value?.retryAfter !== undefined) response.set('Retry-After', String(value.retryAfter))
    return {
      fault: gatewayFault(
        429,
        '3001',
        'ThrottleExceeded',
        `The request limit was reached: ${entered.refused}`,
        'SERVICE',
        at,
      ),
      asXml: false,
    }
  }
  response.on('close', entered.leave)
  return undefined
}

/** Knobs that change the world just before the request is looked at. */
function actBefore(parts: ApiParts, request: Request, companyId: string): void {
  const asked = askedBy(request)
  const company = parts.company(companyId)
  if (parts.faults.take('expireAccess', asked)) parts.consents.expireAccess()
  if (parts.faults.take('revokeConsent', asked)) parts.consents.revokeAt(companyId)
  if (parts.faults.take('forgetKeys', asked)) parts.replay.forget()
  if (!company) return
  if (parts.faults.take('subscriptionLapsed', asked)) company.terms.lapsed = true
  const lock = parts.faults.take('lockPeriod', asked)
  if (lock) company.terms.closedThrough = typeof lock.value === 'string' ? lock.value : company.day
  const behind = parts.faults.take('editBehindOurBack', asked)
  if (behind && typeof behind.value === 'object' && behind.value !== null)
    edit(company, behind.value as Record<string, unknown>)
}

function companyOf(parts: ApiParts, request: Request): Company {
  const company = parts.company(String(request.params.companyId))
  if (!company) throw gone()
  return company
}

function viewOf(parts: ApiParts, request: Request): QueryView {
  const lag = parts.faults.peek('readLag', askedBy(request))?.value
  const shift = parts.faults.take('shiftPages', askedBy(request))
  return {
    lagMs: typeof lag === 'number' ? lag : 0,
    shifted: shift ? (typeof shift.value === 'number' ? shift.value : 1) : 0,
  }
}

const longestRequestId = 50
const longestBatchRequestId = 36

/** Runs a deed, answers with its body and the time; a write with a requestid is answered once and replayed after that. */
function answering(
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
    const requestId = isWrite ? textOf(request.query.requestid) : undefined
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

function readOne(company: Company, request: Request): Record<string, unknown> {
  const kind = kindAt(String(request.params.kind))
  if (!kind) throw refuse('500', `Unsupported Operation : ${request.params.kind}`)
  const id = textOf(request.params.id)
  if (kind === 'CompanyInfo' && id !== company.terms.id) throw unknownReference('CompanyInfo', id ?? '', 'Id')
  if (kind === 'Preferences' || kind === 'CompanyInfo') return { [kind]: everyOf(company, kind)[0] }
  if (id === undefined) throw refuse('2020', 'Required parameter Id is missing in the request', 'Id')
  if (!/^\d+$/.test(id)) throw refuse('2030', `Invalid ID : ${id}`, 'Id')
  const body = company.find(kind, id)
  if (!body) throw isDocumentKind(kind) ? gone() : unknownReference(kind, id, 'Id')
  return { [kind]: shown(company, kind, body) }
}

function writeOne(parts: ApiParts, company: Company, request: Request): Record<string, unknown> {
  const kind = kindAt(String(request.params.kind))
  if (!kind) throw refuse('500', `Unsupported Operation : ${request.params.kind}`)
  mustBeObject(request.body)
  const { operation, include } = request.query
  if (operation !== undefined && !['update', 'delete', 'void'].includes(String(operation)))
    throw refuse('500', `Unsupported Operation : Operation ${operation} is not supported`)
  const included = String(include ?? '').split(',')
  const isVoid =
    (kind === 'Invoice' && operation === 'void') ||
    (kind !== 'Invoice' && operation === 'update' && included.includes('void'))
  if (operation === 'void' && kind !== 'Invoice')
    throw refuse('500', `Unsupported Operation : Operation void is not supported for ${kind}`)
  const written = write(company, kind, request.body as Body, {
    operation: operation === 'delete' ? 'delete' : isVoid ? 'void' : 'write',
    allowDuplicateNumber: included.includes('allowduplicatedocnum'),
    onViolation: (what) => parts.requests.violation(request, what),
  })
  return { [kind]: written }
}

function mustBeObject(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refuse('2010', 'The body must be one JSON object, sent as application/json')
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
