/**
 * Gets and keeps consent: Xero's discovery document, its consent page, tokens, and the list of connections.
 *
 * Keeps: a refresh is sent once and never repeated here, since each one may turn the token over.
 * Never: logs or throws a token, a code or a secret.
 *
 * @path connect 3/6 turns a person's consent at Xero into grants
 */
import { createHash } from 'node:crypto'
import { type CallAnswer, type CallEnd, call, countIn, type Line } from '../http.ts'
import type { CallSeen, ConsentAsk, ConsentCallback, Grant } from '../port.ts'
import { bareList, type Json, parseJson, textAt } from './answer.ts'
import { callIdIn, errorFrom, noAnswer, refuse, unreadable } from './errors.ts'
import { accessLivesMs, refreshLivesMs } from './limits.ts'

export type XeroSettings = {
  clientId: string
  clientSecret: string
  redirectUri: string
  /** Names the discovery document. */
  identityUrl: string
  apiUrl: string
  timeLimitMs?: number | undefined
  onCall?: ((seen: CallSeen) => void) | undefined
  line?: Line | undefined
  now: () => Date
}

/** What the connector does needs exactly these; there is no sign-in with Xero, so no openid. */
export const scopes = [
  'offline_access',
  'accounting.contacts',
  'accounting.invoices',
  'accounting.payments',
  'accounting.banktransactions',
  'accounting.settings',
  'accounting.reports.trialbalance.read',
  'accounting.reports.balancesheet.read',
  'accounting.reports.banksummary.read',
]

type Endpoints = {
  authorise: string
  token: string
  revocation: string | null
  takesPkce: boolean
  secretInBody: boolean
}
export type Connection = { cutId: string; bookId: string; bookName: string; authEventId: string | null; kind: string }

export type XeroConsent = {
  consentUrl(ask: ConsentAsk): Promise<string>
  grantsFrom(callback: ConsentCallback): Promise<Grant[]>
  refresh(grant: Grant): Promise<Grant>
  revoke(grant: Grant): Promise<void>
  connections(accessToken: string): Promise<Connection[]>
}

