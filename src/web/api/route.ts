/**
 * One description of a route serves validation, types, the OpenAPI document and the answer's shape.
 *
 * Keeps: what the path names is found and guarded before anything is read of the body.
 * POST needs an Idempotency-Key. The first asking claims it; its answer (a yes, or a refusal by a rule: 409, 422) is
 * kept in the transaction of the effect (`ask.inTx`) and given again for 30 days. 400, 401, 403, 404, 412, 429 and 5xx
 * are not kept. Where an SQL function decides (`keepsItself`), that function keeps the answer in its own commit.
 * A route that `opens` reads who asks and all that it names in one call; it finds earlier answers on its way, and tells which it was.
 */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'
import { asWorker, inTransaction, type Scope, type Tx } from '../../kit/db.ts'
import { invariant } from '../../kit/invariant.ts'
import { Refusal } from '../../kit/refusal.ts'
import { scopeFor } from '../../networks/person.ts'
import type { Actor, DeedName } from '../../networks/roles.ts'
import type { Deps } from '../deps.ts'
import { Malformed, malformedFrom, problemOf, Unknown } from '../errors.ts'
import { actorOfRequest, secretOf } from '../session.ts'
import { isStreamedFile, streamFile } from '../stream-file.ts'
import {
  claim,
  forget,
  type KeptAnswer,
  keep,
  keepLate,
  keptAnswerOf,
  keptBefore,
  readKept,
  replay,
  type Told,
} from './kept-answer.ts'
import { type Finder, type Found, guardFound } from './place.ts'

/** Whatever is no JSON is sent as text; a streamed file while it is made. */
type Gives = 'application/json' | 'text/csv' | 'application/jsonl' | 'text/plain'
export type Method = 'get' | 'post' | 'put' | 'delete'

export type Ask<P, Q, B, F = Found> = {
  deps: Deps
  actor: Actor
  /** What the path names, found and guarded. */
  at: F
  params: P
  query: Q
  body: B
  /** The body as it was sent. */
  sent: unknown
  traceId: string
  /** `If-Match` as sent, without quotes. */
  ifMatch: string | null
  /** Where this POST's answer is kept; null for other methods. */
  kept: KeptAnswer | null
  /** Runs the effect in one transaction and keeps the returned answer in the same commit. */
  inTx<A>(scope: Scope, work: (tx: Tx) => Promise<A>): Promise<A>
  /** Reads behind the second wall: only what this actor's networks and organisations hold. */
  see<A>(work: (tx: Tx) => Promise<A>): Promise<A>
  /** Headers of the answer, e.g. ETag. */
  header(name: string, value: string): void
}

export type Route = {
  method: Method
  path: string
  tag: string
  summary: string
  /** Longer words for whoever has only the document. */
  description: string | null
  /** What is done, for roles.ts to allow; null: any living key may. */
  deed: DeedName | null
  find: Finder<Found> | null
  opens: Opener<never, never, Found> | null
  /** Many asks in one body, each with a key of its own: no Idempotency-Key is asked for. */
  keysInBody: boolean
  /** Takes If-Match and gives an ETag. */
  versioned: boolean
  status: 200 | 201 | 202
  params: z.ZodObject
  query: z.ZodObject
  body: z.ZodType | null
  /** What the document shows of a body that is looked at part by part. */
  bodyShown: z.ZodType | null
  /** CSV and the like arrive as text. */
  takes: 'application/json' | 'text/csv'
  answer: z.ZodType | null
  gives: Gives
  /** The handler (an SQL function) keeps the answer itself: no claim is made first. */
  keepsItself: boolean
  run(ask: Ask<never, never, never>): Promise<unknown>
}

/**
 * Reads who asks and what is named, in one call; null when the key lives no longer. What is not well formed is null here and is
 * complained of in its turn. `at` finds the place, or refuses as a finder does; null when too little of it was named.
 */
export type Opener<P, B, F> = (
  deps: Deps,
  secret: string,
  named: { params: P | null; body: B | null },
) => Promise<{ actor: Actor; at: (() => F) | null } | null>

const none = z.strictObject({})

type Described<P, Q, B, A> = {
  method: Method
  path: string
  tag: string
  summary: string
  description?: string
  deed: DeedName | null
  versioned?: boolean
  status?: 200 | 201 | 202
  params?: P
  query?: Q
  body?: B
  takes?: 'application/json' | 'text/csv'
  answer?: A
  gives?: Gives
  keepsItself?: boolean
}

