/**
 * Each of QuickBooks' answers that is not a yes, turned into a BookError: one table by code, one by status.
 *
 * Keeps: the kind says what happens next, the cause is a stable word, the vendor's own words go along redacted.
 * Never: takes a body for JSON unseen. The gateway answers in XML or HTML too, and refusals come with status 200 as well.
 */
import { type CallAnswer, CallFailed, redact, retryAfterMs } from '../http.ts'
import { BookError, type BookErrorFacts, type BookErrorKind } from '../port.ts'
import { at, listAt, readJson, textAt } from './json.ts'
import { waitWithoutWordMs } from './limits.ts'

type Row = readonly [kind: BookErrorKind, cause: string]

/** develop/troubleshooting/error-codes and handling-common-errors. */
const byCode: Record<string, Row> = {
  '120': ['unauthorized', 'rights_lost'],
  '140': ['unavailable', 'book_locked'],
  '150': ['unavailable', 'book_in_maintenance'],
  '600': ['unclear', 'key_known'],
  '610': ['invalid', 'not_found'],
  '2010': ['invalid', 'our_mistake'],
  '2020': ['invalid', 'our_mistake'],
  '2030': ['invalid', 'our_mistake'],
  '2050': ['invalid', 'our_mistake'],
  '2060': ['invalid', 'our_mistake'],
  '2070': ['invalid', 'our_mistake'],
  '2080': ['invalid', 'our_mistake'],
  '2090': ['invalid', 'our_mistake'],
  '2100': ['invalid', 'our_mistake'],
  '2110': ['invalid', 'our_mistake'],
  '2130': ['invalid', 'our_mistake'],
  '2170': ['invalid', 'our_mistake'],
  '2210': ['invalid', 'email_refused'],
  '2290': ['invalid', 'amount_below_zero'],
  '2300': ['invalid', 'journal_unbalanced'],
  '2500': ['invalid', 'reference_unknown'],
  '3001': ['throttled', 'minute_limit'],
  '3100': ['unauthorized', 'access_revoked'],
  '3200': ['unauthorized', 'access_expired'],
  '4000': ['invalid', 'query_refused'],
  '4001': ['invalid', 'query_refused'],
  '4002': ['invalid', 'query_refused'],
  '5010': ['stale', 'version_moved_on'],
  '5020': ['invalid', 'permission_missing'],
  '5030': ['invalid', 'plan_limit'],
  '6000': ['invalid', 'rule_broken'],
  '6010': ['invalid', 'account_refused'],
  '6070': ['invalid', 'our_mistake'],
  '6100': ['invalid', 'tax_code_refused'],
  '6140': ['conflicting', 'number_taken'],
  '6160': ['invalid', 'tax_code_refused'],
  '6170': ['invalid', 'tax_code_refused'],
  '6180': ['invalid', 'tax_code_refused'],
  // Every write of this book fares alike until somebody has paid: the book is held, not each document parked.
  '6190': ['unauthorized', 'subscription_lapsed'],
  '6200': ['period_locked', 'period_locked'],
  '6210': ['period_locked', 'period_locked'],
  '6220': ['invalid', 'has_balance'],
  '6240': ['conflicting', 'name_taken'],
  '6250': ['invalid', 'contact_missing'],
  '6540': ['invalid', 'payment_deposited'],
}

/** What decides when several errors come together: first in this list. */
const weight: BookErrorKind[] = [
  'unauthorized',
  'throttled',
  'period_locked',
  'stale',
  'unavailable',
  'unclear',
  'conflicting',
  'invalid',
]

export type FaultWords = { code: string | null; message: string; detail: string; element: string }
export type Asked = {
  /** Did the ask change something? Then an answer that says nothing leaves open whether it was carried out. */
  writes: boolean
  now: Date
}

