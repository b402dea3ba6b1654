/**
 * What a person does in an organisation behind our back: the deeds of the control plane.
 *
 * Keeps: a deed goes through the same rules as the API, so the books stay right; amounts are decimal text.
 */

import type { Ask } from '../kit/control.ts'
import { ControlRefusal } from '../kit/control.ts'
import { toJsonNumber, toMinorExact } from '../kit/decimals.ts'
import { Invalid, Refused } from './answers.ts'
import { changeEntry, createEntry } from './bank.ts'
import type { Account, Contact, Paper, XeroBook } from './book.ts'
import { createContact, updateContact } from './contacts.ts'
import { updateCreditNote } from './credit-notes.ts'
import type { Element } from './elements.ts'
import type { Bell, Call } from './endpoint.ts'
import { createInvoice, updateInvoice } from './invoices.ts'
import { changeJournal } from './manual-journals.ts'
import { openOf } from './owing.ts'
import { deletePayment, pay } from './payments.ts'

export interface Done {
  answer: unknown
  bells: Bell[]
}

type Deed = (call: Call, ask: Ask) => unknown

const deeds: Record<string, Deed> = {
  voidInvoice: (call, ask) => {
    const paper = removePayments(call, invoiceNamed(call.book, ask))
    return updateInvoice(call, paper, {
      Status: paper.status === 'DRAFT' || paper.status === 'SUBMITTED' ? 'DELETED' : 'VOIDED',
    })
  },
  deletePayment: (call, ask) => {
    const payment = call.book.tables.payments.get(String(ask.id))
    if (payment === undefined) throw new ControlRefusal('no such payment')
    return deletePayment(call, payment)
  },
  deleteDocument: (call, ask) => deleteDocument(call, String(ask.id)),
  editInvoice: (call, ask) => editInvoice(call, ask),
  archiveAccount: (call, ask) => keepAccount(call, { ...accountNamed(call.book, ask), status: 'ARCHIVED' }),
  renameAccount: (call, ask) => keepAccount(call, { ...accountNamed(call.book, ask), name: String(ask.name) }),
  archiveContact: (call, ask) => updateContact(call, contactNamed(call.book, ask), { ContactStatus: 'ARCHIVED' }),
  renameContact: (call, ask) => updateContact(call, contactNamed(call.book, ask), { Name: ask.name }),
  mergeContact: (call, ask) => mergeContact(call, contactNamed(call.book, ask), String(ask.into)),
  setCis: (call, ask) => {
    const changed = { ...contactNamed(call.book, ask), cisRate: toMinorExact(String(ask.percent), 4) }
    call.book.tables.contacts.set(changed.id, changed)
    return changed
  },
  addContact: (call, ask) =>
    createContact(call, {
      Name: ask.name,
      ...(ask.number === undefined ? {} : { ContactNumber: ask.number }),
      ...(ask.email === undefined ? {} : { EmailAddress: ask.email }),
      ...(ask.companyNumber === undefined ? {} : { CompanyNumber: ask.companyNumber }),
      ...(ask.taxNumber === undefined ? {} : { TaxNumber: ask.taxNumber }),
    }),
  lockPeriod: ({ book }, ask) => {
    const until = String(ask.until)
    if (!/^\d{4}-\d\d-\d\d$/.test(until)) throw new ControlRefusal('until must be a day')
    book.settings = { ...book.settings, ...(ask.endOfYear ? { endOfYearLockDate: until } : { periodLockDate: until }) }
    return book.settings
  },
  unlockPeriod: ({ book }) => {
    const { periodLockDate: _period, endOfYearLockDate: _year, ...rest } = book.settings
    book.settings = rest
    return book.settings
  },
  enterInvoice: (call, ask) => createInvoice(call, paperAsk(call, ask, 'ACCREC', '200')),
  enterBill: (call, ask) => createInvoice(call, paperAsk(call, ask, 'ACCPAY', '429')),
  payInvoice: (call, ask) => {
    const paper = invoiceNamed(call.book, ask)
    return pay(call, {
      Invoice: { InvoiceID: paper.id },
      Account: { AccountID: accountNamed(call.book, ask).id },
      Amount: ask.amount === undefined ? toJsonNumber(openOf(call.book, paper)) : amountOf(ask.amount),
      Date: ask.date ?? call.book.dayAt(call.now),
      Reference: ask.reference ?? '',
    })
  },
  spendMoney: (call, ask) => createEntry(call, bankAsk(call, ask, 'SPEND', '429')),
  receiveMoney: (call, ask) => createEntry(call, bankAsk(call, ask, 'RECEIVE', '260')),
  subscriptionLapsed: ({ book }, ask) => {
    book.settings = { ...book.settings, subscriptionLapsed: ask.lapsed !== false }
    return book.settings
  },
  deactivateTaxCode: ({ book }, ask) => {
    const rate = book.tables.taxRates.get(String(ask.taxType))
    if (rate === undefined) throw new ControlRefusal('no such tax code')
    book.tables.taxRates.set(rate.taxType, { ...rate, status: 'ARCHIVED' })
    return { taxType: rate.taxType, status: 'ARCHIVED' }
  },
  changeSettings: ({ book }, ask) => {
    const { deed: _deed, id: _id, ...changes } = ask
    book.settings = { ...book.settings, ...changes }
    return book.settings
  },
}

