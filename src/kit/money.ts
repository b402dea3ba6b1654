/**
 * Money: whole minor units as bigint. Never a float; every division names its rounding.
 */
import { invariant } from './invariant.ts'

/** The largest amount anyone may name in one go: far below what a bigint column or a book's field holds. */
export const largestAmountMinor = 999_999_999_999n

export type Rounding = 'half_up' | 'up' | 'down'

/** '1234.50' → 123450n at scale 2. Null when it is not a plain decimal of at most that many places. */
export function parseAmount(text: string, scale: number): bigint | null {
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(text)
  if (!match) return null
  const [, sign, whole, part = ''] = match
  if (part.length > scale) return null
  const minor = BigInt(whole + part.padEnd(scale, '0'))
  return sign ? -minor : minor
}

/** 123450n → '1234.50'. */
export function formatAmount(minor: bigint, scale: number): string {
  const sign = minor < 0n ? '-' : ''
  const digits = (minor < 0n ? -minor : minor).toString().padStart(scale + 1, '0')
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** '1,234.50' with the currency's sign in front, for people. */
export function showAmount(minor: bigint, currency: string, scale: number): string {
  const plain = formatAmount(minor < 0n ? -minor : minor, scale)
  const [whole = '', part] = plain.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  const mark = { GBP: '£', EUR: '€', USD: '$' }[currency] ?? `${currency} `
  return `${minor < 0n ? '−' : ''}${mark}${grouped}${part ? `.${part}` : ''}`
}

/** A share of an amount in hundredths of a per cent (2000 = 20 %). */
export function portion(minor: bigint, basisPoints: number, round: Rounding): bigint {
  return divide(minor * BigInt(basisPoints), 10_000n, round)
}

/** Whole division away from floats; 'half_up' rounds halves away from zero, 'up' away from zero, 'down' towards it. */
export function divide(top: bigint, bottom: bigint, round: Rounding): bigint {
  invariant(bottom > 0n, `divided by ${bottom}`)
  const negative = top < 0n
  const size = negative ? -top : top
  const whole = size / bottom
  const rest = size % bottom
  const more = round === 'up' ? rest > 0n : round === 'half_up' ? rest * 2n >= bottom : false
  const result = more ? whole + 1n : whole
  return negative ? -result : result
}

export function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}
