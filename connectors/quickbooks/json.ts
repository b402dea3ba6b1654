/**
 * JSON as QuickBooks speaks it, with every number kept as the digits that stand in the text.
 *
 * Keeps: an amount goes in and out without ever being a floating-point number.
 */

/** An amount on its way out: written into the JSON as a bare number, digit for digit. */
export class Decimal {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const stringsAndNumbers = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Reads JSON; numbers arrive as strings of their digits. Throws on what is no JSON. */
export function readJson(text: string): unknown {
  JSON.parse(text) // refuses what is malformed, so that the pattern below meets whole tokens only
  return JSON.parse(text.replace(stringsAndNumbers, (token) => (token.startsWith('"') ? token : `"${token}"`)))
}

export function writeJson(value: unknown): string {
  if (value instanceof Decimal) return value.text
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${writeJson(inner)}`).join(',')}}`
}

// ─── Reading what may or may not be there ─────────────────────────────────────────────────────────────────────────

export type Fields = Record<string, unknown>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, name) => fieldsOf(inner)[name], value)
}

/** The text at a path; numbers are text already. Null when it is absent or empty. */
export function textAt(value: unknown, ...path: string[]): string | null {
  const found = at(value, ...path)
  return typeof found === 'string' && found.trim() !== '' ? found : null
}

export function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = at(value, ...path)
  if (found === undefined || found === null) return []
  return Array.isArray(found) ? found : [found]
}

/** True and false, also where they came as text. */
export function flagAt(value: unknown, ...path: string[]): boolean | null {
  const found = at(value, ...path)
  if (typeof found === 'boolean') return found
  if (typeof found !== 'string') return null
  return /^true$/i.test(found) ? true : /^false$/i.test(found) ? false : null
}
