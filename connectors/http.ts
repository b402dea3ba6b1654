/**
 * One request to a vendor, with everything that could go on for ever cut short.
 *
 * Keeps: one deadline for the whole of it, a cap on what is read, no redirects, no proxy, no retries.
 * Never: prints or throws a header, a body or a query; whoever shows a vendor's words passes them through redact().
 */
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { createGunzip } from 'node:zlib'

const wholeCallMs = 30_000
const sizeCapBytes = 10 * 1024 * 1024

export type CallHeaders = Record<string, string | undefined>
export type CallAnswer = {
  status: number
  /** Names in lower case; a header sent twice is joined with a comma. */
  headers: CallHeaders
  text: string
}
/** What is known once a call is over: no status and no headers when nothing whole came back. */
export type CallEnd = { status: number | null; headers: CallHeaders; tookMs: number }
export type Call = {
  method: string
  url: string
  headers: CallHeaders
  body?: string | undefined
  timeLimitMs?: number | undefined
  sizeCap?: number | undefined
  onSeen?: ((seen: CallEnd) => void) | undefined
}

export type CallFailure = 'not_reached' | 'timed_out' | 'cut_off' | 'too_large' | 'unreadable'

/** There was no whole answer. `sent: 'no'` promises that not one byte of the request left. */
export class CallFailed extends Error {
  readonly sent: 'no' | 'maybe'
  readonly reason: CallFailure
  constructor(sent: 'no' | 'maybe', reason: CallFailure) {
    super(`no whole answer: ${reason}`)
    this.name = 'CallFailed'
    this.sent = sent
    this.reason = reason
  }
}

/** How a call goes out: the one below, unless whoever opens a connector brings another. */
export type Line = (ask: Call) => Promise<CallAnswer>

/** The module's own request is looked up at each call, so that what a test puts in its place is found whenever this was loaded. */
const agents = {
  'http:': { door: http, agent: new http.Agent({ keepAlive: true, scheduling: 'lifo' }) },
  'https:': { door: https, agent: new https.Agent({ keepAlive: true, scheduling: 'lifo' }) },
}

export async function call(ask: Call): Promise<CallAnswer> {
  const startedAt = performance.now()
  const seen = (status: number | null, headers: CallHeaders) =>
    ask.onSeen?.({ status, headers, tookMs: Math.round(performance.now() - startedAt) })
  try {
    const answer = withoutSent(await exchange(ask), ask)
    seen(answer.status, answer.headers)
    return answer
  } catch (error) {
    seen(null, {})
    throw error
  }
}

function exchange(ask: Call): Promise<CallAnswer> {
  const url = new URL(ask.url)
  const way = agents[url.protocol as keyof typeof agents]
  if (!way) return Promise.reject(new CallFailed('no', 'not_reached'))

  return new Promise((resolve, reject) => {
    let reached = false
    const body = ask.body === undefined ? undefined : Buffer.from(ask.body, 'utf8')
    const headers: Record<string, string> = { 'accept-encoding': 'gzip' }
    for (const [name, value] of Object.entries(ask.headers)) if (value !== undefined) headers[name] = value
    if (body) headers['content-length'] = String(body.byteLength)

    const outgoing = way.door.request(url, { method: ask.method, headers, agent: way.agent })
    const deadline = setTimeout(() => stop('timed_out'), ask.timeLimitMs ?? wholeCallMs)
    const stop = (reason: CallFailure) => {
      clearTimeout(deadline)
      reject(reached ? new CallFailed('maybe', reason) : new CallFailed('no', 'not_reached'))
      outgoing.destroy()
    }

    outgoing.on('socket', (socket) => {
      // A socket from the pool is open already. Over TLS nothing of ours leaves before the handshake is done.
      if (!socket.connecting) reached = true
      else
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          reached = true
        })
    })
    outgoing.on('error', () => stop('cut_off'))
    outgoing.on('response', (incoming) => {
      reached = true
      readWhole(incoming, ask.sizeCap ?? sizeCapBytes).then((text) => {
        clearTimeout(deadline)
        resolve({ status: incoming.statusCode ?? 0, headers: plainHeaders(incoming), text })
      }, stop)
    })
    outgoing.end(body)
  })
}

