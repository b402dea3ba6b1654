/**
 * One Xero organisation as the stand-in keeps it: its settings, its lists and its double-entry ledger.
 *
 * Keeps: a record is replaced, never changed in place, so that `mark` and `rollBack` undo a refused call whole.
 * Amounts are whole pence (bigint); days are YYYY-MM-DD; instants are milliseconds.
 */
import { Books } from '../kit/books.ts'

export type AccountClass = 'ASSET' | 'EQUITY' | 'EXPENSE' | 'LIABILITY' | 'REVENUE'

export interface Account {
  id: string
  code: string | null
  name: string
  type: string
  class: AccountClass
  status: 'ACTIVE' | 'ARCHIVED'
  taxType: string
  paymentsEnabled: boolean
  systemAccount?: string
  bankAccountNumber?: string
  description?: string
  updatedAt: number
}

export interface TaxRate {
  taxType: string
  name: string
  /** Per cent with four places: 20 % is 200000. */
  rate: bigint
  /** What is really charged: a reverse charge names 20 % and charges nothing. */
  effectiveRate: bigint
  status: 'ACTIVE' | 'DELETED' | 'ARCHIVED'
  appliesTo: AccountClass[]
}

export interface Contact {
  id: string
  name: string
  number?: string
  status: 'ACTIVE' | 'ARCHIVED'
  mergedInto?: string
  /** Construction industry scheme: the share withheld, per cent with four places. */
  cisRate?: bigint
  /** The other fields of the vendor's schema, as they were sent. */
  more: Record<string, unknown>
  updatedAt: number
  createdAt: number
}

export interface Line {
  id: string
  description: string
  /** Four places. */
  quantity: bigint
  /** Four places. */
  unit: bigint
  accountId: string | null
  taxType: string
  lineMinor: bigint
  taxMinor: bigint
  discountRate?: number
  itemCode?: string
  tracking: unknown[]
}

export type PaperType = 'ACCREC' | 'ACCPAY' | 'ACCRECCREDIT' | 'ACCPAYCREDIT'
export type PaperStatus = 'DRAFT' | 'SUBMITTED' | 'AUTHORISED' | 'PAID' | 'VOIDED' | 'DELETED'
export type LineAmountTypes = 'Exclusive' | 'Inclusive' | 'NoTax'

/** An invoice, a bill or a credit note: they differ in type and in who owes. */
export interface Paper {
  id: string
  type: PaperType
  status: PaperStatus
  contactId: string
  date: string
  dueDate?: string
  number: string
  reference: string
  url?: string
  lineAmountTypes: LineAmountTypes
  lines: Line[]
  subTotalMinor: bigint
  taxMinor: bigint
  totalMinor: bigint
  cisDeductionMinor: bigint
  sentToContact: boolean
  expectedPaymentDate?: string
  paymentIds: string[]
  allocationIds: string[]
  fullyPaidOn?: string
  createdByApp?: string
  createdAt: number
  updatedAt: number
}

export interface Payment {
  id: string
  /** The invoice, bill, credit note, overpayment or prepayment it settles or refunds. */
  of: { kind: 'invoice' | 'creditNote' | 'credit'; id: string }
  type: string
  accountId: string
  date: string
  amountMinor: bigint
  reference: string
  reconciled: boolean
  inBatch: boolean
  status: 'AUTHORISED' | 'DELETED'
  createdAt: number
  updatedAt: number
}

export interface Allocation {
  id: string
  from: { kind: 'creditNote' | 'credit'; id: string }
  invoiceId: string
  amountMinor: bigint
  date: string
  deleted: boolean
}

/** An overpayment or a prepayment, made by a bank entry. */
export interface Credit {
  id: string
  kind: 'Overpayment' | 'Prepayment'
  bankEntryId: string
  allocationIds: string[]
  paymentIds: string[]
  updatedAt: number
}

/** What Xero calls a bank transaction. */
export interface BankEntry {
  id: string
  type: string
  status: 'AUTHORISED' | 'DELETED'
  contactId: string | null
  bankAccountId: string
  date: string
  reference: string
  url?: string
  reconciled: boolean
  lineAmountTypes: LineAmountTypes
  lines: Line[]
  subTotalMinor: bigint
  taxMinor: bigint
  totalMinor: bigint
  creditId?: string
  transferId?: string
  createdAt: number
  updatedAt: number
}

export interface BankTransfer {
  id: string
  fromAccountId: string
  toAccountId: string
  fromEntryId: string
  toEntryId: string
  date: string
  amountMinor: bigint
  reference: string
  fromReconciled: boolean
  toReconciled: boolean
  status: 'AUTHORISED' | 'DELETED'
  createdAt: number
}

export interface ManualJournal {
  id: string
  narration: string
  date: string
  status: 'DRAFT' | 'POSTED' | 'DELETED' | 'VOIDED'
  lineAmountTypes: LineAmountTypes
  lines: { accountId: string; amountMinor: bigint; taxMinor: bigint; taxType: string; description: string }[]
  url?: string
  createdAt: number
  updatedAt: number
}

