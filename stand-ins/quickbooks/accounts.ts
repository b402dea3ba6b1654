/**
 * Accounts and the products sold or bought, with the chart that a new company starts with.
 */
import { toJsonNumber } from '../kit/decimals.ts'
import type { Company } from './company.ts'
import type { Body } from './document.ts'
import { businessRule, refuse } from './fault.ts'
import { nothingMade, type Rules, referred } from './rules.ts'

const classifications: Record<string, string> = {
  Bank: 'Asset',
  'Accounts Receivable': 'Asset',
  'Other Current Asset': 'Asset',
  'Fixed Asset': 'Asset',
  'Other Asset': 'Asset',
  'Accounts Payable': 'Liability',
  'Credit Card': 'Liability',
  'Other Current Liability': 'Liability',
  'Long Term Liability': 'Liability',
  Equity: 'Equity',
  Income: 'Revenue',
  'Other Income': 'Revenue',
  'Cost of Goods Sold': 'Expense',
  Expense: 'Expense',
  'Other Expense': 'Expense',
}

/** Each type's subtypes that a caller may name; the first is what a new account of that type gets. */
const subTypes: Record<string, string[]> = {
  Bank: [
    'CashOnHand',
    'Checking',
    'MoneyMarket',
    'RentsHeldInTrust',
    'Savings',
    'TrustAccounts',
    'CashAndCashEquivalents',
  ],
  'Accounts Receivable': ['AccountsReceivable'],
  'Other Current Asset': [
    'OtherCurrentAssets',
    'UndepositedFunds',
    'PrepaidExpenses',
    'LoansToOthers',
    'EmployeeCashAdvances',
  ],
  'Fixed Asset': ['FurnitureAndFixtures', 'MachineryAndEquipment', 'Vehicles', 'OtherFixedAssets'],
  'Other Asset': ['OtherLongTermAssets', 'SecurityDeposits'],
  'Accounts Payable': ['AccountsPayable'],
  'Credit Card': ['CreditCard'],
  'Other Current Liability': [
    'OtherCurrentLiabilities',
    'GlobalTaxPayable',
    'GlobalTaxSuspense',
    'PayrollClearing',
    'PayrollTaxPayable',
    'LoanPayable',
  ],
  'Long Term Liability': ['NotesPayable', 'OtherLongTermLiabilities', 'ShareholderNotesPayable'],
  Equity: ['OpeningBalanceEquity', 'RetainedEarnings', 'OwnersEquity', 'ShareCapital'],
  Income: [
    'SalesOfProductIncome',
    'ServiceFeeIncome',
    'OtherPrimaryIncome',
    'DiscountsRefundsGiven',
    'NonProfitIncome',
  ],
  'Other Income': ['OtherMiscellaneousIncome', 'InterestEarned'],
  'Cost of Goods Sold': ['SuppliesMaterialsCogs', 'OtherCostsOfServiceCos'],
  Expense: [
    'AdvertisingPromotional',
    'OfficeGeneralAdministrativeExpenses',
    'BankCharges',
    'DuesSubscriptions',
    'OtherMiscellaneousServiceCost',
    'PayrollExpenses',
    'SuppliesMaterials',
  ],
  'Other Expense': ['OtherMiscellaneousExpense', 'Depreciation'],
}

const onBalanceSheet = ['Asset', 'Liability', 'Equity']

