/** How old something must be, as it is typed: 90m, 36h, 3d. */
import { instantOf } from '../kit/clock.ts'
import { databaseNow, type Tx } from '../kit/db.ts'
import { BadUse, type Options, textOf } from './terminal.ts'

export const olderThanOption = ['--older-than <age>', '90m, 36h or 3d'] as const

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Longer ago than this there was no Quits. */
const mostMs = 36_500 * 86_400_000

export function ageAsked(options: Options): number | undefined {
  const text = textOf(options, 'olderThan')
  if (text === undefined) return undefined
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const ageMs = Number(count) * (unitMs[unit] ?? Number.NaN)
  if (!(ageMs <= mostMs)) throw new BadUse(`--older-than is an age like 90m, 36h or 3d, not "${text}".`)
  return ageMs
}

/** The instant that long ago, by the database's clock. */
export async function agoIn(tx: Tx, ageMs: number | undefined): Promise<Date | undefined> {
  return ageMs === undefined ? undefined : instantOf((await databaseNow(tx)).getTime() - ageMs)
}
