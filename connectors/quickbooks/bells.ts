/**
 * QuickBooks' webhooks: the signature over the raw bytes, and both shapes of the body.
 *
 * Keeps: nothing unsigned is read. What is signed and not understood rings no bell, and is no error: it would only be sent again.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Bell, RawBell } from '../port.ts'
import { bookIdOf, entities } from './entities.ts'
import { quickbooksError } from './errors.ts'
import { listAt, readJson, textAt } from './json.ts'
import { instantOf } from './translate.ts'

export function bells(raw: RawBell, keys: string[]): Bell[] {
  if (!isSigned(raw, keys)) throw quickbooksError('unauthorized', 'signature_refused', 'No key of ours signs this.')
  let body: unknown
  try {
    body = readJson(new TextDecoder().decode(raw.body))
  } catch {
    return []
  }
  const events = Array.isArray(body) ? body : [body]
  return events.flatMap((event) => [...cloudBell(event), ...oldBells(event)])
}

function isSigned(raw: RawBell, keys: string[]): boolean {
  const [, given] = Object.entries(raw.headers).find(([name]) => name.toLowerCase() === 'intuit-signature') ?? []
  const signature = Buffer.from(given ?? '', 'base64')
  // Every key is tried, so the time it takes does not tell which one fits.
  return keys
    .filter((key) => key !== '')
    .map((key) => createHmac('sha256', key).update(raw.body).digest())
    .map((own) => own.length === signature.length && timingSafeEqual(own, signature))
    .includes(true)
}

/** CloudEvents: type `qbo.invoice.updated.v1`. */
function cloudBell(event: unknown): Bell[] {
  const [, name, verb] = /^qbo\.(\w+)\.(\w+)\./.exec(`${textAt(event, 'type') ?? ''}.`) ?? []
  const id = textAt(event, 'id')
  const bookId = textAt(event, 'intuitaccountid')
  if (!name || !verb || id === null || bookId === null) return []
  const thingId = thingIdOf(name, textAt(event, 'intuitentityid'))
  return [{ id, bookId, kind: `${name}.${verb}`.toLowerCase(), thingId, at: instantOf(textAt(event, 'time')) ?? '' }]
}

/** The older shape has no id of its own: what it says is its id, so the same thing said twice is one bell. */
function oldBells(event: unknown): Bell[] {
  return listAt(event, 'eventNotifications').flatMap((notification) => {
    const bookId = textAt(notification, 'realmId')
    if (bookId === null) return []
    return listAt(notification, 'dataChangeEvent', 'entities').flatMap((entity) => {
      const name = textAt(entity, 'name')
      const verb = textAt(entity, 'operation')
      const entityId = textAt(entity, 'id')
      if (name === null || verb === null) return []
      const told = textAt(entity, 'lastUpdated')
      const id = createHash('sha256')
        .update(JSON.stringify([bookId, name, entityId, verb, told]))
        .digest('hex')
        .slice(0, 32)
      const kind = `${name}.${pastOf(verb)}`.toLowerCase()
      return [{ id, bookId, kind, thingId: thingIdOf(name, entityId), at: instantOf(told) ?? '' }]
    })
  })
}

const past: Record<string, string> = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  void: 'voided',
  merge: 'merged',
  emailed: 'emailed',
}
function pastOf(verb: string): string {
  return past[verb.toLowerCase()] ?? verb
}
function thingIdOf(name: string, id: string | null): string | null {
  const entity = Object.values(entities).find((one) => one.name.toLowerCase() === name.toLowerCase())
  return entity && id !== null ? bookIdOf(entity, id) : id
}
