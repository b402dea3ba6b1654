/**
 * Ours to theirs: what is sent to QuickBooks to make each of our things. Pure; the way back is in translate.ts.
 *
 * Keeps: only documented fields leave; amounts are digits; our reference stands where entities.ts says it is looked for.
 */
import type {
  Allocation,
  Bill,
  Contact,
  CreditNote,
  DocumentLine,
  Invoice,
  Journal,
  Money,
  NewAccount,
  Payment,
} from '../port.ts'
import { decimalOf } from './amounts.ts'
import type { ContactEntity, DocumentEntity } from './entities.ts'
import { Decimal, type Fields } from './json.ts'
import {
  longestAccountCode,
  longestAccountName,
  longestDescription,
  longestDisplayName,
  longestEmail,
  longestNote,
} from './limits.ts'
import { companyNumberNote } from './translate.ts'

export type Written = { entity: DocumentEntity; body: Fields }

/** What must be known of the book besides the thing itself. */
export type Known = {
  /** The book's own debtors or creditors, for money that clears a credit. */
  clearingAccountId: string | null
  payee: ContactEntity
}

export function paperBody(thing: Invoice | Bill | CreditNote): Written {
  const { kind, reference, number, note, link, datedOn } = thing
  const isSale = kind === 'invoice' || kind === 'credit_note'
  const isCredit = kind === 'credit_note' || kind === 'supplier_credit'
  const body: Fields = {
    [isSale ? 'CustomerRef' : 'VendorRef']: ref(thing.contactId),
    CurrencyRef: ref(thing.currency),
    // A credit is looked up by our reference, an invoice or a bill by the number that both sides see.
    DocNumber: isCredit ? reference : number,
    TxnDate: datedOn,
    ...('dueOn' in thing ? { DueDate: thing.dueOn } : {}),
    PrivateNote: noteOf(reference, isCredit ? [number, note, link] : [note, link]),
    GlobalTaxCalculation: taxCalculation(thing.lines),
    Line: thing.lines.map(isSale ? saleLine : costLine),
  }
  const entity = {
    invoice: 'Invoice',
    bill: 'Bill',
    credit_note: 'CreditMemo',
    supplier_credit: 'VendorCredit',
  } as const
  return { entity: entity[kind], body }
}

export function moneyBody(thing: Money, known: Known): Written {
  if (thing.kind === 'money_spent') return purchase(thing, known)
  return thing.clearing === null && thing.lines.some((line) => line.itemId !== null)
    ? salesReceipt(thing)
    : deposit(thing, known)
}

function purchase(thing: Money, known: Known): Written {
  const body: Fields = {
    PaymentType: 'Cash',
    AccountRef: ref(thing.accountId),
    EntityRef: { value: thing.contactId, type: known.payee },
    CurrencyRef: ref(thing.currency),
    TxnDate: thing.datedOn,
    DocNumber: thing.reference,
    PrivateNote: noteOf(thing.reference, [thing.note, thing.link]),
    GlobalTaxCalculation: known.clearingAccountId ? 'NotApplicable' : taxCalculation(thing.lines),
    Line: known.clearingAccountId
      ? [
          line(thing.totalMinor, descriptionOf(thing), 'AccountBasedExpenseLineDetail', {
            AccountRef: ref(known.clearingAccountId),
          }),
        ]
      : thing.lines.map(costLine),
  }
  return { entity: 'Purchase', body }
}

/** A deposit has no number of its own that a query can ask for: its marker stands in the note. */
function deposit(thing: Money, known: Known): Written {
  const entity = { value: thing.contactId, type: known.payee }
  const isCoded = !known.clearingAccountId && thing.lines.some((one) => one.taxCodeId !== null)
  const body: Fields = {
    DepositToAccountRef: ref(thing.accountId),
    CurrencyRef: ref(thing.currency),
    TxnDate: thing.datedOn,
    PrivateNote: noteOf(thing.reference, [thing.note, thing.link]),
    ...(isCoded ? { GlobalTaxCalculation: 'TaxExcluded' } : {}),
    Line: known.clearingAccountId
      ? [
          line(thing.totalMinor, descriptionOf(thing), 'DepositLineDetail', {
            AccountRef: ref(known.clearingAccountId),
            Entity: entity,
          }),
        ]
      : thing.lines.map((one) =>
          line(one.netMinor, one.description, 'DepositLineDetail', {
            AccountRef: ref(one.accountId),
            Entity: entity,
            ...(one.taxCodeId === null ? {} : { TaxCodeRef: ref(one.taxCodeId), TaxApplicableOn: 'Sales' }),
          }),
        ),
  }
  return { entity: 'Deposit', body }
}

