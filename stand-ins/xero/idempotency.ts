/**
 * Xero's Idempotency-Key: remembered six minutes per app, whatever the answer was, errors included.
 *
 * The same key with another request is refused; a key is at most 128 characters.
 */
import { createHash } from 'node:crypto'
import { bodyRefused, Refused } from './answers.ts'

const livesMs = 6 * 60_000
const longest = 128

export interface KeptAnswer {
  status: number
  body: unknown
  headers: Record<string, string>
}

export class IdempotencyKeys {
  #kept = new Map<string, { at: number; fingerprint: string; answer: KeptAnswer }>()

  forget(): void {
    this.#kept.clear()
  }

  /** The remembered answer, or undefined; a clash is thrown. */
  find(appId: string, key: string, fingerprint: string, now: Date): KeptAnswer | undefined {
    if (key.length > longest) throw bodyRefused('Idempotency Key must be at most 128 characters.')
    const name = `${appId} ${key}`
    const found = this.#kept.get(name)
    if (found === undefined) return undefined
    if (now.getTime() - found.at >= livesMs) {
      this.#kept.delete(name)
      return undefined
    }
    if (found.fingerprint !== fingerprint) {
      const Message = `Idempotency Key ${key} is used with a different request.`
      throw new Refused(400, { ErrorNumber: 10, Type: 'ValidationException', Message, Elements: [] })
    }
    return found.answer
  }

  keep(appId: string, key: string, fingerprint: string, now: Date, answer: KeptAnswer): void {
    this.#kept.set(`${appId} ${key}`, { at: now.getTime(), fingerprint, answer })
  }
}

export function fingerprintOf(method: string, url: string, organisationId: string, body: unknown): string {
  const text = JSON.stringify([method, url, organisationId, body])
  return createHash('sha256').update(text).digest('hex')
}
