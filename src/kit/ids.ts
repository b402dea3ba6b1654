/**
 * Ids: UUIDv7 made by us, plain uuid in rooms and tables, wearing their kind in text wherever a person or a program
 * outside reads them (`trd_01H…`: kind and 26 characters of Crockford's base 32).
 */
import { hash, randomBytes } from 'node:crypto'

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
  webhook: 'whk',
  notice: 'ntc',
} as const
export type IdKind = keyof typeof idKinds

const letters = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
const digits = Buffer.from('0123456789abcdef')
/** What a letter, or a digit of a uuid, stands for, by its code. */
const valueOfLetter = new Uint8Array(128)
for (const [value, code] of letters.entries()) valueOfLetter[code] = value
const valueOfDigit = new Uint8Array(128)
for (let value = 0; value < 16; value += 1)
  for (const text of [value.toString(16), value.toString(16).toUpperCase()]) valueOfDigit[text.charCodeAt(0)] = value
const isHyphenAt = new Set([8, 13, 18, 23])
const hyphen = 45

const space = Buffer.from('f81d4fae7dec51d0a76500a0c91e6bf6', 'hex')
/** The name that is hashed is written here, behind the space: a trade has a score of ids that are made of causes. */
const named = Buffer.alloc(1024)
space.copy(named)
/** Ids are spelled here, digit by digit. */
const spelled = Buffer.alloc(36)

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
  const hex = hash('sha1', behindSpace(parts.join('\u0000')), 'hex')
  // In RFC 9562's places: the version, and the variant in the upper two bits of its digit.
  const variant = (8 | (valueIn(valueOfDigit, hex, 16) & 3)).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function behindSpace(name: string): Uint8Array {
  // A character of text is at most three bytes.
  if (name.length * 3 > named.length - space.length) return Buffer.concat([space, Buffer.from(name)])
  return named.subarray(0, space.length + named.write(name, space.length))
}

/** `trd_` and 26 characters. */
export function idText(kind: IdKind, id: Uuid): string {
  // 128 bits in fives, the first with two noughts in front.
  let held = 0
  let bits = 2
  let place = 0
  for (let at = 0; at < id.length; at += 1) {
    if (isHyphenAt.has(at)) continue
    held = ((held << 4) | valueIn(valueOfDigit, id, at)) & 0xff
    bits += 4
    if (bits < 5) continue
    bits -= 5
    spelled[place++] = letters[(held >> bits) & 31] as number
  }
  return `${idKinds[kind]}_${spelled.toString('latin1', 0, place)}`
}

const body = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** The uuid of a typed id, or null when it is not an id of this kind. */
export function idFromText(kind: IdKind, text: string): Uuid | null {
  const before = `${idKinds[kind]}_`
  if (!text.startsWith(before) || !body.test(text.slice(before.length))) return null
  let held = 0
  let bits = -2
  let place = 0
  for (let at = before.length; at < text.length; at += 1) {
    held = ((held << 5) | valueIn(valueOfLetter, text, at)) & 0x1ff
    for (bits += 5; bits >= 4; bits -= 4) {
      if (isHyphenAt.has(place)) spelled[place++] = hyphen
      spelled[place++] = digits[(held >> (bits - 4)) & 15] as number
    }
  }
  return spelled.toString('latin1', 0, place)
}

function valueIn(values: Uint8Array, text: string, at: number): number {
  return values[text.charCodeAt(at)] as number
}

/** The last 50 bits of an id as ten characters: a name that fits every book's shortest field. */
export function shortName(id: Uuid): string {
  return idText('trade', id).slice(-10)
}

function hyphened(bytes: Uint8Array): Uuid {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
