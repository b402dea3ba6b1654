/**
 * What goes together in one PUT: the endpoint, the fields, and what its answer is read as.
 *
 * Never: POST to a list, which would take a contact or a document of the same name for the one meant.
 */
import type {
  AccountingApi,
  BankTransactions,
  Contacts,
  CreditNotes,
  Invoices,
  ManualJournals,
  Payments,
} from 'xero-node'
import type { CallAnswer } from '../http.ts'
import type { Bill, BookError, Contact, CreditNote, Grant, Invoice, Journal, Money, Payment, Receipt } from '../port.ts'
import type { Json } from './answer.ts'
import { callIdIn, refuse, warningsIn } from './errors.ts'
import { deepLink } from './links.ts'
import { documentReaders, type ListName } from './lists.ts'
import { goesThroughPaper } from './money-through-paper.ts'
import type { Frame } from './sheet.ts'
import * as theirs from './translate.ts'
import { contactFrom, receiptFrom } from './translate-back.ts'

export type NewDocument = Invoice | Bill | CreditNote | Money | Journal
export type Group = {
  list: ListName
  fields: (thing: never) => theirs.Fields
  put: (api: AccountingApi, tenant: string, elements: theirs.Fields[], key: string) => Promise<unknown>
  receipt: (json: Json, thing: never, answer: CallAnswer) => Receipt | null
}

/** What can be told before a call is spent on it. */
export function refusalOf(thing: NewDocument, chart: theirs.Chart, grant: Grant): BookError | null {
  if (thing.kind === 'journal') {
    const mayPost = grant.scopes.some((scope) => /^accounting\.(manualjournals|transactions)$/.test(scope))
    return mayPost ? null : refuse('invalid', 'scope_missing', 'The consent does not cover manual journals.')
  }
  if (thing.kind !== 'money_spent' && thing.kind !== 'money_received') return null
  if (thing.clearing !== null) {
    return refuse(
      'invalid',
      'account_refused',
      'Xero posts no bank line to debtors or creditors; a refund is a payment on the credit note.',
    )
  }
  const account = chart.get(thing.accountId)
  if (account === undefined || account.kind === 'bank' || goesThroughPaper(account)) return null
  return refuse(
    'invalid',
    'account_not_bank',
    `Xero spends and receives money on bank accounts, and pays bills from current liabilities; ${account.name} is neither.`,
  )
}

export function documentGroups(chart: theirs.Chart, frame: Frame): [kinds: string[], group: Group][] {
  const receiptOf =
    (read: (json: Json, frame: Frame) => Parameters<typeof receiptFrom>[0] | null): Group['receipt'] =>
    (json, _thing, answer) => {
      const document = read(json, frame)
      return document && receiptFrom(document, warningsIn(json), callIdIn(answer))
    }
  return [
    [
      ['invoice', 'bill'],
      {
        list: 'Invoices',
        fields: (paper: Invoice | Bill) => theirs.invoiceFields(paper, chart),
        put: (api, tenant, invoices, key) =>
          api.createInvoices(tenant, { invoices } as unknown as Invoices, false, undefined, key),
        receipt: receiptOf(documentReaders.Invoices),
      },
    ],
    [
      ['credit_note', 'supplier_credit'],
      {
        list: 'CreditNotes',
        fields: (paper: CreditNote) => theirs.creditNoteFields(paper, chart),
        put: (api, tenant, creditNotes, key) =>
          api.createCreditNotes(tenant, { creditNotes } as unknown as CreditNotes, false, undefined, key),
        receipt: receiptOf(documentReaders.CreditNotes),
      },
    ],
    [
      ['money_spent', 'money_received'],
      {
        list: 'BankTransactions',
        fields: (money: Money) => theirs.bankTransactionFields(money, chart),
        put: (api, tenant, bankTransactions, key) =>
          api.createBankTransactions(
            tenant,
            { bankTransactions } as unknown as BankTransactions,
            false,
            undefined,
            key,
          ),
        receipt: receiptOf(documentReaders.BankTransactions),
      },
    ],
    [
      ['journal'],
      {
        list: 'ManualJournals',
        fields: (journal: Journal) => theirs.journalFields(journal, chart),
        put: (api, tenant, manualJournals, key) =>
          api.createManualJournals(tenant, { manualJournals } as unknown as ManualJournals, false, key),
        receipt: receiptOf(documentReaders.ManualJournals),
      },
    ],
  ]
}

export const paymentGroup: Group = {
  list: 'Payments',
  fields: (payment: Payment) => theirs.paymentFields(payment),
  put: (api, tenant, payments, key) => api.createPayments(tenant, { payments } as unknown as Payments, false, key),
  receipt: (json, payment: Payment, answer) => {
    const document = documentReaders.Payments(json, { shortCode: null, currency: payment.currency })
    return document && receiptFrom(document, warningsIn(json), callIdIn(answer))
  },
}

export function contactGroup(frame: Frame): Group {
  return {
    list: 'Contacts',
    fields: (contact: Contact) => theirs.contactFields(contact),
    put: (api, tenant, contacts, key) => api.createContacts(tenant, { contacts } as unknown as Contacts, false, key),
    receipt: (json, _contact, answer) => contactReceipt(json, frame, answer),
  }
}

export function contactReceipt(json: Json, frame: Frame, answer: CallAnswer | null): Receipt | null {
  const contact = contactFrom(json)
  if (contact === null) return null
  return {
    kind: 'contact',
    id: contact.id,
    version: contact.version,
    number: null,
    totalMinor: null,
    openMinor: null,
    datedOn: null,
    status: null,
    deepLink: deepLink('contact', contact.id, frame.shortCode),
    warnings: warningsIn(json),
    callId: answer && callIdIn(answer),
  }
}
