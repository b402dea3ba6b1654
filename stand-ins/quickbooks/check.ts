/**
 * Checks request bodies against the published schema and a strict overlay, and turns what is wrong into QuickBooks' own codes.
 *
 * Keeps: an unknown field, a missing one, a third decimal of money or an id that is no number never gets past here.
 */
import { readFileSync } from 'node:fs'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { placesOf } from '../kit/decimals.ts'
import type { Body, Kind } from './document.ts'
import { businessRule, type QuickBooksFault, refuse } from './fault.ts'

type Shape = Record<string, unknown>

const schemaId = 'urn:quickbooks-online:v3'
const soldLineTypes = [
  'SalesItemLineDetail',
  'GroupLineDetail',
  'DescriptionOnly',
  'DiscountLineDetail',
  'SubTotalLineDetail',
]
const ajv = makeAjv()
const compiled = new Map<string, ValidateFunction>()

export type Ask = 'create' | 'update' | 'sparse' | 'idOnly'

/** The fault a body would get before any rule of bookkeeping is asked; undefined when it is well formed. */
export function wrongIn(kind: Kind, ask: Ask, body: unknown): QuickBooksFault | undefined {
  const wrong = faultsOf(`${kind}.${ask}`, body)
  if (wrong) return wrong
  return ask === 'idOnly' ? undefined : (longText(kind, body as Body) ?? strange(body, ''))
}

/** The fault of a body against any definition of the schema, envelopes included. */
export function faultsOf(definition: string, body: unknown): QuickBooksFault | undefined {
  const validate = validator(definition)
  if (validate(body)) return undefined
  return inTheirWords(definition, validate.errors ?? [])
}

function validator(definition: string): ValidateFunction {
  const known = compiled.get(definition)
  if (known) return known
  const made = ajv.compile({ $ref: `${schemaId}#/$defs/${definition}` })
  compiled.set(definition, made)
  return made
}

function makeAjv(): Ajv2020 {
  const made = new Ajv2020({ strict: false, allErrors: true, validateFormats: true })
  formats.default(made)
  const schema = JSON.parse(readFileSync(new URL('./schema/quickbooks-v3.schema.json', import.meta.url), 'utf8'))
  addRefundReceipt(schema.$defs)
  made.addSchema(schema)
  return made
}

/** The generated schema knows the shape of a refund receipt, but not what QuickBooks asks of one. */
function addRefundReceipt(definitions: Record<string, Shape>): void {
  const line = {
    allOf: [
      { $ref: '#/$defs/Line.request' },
      { required: ['DetailType'], properties: { DetailType: { enum: soldLineTypes } } },
    ],
  }
  const rules = {
    allOf: [{ $ref: '#/$defs/RefundReceipt' }],
    properties: { Line: { type: 'array', minItems: 1, items: line } },
  }
  definitions['RefundReceipt.create'] = {
    ...rules,
    required: ['DepositToAccountRef', 'Line'],
    not: { anyOf: [{ required: ['Id'] }, { required: ['SyncToken'] }, { required: ['MetaData'] }] },
  }
  definitions['RefundReceipt.update'] = { ...rules, required: ['Id', 'SyncToken', 'DepositToAccountRef', 'Line'] }
  definitions['RefundReceipt.sparse'] = { ...rules, required: ['Id', 'SyncToken', 'sparse'] }
  definitions['RefundReceipt.idOnly'] = { allOf: [{ $ref: '#/$defs/RefundReceipt' }], required: ['Id', 'SyncToken'] }
  definitions['RefundReceipt.stored'] = {
    allOf: [{ $ref: '#/$defs/RefundReceipt' }],
    required: ['Id', 'SyncToken', 'Line', 'TotalAmt', 'MetaData'],
  }
}

/** Noise words of the validator; what stands inside them says what is wrong. */
const wrappers = ['if', 'allOf', 'anyOf', 'oneOf', 'not', 'dependentRequired']
const gravity = ['additionalProperties', 'required', 'type', 'enum', 'format', 'maxLength', 'minItems', 'pattern']

