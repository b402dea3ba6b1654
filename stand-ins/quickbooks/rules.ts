/**
 * What each kind of object must bring: how it is completed and checked before it is kept, and how it is shown.
 */
import type { Company, Made } from './company.ts'
import type { Body, Detail, Reference } from './document.ts'
import { businessRule, inactive, refuse, unknownReference } from './fault.ts'

export interface Rules {
  /** Completes a body and works out what it posts; throws a fault when a rule of bookkeeping says no. */
  prepare(company: Company, body: Body, earlier: Body | undefined): { body: Body; made: Made }
  /** Adds what is worked out at reading: balances, open amounts, links. */
  shown?(company: Company, body: Body): Body
}

export const nothingMade = (): Made => ({ postings: [], settles: [], carries: [] })

type Referred = 'Customer' | 'Vendor' | 'Employee' | 'Item' | 'Account'

/** The object a reference names; refused when it is missing, unknown or inactive. */
export function referred(
  company: Company,
  kind: Referred,
  reference: Reference | undefined,
  element: string,
): Body & { Id: string } {
  if (reference === undefined) throw refuse('2020', `Required parameter ${element} is missing in the request`, element)
  const found = company.find(kind, reference.value)
  if (!found?.Id) throw unknownReference(kind, reference.value, element)
  if (found.Active === false) throw inactive(element)
  return found as Body & { Id: string }
}

/** A reference as answers show it: with the name. */
export function named(company: Company, kind: Referred, reference: Reference): Reference {
  const found = company.find(kind, reference.value)
  const name = found?.DisplayName ?? found?.Name
  return { value: reference.value, ...(name ? { name } : {}) }
}

export function accountOfType(
  company: Company,
  reference: Reference | undefined,
  element: string,
  types: string[],
): Body & { Id: string } {
  const account = referred(company, 'Account', reference, element)
  if (types.includes(account.AccountType ?? '')) return account
  throw businessRule(`Select an account of type ${types.join(' or ')} for this transaction.`, element)
}

/** The company's own account of a type, such as its debtors; `subType` picks one of several. */
export function ownAccount(company: Company, accountType: string, subType?: string): Body & { Id: string } {
  const found = company
    .all('Account')
    .find(
      (account) =>
        account.AccountType === accountType &&
        account.Active !== false &&
        (subType === undefined || account.AccountSubType === subType),
    )
  if (!found?.Id) throw businessRule(`The company has no account of type ${accountType}.`)
  return found as Body & { Id: string }
}

export const debtorAccounts = (company: Company): string[] => accountsOfType(company, 'Accounts Receivable')
export const creditorAccounts = (company: Company): string[] => accountsOfType(company, 'Accounts Payable')

function accountsOfType(company: Company, type: string): string[] {
  return company.all('Account').flatMap((account) => (account.AccountType === type && account.Id ? [account.Id] : []))
}

/** Where VAT is collected. */
export const vatAccount = (company: Company): string =>
  ownAccount(company, 'Other Current Liability', 'GlobalTaxPayable').Id

/** A line on debtors needs a customer, one on creditors a vendor. */
export function partyOn(
  company: Company,
  account: Body,
  reference: (Reference & { type?: string }) | undefined,
  kind: string | undefined,
) {
  if (account.AccountType === 'Accounts Receivable') {
    if (!reference || kind !== 'Customer')
      throw businessRule('When you use Accounts Receivable, you must choose a customer in the Name field.', 'EntityRef')
    return { kind: 'Customer' as const, id: referred(company, 'Customer', reference, 'EntityRef').Id }
  }
  if (account.AccountType === 'Accounts Payable') {
    if (!reference || kind !== 'Vendor')
      throw businessRule('When you use Accounts Payable, you must choose a vendor in the Name field.', 'EntityRef')
    return { kind: 'Vendor' as const, id: referred(company, 'Vendor', reference, 'EntityRef').Id }
  }
  return undefined
}

/** Home currency only; with more than one currency switched on, every document must say which. */
export function checkCurrency(company: Company, body: Body): Reference {
  const home = company.terms.currency
  if (company.terms.multiCurrency && !body.CurrencyRef)
    throw refuse('2020', 'Required parameter CurrencyRef is missing in the request', 'CurrencyRef')
  if (body.CurrencyRef && body.CurrencyRef.value !== home)
    throw businessRule(`The company does not keep documents in ${body.CurrencyRef.value}.`, 'CurrencyRef')
  return { value: home, ...(home === 'GBP' ? { name: 'British Pound Sterling' } : {}) }
}

export const codeOf = (detail: Detail | undefined): string | undefined => detail?.TaxCodeRef?.value

/** Lines get ids in their order, as QuickBooks gives them. */
export function numbered(lines: NonNullable<Body['Line']>): NonNullable<Body['Line']> {
  return lines.map((line, at) => ({ ...line, Id: String(at + 1), LineNum: at + 1 }))
}
