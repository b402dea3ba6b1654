/**
 * The books behind the fake connector, and the knobs that make them misbehave.
 *
 * Keeps: what a book holds outlives the connector that wrote it, so a test may throw its connector away and begin again.
 * Never: asks the machine for the time; the test that owns these books gives it.
 */
import type {
  BookAccount,
  BookAccountKind,
  BookContact,
  BookDocument,
  BookProfile,
  BookThing,
  Day,
  Receipt,
  TaxUse,
  VatTreatment,
  Verdict,
} from '../port.ts'

export const accessLivesMs = 30 * 60_000
const refreshLivesMs = 60 * 86_400_000
/** How long the token that was rotated away may still be used, in case the answer was lost. */
const graceMs = 30 * 60_000

/** `settles`: has an open amount of its own. Status and open amount are worked out from what settles it when it is read. */
export type Held = BookDocument & { settles: boolean }
export type Seed = {
  id: string
  name: string
  currency?: string
  country?: string
  vatRegistered?: boolean
  items?: BookThing[]
}
/** Each number says how many of the next calls it spoils. */
export type Knobs = {
  /** The write is committed and its answer never comes. */
  loseReply: number
  throttle: number
  unavailable: number
  forgetKeys: boolean
  /** Answers a key that once failed with the same error, as some vendors do. */
  rememberErrors: boolean
}

export class FakeBook {
  readonly profile: BookProfile
  readonly knobs: Knobs = { loseReply: 0, throttle: 0, unavailable: 0, forgetKeys: false, rememberErrors: false }
  readonly contacts = new Map<string, BookContact & { updatedAt: string }>()
  readonly documents = new Map<string, Held>()
  readonly settling = new Map<string, Held[]>()
  readonly keys = new Map<string, { content: string; verdict: Verdict }>()
  readonly opened = new Map<string, string>()
  readonly tokens = new Map<string, number>()
  refreshes = 0
  readonly #now: () => Date
  #generation = 0
  #lastId = 0
  #lastStampMs = 0

  constructor(seed: Seed, now: () => Date) {
    this.#now = now
    const registered = seed.vatRegistered ?? true
    const items = seed.items ?? []
    this.profile = {
      bookId: seed.id,
      name: seed.name,
      country: seed.country ?? 'GB',
      currency: seed.currency ?? 'GBP',
      timeZone: 'Europe/London',
      lockedThrough: null,
      plan: 'standard',
      writable: true,
      shortCode: null,
      vat: { registered, number: registered ? 'GB123456789' : null, scheme: 'accrual' },
      accounts: chart.map(([code, name, kind, reserved]) => account(`acc-${code}`, code, name, kind, reserved)),
      taxCodes: registered ? taxCodes : [],
      items,
      needsItem: items.length > 0,
    }
  }

  nextId = (kind: string) => `${kind}-${++this.#lastId}`

  /** Never the same instant twice, so that a cursor parts what came before from what came after. */
  stamp(): string {
    this.#lastStampMs = Math.max(this.#now().getTime(), this.#lastStampMs + 1)
    return new Date(this.#lastStampMs).toISOString()
  }

  issueTokens(): { access: string; refresh: string; accessEndsAt: string; refreshEndsAt: string } {
    const at = this.#now().getTime()
    for (const [token, ends] of this.tokens) {
      if (token.startsWith('refresh')) this.tokens.set(token, Math.min(ends, at + graceMs))
    }
    const end = `${this.profile.bookId}-${++this.#generation}`
    const tokens = { access: `access-${end}`, refresh: `refresh-${end}` }
    this.tokens.set(tokens.access, at + accessLivesMs).set(tokens.refresh, at + refreshLivesMs)
    const instant = (ms: number) => new Date(at + ms).toISOString()
    return { ...tokens, accessEndsAt: instant(accessLivesMs), refreshEndsAt: instant(refreshLivesMs) }
  }
  isAlive = (token: string) => (this.tokens.get(token) ?? 0) > this.#now().getTime()

  hold(document: Held): Held {
    this.documents.set(document.id, document)
    for (const one of document.of) {
      this.settling.set(one.id, [...(this.settling.get(one.id) ?? []), document])
      this.#touch(one.id)
    }
    return document
  }
  #touch(id: string) {
    const document = this.documents.get(id)
    if (document) document.updatedAt = this.stamp()
  }

