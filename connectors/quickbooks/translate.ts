/**
 * Theirs to ours: QuickBooks' objects as the port's documents, contacts and receipts. Pure; the way out is in bodies.ts.
 *
 * Keeps: whatever an answer leaves out is told as absent or worked out from what is there, never guessed at.
 */
import type { BookContact, BookDocument, ContactRole, Day, DocumentStatus, Instant, Receipt } from '../port.ts'
import { minorAt, sumMinor } from './amounts.ts'
import {
  bookIdOf,
  type ContactEntity,
  contactLink,
  documentLink,
  type Entity,
  entities,
  entityLinked,
} from './entities.ts'
import { flagAt, listAt, textAt } from './json.ts'

/** `homeCurrency` is told where an object names none, as in a book of one currency it need not. */
export function documentFrom(entity: Entity, object: unknown, homeCurrency: string): BookDocument {
  const id = textAt(object, 'Id') ?? ''
  const status = statusOf(entity, object)
  const of = linksOf(object)
  const isAllocation = entity.kind === 'payment' && of.length > 0 && minorAt(object, 'TotalAmt') === 0n
  const contact = contactIn(entity, object)
  const totalMinor = isAllocation ? allocatedMinor(of) : (totalOf(entity, object) ?? 0n)
  const updatedAt = updatedAtOf(object)
  return {
    kind: isAllocation ? 'allocation' : entity.kind,
    id: bookIdOf(entity, id),
    version: textAt(object, 'SyncToken'),
    number: textAt(object, 'DocNumber') ?? textAt(object, 'PaymentRefNum'),
    reference: referenceIn(entity, object),
    contactId: contact.id,
    contactName: contact.name,
    datedOn: dayOf(textAt(object, 'TxnDate')) ?? updatedAt.slice(0, 10),
    dueOn: dayOf(textAt(object, 'DueDate')),
    status,
    currency: textAt(object, 'CurrencyRef', 'value') ?? homeCurrency,
    totalMinor,
    vatMinor: vatOf(object),
    openMinor: status === 'voided' || status === 'deleted' || isAllocation ? 0n : openOf(entity, object, totalMinor),
    moves: status === 'deleted' ? [] : movesOf(entity, object),
    of,
    updatedAt,
    deepLink: documentLink(entity, id),
  }
}

export function namesNoCurrency(object: unknown): boolean {
  return textAt(object, 'CurrencyRef', 'value') === null
}

export function contactFrom(entity: ContactEntity, object: unknown): BookContact {
  const role: ContactRole = entity === 'Customer' ? 'customer' : 'supplier'
  return {
    id: textAt(object, 'Id') ?? '',
    version: textAt(object, 'SyncToken'),
    name: textAt(object, 'DisplayName') ?? textAt(object, 'CompanyName') ?? '',
    email: textAt(object, 'PrimaryEmailAddr', 'Address'),
    companyNumber: textAt(object, 'CompanyRegistrationNumber') ?? companyNumberIn(textAt(object, 'Notes')),
    vatNumber: unmasked(textAt(object, 'PrimaryTaxIdentifier') ?? textAt(object, 'TaxIdentifier')),
    roles: [role],
    active: !isDeleted(object) && flagAt(object, 'Active') !== false,
    mergedInto: null,
  }
}

export function documentReceipt(entity: Entity, kind: Receipt['kind'], object: unknown, told: Told): Receipt {
  const document = documentFrom(entity, object, '')
  const { id, version, number, totalMinor, openMinor, datedOn, status, deepLink } = document
  if (status === 'deleted') return { ...nothingTold, kind, id, version, status, ...told }
  return { kind, id, version, number, totalMinor, openMinor, datedOn, status, deepLink, ...told }
}

export function contactReceipt(entity: ContactEntity, object: unknown, told: Told): Receipt {
  const { id, version } = contactFrom(entity, object)
  return { ...nothingTold, kind: 'contact', id, version, deepLink: contactLink(entity, id), ...told }
}

type Told = { callId: string | null; warnings: string[] }
const nothingTold = { number: null, totalMinor: null, openMinor: null, datedOn: null, status: null, deepLink: null }

