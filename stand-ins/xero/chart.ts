/**
 * The charts of accounts and tax rates a new organisation starts with.
 * Codes are those of Xero's usual UK chart and UK rates.
 */
import type { AccountClass, TaxRate } from './book.ts'

export interface ChartRow {
  code: string
  name: string
  type: string
  class: AccountClass
  taxType: string
  paymentsEnabled?: boolean
  systemAccount?: string
}

type Row = [
  code: string,
  name: string,
  type: string,
  accountClass: AccountClass,
  tax: 'sale' | 'cost' | 'none',
  system?: string,
]

const rows: Row[] = [
  ['200', 'Sales', 'REVENUE', 'REVENUE', 'sale'],
  ['260', 'Other Revenue', 'REVENUE', 'REVENUE', 'sale'],
  ['270', 'Interest Income', 'REVENUE', 'REVENUE', 'none'],
  ['310', 'Cost of Goods Sold', 'DIRECTCOSTS', 'EXPENSE', 'cost'],
  ['400', 'Advertising & Marketing', 'OVERHEADS', 'EXPENSE', 'cost'],
  ['404', 'Bank Fees', 'OVERHEADS', 'EXPENSE', 'none'],
  ['429', 'General Expenses', 'OVERHEADS', 'EXPENSE', 'cost'],
  ['463', 'Apps & Software', 'OVERHEADS', 'EXPENSE', 'cost'],
  ['469', 'Rent', 'OVERHEADS', 'EXPENSE', 'none'],
  ['473', 'Repairs & Maintenance', 'OVERHEADS', 'EXPENSE', 'cost'],
  ['477', 'Salaries', 'OVERHEADS', 'EXPENSE', 'none'],
  ['610', 'Accounts Receivable', 'CURRENT', 'ASSET', 'none', 'DEBTORS'],
  ['620', 'Prepayments', 'CURRENT', 'ASSET', 'none'],
  ['621', 'CIS Assets', 'CURRENT', 'ASSET', 'none', 'CISASSETS'],
  ['710', 'Office Equipment', 'FIXED', 'ASSET', 'cost'],
  ['800', 'Accounts Payable', 'CURRLIAB', 'LIABILITY', 'none', 'CREDITORS'],
  ['814', 'Wages Payable - Payroll', 'CURRLIAB', 'LIABILITY', 'none'],
  ['820', 'VAT', 'CURRLIAB', 'LIABILITY', 'none', 'GST'],
  ['821', 'CIS Liability', 'CURRLIAB', 'LIABILITY', 'none', 'CISLIABILITY'],
  ['835', 'Directors Loan Account', 'CURRLIAB', 'LIABILITY', 'none'],
  ['840', 'Historical Adjustment', 'CURRLIAB', 'LIABILITY', 'none', 'HISTORICAL'],
  ['860', 'Rounding', 'CURRLIAB', 'LIABILITY', 'none', 'ROUNDING'],
  ['877', 'Tracking Transfers', 'CURRLIAB', 'LIABILITY', 'none', 'TRACKINGTRANSFERS'],
  ['960', 'Retained Earnings', 'EQUITY', 'EQUITY', 'none', 'RETAINEDEARNINGS'],
  ['970', 'Owner A Funds Introduced', 'EQUITY', 'EQUITY', 'none'],
]

export function chartFor(paysTax: boolean, standard: { sale: string; cost: string }): ChartRow[] {
  return rows.map(([code, name, type, accountClass, tax, systemAccount]) => ({
    code,
    name,
    type,
    class: accountClass,
    taxType: !paysTax || tax === 'none' ? 'NONE' : standard[tax],
    ...(systemAccount === undefined ? {} : { systemAccount }),
  }))
}

const always: AccountClass[] = ['ASSET', 'EQUITY', 'LIABILITY']
const sales: AccountClass[] = [...always, 'REVENUE']
const costs: AccountClass[] = [...always, 'EXPENSE']
const both: AccountClass[] = [...always, 'REVENUE', 'EXPENSE']

function rate(taxType: string, name: string, percent: bigint, appliesTo: AccountClass[], charged = percent): TaxRate {
  const places = 10_000n
  return { taxType, name, rate: percent * places, effectiveRate: charged * places, status: 'ACTIVE', appliesTo }
}

const noTax = rate('NONE', 'No VAT', 0n, both)

const britishRates: TaxRate[] = [
  noTax,
  rate('OUTPUT2', '20% (VAT on Income)', 20n, sales),
  rate('INPUT2', '20% (VAT on Expenses)', 20n, costs),
  rate('RROUTPUT', '5% (VAT on Income)', 5n, sales),
  rate('RRINPUT', '5% (VAT on Expenses)', 5n, costs),
  rate('ZERORATEDOUTPUT', 'Zero Rated Income', 0n, sales),
  rate('ZERORATEDINPUT', 'Zero Rated Expenses', 0n, costs),
  rate('EXEMPTOUTPUT', 'Exempt Income', 0n, sales),
  rate('EXEMPTINPUT', 'Exempt Expenses', 0n, costs),
  rate('DRCHARGESUPPLY20', 'Domestic Reverse Charge @ 20% (VAT on Income)', 20n, sales, 0n),
  rate('DRCHARGE20', 'Domestic Reverse Charge @ 20% (VAT on Expenses)', 20n, costs, 0n),
]

const irishRates: TaxRate[] = [
  noTax,
  rate('TAX001', '23% (VAT on Sales)', 23n, sales),
  rate('TAX002', '23% (VAT on Purchases)', 23n, costs),
  rate('ZERORATEDOUTPUT', 'Zero Rated Sales', 0n, sales),
  rate('ZERORATEDINPUT', 'Zero Rated Purchases', 0n, costs),
  rate('EXEMPTOUTPUT', 'Exempt Sales', 0n, sales),
  rate('EXEMPTINPUT', 'Exempt Purchases', 0n, costs),
]

/** An organisation that is not registered may use no rate but "No VAT". */
export function taxRatesFor(country: string, paysTax: boolean): TaxRate[] {
  if (!paysTax) return [noTax]
  return country === 'GB' ? britishRates : irishRates
}

export function standardTaxTypes(country: string): { sale: string; cost: string } {
  return country === 'GB' ? { sale: 'OUTPUT2', cost: 'INPUT2' } : { sale: 'TAX001', cost: 'TAX002' }
}
