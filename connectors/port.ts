/**
 * The port: the one shape in which Quits speaks to accounting systems.
 *
 * Keeps: nothing of a vendor's vocabulary and nothing of our tables passes through here.
 * Never: imports anything. Whoever writes a connector needs this file and its vendor's manual.
 *
 * Money is whole minor units (bigint), a Day is 'YYYY-MM-DD' in the book's zone, an Instant is RFC 3339 in UTC.
 */

export type BookKind = 'xero' | 'quickbooks' | 'fake'
export type Day = string
export type Instant = string

export type BookLimits = {
  atOnce: number
  aMinute: number
  /** Most calls a day for one book on the smallest plan; null where the vendor sets none. */
  aDay: number | null
  /** Most calls a minute for all books of our app together; null where the vendor sets none. */
  appAMinute: number | null
  /** Most calls a minute that carry several things, where the vendor counts them apart. */
  batchesAMinute: number | null
  /** Most things in one write. */
  inOneCall: number
  /** May things of different kinds share a call? */
  mixesKinds: boolean
  /** Each of these takes a call of its own. */
  alone: readonly DocumentKind[]
  /** How long the vendor remembers a key; null when it is not documented. */
  keyLivesMs: number | null
  referenceLength: number
}

/** What a vendor needs to know of us. Every address can be pointed at a sandbox or a stand-in. */
export type VendorSettings = {
  clientId: string
  clientSecret: string
  redirectUri: string
}

// ─── Consent ──────────────────────────────────────────────────────────────────────────────────────────────────────

export type ConsentAsk = {
  state: string
  /** PKCE verifier, 43-128 characters; used where the vendor takes it. */
  verifier: string
}
export type ConsentCallback = { /** The whole address the vendor sent the browser to. */ url: string; verifier: string }

/** The tokens behind a connection and the one book they open. Sealed at rest, never logged. */
export type Grant = {
  /** The vendor's id of the book: Xero's tenant id, QuickBooks' realm id. */
  bookId: string
  bookName: string
  /** What must be named to cut this one connection (Xero's connection id). */
  cutId: string | null
  accessToken: string
  accessEndsAt: Instant
  refreshToken: string
  refreshEndsAt: Instant
  /** The last day on which any refresh works, where the vendor sets one. */
  hardEndsAt: Instant | null
  scopes: string[]
}

// ─── What is there ────────────────────────────────────────────────────────────────────────────────────────────────

export type BookAccountKind =
  | 'bank'
  | 'current_liability'
  | 'current_asset'
  | 'income'
  | 'expense'
  | 'receivable'
  | 'payable'
  | 'other'
export type BookAccount = {
  id: string
  code: string | null
  name: string
  kind: BookAccountKind
  /** May invoices and bills be paid from it? */
  takesPayments: boolean
  active: boolean
  /** The book's own account that nobody may choose: debtors, creditors, rounding. */
  reserved: boolean
}
export type TaxUse = 'sales' | 'purchases'
export type BookTaxCode = {
  id: string
  name: string
  /** Hundredths of a per cent: 2000 is 20 %. */
  rateBasisPoints: number
  uses: TaxUse[]
  active: boolean
  /** What the connector is sure this code means; null when only a person can say. */
  treatment: VatTreatment | null
}
export type BookThing = { id: string; name: string; active: boolean; incomeAccountId: string | null }

export type BookProfile = {
  bookId: string
  name: string
  country: string
  currency: string
  timeZone: string | null
  /** Dates on or before this day are closed; the latest of all the book's locks. */
  lockedThrough: Day | null
  plan: string | null
  /** False when the plan is not paid or the organisation takes no new documents. */
  writable: boolean
  shortCode: string | null
  vat: { registered: boolean; number: string | null; scheme: 'accrual' | 'cash' | 'flat_rate' | 'unknown' }
  accounts: BookAccount[]
  taxCodes: BookTaxCode[]
  /** What a sale needs besides an account (QuickBooks: items); empty where there is no such thing. */
  items: BookThing[]
  needsItem: boolean
}

export type BookBalance = { accountId: string; on: Day; amountMinor: bigint }

export type Cursor = Instant | null

export type DocumentKind =
  | 'invoice'
  | 'bill'
  | 'credit_note'
  | 'supplier_credit'
  | 'payment'
  | 'allocation'
  | 'money_spent'
  | 'money_received'
  | 'journal'
  | 'book_transfer'
export type DocumentStatus = 'draft' | 'open' | 'paid' | 'voided' | 'deleted'