/** Null when the answer is a yes. */
export function refusalIn(answer: CallAnswer, asked: Asked): BookError | null {
  const faults = faultsIn(answer.text)
  const wasWell = answer.status >= 200 && answer.status < 300
  if (wasWell && faults.length === 0) return null
  const callId = answer.headers.intuit_tid ?? null
  const error = faultError(faults, { status: answer.status, callId, writes: asked.writes })
  if (error.kind !== 'throttled') return error
  const told = retryAfterMs(answer.headers, asked.now)
  const waitMs = told ?? waitWithoutWordMs
  // The month's allowance of reads ends in the same status as the minute's; only the length of the wait tells them apart.
  return new BookError('throttled', {
    ...error.facts,
    waitMs,
    untilTomorrow: waitMs > 3_600_000,
    ...(told === null ? { isWaitGuessed: true } : {}),
  })
}

/** One refusal out of the errors of one Fault, alone or inside a batch's answer. */
export function faultError(
  faults: FaultWords[],
  told: { status: number | null; callId: string | null; writes: boolean },
): BookError {
  const rows = faults.map((fault) => ({ fault, row: rowOf(fault, told) }))
  const known = rows.filter((one) => one.row !== null)
  known.sort((a, b) => weight.indexOf(a.row?.[0] ?? 'invalid') - weight.indexOf(b.row?.[0] ?? 'invalid'))
  const chosen = known[0] ?? rows[0]
  const [kind, cause] = chosen?.row ?? rowOfStatus(told.status, told.writes)
  const said = redact(faults.map(saidBy).join(' · ')) || `HTTP ${told.status ?? 'without status'}`
  const facts: BookErrorFacts = {
    cause,
    said,
    status: told.status,
    vendorCode: chosen?.fault.code ?? null,
    callId: told.callId,
  }
  if (chosen?.fault.code === '600') facts.remembered = true
  const lockedThrough = kind === 'period_locked' ? /\b\d{4}-\d{2}-\d{2}\b/.exec(said)?.[0] : undefined
  if (lockedThrough) facts.lockedThrough = lockedThrough
  return new BookError(kind, facts)
}

/** No whole answer came. A read can always be asked again; a write may have been carried out. */
export function failureError(error: unknown, writes: boolean): unknown {
  if (!(error instanceof CallFailed)) return error
  const kind = error.sent === 'maybe' && writes ? 'unclear' : 'unavailable'
  const cause = error.sent === 'no' ? 'not_reached' : 'no_reply'
  return new BookError(kind, {
    cause,
    said: `No answer came (${error.reason}).`,
    status: null,
    vendorCode: null,
    callId: null,
  })
}

export function quickbooksError(
  kind: BookErrorKind,
  cause: string,
  said: string,
  told: Partial<BookErrorFacts> = {},
): BookError {
  return new BookError(kind, { status: null, vendorCode: null, callId: null, ...told, cause, said: redact(said) })
}

// ─── Where the errors stand ───────────────────────────────────────────────────────────────────────────────────────

function faultsIn(text: string): FaultWords[] {
  const trimmed = text.trimStart()
  if (trimmed.startsWith('<')) return faultsInXml(trimmed)
  if (!/"fault"/i.test(trimmed)) return []
  try {
    return faultsOf(readJson(text))
  } catch {
    return []
  }
}

export function faultsOf(body: unknown): FaultWords[] {
  const fault = at(body, 'Fault') ?? at(body, 'fault')
  if (typeof fault !== 'object' || fault === null) return []
  const errors = [...listAt(fault, 'Error'), ...listAt(fault, 'error')]
  const words = errors.map((one) => ({
    code: codeOf(textAt(one, 'code')) ?? codeInWords(textAt(one, 'message') ?? textAt(one, 'Message')),
    message: textAt(one, 'Message') ?? textAt(one, 'message') ?? '',
    detail: textAt(one, 'Detail') ?? textAt(one, 'detail') ?? '',
    element: textAt(one, 'element') ?? '',
  }))
  return words.length > 0 ? words : [{ code: null, message: textAt(fault, 'type') ?? 'Fault', detail: '', element: '' }]
}

