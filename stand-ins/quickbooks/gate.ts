/**
 * What stands before the books: consent, the throttles, and the knobs that change the world just before a request is looked at.
 */
import type { Request, Response } from 'express'
import type { Faults } from '../kit/faults.ts'
import type { RequestLog } from '../kit/requests.ts'
import type { Company } from './company.ts'
import { edit } from './edits.ts'
import { type GatewayFault, gatewayFault } from './fault.ts'
import type { Limits } from './limits.ts'
import { accountingScope, type Consents } from './oauth.ts'
import type { Quirks } from './quirks.ts'
import type { Replay } from './replay.ts'

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

/** A request as the fault knobs match it. */
export const askedBy = (request: Request) => ({ method: request.method, path: request.originalUrl })

/** Consent, throttle, the knobs that act before anything is read. */
export function atTheGate(
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
