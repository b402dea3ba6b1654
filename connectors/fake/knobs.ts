/**
 * The books behind the fake connector, and the knobs that make them misbehave.
 *
 * Keeps: what a book holds outlives the connector that wrote it, so a test may throw its connector away and begin again.
 * Never: asks the machine for the time; the test that owns these books gives it.
 */
import type * as port from '../port.ts'

export const accessLivesMs = 30 * 60_000
const refreshLivesMs = 60 * 86_400_000
/** How long the refresh token that was rotated away still works, in case the answer was lost. */
const graceMs = 30 * 60_000

/** `settles`: has an open amount of its own. Status and open amount are worked out when it is read. */
export type Held = port.BookDocument & { settles: boolean }
export type HeldPart = Pick<Held, 'kind' | 'datedOn'> & Partial<Held>
export type Seed = { id: string; name: string; vatRegistered?: boolean } & Partial<port.BookProfile>

export class FakeBook {
  readonly profile: port.BookProfile
  /** Numbers say how many of the next calls are spoiled; `loseReply` commits first. */
  readonly knobs = { loseReply: 0, throttle: 0, unavailable: 0, forgetKeys: false }
  readonly contacts = new Map<string, port.BookContact & { updatedAt: string }>()
  readonly documents = new Map<string, Held>()
  /** What settles a document, by the document's id. */
  readonly settling = new Map<string, Held[]>()
  readonly keys = new Map<string, { content: string; verdict: port.Verdict }>()
  readonly tokens = new Map<string, number>()
  refreshes = 0
  readonly #now: () => Date
  #lastId = 0
  #lastStampMs = 0

  constructor({ id, vatRegistered = true, ...seed }: Seed, now: () => Date) {
    this.#now = now
    const vat = { registered: vatRegistered, number: vatRegistered ? 'GB123456789' : null, scheme: 'accrual' as const }
    const place = { country: 'GB', currency: 'GBP', timeZone: 'Europe/London', shortCode: null, plan: 'standard' }
    const lists = { accounts: chart(), taxCodes: vatRegistered ? taxCodes() : [], items: [], needsItem: false }
    this.profile = { bookId: id, ...place, lockedThrough: null, writable: true, vat, ...lists, ...seed }
  }
  nextId = (kind: string) => `${kind}-${++this.#lastId}`
  /** Never the same instant twice, so that a cursor parts what came before from what came after. */
  stamp(): string {
    this.#lastStampMs = Math.max(this.#now().getTime(), this.#lastStampMs + 1)
    return new Date(this.#lastStampMs).toISOString()
  }
  isAlive = (token: string) => (this.tokens.get(token) ?? 0) > this.#now().getTime()
  issueGrant(): port.Grant {
    const [at, { bookId, name: bookName }] = [this.#now().getTime(), this.profile]
    for (const [token, ends] of this.tokens)
      if (token.startsWith('refresh')) this.tokens.set(token, Math.min(ends, at + graceMs))
    const issue = (kind: string, livesMs: number) => {
      const token = this.nextId(`${kind}-${bookId}`)
      this.tokens.set(token, at + livesMs)
      return [token, new Date(at + livesMs).toISOString()] as const
    }
    const [accessToken, accessEndsAt] = issue('access', accessLivesMs)
    const [refreshToken, refreshEndsAt] = issue('refresh', refreshLivesMs)
    const tokens = { accessToken, accessEndsAt, refreshToken, refreshEndsAt, hardEndsAt: null, scopes: ['accounting'] }
    return { bookId, bookName, cutId: null, ...tokens }
  }
  hold(part: HeldPart): Held {
    const id = this.nextId(part.kind)
    const nobody = { contactId: null, contactName: null, number: null, reference: null, dueOn: null, version: '0' }
    const nothing = { totalMinor: 0n, vatMinor: 0n, openMinor: 0n, moves: [], of: [], settles: false }
    const rest = { currency: this.profile.currency, status: 'open' as const, updatedAt: this.stamp() }
    const held = { id, ...nobody, ...nothing, ...rest, deepLink: `https://fake.example/${id}`, ...part }
    this.documents.set(id, held)
    for (const one of held.of) this.settling.set(one.id, [...(this.settling.get(one.id) ?? []), held])
    return held
  }

  // What a person or the vendor does behind our back.
  lockPeriod(lockedThrough: port.Day | null) {
    this.profile.lockedThrough = lockedThrough
  }
  revokeConsent = () => this.tokens.clear()
  editBehindOurBack(id: string, change: Partial<port.BookDocument> | Partial<port.BookContact>) {
    const edited = this.documents.get(id) ?? this.contacts.get(id)
    if (!edited) throw new Error(`${this.profile.bookId} holds no ${id}`)
    Object.assign(edited, { version: String(Number(edited.version) + 1), ...change, updatedAt: this.stamp() })
  }
  enterByHand = (part: HeldPart): string => this.hold(part).id
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
    this.books.set(seed.id, new FakeBook(seed, this.now))
    return this.book(seed.id)
  }
  book(id: string): FakeBook {
    const book = this.books.get(id)
    if (!book) throw new Error(`there is no book ${id}`)
    return book
  }
  /** The person says yes, or no, on the page at `consentUrl`; gives the address the browser is sent to. */
  agree(consentUrl: string, bookIds: string[]): string {
    this.codes.set(`code-${this.codes.size + 1}`, bookIds)
    return backTo(consentUrl, { code: `code-${this.codes.size}` })
  }
  decline = (consentUrl: string): string => backTo(consentUrl, { error: 'access_denied' })
}

function backTo(consentUrl: string, answer: Record<string, string>): string {
  const asked = new URL(consentUrl).searchParams
  return `${asked.get('redirect_uri')}?${new URLSearchParams({ state: asked.get('state') ?? '', ...answer })}`
}
const chart = (): port.BookAccount[] =>
  ['090 Bank/bank', '200 Sales/income', '310 Cost of goods sold/expense', '404 Fees/expense', '429 Losses/expense']
    .concat('260 Other income/income', '610 Debtors/receivable', '800 Creditors/payable', '814 Wages/current_liability')
    .map((line) => {
      const [name = '', kind] = line.slice(4).split('/') as [string, port.BookAccountKind]
      const [code, reserved] = [line.slice(0, 3), kind === 'receivable' || kind === 'payable']
      return { id: `acc-${code}`, code, name, kind, takesPayments: kind === 'bank', active: true, reserved }
    })
const rates = { standard: 2000, reduced: 500, zero: 0, exempt: 0, outside: 0, reverse_charge: 0 }
const taxCodes = () => [...taxCodesFor('sales'), ...taxCodesFor('purchases')]
const taxCodesFor = (use: port.TaxUse): port.BookTaxCode[] =>
  (Object.keys(rates) as port.VatTreatment[]).map((treatment) => {
    const [name, rateBasisPoints] = [`${use}-${treatment}`, rates[treatment]]
    return { id: name, name, treatment, rateBasisPoints, uses: [use], active: true }
  })