export function xeroConsent(settings: XeroSettings): XeroConsent {
  let endpoints: Promise<Endpoints> | null = null

  async function found(): Promise<Endpoints> {
    // One reading for the life of the process, unless it failed.
    endpoints ??= discover(settings).catch((error) => {
      endpoints = null
      throw error
    })
    return endpoints
  }

  async function token(form: Record<string, string>): Promise<Json> {
    const { token: url, secretInBody } = await found()
    const answer = await identityCall(settings, url, form, secretInBody)
    const json = parseJson(answer.text)
    if (answer.status === 400 || answer.status === 401) {
      const said = textAt(json, 'error') ?? ''
      const isCode = form.grant_type === 'authorization_code'
      const cause = /client/.test(said) ? 'client_refused' : isCode ? 'consent_refused' : 'refresh_refused'
      const error = errorFrom(answer, { isWrite: false, now: settings.now() })
      throw refuseWith('unauthorized', cause, answer, error.facts.said, said)
    }
    if (answer.status < 200 || answer.status > 299) throw errorFrom(answer, { isWrite: false, now: settings.now() })
    if (!textAt(json, 'access_token')) throw unreadable(answer, { isWrite: true, now: settings.now() })
    return json as Json
  }

  async function connections(accessToken: string): Promise<Connection[]> {
    const answer = await seenCall(settings, null, {
      method: 'GET',
      url: `${trimmed(settings.apiUrl)}/connections`,
      headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
    })
    if (answer.status < 200 || answer.status > 299) throw errorFrom(answer, { isWrite: false, now: settings.now() })
    const json = parseJson(answer.text)
    if (json === null) throw unreadable(answer, { isWrite: false, now: settings.now() })
    return bareList(json).flatMap((one) => {
      const [cutId, bookId] = [textAt(one, 'id'), textAt(one, 'tenantId')]
      if (cutId === null || bookId === null) return []
      const bookName = textAt(one, 'tenantName') ?? bookId
      const kind = textAt(one, 'tenantType') ?? 'ORGANISATION'
      return [{ cutId, bookId, bookName, authEventId: textAt(one, 'authEventId'), kind }]
    })
  }

  return {
    async consentUrl({ state, verifier }) {
      const { authorise, takesPkce } = await found()
      const url = new URL(authorise)
      const ask: Record<string, string> = {
        response_type: 'code',
        client_id: settings.clientId,
        redirect_uri: settings.redirectUri,
        scope: scopes.join(' '),
        state,
      }
      if (takesPkce) {
        ask.code_challenge = createHash('sha256').update(verifier).digest('base64url')
        ask.code_challenge_method = 'S256'
      }
      for (const [name, value] of Object.entries(ask)) url.searchParams.set(name, value)
      // Scopes are parted by %20: not every consent page reads a plus as a space.
      return url.href.replaceAll('+', '%20')
    },

    async grantsFrom({ url, verifier }) {
      const told = new URL(url).searchParams
      const refused = told.get('error')
      if (refused !== null) {
        const cause = /access_denied/.test(refused) ? 'consent_declined' : 'consent_refused'
        throw refuse('unauthorized', cause, told.get('error_description') ?? refused)
      }
      const code = told.get('code')
      if (!code) throw refuse('unauthorized', 'consent_refused', 'The consent came back without a code.')

      const { takesPkce } = await found()
      const form = { grant_type: 'authorization_code', code, redirect_uri: settings.redirectUri }
      const json = await token(takesPkce ? { ...form, code_verifier: verifier } : form)
      const tokens = tokensIn(json, settings.now(), null)
      const event = eventIn(tokens.accessToken)
      const books = (await connections(tokens.accessToken)).filter((one) => /organi[sz]ation/i.test(one.kind))
      // The books of this very consent come first; earlier consents of the same person are listed too.
      books.sort((a, b) => Number(b.authEventId === event) - Number(a.authEventId === event))
      return books.map(({ bookId, bookName, cutId }) => ({ bookId, bookName, cutId, ...tokens }))
    },

    async refresh(grant) {
      const json = await token({ grant_type: 'refresh_token', refresh_token: grant.refreshToken })
      return { ...grant, ...tokensIn(json, settings.now(), grant) }
    },

    async revoke(grant) {
      if (grant.cutId === null) return giveUp(grant)
      const url = `${trimmed(settings.apiUrl)}/connections/${encodeURIComponent(grant.cutId)}`
      const cut = (accessToken: string) =>
        seenCall(settings, grant.bookId, { method: 'DELETE', url, headers: { authorization: `Bearer ${accessToken}` } })
      let answer = await cut(grant.accessToken)
      if (answer.status === 401) {
        const json = await token({ grant_type: 'refresh_token', refresh_token: grant.refreshToken })
        answer = await cut(tokensIn(json, settings.now(), grant).accessToken)
      }
      const isCut = (answer.status >= 200 && answer.status <= 299) || answer.status === 404
      if (!isCut) throw errorFrom(answer, { isWrite: false, now: settings.now() })
    },

    connections,
  }

  /** Ends every connection of this person's consent: only where no single one can be named. */
  async function giveUp(grant: Grant): Promise<void> {
    const { revocation, secretInBody } = await found()
    if (revocation === null) throw refuse('invalid', 'revocation_unknown', 'No address to give a consent back to.')
    const answer = await identityCall(settings, revocation, { token: grant.refreshToken }, secretInBody)
    if (answer.status >= 300) throw errorFrom(answer, { isWrite: false, now: settings.now() })
  }
}

