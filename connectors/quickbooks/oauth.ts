/**
 * Consent and tokens, by intuit-oauth; its requests go out through our own door.
 *
 * Keeps: one call per refresh, with a deadline; no token is taken from an answer that does not hold both of them.
 * Never: switches on the package's log, which would write tokens into a file.
 *
 * @path connect 3/6 turns a person's consent at Intuit into a grant
 */
import type OAuthClient from 'intuit-oauth'
import { call, redact } from '../http.ts'
import { BookError, type ConsentAsk, type ConsentCallback, type Grant } from '../port.ts'
import { discoveryOf } from './discovery.ts'
import { failureError, quickbooksError } from './errors.ts'
import { type Fields, fieldsOf, textAt } from './json.ts'
import { tokenCallMs } from './limits.ts'
import type { QuickBooksSettings, Wire } from './wire.ts'

const scope = 'com.intuit.quickbooks.accounting'
/** develop/authentication-and-authorization: how long tokens live where an answer does not say. */
const accessLivesSeconds = 3600
const refreshLivesSeconds = 8_726_400

export type Consent = {
  consentUrl(ask: ConsentAsk): Promise<string>
  grantsFrom(callback: ConsentCallback): Promise<Grant[]>
  refresh(grant: Grant): Promise<Grant>
  revoke(grant: Grant): Promise<void>
}

export function consentOf(settings: QuickBooksSettings, wire: Wire): Consent {
  const discovery = discoveryOf(settings)

  return {
    async consentUrl({ state }) {
      const { authorizeEndpoint, tokenEndpoint, revokeEndpoint, userInfoEndpoint } = await discovery()
      // The package keeps its addresses for the whole process, so they are set in the same breath as they are used.
      const client = (await clientOf(settings)).setAuthorizeURLs({
        authorizeEndpoint,
        tokenEndpoint,
        revokeEndpoint,
        userInfoEndpoint,
      })
      return client.authorizeUri({ scope, state })
    },

    async grantsFrom({ url }) {
      const asked = new URL(url).searchParams
      const refusal = asked.get('error')
      if (refusal !== null) {
        const cause = refusal === 'access_denied' ? 'consent_declined' : 'consent_refused'
        throw quickbooksError('unauthorized', cause, asked.get('error_description') ?? refusal)
      }
      const bookId = asked.get('realmId') ?? ''
      if (!asked.get('code') || bookId === '') {
        throw quickbooksError('unauthorized', 'consent_refused', 'The answer names no code or no company.')
      }
      const { tokenEndpoint } = await discovery()
      const tokens = await tokensFrom(settings, tokenEndpoint, 'consent_refused', (client) => client.createToken(url))
      const grant: Grant = { bookId, bookName: bookId, cutId: null, scopes: [scope], ...tokens }
      return [{ ...grant, bookName: await nameOf(wire, grant) }]
    },

    async refresh(grant) {
      const { tokenEndpoint } = await discovery()
      const tokens = await tokensFrom(settings, tokenEndpoint, 'refresh_refused', (client) =>
        client.refreshUsingToken(grant.refreshToken),
      )
      return { ...grant, ...tokens, hardEndsAt: tokens.hardEndsAt ?? grant.hardEndsAt }
    },

    async revoke(grant) {
      const { revokeEndpoint } = await discovery()
      if (revokeEndpoint === '')
        throw quickbooksError('unavailable', 'discovery_unreadable', 'No address for revoking is named.')
      const client = await clientOf(settings)
      const answer = doorFor(settings, client, revokeEndpoint, 'refresh_refused')
      // The package wants JSON in the answer and there is none, so only what the door met counts.
      await client.revoke({ refresh_token: grant.refreshToken }).catch(() => undefined)
      const { failure } = answer()
      const isDead = failure instanceof BookError && failure.kind === 'unauthorized' && failure.facts.status === 400
      if (failure && !isDead) throw failure
    },
  }
}

/** The package is loaded when someone first consents or a grant is refreshed: it costs some ten megabytes. */
async function clientOf({ clientId, clientSecret, redirectUri }: QuickBooksSettings): Promise<OAuthClient> {
  const { default: Client } = await import('intuit-oauth')
  // The environment only chooses addresses that we set ourselves.
  return new Client({
    clientId,
    clientSecret,
    redirectUri,
    environment: 'production',
    logging: false,
    includeRefreshTokenHardExpiresIn: true,
  })
}

