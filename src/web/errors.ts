/**
 * The one place where errors become status codes and sentences (RFC 9457).
 *
 * Never shows a stack, a statement or a row's values: what is our own fault is answered with an id to search the log by.
 */
import type { ErrorRequestHandler, Request, Response } from 'express'
import { z } from 'zod'
import { isDatabaseAway } from '../kit/database-trouble.ts'
import { plainError } from '../kit/log.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Deps } from './deps.ts'
import { errorPage } from './error-page.tsx'
import { pathToLog } from './trace.ts'

/** The ask is not well formed; nothing was done. */
export class Malformed extends Error {
  readonly status: number
  readonly code: string
  readonly fix: string
  readonly errors: { pointer: string; detail: string }[]
  constructor(
    code: string,
    said: string,
    fix: string,
    errors: { pointer: string; detail: string }[] = [],
    status = 400,
  ) {
    super(said)
    this.name = 'Malformed'
    this.code = code
    this.fix = fix
    this.errors = errors
    this.status = status
  }
}

/** The asker is not known (401): no key, a dead key, no web session. */
export class Unknown extends Error {
  readonly code: string
  constructor(code: 'key_missing' | 'key_dead' | 'sign_in_needed') {
    super(code)
    this.name = 'Unknown'
    this.code = code
  }
}

export type Problem = {
  type: string
  title: string
  status: number
  code: string
  detail: string
  fix: string
  errors?: { pointer: string; detail: string }[]
  facts?: Record<string, unknown>
  traceId: string
}

export const problemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    fix: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
    facts: z.record(z.string(), z.unknown()).optional(),
    traceId: z.string(),
  })
  .meta({ id: 'Problem', description: 'What went wrong, in plain words, and the way out (RFC 9457).' })

const titles: Record<number, string> = {
  400: 'Not well formed',
  401: 'Who asks?',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not offered',
  409: 'A rule says no',
  412: 'Changed meanwhile',
  413: 'Too large',
  415: 'Wrong kind of content',
  422: 'A rule says no',
  429: 'Too many',
  500: 'Our fault',
  503: 'Busy',
}

export function problemOf(deps: Pick<Deps, 'config'>, error: unknown, traceId: string): Problem {
  const make = (status: number, code: string, detail: string, fix: string): Problem => ({
    type: `${deps.config.publicUrl}/problems/${code}`,
    title: titles[status] ?? 'Problem',
    status,
    code,
    detail,
    fix,
    traceId,
  })
  if (error instanceof Refusal) {
    const problem = make(error.status, error.code, error.says, error.fix)
    if (Object.keys(error.facts).length > 0) problem.facts = error.facts
    return problem
  }
  if (error instanceof Malformed) {
    const problem = make(error.status, error.code, error.message, error.fix)
    if (error.errors.length > 0) problem.errors = error.errors
    return problem
  }
  if (error instanceof Unknown) {
    return error.code === 'sign_in_needed'
      ? make(401, error.code, 'Please sign in first.', 'Ask for a sign-in link.')
      : make(
          401,
          error.code,
          error.code === 'key_missing' ? 'An API key is needed.' : 'This API key is not valid any more.',
          'Send `Authorization: Bearer qk_…` with a key that lives.',
        )
  }
  if (error instanceof z.ZodError) return problemOf(deps, malformedFrom(error, ''), traceId)
  const parser = bodyParserProblem(error)
  if (parser) return problemOf(deps, parser, traceId)
  if (isDatabaseAway(error))
    return make(
      503,
      'database_away',
      'Our database does not answer at this moment, or takes no writes. Whether your request was done before that is not known.',
      'Send it again, a POST under the same Idempotency-Key: it is done once, and you are told what became of it.',
    )
  return make(
    500,
    'our_fault',
    'Something went wrong on our side. Nothing was half done.',
    `Try again; if it stays, tell us the id ${traceId}.`,
  )
}

/** Zod's findings as pointers into what was sent. */
export function malformedFrom(error: z.ZodError, where: string): Malformed {
  const errors = error.issues.flatMap((issue) => {
    const pointer = `${where}/${issue.path.map(String).join('/')}`.replace(/\/$/, '')
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ pointer: `${pointer}/${key}`, detail: 'This field is not known here.' }))
    return [{ pointer, detail: issue.message }]
  })
  return new Malformed(
    'malformed',
    'The request is not well formed; nothing was done.',
    'Mend the fields named in `errors`.',
    errors.slice(0, 50),
  )
}

/** Answers API paths with a problem and pages with a page. */
export function errorAnswers(deps: Deps): ErrorRequestHandler {
  return (error: unknown, ask: Request, answer: Response, _next) => {
    const traceId = String(answer.locals.traceId ?? '')
    const problem = problemOf(deps, error, traceId)
    if (problem.status >= 500 && problem.code === 'our_fault')
      deps.log.error({ error: plainError(error), traceId, path: pathToLog(ask.path) }, 'a request failed')
    if (answer.headersSent) return answer.end()
    if (problem.code === 'database_away')
      deps.log.error({ error: plainError(error), traceId, path: pathToLog(ask.path) }, 'the database is away')
    if (problem.status === 503) answer.set('Retry-After', '1')
    if (problem.status === 401) answer.set('WWW-Authenticate', 'Bearer')
    if (ask.path.startsWith('/v1/') || ask.path === '/v1') return sendProblem(answer, problem)
    answer.status(problem.status).type('html').send(errorPage(deps, problem))
  }
}

export function sendProblem(answer: Response, problem: Problem): void {
  answer.status(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

function bodyParserProblem(error: unknown): Malformed | null {
  if (!(error instanceof Error)) return null
  if (error instanceof URIError)
    return new Malformed('malformed_address', 'The address is not well formed.', 'Write it in UTF-8, percent-encoded.')
  if (!('type' in error)) return unreadableBody(error)
  switch (error.type) {
    case 'entity.parse.failed':
      return new Malformed('malformed_json', 'The body is not valid JSON; nothing was done.', 'Send one JSON object.')
    case 'entity.too.large':
      return new Malformed(
        'body_too_large',
        'The body is larger than we take; nothing was done.',
        'Send less at once.',
        [],
        413,
      )
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new Malformed(
        'encoding_not_taken',
        'The body’s encoding is not taken.',
        'Send UTF-8, uncompressed.',
        [],
        415,
      )
    case 'request.aborted':
    case 'request.size.invalid':
      return new Malformed('body_cut_off', 'The body did not arrive whole; nothing was done.', 'Send it again.')
    case 'parameters.too.many':
      return new Malformed('body_too_large', 'The form has more fields than we take.', 'Send less at once.', [], 413)
    default:
      return unreadableBody(error)
  }
}

/** Whatever else the reader of bodies lays at the sender's door (`status` 400 to 499), such as a broken compression. */
function unreadableBody(error: Error): Malformed | null {
  const status = 'status' in error && 'expose' in error && error.expose === true ? Number(error.status) : 500
  if (!(status >= 400 && status < 500)) return null
  return new Malformed(
    'body_not_readable',
    'The request could not be read; nothing was done.',
    'Send it again, in UTF-8 and uncompressed.',
    [],
    status,
  )
}
