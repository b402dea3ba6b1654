/**
 * Secrets at rest: AES-256-GCM, bound to the table, row and column they stand in.
 *
 * A sealed text is `v1.<key id>.<iv>.<tag>.<sealed>`, so that keys can be rotated and a blob moved elsewhere does not open.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { InvariantError } from './invariant.ts'

export type Place = { table: string; row: string; column: string }
export type Seal = {
  keyIds: string[]
  close(place: Place, plain: string): string
  open(place: Place, sealed: string): string
  /** A short proof that we wrote these words; nothing in it is hidden. */
  mark(words: string): string
  isOurs(words: string, mark: string): boolean
}

/** `keys`: 32 bytes each; the first one seals, all of them open. */
export function sealWith(keys: Uint8Array[]): Seal {
  const known = new Map(keys.map((key) => [keyId(key), key]))
  const first = keys[0]
  if (!first || keys.some((key) => key.length !== 32)) throw new InvariantError('a master key has 32 bytes')
  const marked = (key: Uint8Array, words: string) =>
    createHmac('sha256', key).update(`mark\u0000${words}`).digest('base64url').slice(0, 22)
  return {
    keyIds: [...known.keys()],
    mark: (words) => marked(first, words),
    isOurs(words, mark) {
      const given = Buffer.from(mark)
      return keys.some((key) => {
        const own = Buffer.from(marked(key, words))
        return own.length === given.length && timingSafeEqual(own, given)
      })
    },
    close(place, plain) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', first, iv).setAAD(bound(place))
      const locked = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return ['v1', keyId(first), ...[iv, cipher.getAuthTag(), locked].map((part) => part.toString('base64url'))].join(
        '.',
      )
    },
    open(place, sealed) {
      const [version, id = '', iv = '', tag = '', locked = ''] = sealed.split('.')
      const key = known.get(id)
      if (version !== 'v1' || !key) throw new InvariantError(`no key ${id} opens ${place.table}.${place.column}`)
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url')).setAAD(bound(place))
      decipher.setAuthTag(Buffer.from(tag, 'base64url'))
      return Buffer.concat([decipher.update(Buffer.from(locked, 'base64url')), decipher.final()]).toString('utf8')
    },
  }
}

/** Names a key without telling it. */
export function keyId(key: Uint8Array): string {
  return createHash('sha256').update('quits key').update(key).digest('hex').slice(0, 8)
}

function bound(place: Place): Buffer {
  return Buffer.from(`${place.table}\u0000${place.row}\u0000${place.column}`)
}
