/**
 * Xero's decimals and our whole minor units.
 *
 * Keeps: exact both ways; what Xero rounds to two places is never rounded again here.
 */

/** "1200.1", "-80.00", "1,020.22" or "(80.00)"; blank is zero, anything else is null. */
export function minorFrom(text: string | null): bigint | null {
  const plain = (text ?? '').trim().replaceAll(',', '')
  if (plain === '') return 0n
  const bracketed = /^\((.*)\)$/.exec(plain)?.[1]
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(bracketed ?? plain)
  if (!parts || (parts[2] === '' && !parts[3])) return null
  const places = `${parts[3] ?? ''}00`
  if (/[1-9]/.test(places.slice(2))) return null
  const minor = BigInt(`${parts[2]}${places.slice(0, 2)}`)
  return parts[1] === '-' || bracketed !== undefined ? -minor : minor
}

export function decimalFrom(minor: bigint): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, '0')
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** https://developer.xero.com/documentation/api/accounting/invoices: a line is at most 9,999,999,999.99. */
const mostMinor = 999_999_999_999n

/** The JSON number that prints as this decimal: exact, because twelve digits are far below what a double holds. */
export function jsonNumber(minor: bigint): number {
  if (minor > mostMinor || minor < -mostMinor) throw new RangeError('amount beyond what Xero takes')
  return Number(decimalFrom(minor))
}

/** "20.0000" per cent is 2000 hundredths of a per cent; finer parts are rounded half up. */
export function basisPointsFrom(text: string | null): number {
  const parts = /^(\d+)(?:\.(\d*))?$/.exec(text ?? '')
  if (!parts) return 0
  const places = `${parts[2] ?? ''}000`
  const thousandths = BigInt(`${parts[1]}${places.slice(0, 3)}`)
  return Number((thousandths + 5n) / 10n)
}
