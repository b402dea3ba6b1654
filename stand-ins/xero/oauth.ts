/**
 * Identity: discovery, consent, token, revocation, and the list of connections.
 *
 * Keeps: a request that is wrong in its app, redirect address, scope or challenge gets an error page and no callback; a
 * code works once, within five minutes, for the redirect address and the challenge it was asked with.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import express, { Router } from 'express'
import type { Faults } from '../kit/faults.ts'
import { bearerOf } from './access.ts'
import { Refused } from './answers.ts'
import { consentErrorPage, consentPage } from './consent.tsx'
import { knownScopes } from './scopes.ts'
import type { Pair } from './tokens.ts'
import { graceMs, issuePair, refreshMs } from './tokens.ts'
import type { Connection, World } from './world.ts'

const codeMs = 5 * 60_000
const tokenPaths = ['/connect/token', '/connect/revocation']

export interface IdentityParts {
  world: World
  faults: Faults
  issuer(): string
  changed(): void
  /** Undocumented: whether a grace retry gives the pair that was lost, or a new one. */
  graceGives: 'newPair' | 'samePair'
}

export function identityRouter(parts: IdentityParts): Router {
  const { world, issuer } = parts
  const router = Router()
  router.get('/.well-known/openid-configuration', (_request, response) => void response.json(discovery(issuer())))
  router.get('/.well-known/openid-configuration/jwks', (_request, response) => {
    response.json({ keys: [world.publicJwk()] })
  })
  router.get('/identity/connect/authorize', (request, response) => showConsent(parts, request, response))
  const form = express.urlencoded({ extended: false })
  router.post('/identity/connect/authorize', form, (request, response) => decide(parts, request, response))
  router.post(tokenPaths[0] as string, form, (request, response) => token(parts, request, response))
  router.post(tokenPaths[1] as string, form, (request, response) => revoke(parts, request, response))
  router.get('/connections', (request, response) => listConnections(parts, request, response))
  router.delete('/connections/:id', (request, response) => deleteConnection(parts, request, response))
  return router
}

function discovery(issuer: string) {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
    authorization_endpoint: `${issuer}/identity/connect/authorize`,
    token_endpoint: `${issuer}/connect/token`,
    revocation_endpoint: `${issuer}/connect/revocation`,
    scopes_supported: [...knownScopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
    claims_supported: ['sub', 'email', 'given_name', 'family_name', 'xero_userid'],
  }
}

/** What is wrong with an authorise request: the error's code and words, or nothing. */
function faultOf(world: World, asked: Record<string, string>): [string, string] | undefined {
  if (asked.client_id !== world.clientId) return ['unauthorized_client', 'This app is not known.']
  if (asked.response_type !== 'code') return ['unsupported_response_type', 'The response type must be code.']
  let redirect: URL
  try {
    redirect = new URL(asked.redirect_uri ?? '')
  } catch {
    return ['invalid_request', 'The redirect address is not valid.']
  }
  const local = redirect.protocol === 'http:' && redirect.hostname === 'localhost'
  if (!local && redirect.protocol !== 'https:')
    return ['invalid_request', 'The redirect address must use https, or http on localhost.']
  const scopes = (asked.scope ?? '').split(' ').filter(Boolean)
  const unknown = scopes.find((scope) => !knownScopes.has(scope))
  if (scopes.length === 0 || unknown !== undefined)
    return ['invalid_scope', `This scope cannot be given: ${unknown ?? '(none)'}.`]
  if (asked.code_challenge !== undefined) {
    const fits = asked.code_challenge_method === 'S256' && /^[A-Za-z0-9_-]{43}$/.test(asked.code_challenge)
    if (!fits) return ['invalid_request', 'The code challenge must use S256.']
  }
  return undefined
}

function carriedFrom(source: Record<string, unknown>): Record<string, string> {
  const names = [
    'client_id',
    'redirect_uri',
    'response_type',
    'scope',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
  ]
  return Object.fromEntries(
    names.flatMap((name) => (typeof source[name] === 'string' ? [[name, source[name] as string]] : [])),
  )
}

