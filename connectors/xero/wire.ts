/**
 * One call of Xero's API: xero-node words the request, our own http sends it, and the answer is read from its text.
 *
 * Keeps: an own API object, token and deadline for each call; the package's errors and floats never get out of here.
 * Never: loads the package before the first call, for it costs half a second and 50 MB.
 */
import type { AccountingApi } from 'xero-node'
import type { CallAnswer } from '../http.ts'
import { BookError, type Grant } from '../port.ts'
import { instantFrom, type Json, parseJson, textAt } from './answer.ts'
import { callIdIn, errorFrom, unreadable } from './errors.ts'
import { xeroLimits } from './limits.ts'
import { type Connection, seenCall, trimmed, type XeroSettings } from './oauth.ts'

export type Wired = { json: Json; answer: CallAnswer }
export type ApiCall = (api: AccountingApi) => Promise<unknown>

export type XeroWire = {
  /** Any answer, refusals too; throws only when there was no whole one. */
  send(grant: Grant, isWrite: boolean, run: ApiCall): Promise<CallAnswer>
  read(grant: Grant, run: ApiCall): Promise<Wired>
  /** As read, for a thing that may not be there: null on 404. */
  readOne(grant: Grant, run: ApiCall): Promise<Wired | null>
  /** The answer's JSON if it was a success; its BookError otherwise. `key` is what went out as Idempotency-Key. */
  judge(grant: Grant, answer: CallAnswer, isWrite: boolean, key?: string): Promise<Wired>
}

type RequestConfig = {
  method?: string
  url?: string
  params?: Record<string, unknown>
  data?: unknown
  headers?: unknown
}

export function xeroWire(
  settings: XeroSettings,
  connections: (accessToken: string) => Promise<Connection[]>,
): XeroWire {
  const basePath = `${trimmed(settings.apiUrl)}/api.xro/2.0`
  const failures = new Map<string, { mark: string; at: number }>()

  async function send(grant: Grant, isWrite: boolean, run: ApiCall): Promise<CallAnswer> {
    const { AccountingApi: Api } = await loadApi()
    const api = new Api(basePath)
    api.accessToken = grant.accessToken
    let answer: CallAnswer | null = null
    let failure: unknown = null
    const adapter = async (config: RequestConfig) => {
      try {
        answer = await seenCall(settings, grant.bookId, requestFrom(config, isWrite))
      } catch (error) {
        failure = error
      }
      // The package sees an empty success and stays silent: it would flatten an error to text and money to floats.
      return { status: 200, statusText: '', headers: {}, data: {}, config, request: {} }
    }
    api.setDefaultAuthentication({
      applyToRequest(request) {
        Object.assign(request, { adapter, maxRedirects: 0, proxy: false })
      },
    })
    await run(api)
    if (failure !== null) throw failure
    if (answer === null) throw new Error('xero-node made no request')
    return asRefused(answer)
  }

  async function judge(grant: Grant, answer: CallAnswer, isWrite: boolean, key?: string): Promise<Wired> {
    const asked = { isWrite, now: settings.now() }
    if (answer.status >= 200 && answer.status <= 299) {
      const json = answer.status === 204 || answer.text === '' ? {} : parseJson(answer.text)
      if (json === null) throw unreadable(answer, asked)
      return { json, answer }
    }
    const error = errorFrom(answer, asked)
    if (error.kind === 'unclear' && key !== undefined && isRepeat(key, answer)) error.facts.remembered = true
    if (error.facts.cause === 'access_revoked' && (await isStillConnected(grant))) error.facts.cause = 'access_refused'
    throw error
  }

  /** The very answer that this key got before: Xero keeps errors under a key too, and does not say so. */
  function isRepeat(key: string, answer: CallAnswer): boolean {
    // Its own error in JSON says nothing of when it was made; a page of its gateway may stand before another outcome each time.
    const callId = answer.status === 500 && parseJson(answer.text) !== null ? null : callIdIn(answer)
    const mark = [answer.status, callId ?? '', answer.text].join(' ')
    const now = settings.now().getTime()
    const before = failures.get(key)
    if (failures.size >= mostRememberedFailures) failures.clear()
    failures.set(key, { mark, at: now })
    return before !== undefined && before.mark === mark && now - before.at < (xeroLimits.keyLivesMs ?? 0)
  }

  /** A 403 may mean a lost role or an ended trial; only the list of connections tells a cut one. */
  async function isStillConnected(grant: Grant): Promise<boolean> {
    try {
      return (await connections(grant.accessToken)).some((one) => one.bookId === grant.bookId)
    } catch (error) {
      if (error instanceof BookError) return false
      throw error
    }
  }

  async function read(grant: Grant, run: ApiCall): Promise<Wired> {
    return judge(grant, await send(grant, false, run), false)
  }
  async function readOne(grant: Grant, run: ApiCall): Promise<Wired | null> {
    const answer = await send(grant, false, run)
    return answer.status === 404 ? null : judge(grant, answer, false)
  }

  return { send, read, readOne, judge }
}

/** A success whose body is one of its error objects is none: it counts as the refusal that it words. */
function asRefused(answer: CallAnswer): CallAnswer {
  const isSuccess = answer.status >= 200 && answer.status <= 299
  if (!isSuccess || !answer.text.includes('"ErrorNumber"')) return answer
  const isError = textAt(parseJson(answer.text) ?? {}, 'ErrorNumber') !== null
  return isError ? { ...answer, status: 400 } : answer
}

const mostRememberedFailures = 500

let loading: Promise<{ AccountingApi: typeof AccountingApi }> | null = null
/** Only the file of the accounting API: a third of the package's load time. */
function loadApi(): Promise<{ AccountingApi: typeof AccountingApi }> {
  loading ??= import('xero-node/dist/gen/api/accountingApi.js')
  return loading
}

function requestFrom(config: RequestConfig, isWrite: boolean) {
  const query = Object.entries(config.params ?? {})
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
  const method = (config.method ?? 'get').toUpperCase()
  const hasBody = method === 'PUT' || method === 'POST'
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...(config.headers as object) })) {
    const isOfBody = name.toLowerCase() === 'content-type'
    if (typeof value === 'string' && (hasBody || !isOfBody)) headers[name.toLowerCase()] = value
  }
  const url = query.length > 0 ? `${config.url}?${query.join('&')}` : `${config.url}`
  return { method, url, headers, isWrite, ...(hasBody ? { body: String(config.data) } : {}) }
}

/** The vendor's clock at the answer, as far as it tells it. */
export const vendorInstant = (json: Json): string | null => instantFrom(textAt(json, 'DateTimeUTC'))
