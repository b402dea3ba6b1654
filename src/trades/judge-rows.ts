/**
 * A row of the past: what it alone can be refused for, and whether it is the one that an earlier run has made. Pure.
 */
import { dateOf, dayOf, isDay } from '../kit/clock.ts'
import { idFromText, idOfCause, type Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { largestAmountMinor, showAmount } from '../kit/money.ts'
import { amountIn, type CsvRow } from '../kit/read-csv.ts'
import type { ImportAsk } from '../networks/import-run.ts'
import type { Member } from '../networks/member.ts'
import type { Network } from '../networks/network.ts'
import type { Terms } from '../networks/terms.ts'
import { longestDescription } from './price.ts'

export const tradeColumns = {
  needed: ['day', 'seller', 'buyer', 'amount'],
  optional: ['description', 'reference'],
} as const

export type Sale = {
  row: CsvRow
  id: Uuid
  seller: Member
  buyer: Member
  amountMinor: bigint
  description: string
  reference: string | null
}
export type Judged = { sale: Sale } | { line: number; why: string }
export type Around = { network: Network; terms: Terms; membersBy: Map<string, Member[]> }

const longestReference = 100
const usualDescription = 'Carried over'

/** A member is named by its id, its invoice prefix or its exact name; a name may be borne by several. */
export function byEveryName(members: Member[]): Map<string, Member[]> {
  const found = new Map<string, Member[]>()
  for (const member of members)
    for (const name of new Set([member.id, member.invoicePrefix, member.organisation.name]))
      found.set(name, [...(found.get(name) ?? []), member])
  return found
}

/** All that a row alone can be refused for. Pure. */
export function judge({ network, membersBy }: Around, ask: ImportAsk, row: CsvRow): Judged {
  const get = (name: string) => row.fields[name] ?? ''
  const no = (why: string) => ({ line: row.line, why })
  if (!isDay(get('day'))) return no(`"${get('day')}" is no day of the calendar; write it as YYYY-MM-DD.`)
  const parties: Member[] = []
  for (const side of ['seller', 'buyer'] as const) {
    const name = get(side)
    const named = membersBy.get(idFromText('member', name) ?? name) ?? []
    if (name === '') return no(`The ${side} is missing.`)
    if (named.length === 0) return no(`No member has the id, invoice prefix or exact name "${name}" (${side}).`)
    if (named.length > 1) return no(`${named.length} members answer to "${name}" (${side}); name it by its id.`)
    parties.push(...named)
  }
  const [seller, buyer] = parties
  invariant(seller && buyer, 'a row lost a side')
  if (seller.id === buyer.id) return no('Seller and buyer are the same member.')
  const amount = amountIn(get('amount'), network.scale)
  if ('why' in amount) return no(amount.why)
  if (amount.minor <= 0n) return no(`The amount ${get('amount')} must be above zero; a sale back is a row of its own.`)
  if (amount.minor > largestAmountMinor) {
    const most = showAmount(largestAmountMinor, network.currency, network.scale)
    return no(`The amount ${get('amount')} is larger than a trade can be (${most}).`)
  }
  const description = get('description') || usualDescription
  if (description.length > longestDescription)
    return no(`The description is longer than ${longestDescription} characters.`)
  if (get('reference').length > longestReference)
    return no(`The reference is longer than ${longestReference} characters.`)
  const id = idOfCause('import', ask.networkId, ask.fileName, String(row.line))
  const sale = { row, id, seller, buyer, amountMinor: amount.minor, description, reference: get('reference') || null }
  return { sale }
}

export function salesOf(judged: Judged[]): Sale[] {
  return judged.flatMap((one) => ('sale' in one ? [one.sale] : []))
}

export const compared = {
  id: true,
  sellerMemberId: true,
  buyerMemberId: true,
  creditMinor: true,
  tradedOn: true,
  description: true,
  buyerReference: true,
} as const
export type Standing = {
  id: Uuid
  sellerMemberId: Uuid
  buyerMemberId: Uuid
  creditMinor: bigint
  tradedOn: Date
  description: string
  buyerReference: string | null
}

export function isSame(sale: Sale, stands: Standing): boolean {
  return (
    sale.seller.id === stands.sellerMemberId &&
    sale.buyer.id === stands.buyerMemberId &&
    sale.amountMinor === stands.creditMinor &&
    dateOf(sale.row.fields.day ?? '').getTime() === stands.tradedOn.getTime() &&
    sale.description === stands.description &&
    sale.reference === stands.buyerReference
  )
}

export function otherContent({ network, membersBy }: Around, stands: Standing): string {
  const name = (id: Uuid) => membersBy.get(id)?.[0]?.organisation.name ?? id
  const amount = showAmount(stands.creditMinor, network.currency, network.scale)
  const was = `${dayOf(stands.tradedOn)}, ${name(stands.sellerMemberId)} to ${name(stands.buyerMemberId)}, ${amount}`
  return `This line of this file was imported before with other content (${was}). What stands stays: put this line back as it was, and new rows after it; a mistake is reversed as a trade.`
}
