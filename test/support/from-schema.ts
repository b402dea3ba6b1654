/** Values out of JSON schemas: such that fit, and such with one thing wrong. */
import fc from 'fast-check'

export type Schema = {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  pattern?: string
  format?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  additionalProperties?: boolean | Schema
}
export type Resolve = (reference: string) => Schema
/** Ids that are there, by what they begin with. */
export type Known = (prefix: string) => string[]

export function valuesOf(schema: Schema, resolve: Resolve, known: Known): fc.Arbitrary<unknown> {
  const of = (inner: Schema) => valuesOf(inner, resolve, known)
  if (schema.$ref) return of(resolve(schema.$ref))
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const either = schema.anyOf ?? schema.oneOf
  if (either) return fc.oneof(...either.map(of))
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, of(inner)] as const)
      const requiredKeys = (schema.required ?? []) as never[]
      return fc.record(Object.fromEntries(properties), { requiredKeys, noNullPrototype: true })
    }
    case 'array':
      return fc.array(of(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 2),
      })
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1000, 2_000_000) })
    case 'number':
      return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1000 })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textsOf(schema, known)
    default:
      return fc.constant('anything')
  }
}

function textsOf(schema: Schema, known: Known): fc.Arbitrary<string> {
  const prefix = /^\^([a-z]{3})_/.exec(schema.pattern ?? '')?.[1]
  if (prefix) {
    const made = fc.stringMatching(new RegExp(schema.pattern ?? ''))
    const there = known(prefix)
    return there.length > 0 ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...there) }, made) : made
  }
  if (schema.format === 'email') return fc.integer({ min: 1, max: 99 }).map((number) => `person${number}@example.org`)
  if (schema.format === 'date')
    return fc.integer({ min: 1, max: 28 }).map((day) => `2026-10-${String(day).padStart(2, '0')}`)
  if (schema.pattern === '^[A-Z]{3}$') return fc.constantFrom('GBP', 'GBP', 'GBP', 'GBP', 'GBP', 'GBP', 'GBP', 'EUR')
  if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern))
  const least = Math.max(schema.minLength ?? 0, 1)
  return fc.oneof(
    fc.string({ minLength: least, maxLength: Math.min(schema.maxLength ?? 40, 40), unit: 'grapheme' }),
    fc.constantFrom('Flour', '£ 10 – “ok”', '=1+1', "Robert'); drop table trade;--", '🍞'),
  )
}

/** One thing of it is made wrong, somewhere. */
export function spoiled(value: unknown): fc.Arbitrary<unknown> {
  const places = placesIn(value)
  return fc.tuple(fc.constantFrom(...places), wrongThings).map(([place, wrong]) => replaced(value, place, wrong))
}

const wrongThings: fc.Arbitrary<unknown> = fc.constantFrom(
  null,
  -1,
  0.1,
  1e308,
  2 ** 53,
  '',
  '-5',
  '1.5',
  '\u0000',
  '\ud800',
  'x'.repeat(30_000),
  true,
  [],
  {},
  [[[[[]]]]],
  { __proto__: null, toString: 1 },
  { amount: 5.5, currency: 'GBP' },
  { amount: '99999999999999999999', currency: 'GBP' },
  { amount: '5', currency: 'ZZZ' },
)

type Path = (string | number)[]

function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  const inner = Object.entries(value).flatMap(([name, one]) => placesIn(one, [...at, name]))
  return [at, [...at, 'unknown'], ...inner]
}

function replaced(value: unknown, [first, ...rest]: Path, wrong: unknown): unknown {
  if (first === undefined) return wrong
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  const held = copy as Record<string, unknown>
  held[String(first)] = rest.length === 0 ? wrong : replaced(held[String(first)], rest, wrong)
  return copy
}
