/**
 * VAT: the codes and rates of a United Kingdom company, and the tax of a document's lines.
 *
 * Keeps: tax is worked out per rate on the sum of its lines, then rounded half up to the penny.
 */
import { divideHalfUp, toJsonNumber, toMinor } from '../kit/decimals.ts'
import type { Company } from './company.ts'
import type { Body, TaxDetail } from './document.ts'
import { businessRule, inactive, refuse, unknownReference } from './fault.ts'

type Side = 'Sales' | 'Purchase'

interface CodeOfCountry {
  name: string
  words: string
  sales: [name: string, percent: number][]
  purchase: [name: string, percent: number][]
}

/** In no helpful order, as in a real company: a client picks by rate and side, never by id or name. */
const britishCodes: CodeOfCountry[] = [
  { name: 'No VAT', words: 'No VAT', sales: [['No VAT (Sales)', 0]], purchase: [['No VAT (Purchases)', 0]] },
  { name: '0.0% Z', words: 'Zero rated', sales: [['0.0% Z (Sales)', 0]], purchase: [['0.0% Z (Purchases)', 0]] },
  {
    name: '20.0% S',
    words: 'Standard rate',
    sales: [['20.0% S (Sales)', 20]],
    purchase: [['20.0% S (Purchases)', 20]],
  },
  { name: 'Exempt', words: 'Exempt', sales: [['Exempt (Sales)', 0]], purchase: [['Exempt (Purchases)', 0]] },
  {
    name: '20.0% RC',
    words: 'Domestic reverse charge, standard rate',
    sales: [['20.0% RC (Sales)', 0]],
    purchase: [
      ['20.0% RC (Purchases)', 20],
      ['20.0% RC MG (Purchases)', -20],
    ],
  },
  { name: '5.0% R', words: 'Reduced rate', sales: [['5.0% R (Sales)', 5]], purchase: [['5.0% R (Purchases)', 5]] },
]

/** Writes the codes into a new company that is registered for VAT. */
export function addTaxCodes(company: Company): void {
  const nothing = { postings: [], settles: [], carries: [] }
  const agency = company.put('TaxAgency', { DisplayName: 'HM Revenue & Customs (VAT)' }, nothing, 'Create')
  const rates = ([name, percent]: [string, number]): Body => {
    const rate: Body = {
      Name: name,
      Description: name,
      Active: true,
      RateValue: percent,
      AgencyRef: { value: agency.Id ?? '' },
      SpecialTaxType: percent < 0 ? 'REVERSE_CHARGE' : percent === 0 ? 'ZERO_RATE' : 'NONE',
      DisplayType: 'ReadOnly',
    }
    const kept = company.put('TaxRate', rate, nothing, 'Create')
    return { TaxRateRef: { value: kept.Id ?? '', name }, TaxTypeApplicable: 'TaxOnAmount', TaxOrder: 0 }
  }
  for (const code of britishCodes) {
    const body: Body = {
      Name: code.name,
      Description: code.words,
      Active: true,
      Hidden: false,
      Taxable: true,
      TaxGroup: true,
      SalesTaxRateList: { TaxRateDetail: code.sales.map(rates) },
      PurchaseTaxRateList: { TaxRateDetail: code.purchase.map(rates) },
    }
    company.put('TaxCode', body, nothing, 'Create')
  }
}

export interface Taxable {
  netMinor: bigint
  grossMinor: bigint | undefined
  codeId: string | undefined
  element: string
}

export interface Taxed {
  /** The net of each line, in the order of the lines. */
  nets: bigint[]
  totalMinor: bigint
  detail: TaxDetail | undefined
}

interface Rate {
  id: string
  percent: number
}

type Mode = NonNullable<Body['GlobalTaxCalculation']>

/** The tax of a document: its lines' nets, the whole tax, and the detail that the answer shows. */
export function taxOf(
  company: Company,
  lines: Taxable[],
  side: Side,
  mode: Mode | undefined,
  sent: TaxDetail | undefined,
): Taxed {
  const untaxed: Taxed = { nets: lines.map((line) => line.netMinor), totalMinor: 0n, detail: undefined }
  if (company.terms.vat === 'none') {
    const coded = lines.find((line) => line.codeId !== undefined)
    if (coded?.codeId !== undefined) throw unknownReference('TaxCode', coded.codeId, coded.element)
    return untaxed
  }
  if (mode === 'NotApplicable') {
    if (sent?.TaxLine?.length)
      throw refuse('6170', 'Tax detail was sent though GlobalTaxCalculation is NotApplicable', 'TxnTaxDetail')
    return untaxed
  }

  const groups = new Map<string, number[]>()
  lines.forEach((line, at) => {
    if (line.codeId === undefined) throw businessRule('Make sure all your lines have a VAT code.', line.element)
    const code = company.find('TaxCode', line.codeId)
    if (!code) throw unknownReference('TaxCode', line.codeId, line.element)
    if (code.Active === false) throw inactive(line.element)
    groups.set(line.codeId, [...(groups.get(line.codeId) ?? []), at])
  })

  const nets = [...untaxed.nets]
  const perRate = new Map<string, { rate: Rate; netMinor: bigint; taxMinor: bigint }>()
  for (const [codeId, members] of groups) {
    const rates = ratesOf(company, codeId, side)
    if (mode === 'TaxInclusive') takeTaxOut(lines, members, nets, sumPercent(rates))
    const netMinor = members.reduce((sum, at) => sum + (nets[at] ?? 0n), 0n)
    for (const rate of rates) {
      const earlier = perRate.get(rate.id)
      perRate.set(rate.id, { rate, netMinor: netMinor + (earlier?.netMinor ?? 0n), taxMinor: 0n })
    }
  }
  const grossMinor = lines.reduce((sum, line) => sum + (line.grossMinor ?? line.netMinor), 0n)
  const given = mode === 'TaxInclusive' && lines.every((line) => line.grossMinor !== undefined)
  const detail = tally(perRate, sent, given ? grossMinor - nets.reduce((sum, net) => sum + net, 0n) : undefined)
  return { nets, totalMinor: toMinor(detail.TotalTax ?? 0), detail }
}

