/** Shapes that many routes share: ids, money, days, pages. Money is a string of whole minor units, never a number. */
import { z } from 'zod'
import { instantOf, isDay } from '../../kit/clock.ts'
import { type IdKind, idFromText, idKinds, idText, type Uuid } from '../../kit/ids.ts'
import { largestAmountMinor } from '../../kit/money.ts'

/** An id as text outside, a plain uuid inside. */
export function idIn(kind: IdKind) {
  return z
    .string()
    .regex(
      new RegExp(`^${idKinds[kind]}_[0-7][0-9A-HJKMNP-TV-Z]{25}$`),
      `Must be an id that begins with ${idKinds[kind]}_.`,
    )
    .transform((text) => idFromText(kind, text) as Uuid)
    .meta({
      description: `Id, begins with ${idKinds[kind]}_`,
      examples: [`${idKinds[kind]}_01KA9Z6QJ8F2R4S6T8V0W2X4Y6`],
    })
}

export const idOut = (kind: IdKind) => z.string().meta({ description: `Id, begins with ${idKinds[kind]}_` })
export const show = { id: idText }

const minor = z
  .string('An amount is a string of whole minor units, e.g. "12345".')
  .regex(
    /^(0|[1-9]\d{0,17})$/,
    'An amount is a string of whole minor units, not below zero and without point, e.g. "12345".',
  )

export const currencyCode = z.string().regex(/^[A-Z]{3}$/, 'A currency is three capital letters, e.g. "GBP".')

/** An amount somebody sends: not negative, not beyond what the ledger takes. */
export const moneyIn = z
  .strictObject({ amount: minor, currency: currencyCode })
  .transform((given, context) => {
    const amountMinor = BigInt(given.amount)
    if (amountMinor > largestAmountMinor) {
      context.addIssue({
        code: 'custom',
        path: ['amount'],
        message: `The largest amount is ${largestAmountMinor} minor units.`,
      })
      return z.NEVER
    }
    return { amountMinor, currency: given.currency }
  })
  .meta({ description: 'Whole minor units as a string', examples: [{ amount: '12345', currency: 'GBP' }] })

export const moneyOut = z
  .object({ amount: z.string().regex(/^-?\d+$/), currency: currencyCode })
  .meta({ id: 'Money', description: 'Whole minor units as a string; may be below zero' })

export function money(amountMinor: bigint, currency: string): { amount: string; currency: string } {
  return { amount: amountMinor.toString(), currency }
}

export const dayIn = z
  .string()
  .refine(isDay, 'A day is written YYYY-MM-DD and must exist.')
  .meta({ format: 'date', examples: ['2026-11-24'] })
export const dayOut = z.string().meta({ format: 'date' })
/** An instant as text; null stays null. */
export function at(instant: Date): string
export function at(instant: Date | null): string | null
export function at(instant: Date | null): string | null {
  return instant?.toISOString() ?? null
}
/** The instant in a cursor of ours; a list in the order of ids has none. */
export function instantFrom(text: string): Date {
  if (text === '') throw notOurs(text)
  return instantOf(text)
}
const writtenInstant = z.iso
  .datetime('An instant is written as in 2026-11-25T08:00:00Z.')
  .refine((text) => isDay(text.slice(0, 10)), 'There is no such day.')
/** An instant of a day that exists, in UTC; year 0 is one to JavaScript and none to the database. */
export const instantIn = writtenInstant.transform(instantOf)
export const instantOut = z.string().meta({ format: 'date-time' })

/**
 * Control characters and broken pairs are in no text that a person writes, and no database takes them; signs that turn the
 * direction of reading make a text look like another.
 */
const unwritable = /[^\P{Cc}\n\r\t]|\p{Cs}|[\u202a-\u202e\u2066-\u2069]/u
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u
const lineBreak = /[\n\r\t\u2028\u2029]/
const mostOfOneLine = 200

/** What a person writes. Up to 200 characters are a name, a reference and the like, and stand on one line. */
export const words = (most: number) =>
  z
    .string()
    .trim()
    .min(1, 'Must not be empty.')
    .max(most, `At most ${most} characters.`)
    .refine((text) => !unwritable.test(text), 'Holds characters that cannot be written.')
    .refine((text) => visible.test(text), 'Holds nothing that can be seen.')
    .refine((text) => most > mostOfOneLine || !lineBreak.test(text), 'Must stand on one line.')
export const reason = words(400).meta({ description: 'Why, in a few words', examples: ['agreed at the meeting'] })
export const email = z
  .email('Must be an e-mail address.')
  .max(254)
  .transform((text) => text.toLowerCase())

/** Keyset paging: an opaque cursor over instant and id. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(200).optional(),
}
export type Key = { at: string; id: Uuid }
/** The key in a list that is in the order of ids. */
export function byId(row: { id: Uuid }): Key {
  return { at: '', id: row.id }
}
export function cursorOf(key: Key): string {
  return Buffer.from(JSON.stringify([key.at, key.id])).toString('base64url')
}
export function keyOf(cursor: string | undefined): Key | null {
  if (!cursor) return null
  try {
    const [at, id] = z
      .tuple([z.union([writtenInstant, z.literal('')]), z.uuid()])
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
    return { at, id }
  } catch {
    throw notOurs(cursor)
  }
}
function notOurs(cursor: string): z.ZodError {
  return new z.ZodError([
    { code: 'custom', path: ['after'], message: 'This cursor was not given by us.', input: cursor },
  ])
}
/** One page out of rows that were asked for with one more than the limit. */
export function pageOf<T, O>(rows: T[], limit: number, key: (row: T) => Key, show: (row: T) => O) {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { list: shown.map(show), next: last ? cursorOf(key(last)) : null }
}
export const listOf = <T extends z.ZodType>(one: T) => z.object({ list: z.array(one), next: z.string().nullable() })
