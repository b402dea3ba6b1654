/**
 * The published schema, made strict: every element of every request is checked against it.
 *
 * The published file forbids nothing. This overlay refuses unknown fields, demands what each
 * write needs, and bounds the decimal places of money; ids must be uuids. Broken rules are recorded as violations.
 */
import { readFileSync } from 'node:fs'
import type { ValidateFunction } from 'ajv'
import { Ajv } from 'ajv'
import addFormatsDefault from 'ajv-formats'
import { placesOf } from '../kit/decimals.ts'
import { elementsOf } from './elements.ts'
import type { Endpoint } from './endpoint.ts'

type Schema = { properties?: Record<string, Record<string, unknown>>; [key: string]: unknown }

const extract = JSON.parse(readFileSync(new URL('./schema/accounting-extract.json', import.meta.url), 'utf8')) as {
  schemas: Record<string, Schema>
}

/** Fields the vendor gained after the copied version, or which its own file forgets. */
const added: Record<string, Record<string, Record<string, unknown>>> = {
  Invoice: { RoundingAmount: { type: 'number' }, EnteredTotal: { type: 'number' } },
  BankTransfer: { Status: { type: 'string' } },
}

const lengths: Record<string, Record<string, number>> = {
  Account: { Code: 10 },
  LineItem: { Description: 4000 },
  HistoryRecord: { Details: 2500 },
  Invoice: { Url: 2048 },
}

/** Money has two places; quantities, unit prices and rates may have more. */
const places: Record<string, number> = {
  Amount: 2,
  LineAmount: 2,
  TaxAmount: 2,
  BankAmount: 2,
  SubTotal: 2,
  TotalTax: 2,
  Total: 2,
  DiscountAmount: 2,
  UnitAmount: 4,
  Quantity: 4,
}

const addFormats = addFormatsDefault as unknown as (ajv: Ajv) => void
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats(ajv)
for (const format of ['double', 'currency', 'float']) ajv.addFormat(format, true)
ajv.addSchema({ $id: 'xero', components: { schemas: strictSchemas() } })

function strictSchemas(): Record<string, Schema> {
  const strict: Record<string, Schema> = {}
  for (const [name, schema] of Object.entries(extract.schemas)) {
    if (schema.properties === undefined) {
      strict[name] = schema
      continue
    }
    const properties = { ...schema.properties, ...added[name] }
    for (const [field, maxLength] of Object.entries(lengths[name] ?? {})) {
      properties[field] = { ...properties[field], maxLength }
    }
    const { required: _loose, ...rest } = schema
    strict[name] = { ...rest, properties, additionalProperties: false }
  }
  return strict
}

const compiled = new Map<string, ValidateFunction>()

function checkOf(schema: string): ValidateFunction {
  let found = compiled.get(schema)
  if (found === undefined) {
    found = ajv.compile({ $ref: `xero#/components/schemas/${schema}` })
    compiled.set(schema, found)
  }
  return found
}

export function fieldsOf(schema: string): Set<string> {
  return new Set([...Object.keys(extract.schemas[schema]?.properties ?? {}), ...Object.keys(added[schema] ?? {})])
}

/** What a request breaks, in words; empty when it is well formed. */
export function violationsOf(endpoint: Endpoint, body: unknown): string[] {
  if (endpoint.body === undefined) return []
  const { plural, schema, required = [], oneOf = [] } = endpoint.body
  const elements = elementsOf(body, plural)
  if (elements.length === 0) return [`${plural}: at least one element is needed`]
  const found: string[] = []
  if (!Array.isArray(body) && typeof body === 'object' && body !== null && plural in body) {
    for (const name of Object.keys(body)) {
      if (![plural, 'pagination', 'Warnings'].includes(name)) found.push(`${name}: unknown field beside ${plural}`)
    }
  }
  const check = checkOf(schema)
  elements.forEach((element, position) => {
    const where = `${plural}[${position}]`
    if (!check(element)) {
      for (const { instancePath, message, params } of check.errors ?? []) {
        const field = 'additionalProperty' in params ? ` ${params.additionalProperty}` : ''
        found.push(`${where}${instancePath}: ${message}${field}`)
      }
    }
    for (const name of required) if (!(name in element)) found.push(`${where}: ${name} is required`)
    if (oneOf.length > 0 && !oneOf.some((name) => name in element)) {
      found.push(`${where}: one of ${oneOf.join(', ')} is required`)
    }
    found.push(...tooManyPlaces(element, where))
  })
  return found
}

function tooManyPlaces(value: unknown, where: string): string[] {
  if (Array.isArray(value)) return value.flatMap((inner, position) => tooManyPlaces(inner, `${where}[${position}]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const most = places[name]
    if (typeof inner === 'number' && most !== undefined && placesOf(inner) > most)
      return [`${where}/${name}: more than ${most} decimal places`]
    return tooManyPlaces(inner, `${where}/${name}`)
  })
}
