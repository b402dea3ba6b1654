/**
 * One call to the accounting API: the address, the headers, and an answer that is either a yes or a BookError.
 *
 * Keeps: every write bears a requestid; every call bears the minor version; the vendor's id of the call is kept.
 * Never: refreshes a token or repeats a call. Whoever called decides that, by the error's kind.
 */
import { type CallAnswer, call, type Line } from '../http.ts'
import type { BookError, CallSeen, Grant, VendorSettings } from '../port.ts'
import { failureError, quickbooksError, refusalIn } from './errors.ts'
import { readJson, textAt, writeJson } from './json.ts'
import { callMs, callsASecond, minorVersion } from './limits.ts'
import { paceOf } from './pace.ts'

export type QuickBooksSettings = VendorSettings & {
  /** The whole address of the discovery document. */
  discoveryUrl: string
  /** `/v3/company/…` is appended. */
  apiUrl: string
  timeLimitMs?: number | undefined
  /** Left out: as many as the vendor lets through. */
  callsASecond?: number | undefined
  onCall?: ((seen: CallSeen) => void) | undefined
  line?: Line | undefined
  now: () => Date
}

export type Answer = { body: unknown; callId: string | null; time: string | null }
export type Wire = {
  readonly settings: QuickBooksSettings
  get(grant: Grant, path: string, query?: Record<string, string>): Promise<Answer>
  post(grant: Grant, path: string, query: Record<string, string>, body: unknown): Promise<Answer>
}

export function wireTo(settings: QuickBooksSettings): Wire {
  const turn = paceOf(settings.callsASecond ?? callsASecond)
  const isRepeat = repeatsSeen()
  async function ask(
    grant: Grant,
    method: 'GET' | 'POST',
    path: string,
    query: Record<string, string>,
    body?: string,
  ): Promise<Answer> {
    const writes = method === 'POST'
    const asked = Object.entries({ ...query, minorversion: minorVersion })
    // Percent-encoding throughout: not every reader of a query takes a plus sign for a space.
    const search = asked.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
    await turn(grant.bookId)
    const { line = call } = settings
    const answer = await line({
      method,
      url: `${settings.apiUrl.replace(/\/+$/, '')}/v3/company/${encodeURIComponent(grant.bookId)}/${path}?${search}`,
      headers: {
        authorization: `Bearer ${grant.accessToken}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body,
      timeLimitMs: settings.timeLimitMs ?? callMs,
      onSeen: ({ status, headers, tookMs }) =>
        settings.onCall?.({
          bookId: grant.bookId,
          status,
          callId: headers.intuit_tid ?? null,
          leftThisMinute: null,
          leftToday: null,
          leftForApp: null,
          tookMs,
        }),
    }).catch((error: unknown) => {
      throw failureError(error, writes)
    })
    const refusal = refusalIn(answer, { writes, now: settings.now() })
    if (refusal) {
      if (isRepeat(query.requestid, refusal)) refusal.facts.remembered = true
      throw refusal
    }
    return readAnswer(answer, writes)
  }
  return {
    settings,
    get: (grant, path, query = {}) => ask(grant, 'GET', path, query),
    post: (grant, path, query, body) => ask(grant, 'POST', path, query, writeJson(body)),
  }
}

const mostRemembered = 500

/** The same failure of its own under the same requestid, again: it is what the vendor keeps under it, and will say for ever. */
function repeatsSeen(): (requestId: string | undefined, refusal: BookError) => boolean {
  const seen = new Map<string, string>()
  return (requestId, { kind, facts }) => {
    // A page of the gateway speaks for the moment only; a fault of the service bears a code.
    if (requestId === undefined || kind !== 'unclear' || facts.vendorCode === null) return false
    const isKnown = seen.get(requestId) === facts.vendorCode
    seen.delete(requestId)
    seen.set(requestId, facts.vendorCode)
    const [oldest] = seen.keys()
    if (seen.size > mostRemembered && oldest !== undefined) seen.delete(oldest)
    return isKnown
  }
}

/** A yes that cannot be read is no yes: after a write, what was meant must be looked for. */
function readAnswer(answer: CallAnswer, writes: boolean): Answer {
  const callId = answer.headers.intuit_tid ?? null
  try {
    const body = readJson(answer.text)
    if (typeof body !== 'object' || body === null) throw new Error('no object')
    return { body, callId, time: textAt(body, 'time') }
  } catch {
    throw quickbooksError(writes ? 'unclear' : 'unavailable', 'unreadable_answer', 'The answer could not be read.', {
      status: answer.status,
      callId,
    })
  }
}
