/**
 * A book in memory: the port's verbs over the books of knobs.ts, for stories and crash runs.
 *
 * Keeps: the same promises as the real connectors (test/connectors/contract.ts), without a wire.
 * Never: does a thing that no vendor does; a story that passes only here proves nothing.
 *
 * @path trade 6/7 stands in for a vendor's book
 */
import {
  type Allocation,
  type Ask,
  type Bill,
  type BookConnector,
  type BookDocument,
  BookError,
  type BookErrorFacts,
  type BookErrorKind,
  type BookLimits,
  type Contact,
  type CreditNote,
  type Day,
  type DocumentLine,
  type Grant,
  type Invoice,
  type Journal,
  type Money,
  type Payment,
  type Receipt,
  type Sought,
  type Verdict,
} from '../port.ts'
import { account, contactReceipt, type FakeBook, type FakeBooks, type Held } from './knobs.ts'

export type FakeSettings = { redirectUri: string; refundsInTwoSteps?: boolean; limits?: Partial<BookLimits> }
type Document = Invoice | Bill | CreditNote | Money | Journal

const pageSize = 100
const standardLimits: BookLimits = {
  atOnce: 5,
  aMinute: 60,
  aDay: null,
  inOneCall: 50,
  keyLivesMs: null,
  referenceLength: 21,
}

export function fakeConnector(books: FakeBooks, settings: FakeSettings): BookConnector {
  const refundsInTwoSteps = settings.refundsInTwoSteps ?? false

  function enter(grant: Grant, verb: string): FakeBook {
    const book = books.books.get(grant.bookId)
    books.calls.push({ verb, bookId: grant.bookId })
    books.onStep(`${verb} asked`)
    if (!book?.isAlive(grant.accessToken))
      throw no('unauthorized', book?.tokens.size ? 'access_expired' : 'access_revoked')
    if (book.knobs.unavailable > 0 && book.knobs.unavailable--) throw no('unavailable', 'vendor_down')
    if (book.knobs.throttle > 0 && book.knobs.throttle--) throw no('throttled', 'minute_limit', { waitMs: 7_000 })
    return book
  }
  function write<T>(grant: Grant, verb: string, asks: Ask<T>[], one: (book: FakeBook, thing: T) => Receipt): Verdict[] {
    const book = enter(grant, verb)
    const verdicts = asks.map((ask) => keyed(book, ask, () => one(book, ask.thing)))
    books.onStep(`${verb} committed`)
    if (book.knobs.loseReply > 0 && book.knobs.loseReply--) throw no('unclear', 'no_reply')
    return verdicts
  }

  return {
    kind: 'fake',
    limits: { ...standardLimits, ...settings.limits },
    refundsInTwoSteps,

    async consentUrl({ state }) {
      return `https://fake.example/consent?${new URLSearchParams({ state, redirect_uri: settings.redirectUri })}`
    },
    async grantsFrom({ url }) {
      const asked = new URL(url).searchParams
      if (asked.get('error')) throw no('unauthorized', 'consent_declined')
      const code = asked.get('code') ?? ''
      const bookIds = books.codes.get(code)
      if (!bookIds?.length) throw no('unauthorized', 'consent_refused')
      books.codes.set(code, [])
      return bookIds.flatMap((id) => books.books.get(id) ?? []).map(grantTo)
    },
    async refresh(grant) {
      const book = books.books.get(grant.bookId)
      books.onStep('refresh asked')
      if (!book?.isAlive(grant.refreshToken)) throw no('unauthorized', 'refresh_refused')
      book.refreshes++
      return grantTo(book)
    },
    async revoke(grant) {
      books.books.get(grant.bookId)?.revokeConsent()
    },

    async describe(grant) {
      return structuredClone(enter(grant, 'describe').profile)
    },
    async *contacts(grant) {
      const contacts = [...enter(grant, 'contacts').contacts.values()]
      for (let at = 0; at < contacts.length; at += pageSize) yield structuredClone(contacts.slice(at, at + pageSize))
    },
    async balance(grant, { id }, on) {
      const live = [...enter(grant, 'balance').documents.values()].filter((one) => isLive(one) && one.datedOn <= on)
      const moves = live.flatMap((one) => one.moves).filter((move) => move.accountId === id)
      return { accountId: id, on, amountMinor: sum(moves.map((move) => move.amountMinor)) }
    },
    async *changes(grant, since) {
      const book = enter(grant, 'changes')
      const isLater = (one: { updatedAt: string }) => since === null || one.updatedAt > since
      const documents = [...book.documents.values()].filter(isLater)
      const contacts = structuredClone([...book.contacts.values()].filter(isLater))
      documents.sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1))
      const next = book.stamp()
      for (let at = 0; at === 0 || at < documents.length; at += pageSize) {
        const page = documents.slice(at, at + pageSize).map((one) => view(book, one))
        yield { documents: page, contacts: at === 0 ? contacts : [], next }
      }
    },
    async find(grant, sought) {
      const book = enter(grant, 'find')
      return sought.map((one) => {
        const found = [...book.documents.values()].find((held) => isSought(held, one))
        return found ? view(book, found) : null
      })
    },

    async openAccount(grant, { key, thing }) {
      const book = enter(grant, 'openAccount')
      const { accounts } = book.profile
      const known = accounts.find((one) => one.id === book.opened.get(key))
      if (known) return { ...known }
      if (accounts.some((one) => one.name === thing.name)) throw no('conflicting', 'name_taken')
      const opened = { ...account(book.nextId('account'), thing.code, thing.name, thing.kind), takesPayments: true }
      accounts.push(opened)
      book.opened.set(key, opened.id)
      if (book.knobs.loseReply > 0 && book.knobs.loseReply--) throw no('unclear', 'no_reply')
      return { ...opened }
    },
    putContacts: async (grant, asks) => write(grant, 'putContacts', asks, addContact),
    putDocuments: async (grant, asks) =>
      write(grant, 'putDocuments', asks, (book, thing) => {
        if (thing.kind === 'journal') return addJournal(book, thing)
        if ('clearing' in thing && thing.clearing && !refundsInTwoSteps) throw no('invalid', 'account_refused')
        return addDocument(book, thing)
      }),
    putPayments: async (grant, asks) =>
      write(grant, 'putPayments', asks, (book, thing) => {
        const isRefund = thing.kind === 'payment' && thing.of.kind.includes('credit')
        if (isRefund && refundsInTwoSteps) throw no('invalid', 'refund_takes_two_steps')
        return addSettlement(book, thing)
      }),
    cancel: async (grant, asks) => write(grant, 'cancel', asks, takeBack),

    bells({ body, headers }, keys) {
      if (!keys.includes(headers['x-fake-key'] ?? '')) throw no('unauthorized', 'signature_refused')
      return JSON.parse(new TextDecoder().decode(body))
    },
  }
}

