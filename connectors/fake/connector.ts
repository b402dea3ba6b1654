/**
 * A book in memory: the port's verbs over the books of knobs.ts, for stories and crash runs.
 *
 * Keeps: the same promises as the real connectors (test/connectors/contract.ts), without a wire.
 * Never: does a thing that no vendor does; a story that passes only here proves nothing.
 *
 * @path trade 6/7 stands in for a vendor's book
 */
import type * as port from '../port.ts'
import { BookError, isLike } from '../port.ts'
import type { FakeBook, FakeBooks, Held } from './knobs.ts'

export type FakeSettings = { redirectUri: string; refundsInTwoSteps?: boolean; limits?: Partial<port.BookLimits> }
type Thing = port.Invoice | port.Bill | port.CreditNote | port.Money | port.Journal | port.Payment | port.Allocation

const usual: port.BookLimits = {
  atOnce: 5,
  aMinute: 60,
  aDay: null,
  appAMinute: null,
  batchesAMinute: null,
  inOneCall: 50,
  mixesKinds: true,
  alone: [],
  keyLivesMs: null,
  referenceLength: 21,
}

export function fakeConnector(books: FakeBooks, settings: FakeSettings): port.BookConnector {
  const refundsInTwoSteps = settings.refundsInTwoSteps ?? false
  function enter({ bookId, accessToken }: port.Grant, verb: string): FakeBook {
    const book = books.book(bookId)
    books.calls.push({ verb, bookId })
    books.onStep(`${verb} asked`)
    if (!book.isAlive(accessToken)) throw no('unauthorized', book.tokens.size ? 'access_expired' : 'access_revoked')
    if (book.knobs.unavailable > 0 && book.knobs.unavailable--) throw no('unavailable', 'vendor_down')
    if (book.knobs.throttle > 0 && book.knobs.throttle--) throw no('throttled', 'minute_limit', { waitMs: 7_000 })
    return book
  }
  function leave<T>(book: FakeBook, verb: string, answer: T): T {
    books.onStep(`${verb} committed`)
    if (book.knobs.loseReply > 0 && book.knobs.loseReply--) throw no('unclear', 'no_reply')
    return answer
  }
  const write = <T>(verb: string, one: (book: FakeBook, thing: T) => port.Receipt) => {
    return async (grant: port.Grant, asks: port.Ask<T>[]): Promise<port.Verdict[]> => {
      const book = enter(grant, verb)
      return leave(
        book,
        verb,
        asks.map((ask) => keyed(book, ask, () => one(book, ask.thing))),
      )
    }
  }
  function putThing(book: FakeBook, thing: Thing): port.Receipt {
    const isRefund =
      'clearing' in thing ? thing.clearing !== null : thing.kind === 'payment' && thing.of.kind.includes('credit')
    if (isRefund && refundsInTwoSteps !== 'clearing' in thing) throw no('invalid', 'refund_refused')
    return put(book, thing)
  }

  return {
    kind: 'fake',
    limits: { ...usual, ...settings.limits },
    refundsInTwoSteps,

    async consentUrl({ state }) {
      return `https://fake.example/consent?${new URLSearchParams({ state, redirect_uri: settings.redirectUri })}`
    },
    async grantsFrom({ url }) {
      const asked = new URL(url).searchParams
      if (asked.has('error')) throw no('unauthorized', 'consent_declined')
      const code = asked.get('code') ?? ''
      const bookIds = books.codes.get(code) ?? []
      if (bookIds.length === 0) throw no('unauthorized', 'consent_refused')
      books.codes.set(code, [])
      return bookIds.map((id) => books.book(id).issueGrant())
    },
    async refresh({ bookId, refreshToken }) {
      const book = books.book(bookId)
      books.onStep('refresh asked')
      if (!book.isAlive(refreshToken)) throw no('unauthorized', 'refresh_refused')
      book.refreshes++
      return book.issueGrant()
    },
    revoke: async ({ bookId }) => books.book(bookId).revokeConsent(),

    describe: async (grant) => structuredClone(enter(grant, 'describe').profile),
    async *contacts(grant) {
      yield structuredClone([...enter(grant, 'contacts').contacts.values()])
    },
    async balance(grant, { id }, on) {
      const held = [...enter(grant, 'balance').documents.values()].filter((one) => isLive(one) && one.datedOn <= on)
      const moves = held.flatMap((one) => one.moves).filter((move) => move.accountId === id)
      return { accountId: id, on, amountMinor: sum(moves.map((move) => move.amountMinor)) }
    },
    async *changes(grant, since) {
      const book = enter(grant, 'changes')
      const isLater = (one: { updatedAt: string }) => since === null || one.updatedAt > since
      const documents = [...book.documents.values()].map((one) => view(book, one)).filter(isLater)
      documents.sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1))
      yield { documents, contacts: structuredClone([...book.contacts.values()].filter(isLater)), next: book.stamp() }
    },
    async find(grant, sought) {
      const book = enter(grant, 'find')
      const found = sought.map((one) => [...book.documents.values()].find((held) => isSought(held, one)))
      return found.map((held) => (held ? view(book, held) : null))
    },

    async openAccount(grant, { key, thing: { name, kind, code } }) {
      const book = enter(grant, 'openAccount')
      const { accounts } = book.profile
      const known = accounts.find((one) => one.id === `acc-${key}`)
      if (!known && accounts.some((one) => one.name === name)) throw no('conflicting', 'name_taken')
      const account = known ?? {
        id: `acc-${key}`,
        code,
        name,
        kind,
        takesPayments: true,
        active: true,
        reserved: false,
      }
      if (!known) accounts.push(account)
      return leave(book, 'openAccount', { ...account })
    },
    putContacts: write('putContacts', addContact),
    putDocuments: write('putDocuments', putThing),
    putPayments: write('putPayments', putThing),
    cancel: write('cancel', takeBack),

    bells({ body, headers }, keys) {
      if (!keys.includes(headers['x-fake-key'] ?? '')) throw no('unauthorized', 'signature_refused')
      return JSON.parse(new TextDecoder().decode(body))
    },
  }
}

