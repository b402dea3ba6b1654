/**
 * Xero's filter language: `Type=="ACCREC" AND Date>=DateTime(2026,01,31)`, read into a test on an answer's element.
 *
 * In text only a doubled quote escapes a quote. Anything that cannot be read, and any field the
 * schema does not know, is a QueryParseException.
 */
import { queryRefused } from './answers.ts'

export type Test = (element: unknown) => boolean
type Value = string | number | boolean | null | undefined

interface Token {
  kind: 'text' | 'number' | 'name' | 'sign'
  text: string
}

const shapes: [Token['kind'], RegExp][] = [
  ['text', /^"((?:[^"]|"")*)"/],
  ['number', /^-?\d+(?:\.\d+)?/],
  ['name', /^[A-Za-z_][A-Za-z0-9_]*/],
  ['sign', /^(==|!=|>=|<=|&&|\|\||[=<>().,!])/],
]

function tokensOf(where: string): Token[] {
  const tokens: Token[] = []
  let rest = where.trimStart()
  while (rest !== '') {
    const found = shapes.map(([kind, shape]) => ({ kind, match: shape.exec(rest) })).find(({ match }) => match !== null)
    if (!found?.match) throw queryRefused(`Syntax error at: ${rest.slice(0, 40)}`)
    const text = found.kind === 'text' ? (found.match[1] ?? '').replaceAll('""', '"') : found.match[0]
    tokens.push({ kind: found.kind, text })
    rest = rest.slice(found.match[0].length).trimStart()
  }
  return tokens
}

/** `knows` says whether the first name of a path is a field of the listed kind. */
export function parseWhere(where: string, knows: (field: string) => boolean): Test {
  const tokens = tokensOf(where)
  let at = 0

  const peek = (text: string) => tokens[at]?.text.toUpperCase() === text && tokens[at]?.kind !== 'text'
  const next = (): Token => {
    const token = tokens[at++]
    if (token === undefined) throw queryRefused('Expression expected')
    return token
  }
  const expect = (sign: string) => {
    if (next().text !== sign) throw queryRefused(`'${sign}' expected`)
  }

  function either(): Test {
    let left = all()
    while (peek('OR') || peek('||')) {
      next()
      const [before, right] = [left, all()]
      left = (element) => before(element) || right(element)
    }
    return left
  }

  function all(): Test {
    let left = one()
    while (peek('AND') || peek('&&')) {
      next()
      const [before, right] = [left, one()]
      left = (element) => before(element) && right(element)
    }
    return left
  }

  function one(): Test {
    if (peek('!') || peek('NOT')) {
      next()
      const inner = one()
      return (element) => !inner(element)
    }
    if (peek('(')) {
      next()
      const inner = either()
      expect(')')
      return inner
    }
    const left = operand()
    const sign = tokens[at]?.text
    if (sign === undefined || !['==', '=', '!=', '>', '<', '>=', '<='].includes(sign))
      return (element) => left(element) === true
    next()
    const right = operand()
    return (element) => compare(left(element), sign, right(element))
  }

  function operand(): (element: unknown) => Value {
    const token = next()
    if (token.kind === 'text') return () => token.text
    if (token.kind === 'number') return () => Number(token.text)
    if (token.kind !== 'name') throw queryRefused(`Unexpected '${token.text}'`)
    const word = token.text.toLowerCase()
    if (word === 'true' || word === 'false') return () => word === 'true'
    if (word === 'null') return () => null
    if (word === 'guid') {
      const [id] = callArguments()
      return () => String(id).toLowerCase()
    }
    if (word === 'datetime') {
      const parts = callArguments()
      if (parts.length === 0 && peek('.')) {
        next()
        if (next().text !== 'Parse') throw queryRefused('DateTime.Parse expected')
        const [text] = callArguments()
        return () => Date.parse(`${text}`.length === 10 ? `${text}T00:00:00Z` : `${text}`)
      }
      const [year = 1, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number)
      return () => Date.UTC(year, month - 1, day, hour, minute, second)
    }
    return path(token.text)
  }

  function path(first: string): (element: unknown) => Value {
    if (!knows(first)) throw queryRefused(`No property or field '${first}' exists in type`)
    const names = [first]
    let read = (element: unknown) => valueAt(element, names)
    while (peek('.')) {
      next()
      const { text: name } = next()
      if (!peek('(')) {
        names.push(name)
        continue
      }
      const given = callArguments()
      const before = read
      read = method(name, before, given)
    }
    return read
  }

  function callArguments(): Value[] {
    const found: Value[] = []
    if (!peek('(')) return found
    next()
    while (!peek(')')) {
      found.push(operand()({}))
      if (peek(',')) next()
    }
    expect(')')
    return found
  }

  const test = either()
  if (at < tokens.length) throw queryRefused(`Syntax error at '${tokens[at]?.text}'`)
  return test
}

function method(name: string, read: (element: unknown) => Value, [argument]: Value[]): (element: unknown) => Value {
  const text = (element: unknown) => {
    const value = read(element)
    return value === null || value === undefined ? undefined : String(value)
  }
  const wanted = String(argument)
  switch (name) {
    case 'StartsWith':
      return (element) => text(element)?.startsWith(wanted) ?? false
    case 'EndsWith':
      return (element) => text(element)?.endsWith(wanted) ?? false
    case 'Contains':
      return (element) => text(element)?.includes(wanted) ?? false
    case 'ToLower':
      return (element) => text(element)?.toLowerCase()
    case 'ToUpper':
      return (element) => text(element)?.toUpperCase()
    default:
      throw queryRefused(`No applicable method '${name}' exists in type 'String'`)
  }
}

function valueAt(element: unknown, names: string[]): Value {
  let value: unknown = element
  for (const name of names) value = (value as Record<string, unknown> | null | undefined)?.[name]
  if (typeof value !== 'string') return value as Value
  const stamp = /^\/Date\((-?\d+)/.exec(value)
  return stamp ? Number(stamp[1]) : value
}

function compare(left: Value, sign: string, right: Value): boolean {
  const [a, b] = [plain(left), plain(right)]
  if (sign === '==' || sign === '=') return a === b
  if (sign === '!=') return a !== b
  if (a === null || b === null) return false
  if (sign === '>') return a > b
  if (sign === '<') return a < b
  return sign === '>=' ? a >= b : a <= b
}

/** Absent and null are the same; ids and enums are compared without regard to case, as they hold no other letters. */
function plain(value: Value): string | number | boolean | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' && /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(value)) return value.toLowerCase()
  return value
}
