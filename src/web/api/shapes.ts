/** Shapes that many routes share: ids, money, days, pages. Money is a string of whole minor units, never a number. */
import { z } from 'zod'
import { isDay } from '../../kit/clock.ts'
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
export const instantOut = z.string().meta({ format: 'date-time' })

export const words = (most: number) =>
  z.string().trim().min(1, 'Must not be empty.').max(most, `At most ${most} characters.`)
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
export function cursorOf(key: Key): string {
  return Buffer.from(JSON.stringify([key.at, key.id])).toString('base64url')
}
export function keyOf(cursor: string | undefined): Key | null {
  if (!cursor) return null
  try {
    const [at, id] = z
      .tuple([z.string(), z.uuid()])
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
    return { at, id }
  } catch {
    throw new z.ZodError([
      { code: 'custom', path: ['after'], message: 'This cursor was not given by us.', input: cursor },
    ])
  }
}
export const listOf = <T extends z.ZodType>(one: T) => z.object({ list: z.array(one), next: z.string().nullable() })