function inTheirWords(definition: string, errors: ErrorObject[]): QuickBooksFault {
  const telling = errors.filter((error) => !wrappers.includes(error.keyword))
  const rank = (error: ErrorObject) => (gravity.indexOf(error.keyword) + gravity.length + 1) % (gravity.length + 1)
  const worst = telling.sort((a, b) => rank(a) - rank(b))[0] ?? errors[0]
  const place = (worst?.instancePath ?? '').split('/').slice(1).join('.')
  const named = (name: unknown) => (place ? `${place}.${name}` : String(name))

  switch (worst?.keyword) {
    case 'additionalProperties':
      return refuse(
        '2010',
        `Property Name:${named(worst.params.additionalProperty)} specified is unsupported or invalid`,
        String(worst.params.additionalProperty),
      )
    case 'required':
      if (definition.startsWith('Account.') && String(worst.params.missingProperty).startsWith('Account'))
        return refuse('6010', 'Account type or account subtype must be given', 'AccountType')
      if (definition.startsWith('BillPayment.') && worst.params.missingProperty === 'TotalAmt')
        return businessRule('TotalAmt is missing', 'TotalAmt')
      return refuse(
        '2020',
        `Required parameter ${named(worst.params.missingProperty)} is missing in the request`,
        String(worst.params.missingProperty),
      )
    case 'maxLength':
      return refuse(
        '2050',
        `String length is either shorter or longer than supported by specification. Max allowed length: ${worst.params.limit}. Supplied at ${place}`,
        place,
      )
    case 'minItems':
      return refuse('2020', `Required parameter ${place || 'Line'} is missing in the request`, place)
    case 'format':
      return refuse('2060', `Date format is invalid at ${place}`, place)
    case 'enum':
    case 'const':
      return refuse('2170', `Invalid enumeration at ${place}`, place)
    case 'type':
      return worst.params.type === 'number'
        ? refuse('2110', `Number is invalid at ${place}`, place)
        : refuse('2010', `Property has the wrong type at ${place}`, place)
    case 'pattern':
      return businessRule(
        `The name has a character that is not allowed (colon, tab, newline or quotation mark) at ${place}`,
        place,
      )
    default:
      return refuse('2010', `Request is invalid at ${place || definition}: ${worst?.message ?? ''}`, place)
  }
}

const alsoLimited: readonly string[] = ['Purchase', 'Deposit', 'SalesReceipt', 'RefundReceipt']

/** Lengths that the overlay names for the other documents hold for these too. */
function longText(kind: Kind, body: Body): QuickBooksFault | undefined {
  if (kind === 'Account' && typeof body.AcctNum === 'string' && body.AcctNum.length > 7) return tooLong('AcctNum', 7)
  if (typeof body.PaymentRefNum === 'string' && kind === 'RefundReceipt' && body.PaymentRefNum.length > 100)
    return tooLong('PaymentRefNum', 100)
  if (!alsoLimited.includes(kind)) return undefined
  if ((body.DocNumber ?? '').length > 21) return tooLong('DocNumber', 21)
  if ((body.PrivateNote ?? '').length > 4000) return tooLong('PrivateNote', 4000)
  return undefined
}

const tooLong = (field: string, most: number) =>
  refuse(
    '2050',
    `String length is either shorter or longer than supported by specification. Max allowed length: ${most}. Supplied at ${field}`,
    field,
  )

const moneyFields = ['Amount', 'TotalAmt', 'TaxInclusiveAmt', 'TaxAmount', 'TotalTax', 'NetAmountTaxable']

/** Money has two places and at most fifteen digits; ids are numbers written as text; mail addresses look like some. */
function strange(value: unknown, place: string): QuickBooksFault | undefined {
  if (Array.isArray(value)) return first(value.map((inner, at) => () => strange(inner, `${place}[${at}]`)))
  if (typeof value !== 'object' || value === null) return undefined
  return first(
    Object.entries(value).map(([name, inner]) => () => {
      const here = place ? `${place}.${name}` : name
      if (typeof inner === 'number' && moneyFields.includes(name)) {
        if (placesOf(inner) > 2 || Math.abs(inner) >= 1e13)
          return refuse('2110', `Number is invalid at ${here}: ${inner}`, here)
      }
      if (name.endsWith('Ref') && isReference(inner)) {
        const fine = name === 'CurrencyRef' ? /^[A-Z]{3}$/.test(inner.value) : /^\d+$/.test(inner.value)
        if (!fine) return refuse('2030', `Invalid ID at ${here}: ${inner.value}`, here)
      }
      if (name === 'TxnId' && !/^\d+$/.test(String(inner)))
        return refuse('2030', `Invalid ID at ${here}: ${inner}`, here)
      if (name === 'Address' && typeof inner === 'string' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(inner))
        return refuse('2210', `Email address is invalid at ${here}`, here)
      return strange(inner, here)
    }),
  )
}

const isReference = (value: unknown): value is { value: string } =>
  typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'string'

function first<T>(tries: (() => T | undefined)[]): T | undefined {
  for (const attempt of tries) {
    const found = attempt()
    if (found !== undefined) return found
  }
  return undefined
}
