/**
 * A book's home currency and its own debtors and creditors: read once, kept while the connector lives.
 *
 * Keeps: what cannot change without a new book. Everything else is read when it is asked for.
 */
import type { Grant } from '../port.ts'
import { quickbooksError } from './errors.ts'
import { flagAt, textAt } from './json.ts'
import { allOf, quoted } from './query.ts'
import type { Wire } from './wire.ts'

export type Currencies = {
  home(grant: Grant): Promise<string>
  clearingAccount(grant: Grant, side: 'receivable' | 'payable', currency: string): Promise<string>
}

export function currenciesOf(wire: Wire): Currencies {
  const homes = new Map<string, string>()
  const accounts = new Map<string, string>()
  return {
    async home(grant) {
      const known = homes.get(grant.bookId)
      if (known) return known
      const { body } = await wire.get(grant, 'preferences')
      const currency = textAt(body, 'Preferences', 'CurrencyPrefs', 'HomeCurrency', 'value') ?? ''
      homes.set(grant.bookId, currency)
      return currency
    },
    async clearingAccount(grant, side, currency) {
      const key = `${grant.bookId} ${side} ${currency}`
      const known = accounts.get(key)
      if (known) return known
      const type = side === 'receivable' ? 'Accounts Receivable' : 'Accounts Payable'
      const rows = await allOf(wire, grant, 'Account', `AccountType = ${quoted(type)}`)
      const open = rows.filter((row) => flagAt(row, 'Active') !== false && textAt(row, 'AccountType') === type)
      // With several currencies there is one of each; without, the account may name no currency at all.
      const fitting = open.filter((row) => (textAt(row, 'CurrencyRef', 'value') ?? currency) === currency)
      const id = textAt(fitting[0] ?? open[0], 'Id')
      if (id === null)
        throw quickbooksError('invalid', 'account_archived', `The book has no account of the type ${type}.`)
      accounts.set(key, id)
      return id
    },
  }
}
