/**
 * Reads Xero's JSON: every number as the decimal text that was sent, every field as one that may be absent.
 *
 * Keeps: money never passes through a float on its way in.
 */

export type Json = { readonly [name: string]: unknown }

/** The object in a text, its numbers as text; null when it is no JSON object. */
export function parseJson(text: string): Json | null {
  // Text in quotes is kept whole; a number outside quotes gets quotes.
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (part) =>
    part.startsWith('"') ? part : `"${part}"`,
  )
  try {
    const parsed: unknown = JSON.parse(quoted)
    return isObject(parsed) ? parsed : Array.isArray(parsed) ? { '': parsed } : null
  } catch {
    return null
  }
}

/** The elements of an answer that is a bare list, as /connections gives. */
export const bareList = (json: Json): Json[] => listAt(json, '')

export function textAt(json: Json | null, name: string): string | null {
  const value = json?.[name]
  return typeof value === 'string' && value !== '' ? value : null
}

export function flagAt(json: Json | null, name: string): boolean | null {
  const value = json?.[name]
  if (typeof value === 'boolean') return value
  return value === 'true' ? true : value === 'false' ? false : null
}

export function objectAt(json: Json | null, name: string): Json | null {
  const value = json?.[name]
  return isObject(value) ? value : null
}

export function listAt(json: Json | null, name: string): Json[] {
  const value = json?.[name]
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Xero's `/Date(ms+0000)/`, or an ISO date with or without a zone; null when it is neither. */
export function instantFrom(text: string | null): string | null {
  if (text === null) return null
  const milliseconds = /^\/Date\((-?\d+)/.exec(text)?.[1]
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`
  const at = new Date(milliseconds === undefined ? zoned : Number(milliseconds))
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

/** The day itself: its text where there is one, so that no zone can move it. */
export function dayAt(json: Json | null, name: string): string | null {
  for (const text of [textAt(json, `${name}String`), textAt(json, name)]) {
    if (text === null) continue
    const day = /^\d{4}-\d\d-\d\d/.exec(text)?.[0] ?? instantFrom(text)?.slice(0, 10)
    if (day) return day
  }
  return null
}

const nobody = /^0{8}-0{4}-0{4}-0{4}-0{12}$/
/** An id that names something: Xero echoes refused elements with an id of zeros, or none. */
export function idAt(json: Json | null, name: string): string | null {
  const id = textAt(json, name)
  return id !== null && !nobody.test(id) ? id : null
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