/** The price paid at a till holds its VAT already, so the gross is told and QuickBooks takes the VAT out of it. */
function salesReceipt(thing: Money): Written {
  const isCoded = thing.lines.some((one) => one.taxCodeId !== null)
  const body: Fields = {
    CustomerRef: ref(thing.contactId),
    DepositToAccountRef: ref(thing.accountId),
    CurrencyRef: ref(thing.currency),
    TxnDate: thing.datedOn,
    DocNumber: thing.reference,
    PrivateNote: noteOf(thing.reference, [thing.note, thing.link]),
    GlobalTaxCalculation: isCoded ? 'TaxInclusive' : 'NotApplicable',
    Line: thing.lines.map((one) =>
      line(one.netMinor, one.description, 'SalesItemLineDetail', {
        ItemRef: ref(one.itemId ?? ''),
        ...(one.taxCodeId === null
          ? {}
          : { TaxCodeRef: ref(one.taxCodeId), TaxInclusiveAmt: decimalOf(one.netMinor + one.vatMinor) }),
      }),
    ),
  }
  return { entity: 'SalesReceipt', body }
}

export function journalBody(thing: Journal): Written {
  const body: Fields = {
    TxnDate: thing.datedOn,
    CurrencyRef: ref(thing.currency),
    DocNumber: thing.reference,
    PrivateNote: noteOf(thing.reference, [thing.note]),
    Line: thing.lines.map((one) =>
      line(one.amountMinor < 0n ? -one.amountMinor : one.amountMinor, one.description, 'JournalEntryLineDetail', {
        PostingType: one.amountMinor < 0n ? 'Credit' : 'Debit',
        AccountRef: ref(one.accountId),
        // A code on a journal wants its tax told too; ours carry none.
        ...(one.taxCodeId === null
          ? {}
          : {
              TaxCodeRef: ref(one.taxCodeId),
              TaxApplicableOn: one.amountMinor < 0n ? 'Sales' : 'Purchase',
              TaxAmount: new Decimal('0'),
            }),
      }),
    ),
  }
  return { entity: 'JournalEntry', body }
}

export function paymentBody(thing: Payment): Written {
  const amount = decimalOf(thing.amountMinor)
  if (thing.of.kind === 'bill') {
    return billPayment(thing, thing.amountMinor, [{ Amount: amount, LinkedTxn: [link(thing.of.id, 'Bill')] }])
  }
  return receivedPayment(thing, thing.amountMinor, [{ Amount: amount, LinkedTxn: [link(thing.of.id, 'Invoice')] }])
}

/** A payment of nothing, in which a credit and what it is set against stand side by side. */
export function allocationBody(thing: Allocation, depositLineId: string | null): Written {
  const amount = decimalOf(thing.amountMinor)
  const isSale = thing.credit.kind === 'credit_note'
  const credit = link(thing.credit.id, isSale ? 'CreditMemo' : 'VendorCredit')
  const names: Record<string, string> = {
    invoice: 'Invoice',
    bill: 'Bill',
    money_spent: 'Expense',
    money_received: 'Deposit',
    journal: 'JournalEntry',
  }
  const against: Fields = link(thing.against.id, names[thing.against.kind] ?? '')
  if (depositLineId !== null) against.TxnLineId = depositLineId
  const lines = [
    { Amount: amount, LinkedTxn: [against] },
    { Amount: amount, LinkedTxn: [credit] },
  ]
  return isSale ? receivedPayment(thing, 0n, lines) : billPayment(thing, 0n, lines)
}

