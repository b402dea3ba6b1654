/**
 * Customers, vendors and employees: one space of names for all three.
 */
import { toJsonNumber } from '../kit/decimals.ts'
import type { Company } from './company.ts'
import type { Body } from './document.ts'
import { businessRule, refuse } from './fault.ts'
import { creditorAccounts, debtorAccounts, nothingMade, type Rules } from './rules.ts'

const nameKinds = ['Customer', 'Vendor', 'Employee'] as const
const nameParts = ['Title', 'GivenName', 'MiddleName', 'FamilyName', 'Suffix']

const nameRules = (kind: 'Customer' | 'Vendor'): Rules => ({
  prepare(company, body, earlier) {
    const DisplayName =
      body.DisplayName ?? nameParts.flatMap((part) => (typeof body[part] === 'string' ? [body[part]] : [])).join(' ')
    mustBeFree(company, DisplayName, kind, body.Id)
    if (body.CurrencyRef && body.CurrencyRef.value !== (earlier?.CurrencyRef?.value ?? company.terms.currency))
      throw businessRule('The currency of a name cannot be changed or differ from the home currency.', 'CurrencyRef')
    const { Balance, BalanceWithJobs, FullyQualifiedName, ...rest } = body
    const complete: Body = {
      ...rest,
      DisplayName,
      PrintOnCheckName: rest.PrintOnCheckName ?? DisplayName,
      Active: rest.Active ?? true,
      CurrencyRef: { value: company.terms.currency },
    }
    return { body: complete, made: nothingMade() }
  },
  shown(company, body) {
    const accounts = kind === 'Customer' ? debtorAccounts(company) : creditorAccounts(company)
    const owed = company.balanceWith(kind, body.Id ?? '', accounts)
    const Balance = toJsonNumber(kind === 'Customer' ? owed : -owed)
    return kind === 'Customer'
      ? { ...body, Balance, BalanceWithJobs: Balance, FullyQualifiedName: body.DisplayName }
      : { ...body, Balance }
  },
})

export const customers = nameRules('Customer')
export const vendors = nameRules('Vendor')

function mustBeFree(company: Company, displayName: string, kind: string, ownId: string | undefined): void {
  const wanted = displayName.trim().toLowerCase()
  for (const other of nameKinds) {
    const taken = company
      .all(other)
      .find((body) => body.DisplayName?.trim().toLowerCase() === wanted && !(other === kind && body.Id === ownId))
    if (!taken || (taken.Active === false && !company.quirks.inactiveNamesBlock)) continue
    throw refuse('6240', `The name supplied already exists. : Id=${taken.Id}`)
  }
}