/** A thing as a book holds it. `payment`: `of` names what it pays. `totalMinor` is gross. */
export type BookDocument = {
  kind: DocumentKind
  id: string
  version: string | null
  number: string | null
  reference: string | null
  contactId: string | null
  contactName: string | null
  datedOn: Day
  dueOn: Day | null
  status: DocumentStatus
  currency: string
  totalMinor: bigint
  vatMinor: bigint
  /** Still to pay, or credit still to use. */
  openMinor: bigint
  /** For payments, money and transfers: the account it moves, and by how much (in positive, out negative), per account. */
  moves: { accountId: string; amountMinor: bigint }[]
  /** For payments and allocations: what they settle. */
  of: { kind: DocumentKind; id: string; amountMinor: bigint }[]
  updatedAt: Instant
  deepLink: string | null
}
export type BookContact = {
  id: string
  version: string | null
  name: string
  email: string | null
  companyNumber: string | null
  vatNumber: string | null
  roles: ContactRole[]
  active: boolean
  /** Where the book has merged this contact into another. */
  mergedInto: string | null
}
export type BookPage = { documents: BookDocument[]; contacts: BookContact[]; next: Cursor }

/**
 * What to look for: by our reference (and contact and kind), by a receipt, by a number; or a bill, drafts too, that looks like
 * one not made yet (isLike), `notIds` being our own.
 */
export type Sought =
  | { by: 'reference'; kind: DocumentKind; reference: string; contactId: string | null; of?: Receipt | undefined }
  | { by: 'receipt'; kind: DocumentKind; id: string }
  | { by: 'number'; kind: 'invoice' | 'bill'; number: string; contactId: string | null }
  | { by: 'like'; kind: 'bill'; contactId: string; number: string; totalMinor: bigint; datedOn: Day; notIds: string[] }

const monthMs = 30 * 86_400_000

/** The same number, or the same total within a month. Every connector asks this of what it reads. */
export function isLike(document: BookDocument, sought: Extract<Sought, { by: 'like' }>): boolean {
  if (document.kind !== sought.kind || document.status === 'voided' || document.status === 'deleted') return false
  if (document.contactId !== sought.contactId || sought.notIds.includes(document.id)) return false
  if (document.number !== null && document.number === sought.number) return true
  const apartMs = Math.abs(Date.parse(document.datedOn) - Date.parse(sought.datedOn))
  return document.totalMinor === sought.totalMinor && apartMs <= monthMs
}

// ─── What should be there ─────────────────────────────────────────────────────────────────────────────────────────

/** `key` is at most 36 characters and makes this very ask safe to repeat as long as the vendor remembers it. */
export type Ask<T> = { key: string; thing: T }

export type NewAccount = { name: string; kind: 'bank' | 'current_liability'; code: string | null; currency: string }

export type ContactRole = 'customer' | 'supplier'
export type Contact = {
  name: string
  role: ContactRole
  email: string | null
  companyNumber: string | null
  vatNumber: string | null
  currency: string
}

export type VatTreatment = 'standard' | 'reduced' | 'zero' | 'exempt' | 'outside' | 'reverse_charge'
export type DocumentLine = {
  description: string
  netMinor: bigint
  /** What this line's VAT comes to; the book computes its own and the sums must agree. */
  vatMinor: bigint
  /** The book's own tax code; null in a book without VAT. */
  taxCodeId: string | null
  accountId: string
  itemId: string | null
}
type Paper = {
  /** Our marker, at most 21 characters, searchable in the book. */
  reference: string
  /** The number a person sees; at most 21 characters. */
  number: string
  contactId: string
  datedOn: Day
  currency: string
  lines: DocumentLine[]
  totalMinor: bigint
  /** A note of the trade. */
  note: string
  /** The trade's page in Quits. */
  link: string
}
export type Invoice = Paper & { kind: 'invoice'; dueOn: Day }
export type Bill = Paper & { kind: 'bill'; dueOn: Day }
/** The seller's credit to its customer, or the mirror in the buyer's book. */
export type CreditNote = Paper & { kind: 'credit_note' | 'supplier_credit' }

/**
 * Money out of or into an account, not through an invoice. On `clearing: 'receivable' | 'payable'` its single line
 * stands on the book's own debtors or creditors in the contact's name (a refund, where a book wants it in two steps).
 */
export type Money = {
  kind: 'money_spent' | 'money_received'
  reference: string
  contactId: string
  accountId: string
  datedOn: Day
  currency: string
  lines: DocumentLine[]
  clearing: 'receivable' | 'payable' | null
  totalMinor: bigint
  note: string
  link: string
  /** Xero's bank screen: made as reconciled. */
  reconciled: boolean
}
export type Journal = {
  kind: 'journal'
  reference: string
  datedOn: Day
  currency: string
  lines: {
    accountId: string
    description: string
    /** Debit positive, credit negative. */
    amountMinor: bigint
    taxCodeId: string | null
  }[]
  note: string
}

/** Settles `amountMinor` of one document from (or into) an account. Of a credit note: a refund. */
export type Payment = {
  kind: 'payment'
  reference: string
  of: Receipt
  contactId: string
  accountId: string
  amountMinor: bigint
  datedOn: Day
  currency: string
  reconciled: boolean
  note: string
}
/** Sets a credit (first) against a document or a refund (second); no money moves. */
export type Allocation = {
  kind: 'allocation'
  reference: string
  credit: Receipt
  against: Receipt
  contactId: string
  /** Some books want an account named even when nothing moves on it. */
  accountId: string
  amountMinor: bigint
  datedOn: Day
  currency: string
  note: string
}