function ratesOf(company: Company, codeId: string, side: Side): Rate[] {
  const code = company.find('TaxCode', codeId)
  const list = code?.[side === 'Sales' ? 'SalesTaxRateList' : 'PurchaseTaxRateList'] as {
    TaxRateDetail?: { TaxRateRef: { value: string } }[]
  }
  const details = list?.TaxRateDetail ?? []
  if (details.length === 0)
    throw refuse(
      '6100',
      `The VAT code ${code?.Name} cannot be used on ${side === 'Sales' ? 'sales' : 'purchases'}`,
      'TaxCodeRef',
    )
  return details.map(({ TaxRateRef }) => ({
    id: TaxRateRef.value,
    percent: Number(company.find('TaxRate', TaxRateRef.value)?.RateValue ?? 0),
  }))
}

const perMillion = (percent: number) => toMinor(percent, 4)
const sumPercent = (rates: Rate[]) => rates.reduce((sum, rate) => sum + perMillion(rate.percent), 0n)

/** Gross lines: the tax is taken out of their sum, and the last line of the code carries the odd penny. */
function takeTaxOut(lines: Taxable[], members: number[], nets: bigint[], rateInMillion: bigint): void {
  if (members.some((at) => lines[at]?.grossMinor === undefined)) return
  const grossMinor = members.reduce((sum, at) => sum + (lines[at]?.grossMinor ?? 0n), 0n)
  const netMinor = grossMinor - divideHalfUp(grossMinor * rateInMillion, 1_000_000n + rateInMillion)
  const saidMinor = members.reduce((sum, at) => sum + (nets[at] ?? 0n), 0n)
  const oddMinor = netMinor - saidMinor
  const last = members.at(-1)
  if (last === undefined || oddMinor === 0n) return
  const sizeMinor = oddMinor < 0n ? -oddMinor : oddMinor
  if (sizeMinor > BigInt(members.length))
    throw refuse(
      '6070',
      'Amount and TaxInclusiveAmt do not fit the rate of the VAT code',
      lines[last]?.element ?? 'Line',
    )
  nets[last] = (nets[last] ?? 0n) + oddMinor
}

/** Works out each rate; a tax line the caller sent for a rate stands as sent. */
function tally(
  perRate: Map<string, { rate: Rate; netMinor: bigint; taxMinor: bigint }>,
  sent: TaxDetail | undefined,
  wholeMinor: bigint | undefined,
): TaxDetail {
  const sentByRate = new Map((sent?.TaxLine ?? []).map((line) => [line.TaxLineDetail?.TaxRateRef?.value ?? '', line]))
  for (const id of sentByRate.keys())
    if (!perRate.has(id)) throw refuse('6170', `No line of the document has tax rate ${id}`, 'TxnTaxDetail')
  for (const entry of perRate.values()) {
    const own = sentByRate.get(entry.rate.id)
    entry.taxMinor = own
      ? toMinor(own.Amount ?? 0)
      : divideHalfUp(entry.netMinor * perMillion(entry.rate.percent), 1_000_000n)
  }
  const taxes = [...perRate.values()]
  let totalMinor = taxes.reduce((sum, entry) => sum + entry.taxMinor, 0n)
  const largest = taxes.filter((entry) => entry.rate.percent > 0).at(-1)
  if (wholeMinor !== undefined && sentByRate.size === 0 && largest && totalMinor !== wholeMinor) {
    largest.taxMinor += wholeMinor - totalMinor
    totalMinor = wholeMinor
  }
  return {
    TotalTax: toJsonNumber(totalMinor),
    TaxLine: taxes.map(({ rate, netMinor, taxMinor }) => ({
      Amount: toJsonNumber(taxMinor),
      DetailType: 'TaxLineDetail',
      TaxLineDetail: {
        TaxRateRef: { value: rate.id },
        PercentBased: true,
        TaxPercent: rate.percent,
        NetAmountTaxable: toJsonNumber(netMinor),
      },
    })),
  }
}