export function editBook(book: XeroBook, ask: Ask, now: Date, paymentsRing: boolean): Done {
  const deed = deeds[String(ask.deed)]
  if (deed === undefined) throw new ControlRefusal(`no such deed: ${ask.deed}; known: ${Object.keys(deeds).join(', ')}`)
  const bells: Bell[] = []
  const call: Call = {
    book,
    appId: 'a person',
    params: {},
    query: {},
    headers: {},
    body: undefined,
    now,
    bells,
    fault: () => undefined,
    readLagMs: 0,
    paymentsRing,
  }
  const mark = book.mark()
  try {
    return { answer: deed(call, ask), bells }
  } catch (error) {
    book.rollBack(mark)
    if (error instanceof Invalid) throw new ControlRefusal(error.messages.join(' / '))
    if (error instanceof Refused) throw new ControlRefusal(JSON.stringify(error.body))
    throw error
  }
}

function amountOf(text: unknown): number {
  return toJsonNumber(toMinorExact(String(text)))
}

function invoiceNamed(book: XeroBook, ask: Ask): Paper {
  const all = [...book.tables.invoices.values()]
  const live = all.filter((paper) => !['VOIDED', 'DELETED'].includes(paper.status))
  const found = all.find((paper) => paper.id === ask.id) ?? live.find((paper) => paper.number === ask.number)
  if (found === undefined) throw new ControlRefusal('no such invoice: give its id or number')
  return found
}

/** By id, else by code, else by name. */
function accountNamed(book: XeroBook, ask: Ask): Account {
  const wanted = ask.account ?? ask.code ?? ask.id
  const found = [...book.tables.accounts.values()].find(({ id, code, name }) =>
    [id, code, name].includes(String(wanted)),
  )
  if (found === undefined) throw new ControlRefusal('no such account: give its id, code or name as account')
  return found
}

function contactNamed(book: XeroBook, ask: Ask): Contact {
  const wanted = ask.contact ?? ask.id
  const found = [...book.tables.contacts.values()].find(({ id, name }) => id === wanted || name === wanted)
  if (found === undefined) throw new ControlRefusal('no such contact: give its id or name as contact')
  return found
}

function keepAccount(call: Call, account: Account): Account {
  const kept = { ...account, updatedAt: call.now.getTime() }
  call.book.tables.accounts.set(kept.id, kept)
  return kept
}

function removePayments(call: Call, paper: Paper): Paper {
  for (const id of paper.paymentIds) {
    const payment = call.book.tables.payments.get(id)
    if (payment?.status === 'AUTHORISED') deletePayment(call, payment)
  }
  return call.book.tables.invoices.get(paper.id) ?? call.book.tables.creditNotes.get(paper.id) ?? paper
}

function deleteDocument(call: Call, id: string): unknown {
  const { tables } = call.book
  const gone = (paper: Paper) => (['DRAFT', 'SUBMITTED'].includes(paper.status) ? 'DELETED' : 'VOIDED')
  const invoice = tables.invoices.get(id)
  if (invoice !== undefined) return updateInvoice(call, removePayments(call, invoice), { Status: gone(invoice) })
  const note = tables.creditNotes.get(id)
  if (note !== undefined) return updateCreditNote(call, removePayments(call, note), { Status: gone(note) })
  const payment = tables.payments.get(id)
  if (payment !== undefined) return deletePayment(call, payment)
  const entry = tables.bankEntries.get(id)
  if (entry !== undefined) return changeEntry(call, { ...entry, reconciled: false }, { Status: 'DELETED' })
  const journal = tables.manualJournals.get(id)
  if (journal !== undefined)
    return changeJournal(call, journal, { Status: journal.status === 'POSTED' ? 'VOIDED' : 'DELETED' })
  throw new ControlRefusal('no such document')
}

