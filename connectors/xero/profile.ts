/**
 * Theirs to ours: what an organisation is, its accounts and its tax rates. Pure.
 *
 * Keeps: a system account is known by SystemAccount, never by its code; a tax code's meaning only where we are sure.
 */
import type { BookAccount, BookAccountKind, BookProfile, BookTaxCode, Day, TaxUse, VatTreatment } from '../port.ts'
import { dayAt, flagAt, idAt, type Json, listAt, textAt } from './answer.ts'
import { basisPointsFrom } from './decimal.ts'

export function profileFrom(
  bookId: string,
  parts: { organisation: Json | null; accounts: Json[]; taxRates: Json[]; actions: Json[] },
): BookProfile {
  const { organisation } = parts
  const country = textAt(organisation, 'CountryCode') ?? ''
  const basis = textAt(organisation, 'SalesTaxBasis') ?? 'NONE'
  const isActive = (textAt(organisation, 'OrganisationStatus') ?? 'ACTIVE') === 'ACTIVE'
  return {
    bookId,
    name: textAt(organisation, 'Name') ?? bookId,
    country,
    currency: textAt(organisation, 'BaseCurrency') ?? '',
    timeZone: zones[textAt(organisation, 'Timezone') ?? ''] ?? null,
    lockedThrough: latestLockIn(organisation),
    plan: textAt(organisation, 'Class'),
    writable:
      isActive &&
      !isForbidden(parts.actions, 'CreateApprovedInvoice') &&
      !isForbidden(parts.actions, 'CreateApprovedBill'),
    shortCode: textAt(organisation, 'ShortCode'),
    vat: {
      registered: flagAt(organisation, 'PaysTax') ?? basis !== 'NONE',
      number: textAt(organisation, 'TaxNumber'),
      scheme: schemeFrom(basis),
    },
    accounts: parts.accounts.flatMap((json) => accountFrom(json) ?? []),
    taxCodes: parts.taxRates.flatMap((json) => taxCodeFrom(json, country) ?? []),
    items: [],
    needsItem: false,
  }
}

export function accountFrom(json: Json): BookAccount | null {
  const id = idAt(json, 'AccountID')
  if (id === null) return null
  const type = textAt(json, 'Type') ?? ''
  const system = textAt(json, 'SystemAccount')
  const active = (textAt(json, 'Status') ?? 'ACTIVE') === 'ACTIVE'
  return {
    id,
    code: textAt(json, 'Code'),
    name: textAt(json, 'Name') ?? '',
    kind: system === 'DEBTORS' ? 'receivable' : system === 'CREDITORS' ? 'payable' : (kinds[type] ?? 'other'),
    takesPayments: active && (type === 'BANK' || flagAt(json, 'EnablePaymentsToAccount') === true),
    active,
    reserved: system !== null,
  }
}

export function taxCodeFrom(json: Json, country: string): BookTaxCode | null {
  const id = textAt(json, 'TaxType')
  if (id === null) return null
  return {
    id,
    name: textAt(json, 'Name') ?? id,
    rateBasisPoints: basisPointsFrom(textAt(json, 'EffectiveRate') ?? textAt(json, 'DisplayTaxRate')),
    uses: usesOf(json, id),
    active: (textAt(json, 'Status') ?? 'ACTIVE') === 'ACTIVE',
    treatment: country === 'GB' ? (ukTreatments[id] ?? null) : id === 'NONE' ? 'outside' : null,
  }
}

/** The organisation's own lock and its year end's: whichever closes more. */
export function latestLockIn(organisation: Json | null): Day | null {
  const locks = ['PeriodLockDate', 'EndOfYearLockDate'].flatMap((name) => dayAt(organisation, name) ?? [])
  return locks.sort().at(-1) ?? null
}

function usesOf(json: Json, id: string): TaxUse[] {
  const [sales, purchases] = [flagAt(json, 'CanApplyToRevenue'), flagAt(json, 'CanApplyToExpenses')]
  const isSale = /OUTPUT|SUPPLY/.test(id)
  const isPurchase = /INPUT|^DRCHARGE\d|REVERSECHARGE/.test(id)
  const uses: TaxUse[] = []
  if (sales ?? (isSale || !isPurchase)) uses.push('sales')
  if (purchases ?? (isPurchase || !isSale)) uses.push('purchases')
  return uses
}

const isForbidden = (actions: Json[], name: string): boolean =>
  actions.some((one) => textAt(one, 'Name') === name && /not.?allowed/i.test(textAt(one, 'Status') ?? ''))

function schemeFrom(basis: string): BookProfile['vat']['scheme'] {
  if (basis.startsWith('FLATRATE')) return 'flat_rate'
  if (basis.startsWith('ACCRUAL') || basis === 'INVOICE') return 'accrual'
  return basis === 'CASH' || basis === 'PAYMENTS' ? 'cash' : 'unknown'
}

/** Old OUTPUT and INPUT are 17.5 %, and nobody can say what a TAX001 means: a person maps those. */
const ukTreatments: Record<string, VatTreatment> = {
  OUTPUT2: 'standard',
  INPUT2: 'standard',
  RROUTPUT: 'reduced',
  RRINPUT: 'reduced',
  ZERORATEDOUTPUT: 'zero',
  ZERORATEDINPUT: 'zero',
  EXEMPTOUTPUT: 'exempt',
  EXEMPTINPUT: 'exempt',
  NONE: 'outside',
  DRCHARGESUPPLY20: 'reverse_charge',
  DRCHARGE20: 'reverse_charge',
}

const kinds: Record<string, BookAccountKind> = {
  BANK: 'bank',
  CURRLIAB: 'current_liability',
  CURRENT: 'current_asset',
  PREPAYMENT: 'current_asset',
  REVENUE: 'income',
  SALES: 'income',
  OTHERINCOME: 'income',
  EXPENSE: 'expense',
  OVERHEADS: 'expense',
  DIRECTCOSTS: 'expense',
  DEPRECIATN: 'expense',
}

/** Xero's names of zones, as far as our networks reach; any other is left for the network's own zone. */
const zones: Record<string, string> = {
  GMTSTANDARDTIME: 'Europe/London',
  UTC: 'UTC',
  GREENWICHSTANDARDTIME: 'Atlantic/Reykjavik',
  WEUROPESTANDARDTIME: 'Europe/Berlin',
  ROMANCESTANDARDTIME: 'Europe/Paris',
  CENTRALEUROPESTANDARDTIME: 'Europe/Budapest',
  EASTERNSTANDARDTIME: 'America/New_York',
  PACIFICSTANDARDTIME: 'America/Los_Angeles',
  AUSEASTERNSTANDARDTIME: 'Australia/Sydney',
  NEWZEALANDSTANDARDTIME: 'Pacific/Auckland',
  SOUTHAFRICASTANDARDTIME: 'Africa/Johannesburg',
}

/** Where the parts stand in the answers of their endpoints. */
export const organisationIn = (json: Json): Json | null =>
  listAt(json, 'Organisations')[0] ?? listAt(json, 'Organisation')[0] ?? null
