/**
 * Ids: UUIDv7 made by us, plain uuid in rooms and tables, wearing their kind in text wherever a person or a program
 * outside reads them (`trd_01H…`: kind and 26 characters of Crockford's base 32).
 */
import { createHash, randomBytes } from 'node:crypto'

export type Uuid = string

export const idKinds = {
  network: 'net',
  organisation: 'org',
  member: 'mem',
  person: 'per',
  account: 'acc',
  transfer: 'trf',
  trade: 'trd',
  delivery: 'dlv',
  connection: 'con',
  consent: 'cns',
  invitation: 'inv',
  reconciliation: 'rec',
  discrepancy: 'dis',
  standingConsent: 'stc',
  apiKey: 'key',
  limitAsk: 'las',
  limitChange: 'lch',
  auditRun: 'aud',
  importRun: 'imp',
  tradeWord: 'wrd',
  deed: 'dee',
  mail: 'mai',
  posting: 'pst',
  formChange: 'fch',
  call: 'cal',
} as const
export type IdKind = keyof typeof idKinds

const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const space = 'f81d4fae-7dec-51d0-a765-00a0c91e6bf6'

let lastMs = -1
let lastCount = 0

/**
 * A new UUIDv7: the instant in the first 48 bits, then a count within the millisecond, so that newer ids of one process
 * sort later even when the clock stands still. The last 50 bits are random: shortName() takes them.
 */
export function newId(at: Date): Uuid {
  const bytes = randomBytes(16)
  const ms = at.getTime()
  // 23 random bits to begin with leave room for eight million more within the same millisecond.
  lastCount = ms === lastMs ? lastCount + 1 : bytes.readUIntBE(6, 3) & 0x7fffff
  lastMs = ms
  bytes.writeUIntBE(ms, 0, 6)
  bytes[6] = ((lastCount >> 20) & 0x0f) | 0x70
  bytes[7] = (lastCount >> 12) & 0xff
  bytes[8] = ((lastCount >> 6) & 0x3f) | 0x80
  bytes[9] = ((lastCount & 0x3f) << 2) | ((bytes[9] as number) & 0x03)
  return hyphened(bytes)
}

/** UUIDv5 of a cause: the same cause has the same id, so it cannot be done twice. */
export function idOfCause(...parts: string[]): Uuid {
  const hash = createHash('sha1')
    .update(Buffer.from(space.replaceAll('-', ''), 'hex'))
    .update(parts.join('\u0000'))
    .digest()
  const bytes = hash.subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return hyphened(bytes)
}

/** `trd_` and 26 characters. */
export function idText(kind: IdKind, id: Uuid): string {
  let rest = BigInt(`0x${id.replaceAll('-', '')}`)
  let text = ''
  for (let place = 0; place < 26; place += 1) {
    text = letters[Number(rest & 31n)] + text
    rest >>= 5n
  }
  return `${idKinds[kind]}_${text}`
}

/** The uuid of a typed id, or null when it is not an id of this kind. */
export function idFromText(kind: IdKind, text: string): Uuid | null {
  const match = new RegExp(`^${idKinds[kind]}_([0-7][0-9A-HJKMNP-TV-Z]{25})$`).exec(text)
  if (!match?.[1]) return null
  let value = 0n
  for (const letter of match[1]) value = (value << 5n) | BigInt(letters.indexOf(letter))
  const hex = value.toString(16).padStart(32, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The last 50 bits of an id as ten characters: a name that fits every book's shortest field. */
export function shortName(id: Uuid): string {
  return idText('trade', id).slice(-10)
}

function hyphened(bytes: Uint8Array): Uuid {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