/** Describes one route; the shapes give the handler its types. */
export function route<
  P extends z.ZodObject = typeof none,
  Q extends z.ZodObject = typeof none,
  B extends z.ZodType = z.ZodNull,
  A extends z.ZodType = z.ZodUnknown,
  F extends Found = Found,
>(
  told: Described<P, Q, B, A> & {
    find: Finder<F>
    answers: (ask: Ask<z.output<P>, z.output<Q>, z.output<B>, F>) => Promise<z.input<A>>
  },
): Route {
  return {
    ...described(told),
    find: told.find,
    opens: null,
    run: (ask) => told.answers(ask as unknown as Ask<z.output<P>, z.output<Q>, z.output<B>, F>),
  }
}

/** The same for a POST that reads its own place and whose answer is kept in the commit of what it does. */
export function openingRoute<
  B extends z.ZodType,
  P extends z.ZodObject = typeof none,
  A extends z.ZodType = z.ZodUnknown,
  F extends Found = Found,
>(
  told: Omit<Described<P, typeof none, B, A>, 'method' | 'keepsItself'> & {
    opens: Opener<z.output<P>, z.output<B>, F>
    keysInBody?: boolean
    bodyShown?: z.ZodType
    answers: (ask: Ask<z.output<P>, unknown, z.output<B>, F>) => Promise<Told>
  },
): Route {
  return {
    ...described({ ...told, method: 'post', keepsItself: true }),
    find: null,
    opens: told.opens,
    keysInBody: told.keysInBody ?? false,
    bodyShown: told.bodyShown ?? null,
    run: (ask) => told.answers(ask as unknown as Ask<z.output<P>, unknown, z.output<B>, F>),
  }
}

function described<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>(
  told: Described<P, Q, B, A>,
): Omit<Route, 'find' | 'opens' | 'run'> {
  return {
    method: told.method,
    path: told.path,
    tag: told.tag,
    summary: told.summary,
    description: told.description ?? null,
    deed: told.deed,
    keysInBody: false,
    bodyShown: null,
    versioned: told.versioned ?? false,
    status: told.status ?? 200,
    params: told.params ?? none,
    query: told.query ?? none,
    body: told.body ?? null,
    takes: told.takes ?? 'application/json',
    answer: told.answer ?? null,
    gives: told.gives ?? 'application/json',
    keepsItself: told.keepsItself ?? false,
  }
}

/** Puts a list of routes under /v1. */
export function serveRoutes(app: Express, deps: Deps, routes: Route[]): void {
  for (const one of routes) {
    const path = `/v1${one.path.replace(/\{(\w+)\}/g, ':$1')}`
    app[one.method](path, (request: Request, answer: Response) => answerRoute(deps, one, request, answer))
  }
}

async function answerRoute(deps: Deps, one: Route, request: Request, answer: Response): Promise<void> {
  const traceId = String(answer.locals.traceId)
  const { actor, params, at, read } = await placed(deps, one, request)
  guardFound(actor, one.deed, at)
  const query = parse(one.query, request.query, '/query')
  const body = read ? read.body : bodyOf(one, request)
  const kept = one.method === 'post' && !one.keysInBody ? keptAnswerOf(one, actor, request) : null

  // A route that opens finds an earlier answer on its way.
  const earlier = kept && !one.opens && (one.keepsItself ? await keptBefore(deps, kept) : await claim(deps, kept))
  if (earlier) return replay(deps, answer, earlier, traceId, (body) => shaped(one, body))
  let keptInside = false
  const ask: Ask<unknown, unknown, unknown> = {
    deps,
    actor,
    at,
    params,
    query,
    body,
    sent: request.body,
    traceId,
    kept,
    ifMatch: request.get('if-match')?.replace(/^(W\/)?"|"$/g, '') ?? null,
    see: async (work) => inTransaction(deps.db, await scopeFor(deps.db, actor), work),
    header: (name, value) => void answer.set(name, value),
    inTx: (scope, work) =>
      inTransaction(deps.db, scope, async (tx) => {
        const result = await work(tx)
        if (kept && !one.keepsItself) {
          await keep(tx, kept, one.status, shaped(one, result))
          keptInside = true
        }
        return result
      }),
  }
  if (one.opens) {
    const told = (await one.run(ask as unknown as Ask<never, never, never>)) as Told
    if (told.replayed) return replay(deps, answer, told, traceId, (body) => shaped(one, body))
    answer.statusCode = told.status
    // Said straight to the connection: nobody compares the answer to a POST with an older one, so it needs no ETag.
    const text = Buffer.from(JSON.stringify(shaped(one, told.body)))
    answer.setHeader('Content-Type', 'application/json; charset=utf-8')
    answer.setHeader('Content-Length', text.length)
    answer.end(text)
    return
  }
  try {
    const result = await one.run(ask as unknown as Ask<never, never, never>)
    if (isStreamedFile(result)) return await streamFile(answer, result)
    if (one.gives === 'text/csv') {
      answer.status(one.status).type('text/csv; charset=utf-8').send(String(result))
      return
    }
    const shapedResult = await answered(deps, one, kept, shaped(one, result), keptInside)
    const next = nextCursor(shapedResult)
    if (next) answer.set('Link', `<${deps.config.publicUrl}${withCursor(request.originalUrl, next)}>; rel="next"`)
    answer.status(one.status).type('application/json').send(JSON.stringify(shapedResult))
  } catch (error) {
    if (kept) {
      const problem = problemOf(deps, error, traceId)
      const isAnswer = error instanceof Refusal && (problem.status === 409 || problem.status === 422)
      await inTransaction(deps.db, asWorker, (tx) => {
        if (one.keepsItself) return isAnswer ? keepLate(tx, kept, problem.status, problem) : Promise.resolve()
        return isAnswer ? keep(tx, kept, problem.status, problem) : forget(tx, kept)
      })
    }
    throw error
  }
}