type Tokens = Pick<Grant, 'accessToken' | 'accessEndsAt' | 'refreshToken' | 'refreshEndsAt' | 'hardEndsAt'>

async function tokensFrom(
  settings: QuickBooksSettings,
  url: string,
  refused: string,
  ask: (client: OAuthClient) => Promise<unknown>,
): Promise<Tokens> {
  const client = await clientOf(settings)
  const answer = doorFor(settings, client, url, refused)
  await ask(client).catch((error: unknown) => {
    throw answer().failure ?? error
  })
  const { tokens, failure, callId } = answer()
  if (failure) throw failure
  const accessToken = textAt(tokens, 'access_token')
  const refreshToken = textAt(tokens, 'refresh_token')
  if (accessToken === null || refreshToken === null) {
    throw quickbooksError('unavailable', 'tokens_missing', 'The answer holds no tokens.', { status: 200, callId })
  }
  const after = (field: string, usualSeconds: number | null) => {
    const seconds = Number(tokens[field] ?? Number.NaN)
    const counted = Number.isFinite(seconds) && seconds > 0 ? seconds : usualSeconds
    return counted === null ? null : new Date(settings.now().getTime() + counted * 1000).toISOString()
  }
  return {
    accessToken,
    accessEndsAt: after('expires_in', accessLivesSeconds) ?? '',
    refreshToken,
    refreshEndsAt: after('x_refresh_token_expires_in', refreshLivesSeconds) ?? '',
    hardEndsAt: after('x_refresh_token_hard_expires_in', null),
  }
}

type Door = { tokens: Fields; failure: unknown; callId: string | null }
type PackageRequest = { method: string; headers: Record<string, string>; data: Record<string, string> }

/** Gives the package our door for its one request, and tells afterwards what was met there. */
function doorFor(settings: QuickBooksSettings, client: OAuthClient, url: string, refused: string): () => Door {
  const met: Door = { tokens: {}, failure: null, callId: null }
  const loadResponse = async (request: PackageRequest) => {
    try {
      const isForm = /urlencoded/i.test(request.headers['Content-Type'] ?? '')
      const { status, headers, text } = await (settings.line ?? call)({
        method: request.method,
        url,
        headers: request.headers,
        body: isForm ? new URLSearchParams(request.data).toString() : JSON.stringify(request.data),
        timeLimitMs: Math.min(settings.timeLimitMs ?? tokenCallMs, tokenCallMs),
      })
      met.callId = headers.intuit_tid ?? null
      met.tokens = fieldsFrom(text)
      if (status < 200 || status > 299) throw tokenRefusal(status, text, met, refused)
      return { status, statusText: '', headers: { 'content-type': 'application/json', ...headers }, data: met.tokens }
    } catch (error) {
      met.failure = failureError(error, true)
      throw met.failure
    }
  }
  Object.assign(client, { loadResponse })
  return () => met
}

function fieldsFrom(text: string): Fields {
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return {}
  }
}

function tokenRefusal(status: number, text: string, met: Door, refused: string): BookError {
  const word = textAt(met.tokens, 'error')
  const said = textAt(met.tokens, 'error_description') ?? word ?? redact(text).slice(0, 200)
  const told = { status, vendorCode: word, callId: met.callId }
  if (status === 429) return quickbooksError('throttled', 'minute_limit', said, { ...told, waitMs: 60_000 })
  if (status >= 500 || status === 408) return quickbooksError('unavailable', 'vendor_down', said, told)
  // Wrong credentials of the installation are no fault of the connection's, and are told apart from a dead token.
  if (status === 401 || word === 'invalid_client' || word === 'unauthorized_client') {
    return quickbooksError('unauthorized', 'client_refused', said, told)
  }
  return quickbooksError('unauthorized', refused, said, told)
}

/** The code is spent by now, so a name that cannot be read costs no grant: the profile tells it later. */
async function nameOf(wire: Wire, grant: Grant): Promise<string> {
  try {
    const { body } = await wire.get(grant, `companyinfo/${encodeURIComponent(grant.bookId)}`)
    return textAt(body, 'CompanyInfo', 'CompanyName') ?? grant.bookName
  } catch (error) {
    if (error instanceof BookError) return grant.bookName
    throw error
  }
}
