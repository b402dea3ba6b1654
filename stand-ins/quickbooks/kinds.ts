/**
 * The register of kinds: the rules of each, its place in the address, and what may be done with it.
 */
import { accounts, products } from './accounts.ts'
import type { Company } from './company.ts'
import { deposits, transfers } from './deposits.ts'
import { type Body, documentKinds, type Kind, listKinds } from './document.ts'
import { journals } from './journal.ts'
import { billPayments, payments } from './money.ts'
import { customers, vendors } from './names.ts'
import { bills, purchases, vendorCredits } from './purchases.ts'
import type { Rules } from './rules.ts'
import { creditMemos, invoices, refundReceipts, salesReceipts } from './sales.ts'
import { aboutCompany, preferences } from './settings.ts'

export const rulesOf: Partial<Record<Kind, Rules>> = {
  Customer: customers,
  Vendor: vendors,
  Account: accounts,
  Item: products,
  Invoice: invoices,
  CreditMemo: creditMemos,
  SalesReceipt: salesReceipts,
  RefundReceipt: refundReceipts,
  Payment: payments,
  Bill: bills,
  VendorCredit: vendorCredits,
  BillPayment: billPayments,
  Purchase: purchases,
  Deposit: deposits,
  Transfer: transfers,
  JournalEntry: journals,
}

/** How a void is asked for, where a kind knows one. */
export const voidedBy: Partial<Record<Kind, 'void' | 'include'>> = {
  Invoice: 'void',
  Payment: 'include',
  SalesReceipt: 'include',
  BillPayment: 'include',
}

/** Kinds whose documents QuickBooks numbers by itself when the company has no numbers of its own. */
export const numberedForms: readonly Kind[] = ['Invoice', 'CreditMemo', 'SalesReceipt', 'RefundReceipt']

const byPath = new Map<string, Kind>([...listKinds, ...documentKinds].map((kind) => [kind.toLowerCase(), kind]))

export const kindAt = (path: string): Kind | undefined => byPath.get(path.toLowerCase())

/** All objects of a kind as stored; the company's own two are made from its terms. */
export function everyOf(company: Company, kind: Kind): Body[] {
  if (kind === 'CompanyInfo') return [aboutCompany(company)]
  if (kind === 'Preferences') return [preferences(company)]
  return company.all(kind)
}

export const shown = (company: Company, kind: Kind, body: Body): Body => rulesOf[kind]?.shown?.(company, body) ?? body
