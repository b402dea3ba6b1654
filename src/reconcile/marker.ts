/**
 * Is this reference one of ours, though we may not know it? Every document that we put bears one: a trade's ten signs and
 * what it is to the trade, or the letter of a movement without a trade and ten signs (trades/documents, fees/money-on-account).
 */
import type { BookDocument } from '../../connectors/port.ts'

const ofTrade = /^[0-9A-HJKMNP-TV-Z]{10}-[SB][A-Z][0-9]*(-\d+)?$/
const ofMovement = /^[WK][0-9A-HJKMNP-TV-Z]{10}(-\d+)?$/

export function isMarker({ kind, reference }: Pick<BookDocument, 'kind' | 'reference'>): boolean {
  if (reference === null) return false
  // A person's own order number may look like this one; on money without an invoice few write such a thing.
  const isMoney = kind === 'money_spent' || kind === 'money_received'
  return ofTrade.test(reference) || (isMoney && ofMovement.test(reference))
}