/** The book's own id and version for what we put, and what its answer says of it. */
export type Receipt = {
  kind: DocumentKind | 'contact'
  id: string
  version: string | null
  number: string | null
  totalMinor: bigint | null
  openMinor: bigint | null
  datedOn: Day | null
  status: DocumentStatus | null
  deepLink: string | null
  /** The book's words when it took the thing but was not happy; shown, never dropped. */
  warnings: string[]
  /** The vendor's id of the call. */
  callId: string | null
}
export type Verdict = { ok: true; receipt: Receipt } | { ok: false; error: BookError }

// ─── What they tell us ────────────────────────────────────────────────────────────────────────────────────────────

export type RawBell = { body: Uint8Array; headers: Record<string, string | undefined> }
export type Bell = { id: string; bookId: string; kind: string; thingId: string | null; at: Instant }

// ─── When it goes wrong ───────────────────────────────────────────────────────────────────────────────────────────

export type BookErrorKind =
  | 'throttled'
  | 'unavailable'
  | 'unclear'
  | 'unauthorized'
  | 'period_locked'
  | 'invalid'
  | 'stale'
  | 'conflicting'
export type BookErrorFacts = {
  /** Our stable word for the cause (`contact_archived`, `number_taken`, `tax_code_refused`, `plan_limit`…); see each connector's errors.ts. */
  cause: string
  /** The book's own words; shown one click away, never first. */
  said: string
  status: number | null
  vendorCode: string | null
  callId: string | null
  waitMs?: number | undefined
  /** The vendor did not say how long; `waitMs` is our own guess, and we were too fast for it. */
  isWaitGuessed?: boolean | undefined
  /** The day's allowance, not the minute's. */
  untilTomorrow?: boolean | undefined
  lockedThrough?: Day | undefined
  /** The vendor answered from its memory of an earlier error for this key. */
  remembered?: boolean | undefined
}
export class BookError extends Error {
  readonly kind: BookErrorKind
  readonly facts: BookErrorFacts
  constructor(kind: BookErrorKind, facts: BookErrorFacts) {
    super(`${kind}: ${facts.cause}`)
    this.name = 'BookError'
    this.kind = kind
    this.facts = facts
  }
}

/** Called after every answer, so that the caller's budget follows what the vendor says is left. */
export type CallSeen = {
  bookId: string | null
  status: number | null
  callId: string | null
  leftThisMinute: number | null
  leftToday: number | null
  /** In this minute, for all books of our app together. */
  leftForApp: number | null
  tookMs: number
}

export interface BookConnector {
  readonly kind: BookKind
  readonly limits: BookLimits
  /** Does giving a credit back take two steps here: money on debtors or creditors, then an allocation? */
  readonly refundsInTwoSteps: boolean

  /** What the service keeps of a book, and when it was read there: so that writing needs no reading. Costs no call. */
  know?(profile: BookProfile, readAt: Date): void

  /** What a consent should cover; a person may have granted less. */
  readonly wants?: readonly string[]
  consentUrl(ask: ConsentAsk): Promise<string>
  /** Throws BookError('unauthorized') with cause 'consent_declined' when the person said no, 'consent_refused' when the code is dead. */
  grantsFrom(callback: ConsentCallback): Promise<Grant[]>
  refresh(grant: Grant): Promise<Grant>
  revoke(grant: Grant): Promise<void>

  describe(grant: Grant): Promise<BookProfile>
  contacts(grant: Grant): AsyncIterable<BookContact[]>
  /** Signed as the book's owner reads it: an asset above zero, a debt below. */
  balance(grant: Grant, account: BookAccount, on: Day): Promise<BookBalance>
  /** Everything that changed since the cursor (null: everything there is), pages in order; the last page's `next` is the new cursor. */
  changes(grant: Grant, since: Cursor): AsyncIterable<BookPage>
  /** One answer for each sought, in order; null when the book has no such thing. Deleted and voided things are found too. */
  find(grant: Grant, sought: Sought[]): Promise<(BookDocument | null)[]>

  openAccount(grant: Grant, ask: Ask<NewAccount>): Promise<BookAccount>
  putContacts(grant: Grant, asks: Ask<Contact>[]): Promise<Verdict[]>
  putDocuments(grant: Grant, asks: Ask<Invoice | Bill | CreditNote | Money | Journal>[]): Promise<Verdict[]>
  putPayments(grant: Grant, asks: Ask<Payment | Allocation>[]): Promise<Verdict[]>
  /** Takes back what we made ourselves and nobody has touched: only a contact or a document of ours that a person asked to undo. */
  cancel(grant: Grant, asks: Ask<Receipt>[]): Promise<Verdict[]>

  /** Throws BookError('unauthorized') when none of the keys signed it; a signed one that tells nothing gives an empty list. */
  bells(raw: RawBell, keys: string[]): Bell[]
}
