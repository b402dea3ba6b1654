/**
 * QuickBooks Online behind the port: the verbs, each in the file that does it.
 *
 * Keeps: everything of QuickBooks stays in this folder; what leaves it is the port's.
 *
 * @path trade 6/7 writes the trade's documents into a QuickBooks company
 * @path reconcile 3/6 reads a QuickBooks company back
 */
import type { BookConnector } from '../port.ts'
import { balance } from './balance.ts'
import { bells } from './bells.ts'
import { cancel } from './cancel.ts'
import { changes } from './changes.ts'
import { currenciesOf } from './currencies.ts'
import { contacts, describe, openAccount } from './describe.ts'
import { find } from './find.ts'
import { quickbooksLimits } from './limits.ts'
import { consentOf } from './oauth.ts'
import { putContacts, putDocuments, putPayments } from './put.ts'
import { type QuickBooksSettings, wireTo } from './wire.ts'

export type { QuickBooksSettings } from './wire.ts'

export function quickbooksConnector(settings: QuickBooksSettings): BookConnector {
  const wire = wireTo(settings)
  const currencies = currenciesOf(wire)
  return {
    kind: 'quickbooks',
    limits: quickbooksLimits,
    refundsInTwoSteps: true,
    ...consentOf(settings, wire),

    describe: (grant) => describe(wire, grant),
    contacts: (grant) => contacts(wire, grant),
    balance: (grant, account, on) => balance(wire, grant, account, on),
    changes: (grant, since) => changes(wire, currencies, grant, since),
    find: (grant, sought) => find(wire, currencies, grant, sought),

    openAccount: (grant, { key, thing }) => openAccount(wire, grant, key, thing),
    putContacts: (grant, asks) => putContacts(wire, grant, asks),
    putDocuments: (grant, asks) => putDocuments(wire, currencies, grant, asks),
    putPayments: (grant, asks) => putPayments(wire, grant, asks),
    cancel: (grant, asks) => cancel(wire, grant, asks),

    bells,
  }
}
