/**
 * Makes the things that the contract puts into a book, each with a name, number and reference of its own.
 */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import {
  type Allocation,
  type Ask,
  type Bill,
  type BookAccount,
  type BookContact,
  type BookDocument,
  BookError,
  type ContactRole,
  type CreditNote,
  type Cursor,
  type DocumentLine,
  type Invoice,
  type Money,
  type Payment,
  type Receipt,
  type VatTreatment,
  type Verdict,
} from '../../connectors/port.ts'
import type { Harness } from './harness.ts'

export const soldOn = '2026-11-16'
export const paidOn = '2026-11-18'
export const dueOn = '2026-12-16'

const rateOf: Record<VatTreatment, bigint> = {
  standard: 20n,
  reduced: 5n,
  zero: 0n,
  exempt: 0n,
  outside: 0n,
  reverse_charge: 0n,
}

export function papers(harness: Harness) {
  const { connector, grant, accounts, vat } = harness
  const run = randomUUID().replaceAll('-', '').slice(0, 6).toUpperCase()
  let last = 0
  const next = (end: string) => `Q${run}${String(++last).padStart(3, '0')}-${end}`

  /** A line with the VAT treatment, or null where this book has no code for it. */
  function line(side: 'sales' | 'purchases', treatment: VatTreatment | null, netMinor: bigint): DocumentLine {
    const taxCodeId = treatment && vat[side][treatment]
    const vatMinor = treatment && taxCodeId ? (netMinor * rateOf[treatment] + 50n) / 100n : 0n
    const accountId = side === 'sales' ? accounts.sales : accounts.cost
    const itemId = side === 'sales' ? harness.itemId : null
    return { description: `Flour, ${treatment ?? 'without VAT'}`, netMinor, vatMinor, taxCodeId, accountId, itemId }
  }
  function paper(end: string, contactId: string, lines: DocumentLine[]) {
    const reference = next(end)
    const number = `INV-${reference.slice(1, 10)}`
    const rest = {
      datedOn: soldOn,
      currency: 'GBP',
      note: 'Trade 7H2K9M4TZ in Riverbank',
      link: 'https://quits.example/t/7',
    }
    return { reference, number, contactId, lines, totalMinor: grossOf(lines), ...rest }
  }
  const invoice = (contactId: string, lines = [line('sales', 'standard', 100_000n)]): Invoice => {
    return { kind: 'invoice', dueOn, ...paper('I', contactId, lines) }
  }
  const bill = (contactId: string, lines = [line('purchases', 'standard', 100_000n)]): Bill => {
    return { kind: 'bill', dueOn, ...paper('B', contactId, lines) }
  }
  const credit = (kind: CreditNote['kind'], contactId: string, lines: DocumentLine[]): CreditNote => {
    return { kind, ...paper('C', contactId, lines), datedOn: paidOn }
  }
  function money(kind: Money['kind'], contactId: string, accountId: string, lines: DocumentLine[]): Money {
    const { number: _, ...rest } = paper('M', contactId, lines)
    return { kind, accountId, clearing: null, reconciled: false, ...rest, datedOn: paidOn }
  }
  function payment(of: Receipt, contactId: string, accountId: string, amountMinor: bigint): Payment {
    const reference = next('P')
    const rest = { datedOn: paidOn, currency: 'GBP', reconciled: false, note: 'Paid in mutual credit' }
    return { kind: 'payment', reference, of, contactId, accountId, amountMinor, ...rest }
  }
  function allocation(
    credit: Receipt,
    against: Receipt,
    contactId: string,
    accountId: string,
    amountMinor: bigint,
  ): Allocation {
    const rest = { datedOn: paidOn, currency: 'GBP', note: 'Set against' }
    return { kind: 'allocation', reference: next('A'), credit, against, contactId, accountId, amountMinor, ...rest }
  }

  const putDocument = async (thing: Invoice | Bill | CreditNote | Money) =>
    receiptOf(await connector.putDocuments(grant, [ask(thing)]))
  const putPayment = async (thing: Payment | Allocation) => receiptOf(await connector.putPayments(grant, [ask(thing)]))
  const contact = (name: string, role: ContactRole) => {
    const rest = { email: `${run.toLowerCase()}@example.org`, companyNumber: null, vatNumber: null, currency: 'GBP' }
    return { name: `${name} ${run}`, role, ...rest }
  }
  const putContact = async (name: string, role: ContactRole) =>
    (await receiptOf(await connector.putContacts(grant, [ask(contact(name, role))]))).id
  const openAccount = (kind: 'bank' | 'current_liability' = 'bank'): Promise<BookAccount> => {
    const name = `Mutual credit: ${run} ${++last} (not cash)`
    return connector.openAccount(grant, ask({ name, kind, code: null, currency: 'GBP' }))
  }

  async function read(kind: BookDocument['kind'], id: string): Promise<BookDocument> {
    const [found] = await connector.find(grant, [{ by: 'receipt', kind, id }])
    if (!found) throw new Error(`the book has no ${kind} ${id}`)
    return found
  }
  async function balance(account: BookAccount, on: string): Promise<bigint> {
    return (await connector.balance(grant, account, on)).amountMinor
  }
  async function changesSince(since: Cursor) {
    const all = { documents: [] as BookDocument[], contacts: [] as BookContact[], next: null as Cursor }
    for await (const page of connector.changes(grant, since)) {
      all.documents.push(...page.documents)
      all.contacts.push(...page.contacts)
      all.next = page.next
    }
    return all
  }
  /** The error of a call, thrown or given as the verdict of its only ask; looked through for secrets on the way. */
  async function errorOf(call: Promise<unknown>): Promise<BookError> {
    const error = await call.then(
      (answer) => (Array.isArray(answer) && answer.length === 1 && answer[0]?.error) || answer,
      (thrown) => thrown,
    )
    expect(error, 'a call that had to fail').toBeInstanceOf(BookError)
    const text = [error.message, error.stack, JSON.stringify(error.facts), String(error.cause)].join('\n')
    for (const secret of harness.secrets()) expect(text.includes(secret), 'a secret in an error').toBe(false)
    return error
  }

  const make = { line, invoice, bill, credit, money, payment, allocation, contact }
  return { ...make, putDocument, putPayment, putContact, openAccount, read, balance, changesSince, errorOf }
}

export const ask = <T>(thing: T): Ask<T> => ({ key: randomUUID(), thing })
const grossOf = (lines: DocumentLine[]) =>
  lines.reduce((total, { netMinor, vatMinor }) => total + netMinor + vatMinor, 0n)

export function receiptOf(verdicts: Verdict[]): Receipt {
  expect(verdicts).toHaveLength(1)
  const [verdict] = verdicts
  if (verdict?.ok) return verdict.receipt
  throw verdict?.error ?? new Error('no verdict')
}