/** The book's words beside a yes. */
export function warningsIn(body: unknown): string[] {
  return [...listAt(body, 'Warnings', 'Warning'), ...listAt(body, 'warnings', 'warning')]
    .map((one) => textAt(one, 'Detail') ?? textAt(one, 'Message') ?? textAt(one, 'detail') ?? textAt(one, 'message'))
    .filter((one) => one !== null)
}

// ─── The parts of a document ──────────────────────────────────────────────────────────────────────────────────────

const settling = new Set(['Invoice', 'Bill', 'CreditMemo', 'VendorCredit'])

function statusOf(entity: Entity, object: unknown): DocumentStatus {
  if (isDeleted(object)) return 'deleted'
  const totalMinor = totalOf(entity, object) ?? 0n
  const saysVoided =
    /^\s*voided\b/i.test(textAt(object, 'PrivateNote') ?? '') || /^voided$/i.test(textAt(object, 'status') ?? '')
  if (saysVoided && totalMinor === 0n) return 'voided'
  if (settling.has(entity.name)) return openOf(entity, object, totalMinor) > 0n ? 'open' : 'paid'
  return entity.kind === 'payment' && openOf(entity, object, totalMinor) > 0n ? 'open' : 'paid'
}

export function isDeleted(object: unknown): boolean {
  return /^deleted$/i.test(textAt(object, 'status') ?? '')
}

function totalOf(entity: Entity, object: unknown): bigint | null {
  const told = minorAt(object, 'TotalAmt') ?? minorAt(object, 'Amount')
  if (entity.name !== 'JournalEntry') return told
  const debits = listAt(object, 'Line').filter(
    (line) => textAt(line, 'JournalEntryLineDetail', 'PostingType') === 'Debit',
  )
  const totalMinor = sumMinor(debits.map((line) => minorAt(line, 'Amount') ?? 0n))
  return told === null || told === 0n ? totalMinor : told
}

function openOf(entity: Entity, object: unknown, totalMinor: bigint): bigint {
  if (entity.name === 'Payment') return minorAt(object, 'UnappliedAmt') ?? 0n
  if (!settling.has(entity.name)) return 0n
  const told = entity.name === 'CreditMemo' ? minorAt(object, 'RemainingCredit') : null
  return told ?? minorAt(object, 'Balance') ?? totalMinor
}

function vatOf(object: unknown): bigint {
  const lines = listAt(object, 'TxnTaxDetail', 'TaxLine').map((line) => minorAt(line, 'Amount') ?? 0n)
  return minorAt(object, 'TxnTaxDetail', 'TotalTax') ?? sumMinor(lines)
}

function contactIn(entity: Entity, object: unknown): { id: string | null; name: string | null } {
  const named = (field: unknown) => ({ id: textAt(field, 'value'), name: textAt(field, 'name') })
  const fields = object as Record<string, unknown>
  if (entity.contact) return named(fields[entity.contact])
  if (entity.name === 'Purchase') return named(fields.EntityRef)
  const details = listAt(object, 'Line').flatMap((line) => [
    ...listAt(line, 'DepositLineDetail', 'Entity'),
    ...listAt(line, 'JournalEntryLineDetail', 'Entity', 'EntityRef'),
  ])
  return named(details[0])
}

/** A void puts a word before the note; the marker stands first in what was there before it, and ends it or has a bar behind it. */
function referenceIn(entity: Entity, object: unknown): string | null {
  if (entity.marker !== 'PrivateNote') return textAt(object, entity.marker)
  const note = (textAt(object, 'PrivateNote') ?? '').replace(/^(\s*voided\b[\s:–-]*)+/i, '')
  return /^\s*(\S{1,21})(?:\s+\||\s*$)/.exec(note)?.[1] ?? null
}

function linksOf(object: unknown): BookDocument['of'] {
  return listAt(object, 'Line').flatMap((line) =>
    listAt(line, 'LinkedTxn').flatMap((link) => {
      const name = entityLinked[textAt(link, 'TxnType') ?? '']
      const id = textAt(link, 'TxnId')
      if (!name || id === null) return []
      return [
        { kind: entities[name].kind, id: bookIdOf(entities[name], id), amountMinor: minorAt(line, 'Amount') ?? 0n },
      ]
    }),
  )
}

/** What a payment of nothing sets off: the credits in it, whose sum is that of the charges. */
function allocatedMinor(of: BookDocument['of']): bigint {
  const credits = of.filter((one) => one.kind === 'credit_note' || one.kind === 'supplier_credit')
  const counted = credits.length > 0 ? credits : of.slice(0, 1)
  return sumMinor(counted.map((one) => one.amountMinor))
}

