/**
 * The shape of QuickBooks' objects as far as the stand-in looks into them. The published schema says the rest.
 */
export const listKinds = [
  'Customer',
  'Vendor',
  'Employee',
  'Item',
  'Account',
  'TaxCode',
  'TaxRate',
  'TaxAgency',
  'Term',
  'PaymentMethod',
  'CompanyInfo',
  'Preferences',
] as const

export const documentKinds = [
  'Invoice',
  'CreditMemo',
  'SalesReceipt',
  'RefundReceipt',
  'Payment',
  'Bill',
  'VendorCredit',
  'BillPayment',
  'Purchase',
  'Deposit',
  'Transfer',
  'JournalEntry',
] as const

export type DocumentKind = (typeof documentKinds)[number]
export type Kind = (typeof listKinds)[number] | DocumentKind

export const isDocumentKind = (kind: string): kind is DocumentKind =>
  (documentKinds as readonly string[]).includes(kind)
export const isKind = (kind: string): kind is Kind =>
  isDocumentKind(kind) || (listKinds as readonly string[]).includes(kind)

export interface Reference {
  value: string
  name?: string
  type?: string
}

export interface Link {
  TxnId: string
  TxnType: string
  TxnLineId?: string
}

/** What stands on a line of any kind; each detail uses its own part of it. */
export interface Detail {
  ItemRef?: Reference
  AccountRef?: Reference
  CustomerRef?: Reference
  ItemAccountRef?: Reference
  TaxCodeRef?: Reference
  TaxRateRef?: Reference
  TaxAmount?: number
  TaxInclusiveAmt?: number
  TaxApplicableOn?: 'Purchase' | 'Sales'
  Qty?: number
  UnitPrice?: number
  PostingType?: 'Credit' | 'Debit'
  Entity?: Reference & { Type?: string; EntityRef?: Reference }
  [field: string]: unknown
}

export interface Line {
  Id?: string
  LineNum?: number
  Description?: string
  Amount?: number
  DetailType?: string
  LinkedTxn?: Link[]
  SalesItemLineDetail?: Detail
  DiscountLineDetail?: Detail
  AccountBasedExpenseLineDetail?: Detail
  ItemBasedExpenseLineDetail?: Detail
  DepositLineDetail?: Detail
  JournalEntryLineDetail?: Detail
  TaxLineDetail?: Detail
  SubTotalLineDetail?: Detail
  [field: string]: unknown
}

export interface TaxDetail {
  TotalTax?: number
  TaxLine?: Line[]
  [field: string]: unknown
}

export interface Body {
  Id?: string
  SyncToken?: string
  MetaData?: { CreateTime?: string; LastUpdatedTime?: string }
  domain?: string
  sparse?: boolean
  status?: string
  Active?: boolean
  Name?: string
  DisplayName?: string
  DocNumber?: string
  TxnDate?: string
  DueDate?: string
  PrivateNote?: string
  CustomerRef?: Reference
  VendorRef?: Reference
  EntityRef?: Reference
  AccountRef?: Reference
  ARAccountRef?: Reference
  APAccountRef?: Reference
  DepositToAccountRef?: Reference
  FromAccountRef?: Reference
  ToAccountRef?: Reference
  IncomeAccountRef?: Reference
  ExpenseAccountRef?: Reference
  ParentRef?: Reference
  CurrencyRef?: Reference
  CheckPayment?: { BankAccountRef?: Reference; [field: string]: unknown }
  CreditCardPayment?: { CCAccountRef?: Reference; [field: string]: unknown }
  CashBack?: { AccountRef?: Reference; Amount?: number; Memo?: string }
  GlobalTaxCalculation?: 'TaxExcluded' | 'TaxInclusive' | 'NotApplicable'
  TxnTaxDetail?: TaxDetail
  PayType?: string
  PaymentType?: string
  PrintStatus?: string
  PaymentRefNum?: string
  Credit?: boolean
  TotalAmt?: number
  Amount?: number
  AccountType?: string
  AccountSubType?: string
  Classification?: string
  Line?: Line[]
  LinkedTxn?: Link[]
  [field: string]: unknown
}

const details = {
  SalesItemLineDetail: 'SalesItemLineDetail',
  DiscountLineDetail: 'DiscountLineDetail',
  AccountBasedExpenseLineDetail: 'AccountBasedExpenseLineDetail',
  ItemBasedExpenseLineDetail: 'ItemBasedExpenseLineDetail',
  DepositLineDetail: 'DepositLineDetail',
  JournalEntryLineDetail: 'JournalEntryLineDetail',
} as const

/** The detail that the line's DetailType names. */
export function detailOf(line: Line): Detail | undefined {
  const field = details[line.DetailType as keyof typeof details]
  return field ? line[field] : undefined
}
