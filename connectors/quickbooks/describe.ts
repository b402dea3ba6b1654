/**
 * What a book is: its company, its preferences, and the lists a mapping is chosen from.
 *
 * Keeps: inactive things are told and marked, so that a mapping can see what happened to its choice.
 */
import type {
  BookAccount,
  BookAccountKind,
  BookContact,
  BookProfile,
  BookTaxCode,
  BookThing,
  Day,
  Grant,
  NewAccount,
  TaxUse,
  VatTreatment,
} from '../port.ts'
import { minorOf, sumMinor } from './amounts.ts'
import { accountBody } from './bodies.ts'
import { contactEntities } from './entities.ts'
import { quickbooksError } from './errors.ts'
import { at, flagAt, listAt, textAt } from './json.ts'
import { activeOrNot, allOf, pagesOf } from './query.ts'
import { contactFrom, dayOf } from './translate.ts'
import type { Wire } from './wire.ts'

export async function describe(wire: Wire, grant: Grant): Promise<BookProfile> {
  const { body: companyBody } = await wire.get(grant, `companyinfo/${encodeURIComponent(grant.bookId)}`)
  const { body: preferenceBody } = await wire.get(grant, 'preferences')
  const company = at(companyBody, 'CompanyInfo')
  const preferences = at(preferenceBody, 'Preferences')
  const accounts = await allOf(wire, grant, 'Account', activeOrNot)
  const codes = await allOf(wire, grant, 'TaxCode')
  const rates = await allOf(wire, grant, 'TaxRate')
  const things = await allOf(wire, grant, 'Item', activeOrNot)

  const country = countryOf(textAt(company, 'Country') ?? textAt(company, 'LegalAddr', 'Country'))
  const subscription = namedValue(company, 'SubscriptionStatus')
  return {
    bookId: grant.bookId,
    name: textAt(company, 'CompanyName') ?? textAt(company, 'LegalName') ?? grant.bookName,
    country,
    currency: textAt(preferences, 'CurrencyPrefs', 'HomeCurrency', 'value') ?? currencyOf(country),
    timeZone: textAt(company, 'DefaultTimeZone'),
    lockedThrough: lockDayIn(preferences),
    plan: namedValue(company, 'OfferingSku'),
    writable: !/expired|cancel|suspend|unpaid|lapsed|delinquent|inactive/i.test(subscription ?? ''),
    shortCode: null,
    vat: {
      registered: flagAt(preferences, 'TaxPrefs', 'UsingSalesTax') ?? codes.length > 0,
      number: null,
      scheme: 'unknown',
    },
    accounts: accounts.map(accountFrom),
    taxCodes: codes.map((code) => taxCodeFrom(code, rates, country)),
    items: things.filter((thing) => !/^(category|group|bundle)$/i.test(textAt(thing, 'Type') ?? '')).map(thingFrom),
    needsItem: true,
  }
}

function lockDayIn(preferences: unknown): Day | null {
  return dayOf(textAt(preferences, 'AccountingInfoPrefs', 'BookCloseDate'))
}
export async function lockDayOf(wire: Wire, grant: Grant): Promise<Day | null> {
  const { body } = await wire.get(grant, 'preferences')
  return lockDayIn(at(body, 'Preferences'))
}

export async function* contacts(wire: Wire, grant: Grant): AsyncGenerator<BookContact[]> {
  for (const entity of contactEntities) {
    for await (const rows of pagesOf(wire, grant, entity, activeOrNot)) {
      if (rows.length > 0) yield rows.map((row) => contactFrom(entity, row))
    }
  }
}

export async function openAccount(wire: Wire, grant: Grant, key: string, thing: NewAccount): Promise<BookAccount> {
  const { body, callId } = await wire.post(grant, 'account', { requestid: key }, accountBody(thing))
  const account = at(body, 'Account')
  if (textAt(account, 'Id') !== null) return accountFrom(account)
  throw quickbooksError('unclear', 'no_word_of_it', 'The answer does not speak of the account.', { callId })
}

// ─── Accounts and products ────────────────────────────────────────────────────────────────────────────────────────

const accountKinds: Record<string, BookAccountKind> = {
  Bank: 'bank',
  'Other Current Asset': 'current_asset',
  'Other Current Liability': 'current_liability',
  Income: 'income',
  'Other Income': 'income',
  Expense: 'expense',
  'Other Expense': 'expense',
  'Cost of Goods Sold': 'expense',
  'Accounts Receivable': 'receivable',
  'Accounts Payable': 'payable',
}
const ownSubtypes =
  /^(UndepositedFunds|RetainedEarnings|OpeningBalanceEquity|GlobalTaxPayable|GlobalTaxSuspense|SalesTaxPayable)$/i

