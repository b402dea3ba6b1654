/**
 * The price of a trade: VAT for each rate, and the parts in credits and in money. Pure.
 *
 * Keeps: VAT is worked out on the sum of a rate's lines, half up to the penny; credits plus money are the total to the penny.
 * Books differ in whether they round line by line. Where that gives another penny, documents carry one line for the rate,
 * with the detail in its text, so that every book comes to the same sum.
 */
import type { VatTreatment } from '../../connectors/port.ts'
import { formatAmount, largestAmountMinor, portion, sum } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import type { TermsBody } from '../networks/terms.ts'
import type { TradeLine } from './trade.ts'

export type LineAsk = { description: string; netMinor: bigint; treatment: string }
/**
 * The part in credits: an amount, or hundredths of a per cent of the whole net, half up; or all but the money; with none of
 * these, as much as the terms allow.
 */
export type PartAsk = { creditMinor?: bigint; creditBasisPoints?: number; moneyMinor?: bigint }

export type Price = {
  /** As agreed, each with its own share of its rate's VAT. */
  lines: TradeLine[]
  /** As documents carry them. */
  documentLines: TradeLine[]
  netMinor: bigint
  vatMinor: bigint
  totalMinor: bigint
  creditMinor: bigint
  moneyMinor: bigint
}

export const rates = {
  standard: 2000,
  reduced: 500,
  zero: 0,
  exempt: 0,
  outside: 0,
  // The buyer accounts for the VAT; the invoice carries none.
  reverse_charge: 0,
} as const satisfies Record<VatTreatment, number>

/** What Quits does not take, and why. */
const notTaken: Record<string, string> = {
  cis: 'Deductions under the Construction Industry Scheme change what is paid, which this network cannot follow.',
  margin_scheme: 'Under a margin scheme no VAT may be shown on the invoice, so the books cannot be checked against it.',
  abroad: 'A supply from or to another country has VAT rules of its own, which are not taken here.',
}
/** What charges or reclaims VAT is not for a seller without a registration. */
const needsRegistration: readonly string[] = ['standard', 'reduced', 'zero', 'reverse_charge']

export const mostLines = 100
export const longestDescription = 500
const longestDocumentLine = 2000

export function priceOf(
  ask: { lines: readonly LineAsk[]; part: PartAsk },
  around: {
    sellerRegistered: boolean
    buyerRegistered: boolean
    scale: number
    terms: Pick<TermsBody, 'vatIn' | 'largestCreditShareBasisPoints'> | null
    /** A linked invoice keeps the VAT that its own book worked out. */
    linkedTotalMinor?: bigint | null
  },
): Price {
  mustHaveLines(ask.lines)
  const agreed = ask.lines.map((line) => lineOf(line, around))
  const netMinor = sum(agreed.map((line) => line.netMinor))
  const lines = adjusted(shared(agreed), around.linkedTotalMinor ?? null, netMinor)
  const vatMinor = sum(lines.map((line) => line.vatMinor))
  const totalMinor = netMinor + vatMinor
  if (totalMinor > largestAmountMinor) throw new Refusal('amount_too_large', {})
  const mostMinor = around.terms ? mostInCredits(around.terms, netMinor, totalMinor) : totalMinor
  const { creditMinor, moneyMinor } = partsOf(ask.part, netMinor, totalMinor, mostMinor)
  if (creditMinor > mostMinor) throw new Refusal('credit_share_too_large', { mostMinor: mostMinor.toString() })
  if (creditMinor <= 0n) throw new Refusal('credit_part_missing', {})
  return {
    lines,
    documentLines: documentLinesOf(lines, around.scale),
    netMinor,
    vatMinor,
    totalMinor,
    creditMinor,
    moneyMinor,
  }
}

function mustHaveLines(lines: readonly LineAsk[]): void {
  if (lines.length === 0 || lines.some((line) => line.netMinor <= 0n)) throw new Refusal('lines_missing', {})
  if (lines.length > mostLines) throw new Refusal('too_many_lines', { most: mostLines })
  if (lines.some((line) => line.netMinor > largestAmountMinor)) throw new Refusal('amount_too_large', {})
  for (const { description } of lines)
    if (description.trim() === '' || description.length > longestDescription)
      throw new Refusal('text_does_not_fit', { what: 'text of a line', most: longestDescription })
}

