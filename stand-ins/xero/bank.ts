/**
 * Money spent and received (Xero: bank transactions) and transfers between two bank accounts.
 *
 * An overpayment or prepayment can only be made here; its bank entry then cannot be deleted while it is in use.
 */
import { randomUUID } from 'node:crypto'
import { toMinor } from '../kit/decimals.ts'
import { dayFields, dayFrom, Invalid, instantStamp, money, notFound } from './answers.ts'
import type { Account, BankEntry, BankTransfer, XeroBook } from './book.ts'
import { contactFor, contactStub } from './contacts.ts'
import type { Element } from './elements.ts'
import { elementsOf, writeElements, writeOne } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { linesFrom, lineTypes, netOf, renderLine, totalsOf } from './lines.ts'
import { list } from './list.ts'
import { refuseLockedDocument } from './locks.ts'
import { allocatedOf, paidOn } from './owing.ts'

const scope = 'accounting.banktransactions'
const body = { plural: 'BankTransactions', schema: 'BankTransaction' }
const types = ['SPEND', 'RECEIVE', 'SPEND-OVERPAYMENT', 'RECEIVE-OVERPAYMENT', 'SPEND-PREPAYMENT', 'RECEIVE-PREPAYMENT']

export const bankEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/BankTransactions',
    scope,
    act: (call) =>
      list(call, {
        plural: 'BankTransactions',
        schema: 'BankTransaction',
        rows: [...call.book.tables.bankEntries.values()],
        updatedAt: (row) => row.updatedAt,
        createdAt: (row) => row.createdAt,
        render: (row, whole) => renderEntry(call.book, row, whole),
      }),
  },
  {
    method: 'PUT',
    path: '/BankTransactions',
    scope,
    body: { ...body, required: ['Type', 'LineItems', 'BankAccount'] },
    act: (call) => writeElements(call, 'BankTransactions', (ask) => renderEntry(call.book, createEntry(call, ask))),
  },
  {
    method: 'POST',
    path: '/BankTransactions',
    scope,
    body,
    act: (call) =>
      writeElements(call, 'BankTransactions', (ask) => {
        const found = call.book.tables.bankEntries.get(String(ask.BankTransactionID ?? '').toLowerCase())
        return renderEntry(call.book, found ? changeEntry(call, found, ask) : createEntry(call, ask))
      }),
  },
  {
    method: 'GET',
    path: '/BankTransactions/:id',
    scope,
    act: ({ book, params }) => ({ BankTransactions: [renderEntry(book, entryAt(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/BankTransactions/:id',
    scope,
    body,
    act: (call) => {
      const found = entryAt(call.book, call.params.id ?? '')
      return writeElements(call, 'BankTransactions', (ask) => renderEntry(call.book, changeEntry(call, found, ask)))
    },
  },
  {
    method: 'GET',
    path: '/BankTransfers',
    scope,
    act: (call) =>
      list(call, {
        plural: 'BankTransfers',
        schema: 'BankTransfer',
        rows: [...call.book.tables.bankTransfers.values()].filter(
          (row) => row.status === 'AUTHORISED' || call.query.includeDeleted === 'true',
        ),
        updatedAt: (row) => row.createdAt,
        createdAt: (row) => row.createdAt,
        render: (row) => renderTransfer(call.book, row),
      }),
  },
  {
    method: 'PUT',
    path: '/BankTransfers',
    scope,
    body: { plural: 'BankTransfers', schema: 'BankTransfer', required: ['FromBankAccount', 'ToBankAccount', 'Amount'] },
    act: (call) => writeElements(call, 'BankTransfers', (ask) => renderTransfer(call.book, createTransfer(call, ask))),
  },
  {
    method: 'POST',
    path: '/BankTransfers',
    scope,
    body: { plural: 'BankTransfers', schema: 'BankTransferDelete', required: ['Status', 'BankTransferID'] },
    act: (call) =>
      writeElements(call, 'BankTransfers', (ask) =>
        renderTransfer(call.book, deleteTransfer(call, transferAt(call.book, String(ask.BankTransferID)), ask.Status)),
      ),
  },
  {
    method: 'GET',
    path: '/BankTransfers/:id',
    scope,
    act: ({ book, params }) => ({ BankTransfers: [renderTransfer(book, transferAt(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/BankTransfers/:id',
    scope,
    body: { plural: 'BankTransfers', schema: 'BankTransferDeleteByUrlParam', required: ['Status'] },
    act: (call) => {
      const transfer = transferAt(call.book, call.params.id ?? '')
      const [ask = {}] = elementsOf(call.body, 'BankTransfers')
      return writeOne(call, { BankTransferID: transfer.id, ...ask }, () => ({
        BankTransfers: [renderTransfer(call.book, deleteTransfer(call, transfer, ask.Status))],
      }))
    },
  },
]

function entryAt(book: XeroBook, id: string): BankEntry {
  const found = book.tables.bankEntries.get(id.toLowerCase())
  if (found === undefined) throw notFound()
  return found
}

function transferAt(book: XeroBook, id: string): BankTransfer {
  const found = book.tables.bankTransfers.get(id.toLowerCase())
  if (found === undefined) throw notFound()
  return found
}

function bankAccount(book: XeroBook, ask: unknown): Account {
  const account = book.accountBy(ask as { AccountID?: string; Code?: string })
  if (account === undefined || account.status === 'ARCHIVED') throw new Invalid('Bank account could not be found')
  if (account.type !== 'BANK') throw new Invalid('The account must be of type BANK')
  return account
}

export function createEntry(call: Call, ask: Element): BankEntry {
  const { book } = call
  const type = String(ask.Type)
  if (!types.includes(type)) throw new Invalid('Type is not valid')
  if (ask.CurrencyCode !== undefined && ask.CurrencyCode !== book.settings.currency)
    throw new Invalid(`Organisation is not subscribed to currency ${ask.CurrencyCode}`)
  const bank = bankAccount(book, ask.BankAccount)
  const date = dayFrom(ask.Date, 'Date') ?? book.dayAt(call.now)
  refuseLockedDocument(book, date)
  const overpayment = type.endsWith('OVERPAYMENT')
  const kinds = overpayment ? 'NoTax' : lineTypes(ask.LineAmountTypes)
  const rules = {
    types: kinds,
    approved: !overpayment,
    fourPlaceUnits: call.query.unitdp === '4',
    discounts: false,
  } as const
  const lines = linesFrom(book, overpayment ? withoutAccounts(ask.LineItems) : ask.LineItems, rules)
  const contact = contactFor(call, ask.Contact)
  const totals = totalsOf(lines, kinds)
  if (totals.totalMinor <= 0n) throw new Invalid('The total must be greater than zero')

  const at = call.now.getTime()
  const credit = type.endsWith('PAYMENT')
  const entry: BankEntry = {
    id: randomUUID(),
    type,
    status: 'AUTHORISED',
    contactId: contact.id,
    bankAccountId: bank.id,
    date,
    reference: String(ask.Reference ?? ''),
    ...(ask.Url === undefined ? {} : { url: String(ask.Url) }),
    reconciled: ask.IsReconciled === true,
    lineAmountTypes: kinds,
    lines,
    ...totals,
    ...(credit ? { creditId: randomUUID() } : {}),
    createdAt: at,
    updatedAt: at,
  }
  book.tables.bankEntries.set(entry.id, entry)
  if (entry.creditId !== undefined) {
    const kind = overpayment ? 'Overpayment' : 'Prepayment'
    const made = {
      id: entry.creditId,
      kind,
      bankEntryId: entry.id,
      allocationIds: [],
      paymentIds: [],
      updatedAt: at,
    } as const
    book.tables.credits.set(entry.creditId, { ...made, allocationIds: [], paymentIds: [] })
  }
  postEntry(book, entry)
  return entry
}

/** An overpayment's line has no account of its own: it stands on debtors or creditors. */
function withoutAccounts(asks: unknown): unknown {
  if (!Array.isArray(asks)) return asks
  return asks.map(({ AccountCode: _code, AccountID: _id, ...rest }: Element) => rest)
}

function postEntry(book: XeroBook, entry: BankEntry): void {
  const sign = entry.type.startsWith('RECEIVE') ? 1n : -1n
  const bank = { accountId: entry.bankAccountId, amountMinor: sign * entry.totalMinor, text: entry.reference }
  const source = { kind: 'bank', id: entry.id }
  if (entry.creditId !== undefined) {
    const control = book.systemAccount(sign > 0n ? 'DEBTORS' : 'CREDITORS')
    book.ledger.journal(entry.date, [bank, { accountId: control.id, amountMinor: -bank.amountMinor }], source)
    return
  }
  const lines = entry.lines.map((line) => ({
    accountId: line.accountId as string,
    amountMinor: -sign * netOf(line, entry.lineAmountTypes),
    text: line.description,
  }))
  const tax = { accountId: book.systemAccount('GST').id, amountMinor: -sign * entry.taxMinor }
  book.ledger.journal(entry.date, [bank, ...lines, tax], source)
}

export function changeEntry(call: Call, before: BankEntry, ask: Element): BankEntry {
  const { book } = call
  if (before.status === 'DELETED') throw new Invalid('Bank transaction not of valid status for modification')
  if (before.transferId !== undefined) throw new Invalid('This bank transaction belongs to a bank transfer')
  refuseLockedDocument(book, before.date)
  const at = call.now.getTime()
  if (ask.Status === 'DELETED') {
    if (before.reconciled) throw new Invalid('This bank transaction cannot be deleted as it has been reconciled')
    const credit = before.creditId === undefined ? undefined : book.tables.credits.get(before.creditId)
    if (credit !== undefined && paidOn(book, credit) + allocatedOf(book, credit) !== 0n)
      throw new Invalid('This document cannot be edited as it has a payment or credit note allocated to it.')
    const deleted: BankEntry = { ...before, status: 'DELETED', updatedAt: at }
    book.tables.bankEntries.set(before.id, deleted)
    book.ledger.undoSource('bank', before.id)
    return deleted
  }
  const date = dayFrom(ask.Date, 'Date') ?? before.date
  refuseLockedDocument(book, date)
  const kinds = lineTypes(ask.LineAmountTypes, before.lineAmountTypes)
  const rules = { types: kinds, approved: true, fourPlaceUnits: call.query.unitdp === '4', discounts: false }
  const lines = 'LineItems' in ask ? linesFrom(book, ask.LineItems, rules) : before.lines
  const changed: BankEntry = {
    ...before,
    date,
    lineAmountTypes: kinds,
    lines,
    ...totalsOf(lines, kinds),
    bankAccountId: 'BankAccount' in ask ? bankAccount(book, ask.BankAccount).id : before.bankAccountId,
    contactId: 'Contact' in ask ? contactFor(call, ask.Contact).id : before.contactId,
    reference: ask.Reference === undefined ? before.reference : String(ask.Reference),
    reconciled: ask.IsReconciled === undefined ? before.reconciled : ask.IsReconciled === true,
    updatedAt: at,
  }
  book.tables.bankEntries.set(before.id, changed)
  book.ledger.undoSource('bank', before.id)
  postEntry(book, changed)
  return changed
}

function createTransfer(call: Call, ask: Element): BankTransfer {
  const { book } = call
  const from = bankAccount(book, ask.FromBankAccount)
  const to = bankAccount(book, ask.ToBankAccount)
  if (from.id === to.id) throw new Invalid('The two bank accounts must differ')
  const amountMinor = toMinor((ask.Amount ?? 0) as number)
  if (amountMinor <= 0n) throw new Invalid('The amount must be greater than zero')
  const date = dayFrom(ask.Date, 'Date') ?? book.dayAt(call.now)
  refuseLockedDocument(book, date)

  const at = call.now.getTime()
  const transfer: BankTransfer = {
    id: randomUUID(),
    fromAccountId: from.id,
    toAccountId: to.id,
    fromEntryId: randomUUID(),
    toEntryId: randomUUID(),
    date,
    amountMinor,
    reference: String(ask.Reference ?? ''),
    fromReconciled: ask.FromIsReconciled === true,
    toReconciled: ask.ToIsReconciled === true,
    status: 'AUTHORISED',
    createdAt: at,
  }
  book.tables.bankTransfers.set(transfer.id, transfer)
  const half = (id: string, type: string, bankAccountId: string, reconciled: boolean): BankEntry => ({
    id,
    type,
    status: 'AUTHORISED',
    contactId: null,
    bankAccountId,
    date,
    reference: transfer.reference,
    reconciled,
    lineAmountTypes: 'NoTax',
    lines: [],
    subTotalMinor: amountMinor,
    taxMinor: 0n,
    totalMinor: amountMinor,
    transferId: transfer.id,
    createdAt: at,
    updatedAt: at,
  })
  book.tables.bankEntries.set(
    transfer.fromEntryId,
    half(transfer.fromEntryId, 'SPEND-TRANSFER', from.id, transfer.fromReconciled),
  )
  book.tables.bankEntries.set(
    transfer.toEntryId,
    half(transfer.toEntryId, 'RECEIVE-TRANSFER', to.id, transfer.toReconciled),
  )
  book.ledger.journal(
    date,
    [
      { accountId: to.id, amountMinor },
      { accountId: from.id, amountMinor: -amountMinor },
    ],
    { kind: 'transfer', id: transfer.id },
  )
  return transfer
}

function deleteTransfer(call: Call, transfer: BankTransfer, status: unknown): BankTransfer {
  const { book } = call
  if (status !== 'DELETED') throw new Invalid('Status must be DELETED')
  if (transfer.status === 'DELETED') throw new Invalid('Bank transfer not of valid status for modification')
  refuseLockedDocument(book, transfer.date)
  const deleted: BankTransfer = { ...transfer, status: 'DELETED' }
  book.tables.bankTransfers.set(transfer.id, deleted)
  for (const id of [transfer.fromEntryId, transfer.toEntryId]) {
    const entry = book.tables.bankEntries.get(id)
    if (entry) book.tables.bankEntries.set(id, { ...entry, status: 'DELETED', updatedAt: call.now.getTime() })
  }
  book.ledger.undoSource('transfer', transfer.id)
  return deleted
}

function accountStub(book: XeroBook, id: string): Element {
  const account = book.tables.accounts.get(id)
  return { AccountID: id, ...(account?.code ? { Code: account.code } : {}), Name: account?.name }
}

function renderEntry(book: XeroBook, entry: BankEntry, whole = true): Element {
  const contact = contactStub(book, entry.contactId)
  const credit = entry.creditId === undefined ? undefined : book.tables.credits.get(entry.creditId)
  return {
    BankTransactionID: entry.id,
    Type: entry.type,
    ...(contact === undefined ? {} : { Contact: contact }),
    BankAccount: accountStub(book, entry.bankAccountId),
    ...(credit === undefined ? {} : { [`${credit.kind}ID`]: credit.id }),
    ...dayFields('Date', entry.date),
    Status: entry.status,
    Reference: entry.reference,
    ...(entry.url === undefined ? {} : { Url: entry.url }),
    IsReconciled: entry.reconciled,
    LineAmountTypes: entry.lineAmountTypes,
    LineItems: whole ? entry.lines.map((line) => renderLine(book, line, false)) : [],
    SubTotal: money(entry.subTotalMinor),
    TotalTax: money(entry.taxMinor),
    Total: money(entry.totalMinor),
    CurrencyCode: book.settings.currency,
    UpdatedDateUTC: instantStamp(entry.updatedAt),
    HasAttachments: false,
  }
}

function renderTransfer(book: XeroBook, transfer: BankTransfer): Element {
  return {
    BankTransferID: transfer.id,
    FromBankAccount: accountStub(book, transfer.fromAccountId),
    ToBankAccount: accountStub(book, transfer.toAccountId),
    Amount: money(transfer.amountMinor),
    ...dayFields('Date', transfer.date),
    FromBankTransactionID: transfer.fromEntryId,
    ToBankTransactionID: transfer.toEntryId,
    FromIsReconciled: transfer.fromReconciled,
    ToIsReconciled: transfer.toReconciled,
    Reference: transfer.reference,
    CurrencyRate: 1,
    Status: transfer.status,
    CreatedDateUTC: instantStamp(transfer.createdAt),
    CreatedDateUTCString: new Date(transfer.createdAt).toISOString().slice(0, 19),
    HasAttachments: false,
  }
}
