/**
 * The API asked at random, from nothing but its own document: what fits, and what has one thing wrong.
 *
 * Whatever is asked: never our fault, always a status that the document names, always the shape it names, and the ledger
 * holds afterwards. A failure prints its seed.
 */
import { randomUUID } from 'node:crypto'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deeds, type Role } from '../../../src/networks/roles.ts'
import type { Route } from '../../../src/web/api/route.ts'
import { routes } from '../../../src/web/api/routes.ts'
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
let clients: { role: Role; speak: Client }[]
const ids = new Map<string, Set<string>>()
const ajv = new Ajv2020({ strict: false })
formats.default(ajv)

beforeAll(async () => {
  world = await apiWorld()
  const { app, avon, bakery, mill, operator } = world
  document = (await app.client(null)('GET /v1/openapi.json')).body
  ajv.addSchema({ $id: 'quits', components: document.components })
  clients = [
    { role: 'operator', speak: operator },
    { role: 'convener', speak: avon.convener },
    { role: 'owner', speak: bakery.owner },
    { role: 'owner', speak: mill.owner },
  ]
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
  // Mostly one network and one member, so that chance meets what is there.
  ids.set('net', new Set([avon.networkId]))
  ids.set('mem', new Set([bakery.memberId, mill.memberId]))
})
afterAll(() => world.end())

/** Ids that the API has told are asked for again; not those of keys, or it would end its own. */
function remember(text: string): void {
  for (const [, id = '', prefix = ''] of text.matchAll(/"(([a-z]{3})_[0-9A-Z]{26})"/g))
    if (!settled.has(prefix)) ids.set(prefix, (ids.get(prefix) ?? new Set()).add(id))
}
const settled = new Set(['key', 'net', 'mem', 'org'])
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

type Asked = { address: string; body: unknown; isSpoiled: boolean }

function asks(path: string, operation: Operation): fc.Arbitrary<Asked> {
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
  return fc
    .tuple(values('path'), values('query'), body, fc.boolean())
    .chain(([inPath, inQuery, right, isSpoiled]): fc.Arbitrary<Asked> => {
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
  const fault =
    answer.body === null && schema.type === 'string' ? null : fits(String(answer.status), schema, answer.body)
  return fault ? [fault] : []
}

/** Mostly somebody who may. */
function whoAsks(method: string, path: string): fc.Arbitrary<Client> {
  const { deed } = routes.find((one) => one.method === method && `/v1${one.path}` === path) as Route
  const allowed: readonly Role[] = deed === null ? [] : deeds[deed].roles
  const may = clients.filter((one) => allowed.includes(one.role)).map((one) => one.speak)
  const any = fc.constantFrom(...clients.map((one) => one.speak))
  return may.length > 0 ? fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...may) }, any) : any
}

/** What ends or stops things is asked last, or the rest would only meet closed doors. */
function inOrder(paths: Document['paths']): [string, string, Operation][] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  )
  const isLast = (path: string) =>
    /(pause|suspend|leave|release|write-off|disconnect|legal-form|revoke|remove)$/.test(path)
  return [...all.filter(([path]) => !isLast(path)), ...all.filter(([path]) => isLast(path))]
}

test('asked at random it is never at fault, and answers as its document says', async () => {
  const most = 4
  for (const [path, method, operation] of inOrder(document.paths)) {
    const property = fc.asyncProperty(
      asks(path, operation),
      whoAsks(method, path),
      async ({ address, body, isSpoiled }, speak) => {
        const said = { ...(body === undefined ? {} : { body }), idempotencyKey: randomUUID() }
        const answer = await speak(`${method.toUpperCase()} ${address}`, said)
        expect(faultsOf(answer, operation), `${method} ${address} ${JSON.stringify(body)}`).toEqual([])
        if (answer.status < 300) remember(answer.text)
        if (method !== 'post' || isSpoiled || ![200, 201, 409, 422].includes(answer.status)) return
        const again = await speak(`POST ${address}`, said)
        // The secret of a key is told once; the trace of a refusal is the repeat's own.
        const own = new Set(['secret', 'traceId', 'replayed'])
        const lasting = ({ status, text }: Answered) => [
          status,
          JSON.parse(text, (name, value) => (own.has(name) ? null : value)),
        ]
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
