/**
 * What invoices, bills and credit notes have in common: reading one from a request, its journal, its life.
 *
 * Keeps: an approved document stands in the ledger, a draft or a voided one does not; nothing moves in a locked period.
 */
import { randomUUID } from 'node:crypto'
import { divideHalfUp } from '../kit/decimals.ts'
import { dayFrom, Invalid } from './answers.ts'
import type { Line, Paper, PaperStatus, PaperType, XeroBook } from './book.ts'
import { contactFor } from './contacts.ts'
import type { Element } from './elements.ts'
import type { Call } from './endpoint.ts'
import { linesFrom, lineTypes, netOf, totalsOf } from './lines.ts'
import { refuseLockedDocument } from './locks.ts'
import { allocatedOf, isOpenStatus, paidOn } from './owing.ts'

/** What a caller may ask for; PAID is set by Xero alone. */
const moves: Record<PaperStatus, readonly PaperStatus[]> = {
  DRAFT: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  SUBMITTED: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  AUTHORISED: ['AUTHORISED', 'VOIDED'],
  PAID: [],
  VOIDED: [],
  DELETED: [],
}

const moneyFields = ['LineItems', 'Date', 'Contact', 'LineAmountTypes', 'CurrencyCode', 'Type']

export function isSale(type: PaperType): boolean {
  return type === 'ACCREC' || type === 'ACCRECCREDIT'
}

export function isCredit(type: PaperType): boolean {
  return type === 'ACCRECCREDIT' || type === 'ACCPAYCREDIT'
}

export function tableOf(book: XeroBook, type: PaperType): Map<string, Paper> {
  return isCredit(type) ? book.tables.creditNotes : book.tables.invoices
}

/** Reads a new document; the number is given by the caller, who knows which must be unique. */
export function paperFrom(call: Call, ask: Element, type: PaperType, number: string): Paper {
  const { book, now } = call
  const status = (ask.Status ?? 'DRAFT') as PaperStatus
  if (!['DRAFT', 'SUBMITTED', 'AUTHORISED'].includes(status))
    throw new Invalid(`A new document cannot have the status ${status}`)
  if (ask.CurrencyCode !== undefined && ask.CurrencyCode !== book.settings.currency)
    throw new Invalid(`Organisation is not subscribed to currency ${ask.CurrencyCode}`)
  const approved = status === 'AUTHORISED'
  const types = lineTypes(ask.LineAmountTypes)
  const date = dayFrom(ask.Date, 'Date') ?? book.dayAt(now)
  const dueDate = dayFrom(ask.DueDate, 'DueDate')

  const messages: string[] = []
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      messages.push(...error.messages)
      return undefined
    }
  }
  if (approved && dueDate === undefined && !isCredit(type)) messages.push('Due Date cannot be empty')
  if (ask.Url !== undefined && String(ask.Url).toLowerCase().includes('xero')) messages.push('The Url is not valid')
  const contact = attempt(() => contactFor(call, ask.Contact))
  const lines = attempt(() => linesFrom(book, ask.LineItems, lineRules(call, types, approved, type)))
  attempt(() => refuseLockedDocument(book, date))
  if (messages.length > 0 || contact === undefined || lines === undefined) throw new Invalid(...messages)

  const totals = totalsOf(lines, types)
  if (approved && totals.totalMinor < 0n) throw new Invalid('The document total cannot be negative')
  const at = now.getTime()
  return {
    id: randomUUID(),
    type,
    status,
    contactId: contact.id,
    date,
    ...(dueDate === undefined ? {} : { dueDate }),
    number,
    reference: type === 'ACCPAY' ? '' : String(ask.Reference ?? ''),
    ...(ask.Url === undefined ? {} : { url: String(ask.Url) }),
    lineAmountTypes: types,
    lines,
    ...totals,
    cisDeductionMinor: isCredit(type) ? 0n : cisOn(totals.subTotalMinor, contact.cisRate),
    sentToContact: ask.SentToContact === true,
    ...(typeof ask.ExpectedPaymentDate === 'string'
      ? { expectedPaymentDate: dayFrom(ask.ExpectedPaymentDate, 'ExpectedPaymentDate') as string }
      : {}),
    paymentIds: [],
    allocationIds: [],
    createdByApp: call.appId,
    createdAt: at,
    updatedAt: at,
  }
}

