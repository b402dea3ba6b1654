/**
 * The same answer as XML, for callers who did not ask for JSON: what they get from Xero by mistake.
 */
export function toXml(answer: unknown): string {
  return `<Response>${inner(answer)}</Response>`
}

function inner(value: unknown, name = 'Element'): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map((one) => tag(name.replace(/s$/, ''), one)).join('')
  if (typeof value !== 'object') return escapeXml(String(value))
  return Object.entries(value)
    .map(([field, content]) => tag(field, content))
    .join('')
}

function tag(name: string, value: unknown): string {
  return `<${name}>${inner(value, name)}</${name}>`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