function addContact(book: FakeBook, thing: Contact): Receipt {
  const { name, email, companyNumber, vatNumber, role } = thing
  const isTaken = [...book.contacts.values()].some((one) => one.active && one.name === name)
  if (isTaken) throw no('conflicting', 'name_taken')
  const id = book.nextId('contact')
  const rest = { version: '0', active: true, mergedInto: null, updatedAt: book.stamp() }
  book.contacts.set(id, { id, name, email, companyNumber, vatNumber, roles: [role], ...rest })
  return contactReceipt(id)
}

function addDocument(book: FakeBook, thing: Exclude<Document, Journal>): Receipt {
  refuseLocked(book, thing.datedOn)
  if (!book.contacts.get(thing.contactId)?.active) throw no('invalid', 'contact_archived')
  const number = 'number' in thing ? thing.number : null
  const isTaken = [...book.documents.values()].some((one) => one.kind === 'invoice' && one.number === number)
  if (thing.kind === 'invoice' && isTaken) throw no('conflicting', 'number_taken')
  const vatMinor = sum(thing.lines.map((line) => vatOf(book, line)))
  const totalMinor = vatMinor + sum(thing.lines.map((line) => line.netMinor))
  const paidFrom = 'clearing' in thing ? thing.accountId : null
  const moved = thing.kind === 'money_spent' ? -totalMinor : totalMinor
  const moves = paidFrom ? [{ accountId: activeAccount(book, paidFrom), amountMinor: moved }] : []
  const settles = 'clearing' in thing ? thing.clearing !== null : true
  const amounts = { number, dueOn: 'dueOn' in thing ? thing.dueOn : null, totalMinor, vatMinor, moves, of: [], settles }
  return put(book, thing, thing.contactId, amounts)
}

function addJournal(book: FakeBook, thing: Journal): Receipt {
  refuseLocked(book, thing.datedOn)
  if (sum(thing.lines.map((line) => line.amountMinor)) !== 0n) throw no('invalid', 'journal_unbalanced')
  const moves = thing.lines.map((line) => ({
    accountId: activeAccount(book, line.accountId),
    amountMinor: line.amountMinor,
  }))
  const totalMinor = sum(moves.map((move) => (move.amountMinor > 0n ? move.amountMinor : 0n)))
  return put(book, thing, null, { number: null, dueOn: null, totalMinor, vatMinor: 0n, moves, of: [], settles: false })
}

function addSettlement(book: FakeBook, thing: Payment | Allocation): Receipt {
  refuseLocked(book, thing.datedOn)
  const { amountMinor } = thing
  const settled = thing.kind === 'payment' ? [thing.of] : [thing.credit, thing.against]
  const of = settled.map(({ id }) => {
    const held = book.documents.get(id)
    if (!held || !isLive(held) || held.contactId !== thing.contactId) throw no('invalid', 'document_not_payable')
    if (amountMinor <= 0n || amountMinor > view(book, held).openMinor) throw no('invalid', 'amount_above_open')
    return { kind: held.kind, id, amountMinor }
  })
  const isOut = of[0]?.kind === 'bill' || of[0]?.kind === 'credit_note'
  const move = { accountId: activeAccount(book, thing.accountId), amountMinor: isOut ? -amountMinor : amountMinor }
  const moves = thing.kind === 'payment' ? [move] : []
  const amounts = { number: null, dueOn: null, totalMinor: amountMinor, vatMinor: 0n, moves, of, settles: false }
  return put(book, thing, thing.contactId, amounts)
}

