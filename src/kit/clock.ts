/**
 * The clock: the only file that asks the machine for the time.
 *
 * What two processes compare (leases, expiry, order) is asked of the database instead: `quits_now()`.
 */

/** A calendar day, 'YYYY-MM-DD'. */
export type Day = string

export type Clock = {
  now(): Date
  /** How to let time go by; left out: by waiting for it. */
  rest?(ms: number): Promise<unknown>
}

export const machineClock: Clock = { now: () => new Date() }

export async function rest(clock: Clock, ms: number): Promise<void> {
  await (clock.rest ? clock.rest(ms) : new Promise((done) => setTimeout(done, ms)))
}

/** The calendar day of an instant in a time zone. */
export function dayIn(timeZone: string, at: Date): Day {
  let zone = zones.get(timeZone)
  if (!zone) {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
    zone = { format, second: Number.NaN, day: '' }
    zones.set(timeZone, zone)
  }
  const second = Math.floor(at.getTime() / 1000)
  if (second !== zone.second) {
    zone.day = zone.format.format(at)
    zone.second = second
  }
  return zone.day
}

/** A format for each time zone (to make one costs a hundred times what it costs to use it), and what it said last: no day ends within a second. */
const zones = new Map<string, { format: Intl.DateTimeFormat; second: number; day: Day }>()

/** A day some days later (or earlier). */
export function addDays(day: Day, days: number): Day {
  const at = new Date(`${day}T00:00:00Z`)
  at.setUTCDate(at.getUTCDate() + days)
  return at.toISOString().slice(0, 10)
}

/** The day of a `date` column as Prisma gives it (UTC midnight). */
export function dayOf(date: Date): Day {
  return date.toISOString().slice(0, 10)
}

/** A day as a `date` column wants it from Prisma. */
export function dateOf(day: Day): Date {
  return new Date(`${day}T00:00:00Z`)
}

/** An instant read from text: a vendor's answer, a database's JSON. */
export function instantOf(text: string | number): Date {
  return new Date(text)
}

/** Is this text a real day of the calendar? There was no year nought, and the database knows none. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith('0000')) return false
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8))]
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const last = month === 2 && isLeap ? 29 : (daysOfMonths[month - 1] ?? 0)
  return day >= 1 && day <= last
}

const daysOfMonths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
