/**
 * What an export is made of: the network, its accounts, its transfers in order, and how a format turns them into lines.
 *
 * Keeps: amounts wear our sign in every format. Above zero the network owes the account, below zero the account owes it.
 */
import type { Day } from '../../kit/clock.ts'
import { idText, shortName, type Uuid } from '../../kit/ids.ts'

export type ExportedAccount = {
  id: Uuid
  kind: string
  memberId: Uuid | null
  /** The member's name; of the network's own accounts their kind in words. */
  name: string
  openingMinor: bigint
  closingMinor: bigint
}

export type ExportedTransfer = {
  number: bigint
  id: Uuid
  postingId: Uuid
  kind: string
  debit: ExportedAccount
  credit: ExportedAccount
  amountMinor: bigint
  causeKind: string
  causeId: Uuid
  reversesId: Uuid | null
  holdId: Uuid | null
  holdExpiresAt: Date | null
  holdPromised: boolean
  bookedOn: Day
  recordedAt: Date
  /** In hexadecimal. */
  hash: string
}

/** The part of a ledger that a file holds. */
export type Part = {
  network: { id: Uuid; slug: string; name: string; currency: string; scale: number; timeZone: string }
  /** Whose transfers alone, or null: everybody's. */
  own: ExportedAccount | null
  from: Day | null
  to: Day | null
  /** The last transfer before the file's first, and the chain up to it. */
  before: { number: bigint; hash: string }
  head: { number: bigint; hash: string; bookedOn: Day; recordedAt: Date }
  /** A day before every day in the file. */
  dayBefore: Day
}

export type End = { transfers: bigint; last: { number: bigint; hash: string } }
export type Balance = { account: ExportedAccount; minor: bigint }

/** A format: each gives whole lines, with their ends. */
export type Format = {
  fileEnding: string
  contentType: 'text/csv' | 'application/jsonl' | 'text/plain'
  begin(part: Part): Iterable<string>
  /** Before the first line that names it. */
  account(account: ExportedAccount, part: Part): Iterable<string>
  /** What the accounts had before the first day; asked of a file that begins later than its ledger. */
  opening(balances: Balance[], part: Part): Iterable<string>
  transfer(transfer: ExportedTransfer, part: Part): Iterable<string>
  /** Balances at the end of a day: those that moved lately, and at the end of the file all. */
  balances(day: Day, balances: Balance[], part: Part, isEnd: boolean): Iterable<string>
  /** The last line: who does not find it has half a file. */
  end(end: End, part: Part): Iterable<string>
}

/** Does it write entries, or does it only hold and free? */
export function isMove(kind: string): boolean {
  return kind !== 'hold' && kind !== 'hold_release' && kind !== 'hold_expire'
}

/** What it was for, as people find it: a trade by the reference that stands in the books. */
export function causeReference(transfer: Pick<ExportedTransfer, 'causeKind' | 'causeId'>): string {
  if (transfer.causeKind === 'trade') return shortName(transfer.causeId)
  if (transfer.causeKind === 'member') return idText('member', transfer.causeId)
  return transfer.causeId
}

/** A text of people on one line, without control characters and signs that turn the direction of reading. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
}