function addContact(book: FakeBook, { role, currency: _, ...thing }: port.Contact): port.Receipt {
  const isTaken = [...book.contacts.values()].some((one) => one.active && one.name === thing.name)
  if (isTaken) throw no('conflicting', 'name_taken')
  const rest = { version: '0', roles: [role], active: true, mergedInto: null, updatedAt: book.stamp() }
  const contact = { id: book.nextId('contact'), ...thing, ...rest }
  book.contacts.set(contact.id, contact)
  return contactReceipt(contact)
}

function put(book: FakeBook, thing: Thing): port.Receipt {
  const { kind, reference, datedOn, currency } = thing
  const { lockedThrough, accounts } = book.profile
  if (lockedThrough && datedOn <= lockedThrough) throw no('period_locked', 'period_locked', { lockedThrough })
  const contact = 'contactId' in thing ? book.contacts.get(thing.contactId) : null
  if (contact !== null && !contact?.active) throw no('invalid', 'contact_archived')
  // A line on the book's own debtors or creditors names no account of the mapping.
  const lines = 'lines' in thing && !('clearing' in thing && thing.clearing) ? thing.lines : []
  const named = [...lines, ...('accountId' in thing ? [thing] : [])]
  const isUsable = (id: string) => accounts.some((one) => one.id === id && one.active)
  if (!named.every((one) => isUsable(one.accountId))) throw no('invalid', 'account_archived')
  const numbers = [...book.documents.values()].filter((one) => one.kind === 'invoice').map((one) => one.number)
  if (thing.kind === 'invoice' && numbers.includes(thing.number)) throw no('conflicting', 'number_taken')
  const names = { contactId: contact?.id ?? null, contactName: contact?.name ?? null }
  const papers = { number: 'number' in thing ? thing.number : null, dueOn: 'dueOn' in thing ? thing.dueOn : null }
  return receipt(book, book.hold({ kind, reference, datedOn, currency, ...names, ...papers, ...amounts(book, thing) }))
}
function amounts(book: FakeBook, thing: Thing): Partial<Held> {
  if ('amountMinor' in thing) return settlement(book, thing)
  if (thing.kind === 'journal') {
    const moves = thing.lines.map(({ accountId, amountMinor }) => ({ accountId, amountMinor }))
    if (sum(moves.map((one) => one.amountMinor)) !== 0n) throw no('invalid', 'journal_unbalanced')
    return { moves, totalMinor: sum(moves.map((one) => (one.amountMinor > 0n ? one.amountMinor : 0n))) }
  }
  const vatMinor = sum(thing.lines.map((line) => vatOf(book, line)))
  const totalMinor = vatMinor + sum(thing.lines.map((line) => line.netMinor))
  if (!('clearing' in thing)) return { totalMinor, vatMinor, settles: true }
  const move = { accountId: thing.accountId, amountMinor: thing.kind === 'money_spent' ? -totalMinor : totalMinor }
  return { totalMinor, vatMinor, settles: thing.clearing !== null, moves: [move] }
}
function settlement(book: FakeBook, thing: port.Payment | port.Allocation): Partial<Held> {
  const { contactId, accountId, amountMinor } = thing
  const of = (thing.kind === 'payment' ? [thing.of] : [thing.credit, thing.against]).map(({ id }) => {
    const held = book.documents.get(id)
    if (!held || !isLive(held) || held.contactId !== contactId) throw no('invalid', 'document_not_payable')
    if (amountMinor <= 0n || amountMinor > view(book, held).openMinor) throw no('invalid', 'amount_above_open')
    return { kind: held.kind, id, amountMinor }
  })
  const isOut = of[0]?.kind === 'bill' || of[0]?.kind === 'credit_note'
  const moves = thing.kind === 'payment' ? [{ accountId, amountMinor: isOut ? -amountMinor : amountMinor }] : []
  return { totalMinor: amountMinor, moves, of }
}
function vatOf(book: FakeBook, { taxCodeId, netMinor }: port.DocumentLine): bigint {
  const code = book.profile.taxCodes.find((one) => one.id === taxCodeId)
  if (taxCodeId !== null && !code?.active) throw no('invalid', 'tax_code_refused')
  return (netMinor * BigInt(code?.rateBasisPoints ?? 0) + 5_000n) / 10_000n // half up to the penny, line by line
}