function faultsInXml(text: string): FaultWords[] {
  if (!/<Fault\b/.test(text)) return []
  const plain = (pattern: RegExp, from: string) => (pattern.exec(from)?.[1] ?? '').trim()
  const errors = text.match(/<Error\b[\s\S]*?<\/Error>/g) ?? [text]
  return errors.slice(0, 20).map((one) => {
    const message = plain(/<Message>([\s\S]*?)<\/Message>/, one)
    return {
      code: codeOf(/\bcode="(\d+)"/.exec(one)?.[1] ?? null) ?? codeInWords(message),
      message,
      detail: plain(/<Detail>([\s\S]*?)<\/Detail>/, one),
      element: /\belement="([^"]*)"/.exec(one)?.[1] ?? '',
    }
  })
}

/** '003200', '3200' and 3200 are one code. */
function codeOf(text: string | null): string | null {
  return text === null ? null : text.trim().replace(/^0+(?=\d)/, '')
}
function codeInWords(message: string | null): string | null {
  return codeOf(/errorCode=(\d+)/.exec(message ?? '')?.[1] ?? null)
}

// ─── What they mean ───────────────────────────────────────────────────────────────────────────────────────────────

function rowOf(fault: FaultWords, told: { status: number | null; writes: boolean }): Row | null {
  const words = `${fault.message} ${fault.detail}`
  // The lock on closed books has also been seen under 5010 and 6000, so its own sentence counts before the code.
  if (/account period closed|books? (?:have been|are|is) closed|closing date/i.test(words))
    return ['period_locked', 'period_locked']
  if (/throttle\s*exceeded/i.test(words)) return ['throttled', 'minute_limit']
  if (fault.code === '10000') return rowOfStatus(500, told.writes)
  if (fault.code === '610' || fault.code === '2500') return missingThing(fault)
  if (fault.code === '6000' && /\b(vat|tax) (code|rate)\b/i.test(words)) return ['invalid', 'tax_code_refused']
  return (fault.code && byCode[fault.code]) || null
}

/** 610 means a reference made inactive, or a document that is gone; 2500 a reference that never was. The texts tell which. */
function missingThing(fault: FaultWords): Row {
  const fromElement = thingNamed(fault.element)
  if (/inactive/i.test(fault.detail) && !/deleted/i.test(fault.detail))
    return ['invalid', fromElement ?? 'reference_inactive']
  if (fault.code === '610') return ['invalid', 'not_found']
  return ['invalid', fromElement ?? thingNamed(fault.detail) ?? 'reference_unknown']
}
function thingNamed(words: string): string | null {
  if (/tax\s*(code|rate)/i.test(words)) return 'tax_code_refused'
  if (/account/i.test(words)) return 'account_archived'
  if (/customer|vendor|supplier|entity|employee|name/i.test(words)) return 'contact_archived'
  if (/item/i.test(words)) return 'item_archived'
  return null
}

function rowOfStatus(status: number | null, writes: boolean): Row {
  if (status === 401) return ['unauthorized', 'access_expired']
  if (status === 403) return ['unauthorized', 'access_revoked']
  if (status === 404) return ['invalid', 'address_unknown']
  if (status === 429) return ['throttled', 'minute_limit']
  // A 5xx, or a time-out told by a gateway, may stand before or behind the commit.
  if (status === null || status >= 500 || status === 408)
    return writes ? ['unclear', 'vendor_down'] : ['unavailable', 'vendor_down']
  return ['invalid', 'refused']
}

function saidBy(fault: FaultWords): string {
  const detail = fault.detail.includes(fault.message) ? fault.detail : `${fault.message}: ${fault.detail}`
  return (fault.detail ? detail : fault.message) + (fault.element ? ` (${fault.element})` : '')
}