type Move = BookDocument['moves'][number]

/** Debit above zero, per account: what came into an account that is an asset, less what went out. */
function movesOf(entity: Entity, object: unknown): Move[] {
  const totalMinor = minorAt(object, 'TotalAmt') ?? 0n
  const lines = listAt(object, 'Line')
  const onLines = (detail: string, sign: bigint) =>
    lines.map((line) => move(textAt(line, detail, 'AccountRef', 'value'), sign * (minorAt(line, 'Amount') ?? 0n)))
  const into = textAt(object, 'DepositToAccountRef', 'value')
  const spent = (sign: bigint) => onLines('AccountBasedExpenseLineDetail', sign)
  switch (entity.name) {
    case 'Payment':
    case 'SalesReceipt':
      return summed([move(into, totalMinor)])
    case 'RefundReceipt':
      return summed([move(into, -totalMinor)])
    case 'BillPayment': {
      const from =
        textAt(object, 'CheckPayment', 'BankAccountRef', 'value') ??
        textAt(object, 'CreditCardPayment', 'CCAccountRef', 'value')
      return summed([move(from, -totalMinor)])
    }
    case 'Purchase': {
      const sign = flagAt(object, 'Credit') === true ? -1n : 1n
      return summed([move(textAt(object, 'AccountRef', 'value'), -sign * totalMinor), ...spent(sign)])
    }
    case 'Deposit': {
      const cashBack = move(
        textAt(object, 'CashBack', 'AccountRef', 'value'),
        minorAt(object, 'CashBack', 'Amount') ?? 0n,
      )
      return summed([move(into, totalMinor), cashBack, ...onLines('DepositLineDetail', -1n)])
    }
    case 'Bill':
      return summed(spent(1n))
    case 'VendorCredit':
      return summed(spent(-1n))
    case 'JournalEntry':
      return summed(
        lines.map((line) => {
          const sign = textAt(line, 'JournalEntryLineDetail', 'PostingType') === 'Credit' ? -1n : 1n
          return move(
            textAt(line, 'JournalEntryLineDetail', 'AccountRef', 'value'),
            sign * (minorAt(line, 'Amount') ?? 0n),
          )
        }),
      )
    case 'Transfer': {
      const amountMinor = minorAt(object, 'Amount') ?? 0n
      return summed([
        move(textAt(object, 'FromAccountRef', 'value'), -amountMinor),
        move(textAt(object, 'ToAccountRef', 'value'), amountMinor),
      ])
    }
    default:
      return []
  }
}
function move(accountId: string | null, amountMinor: bigint): Move | null {
  return accountId === null ? null : { accountId, amountMinor }
}
function summed(moves: (Move | null)[]): Move[] {
  const byAccount = new Map<string, bigint>()
  for (const one of moves) if (one) byAccount.set(one.accountId, (byAccount.get(one.accountId) ?? 0n) + one.amountMinor)
  return [...byAccount]
    .map(([accountId, amountMinor]) => ({ accountId, amountMinor }))
    .filter((one) => one.amountMinor !== 0n)
}

// ─── Small things ─────────────────────────────────────────────────────────────────────────────────────────────────

export function dayOf(text: string | null): Day | null {
  return /^\d{4}-\d{2}-\d{2}/.exec(text ?? '')?.[0] ?? null
}

/** Their instants bear an offset; ours are in UTC. Null when it is none. */
export function instantOf(text: string | null): Instant | null {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}

function updatedAtOf(object: unknown): Instant {
  const told =
    textAt(object, 'MetaData', 'LastUpdatedTime') ??
    textAt(object, 'MetaData', 'CreateTime') ??
    textAt(object, 'TxnDate')
  return instantOf(told) ?? new Date(0).toISOString()
}

export const companyNumberNote = 'Company number'
function companyNumberIn(notes: string | null): string | null {
  return new RegExp(`${companyNumberNote}:? (\\w{4,12})\\b`, 'i').exec(notes ?? '')?.[1] ?? null
}
/** QuickBooks shows only the end of a tax number; what is masked identifies nobody. */
function unmasked(number: string | null): string | null {
  return number !== null && /^[xX*]{2,}/.test(number) ? null : number
}