  // ─── What a person or the vendor does behind our back ─────────────────────────────────────────────────────────────

  lockPeriod(through: Day | null) {
    this.profile.lockedThrough = through
  }
  revokeConsent() {
    this.tokens.clear()
  }
  editBehindOurBack(id: string, change: Partial<BookDocument> & Partial<Pick<BookContact, 'name' | 'active'>>) {
    const edited = this.documents.get(id) ?? this.contacts.get(id)
    if (!edited) throw new Error(`${this.profile.bookId} holds no ${id}`)
    Object.assign(edited, change, { version: String(Number(edited.version) + 1), updatedAt: this.stamp() })
    if ('of' in edited) for (const one of edited.of) this.#touch(one.id)
  }
  enterByHand(document: Pick<BookDocument, 'kind' | 'datedOn' | 'totalMinor'> & Partial<BookDocument>): string {
    const blank = {
      number: null,
      reference: null,
      contactId: null,
      contactName: null,
      dueOn: null,
      status: 'open' as const,
    }
    const id = this.nextId(document.kind)
    const rest = { currency: this.profile.currency, vatMinor: 0n, openMinor: 0n, moves: [], of: [], deepLink: null }
    const settles = ['invoice', 'bill', 'credit_note', 'supplier_credit'].includes(document.kind)
    return this.hold({ ...blank, id, version: '0', ...rest, updatedAt: this.stamp(), settles, ...document }).id
  }
}

export class FakeBooks {
  readonly books = new Map<string, FakeBook>()
  readonly codes = new Map<string, string[]>()
  readonly calls: { verb: string; bookId: string }[] = []
  /** Called with '<verb> asked' and '<verb> committed': a crash run throws from here. */
  onStep: (step: string) => void = () => {}
  readonly now: () => Date

  constructor(now: () => Date) {
    this.now = now
  }
  addBook(seed: Seed): FakeBook {
    const book = new FakeBook(seed, this.now)
    this.books.set(seed.id, book)
    return book
  }
  /** The person says yes on the page at `consentUrl`; gives the address the browser is sent to. */
  agree(consentUrl: string, bookIds: string[]): string {
    const code = `code-${this.codes.size + 1}`
    this.codes.set(code, bookIds)
    return backTo(consentUrl, 'code', code)
  }
  decline = (consentUrl: string): string => backTo(consentUrl, 'error', 'access_denied')
}

function backTo(consentUrl: string, name: string, value: string): string {
  const asked = new URL(consentUrl).searchParams
  const back = new URL(asked.get('redirect_uri') ?? '')
  back.searchParams.set('state', asked.get('state') ?? '')
  back.searchParams.set(name, value)
  return back.href
}

export function account(
  id: string,
  code: string | null,
  name: string,
  kind: BookAccountKind,
  reserved = false,
): BookAccount {
  return { id, code, name, kind, takesPayments: kind === 'bank', active: true, reserved }
}

const chart: [string, string, BookAccountKind, boolean?][] = [
  ['090', 'Bank', 'bank'],
  ['200', 'Sales', 'income'],
  ['260', 'Other income', 'income'],
  ['310', 'Cost of goods sold', 'expense'],
  ['404', 'Fees', 'expense'],
  ['429', 'General expenses', 'expense'],
  ['610', 'Debtors', 'receivable', true],
  ['800', 'Creditors', 'payable', true],
  ['814', 'Wages payable', 'current_liability'],
]

const rates: [VatTreatment, number][] = [
  ['standard', 2000],
  ['reduced', 500],
  ['zero', 0],
  ['exempt', 0],
  ['outside', 0],
  ['reverse_charge', 0],
]
const taxCodes = (['sales', 'purchases'] as TaxUse[]).flatMap((use) =>
  rates.map(([treatment, rateBasisPoints]) => {
    return {
      id: `${use}-${treatment}`,
      name: `${treatment} ${use}`,
      rateBasisPoints,
      uses: [use],
      active: true,
      treatment,
    }
  }),
)

/** What a fresh receipt says of a contact. */
export function contactReceipt(id: string): Receipt {
  const nothing = {
    number: null,
    totalMinor: null,
    openMinor: null,
    datedOn: null,
    status: null,
    deepLink: null,
    callId: null,
  }
  return { kind: 'contact', id, version: '0', warnings: [], ...nothing }
}
