/**
 * The accounting API: every endpoint behind the same steps, in the order Xero takes them.
 *
 * access → limits → idempotency → the strict schema → the deed → the answer is kept under its key → bells.
 */
import type { Request, Response } from 'express'
import { Router } from 'express'
import type { Asked, Faults } from '../kit/faults.ts'
import type { RequestLog } from '../kit/requests.ts'
import { bearerOf, organisationFor, refuseUncovered } from './access.ts'
import { accountEndpoints } from './accounts.ts'
import { bodyRefused, envelope, notFound, problem, Refused, validationRefused } from './answers.ts'
import { bankEndpoints } from './bank.ts'
import type { XeroBook } from './book.ts'
import { violationsOf } from './check.ts'
import { contactEndpoints } from './contacts.ts'
import { creditNoteEndpoints } from './credit-notes.ts'
import { elementsOf } from './elements.ts'
import type { Bell, Call, Endpoint } from './endpoint.ts'
import { historyEndpoints } from './history.ts'
import type { IdempotencyKeys, KeptAnswer } from './idempotency.ts'
import { fingerprintOf } from './idempotency.ts'
import { invoiceEndpoints } from './invoices.ts'
import type { Limits } from './limits.ts'
import { tooMany } from './limits.ts'
import { manualJournalEndpoints } from './manual-journals.ts'
import { organisationEndpoints } from './organisation.ts'
import { paymentEndpoints } from './payments.ts'
import { reportEndpoints } from './reports.ts'
import type { World } from './world.ts'
import { toXml } from './xml.ts'

export const endpoints: Endpoint[] = [
  ...organisationEndpoints,
  ...accountEndpoints,
  ...contactEndpoints,
  ...invoiceEndpoints,
  ...creditNoteEndpoints,
  ...paymentEndpoints,
  ...bankEndpoints,
  ...manualJournalEndpoints,
  ...reportEndpoints,
  ...historyEndpoints,
]

export interface ApiParts {
  world: World
  faults: Faults
  requests: RequestLog
  limits: Limits
  keys: IdempotencyKeys
  changed(): void
  ring(book: XeroBook, bells: Bell[]): void
  paymentsRing: boolean
  /** The deeds of a person that the knobs lockPeriod and editBehindOurBack do on the way. */
  behindOurBack(organisationId: string, ask: Record<string, unknown>): unknown
}

export function apiRouter(parts: ApiParts): Router {
  const router = Router()
  for (const endpoint of endpoints) {
    const method = endpoint.method.toLowerCase() as 'get' | 'put' | 'post' | 'delete'
    router[method](endpoint.path, (request, response) => {
      const answer = answerTo(parts, endpoint, request, response)
      if (answer !== undefined) send(request, response, answer)
    })
  }
  router.use((request, response) => {
    const { status, body, headers } = notFound()
    send(request, response, { status, body, headers })
  })
  return router
}

function answerTo(parts: ApiParts, endpoint: Endpoint, request: Request, response: Response): KeptAnswer | undefined {
  const { world, faults, limits } = parts
  const asked: Asked = { method: request.method, path: request.originalUrl }
  const now = world.clock.now()
  try {
    if (faults.take('expireAccess', asked)) world.accessExpiredBefore = now.getTime()
    const access = bearerOf(world, request.headers.authorization)
    const book = organisationFor(world, request.headers['xero-tenant-id'])
    doneOnTheWay(parts, book, asked)
    organisationFor(world, book.settings.id)
    refuseUncovered(access, endpoint.scope, request.method)
    if (faults.take('permissionMissing', asked)) throw problem(403, 'Forbidden', 'AuthorizationUnsuccessful')

    const slot = limits.take(world.clientId, book.settings.id, book.settings.plan === 'STARTER', now)
    response.on('close', slot.release)
    response.set(slot.headers)
    const throttle = faults.take('throttle', asked)
    if (throttle !== undefined) {
      const { kind = 'minute', retryAfter } = (throttle.value ?? {}) as { kind?: string; retryAfter?: number }
      throw tooMany(kind, slot.headers, retryAfter ?? (kind === 'concurrent' ? undefined : 20))
    }
    return keyed(parts, endpoint, request, book, now, asked)
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, body: error.body, headers: error.headers }
    throw error
  }
}