async function discover(settings: XeroSettings): Promise<Endpoints> {
  const base = trimmed(settings.identityUrl)
  const url = `${base}/.well-known/openid-configuration`
  const answer = await seenCall(settings, null, { method: 'GET', url, headers: { accept: 'application/json' } })
  if (answer.status !== 200) throw errorFrom(answer, { isWrite: false, now: settings.now() })
  const json = parseJson(answer.text)
  const named = (name: string) => {
    const path = textAt(json, name)
    return path === null ? null : new URL(path, `${base}/`).href
  }
  const [authorise, token] = [named('authorization_endpoint'), named('token_endpoint')]
  if (authorise === null || token === null) throw unreadable(answer, { isWrite: false, now: settings.now() })
  const challenges = json?.code_challenge_methods_supported
  const secrets = json?.token_endpoint_auth_methods_supported
  return {
    authorise,
    token,
    revocation: named('revocation_endpoint'),
    takesPkce: !Array.isArray(challenges) || challenges.includes('S256'),
    secretInBody:
      Array.isArray(secrets) && !secrets.includes('client_secret_basic') && secrets.includes('client_secret_post'),
  }
}

function identityCall(settings: XeroSettings, url: string, form: Record<string, string>, secretInBody: boolean) {
  const { clientId, clientSecret } = settings
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const body = new URLSearchParams(secretInBody ? { ...form, client_id: clientId, client_secret: clientSecret } : form)
  return seenCall(settings, null, {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      authorization: secretInBody ? undefined : `Basic ${basic}`,
    },
    body: body.toString(),
    isWrite: true,
    timeLimitMs: settings.timeLimitMs ?? tokenLimitMs,
  })
}

/** Longer than a slow answer takes, since a token turned over and not heard of is lost; short enough to hold a row locked. */
const tokenLimitMs = 10_000

type SeenAsk = {
  method: string
  url: string
  headers: Record<string, string | undefined>
  body?: string
  isWrite?: boolean
  timeLimitMs?: number
}

/** One call whose end is told to whoever keeps the budget; without a whole answer it throws a BookError. */
export async function seenCall(settings: XeroSettings, bookId: string | null, ask: SeenAsk): Promise<CallAnswer> {
  const { isWrite = false, ...request } = ask
  try {
    const { timeLimitMs, line = call } = settings
    return await line({ timeLimitMs, ...request, onSeen: (end) => tell(settings, bookId, end) })
  } catch (failure) {
    throw noAnswer(failure, { isWrite, now: settings.now() })
  }
}

function tell(settings: XeroSettings, bookId: string | null, end: CallEnd): void {
  settings.onCall?.({
    bookId,
    status: end.status,
    callId: callIdIn({ status: end.status ?? 0, headers: end.headers, text: '' }),
    leftThisMinute: countIn(end.headers, 'x-minlimit-remaining'),
    leftToday: countIn(end.headers, 'x-daylimit-remaining'),
    leftForApp: countIn(end.headers, 'x-appminlimit-remaining'),
    tookMs: end.tookMs,
  })
}

function tokensIn(json: Json, now: Date, before: Grant | null) {
  const seconds = /^\d+$/.exec(textAt(json, 'expires_in') ?? '')?.[0]
  const later = (ms: number) => new Date(now.getTime() + ms).toISOString()
  const granted = textAt(json, 'scope')
  return {
    accessToken: textAt(json, 'access_token') as string,
    accessEndsAt: later(seconds === undefined ? accessLivesMs : Number(seconds) * 1000),
    // A vendor that does not turn the refresh token over leaves the old one good.
    refreshToken: textAt(json, 'refresh_token') ?? before?.refreshToken ?? '',
    refreshEndsAt: later(refreshLivesMs),
    hardEndsAt: null,
    scopes: granted ? granted.split(/[\s,]+/).filter(Boolean) : (before?.scopes ?? scopes),
  }
}

/** Which consent a token stems from, where the token is a readable JWT; it is not verified and decides only an order. */
function eventIn(accessToken: string): string | null {
  const claims = parseJson(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString('utf8'))
  return textAt(claims, 'authentication_event_id')
}

function refuseWith(kind: 'unauthorized', cause: string, answer: CallAnswer, said: string, code: string) {
  const error = refuse(kind, cause, said)
  Object.assign(error.facts, { status: answer.status, callId: callIdIn(answer), vendorCode: code || null })
  return error
}

export const trimmed = (url: string): string => url.replace(/\/+$/, '')
