/** Who is asking: a web session by cookie on pages, an API key by bearer on /v1. */
import type { Request, Response } from 'express'
import { actorOfKey } from '../networks/api-key.ts'
import type { Actor } from '../networks/roles.ts'
import { sessionOf } from '../networks/sign-in.ts'
import type { Deps } from './deps.ts'
import { Unknown } from './errors.ts'

const cookieName = 'quits_session'
const browserCookieName = 'quits_browser'

export type Visitor = { actor: Actor; sessionHash: Uint8Array; token: string }

/** The person behind a page, or null. */
export async function visitorOf(deps: Deps, ask: Request): Promise<Visitor | null> {
  const token = cookie(ask, cookieName)
  if (!token || token.length > 100) return null
  const session = await sessionOf(deps, token)
  return session ? { actor: session.actor, sessionHash: session.sessionHash, token } : null
}

export async function actorOfRequest(deps: Deps, ask: Request): Promise<Actor> {
  const actor = await actorOfKey(deps, secretOf(ask))
  if (!actor) throw new Unknown('key_dead')
  return actor
}

/** The key that a request bears. */
export function secretOf(ask: Request): string {
  const match = /^Bearer (qk_[\w-]{20,100})$/.exec(ask.get('authorization') ?? '')
  if (!match?.[1]) throw new Unknown('key_missing')
  return match[1]
}

export function giveSession(deps: Deps, answer: Response, token: string): void {
  answer.cookie(cookieName, token, { ...cookieRules(deps), maxAge: 30 * 24 * 3_600_000 })
}

export function takeSession(deps: Deps, answer: Response): void {
  answer.clearCookie(cookieName, cookieRules(deps))
}

/** A mark of this browser, so that a sign-in link works only where it was asked for. */
export function browserMark(ask: Request): string | null {
  return cookie(ask, browserCookieName)
}

export function giveBrowserMark(deps: Deps, answer: Response, mark: string): void {
  answer.cookie(browserCookieName, mark, { ...cookieRules(deps), maxAge: 3_600_000 })
}

function cookieRules(deps: Deps) {
  return { httpOnly: true, sameSite: 'lax', path: '/', secure: deps.config.publicUrl.startsWith('https:') } as const
}

function cookie(ask: Request, name: string): string | null {
  for (const part of (ask.get('cookie') ?? '').split(';')) {
    const [key, ...rest] = part.trim().split('=')
    if (key === name) return decoded(rest.join('='))
  }
  return null
}

/** What is not well encoded was not given by us. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
