/** The OpenAPI document: 3.1 in shape, whole, and true of what is served. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../../src/web/api/routes.ts'
import { type App, openApp } from '../../support/app.ts'

type Schema = { $ref?: string; examples?: unknown[]; [key: string]: unknown }
type Operation = {
  operationId: string
  summary: string
  description: string
  security: object[]
  parameters?: { in: string; name: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema }> }>
}
type Document = {
  openapi: string
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> }
}

let app: App
let document: Document
beforeAll(async () => {
  app = await openApp()
  const answer = await app.client(null)('GET /v1/openapi.json')
  expect(answer.status).toBe(200)
  document = answer.body
})
afterAll(() => app.end())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

test('it is 3.1, names its server and its key, and tells the main path', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d$/)
  expect(document.servers).toEqual([{ url: app.url }])
  expect(document.components.securitySchemes).toHaveProperty('apiKey')
  for (const step of [
    '/networks',
    '/members',
    '/admit',
    '/consents',
    '/mapping',
    '/trades',
    '/accept',
    '/approvals',
    '/reconciliations',
  ])
    expect(document.info.description).toContain(step)
})

test('it lists every route that is served, and no other', () => {
  const listed = operations().map(({ path, method }) => `${method} ${path}`)
  expect(listed.sort()).toEqual(routes.map((one) => `${one.method} /v1${one.path}`).sort())
})

test('every operation has its own name, words, key, and the problems it may answer with', () => {
  const names = operations().map(({ operation }) => operation.operationId)
  expect(new Set(names).size).toBe(names.length)
  for (const { path, method, operation } of operations()) {
    const at = `${method} ${path}`
    expect(operation.summary.length, at).toBeGreaterThan(5)
    expect(operation.description, at).toMatch(/Roles: |Any living key/)
    expect(operation.security, at).toEqual([{ apiKey: [] }])
    for (const status of ['400', '401', '403', '404', '409', '422', '503'])
      expect(operation.responses[status]?.content, at).toHaveProperty('application/problem+json')
    const header = (name: string) => operation.parameters?.find((one) => one.in === 'header' && one.name === name)
    const keysInBody = routes.some((one) => one.keysInBody && path === `/v1${one.path}`)
    expect(header('Idempotency-Key')?.required ?? false, at).toBe(method === 'post' && !keysInBody)
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()
    const told = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name)
    expect(told.sort(), at).toEqual(inPath)
  }
})

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '')
  expect(references.length).toBeGreaterThan(50)
  for (const reference of references) {
    const place = reference.replace('#/', '').split('/')
    expect(
      place.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document),
      reference,
    ).toBeDefined()
  }
})

test('every schema compiles, refuses unknown fields on the way in, and its examples fit it', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema({ $id: 'quits', components: document.components })
  const known = new Map<string, ValidateFunction>()
  const compiled = (schema: Schema) => {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"quits#/components/')
    const isRight = known.get(text) ?? ajv.compile(JSON.parse(text))
    known.set(text, isRight)
    return isRight
  }
  let examples = 0
  for (const { path, method, operation } of operations()) {
    for (const one of operation.parameters ?? []) compiled(one.schema)
    for (const response of Object.values(operation.responses))
      for (const { schema } of Object.values(response.content ?? {})) if (schema) compiled(schema)
    const body = operation.requestBody?.content['application/json']?.schema
    if (!body) continue
    const isRight = compiled(body)
    expect(isRight({ ' unknown ': 1 }), `${method} ${path}`).toBe(false)
    for (const example of body.examples ?? []) {
      examples += 1
      expect(isRight(example), `${method} ${path}: ${JSON.stringify(isRight.errors)}`).toBe(true)
    }
  }
  expect(examples).toBeGreaterThan(8)
})
