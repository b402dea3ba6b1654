/** The OpenAPI 3.1 document, made from the same list of routes that answers. */
import { z } from 'zod'
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi'
import { deeds } from '../../networks/roles.ts'
import { problemShape } from '../errors.ts'
import type { Route } from './route.ts'

export function openApiOf(routes: Route[], publicUrl: string): object {
  const paths: ZodOpenApiPathsObject = {}
  const etagHeader = {
    ETag: { description: 'The version; send it back as If-Match', schema: { type: 'string' as const } },
  }
  const replayHeader = {
    'Idempotency-Replayed': {
      description: '`true` when this is a repeat of an earlier answer',
      schema: { type: 'string' as const },
    },
  }
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
        description: describe(one),
        security: [{ apiKey: [] }],
        requestParams: {
          path: one.params,
          query: one.query,
          ...(one.method === 'post' && !one.keysInBody ? { header: idempotencyHeader } : {}),
          ...(one.method === 'put' && one.versioned ? { header: ifMatchHeader } : {}),
        },
        ...(one.body
          ? { requestBody: { required: true, content: { [one.takes]: { schema: one.bodyShown ?? one.body } } } }
          : {}),
        responses: {
          [one.status]: {
            description: 'Done',
            headers: {
              ...(one.versioned ? etagHeader : {}),
              ...(one.method === 'post' && !one.keysInBody ? replayHeader : {}),
            },
            content: { [one.gives]: { schema: one.answer ?? { type: 'string' as const } } },
          },
          400: problem('Not well formed; nothing was done'),
          401: problem('No living API key'),
          403: problem('The role does not allow it'),
          404: problem('Not there, or not yours to see'),
          409: problem('A rule says no'),
          ...(one.method === 'put' && one.versioned
            ? { 412: problem('Changed since it was read; nothing was done') }
            : {}),
          ...(one.body ? { 413: problem('Larger than we take'), 415: problem(`Not ${one.takes}`) } : {}),
          422: problem('A rule says no'),
          500: problem('Our fault: nothing is half done'),
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
      description: mainPath,
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

/** The main path for whoever has only this document. */
const mainPath = `Mutual credit between businesses, kept right in their own books.

Money is \`{amount, currency}\`: \`amount\` is a string of whole minor units ("12345" is 123.45 in GBP). Days are plain (YYYY-MM-DD), instants RFC 3339 in UTC. Unknown fields are refused. Every POST needs an \`Idempotency-Key\` (but for the calls that take many, where each of the many has a \`key\`): a new random key for each new request, the same one for a repeat; a yes and a refusal by a rule (409, 422) are kept for 30 days and given again. Lists answer \`{list, next}\`: send \`next\` back as \`after\`. Errors are problem+json with \`code\`, \`detail\` and \`fix\` in plain words.

The main path: (1) an operator's key makes a network (POST /v1/networks) and a convener's key (POST /v1/networks/{networkId}/api-keys). (2) The convener invites two businesses with their legal form and VAT status (POST …/members) and admits them (POST …/members/{memberId}/admit). (3) An owner's key for each member is made by the owner on its page, or by the operator (POST …/members/{memberId}/api-keys). (4) Each owner begins consent (POST …/connection/consents), opens \`consentUrl\` in a browser, posts the address it is sent to (POST …/connection/consents/finish), chooses a book (POST …/choose), has the mutual-credit account made (POST …/connection/credit-account), reads the mapping (GET …/connection/mapping) and confirms it (PUT). (5) One side proposes a trade (POST …/trades), the other accepts (POST …/trades/{tradeId}/accept). (6) Each owner looks at the preview (GET …/connection/preview) and says yes to the first trades (POST …/connection/approvals), or sets how many wait (PUT …/connection/ask-first). (7) Deliveries tell when it stands in the books (GET …/deliveries); a reconciliation says whether book and ledger agree (POST …/reconciliations).`

function describe(one: Route): string {
  const who = one.deed === null ? 'Any living key.' : `Roles: ${deeds[one.deed].roles.join(', ')}.`
  return [one.description, who].filter(Boolean).join('\n\n')
}

const ifMatchHeader = z.object({
  'If-Match': z
    .string()
    .max(255)
    .optional()
    .meta({ description: 'The ETag that was read: refused with 412 if it changed since' }),
})

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
