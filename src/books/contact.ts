/**
 * The counterparty as one book knows it: matched by our own stored id, then company number, then VAT number and name,
 * then e-mail and name. One sure match is used, several are asked about, for none a new one is made (outbox/deliver-contacts).
 *
 * Keeps: what a person chose is remembered; archived contacts and those merged into another are not matched.
 */
import type { BookContact, ContactRole } from '../../connectors/port.ts'
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { connectionOf } from './connection.ts'

export type ContactKept = {
  connectionId: Uuid
  counterpartId: Uuid
  role: ContactRole
  bookContactId: string
  bookName: string
  version: string | null
  /** The cost account kept for this supplier. */
  accountId: string | null
  chosenBy: string | null
  sinceAt: Date
}

/** By what a counterparty is recognised. */
export type Marks = { name: string; companyNumber: string | null; vatNumber: string | null; email: string | null }
export type MatchedBy = 'company_number' | 'vat_number_and_name' | 'email_and_name'
export type Match =
  | { is: 'sure'; contact: BookContact; by: MatchedBy }
  | { is: 'several'; contacts: BookContact[]; by: MatchedBy }
  | { is: 'none' }

/** Pure. `apart`: this book keeps customers and suppliers in two lists (QuickBooks). */
export function matchContact(contacts: BookContact[], marks: Marks, role: ContactRole, apart: boolean): Match {
  const usable = contacts.filter((one) => one.active && one.mergedInto === null && (!apart || one.roles.includes(role)))
  const name = nameKey(marks.name)
  const rules: [MatchedBy, (one: BookContact) => boolean][] = [
    ['company_number', (one) => same(registerKey, one.companyNumber, marks.companyNumber)],
    // A VAT group shares one number, and a shared mail box one address: the name must agree too.
    ['vat_number_and_name', (one) => same(vatKey, one.vatNumber, marks.vatNumber) && nameKey(one.name) === name],
    ['email_and_name', (one) => same(emailKey, one.email, marks.email) && nameKey(one.name) === name],
  ]
  for (const [by, fits] of rules) {
    const found = usable.filter(fits)
    if (found.length > 1) return { is: 'several', contacts: found, by }
    if (found[0]) return { is: 'sure', contact: found[0], by }
  }
  return { is: 'none' }
}

export async function contactKept(
  tx: Tx,
  connectionId: Uuid,
  counterpartId: Uuid,
  role: ContactRole,
): Promise<ContactKept | null> {
  const row = await tx.bookContact.findUnique({
    where: { connectionId_counterpartId_role: { connectionId, counterpartId, role } },
  })
  return row ? { ...row, role: row.role as ContactRole } : null
}

/** The cost account a bookkeeper keeps for this supplier, if any; else the mapping's default is used. */
export async function keptSupplierAccount(tx: Tx, connectionId: Uuid, counterpartId: Uuid): Promise<string | null> {
  return (await contactKept(tx, connectionId, counterpartId, 'supplier'))?.accountId ?? null
}

/** From now on bills of this supplier go to that account; null: to the default again. */
export async function keepSupplierAccount(
  tx: Tx,
  clock: Clock,
  ask: { connectionId: Uuid; counterpartId: Uuid; accountId: string | null; actor: string },
): Promise<void> {
  const { connectionId, counterpartId, accountId } = ask
  const { profile, organisationId } = await connectionOf(tx, connectionId)
  const account = profile.accounts.find((one) => one.id === accountId)
  if (accountId !== null && (!account?.active || account.reserved || account.kind !== 'expense'))
    throw new Refusal('mapping_not_sound', { why: 'the account for this supplier is not an active expense account' })
  const where = { connectionId, counterpartId, role: 'supplier' }
  const { count } = await tx.bookContact.updateMany({ where, data: { accountId } })
  if (count === 0) throw new Refusal('not_found', { thing: 'supplier in this book' })
  const facts = { account: account?.name ?? null }
  await recordDeed(tx, clock, { organisationId, actor: ask.actor, what: 'supplier_account_kept', facts })
}

/** Remembers which contact of the book stands for a counterparty; the account kept for a supplier stays. */
export async function keepContact(
  tx: Tx,
  clock: Clock,
  ask: {
    connectionId: Uuid
    counterpartId: Uuid
    role: ContactRole
    contact: { id: string; name: string; version: string | null }
    chosenBy: string | null
  },
): Promise<void> {
  const { connectionId, counterpartId, role, contact } = ask
  const written = {
    bookContactId: contact.id,
    bookName: contact.name,
    version: contact.version,
    chosenBy: ask.chosenBy,
  }
  await tx.bookContact.upsert({
    where: { connectionId_counterpartId_role: { connectionId, counterpartId, role } },
    create: { connectionId, counterpartId, role, ...written, sinceAt: clock.now() },
    update: written,
  })
}

/** The plain name first; where a namesake has it, the side, then the network, tell them apart. */
export function namesToTry(name: string, role: ContactRole, networkName: string): string[] {
  const clean = (text: string) =>
    text
      .replace(/[:\t\n]/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
  const plain = clean(name).slice(0, longestName)
  const network = clean(networkName).slice(0, 60)
  return [
    plain,
    withEnd(plain, ` (${role})`),
    withEnd(plain, ` (${network})`),
    withEnd(plain, ` (${role}, ${network})`),
  ]
}

/** Well below what either vendor takes (Xero 255, QuickBooks 500). */
const longestName = 200

function withEnd(name: string, end: string): string {
  return name.slice(0, longestName - end.length) + end
}

function same(key: (text: string) => string, theirs: string | null, ours: string | null): boolean {
  return theirs !== null && ours !== null && key(ours) !== '' && key(theirs) === key(ours)
}

function nameKey(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\b(limited|ltd)\b\.?/g, 'ltd')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** As a register writes it, with the leading zeros that people leave out. */
function registerKey(number: string): string {
  const plain = number.replace(/[\s.-]/g, '').toUpperCase()
  return /^\d{6,7}$/.test(plain) ? plain.padStart(8, '0') : plain
}

function vatKey(number: string): string {
  return number
    .replace(/[\s.-]/g, '')
    .toUpperCase()
    .replace(/^GB/, '')
}

function emailKey(email: string): string {
  return email.trim().toLowerCase()
}