export const accounts: Rules = {
  prepare(company, body, earlier) {
    const AccountType =
      body.AccountType ?? Object.keys(subTypes).find((type) => subTypes[type]?.includes(body.AccountSubType ?? ''))
    if (!AccountType || !classifications[AccountType])
      throw refuse('6010', `Account type ${body.AccountType ?? body.AccountSubType} is not valid`, 'AccountType')
    const AccountSubType =
      body.AccountSubType ??
      (earlier?.AccountType === AccountType ? earlier.AccountSubType : subTypes[AccountType]?.[0])
    if (!subTypes[AccountType]?.includes(AccountSubType ?? ''))
      throw refuse('6010', `Account subtype ${AccountSubType} does not belong to ${AccountType}`, 'AccountSubType')
    if (
      earlier &&
      earlier.AccountType !== AccountType &&
      company.books.entriesOf(body.Id ?? '').length > 0 &&
      ['Accounts Receivable', 'Accounts Payable'].includes(AccountType)
    )
      throw businessRule('An account with entries cannot become debtors or creditors.', 'AccountType')
    mustBeFree(company, body)
    const { CurrentBalance, CurrentBalanceWithSubAccounts, FullyQualifiedName, ...rest } = body
    const complete: Body = {
      ...rest,
      FullyQualifiedName: body.Name,
      Active: rest.Active ?? true,
      SubAccount: rest.SubAccount ?? false,
      Classification: classifications[AccountType] ?? 'Asset',
      AccountType,
      AccountSubType: AccountSubType ?? '',
      CurrencyRef: { value: company.terms.currency },
    }
    return { body: complete, made: nothingMade() }
  },
  shown(company, body) {
    const last = company.quirks.futureEntriesCount ? undefined : company.day
    const minor = onBalanceSheet.includes(body.Classification ?? '') ? company.books.balanceOf(body.Id ?? '', last) : 0n
    const CurrentBalance = toJsonNumber(minor)
    return { ...body, CurrentBalance, CurrentBalanceWithSubAccounts: CurrentBalance }
  },
}

function mustBeFree(company: Company, body: Body): void {
  const wanted = body.Name?.trim().toLowerCase()
  const taken = company
    .all('Account')
    .find((other) => other.Id !== body.Id && other.Name?.trim().toLowerCase() === wanted)
  if (taken)
    throw refuse(
      '6240',
      `The name supplied already exists. : Another account is already using this name. Id=${taken.Id}`,
      'Name',
    )
}

export const products: Rules = {
  prepare(company, body) {
    if (body.Type === 'Inventory' && !body.AssetAccountRef)
      throw refuse('2020', 'Required parameter AssetAccountRef is missing in the request', 'AssetAccountRef')
    if (body.IncomeAccountRef) referred(company, 'Account', body.IncomeAccountRef, 'IncomeAccountRef')
    if (body.ExpenseAccountRef) referred(company, 'Account', body.ExpenseAccountRef, 'ExpenseAccountRef')
    const wanted = body.Name?.trim().toLowerCase()
    const taken = company
      .all('Item')
      .find((other) => other.Id !== body.Id && other.Name?.trim().toLowerCase() === wanted)
    if (taken) throw refuse('6240', `The name supplied already exists. : Id=${taken.Id}`, 'Name')
    const complete: Body = {
      ...body,
      FullyQualifiedName: body.Name,
      Active: body.Active ?? true,
      UnitPrice: body.UnitPrice ?? 0,
      TrackQtyOnHand: body.TrackQtyOnHand ?? false,
    }
    return { body: complete, made: nothingMade() }
  },
}

/** What every company starts with, besides what its own trade needs. */
export const startingChart: [name: string, type: string, subType: string][] = [
  ['Business Current Account', 'Bank', 'Checking'],
  ['Cash on hand', 'Bank', 'CashOnHand'],
  ['Undeposited Funds', 'Other Current Asset', 'UndepositedFunds'],
  ['Debtors', 'Accounts Receivable', 'AccountsReceivable'],
  ['Creditors', 'Accounts Payable', 'AccountsPayable'],
  ['Company credit card', 'Credit Card', 'CreditCard'],
  ['Net wages payable', 'Other Current Liability', 'OtherCurrentLiabilities'],
  ['Other creditors', 'Other Current Liability', 'OtherCurrentLiabilities'],
  ['Opening Balance Equity', 'Equity', 'OpeningBalanceEquity'],
  ['Retained Earnings', 'Equity', 'RetainedEarnings'],
  ['Sales', 'Income', 'SalesOfProductIncome'],
  ['Services', 'Income', 'ServiceFeeIncome'],
  ['Other income', 'Other Income', 'OtherMiscellaneousIncome'],
  ['Cost of sales', 'Cost of Goods Sold', 'SuppliesMaterialsCogs'],
  ['Office expenses', 'Expense', 'OfficeGeneralAdministrativeExpenses'],
  ['Advertising', 'Expense', 'AdvertisingPromotional'],
  ['Membership and network fees', 'Expense', 'DuesSubscriptions'],
  ['Staff benefits', 'Expense', 'PayrollExpenses'],
  ['Other expenses', 'Other Expense', 'OtherMiscellaneousExpense'],
]
