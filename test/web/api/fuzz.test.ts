/**
 * The API asked at random, from nothing but its own document: what fits, and what has one thing wrong.
 *
 * Whatever is asked: never our fault, always a status that the document names, always the shape it names, and the ledger
 * holds afterwards. A failure prints its seed.
 */
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, apiWorld, connectBook, saleOf, sell } from '../../support/api-world.ts'
import type { Answered, Client } from '../../support/app.ts'
import { type Schema, spoiled, valuesOf } from '../../support/from-schema.ts'

type Media = Record<string, { schema: Schema }>
type Operation = {
  parameters?: { in: string; name: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Media }
  responses: Record<string, { content?: Media }>
}
type Document = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } }

let world: ApiWorld
let document: Document
let clients: Client[]
const ids = new Map<string, Set<string>>()
const ajv = new Ajv2020({ strict: false })
addFormats(ajv)

beforeAll(async () => {
  world = await apiWorld()
  const { app, avon, bakery, mill, operator } = world
  document = (await app.client(null)('GET /v1/openapi.json')).body
  ajv.addSchema({ $id: 'quits', components: document.components })
  clients = [operator, avon.convener, bakery.owner, mill.owner]
  await connectBook(app, bakery, 'book-fuzz')
  await sell(avon.path, mill, bakery, '5000')
  await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '100') })
  await app.deliver()
  const reads = [
    bakery.owner(`GET ${bakery.path}/deliveries`),
    avon.convener(`GET ${avon.path}/members`),
    bakery.owner(`GET ${avon.path}/trades`),
    avon.convener(`GET ${avon.path}/people`),
    bakery.owner(`POST ${bakery.path}/reconciliations`),
    bakery.owner(`POST ${bakery.path}/limit-asks`, { body: { to: { amount: '5', currency: 'GBP' }, why: 'more' } }),
    bakery.owner(`POST ${bakery.path}/standing-consents`, {
      body: { fromMemberId: mill.memberId, side: 'buyer', aMonth: { amount: '500', currency: 'GBP' } },
    }),
    avon.convener(`POST ${avon.path}/api-keys`, { body: { name: 'spare', role: 'auditor' } }),
  ]
  for (const { text } of await Promise.all(reads)) remember(text)
  remember(`"${avon.networkId}"`)
})
afterAll(() => world.end())

/** Ids that the API has told are asked for again; not those of keys, or it would end its own. */
function remember(text: string): void {
  for (const [, id = '', prefix = ''] of text.matchAll(/"(([a-z]{3})_[0-9A-Z]{26})"/g))
    if (prefix !== 'key') ids.set(prefix, (ids.get(prefix) ?? new Set()).add(id))
}
const known = (prefix: string) => [...(ids.get(prefix) ?? [])].slice(0, 20)
const resolve = (reference: string): Schema => document.components.schemas[reference.split('/').at(-1) ?? ''] ?? {}

const compiled = new Map<string, ValidateFunction>()
function fits(name: string, schema: Schema, value: unknown): string | null {
  const text = JSON.stringify(schema)
  const isRight =
    compiled.get(text) ?? ajv.compile(JSON.parse(text.replaceAll('"#/components/', '"quits#/components/')))
  compiled.set(text, isRight)
  return isRight(value) ? null : `${name}: ${ajv.errorsText(isRight.errors)}`
}

function asks(
  path: string,
  operation: Operation,
): fc.Arbitrary<{ address: string; body: unknown; isSpoiled: boolean }> {
  const parameters = operation.parameters ?? []
  const values = (where: string) =>
    fc.record(
      Object.fromEntries(
        parameters.filter((one) => one.in === where).map((one) => [one.name, valuesOf(one.schema, resolve, known)]),
      ),
      {
        requiredKeys: parameters.filter((one) => one.in === where && one.required).map((one) => one.name),
        noNullPrototype: true,
      },
    )
  const bodySchema = operation.requestBody?.content['application/json']?.schema
  const body = bodySchema ? valuesOf(bodySchema, resolve, known) : fc.constant(undefined)
  return fc.tuple(values('path'), values('query'), body, fc.boolean()).chain(([inPath, inQuery, right, isSpoiled]) => {
    const query = new URLSearchParams(Object.entries(inQuery).map(([name, value]) => [name, String(value)]))
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(inPath[name])))
    const address = `${filled}${query.size > 0 ? `?${query}` : ''}`
    if (!isSpoiled || right === undefined) return fc.constant({ address, body: right, isSpoiled: false })
    return spoiled(right).map((wrong) => ({ address, body: wrong, isSpoiled: true }))
  })
}

function faultsOf(answer: Answered, operation: Operation): string[] {
  const told = operation.responses[String(answer.status)]
  if (answer.status >= 500) return [`our fault: ${answer.status} ${answer.text}`]
  if (!told) return [`${answer.status} is not in the document: ${answer.text}`]
  const schema = told.content?.[answer.type]?.schema
  if (!schema) return [`${answer.status} as ${answer.type} is not in the document`]
  const fault = answer.type === 'text/csv' ? null : fits(String(answer.status), schema, answer.body)
  return fault ? [fault] : []
}

test('asked at random it is never at fault, and answers as its document says', async () => {
  const most = 6
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const property = fc.asyncProperty(
        asks(path, operation),
        fc.nat(clients.length - 1),
        async ({ address, body, isSpoiled }, who) => {
          const speak = clients[who] as Client
          const key = `fuzz-${ids.size}-${Math.random()}`
          const said = { ...(body === undefined ? {} : { body }), idempotencyKey: key }
          const answer = await speak(`${method.toUpperCase()} ${address}`, said)
          expect(faultsOf(answer, operation), `${method} ${address} ${JSON.stringify(body)}`).toEqual([])
          if (answer.status < 300) remember(answer.text)
          if (method !== 'post' || isSpoiled || ![200, 201, 409, 422].includes(answer.status)) return
          const again = await speak(`POST ${address}`, said)
          // The secret of a key is told once; the trace of a refusal is the repeat's own.
          const lasting = ({ status, body }: Answered) => ({ status, ...body, secret: null, traceId: null })
          expect(lasting(again)).toEqual(lasting(answer))
        },
      )
      await fc.assert(property, { numRuns: most, endOnFailure: true })
    }
}, 240_000)

test('afterwards both ledgers hold', async () => {
  const { avon, tamar } = world
  for (const network of [avon, tamar]) {
    const audit = await network.convener(`POST ${network.path}/ledger/audits`)
    expect(audit.body).toMatchObject({ holds: true })
  }
})