function showConsent({ world }: IdentityParts, request: Request, response: Response) {
  const carried = carriedFrom(request.query)
  const fault = faultOf(world, carried)
  if (fault !== undefined)
    return void response
      .status(400)
      .type('html')
      .send(consentErrorPage(...fault))
  const connected = new Set([...world.connections.values()].map((connection) => connection.organisationId))
  const organisations = [...world.books.values()].map(({ settings }) => ({
    id: settings.id,
    name: settings.name,
    connected: connected.has(settings.id),
  }))
  const scopes = (carried.scope ?? '').split(' ').filter(Boolean)
  response.type('html').send(consentPage({ organisations, scopes, carried }))
}

function decide({ world, faults, changed }: IdentityParts, request: Request, response: Response) {
  const sent = request.body as Record<string, unknown>
  const carried = carriedFrom({ ...request.query, ...sent })
  const fault = faultOf(world, carried)
  if (fault !== undefined)
    return void response
      .status(400)
      .type('html')
      .send(consentErrorPage(...fault))
  const back = new URL(carried.redirect_uri as string)
  if (carried.state !== undefined) back.searchParams.set('state', carried.state)
  if (sent.decision !== 'allow') {
    back.searchParams.set('error', 'access_denied')
    return response.redirect(302, back.href)
  }
  const chosen = [sent.organisation].flat().filter((id): id is string => typeof id === 'string')
  const unknown = chosen.find((id) => !world.books.has(id))
  if (chosen.length === 0 || unknown !== undefined)
    return void response.status(400).type('html').send(consentErrorPage('invalid_request', 'Choose an organisation.'))

  const asked = (carried.scope ?? '').split(' ').filter(Boolean)
  const fewer = faults.take('fewerScopes', { method: request.method, path: request.originalUrl })
  const scopes = fewer === undefined ? asked : asked.filter((scope) => !withheld(fewer.value).includes(scope))
  const authEventId = randomUUID()
  const at = world.clock.now().getTime()
  world.consents.set(authEventId, { authEventId, scopes, revoked: false })
  for (const organisationId of chosen) {
    const before = [...world.connections.values()].find((connection) => connection.organisationId === organisationId)
    const id = before?.id ?? randomUUID()
    world.connections.set(id, { id, organisationId, authEventId, createdAt: before?.createdAt ?? at, updatedAt: at })
  }
  const code = randomBytes(32).toString('base64url')
  world.codes.set(code, {
    code,
    authEventId,
    redirectUri: carried.redirect_uri as string,
    ...(carried.code_challenge === undefined ? {} : { challenge: carried.code_challenge }),
    ...(carried.nonce === undefined ? {} : { nonce: carried.nonce }),
    issuedAt: at,
  })
  changed()
  back.searchParams.set('code', code)
  back.searchParams.set('scope', scopes.join(' '))
  response.redirect(302, back.href)
}

/** The fault's value names the scopes that are not given; without one, the reports are left out. */
function withheld(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String)
  return [...knownScopes].filter((scope) => scope.startsWith('accounting.reports.'))
}

function hasClient(world: World, request: Request): boolean {
  const [scheme, value] = (request.headers.authorization ?? '').split(' ')
  let [id, secret]: (string | undefined)[] = [request.body?.client_id, request.body?.client_secret]
  if (scheme?.toLowerCase() === 'basic' && value !== undefined) {
    const [given = '', kept = ''] = Buffer.from(value, 'base64').toString('utf8').split(':')
    ;[id, secret] = [decodeURIComponent(given), decodeURIComponent(kept)]
  }
  return id === world.clientId && secret !== undefined && same(secret, world.clientSecret)
}

function same(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(first as Buffer, second as Buffer)
}

function token(parts: IdentityParts, request: Request, response: Response) {
  const { world, faults, changed } = parts
  const asked = { method: request.method, path: request.originalUrl }
  response.set('Cache-Control', 'no-store')
  const refuse = (error: string) => void response.status(400).json({ error })
  if (!hasClient(world, request)) return refuse('invalid_client')
  if (faults.take('tokenInvalidGrant', asked)) return refuse('invalid_grant')
  if (faults.take('tokenEmpty', asked)) return void response.status(200).end()
  if (faults.take('tokenHtml', asked))
    return void response.status(503).type('html').send('<html><body>Down for maintenance</body></html>')

  const grant = request.body?.grant_type
  if (grant !== 'authorization_code' && grant !== 'refresh_token') return refuse('unsupported_grant_type')
  const pair = grant === 'authorization_code' ? pairForCode(parts, request) : pairForRefresh(parts, request)
  if (pair === undefined) return refuse('invalid_grant')
  changed()
  if (faults.take('tokenLost', asked)) return void response.socket?.destroy() // Rotated, and nobody was told.
  const slow = faults.take('tokenSlow', asked)
  if (slow === undefined) return void response.json(pair)
  setTimeout(() => response.json(pair), typeof slow.value === 'number' ? slow.value : 5000).unref()
}