function receivedPayment(thing: Payment | Allocation, totalMinor: bigint, lines: Fields[]): Written {
  const body: Fields = {
    CustomerRef: ref(thing.contactId),
    CurrencyRef: ref(thing.currency),
    TotalAmt: decimalOf(totalMinor),
    TxnDate: thing.datedOn,
    DepositToAccountRef: ref(thing.accountId),
    PaymentRefNum: thing.reference,
    PrivateNote: noteOf(thing.reference, [thing.note]),
    Line: lines,
  }
  return { entity: 'Payment', body }
}

function billPayment(thing: Payment | Allocation, totalMinor: bigint, lines: Fields[]): Written {
  const body: Fields = {
    VendorRef: ref(thing.contactId),
    CurrencyRef: ref(thing.currency),
    TotalAmt: decimalOf(totalMinor),
    TxnDate: thing.datedOn,
    DocNumber: thing.reference,
    PrivateNote: noteOf(thing.reference, [thing.note]),
    PayType: 'Check',
    CheckPayment: { BankAccountRef: ref(thing.accountId), PrintStatus: 'NotSet' },
    Line: lines,
  }
  return { entity: 'BillPayment', body }
}

export function contactBody(thing: Contact): { entity: ContactEntity; body: Fields } {
  const isCustomer = thing.role === 'customer'
  const name = oneLine(thing.name.replaceAll(':', ' ')).slice(0, longestDisplayName)
  const body: Fields = { DisplayName: name, CompanyName: name.slice(0, 100) }
  if (thing.email !== null && thing.email.length <= longestEmail) body.PrimaryEmailAddr = { Address: thing.email }
  if (thing.companyNumber !== null) body.Notes = `${companyNumberNote} ${thing.companyNumber}`
  if (thing.vatNumber !== null) body[isCustomer ? 'PrimaryTaxIdentifier' : 'TaxIdentifier'] = thing.vatNumber
  return { entity: isCustomer ? 'Customer' : 'Vendor', body }
}

/** Bank with subtype Checking is the one type that payments in and payments out both take. */
export function accountBody(thing: NewAccount): Fields {
  const types =
    thing.kind === 'bank'
      ? { AccountType: 'Bank', AccountSubType: 'Checking' }
      : { AccountType: 'Other Current Liability', AccountSubType: 'OtherCurrentLiabilities' }
  const code =
    thing.code !== null && thing.code.length <= longestAccountCode && !thing.code.includes(':')
      ? { AcctNum: thing.code }
      : {}
  return { Name: accountName(thing.name), ...types, ...code }
}
/** Colons part a sub-account from its parent there, and quotation marks are refused. */
export function accountName(name: string): string {
  return oneLine(name.replace(/\s*:\s*/g, ' - ').replaceAll('"', "'")).slice(0, longestAccountName)
}

// ─── Parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

function saleLine(one: DocumentLine): Fields {
  return line(one.netMinor, one.description, 'SalesItemLineDetail', {
    ItemRef: ref(one.itemId ?? ''),
    Qty: new Decimal('1'),
    UnitPrice: decimalOf(one.netMinor),
    ...coded(one),
  })
}
function costLine(one: DocumentLine): Fields {
  return line(one.netMinor, one.description, 'AccountBasedExpenseLineDetail', {
    AccountRef: ref(one.accountId),
    ...coded(one),
  })
}
function coded(one: DocumentLine): Fields {
  return one.taxCodeId === null ? {} : { TaxCodeRef: ref(one.taxCodeId) }
}
function line(amountMinor: bigint, description: string, detailType: string, detail: Fields): Fields {
  const text = description.slice(0, longestDescription)
  return {
    Amount: decimalOf(amountMinor),
    ...(text ? { Description: text } : {}),
    DetailType: detailType,
    [detailType]: detail,
  }
}

/** Lines bear net amounts and a code each; in a book without VAT none of them has one. */
function taxCalculation(lines: DocumentLine[]): string {
  return lines.some((one) => one.taxCodeId !== null) ? 'TaxExcluded' : 'NotApplicable'
}
function noteOf(reference: string, parts: string[]): string {
  const told = parts.map(oneLine).filter((part) => part !== '')
  return [reference, ...told].join(' | ').slice(0, longestNote)
}
function descriptionOf(thing: Money): string {
  return thing.lines[0]?.description ?? ''
}
function link(id: string, type: string): Fields {
  return { TxnId: id, TxnType: type }
}
function ref(value: string): Fields {
  return { value }
}
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
