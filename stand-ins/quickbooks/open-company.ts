/**
 * Opens a company with its chart, its VAT codes and whatever a seed names.
 */
import type { StandInClock } from '../kit/clock.ts'
import { startingChart } from './accounts.ts'
import { Company } from './company.ts'
import type { Body, Kind } from './document.ts'
import { rulesOf } from './kinds.ts'
import type { Quirks } from './quirks.ts'
import { nothingMade } from './rules.ts'
import { addTaxCodes } from './tax.ts'

export interface NameSeed {
  name: string
  email?: string
  companyNumber?: string
  vatNumber?: string
}

export interface QuickBooksCompanySeed {
  id?: string
  name: string
  country?: string
  currency?: string
  vat?: 'registered' | 'none'
  /** The company gives its own document numbers; QuickBooks gives none. */
  customTxnNumbers?: boolean
  multiCurrency?: boolean
  warnDuplicateBills?: boolean
  closedThrough?: string
  customers?: NameSeed[]
  vendors?: NameSeed[]
  employees?: NameSeed[]
  /** What is sold or bought, with the names of the accounts it goes to. */
  products?: { name: string; income?: string; cost?: string; price?: number }[]
  /** Beside the starting chart. */
  accounts?: { name: string; type: string; subType?: string }[]
}

export function openCompany(seed: QuickBooksCompanySeed, id: string, clock: StandInClock, quirks: Quirks): Company {
  const vat = seed.vat ?? 'registered'
  const company = new Company(
    {
      id: seed.id ?? id,
      name: seed.name,
      country: seed.country ?? 'GB',
      currency: seed.currency ?? 'GBP',
      vat,
      customTxnNumbers: seed.customTxnNumbers ?? false,
      multiCurrency: seed.multiCurrency ?? false,
      warnDuplicateBills: seed.warnDuplicateBills ?? true,
      ...(seed.closedThrough ? { closedThrough: seed.closedThrough } : {}),
    },
    clock,
    quirks,
  )
  const chart = [
    ...startingChart,
    ...(seed.accounts ?? []).map(({ name, type, subType }) => [name, type, subType] as const),
  ]
  if (vat === 'registered') chart.push(['VAT Control', 'Other Current Liability', 'GlobalTaxPayable'])
  for (const [Name, AccountType, AccountSubType] of chart)
    add(company, 'Account', { Name, AccountType, ...(AccountSubType ? { AccountSubType } : {}) })
  if (vat === 'registered') addTaxCodes(company)

  for (const name of seed.customers ?? [])
    add(company, 'Customer', nameBody(name, name.vatNumber ? { PrimaryTaxIdentifier: name.vatNumber } : {}))
  for (const name of seed.vendors ?? [])
    add(company, 'Vendor', nameBody(name, name.vatNumber ? { TaxIdentifier: name.vatNumber } : {}))
  for (const { name } of seed.employees ?? [])
    company.put(
      'Employee',
      {
        DisplayName: name,
        GivenName: name.split(' ')[0] ?? name,
        FamilyName: name.split(' ').slice(1).join(' ') || name,
        Active: true,
      },
      nothingMade(),
      'Create',
    )
  for (const product of seed.products ?? [{ name: 'Sales', income: 'Sales', cost: 'Cost of sales' }]) {
    add(company, 'Item', {
      Name: product.name,
      Type: 'Service',
      ...(product.income ? { IncomeAccountRef: { value: accountNamed(company, product.income) } } : {}),
      ...(product.cost ? { ExpenseAccountRef: { value: accountNamed(company, product.cost) } } : {}),
      ...(product.price === undefined ? {} : { UnitPrice: product.price }),
    })
  }
  return company
}

function add(company: Company, kind: Kind, body: Body): Body {
  const prepared = rulesOf[kind]?.prepare(company, body, undefined) ?? { body, made: nothingMade() }
  return company.put(kind, prepared.body, prepared.made, 'Create')
}

function nameBody(seed: NameSeed, tax: Body): Body {
  return {
    DisplayName: seed.name,
    CompanyName: seed.name,
    ...tax,
    ...(seed.companyNumber ? { Notes: `Company number ${seed.companyNumber}` } : {}),
    ...(seed.email ? { PrimaryEmailAddr: { Address: seed.email } } : {}),
  }
}

function accountNamed(company: Company, name: string): string {
  const found = company.all('Account').find((account) => account.Name === name)
  if (!found?.Id) throw new Error(`the seed names an account that is not there: ${name}`)
  return found.Id
}
