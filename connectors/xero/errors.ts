/**
 * What Xero answers, as a BookError: one table from its words to a kind and to our stable word for the cause.
 *
 * Keeps: a write that got a 5xx is unclear, never failed: Xero has been seen to keep what it answered 500 to.
 * Never: an access token or a body of ours in `said`.
 */
import { type CallAnswer, CallFailed, redact, retryAfterMs } from '../http.ts'
import { BookError, type BookErrorFacts, type BookErrorKind, type Day } from '../port.ts'
import { type Json, listAt, parseJson, textAt } from './answer.ts'

type Row = [said: RegExp, kind: BookErrorKind, cause: string]

/** Asked from the top: where Xero gives several reasons, the one that a person must mend first wins. */
const validationTable: Row[] = [
  [/lock date|accounts are locked|period is locked/i, 'period_locked', 'period_locked'],
  [/idempotency.key.*different request/i, 'conflicting', 'key_reused'],
  [/limit of (invoices|bills).*approve|reached the limit/i, 'invalid', 'plan_limit'],
  [/contact name .*already assigned|contact name must be unique/i, 'conflicting', 'name_taken'],
  [/contact number .*already assigned|contact number must be unique/i, 'conflicting', 'contact_number_taken'],
  [/(invoice|credit note|document) ?(#|number).*(unique|already)/i, 'conflicting', 'number_taken'],
  [/unique name|name.*must be unique/i, 'conflicting', 'name_taken'],
  [/unique code|code.*must be unique/i, 'conflicting', 'code_taken'],
  [/contact.*archived/i, 'invalid', 'contact_archived'],
  [
    /contact must contain at least|contact.*(not found|could not be found|does not exist|not valid)/i,
    'invalid',
    'contact_missing',
  ],
  [/has been archived, or has been deleted|account.*(archived|deleted)/i, 'invalid', 'account_archived'],
  [/account type is invalid for making a payment|enable payments/i, 'invalid', 'account_takes_no_payments'],
  [/tax ?(type|rate|code)/i, 'invalid', 'tax_code_refused'],
  [/not subscribed to currency|currency.*(invalid|not)/i, 'invalid', 'currency_refused'],
  [/payments within a batch/i, 'invalid', 'in_batch'],
  [/payment not of valid status/i, 'invalid', 'already_gone'],
  [
    /has a payment or credit note allocated|has payments|(invoice|credit note|document) not of valid status/i,
    'invalid',
    'has_payments',
  ],
  [/reconciled/i, 'invalid', 'reconciled'],
  [/only be (made|allocated).*authori[sz]ed/i, 'invalid', 'document_not_payable'],
  [
    /exceeds the (amount )?(outstanding|remaining)|amount outstanding|remaining credit|greater than/i,
    'invalid',
    'amount_above_open',
  ],
  [/total debits .*must equal total credits/i, 'invalid', 'journal_unbalanced'],
  [/account/i, 'invalid', 'account_refused'],
]

export type Asked = { isWrite: boolean; now: Date }

/** The BookError in an answer that is no success. */
export function errorFrom(answer: CallAnswer, asked: Asked): BookError {
  const { status } = answer
  const json = parseJson(answer.text)
  const facts = (cause: string, more: Partial<BookErrorFacts> = {}): BookErrorFacts => ({
    cause,
    said: saidIn(answer.text, json),
    status,
    vendorCode: textAt(json, 'ErrorNumber') ?? textAt(json, 'Type') ?? textAt(json, 'error'),
    callId: callIdIn(answer),
    ...more,
  })

  if (status === 429) return new BookError('throttled', throttleFacts(answer, asked.now, facts))
  if (status === 401 || status === 403) {
    const cause = accessCause(answer, json)
    // No new token mends what a person did not grant, and what was granted goes on.
    return new BookError(cause === 'scope_missing' ? 'invalid' : 'unauthorized', facts(cause))
  }
  if (status === 400) {
    const type = textAt(json, 'Type') ?? ''
    if (/QueryParse/i.test(type)) return new BookError('invalid', facts('query_refused'))
    if (/PostDataInvalid/i.test(type)) return new BookError('invalid', facts('request_refused'))
    const reasons = listAt(json, 'Elements').flatMap(reasonsIn)
    return refusal(reasons.length > 0 ? reasons : [textAt(json, 'Message') ?? ''], facts(''))
  }
  if (status === 404) return new BookError('invalid', facts('not_found'))
  if (status === 409) return new BookError('conflicting', facts('refused'))
  if (status === 413) return new BookError('invalid', facts('too_large'))
  if (status >= 500 || status === 412 || status === 408 || status < 400) {
    // 412 and 501 are answered before anything is done; every other of these may have come after it.
    const untouched = !asked.isWrite || status === 412 || status === 501
    return untouched
      ? new BookError('unavailable', facts('vendor_down'))
      : new BookError('unclear', facts('vendor_failed'))
  }
  return new BookError('invalid', facts('refused'))
}

/** There was an answer of 2xx, but not one that can be read: the write may be done. */
export function unreadable(answer: CallAnswer, asked: Asked): BookError {
  return new BookError(asked.isWrite ? 'unclear' : 'unavailable', {
    cause: 'answer_unreadable',
    said: redact(answer.text),
    status: answer.status,
    vendorCode: null,
    callId: callIdIn(answer),
  })
}

/** There was no whole answer. What never left, and any reading, may simply be asked again. */
export function noAnswer(failure: unknown, asked: Asked): BookError {
  const known = failure instanceof CallFailed ? failure : new CallFailed('maybe', 'cut_off')
  const unclear = asked.isWrite && known.sent === 'maybe'
  return new BookError(unclear ? 'unclear' : 'unavailable', {
    cause: unclear ? 'no_reply' : known.reason,
    said: '',
    status: null,
    vendorCode: null,
    callId: null,
  })
}

/** Why one element of an accepted call was refused; null when it was taken. */
export function refusalIn(element: Json, answer: CallAnswer): BookError | null {
  const reasons = reasonsIn(element)
  const isRefused = /error/i.test(textAt(element, 'StatusAttributeString') ?? '') || reasons.length > 0
  if (!isRefused) return null
  return refusal(reasons, { cause: '', said: '', status: answer.status, vendorCode: null, callId: callIdIn(answer) })
}

/** Each element of a refused call with its own refusal, or null for one that was only in bad company. */
export function refusalsIn(answer: CallAnswer): (BookError | null)[] {
  return listAt(parseJson(answer.text), 'Elements').map((element) => refusalIn(element, answer))
}

export const warningsIn = (element: Json): string[] => messagesIn(element, 'Warnings')

/** A refusal of our own, before anything is sent. */
export function refuse(kind: BookErrorKind, cause: string, said: string): BookError {
  return new BookError(kind, { cause, said, status: null, vendorCode: null, callId: null })
}

export const callIdIn = (answer: CallAnswer): string | null => answer.headers['xero-correlation-id'] ?? null

function refusal(reasons: string[], facts: BookErrorFacts): BookError {
  const said = redact(reasons.join(' ')) || facts.said
  const row = validationTable.find(([pattern]) => reasons.some((reason) => pattern.test(reason)))
  const [kind, cause] = row ? [row[1], row[2]] : (['invalid', 'refused'] as const)
  const lockedThrough = kind === 'period_locked' ? latestDayIn(reasons) : null
  return new BookError(kind, { ...facts, cause, said, ...(lockedThrough ? { lockedThrough } : {}) })
}

function reasonsIn(element: Json): string[] {
  const own = messagesIn(element, 'ValidationErrors')
  // A refused invoice may carry the reason on its contact, its account or a line.
  const inner = [element.Contact, element.Account, ...(Array.isArray(element.LineItems) ? element.LineItems : [])]
  const nested = inner.flatMap((part) =>
    part && typeof part === 'object' ? messagesIn(part as Json, 'ValidationErrors') : [],
  )
  return [...new Set([...own, ...nested])]
}

function messagesIn(element: Json, name: string): string[] {
  return listAt(element, name).flatMap((one) => textAt(one, 'Message') ?? textAt(one, 'Description') ?? [])
}

function accessCause(answer: CallAnswer, json: Json | null): string {
  const detail = textAt(json, 'Detail') ?? textAt(json, 'detail') ?? ''
  const said = `${answer.headers['www-authenticate'] ?? ''} ${detail}`
  if (/insufficient_scope/i.test(said)) return 'scope_missing'
  if (/TokenExpired|token expired/i.test(said)) return 'access_expired'
  if (/AuthenticationUnsuccessful/i.test(said) && answer.status === 403) return 'access_revoked'
  if (/AuthorizationUnsuccessful/i.test(said)) return 'scope_missing'
  return answer.status === 401 ? 'access_expired' : 'access_refused'
}

const unnamedWaitMs = { minute_limit: 60_000, app_limit: 60_000, concurrent_limit: 1_000 }

function throttleFacts(
  answer: CallAnswer,
  now: Date,
  facts: (cause: string, more?: Partial<BookErrorFacts>) => BookErrorFacts,
): BookErrorFacts {
  const problem = answer.headers['x-rate-limit-problem'] ?? ''
  const told = retryAfterMs(answer.headers, now)
  if (/day|daily/i.test(problem) || answer.headers['x-daylimit-remaining'] === '0') {
    return facts('day_limit', { untilTomorrow: true, waitMs: told ?? undefined })
  }
  const cause = /concurren/i.test(problem) ? 'concurrent_limit' : /app/i.test(problem) ? 'app_limit' : 'minute_limit'
  return facts(cause, told === null ? { waitMs: unnamedWaitMs[cause], isWaitGuessed: true } : { waitMs: told })
}

function saidIn(text: string, json: Json | null): string {
  if (json === null) return redact(text)
  const parts = ['Message', 'Title', 'title', 'Detail', 'detail', 'error', 'error_description']
  return redact(parts.flatMap((name) => textAt(json, name) ?? []).join(': ')) || redact(text)
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** The latest day named in Xero's words: 30-Nov-2018, 30 November 2018 or 2018-11-30. */
function latestDayIn(reasons: string[]): Day | null {
  const days: Day[] = []
  for (const [iso] of reasons.join(' ').matchAll(/\b\d{4}-\d\d-\d\d\b/g)) days.push(iso)
  for (const [, day, month, year] of reasons
    .join(' ')
    .matchAll(/\b(\d{1,2})[- ]([A-Za-z]{3})[A-Za-z]*[- ](\d{4})\b/g)) {
    const at = months.indexOf((month ?? '').toLowerCase())
    if (at >= 0) days.push(`${year}-${String(at + 1).padStart(2, '0')}-${(day ?? '').padStart(2, '0')}`)
  }
  return days.sort().at(-1) ?? null
}
