/**
 * What the contract asks of whoever brings a connector: a book with people and a vendor behind it.
 *
 * Keeps: the suite reaches the book's people only through here, and the book itself only through the connector.
 */
import type {
  BookConnector,
  ConsentCallback,
  Day,
  DocumentKind,
  Grant,
  NewAccount,
  RawBell,
  VatTreatment,
} from '../../connectors/port.ts'

/** Without a seed the book is registered for VAT. */
export type BookSeed = { vat: 'registered' | 'none' }

export type Control = {
  /** Dates on or before this day are closed from now on. */
  lockPeriod(through: Day): Promise<void>
  throttleOnce(): Promise<void>
  /** The next call meets a vendor that is down, before anything is done. */
  downOnce(): Promise<void>
  /** The next write is committed and its answer is lost. */
  loseReplyOnce(): Promise<void>
  forgetKeys(): Promise<void>
  /** A person voids or deletes it in the book's own screens, whichever they offer for this kind. */
  editVoid(kind: DocumentKind, id: string): Promise<void>
  archiveContact(id: string): Promise<void>
  /** A person spends money from the account on something of their own; gives the id of what they entered. */
  personSpends(accountId: string, amountMinor: bigint, on: Day): Promise<string>
  /** The person takes the consent back on the vendor's side. */
  revoke(): Promise<void>
  advance(ms: number): Promise<void>
  /** What the vendor found wrong in the shape of our requests so far; empty is right. */
  violations(): Promise<unknown[]>
}

export type Harness = {
  connector: BookConnector
  grant: Grant
  bookName: string
  now(): Date
  /** Through the vendor's page like a person: yes to our book, and back to our address. */
  agree(): Promise<ConsentCallback>
  consent(): Promise<Grant[]>
  /** The same with a no; settles as the connector's grantsFrom does. */
  decline(): Promise<unknown>
  refreshes: {
    /** How old a refresh token must be before a refresh brings another one. */
    rotateAfterMs: number
    /** How long the one before may still be used; 0 where it is dead at once. */
    oldLivesMs: number
    accessLivesMs: number
  }
  control: Control
  vat: { sales: Record<VatTreatment, string | null>; purchases: Record<VatTreatment, string | null> }
  accounts: { sales: string; cost: string; fee: string }
  itemId: string | null
  /** The kinds of mutual-credit account that this book lets us open and pay into. */
  opens: NewAccount['kind'][]
  /** A bell as it arrived for this document, and the key it was signed with. */
  bellFor(kind: DocumentKind, id: string): Promise<{ raw: RawBell; key: string }>
  /** Everything that must never stand in an error: tokens, codes, the client's secret. */
  secrets(): string[]
  close(): Promise<void>
}