function accountFrom(row: unknown): BookAccount {
  const kind = accountKinds[textAt(row, 'AccountType') ?? ''] ?? 'other'
  const isOwn = ownSubtypes.test(textAt(row, 'AccountSubType') ?? '') || flagAt(row, 'TaxAccount') === true
  return {
    id: textAt(row, 'Id') ?? '',
    code: textAt(row, 'AcctNum'),
    // A sub-account bears its parents' names, without which it may be one of several.
    name: textAt(row, 'FullyQualifiedName') ?? textAt(row, 'Name') ?? '',
    kind,
    // Payments made want a bank account, so nothing else serves both ways.
    takesPayments: kind === 'bank',
    active: flagAt(row, 'Active') !== false,
    reserved: kind === 'receivable' || kind === 'payable' || isOwn,
  }
}

function thingFrom(row: unknown): BookThing {
  return {
    id: textAt(row, 'Id') ?? '',
    name: textAt(row, 'FullyQualifiedName') ?? textAt(row, 'Name') ?? '',
    active: flagAt(row, 'Active') !== false,
    incomeAccountId: textAt(row, 'IncomeAccountRef', 'value'),
  }
}

// ─── VAT codes ────────────────────────────────────────────────────────────────────────────────────────────────────

function taxCodeFrom(row: unknown, rates: unknown[], country: string): BookTaxCode {
  const sales = ratesIn(row, 'SalesTaxRateList', rates)
  const purchases = ratesIn(row, 'PurchaseTaxRateList', rates)
  const uses: TaxUse[] = []
  if (sales.length > 0) uses.push('sales')
  if (purchases.length > 0) uses.push('purchases')
  const counted = sales.length > 0 ? sales : purchases
  const name = textAt(row, 'Name') ?? ''
  const rateBasisPoints = Number(sumMinor(counted))
  const isSingle = sales.length <= 1 && purchases.length <= 1
  return {
    id: textAt(row, 'Id') ?? '',
    name,
    rateBasisPoints,
    uses,
    active: flagAt(row, 'Active') !== false && flagAt(row, 'Hidden') !== true,
    treatment: treatmentOf(`${name} ${textAt(row, 'Description') ?? ''}`, rateBasisPoints, isSingle, country),
  }
}

/** In hundredths of a per cent, which is what two decimals of a percentage are. */
function ratesIn(code: unknown, list: string, rates: unknown[]): bigint[] {
  return listAt(code, list, 'TaxRateDetail').map((detail) => {
    const id = textAt(detail, 'TaxRateRef', 'value')
    const rate = rates.find((one) => textAt(one, 'Id') === id)
    const effective = listAt(rate, 'EffectiveTaxRate').find((one) => textAt(one, 'EndDate') === null)
    return minorOf(textAt(rate, 'RateValue') ?? textAt(effective, 'RateValue')) ?? 0n
  })
}

const special =
  /\b(ec|ecg|ecs|eu|rc|rcg|rcs|mpccs?|sg|cis|pva|import|postponed|moss|oss|reverse|capital|margin|fuel|flat)\b/i
const ordinaryRates: Record<string, Record<number, VatTreatment>> = {
  GB: { 2000: 'standard', 500: 'reduced' },
  IE: { 2300: 'standard' },
}

/** Only what rate and words say beyond doubt; everything else is left to a person. */
function treatmentOf(words: string, rateBasisPoints: number, isSingle: boolean, country: string): VatTreatment | null {
  if (/domestic reverse charge/i.test(words)) return 'reverse_charge'
  if (special.test(words) || !isSingle) return null
  const ordinary = ordinaryRates[country]
  if (!ordinary) return null
  if (rateBasisPoints !== 0) return ordinary[rateBasisPoints] ?? null
  if (/\bexempt\b/i.test(words)) return 'exempt'
  if (/\bno vat\b|\bout(side)? (of )?(the )?scope\b/i.test(words)) return 'outside'
  if (/\bzero\b|\b0(\.0+)?% ?z\b/i.test(words)) return 'zero'
  return null
}

// ─── The company ──────────────────────────────────────────────────────────────────────────────────────────────────

function namedValue(company: unknown, name: string): string | null {
  return textAt(
    listAt(company, 'NameValue').find((one) => textAt(one, 'Name') === name),
    'Value',
  )
}
function countryOf(text: string | null): string {
  if (text === null || /^(uk|gb|gbr|united kingdom|great britain)$/i.test(text)) return 'GB'
  return text.toUpperCase()
}
function currencyOf(country: string): string {
  const known: Record<string, string> = { GB: 'GBP', IE: 'EUR', US: 'USD', AU: 'AUD', CA: 'CAD' }
  return known[country] ?? ''
}
