/**
 * Secrets that are handed out once: 256 random bits; only the hash stays with us, so a leaked table opens nothing.
 */
import { createHash, randomBytes } from 'node:crypto'

/** 43 characters that fit into an address. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

export function hashOf(secret: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(secret).digest())
}
