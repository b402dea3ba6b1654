/**
 * Xero's rate limits: per organisation and app five at once, sixty a minute, five thousand a day (a thousand on the
 * free tier); ten thousand a minute for the app. Windows are fixed and begin at another second for each organisation.
 *
 * A 429 tells its kind in X-Rate-Limit-Problem; Retry-After comes with minute and day, never with concurrent.
 */
import { Refused } from './answers.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
const atOnce = 5
const perMinute = 60
const perDay = { free: 1000, paid: 5000 }
const perAppMinute = 10_000

interface Window {
  index: number
  used: number
}

export interface Slot {
  headers: Record<string, string>
  release(): void
}

export class Limits {
  readonly #windows = new Map<string, Window>()
  readonly #running = new Map<string, number>()
  readonly #enforced: boolean

  constructor(enforced: boolean) {
    this.#enforced = enforced
  }

  reset(): void {
    this.#windows.clear()
  }

  /** Counts one call; throws the 429 that it meets. A refused call counts no further. */
  take(appId: string, organisationId: string, freeTier: boolean, now: Date): Slot {
    const place = `${appId} ${organisationId}`
    const at = now.getTime()
    const offset = offsetOf(organisationId)
    const dayLimit = freeTier ? perDay.free : perDay.paid
    const minute = this.#window(`minute ${place}`, at + offset, minuteMs)
    const day = this.#window(`day ${place}`, at + offset, dayMs)
    const app = this.#window(`app ${appId}`, at, minuteMs)
    const running = this.#running.get(place) ?? 0
    const headers = () => ({
      'X-MinLimit-Remaining': String(Math.max(0, perMinute - minute.used)),
      'X-DayLimit-Remaining': String(Math.max(0, dayLimit - day.used)),
      'X-AppMinLimit-Remaining': String(Math.max(0, perAppMinute - app.used)),
    })
    if (this.#enforced) {
      if (running >= atOnce) throw tooMany('concurrent', headers())
      if (day.used >= dayLimit) throw tooMany('day', headers(), left(at + offset, dayMs))
      if (minute.used >= perMinute) throw tooMany('minute', headers(), left(at + offset, minuteMs))
      if (app.used >= perAppMinute) throw tooMany('appminute', headers(), left(at, minuteMs))
    }
    minute.used += 1
    day.used += 1
    app.used += 1
    this.#running.set(place, running + 1)
    let open = true
    const release = () => {
      if (open) this.#running.set(place, (this.#running.get(place) ?? 1) - 1)
      open = false
    }
    return { headers: headers(), release }
  }

  #window(name: string, at: number, lengthMs: number): Window {
    const index = Math.floor(at / lengthMs)
    let found = this.#windows.get(name)
    if (found === undefined || found.index !== index) {
      found = { index, used: 0 }
      this.#windows.set(name, found)
    }
    return found
  }
}

export function tooMany(kind: string, headers: Record<string, string>, retryAfterSeconds?: number): Refused {
  return new Refused(429, '', {
    ...headers,
    'X-Rate-Limit-Problem': kind,
    ...(retryAfterSeconds === undefined || kind === 'concurrent' ? {} : { 'Retry-After': String(retryAfterSeconds) }),
  })
}

function left(at: number, lengthMs: number): number {
  return Math.ceil((lengthMs - (at % lengthMs)) / 1000)
}

function offsetOf(organisationId: string): number {
  return Number.parseInt(organisationId.slice(0, 6), 16) % dayMs
}
