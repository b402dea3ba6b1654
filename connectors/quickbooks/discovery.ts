/**
 * Intuit's discovery document: where consent is asked and tokens are given.
 *
 * Keeps: read once a day. Where Intuit's own document cannot be had, its long-standing addresses serve; anyone else's never
 * sends secrets to Intuit.
 */
import { call } from '../http.ts'
import { BookError } from '../port.ts'
import { failureError, quickbooksError } from './errors.ts'
import { readJson, textAt } from './json.ts'
import { tokenCallMs } from './limits.ts'
import type { QuickBooksSettings } from './wire.ts'

export type Endpoints = {
  authorizeEndpoint: string
  tokenEndpoint: string
  revokeEndpoint: string
  userInfoEndpoint: string
}

const usual: Endpoints = {
  authorizeEndpoint: 'https://appcenter.intuit.com/connect/oauth2',
  tokenEndpoint: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
  revokeEndpoint: 'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
  userInfoEndpoint: 'https://accounts.platform.intuit.com/v1/openid_connect/userinfo',
}
const keptMs = 86_400_000
const intuitHost = /(^|\.)intuit\.com$/i

export function discoveryOf(settings: QuickBooksSettings): () => Promise<Endpoints> {
  let kept: { endpoints: Endpoints; untilMs: number } | null = null
  return async () => {
    const nowMs = settings.now().getTime()
    if (kept && nowMs < kept.untilMs) return kept.endpoints
    try {
      const endpoints = await readDocument(settings)
      kept = { endpoints, untilMs: nowMs + keptMs }
      return endpoints
    } catch (error) {
      if (kept) return kept.endpoints
      if (error instanceof BookError && intuitHost.test(new URL(settings.discoveryUrl).hostname)) return usual
      throw error
    }
  }
}

async function readDocument({ discoveryUrl, timeLimitMs, line = call }: QuickBooksSettings): Promise<Endpoints> {
  const headers = { accept: 'application/json' }
  const limit = Math.min(timeLimitMs ?? tokenCallMs, tokenCallMs)
  const answer = await line({ method: 'GET', url: discoveryUrl, headers, timeLimitMs: limit }).catch(
    (error: unknown) => {
      throw failureError(error, false)
    },
  )
  const refuse = () =>
    quickbooksError('unavailable', 'discovery_unreadable', 'The discovery document could not be read.', {
      status: answer.status,
    })
  if (answer.status !== 200) throw refuse()
  let document: unknown
  try {
    document = readJson(answer.text)
  } catch {
    throw refuse()
  }
  const isIntuit = intuitHost.test(new URL(discoveryUrl).hostname)
  const named = (field: string, fallback: string) => {
    const told = textAt(document, field)
    if (told !== null) return new URL(told, discoveryUrl).href
    if (isIntuit) return fallback
    throw refuse()
  }
  const userInfo = textAt(document, 'userinfo_endpoint')
  return {
    authorizeEndpoint: named('authorization_endpoint', usual.authorizeEndpoint),
    tokenEndpoint: named('token_endpoint', usual.tokenEndpoint),
    // A document without it costs no connection; only cutting one is then refused.
    revokeEndpoint:
      textAt(document, 'revocation_endpoint') === null && !isIntuit
        ? ''
        : named('revocation_endpoint', usual.revokeEndpoint),
    userInfoEndpoint: userInfo === null ? usual.userInfoEndpoint : new URL(userInfo, discoveryUrl).href,
  }
}
