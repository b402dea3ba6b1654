/**
 * Xero's tokens: JWTs signed RS256; a code lives five minutes, access thirty, a refresh token sixty days.
 *
 * A refresh token rotates at each use; the used one may be tried again for thirty minutes, in case the answer was lost.
 */
import { createHash, createPublicKey, createSign, createVerify, randomBytes, randomUUID } from 'node:crypto'
import type { World } from './world.ts'
import { demoPerson } from './world.ts'

const idSeconds = 5 * 60
export const accessSeconds = 30 * 60
export const refreshMs = 60 * 86_400_000
export const graceMs = 30 * 60_000

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function sign(world: World, claims: Record<string, unknown>): string {
  const content = `${base64url({ alg: 'RS256', typ: 'JWT', kid: 'stand-in-1' })}.${base64url(claims)}`
  const signature = createSign('RSA-SHA256').update(content).sign(world.signingKey).toString('base64url')
  return `${content}.${signature}`
}

export interface Pair {
  access_token: string
  refresh_token?: string
  id_token?: string
  expires_in: number
  token_type: 'Bearer'
  scope: string
}

export function issuePair(world: World, issuer: string, authEventId: string, nonce?: string): Pair {
  const consent = world.consents.get(authEventId)
  const scopes = consent?.scopes ?? []
  const now = Math.floor(world.clock.now().getTime() / 1000)
  const access = sign(world, {
    iss: issuer,
    aud: `${issuer}/resources`,
    nbf: now,
    iat: now,
    issued_ms: world.clock.now().getTime(),
    exp: now + accessSeconds,
    client_id: world.clientId,
    sub: demoPerson.id,
    xero_userid: demoPerson.id,
    authentication_event_id: authEventId,
    jti: randomUUID(),
    scope: scopes,
  })
  const pair: Pair = { access_token: access, expires_in: accessSeconds, token_type: 'Bearer', scope: scopes.join(' ') }
  if (scopes.includes('openid')) {
    const half = createHash('sha256').update(access).digest().subarray(0, 16).toString('base64url')
    pair.id_token = sign(world, {
      iss: issuer,
      aud: world.clientId,
      nbf: now,
      iat: now,
      exp: now + idSeconds,
      auth_time: now,
      at_hash: half,
      sid: randomUUID(),
      sub: demoPerson.id,
      xero_userid: demoPerson.id,
      ...(nonce === undefined ? {} : { nonce }),
      ...(scopes.includes('email') ? { email: demoPerson.email } : {}),
      ...(scopes.includes('profile')
        ? { given_name: demoPerson.givenName, family_name: demoPerson.familyName, name: 'Demo Bookkeeper' }
        : {}),
    })
  }
  if (scopes.includes('offline_access')) {
    const token = randomBytes(32).toString('base64url')
    world.refreshTokens.set(token, { token, authEventId, issuedAt: world.clock.now().getTime() })
    pair.refresh_token = token
  }
  return pair
}

export interface Access {
  authEventId: string
  scopes: string[]
}

/** What a bearer token stands for: its consent, or why it is refused. */
export function readAccess(world: World, token: string): Access | { expiredAt: Date } | 'bad' {
  const [head, body, signature] = token.split('.')
  if (head === undefined || body === undefined || signature === undefined) return 'bad'
  const genuine = createVerify('RSA-SHA256')
    .update(`${head}.${body}`)
    .verify(createPublicKey(world.signingKey), Buffer.from(signature, 'base64url'))
  if (!genuine) return 'bad'
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as {
    aud: string
    exp: number
    issued_ms: number
    authentication_event_id: string
    scope: string[]
  }
  if (!claims.aud.endsWith('/resources')) return 'bad' // An id_token opens nothing.
  const now = world.clock.now().getTime()
  if (claims.exp * 1000 <= now) return { expiredAt: new Date(claims.exp * 1000) }
  if (claims.issued_ms < world.accessExpiredBefore) return { expiredAt: new Date(world.accessExpiredBefore) }
  return { authEventId: claims.authentication_event_id, scopes: claims.scope }
}