/** Reads a change: only what is sent changes; lines that are sent without their id are new lines. */
export function changedPaper(call: Call, before: Paper, ask: Element): Paper {
  const { book } = call
  const status = (ask.Status ?? before.status) as PaperStatus
  const settled = paidOn(book, before) + allocatedOf(book, before) !== 0n
  const touchesMoney = moneyFields.some((name) => name in ask)

  const messages: string[] = []
  const closed = moves[before.status].length === 0
  const moveAllowed = moves[before.status].includes(status) || (before.status === 'PAID' && status === 'PAID')
  if (!moveAllowed || (closed && (before.status !== 'PAID' || touchesMoney)))
    messages.push('Invoice not of valid status for modification')
  if (settled && (touchesMoney || status === 'VOIDED'))
    messages.push('This document cannot be edited as it has a payment or credit note allocated to it.')
  if (messages.length > 0) throw new Invalid(...messages)
  if (isOpenStatus(before.status)) refuseLockedDocument(book, before.date)

  const at = call.now.getTime()
  if (status === 'VOIDED' || status === 'DELETED') return { ...before, status, updatedAt: at }
  if (ask.CurrencyCode !== undefined && ask.CurrencyCode !== book.settings.currency)
    throw new Invalid(`Organisation is not subscribed to currency ${ask.CurrencyCode}`)

  const date = dayFrom(ask.Date, 'Date') ?? before.date
  refuseLockedDocument(book, date)
  const dueDate = dayFrom(ask.DueDate, 'DueDate') ?? before.dueDate
  const types = lineTypes(ask.LineAmountTypes, before.lineAmountTypes)
  const approved = status === 'AUTHORISED' || status === 'PAID'
  const rules = lineRules(call, types, approved, before.type)
  const approving = approved && !isOpenStatus(before.status)
  const lines: Line[] = 'LineItems' in ask ? linesFrom(book, ask.LineItems, rules) : before.lines
  if (approving && lines.some((line) => line.accountId === null || line.description === ''))
    throw new Invalid('Account code or ID must be specified')
  if (approving && dueDate === undefined && !isCredit(before.type)) throw new Invalid('Due Date cannot be empty')
  const contactId = 'Contact' in ask ? contactFor(call, ask.Contact).id : before.contactId
  const totals = totalsOf(lines, types)
  // A due date changed on a partly paid document leaves UpdatedDateUTC alone.
  const quiet = settled && Object.keys(ask).every((name) => ['InvoiceID', 'DueDate'].includes(name))
  return {
    ...before,
    status,
    contactId,
    date,
    ...(dueDate === undefined ? {} : { dueDate }),
    reference: ask.Reference === undefined || before.type === 'ACCPAY' ? before.reference : String(ask.Reference),
    ...(ask.Url === undefined ? {} : { url: String(ask.Url) }),
    lineAmountTypes: types,
    lines,
    ...totals,
    cisDeductionMinor: isCredit(before.type)
      ? 0n
      : cisOn(totals.subTotalMinor, book.tables.contacts.get(contactId)?.cisRate),
    sentToContact: ask.SentToContact === undefined ? before.sentToContact : ask.SentToContact === true,
    updatedAt: quiet ? before.updatedAt : at,
  }
}

/** Puts a document into its table and its journal into the ledger; what it had posted before is undone. */
export function keepPaper(book: XeroBook, paper: Paper, before?: Paper): void {
  tableOf(book, paper.type).set(paper.id, paper)
  if (before !== undefined && isOpenStatus(before.status)) {
    if (isOpenStatus(paper.status) && samePosting(before, paper)) return
    book.ledger.undoSource('paper', paper.id)
  }
  if (isOpenStatus(paper.status)) postPaper(book, paper)
}

/** What the construction industry scheme withholds, of the net. */
function cisOn(netMinor: bigint, rate: bigint | undefined): bigint {
  return rate === undefined ? 0n : divideHalfUp(netMinor * rate, 1_000_000n)
}

function samePosting(a: Paper, b: Paper): boolean {
  return a.date === b.date && a.lines === b.lines && a.lineAmountTypes === b.lineAmountTypes
}

function postPaper(book: XeroBook, paper: Paper): void {
  const control = book.systemAccount(isSale(paper.type) ? 'DEBTORS' : 'CREDITORS')
  const withheld = book.systemAccount(isSale(paper.type) ? 'CISASSETS' : 'CISLIABILITY')
  const tax = book.systemAccount('GST')
  // A sale debits the debtors; a bill, and a credit note on a sale, do the opposite.
  const sign = isSale(paper.type) === isCredit(paper.type) ? -1n : 1n
  const lines = paper.lines.map((line) => ({
    accountId: line.accountId as string,
    amountMinor: -sign * netOf(line, paper.lineAmountTypes),
    text: line.description,
  }))
  book.ledger.journal(
    paper.date,
    [
      { accountId: control.id, amountMinor: sign * (paper.totalMinor - paper.cisDeductionMinor) },
      { accountId: withheld.id, amountMinor: sign * paper.cisDeductionMinor },
      ...lines,
      { accountId: tax.id, amountMinor: -sign * paper.taxMinor },
    ],
    { kind: 'paper', id: paper.id },
  )
}

function lineRules(call: Call, types: Paper['lineAmountTypes'], approved: boolean, type: PaperType) {
  return { types, approved, fourPlaceUnits: call.query.unitdp === '4', discounts: type === 'ACCREC' }
}
