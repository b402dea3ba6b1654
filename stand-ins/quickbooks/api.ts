/**
 * The accounting addresses under /v3/company: which answer each of them gives.
 */
import express, { type Request, Router } from 'express'
import { answering, companyOf } from './answer.ts'
import { answerBatch } from './batch.ts'
import { changesSince } from './cdc.ts'
import type { Company } from './company.ts'
import { type Body, isDocumentKind } from './document.ts'
import { gone, refuse, unknownReference } from './fault.ts'
import { type ApiParts, askedBy, atTheGate } from './gate.ts'
import { everyOf, kindAt, shown } from './kinds.ts'
import { answerQuery, type QueryView } from './query.ts'
import { report } from './reports.ts'
import { write } from './write.ts'

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

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function only(value: unknown): string {
  if (typeof value !== 'string') throw refuse('4000', 'QueryParserError: the query is missing')
  return value
}

function viewOf(parts: ApiParts, request: Request): QueryView {
  const lag = parts.faults.peek('readLag', askedBy(request))?.value
  const shift = parts.faults.take('shiftPages', askedBy(request))
  return {
    lagMs: typeof lag === 'number' ? lag : 0,
    shifted: shift ? (typeof shift.value === 'number' ? shift.value : 1) : 0,
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
