/**
 * Days and instants as QuickBooks writes them: in the zone of its own machines, whole seconds, with the offset.
 */
const zone = 'America/Los_Angeles'

const parts = new Intl.DateTimeFormat('en-CA', {
  timeZone: zone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'longOffset',
})

/** 2026-11-22T16:00:05-08:00 */
export function stamp(at: Date): string {
  const part = Object.fromEntries(parts.formatToParts(at).map(({ type, value }) => [type, value]))
  const offset = (part.timeZoneName ?? 'GMT-08:00').replace('GMT', '') || '+00:00'
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}${offset}`
}

/** The day it is where QuickBooks' machines stand; it is the default of TxnDate, whatever the member's zone. */
export const machineDay = (at: Date): string => stamp(at).slice(0, 10)

export const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) &&
  !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) &&
  new Date(`${text}T00:00:00Z`).toISOString().startsWith(text)
