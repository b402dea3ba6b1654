/**
 * All that one Xero stand-in knows: organisations, consents and tokens, and where its bells ring.
 *
 * Keeps: `kept` and `restore` carry the whole of it through a restart, signing key included.
 */
import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { StandInClock } from '../kit/clock.ts'
import { XeroBook } from './book.ts'
import type { XeroOrganisationSeed } from './seeds.ts'
import { openBook } from './seeds.ts'

export interface Connection {
  id: string
  organisationId: string
  authEventId: string
  createdAt: number
  updatedAt: number
}

export interface Consent {
  authEventId: string
  scopes: string[]
  revoked: boolean
}

export interface Code {
  code: string
  authEventId: string
  redirectUri: string
  challenge?: string
  nonce?: string
  issuedAt: number
}

export interface RefreshToken {
  token: string
  authEventId: string
  issuedAt: number
  usedAt?: number
  /** What was given for it, in case a grace retry must answer with the same pair. */
  gave?: string
}

export const demoPerson = {
  id: '6a1b6c1e-3c1d-4d4e-9d43-1f6f5a4f3f01',
  email: 'demo@quits.example',
  givenName: 'Demo',
  familyName: 'Bookkeeper',
}

export class World {
  readonly clock: StandInClock
  readonly clientId: string
  readonly clientSecret: string
  books = new Map<string, XeroBook>()
  connections = new Map<string, Connection>()
  consents = new Map<string, Consent>()
  codes = new Map<string, Code>()
  refreshTokens = new Map<string, RefreshToken>()
  /** Access tokens issued before this instant count as expired. */
  accessExpiredBefore = 0
  signingKey: KeyObject
  bellSequence = 0

  constructor(clock: StandInClock, clientId: string, clientSecret: string) {
    this.clock = clock
    this.clientId = clientId
    this.clientSecret = clientSecret
    this.signingKey = ownKey()
  }

  publicJwk(): Record<string, unknown> {
    return {
      ...createPublicKey(this.signingKey).export({ format: 'jwk' }),
      kid: 'stand-in-1',
      use: 'sig',
      alg: 'RS256',
    }
  }

  open(seed: XeroOrganisationSeed): XeroBook {
    const book = openBook(seed, this.clock.now(), (id) => this.books.has(id))
    this.books.set(book.settings.id, book)
    return book
  }

  clear(): void {
    this.books.clear()
    this.connections.clear()
    this.consents.clear()
    this.codes.clear()
    this.refreshTokens.clear()
    this.accessExpiredBefore = 0
    this.bellSequence = 0
  }

  kept(): unknown {
    return {
      books: [...this.books.values()].map((book) => book.kept()),
      connections: [...this.connections.values()],
      consents: [...this.consents.values()],
      refreshTokens: [...this.refreshTokens.values()],
      signingKey: this.signingKey.export({ type: 'pkcs8', format: 'pem' }),
      bellSequence: this.bellSequence,
      accessExpiredBefore: this.accessExpiredBefore,
      clockOffsetMs: this.clock.offsetMs,
    }
  }

  restore(kept: unknown): void {
    const from = kept as {
      books: unknown[]
      connections: Connection[]
      consents: Consent[]
      refreshTokens: RefreshToken[]
      signingKey: string
      bellSequence: number
      accessExpiredBefore: number
      clockOffsetMs: number
    }
    for (const book of from.books.map(XeroBook.from)) this.books.set(book.settings.id, book)
    for (const connection of from.connections) this.connections.set(connection.id, connection)
    for (const consent of from.consents) this.consents.set(consent.authEventId, consent)
    for (const token of from.refreshTokens) this.refreshTokens.set(token.token, token)
    this.signingKey = createPrivateKey(from.signingKey)
    this.bellSequence = from.bellSequence
    this.accessExpiredBefore = from.accessExpiredBefore
    this.clock.advance(from.clockOffsetMs)
  }
}

let made: KeyObject | undefined

/** One key for all stand-ins of a run: making one takes longer than a whole test. */
function ownKey(): KeyObject {
  made ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return made
}