/** Knobs that change the world just before the request is served. */
function doneOnTheWay({ world, faults, behindOurBack, changed }: ApiParts, book: XeroBook, asked: Asked): void {
  const { id } = book.settings
  const lock = faults.take('lockPeriod', asked)
  if (lock !== undefined) behindOurBack(id, { deed: 'lockPeriod', until: lock.value ?? book.dayAt(world.clock.now()) })
  const edit = faults.take('editBehindOurBack', asked)
  if (edit !== undefined) behindOurBack(id, edit.value as Record<string, unknown>)
  if (faults.take('subscriptionLapsed', asked)) book.settings = { ...book.settings, subscriptionLapsed: true }
  if (faults.take('revokeConsent', asked)) {
    for (const [key, connection] of world.connections)
      if (connection.organisationId === id) world.connections.delete(key)
    changed()
  }
}

function keyed(
  parts: ApiParts,
  endpoint: Endpoint,
  request: Request,
  book: XeroBook,
  now: Date,
  asked: Asked,
): KeptAnswer {
  const { world, faults, keys } = parts
  const key = request.method === 'GET' ? undefined : request.get('Idempotency-Key')
  if (faults.take('forgetKeys', asked)) keys.forget()
  if (key === undefined || request.method === 'DELETE') return deed(parts, endpoint, request, book, now, asked)

  const fingerprint = fingerprintOf(request.method, request.originalUrl, book.settings.id, request.body)
  const replayed = keys.find(world.clientId, key, fingerprint, now)
  if (replayed !== undefined) return replayed
  const cached = faults.take('replayCachedError', asked)
  if (cached !== undefined) {
    // `value: { after: true }`: the deed was done, and its error is what is remembered.
    if ((cached.value as { after?: boolean } | undefined)?.after) deed(parts, endpoint, request, book, now, asked)
    const answer = {
      status: 500,
      body: { ErrorNumber: 500, Type: 'InternalServerException', Message: 'An error occurred' },
      headers: {},
    }
    keys.keep(world.clientId, key, fingerprint, now, answer)
    return answer
  }
  const answer = deed(parts, endpoint, request, book, now, asked)
  keys.keep(world.clientId, key, fingerprint, now, answer)
  return answer
}

function deed(
  parts: ApiParts,
  endpoint: Endpoint,
  request: Request,
  book: XeroBook,
  now: Date,
  asked: Asked,
): KeptAnswer {
  const { world, faults, requests } = parts
  const bells: Bell[] = []
  book.settle()
  const mark = book.mark()
  try {
    const body = endpoint.body === undefined ? undefined : parsed(request.body)
    const violations = violationsOf(endpoint, body)
    if (violations.length > 0) {
      for (const what of violations) requests.violation(request, what)
      const ValidationErrors = violations.map((Message) => ({ Message }))
      const [first = {}] = endpoint.body ? elementsOf(body, endpoint.body.plural) : []
      throw validationRefused([{ ...first, ValidationErrors }])
    }
    const lag = faults.peek('readLag', asked)
    const call: Call = {
      book,
      appId: world.clientId,
      params: request.params as Record<string, string>,
      query: Object.fromEntries(
        Object.entries(request.query).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      ),
      headers: request.headers,
      body,
      now,
      bells,
      fault: (knob) => faults.take(knob, asked),
      readLagMs: typeof lag?.value === 'number' ? lag.value : 0,
      paymentsRing: parts.paymentsRing,
    }
    const content = endpoint.act(call)
    if (request.method !== 'GET') {
      parts.changed()
      parts.ring(book, bells)
    }
    // Deleting an allocation is the one answer the published file shows without an envelope.
    return { status: 200, body: 'AllocationId' in content ? content : envelope(now, content), headers: {} }
  } catch (error) {
    book.rollBack(mark)
    if (!(error instanceof Refused)) throw error
    return { status: error.status, body: error.body, headers: error.headers }
  }
}

function parsed(text: unknown): unknown {
  let body: unknown
  try {
    body = JSON.parse(typeof text === 'string' ? text : '')
  } catch {
    throw bodyRefused('The JSON in the request body could not be read.')
  }
  if (typeof body !== 'object' || body === null) throw bodyRefused('The request body must be an object or a list.')
  return body
}

/** JSON only for those who ask for it: XML is what Xero speaks otherwise. */
function send(request: Request, response: Response, { status, body, headers }: KeptAnswer): void {
  response.status(status).set(headers)
  response.set('Xero-Correlation-Id', crypto.randomUUID())
  if (typeof body === 'string') {
    if (headers['Content-Type'] === undefined) response.type('text/plain')
    response.send(body)
    return
  }
  const wantsJson = /application\/(problem\+)?json/i.test(request.get('Accept') ?? '')
  if (wantsJson) response.type('application/json').send(JSON.stringify(body))
  else response.type('text/xml').send(toXml(body))
}
