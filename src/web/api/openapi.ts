/** The OpenAPI 3.1 document, made from the same list of routes that answers. */
import { z } from 'zod'
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi'
import { problemShape } from '../errors.ts'
import type { Route } from './route.ts'

export function openApiOf(routes: Route[], publicUrl: string): object {
  const paths: ZodOpenApiPathsObject = {}
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: problemShape } },
  })
  for (const one of routes) {
    const path = `/v1${one.path}`
    paths[path] = {
      ...paths[path],
      [one.method]: {
        operationId: operationId(one),
        tags: [one.tag],
        summary: one.summary,
        security: [{ apiKey: [] }],
        requestParams: {
          path: one.params,
          query: one.query,
          ...(one.method === 'post' ? { header: idempotencyHeader } : {}),
        },
        ...(one.body ? { requestBody: { required: true, content: { [one.takes]: { schema: one.body } } } } : {}),
        responses: {
          [one.status]: { description: 'Done', content: { [one.gives]: one.answer ? { schema: one.answer } : {} } },
          400: problem('Not well formed; nothing was done'),
          401: problem('No living API key'),
          403: problem('The role does not allow it'),
          404: problem('Not there, or not yours to see'),
          409: problem('A rule says no'),
          422: problem('A rule says no'),
          503: problem('Busy; ask again with the same key'),
        },
      },
    }
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Quits',
      version: '1',
      description:
        'Mutual credit between businesses, kept right in their own books. Money is a string of whole minor units. Every POST needs an Idempotency-Key.',
    },
    servers: [{ url: publicUrl }],
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key (`qk_…`) with a role, a scope and an expiry.',
        },
      },
    },
    paths,
  })
}

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .meta({ description: 'A new random key for each new request; the same key for a repeat of the same request.' }),
})

function operationId(one: Route): string {
  const words = one.path
    .split('/')
    .filter(Boolean)
    .map((part) => (part.startsWith('{') ? `by-${part.slice(1, -1)}` : part))
  return [one.method, ...words].join('-').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
