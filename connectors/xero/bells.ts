/**
 * Xero's webhooks: the signature over the raw bytes, and which things they ring for.
 *
 * Keeps: an event has no id of its own, so ours is made of what it says: the same event rings under the same id.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Bell, RawBell } from '../port.ts'
import { instantFrom, listAt, parseJson, textAt } from './answer.ts'
import { refuse } from './errors.ts'

/** Throws when no key signs the bytes: asking to receive is answered by exactly that. */
export function bellsFrom(raw: RawBell, keys: string[]): Bell[] {
  const header = Object.entries(raw.headers).find(([name]) => name.toLowerCase() === 'x-xero-signature')?.[1]
  const signature = Buffer.from(header ?? '', 'utf8')
  const isSigned = keys.some((key) => {
    const expected = Buffer.from(createHmac('sha256', key).update(raw.body).digest('base64'), 'utf8')
    return key !== '' && expected.length === signature.length && timingSafeEqual(expected, signature)
  })
  if (!isSigned) throw refuse('unauthorized', 'signature_refused', '')

  const json = parseJson(Buffer.from(raw.body).toString('utf8'))
  return listAt(json, 'events').flatMap((event) => {
    const bookId = textAt(event, 'tenantId')
    const at = instantFrom(textAt(event, 'eventDateUtc'))
    if (bookId === null || at === null) return []
    const thingId = textAt(event, 'resourceId')
    const kind = [textAt(event, 'eventCategory'), textAt(event, 'eventType')].filter(Boolean).join('.').toLowerCase()
    const id = createHash('sha256')
      .update([bookId, kind, thingId, textAt(event, 'eventDateUtc')].join('\n'))
      .digest('base64url')
    return [{ id, bookId, kind, thingId, at }]
  })
}
