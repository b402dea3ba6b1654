/**
 * Who is asking: the bearer token, the organisation it may see, and the scope the endpoint needs.
 */
import { problem } from './answers.ts'
import type { XeroBook } from './book.ts'
import { isCovered } from './scopes.ts'
import type { Access } from './tokens.ts'
import { readAccess } from './tokens.ts'
import type { World } from './world.ts'

const invalidToken = { 'WWW-Authenticate': 'Bearer error=invalid_token' }

export function bearerOf(world: World, header: string | undefined): Access {
  const token = /^Bearer (.+)$/i.exec(header ?? '')?.[1]
  const access = token === undefined ? 'bad' : readAccess(world, token)
  if (access === 'bad') throw problem(401, 'Unauthorized', 'AuthenticationUnsuccessful', invalidToken)
  if ('expiredAt' in access) {
    const at = access.expiredAt.toISOString()
    throw problem(401, 'Unauthorized', `TokenExpired: token expired at ${at}`, invalidToken)
  }
  // A token outlives its consent: Xero lets it be refreshed or used up to its end, only the organisation is refused.
  return access
}

/** 403 when the organisation is absent, unknown or no longer connected. */
export function organisationFor(world: World, id: unknown): XeroBook {
  const book = typeof id === 'string' ? world.books.get(id.toLowerCase()) : undefined
  const connected = [...world.connections.values()].some(
    (connection) => connection.organisationId === book?.settings.id,
  )
  if (book === undefined || !connected || book.settings.subscriptionLapsed)
    throw problem(403, 'Forbidden', 'AuthenticationUnsuccessful')
  return book
}

export function refuseUncovered(access: Access, scope: string, method: string): void {
  if (isCovered(access.scopes, scope, method)) return
  const headers = { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' }
  throw problem(401, 'Unauthorized', 'AuthorizationUnsuccessful', headers)
}
