/**
 * Decimal text and JSON numbers to whole numbers and back, digit by digit.
 *
 * Keeps: no amount is ever multiplied, added or rounded as a float. A JSON number is read through its shortest
 * decimal text, which is what the sender wrote.
 * Rounding is half up, away from zero for negative amounts.
 */

export class NotADecimal extends Error {}

interface Digits {
  negative: boolean
  whole: string
  fraction: string
}

function digitsOf(value: string | number | bigint): Digits {
  const text = String(value).trim()
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text)
  if (!match || (!match[2] && !match[3])) throw new NotADecimal(`not a decimal: ${text}`)
  let whole = match[2] ?? ''
  let fraction = match[3] ?? ''
  const exponent = match[4] === undefined ? 0 : Number.parseInt(match[4], 10)
  if (exponent > 0) {
    const moved = fraction.padEnd(exponent, '0')
    whole += moved.slice(0, exponent)
    fraction = moved.slice(exponent)
  } else if (exponent < 0) {
    const moved = whole.padStart(-exponent, '0')
    fraction = moved.slice(moved.length + exponent) + fraction
    whole = moved.slice(0, moved.length + exponent)
  }
  return { negative: match[1] === '-', whole: whole || '0', fraction: fraction.replace(/0+$/, '') }
}

/** How many decimal places the value really uses: 1.50 uses one. */
export function placesOf(value: string | number): number {
  return digitsOf(value).fraction.length
}

/** The value in units of 10^-scale, rounded half up where it has more places. */
export function toMinor(value: string | number | bigint, scale = 2): bigint {
  const { negative, whole, fraction } = digitsOf(value)
  const kept = BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale))
  const up = (fraction[scale] ?? '0') >= '5' ? 1n : 0n
  return negative ? -(kept + up) : kept + up
}

/** The same, but a value with more places than `scale` is refused. */
export function toMinorExact(value: string | number | bigint, scale = 2): bigint {
  if (digitsOf(value).fraction.length > scale) throw new NotADecimal(`more than ${scale} places: ${value}`)
  return toMinor(value, scale)
}

export function formatMinor(minor: bigint, scale = 2): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(scale + 1, '0')
  const sign = minor < 0n ? '-' : ''
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** For JSON answers only: the vendors write money as JSON numbers. */
export function toJsonNumber(minor: bigint, scale = 2): number {
  return Number(formatMinor(minor, scale))
}

/** Whole division, half up, away from zero for negative results. */
export function divideHalfUp(amount: bigint, by: bigint): bigint {
  if (by === 0n) throw new RangeError('division by zero')
  const negative = amount < 0n !== by < 0n
  const above = amount < 0n ? -amount : amount
  const below = by < 0n ? -by : by
  const rounded = (above * 2n + below) / (below * 2n)
  return negative ? -rounded : rounded
}