/** Rejects with the reason, a CallFailure, when the body is not whole or passes the cap. */
function readWhole(incoming: IncomingMessage, cap: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const zipped = /gzip/i.test(incoming.headers['content-encoding'] ?? '')
    const source = zipped ? incoming.pipe(createGunzip()) : incoming
    source.on('data', (chunk: Buffer | string) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      size += bytes.byteLength
      if (size > cap) reject('too_large' satisfies CallFailure)
      else chunks.push(bytes)
    })
    source.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    source.on('error', () => reject((zipped ? 'unreadable' : 'cut_off') satisfies CallFailure))
    incoming.on('error', () => reject('cut_off' satisfies CallFailure))
    incoming.on('aborted', () => reject('cut_off' satisfies CallFailure))
  })
}

function plainHeaders(incoming: IncomingMessage): CallHeaders {
  const plain: CallHeaders = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}

/**
 * What we sent to be let in, cut out of an answer that repeats it: a gateway's error page may show the whole request. Only the yes of
 * a token endpoint may hold what was sent there, for a refresh token need not change.
 */
function withoutSent(answer: CallAnswer, ask: Call): CallAnswer {
  let { text } = answer
  for (const secret of sentToBeLetIn(ask, answer.status >= 400))
    for (const spelled of [secret, encodeURIComponent(secret)])
      if (text.includes(spelled)) text = text.replaceAll(spelled, '…')
  return text === answer.text ? answer : { ...answer, text }
}

const shortestSecret = 6

function sentToBeLetIn(ask: Call, isRefusal: boolean): string[] {
  const [, scheme = '', credentials = ''] =
    /^(bearer|basic) +(\S+)$/i.exec(headerIn(ask.headers, 'authorization')) ?? []
  const isBasic = scheme.toLowerCase() === 'basic'
  const found = isBasic && !isRefusal ? [] : [credentials]
  if (isRefusal) {
    if (isBasic)
      found.push(
        Buffer.from(credentials, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, ''),
      )
    for (const [, value = ''] of (ask.body ?? '').matchAll(secretFields)) found.push(value, decoded(value))
  }
  return found.filter((secret) => secret.length >= shortestSecret)
}

/** In a form or in JSON. */
const secretFields = /\b(?:\w*token|client_secret|code|code_verifier)"?\s*[=:]\s*"?([^"&\s,}]+)/gi

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function headerIn(headers: CallHeaders, name: string): string {
  return Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1] ?? ''
}

/** A header that counts something, such as the calls left; null when it is absent or no whole number. */
export function countIn(headers: CallHeaders, name: string): number | null {
  const value = headers[name.toLowerCase()]?.trim()
  return value !== undefined && /^\d{1,12}$/.test(value) ? Number(value) : null
}

/** How long Retry-After asks us to wait: seconds, or an instant; null when it asks nothing. */
export function retryAfterMs(headers: CallHeaders, now: Date): number | null {
  const seconds = countIn(headers, 'retry-after')
  if (seconds !== null) return seconds * 1000
  const at = Date.parse(headers['retry-after'] ?? '')
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime())
}

const secrets: [RegExp, string][] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 …'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '…'],
  [
    /(["']?(?:access_token|refresh_token|id_token|client_secret|code_verifier|code)["']?\s*[:=]\s*["']?)[^"'&\s,}]+/gi,
    '$1…',
  ],
]
const longestSaid = 2000

/** A vendor's words, fit to be kept and shown: no secret, no markup, not endless. */
export function redact(said: string): string {
  let clean = /<(!doctype|html|body|head)\b/i.test(said)
    ? said.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')
    : said
  for (const [secret, instead] of secrets) clean = clean.replace(secret, instead)
  return clean.replace(/\s+/g, ' ').trim().slice(0, longestSaid)
}