/** `amount` puts one new amount on the first line; other fields are as the API names them, in `fields`. */
function editInvoice(call: Call, ask: Ask): unknown {
  const paper = invoiceNamed(call.book, ask)
  const paid = paper.paymentIds
    .map((id) => call.book.tables.payments.get(id))
    .filter((one) => one?.status === 'AUTHORISED')
  const open = removePayments(call, paper)
  const [line] = open.lines
  const lines =
    ask.amount === undefined
      ? {}
      : {
          LineItems: [
            {
              Description: line?.description || 'Changed by hand',
              Quantity: 1,
              UnitAmount: amountOf(ask.amount),
              AccountID: line?.accountId,
              TaxType: line?.taxType,
            },
          ],
        }
  const day = ask.date === undefined ? {} : { Date: ask.date }
  const contact =
    ask.contact === undefined ? {} : { Contact: { ContactID: contactNamed(call.book, { contact: ask.contact }).id } }
  const changed = updateInvoice(call, open, { ...lines, ...day, ...contact, ...(ask.fields as Element | undefined) })
  for (const payment of paid) {
    if (payment === undefined || ask.keepPayments === false) continue
    const left = openOf(call.book, call.book.tables.invoices.get(changed.id) ?? changed)
    const amount = payment.amountMinor < left ? payment.amountMinor : left
    if (amount <= 0n) continue
    pay(call, {
      Invoice: { InvoiceID: changed.id },
      Account: { AccountID: payment.accountId },
      Amount: toJsonNumber(amount),
      Date: payment.date,
      Reference: payment.reference,
    })
  }
  return call.book.tables.invoices.get(changed.id)
}

function mergeContact(call: Call, from: Contact, intoWanted: string): unknown {
  const { book } = call
  const into = contactNamed(book, { contact: intoWanted })
  const at = call.now.getTime()
  for (const table of [book.tables.invoices, book.tables.creditNotes]) {
    for (const paper of table.values())
      if (paper.contactId === from.id) table.set(paper.id, { ...paper, contactId: into.id })
  }
  const merged: Contact = { ...from, status: 'ARCHIVED', mergedInto: into.id, updatedAt: at }
  book.tables.contacts.set(from.id, merged)
  call.bells.push({ category: 'CONTACT', type: 'UPDATE', resource: 'Contacts', id: from.id })
  return merged
}

function paperAsk(call: Call, ask: Ask, type: string, usualCode: string): Element {
  const { book } = call
  const date = ask.date ?? book.dayAt(call.now)
  return {
    Type: type,
    Contact: contactAsk(book, ask.contact),
    Date: date,
    DueDate: ask.dueDate ?? date,
    ...(ask.number === undefined ? {} : { InvoiceNumber: ask.number }),
    ...(ask.reference === undefined ? {} : { Reference: ask.reference }),
    Status: ask.status ?? 'AUTHORISED',
    LineAmountTypes: ask.lineAmountTypes ?? 'Exclusive',
    LineItems: [lineAsk(book, ask, usualCode)],
  }
}

function bankAsk(call: Call, ask: Ask, type: string, usualCode: string): Element {
  const { book } = call
  return {
    Type: type,
    Contact: contactAsk(book, ask.contact ?? 'Cash'),
    BankAccount: { AccountID: accountNamed(book, { account: ask.bankAccount ?? ask.account }).id },
    Date: ask.date ?? book.dayAt(call.now),
    Reference: ask.reference ?? '',
    LineAmountTypes: ask.lineAmountTypes ?? 'NoTax',
    IsReconciled: ask.reconciled === true,
    LineItems: [lineAsk(book, ask, usualCode)],
  }
}

function contactAsk(book: XeroBook, wanted: unknown): Element {
  const found = [...book.tables.contacts.values()].find(({ id, name }) => id === wanted || name === wanted)
  return found === undefined ? { Name: wanted } : { ContactID: found.id }
}

function lineAsk(book: XeroBook, ask: Ask, usualCode: string): Element {
  const account = accountNamed(book, { account: ask.lineAccount ?? usualCode })
  return {
    Description: ask.description ?? 'Entered by hand',
    Quantity: 1,
    UnitAmount: amountOf(ask.amount),
    AccountID: account.id,
    ...(ask.taxType === undefined ? {} : { TaxType: ask.taxType }),
  }
}
