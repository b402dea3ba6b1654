/**
 * Ours to theirs: what Quits wants in a book, in the fields Xero documents for it. Pure.
 *
 * Keeps: no VAT amount is sent, Xero computes its own; whoever asked compares the total in the answer.
 * Never: a contact's name inside a document, which would change the contact.
 */
import { createHash } from 'node:crypto'
import type {
  Allocation,
  Bill,
  BookAccount,
  Contact,
  CreditNote,
  DocumentLine,
  Invoice,
  Journal,
  Money,
  NewAccount,
  Payment,
  Receipt,
} from '../port.ts'
import { jsonNumber } from './decimal.ts'
import { longestDescription, longestNarration } from './limits.ts'

/** Fields named as xero-node names them. */
export type Fields = { [name: string]: unknown }
/** The book's accounts by id, for the codes that lines are posted to. */
export type Chart = ReadonlyMap<string, BookAccount>

export function invoiceFields(paper: Invoice | Bill, chart: Chart): Fields {
  const isSale = paper.kind === 'invoice'
  return {
    type: isSale ? 'ACCREC' : 'ACCPAY',
    contact: { contactID: paper.contactId },
    date: paper.datedOn,
    dueDate: paper.dueOn,
    invoiceNumber: paper.number,
    // A bill has no Reference in Xero: its marker stands in the link and in the text of its last line.
    ...(isSale ? { reference: paper.reference, sentToContact: true } : {}),
    ...linesOf(paper.lines, chart, isSale ? [paper.note] : [paper.note, marker(paper.reference)]),
    currencyCode: paper.currency,
    ...urlField(paper.link, isSale ? null : paper.reference),
    status: 'AUTHORISED',
  }
}

export function creditNoteFields(paper: CreditNote, chart: Chart): Fields {
  const isSale = paper.kind === 'credit_note'
  const notes = isSale ? [paper.note, paper.link] : [paper.note, paper.link, marker(paper.reference)]
  return {
    type: isSale ? 'ACCRECCREDIT' : 'ACCPAYCREDIT',
    contact: { contactID: paper.contactId },
    date: paper.datedOn,
    creditNoteNumber: paper.number,
    ...(isSale ? { reference: paper.reference } : {}),
    ...linesOf(paper.lines, chart, notes),
    currencyCode: paper.currency,
    status: 'AUTHORISED',
  }
}

export function bankTransactionFields(money: Money, chart: Chart): Fields {
  return {
    type: money.kind === 'money_spent' ? 'SPEND' : 'RECEIVE',
    contact: { contactID: money.contactId },
    bankAccount: { accountID: money.accountId },
    date: money.datedOn,
    reference: money.reference,
    ...linesOf(money.lines, chart, [money.note]),
    currencyCode: money.currency,
    ...urlField(money.link, null),
    ...(money.reconciled ? { isReconciled: true } : {}),
    status: 'AUTHORISED',
  }
}

export function journalFields(journal: Journal, chart: Chart): Fields {
  return {
    narration: [journal.reference, journal.note].filter(Boolean).join(' ').slice(0, longestNarration),
    date: journal.datedOn,
    lineAmountTypes: journal.lines.some((line) => line.taxCodeId !== null) ? 'Exclusive' : 'NoTax',
    journalLines: journal.lines.map((line) => ({
      lineAmount: jsonNumber(line.amountMinor),
      ...accountFields(line.accountId, chart),
      description: line.description.slice(0, longestDescription),
      ...(line.taxCodeId === null ? {} : { taxType: line.taxCodeId }),
    })),
    status: 'POSTED',
  }
}

export function paymentFields(payment: Payment): Fields {
  const isCredit = payment.of.kind === 'credit_note' || payment.of.kind === 'supplier_credit'
  return {
    ...(isCredit ? { creditNote: { creditNoteID: payment.of.id } } : { invoice: { invoiceID: payment.of.id } }),
    account: { accountID: payment.accountId },
    date: payment.datedOn,
    amount: jsonNumber(payment.amountMinor),
    reference: payment.reference,
    ...(payment.reconciled ? { isReconciled: true } : {}),
  }
}

export function allocationFields(allocation: Allocation): Fields {
  return {
    invoice: { invoiceID: allocation.against.id },
    amount: jsonNumber(allocation.amountMinor),
    date: allocation.datedOn,
  }
}