function takeBack(book: FakeBook, { id, version }: port.Receipt): port.Receipt {
  const [contact, held] = [book.contacts.get(id), book.documents.get(id)]
  if ((contact ?? held)?.version !== version) throw no('stale', 'version_moved_on')
  if (book.settling.get(id)?.some(isLive)) throw no('invalid', 'has_payments')
  book.editBehindOurBack(id, contact ? { active: false } : { status: held?.kind === 'invoice' ? 'voided' : 'deleted' })
  return contact ? contactReceipt(contact) : receipt(book, held as Held)
}

/** Status, open amount and the last change follow from what settles the document and is still there. */
function view(book: FakeBook, { settles, ...held }: Held): port.BookDocument {
  const settling = book.settling.get(held.id) ?? []
  const updatedAt = [held, ...settling].map((one) => one.updatedAt).reduce((a, b) => (a > b ? a : b))
  if (!isLive(held) || held.status === 'draft') return structuredClone({ ...held, openMinor: 0n, updatedAt })
  const settled = settling.filter(isLive).flatMap((one) => one.of.filter(({ id }) => id === held.id))
  const openMinor = settles ? held.totalMinor - sum(settled.map((one) => one.amountMinor)) : 0n
  return structuredClone({ ...held, openMinor, updatedAt, status: openMinor > 0n ? 'open' : 'paid' })
}
const receipt = (book: FakeBook, held: Held): port.Receipt => ({ ...view(book, held), warnings: [], callId: null })
function contactReceipt({ id, version }: port.BookContact): port.Receipt {
  const nothing = { number: null, totalMinor: null, openMinor: null, datedOn: null, status: null, deepLink: null }
  return { kind: 'contact', id, version, ...nothing, warnings: [], callId: null }
}
function isSought(held: Held, sought: port.Sought): boolean {
  if (held.kind !== sought.kind) return false
  if (sought.by === 'receipt') return held.id === sought.id
  if (sought.by === 'like') return isLike(held, sought)
  if (sought.contactId && held.contactId !== sought.contactId) return false
  return sought.by === 'number' ? held.number === sought.number : held.reference === sought.reference
}

function keyed<T>(book: FakeBook, { key, thing }: port.Ask<T>, one: () => port.Receipt): port.Verdict {
  const content = JSON.stringify(thing, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const known = book.knobs.forgetKeys ? undefined : book.keys.get(key)
  if (known && known.content !== content) return { ok: false, error: no('conflicting', 'key_reused') }
  if (known) return known.verdict
  try {
    const verdict = { ok: true as const, receipt: one() }
    book.keys.set(key, { content, verdict })
    return verdict
  } catch (error) {
    if (error instanceof BookError) return { ok: false, error }
    throw error
  }
}
const isLive = (document: port.BookDocument) => document.status !== 'voided' && document.status !== 'deleted'
const sum = (minors: bigint[]) => minors.reduce((total, one) => total + one, 0n)
const no = (kind: port.BookErrorKind, cause: string, facts: Partial<port.BookErrorFacts> = {}) =>
  new BookError(kind, { cause, said: `The book: ${cause}`, status: null, vendorCode: null, callId: null, ...facts })
