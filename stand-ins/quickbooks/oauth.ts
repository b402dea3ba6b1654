/**
 * Consent and tokens as Intuit gives them.
 *
 * Keeps: a code works once; the refresh token's value changes a day after it was given, and the old value is dead at once;
 * nothing outlives 100 days without use, or five years at all.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { StandInClock } from '../kit/clock.ts'
import type { Quirks } from './quirks.ts'

const accessSeconds = 3600
const refreshSeconds = 8_726_400
const rotationMs = 24 * 3_600_000
const hardSeconds = 5 * 365 * 24 * 3600
const codeMs = 5 * 60_000
export const accountingScope = 'com.intuit.quickbooks.accounting'
export const knownScopes = [accountingScope, 'openid', 'profile', 'email', 'phone', 'address']

export interface Consent {
  id: string
  companyId: string
  scopes: string[]
  authorizedAt: number
  refresh: string
  refreshGivenAt: number
  refreshUsedAt: number
  revoked: boolean
}

interface Code {
  consentId: string
  redirectUri: string
  challenge?: string
  givenAt: number
  used: boolean
}

export interface KeptConsents {
  consents: Consent[]
  codes: [string, Code][]
  accesses: [string, { consentId: string; until: number }][]
}

/** What the token endpoint says when it does not give tokens. */
export class TokenRefusal extends Error {
  readonly status: number
  readonly error: string

  constructor(error: string, description: string, status = 400) {
    super(description)
    this.error = error
    this.status = status
  }
}

export interface Tokens {
  token_type: 'bearer'
  access_token: string
  expires_in: number
  refresh_token: string
  x_refresh_token_expires_in: number
  x_refresh_token_hard_expires_in?: number
}

const secret = (kind: string) => `${kind}${randomBytes(24).toString('base64url')}`

export class Consents {
  #consents = new Map<string, Consent>()
  #codes = new Map<string, Code>()
  #accesses = new Map<string, { consentId: string; until: number }>()
  readonly #clock: StandInClock
  readonly #client: { id: string; secret: string }
  readonly #quirks: Quirks

  constructor(clock: StandInClock, client: { id: string; secret: string }, quirks: Quirks) {
    this.#clock = clock
    this.#client = client
    this.#quirks = quirks
  }

  knowsClient(id: unknown): boolean {
    return id === this.#client.id
  }

  /** A person said yes: a code for the callback. */
  codeFor(companyId: string, scopes: string[], redirectUri: string, challenge: string | undefined): string {
    const now = this.#clock.now().getTime()
    const consent: Consent = {
      id: secret('C'),
      companyId,
      scopes,
      authorizedAt: now,
      refresh: '',
      refreshGivenAt: now,
      refreshUsedAt: now,
      revoked: false,
    }
    this.#consents.set(consent.id, consent)
    const code = secret('XAB')
    this.#codes.set(code, {
      consentId: consent.id,
      redirectUri,
      givenAt: now,
      used: false,
      ...(challenge ? { challenge } : {}),
    })
    return code
  }

  checkClient(authorization: string | undefined): void {
    const given = Buffer.from(authorization?.startsWith('Basic ') ? authorization.slice(6) : '', 'base64')
    const wanted = Buffer.from(`${this.#client.id}:${this.#client.secret}`)
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new TokenRefusal('invalid_client', 'Invalid client credentials', 401)
  }

  exchange(ask: Record<string, unknown>, withHardExpiry: boolean): Tokens {
    const code = this.#codes.get(String(ask.code ?? ''))
    const consent = code && this.#consents.get(code.consentId)
    if (!code || !consent) throw new TokenRefusal('invalid_grant', 'Invalid authorization code')
    if (code.used) {
      if (this.#quirks.codeReuseRevokes) consent.revoked = true
      throw new TokenRefusal('invalid_grant', 'Token invalid')
    }
    code.used = true
    const now = this.#clock.now().getTime()
    if (now > code.givenAt + codeMs) throw new TokenRefusal('invalid_grant', 'Authorization code expired')
    if (code.redirectUri !== ask.redirect_uri) throw new TokenRefusal('invalid_grant', 'redirect_uri does not match')
    if (code.challenge) {
      const made = createHash('sha256')
        .update(String(ask.code_verifier ?? ''))
        .digest('base64url')
      if (made !== code.challenge) throw new TokenRefusal('invalid_grant', 'code_verifier does not match')
    }
    consent.refresh = secret('RT1-')
    consent.refreshGivenAt = now
    return this.#tokens(consent, withHardExpiry)
  }

  /** `rotateNow` changes the value whatever its age: what happens when the day is just over. */
  refresh(value: unknown, withHardExpiry: boolean, rotateNow = false): Tokens {
    const now = this.#clock.now().getTime()
    const consent = [...this.#consents.values()].find((one) => one.refresh !== '' && one.refresh === value)
    if (!consent || consent.revoked) throw new TokenRefusal('invalid_grant', 'Incorrect or invalid refresh token')
    if (now > consent.refreshUsedAt + refreshSeconds * 1000 || now > consent.authorizedAt + hardSeconds * 1000)
      throw new TokenRefusal('invalid_grant', 'Refresh token expired')
    if (rotateNow || now >= consent.refreshGivenAt + rotationMs) {
      consent.refresh = secret('RT1-')
      consent.refreshGivenAt = now
    }
    return this.#tokens(consent, withHardExpiry)
  }

  /** The consent behind an access token that still works. */
  behind(authorization: string | undefined): Consent | undefined {
    const access = authorization?.startsWith('Bearer ') ? this.#accesses.get(authorization.slice(7)) : undefined
    if (!access || this.#clock.now().getTime() >= access.until) return undefined
    const consent = this.#consents.get(access.consentId)
    return consent?.revoked ? undefined : consent
  }

  /** The caller gives a token back; either kind ends the whole consent. */
  giveBack(token: unknown): boolean {
    const byAccess = this.#accesses.get(String(token))?.consentId
    const consent = [...this.#consents.values()].find(
      (one) => (one.refresh !== '' && one.refresh === token) || one.id === byAccess,
    )
    if (!consent || consent.revoked) return false
    consent.revoked = true
    return true
  }

  /** A person disconnects the app inside QuickBooks. */
  revokeAt(companyId: string): number {
    const ended = [...this.#consents.values()].filter((consent) => consent.companyId === companyId && !consent.revoked)
    for (const consent of ended) consent.revoked = true
    return ended.length
  }

  expireAccess(): void {
    this.#accesses.clear()
  }

  kept(): KeptConsents {
    return { consents: [...this.#consents.values()], codes: [...this.#codes], accesses: [...this.#accesses] }
  }

  restore(kept: KeptConsents): void {
    this.#consents = new Map(kept.consents.map((consent) => [consent.id, consent]))
    this.#codes = new Map(kept.codes)
    this.#accesses = new Map(kept.accesses)
  }

  #tokens(consent: Consent, withHardExpiry: boolean): Tokens {
    const now = this.#clock.now().getTime()
    consent.refreshUsedAt = now
    const access = secret('eyJ')
    this.#accesses.set(access, { consentId: consent.id, until: now + accessSeconds * 1000 })
    return {
      token_type: 'bearer',
      access_token: access,
      expires_in: accessSeconds,
      refresh_token: consent.refresh,
      x_refresh_token_expires_in: refreshSeconds,
      ...(withHardExpiry
        ? { x_refresh_token_hard_expires_in: Math.floor((consent.authorizedAt + hardSeconds * 1000 - now) / 1000) }
        : {}),
    }
  }
}