function lineOf(line: LineAsk, around: { sellerRegistered: boolean; buyerRegistered: boolean }): TradeLine {
  const why = Object.hasOwn(notTaken, line.treatment) ? notTaken[line.treatment] : undefined
  if (why) throw new Refusal('treatment_not_taken', { treatment: line.treatment, why })
  if (!around.sellerRegistered && needsRegistration.includes(line.treatment))
    throw new Refusal('seller_not_registered', { treatment: line.treatment })
  if (line.treatment === 'reverse_charge' && !around.buyerRegistered) {
    const because = 'The domestic reverse charge needs a buyer that is registered for VAT.'
    throw new Refusal('treatment_not_taken', { treatment: line.treatment, why: because })
  }
  if (!isTreatment(line.treatment)) throw new Refusal('rate_unknown', { treatment: line.treatment })
  const rateBasisPoints = rates[line.treatment]
  const vatMinor = portion(line.netMinor, rateBasisPoints, 'half_up')
  return { ...line, description: line.description.trim(), treatment: line.treatment, rateBasisPoints, vatMinor }
}

function isTreatment(text: string): text is VatTreatment {
  return Object.hasOwn(rates, text)
}

/** What rounding line by line gives too much or too little goes to the rate's largest line. */
function shared(lines: TradeLine[]): TradeLine[] {
  const result = lines.map((line) => ({ ...line }))
  for (const treatment of new Set(result.map((line) => line.treatment))) {
    const group = result.filter((line) => line.treatment === treatment)
    const wantedMinor = portion(sum(group.map((line) => line.netMinor)), rates[treatment], 'half_up')
    largestOf(group).vatMinor += wantedMinor - sum(group.map((line) => line.vatMinor))
  }
  return result
}

/** A linked invoice may differ from our sum by a penny for each line that bears VAT, not by more. */
function adjusted(lines: TradeLine[], linkedTotalMinor: bigint | null, netMinor: bigint): TradeLine[] {
  if (linkedTotalMinor === null) return lines
  const difference = linkedTotalMinor - netMinor - sum(lines.map((line) => line.vatMinor))
  if (difference === 0n) return lines
  const rated = lines.filter((line) => line.rateBasisPoints > 0)
  const size = difference < 0n ? -difference : difference
  if (size > BigInt(rated.length)) {
    const ours = linkedTotalMinor - difference
    throw new Refusal('invoice_does_not_fit', {
      why: 'its total is not the trade’s',
      totalMinor: linkedTotalMinor.toString(),
      wantedMinor: ours.toString(),
    })
  }
  largestOf(rated).vatMinor += difference
  return lines
}

function largestOf(lines: TradeLine[]): TradeLine {
  return lines.reduce((largest, line) => (line.netMinor > largest.netMinor ? line : largest))
}

function documentLinesOf(lines: TradeLine[], scale: number): TradeLine[] {
  return [...new Set(lines.map((line) => line.treatment))].flatMap((treatment) => {
    const group = lines.filter((line) => line.treatment === treatment)
    const isSame = group.every((line) => line.vatMinor === portion(line.netMinor, line.rateBasisPoints, 'half_up'))
    const first = group[0]
    if (isSame || first === undefined || group.length === 1) return group
    return [
      {
        treatment,
        rateBasisPoints: first.rateBasisPoints,
        netMinor: sum(group.map((line) => line.netMinor)),
        vatMinor: sum(group.map((line) => line.vatMinor)),
        description: detailOf(group, scale),
      },
    ]
  })
}

function detailOf(lines: TradeLine[], scale: number): string {
  const details = lines.map((line) => `${line.description} (${formatAmount(line.netMinor, scale)})`)
  let text = ''
  for (const [place, detail] of details.entries()) {
    const longer = text === '' ? detail : `${text}; ${detail}`
    if (longer.length > longestDocumentLine) return `${text}; and ${details.length - place} more`
    text = longer
  }
  return text
}

/** The largest share is of the net when VAT goes in money, else of the total; half up, as a percentage asked is. */
function mostInCredits(
  terms: Pick<TermsBody, 'vatIn' | 'largestCreditShareBasisPoints'>,
  netMinor: bigint,
  totalMinor: bigint,
): bigint {
  const whole = terms.vatIn === 'money' ? netMinor : totalMinor
  return portion(whole, terms.largestCreditShareBasisPoints, 'half_up')
}

function partsOf(
  part: PartAsk,
  netMinor: bigint,
  totalMinor: bigint,
  mostMinor: bigint,
): { creditMinor: bigint; moneyMinor: bigint } {
  const { creditBasisPoints: share, moneyMinor } = part
  const creditMinor =
    part.creditMinor ??
    (share !== undefined
      ? portion(netMinor, share, 'half_up')
      : moneyMinor !== undefined
        ? totalMinor - moneyMinor
        : mostMinor)
  const restMinor = totalMinor - creditMinor
  if (restMinor < 0n || (moneyMinor !== undefined && moneyMinor !== restMinor))
    throw new Refusal('parts_do_not_add_up', {
      creditMinor: creditMinor.toString(),
      moneyMinor: (moneyMinor ?? 0n).toString(),
      totalMinor: totalMinor.toString(),
    })
  return { creditMinor, moneyMinor: restMinor }
}