type Amounts = Pick<Held, 'number' | 'dueOn' | 'totalMinor' | 'vatMinor' | 'moves' | 'of' | 'settles'>
function put(
  book: FakeBook,
  thing: Document | Payment | Allocation,
  contactId: string | null,
  amounts: Amounts,
): Receipt {
  const { kind, reference, datedOn, currency } = thing
  const id = book.nextId(kind)
  const contactName = book.contacts.get(contactId ?? '')?.name ?? null
  const rest = { version: '0', status: 'open' as const, openMinor: 0n, updatedAt: book.stamp() }
  const deepLink = `https://fake.example/${book.profile.bookId}/${id}`
  const held = book.hold({
    kind,
    id,
    reference,
    contactId,
    contactName,
    datedOn,
    currency,
    deepLink,
    ...rest,
    ...amounts,
  })
  return { ...view(book, held), warnings: [], callId: `call-${id}` }
}

function takeBack(book: FakeBook, { id, version }: Receipt): Receipt {
  const contact = book.contacts.get(id)
  const held = contact ?? book.documents.get(id)
  if (!held) throw no('invalid', 'not_found')
  if (held.version !== version) throw no('stale', 'version_moved_on')
  if (book.settling.get(id)?.some(isLive)) throw no('invalid', 'has_payments')
  book.editBehindOurBack(
    id,
    contact ? { active: false } : { status: 'kind' in held && held.kind === 'invoice' ? 'voided' : 'deleted' },
  )
  return 'kind' in held ? { ...view(book, held), warnings: [], callId: null } : contactReceipt(id)
}

/** Status and open amount follow from what settles the document and is still there. */
function view(book: FakeBook, { settles, ...held }: Held): BookDocument {
  if (!isLive(held) || held.status === 'draft') return structuredClone({ ...held, openMinor: 0n })
  const settlements = (book.settling.get(held.id) ?? []).filter(isLive).flatMap((one) => one.of)
  const settledMinor = sum(settlements.filter((one) => one.id === held.id).map((one) => one.amountMinor))
  const openMinor = settles ? held.totalMinor - settledMinor : 0n
  return structuredClone({ ...held, openMinor, status: settles && openMinor > 0n ? 'open' : 'paid' })
}

function isSought(held: Held, sought: Sought): boolean {
  if (held.kind !== sought.kind) return false
  if (sought.by === 'receipt') return held.id === sought.id
  if (sought.contactId && held.contactId !== sought.contactId) return false
  return sought.by === 'number' ? held.number === sought.number : held.reference === sought.reference
}

function keyed<T>(book: FakeBook, { key, thing }: Ask<T>, one: () => Receipt): Verdict {
  const content = JSON.stringify(thing, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const known = book.knobs.forgetKeys ? undefined : book.keys.get(key)
  if (known && known.content !== content) return { ok: false, error: no('conflicting', 'key_reused') }
  if (known?.verdict.ok === false)
    return { ok: false, error: no(known.verdict.error.kind, known.verdict.error.facts.cause, { remembered: true }) }
  if (known) return known.verdict
  const verdict = judged(one)
  if (verdict.ok || book.knobs.rememberErrors) book.keys.set(key, { content, verdict })
  return verdict
}
function judged(one: () => Receipt): Verdict {
  try {
    return { ok: true, receipt: one() }
  } catch (error) {
    if (error instanceof BookError) return { ok: false, error }
    throw error
  }
}

function vatOf(book: FakeBook, line: DocumentLine): bigint {
  activeAccount(book, line.accountId)
  if (line.taxCodeId === null) return 0n
  const code = book.profile.taxCodes.find((one) => one.id === line.taxCodeId)
  if (!code?.active) throw no('invalid', 'tax_code_refused')
  return (line.netMinor * BigInt(code.rateBasisPoints) + 5_000n) / 10_000n // half up to the penny, line by line
}
function activeAccount(book: FakeBook, id: string): string {
  if (!book.profile.accounts.some((one) => one.id === id && one.active)) throw no('invalid', 'account_archived')
  return id
}
function refuseLocked(book: FakeBook, datedOn: Day) {
  const { lockedThrough } = book.profile
  if (lockedThrough && datedOn <= lockedThrough) throw no('period_locked', 'period_locked', { lockedThrough })
}
function grantTo(book: FakeBook): Grant {
  const { access, refresh, accessEndsAt, refreshEndsAt } = book.issueTokens()
  const tokens = { accessToken: access, accessEndsAt, refreshToken: refresh, refreshEndsAt, hardEndsAt: null }
  return { bookId: book.profile.bookId, bookName: book.profile.name, cutId: null, ...tokens, scopes: ['accounting'] }
}
const isLive = (document: BookDocument) => document.status !== 'voided' && document.status !== 'deleted'
const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
const no = (kind: BookErrorKind, cause: string, facts: Partial<BookErrorFacts> = {}) =>
  new BookError(kind, {
    cause,
    said: `The book answers: ${cause}`,
    status: null,
    vendorCode: null,
    callId: null,
    ...facts,
  })
