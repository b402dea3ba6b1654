/**
 * How Xero speaks: envelopes, dates and errors. Texts and shapes as developers report them from Xero.
 */
import { randomUUID } from 'node:crypto'
import { toJsonNumber } from '../kit/decimals.ts'

/** An answer that is no success: thrown wherever it is found out, sent by the endpoint. */
export class Refused extends Error {
  readonly status: number
  readonly body: unknown
  readonly headers: Record<string, string>

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    super(`answered ${status}`)
    this.status = status
    this.body = body
    this.headers = headers
  }
}

/** One element of a call is not valid; each message is shown to the caller. */
export class Invalid extends Error {
  readonly messages: string[]

  constructor(...messages: string[]) {
    super(messages.join(' / '))
    this.messages = messages
  }
}

export function envelope(now: Date, content: Record<string, unknown>): Record<string, unknown> {
  return {
    Id: randomUUID(),
    Status: 'OK',
    ProviderName: 'Stand-in app',
    DateTimeUTC: `/Date(${now.getTime()})/`,
    ...content,
  }
}

export function validationRefused(elements: Record<string, unknown>[]): Refused {
  return new Refused(400, {
    ErrorNumber: 10,
    Type: 'ValidationException',
    Message: 'A validation exception occurred',
    Elements: elements,
  })
}

export function queryRefused(message: string): Refused {
  return new Refused(400, { ErrorNumber: 16, Type: 'QueryParseException', Message: message })
}

export function bodyRefused(message: string): Refused {
  return new Refused(400, { ErrorNumber: 17, Type: 'PostDataInvalidException', Message: message })
}

export function notFound(): Refused {
  return new Refused(404, "The resource you're looking for cannot be found", {
    'Content-Type': 'text/html; charset=utf-8',
  })
}

export function problem(status: number, title: string, detail: string, headers: Record<string, string> = {}): Refused {
  const body = { Type: null, Title: title, Status: status, Detail: detail, Instance: randomUUID(), Extensions: {} }
  return new Refused(status, body, headers)
}

/** A day as Xero writes it: once in Microsoft's form, once as a string. */
export function dayFields(name: string, day: string | undefined): Record<string, string> {
  if (day === undefined) return {}
  return { [`${name}String`]: `${day}T00:00:00`, [name]: dayStamp(day) }
}

export function dayStamp(day: string): string {
  return `/Date(${Date.parse(`${day}T00:00:00Z`)}+0000)/`
}

export function instantStamp(at: number): string {
  return `/Date(${at}+0000)/`
}

export function money(minor: bigint): number {
  return toJsonNumber(minor, 2)
}

/** Reads a day from a request: YYYY-MM-DD, an ISO instant, or Microsoft's form. */
export function dayFrom(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const text = String(value)
  const stamp = /^\/Date\((-?\d+)([+-]\d{4})?\)\/$/.exec(text)
  const at = stamp ? Number(stamp[1]) : Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text)
  if (Number.isNaN(at)) throw new Invalid(`${field} is not a valid date`)
  const day = new Date(at).toISOString().slice(0, 10)
  if (!stamp && day !== text.slice(0, 10)) throw new Invalid(`${field} is not a valid date`)
  return day
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** 30-Nov-2018, as the lock messages write it. */
export function longDay(day: string): string {
  return `${day.slice(8, 10)}-${months[Number(day.slice(5, 7)) - 1]}-${day.slice(0, 4)}`
}