export interface HistoryNote {
  ofId: string
  at: number
  changes: string
  by: string
  details: string
}

export interface Settings {
  id: string
  name: string
  legalName: string
  countryCode: string
  currency: string
  timezone: string
  ianaZone: string
  paysTax: boolean
  taxNumber?: string
  salesTaxBasis: string
  shortCode: string
  plan: 'STARTER' | 'STANDARD' | 'PREMIUM'
  financialYearEnd: { day: number; month: number }
  periodLockDate?: string
  endOfYearLockDate?: string
  /** The connecting person is an adviser: the period lock does not stop it, the year-end lock does. */
  adviser: boolean
  reportsAllowed: boolean
  subscriptionLapsed: boolean
  /** How many sales invoices and bills the plan may approve in a month; absent means any number. */
  approvalCap?: { sales: number; bills: number }
  createdAt: number
}

function emptyTables(changes: Change[]) {
  return {
    accounts: new Table<Account>(changes),
    taxRates: new Table<TaxRate>(changes),
    contacts: new Table<Contact>(changes),
    invoices: new Table<Paper>(changes),
    creditNotes: new Table<Paper>(changes),
    payments: new Table<Payment>(changes),
    allocations: new Table<Allocation>(changes),
    credits: new Table<Credit>(changes),
    bankEntries: new Table<BankEntry>(changes),
    bankTransfers: new Table<BankTransfer>(changes),
    manualJournals: new Table<ManualJournal>(changes),
    history: new Table<HistoryNote[]>(changes),
  }
}

type Change = () => void

/** Remembers how to take back each of its changes, so that a mark costs nothing however much the book holds. */
class Table<Row> extends Map<string, Row> {
  readonly #changes: Change[]

  constructor(changes: Change[]) {
    super()
    this.#changes = changes
  }

  override set(key: string, row: Row): this {
    const before = super.get(key)
    const isNew = !super.has(key)
    this.#changes.push(() => void (isNew ? super.delete(key) : super.set(key, before as Row)))
    return super.set(key, row)
  }

  override delete(key: string): boolean {
    if (!super.has(key)) return false
    const before = super.get(key) as Row
    this.#changes.push(() => void super.set(key, before))
    return super.delete(key)
  }
}

export type Tables = ReturnType<typeof emptyTables>
export interface Mark {
  settings: Settings
  changes: number
  journals: number
}

export class XeroBook {
  settings: Settings
  readonly #changes: Change[] = []
  readonly tables: Tables = emptyTables(this.#changes)
  readonly ledger = new Books()

  constructor(settings: Settings) {
    this.settings = settings
  }

  mark(): Mark {
    return { settings: { ...this.settings }, changes: this.#changes.length, journals: this.ledger.journals().length }
  }

  rollBack(mark: Mark): void {
    this.settings = mark.settings
    while (this.#changes.length > mark.changes) this.#changes.pop()?.()
    this.ledger.restore(this.ledger.journals().slice(0, mark.journals))
  }

  /** What was done until now stays done: no mark of an earlier call is ever rolled back to. */
  settle(): void {
    this.#changes.length = 0
  }

  systemAccount(kind: string): Account {
    for (const account of this.tables.accounts.values()) if (account.systemAccount === kind) return account
    throw new Error(`the chart has no system account ${kind}`)
  }

  accountBy(ask: { AccountID?: string; AccountCode?: string; Code?: string } | undefined): Account | undefined {
    if (ask === undefined) return undefined
    if (ask.AccountID !== undefined) return this.tables.accounts.get(ask.AccountID.toLowerCase())
    const code = ask.AccountCode ?? ask.Code
    if (code === undefined) return undefined
    return [...this.tables.accounts.values()].find((account) => account.code === code)
  }

  /** The organisation's own day at an instant. */
  dayAt(at: Date): string {
    return new Intl.DateTimeFormat('en-CA', { timeZone: this.settings.ianaZone }).format(at)
  }

  addHistory(ofId: string, note: Omit<HistoryNote, 'ofId'>): void {
    this.tables.history.set(ofId, [...(this.tables.history.get(ofId) ?? []), { ofId, ...note }])
  }

  /** For the kept file. */
  kept(): unknown {
    return {
      settings: this.settings,
      tables: Object.fromEntries(Object.entries(this.tables).map(([name, table]) => [name, [...table.entries()]])),
      journals: this.ledger.journals(),
    }
  }

  static from(kept: unknown): XeroBook {
    const { settings, tables, journals } = kept as {
      settings: Settings
      tables: Record<string, [string, unknown][]>
      journals: Parameters<Books['restore']>[0]
    }
    const book = new XeroBook(settings)
    for (const [name, entries] of Object.entries(tables)) {
      const table = book.tables[name as keyof Tables] as Map<string, unknown> | undefined
      for (const [key, row] of entries) table?.set(key, row)
    }
    book.settle()
    book.ledger.restore(journals)
    return book
  }
}