function pairForCode({ world, issuer }: IdentityParts, request: Request): Pair | undefined {
  const { code, redirect_uri: redirectUri, code_verifier: verifier } = request.body ?? {}
  const found = world.codes.get(String(code))
  if (found === undefined) return undefined
  world.codes.delete(found.code)
  if (world.clock.now().getTime() - found.issuedAt > codeMs) return undefined
  if (found.redirectUri !== redirectUri) return undefined
  if (found.challenge !== undefined) {
    const hash = createHash('sha256')
      .update(String(verifier ?? ''))
      .digest('base64url')
    if (hash !== found.challenge) return undefined
  } else if (verifier !== undefined) return undefined
  return issuePair(world, issuer(), found.authEventId, found.nonce)
}

function pairForRefresh({ world, issuer, graceGives }: IdentityParts, request: Request): Pair | undefined {
  const found = world.refreshTokens.get(String(request.body?.refresh_token))
  const at = world.clock.now().getTime()
  if (found === undefined || at - found.issuedAt > refreshMs) return undefined
  if (found.usedAt !== undefined && at - found.usedAt > graceMs) return undefined
  if (world.consents.get(found.authEventId)?.revoked !== false) return undefined
  const pair = issuePair(world, issuer(), found.authEventId)
  if (found.usedAt !== undefined && graceGives === 'samePair' && found.gave !== undefined) {
    world.refreshTokens.delete(pair.refresh_token ?? '')
    return { ...pair, refresh_token: found.gave }
  }
  world.refreshTokens.set(found.token, {
    ...found,
    usedAt: found.usedAt ?? at,
    ...(pair.refresh_token === undefined ? {} : { gave: pair.refresh_token }),
  })
  return pair
}

/** Revoking a token ends all of the person's connections with the app. */
function revoke({ world, changed }: IdentityParts, request: Request, response: Response) {
  if (!hasClient(world, request)) return void response.status(400).json({ error: 'invalid_client' })
  if (world.refreshTokens.has(String(request.body?.token))) {
    for (const consent of world.consents.values()) consent.revoked = true
    world.refreshTokens.clear()
    world.connections.clear()
    changed()
  }
  response.status(200).end()
}

function listConnections({ world }: IdentityParts, request: Request, response: Response) {
  const access = connectionAccess(world, request, response)
  if (access === undefined) return
  const event = request.query.authEventId
  const rows = [...world.connections.values()].filter((row) => event === undefined || row.authEventId === event)
  response.json(rows.map((row) => renderConnection(world, row)))
}

function deleteConnection({ world, changed }: IdentityParts, request: Request, response: Response) {
  const access = connectionAccess(world, request, response)
  if (access === undefined) return
  if (!world.connections.delete(String(request.params.id)))
    return void response.status(403).json({ Title: 'Forbidden', Status: 403, Detail: 'AuthenticationUnsuccessful' })
  changed()
  response.status(204).end()
}

function connectionAccess(world: World, request: Request, response: Response) {
  try {
    return bearerOf(world, request.headers.authorization)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    response.status(error.status).set(error.headers).json(error.body)
    return undefined
  }
}

function renderConnection(world: World, { id, organisationId, authEventId, createdAt, updatedAt }: Connection) {
  return {
    id,
    authEventId,
    tenantId: organisationId,
    tenantType: 'ORGANISATION',
    tenantName: world.books.get(organisationId)?.settings.name ?? null,
    createdDateUtc: new Date(createdAt).toISOString().replace('Z', '0000'),
    updatedDateUtc: new Date(updatedAt).toISOString().replace('Z', '0000'),
  }
}
