/**
 * The chart of accounts and the tax rates.
 */
import { randomUUID } from 'node:crypto'
import { toJsonNumber } from '../kit/decimals.ts'
import { Invalid, instantStamp, notFound, Refused } from './answers.ts'
import type { Account, TaxRate, XeroBook } from './book.ts'
import type { Element } from './elements.ts'
import { elementsOf, writeOne } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { list } from './list.ts'
import { classOfType } from './seeds.ts'

const scope = 'accounting.settings'

export const accountEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/Accounts',
    scope,
    act: (call) =>
      list(call, {
        plural: 'Accounts',
        schema: 'Account',
        rows: [...call.book.tables.accounts.values()],
        updatedAt: (row) => row.updatedAt,
        createdAt: (row) => row.updatedAt,
        render,
      }),
  },
  {
    method: 'PUT',
    path: '/Accounts',
    scope,
    body: { plural: 'Accounts', schema: 'Account', required: ['Name', 'Type'] },
    act: (call) => {
      const asks = elementsOf(call.body, 'Accounts')
      const [ask = {}] = asks
      if (asks.length > 1)
        throw new Refused(400, {
          ErrorNumber: 17,
          Type: 'PostDataInvalidException',
          Message: 'Only one account can be created at a time',
        })
      return writeOne(call, ask, () => ({ Accounts: [render(createAccount(call, ask))] }))
    },
  },
  {
    method: 'GET',
    path: '/Accounts/:id',
    scope,
    act: ({ book, params }) => ({ Accounts: [render(accountAt(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/Accounts/:id',
    scope,
    body: { plural: 'Accounts', schema: 'Account' },
    act: (call) => {
      const account = accountAt(call.book, call.params.id ?? '')
      const [ask = {}] = elementsOf(call.body, 'Accounts')
      return writeOne(call, { AccountID: account.id, ...ask }, () => ({
        Accounts: [render(changeAccount(call, account, ask))],
      }))
    },
  },
  {
    method: 'GET',
    path: '/TaxRates',
    scope,
    act: (call) =>
      list(call, {
        plural: 'TaxRates',
        schema: 'TaxRate',
        rows: [...call.book.tables.taxRates.values()],
        updatedAt: () => 0,
        createdAt: () => 0,
        render: renderRate,
      }),
  },
  {
    method: 'GET',
    path: '/TaxRates/:taxType',
    scope,
    act: ({ book, params }) => {
      const found = book.tables.taxRates.get(params.taxType ?? '')
      if (found === undefined) throw notFound()
      return { TaxRates: [renderRate(found)] }
    },
  },
]

function accountAt(book: XeroBook, id: string): Account {
  const found = book.tables.accounts.get(id.toLowerCase())
  if (found === undefined) throw notFound()
  return found
}

export function createAccount(call: Call, ask: Element): Account {
  const { book } = call
  const type = String(ask.Type)
  const accountClass = classOfType(type)
  const name = String(ask.Name ?? '').trim()
  const code = ask.Code === undefined ? null : String(ask.Code)
  const messages: string[] = []
  if (accountClass === undefined) messages.push('Account type is not valid')
  messages.push(...takenMessages(book, undefined, name, code))
  if (code === null && type !== 'BANK') messages.push('Please enter a Code.')
  if (type === 'BANK' && !ask.BankAccountNumber) messages.push('Bank Account Number is required')
  const taxType = String(ask.TaxType ?? 'NONE')
  if (!book.tables.taxRates.has(taxType)) messages.push(`The TaxType code '${taxType}' does not exist`)
  if (ask.CurrencyCode !== undefined && ask.CurrencyCode !== book.settings.currency)
    messages.push(`Organisation is not subscribed to currency ${ask.CurrencyCode}`)
  if (messages.length > 0 || accountClass === undefined) throw new Invalid(...messages)
  const account: Account = {
    id: randomUUID(),
    code,
    name,
    type,
    class: accountClass,
    status: 'ACTIVE',
    taxType,
    paymentsEnabled: ask.EnablePaymentsToAccount === true && type !== 'BANK',
    ...(type === 'BANK' ? { bankAccountNumber: String(ask.BankAccountNumber) } : {}),
    ...(ask.Description === undefined ? {} : { description: String(ask.Description) }),
    updatedAt: call.now.getTime(),
  }
  book.tables.accounts.set(account.id, account)
  return account
}

function takenMessages(book: XeroBook, ownId: string | undefined, name: string, code: string | null): string[] {
  const others = [...book.tables.accounts.values()].filter((row) => row.id !== ownId)
  const messages: string[] = []
  if (name === '' || others.some((row) => row.name.toLowerCase() === name.toLowerCase()))
    messages.push('Please enter a unique Name.')
  if (code !== null && others.some((row) => row.code === code)) messages.push('Please enter a unique Code.')
  return messages
}

function changeAccount(call: Call, before: Account, ask: Element): Account {
  const { book } = call
  if (before.systemAccount !== undefined && ask.Status === 'ARCHIVED')
    throw new Invalid('A system account cannot be archived')
  const name = ask.Name === undefined ? before.name : String(ask.Name).trim()
  const code = ask.Code === undefined ? before.code : String(ask.Code)
  const messages = takenMessages(book, before.id, name, code)
  if (messages.length > 0) throw new Invalid(...messages)
  const changed: Account = {
    ...before,
    name,
    code,
    status: ask.Status === 'ARCHIVED' ? 'ARCHIVED' : ask.Status === 'ACTIVE' ? 'ACTIVE' : before.status,
    paymentsEnabled:
      ask.EnablePaymentsToAccount === undefined ? before.paymentsEnabled : ask.EnablePaymentsToAccount === true,
    ...(ask.Description === undefined ? {} : { description: String(ask.Description) }),
    updatedAt: call.now.getTime(),
  }
  book.tables.accounts.set(changed.id, changed)
  return changed
}

export function render(account: Account): Element {
  return {
    AccountID: account.id,
    ...(account.code === null ? {} : { Code: account.code }),
    Name: account.name,
    Status: account.status,
    Type: account.type,
    TaxType: account.taxType,
    ...(account.description === undefined ? {} : { Description: account.description }),
    Class: account.class,
    ...(account.systemAccount === undefined ? {} : { SystemAccount: account.systemAccount }),
    EnablePaymentsToAccount: account.paymentsEnabled,
    ShowInExpenseClaims: false,
    ...(account.type === 'BANK' ? { BankAccountNumber: account.bankAccountNumber ?? '', BankAccountType: 'BANK' } : {}),
    ReportingCode: account.class.slice(0, 3),
    HasAttachments: false,
    UpdatedDateUTC: instantStamp(account.updatedAt),
    AddToWatchlist: false,
  }
}

function renderRate(taxRate: TaxRate): Element {
  const rate = toJsonNumber(taxRate.rate, 4)
  const may = (accountClass: Account['class']) => taxRate.appliesTo.includes(accountClass)
  return {
    Name: taxRate.name,
    TaxType: taxRate.taxType,
    ReportTaxType: taxRate.taxType,
    CanApplyToAssets: may('ASSET'),
    CanApplyToEquity: may('EQUITY'),
    CanApplyToExpenses: may('EXPENSE'),
    CanApplyToLiabilities: may('LIABILITY'),
    CanApplyToRevenue: may('REVENUE'),
    DisplayTaxRate: rate,
    EffectiveRate: toJsonNumber(taxRate.effectiveRate, 4),
    Status: taxRate.status,
    TaxComponents: [{ Name: 'VAT', Rate: rate, IsCompound: false, IsNonRecoverable: false }],
  }
}
