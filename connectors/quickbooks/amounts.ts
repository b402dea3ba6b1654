/**
 * Amounts: whole minor units inside, decimals at QuickBooks' border. Pure, and no floating-point number in between.
 *
 * Every currency that a network counts in has two decimals; QuickBooks itself allows more places, which are rounded half up.
 */
import { at, Decimal } from './json.ts'

export function decimalOf(minor: bigint): Decimal {
  const digits = String(minor < 0n ? -minor : minor).padStart(3, '0')
  const pence = digits.slice(-2).replace(/0+$/, '')
  return new Decimal(`${minor < 0n ? '-' : ''}${digits.slice(0, -2)}${pence ? `.${pence}` : ''}`)
}

const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?$/

/** Hundredths of what the text says, half up; null when it is no number. Thousands' commas, as reports have them, are let pass. */
export function minorOf(value: unknown): bigint | null {
  if (typeof value !== 'string') return null
  const parts = decimalText.exec(value.trim().replace(/,(?=\d{3})/g, ''))
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts ?? []
  if (!parts || whole + fraction === '') return null
  const digits = whole + fraction
  const places = fraction.length - Number(exponent) - 2
  const scaled =
    places <= 0
      ? BigInt(digits) * 10n ** BigInt(-places)
      : (BigInt(digits) * 2n + 10n ** BigInt(places)) / (2n * 10n ** BigInt(places))
  return sign === '-' ? -scaled : scaled
}

export function minorAt(value: unknown, ...path: string[]): bigint | null {
  return minorOf(at(value, ...path))
}

export function sumMinor(amounts: bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
