/**
 * The journal lines that a document will leave in the book, as its own double entry will have them. Pure.
 *
 * Debits and credits of each document are equal; a linked document and a set-off move nothing new.
 */
import type { BookProfile } from '../../connectors/port.ts'
import { invariant } from '../kit/invariant.ts'
import { sum } from '../kit/money.ts'
import type { Wanted } from './translate-delivery.ts'

export type PreviewEntry = { account: string; debitMinor: bigint; creditMinor: bigint }

export function entriesFor(wanted: Wanted, profile: BookProfile): PreviewEntry[] {
  if (wanted.verb !== 'documents' && wanted.verb !== 'payments') return []
  const entries = wanted.verb === 'documents' ? ofDocument(wanted.thing, profile) : ofPayment(wanted.thing, profile)
  const differs = sum(entries.map((one) => one.debitMinor - one.creditMinor))
  invariant(differs === 0n, `${wanted.thing.reference}: debits and credits differ by ${differs}`)
  return entries
}

/** As a person reads it in the book: code and name. */
export function accountWords(profile: BookProfile, id: string): string {
  const account = profile.accounts.find((one) => one.id === id)
  return account ? [account.code, account.name].filter(Boolean).join(' ') : id
}

function ofDocument(thing: Extract<Wanted, { verb: 'documents' }>['thing'], profile: BookProfile): PreviewEntry[] {
  const other =
    thing.kind === 'invoice' || thing.kind === 'credit_note'
      ? own(profile, 'receivable')
      : thing.kind === 'bill' || thing.kind === 'supplier_credit'
        ? own(profile, 'payable')
        : 'accountId' in thing
          ? accountWords(profile, thing.accountId)
          : ''
  const clearing = 'clearing' in thing && thing.clearing ? own(profile, thing.clearing) : null
  const vatMinor = sum(thing.lines.map((line) => line.vatMinor))
  const lines = byAccount(
    thing.lines.map((line) => [clearing ?? accountWords(profile, line.accountId), line.netMinor] as const),
  )
  // On the side of the lines stands the debit when something is bought, given back to a customer, or spent.
  const linesAreDebit = ['bill', 'credit_note', 'money_spent'].includes(thing.kind)
  const lineEntries = [...lines, ...(vatMinor === 0n ? [] : [['VAT', vatMinor] as const])].map(([account, minor]) =>
    entry(account, minor, linesAreDebit),
  )
  const whole = entry(other, thing.totalMinor, !linesAreDebit)
  return linesAreDebit ? [...lineEntries, whole] : [whole, ...lineEntries]
}

function ofPayment(thing: Extract<Wanted, { verb: 'payments' }>['thing'], profile: BookProfile): PreviewEntry[] {
  if (thing.kind === 'allocation') return []
  const credit = accountWords(profile, thing.accountId)
  const isSale = thing.of.kind === 'invoice' || thing.of.kind === 'credit_note'
  const other = own(profile, isSale ? 'receivable' : 'payable')
  const comesIn = thing.of.kind === 'invoice' || thing.of.kind === 'supplier_credit'
  const [debit, credited] = comesIn ? [credit, other] : [other, credit]
  return [entry(debit, thing.amountMinor, true), entry(credited, thing.amountMinor, false)]
}

/** The book's own debtors or creditors. */
function own(profile: BookProfile, kind: 'receivable' | 'payable'): string {
  return profile.accounts.find((one) => one.kind === kind)?.name ?? (kind === 'receivable' ? 'Debtors' : 'Creditors')
}

function byAccount(parts: (readonly [string, bigint])[]): (readonly [string, bigint])[] {
  const sums = new Map<string, bigint>()
  for (const [account, minor] of parts) sums.set(account, (sums.get(account) ?? 0n) + minor)
  return [...sums]
}

function entry(account: string, minor: bigint, isDebit: boolean): PreviewEntry {
  return isDebit ? { account, debitMinor: minor, creditMinor: 0n } : { account, debitMinor: 0n, creditMinor: minor }
}