export function contactFields(contact: Contact): Fields {
  return {
    name: contact.name,
    ...(contact.email === null ? {} : { emailAddress: contact.email }),
    ...(contact.companyNumber === null ? {} : { companyNumber: contact.companyNumber }),
    ...(contact.vatNumber === null ? {} : { taxNumber: contact.vatNumber }),
  }
}

export function newAccountFields(account: NewAccount, code: string | null): Fields {
  const named = { ...(code === null ? {} : { code }), name: account.name }
  if (account.kind === 'current_liability') {
    return { ...named, type: 'CURRLIAB', taxType: 'NONE', enablePaymentsToAccount: true }
  }
  const bankAccountNumber = bankNumberFor(account.name)
  return { ...named, type: 'BANK', bankAccountNumber, currencyCode: account.currency }
}

const firstCode = 8400

/**
 * A bank account needs no code. Another gets the first that no account has used, archived ones included; or, so that the
 * same ask stays the same, the code that an account of this very name has already.
 */
export function codeFor(account: NewAccount, chart: Chart): string | null {
  if (account.code !== null || account.kind === 'bank') return account.code
  const accounts = [...chart.values()]
  const same = accounts.find((one) => one.name === account.name && one.kind === account.kind)
  if (same?.code) return same.code
  const taken = new Set(accounts.map((one) => one.code))
  let code = firstCode
  while (taken.has(String(code))) code += 1
  return String(code)
}

/** How `cancel` says it, by kind; null where Xero takes nothing back that way. */
export function endFields(receipt: Receipt, isDraft: boolean): Fields | null {
  const ended = isDraft ? 'DELETED' : 'VOIDED'
  switch (receipt.kind) {
    case 'invoice':
    case 'bill':
      return { invoiceID: receipt.id, status: ended }
    case 'credit_note':
    case 'supplier_credit':
      return { creditNoteID: receipt.id, status: ended }
    case 'payment':
      return { status: 'DELETED' }
    case 'money_spent':
    case 'money_received':
      return { bankTransactionID: receipt.id, status: 'DELETED' }
    case 'journal':
      return { manualJournalID: receipt.id, status: ended }
    case 'contact':
      return { contactID: receipt.id, contactStatus: 'ARCHIVED' }
    default:
      return null
  }
}

/** The key of a call that carries several asks: the same asks in the same order give the same key. */
export function keyOf(keys: string[]): string {
  const [only] = keys
  if (only !== undefined && keys.length === 1) return only
  return createHash('sha256').update(keys.join('\n')).digest('base64url').slice(0, 36)
}

export const marker = (reference: string): string => `[${reference}]`

function linesOf(lines: DocumentLine[], chart: Chart, notes: string[]): Fields {
  const hasTax = lines.some((line) => line.taxCodeId !== null)
  const tail = notes.filter(Boolean).join(' ')
  return {
    lineAmountTypes: hasTax ? 'Exclusive' : 'NoTax',
    lineItems: lines.map((line, at) => ({
      description: described(line.description, at === lines.length - 1 ? tail : ''),
      quantity: 1,
      unitAmount: jsonNumber(line.netMinor),
      ...accountFields(line.accountId, chart),
      // Without a code of its own a line would take its account's default tax.
      ...(hasTax ? { taxType: line.taxCodeId ?? 'NONE' } : {}),
      ...(line.itemId === null ? {} : { itemCode: line.itemId }),
    })),
  }
}

/** The tail is kept whole: it may hold the marker by which the document is found again. */
function described(text: string, tail: string): string {
  if (tail === '') return text.slice(0, longestDescription)
  return `${text.slice(0, Math.max(0, longestDescription - tail.length - 1))}\n${tail}`.slice(-longestDescription)
}

/** The id decides; the code goes with it because Xero asks it of an approved document. */
function accountFields(accountId: string, chart: Chart): Fields {
  const code = chart.get(accountId)?.code ?? null
  return { accountID: accountId, ...(code === null ? {} : { accountCode: code }) }
}

/** Xero refuses a link that names it, and takes nothing but a web address. */
function urlField(link: string, reference: string | null): Fields {
  if (/xero/i.test(link) || !/^https?:\/\//i.test(link)) return {}
  return { url: reference === null || link.includes('#') ? link : `${link}#${reference}` }
}

/** Xero wants a number for a bank account: sort code 00-00-00, which no bank has, and eight digits of the name's own. */
function bankNumberFor(name: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 12)}`) % 100_000_000n
  return `000000${digits.toString().padStart(8, '0')}`
}