type Placed = { actor: Actor; params: unknown; at: Found; read?: { body: unknown } }

/** Who asks, and what is named: one call where the route opens, else one after the other. */
async function placed(deps: Deps, one: Route, request: Request): Promise<Placed> {
  if (one.find) {
    const actor = await actorOfRequest(deps, request)
    const params = parse(one.params, request.params, '/path')
    return { actor, params, at: await one.find({ db: deps.db, actor }, params as Record<string, string>) }
  }
  invariant(one.opens, `${one.path} neither finds nor opens`)
  const params = one.params.safeParse(request.params)
  const body = one.body?.safeParse(request.body)
  const named = { params: params.success ? params.data : null, body: body?.success ? body.data : null }
  const opened = await one.opens(deps, secretOf(request), named as never)
  if (!opened) throw new Unknown('key_dead')
  if (!params.success) throw malformedFrom(params.error, '/path')
  if (!opened.at) bodyOf(one, request)
  invariant(opened.at, `${one.path} was named well and found no place`)
  const read = body?.success ? { read: { body: body.data } } : {}
  return { actor: opened.actor, params: params.data, at: opened.at(), ...read }
}

/** The body in its shape, or what is wrong with it. */
function bodyOf(one: Route, request: Request): unknown {
  if (one.body && one.takes === 'application/json' && !request.is('application/json')) {
    throw new Malformed('json_needed', 'This route takes JSON.', 'Send `Content-Type: application/json`.', [], 415)
  }
  if (one.body && one.takes === 'text/csv' && typeof request.body !== 'string') {
    throw new Malformed(
      'csv_needed',
      'This route takes a CSV file.',
      'Send it as the body with `Content-Type: text/csv`.',
      [],
      415,
    )
  }
  return one.body ? parse(one.body, request.body ?? {}, '/body') : bodyless(request)
}

/** What the caller gets: the answer as it is kept, so that a repeat gets the very same. */
async function answered(
  deps: Deps,
  one: Route,
  kept: KeptAnswer | null,
  result: unknown,
  keptInside: boolean,
): Promise<unknown> {
  if (!kept || keptInside) return result
  return inTransaction(deps.db, asWorker, async (tx) => {
    if (!one.keepsItself) await keep(tx, kept, one.status, result)
    else {
      await keepLate(tx, kept, one.status, result)
      const earlier = await readKept(tx, kept)
      if (earlier && earlier.status < 400) return shaped(one, earlier.body)
    }
    return result
  })
}

function shaped(one: Route, result: unknown): unknown {
  return one.answer ? one.answer.parse(result) : (result ?? null)
}

function parse(shape: z.ZodType, given: unknown, where: string): unknown {
  const parsed = shape.safeParse(given)
  if (!parsed.success) throw malformedFrom(parsed.error, where)
  return parsed.data
}

function bodyless(request: Request): null {
  const { body } = request
  const isEmpty =
    body === undefined || (typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0)
  if (!isEmpty) throw new Malformed('body_not_taken', 'This route takes no body.', 'Leave the body out.')
  return null
}

function nextCursor(result: unknown): string | null {
  return typeof result === 'object' && result !== null && 'next' in result && typeof result.next === 'string'
    ? result.next
    : null
}

function withCursor(url: string, cursor: string): string {
  const [path, search = ''] = url.split('?')
  const query = new URLSearchParams(search)
  query.set('after', cursor)
  return `${path}?${query}`
}
