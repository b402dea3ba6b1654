/**
 * One company's books: its objects, what each of them posts, what settles what, and what was deleted.
 *
 * Keeps: putting an object undoes what its earlier version posted and posts it anew, so balances are always those of the
 * documents as they stand. Nothing derived (balances, open amounts, links) is stored; `shown` works it out.
 */
import { Books, type Journal } from '../kit/books.ts'
import type { StandInClock } from '../kit/clock.ts'
import { machineDay, stamp } from './clocking.ts'
import { type Body, type DocumentKind, isDocumentKind, type Kind } from './document.ts'
import type { Quirks } from './quirks.ts'

/** One line in the double-entry book; debit above zero. */
export interface Posting {
  accountId: string
  amountMinor: bigint
  /** The customer or vendor in whose name a line on debtors or creditors stands. */
  party?: { kind: 'Customer' | 'Vendor' | 'Employee'; id: string }
  /** The Id of the document's line, where one line makes one posting. */
  lineId?: string
  text?: string
}

/** A payment's line: so much of that document is settled. */
export interface Settlement {
  kind: DocumentKind
  id: string
  lineId?: string
  amountMinor: bigint
}

export interface Made {
  postings: Posting[]
  settles: Settlement[]
  /** Payments and receipts that a deposit carries to the bank. */
  carries: Settlement[]
}

export interface CompanyTerms {
  id: string
  name: string
  country: string
  currency: string
  vat: 'registered' | 'none'
  customTxnNumbers: boolean
  multiCurrency: boolean
  warnDuplicateBills: boolean
  closedThrough?: string
  closedWithPassword?: boolean
  lapsed?: boolean
  /** The person who connected has lost the right to. */
  permissionMissing?: boolean
}

export interface Tombstone {
  kind: Kind
  id: string
  at: string
}

export interface KeptCompany {
  terms: CompanyTerms
  nextIds: Record<string, number>
  nextNumber: number
  objects: { kind: Kind; body: Body }[]
  made: [string, Made][]
  tombstones: Tombstone[]
  journals: Journal[]
}

export interface Change {
  companyId: string
  kind: Kind
  id: string
  deed: 'Create' | 'Update' | 'Delete' | 'Void' | 'Merge'
  at: Date
}

const nameKinds: readonly Kind[] = ['Customer', 'Vendor', 'Employee']
const keyOf = (kind: string, id: string) => `${kind}:${id}`

export class Company {
  readonly terms: CompanyTerms
  readonly clock: StandInClock
  readonly quirks: Quirks
  readonly books = new Books()
  readonly #objects = new Map<Kind, Map<string, Body>>()
  readonly #made = new Map<string, Made>()
  readonly #tombstones: Tombstone[] = []
  #settledBy = new Map<string, { by: { kind: DocumentKind; id: string }; settlement: Settlement }[]>()
  #nextIds: Record<string, number> = {}
  #nextNumber = 1001
  /** Hears of each change, for the webhooks. */
  onChange: (change: Change) => void = () => undefined

  constructor(terms: CompanyTerms, clock: StandInClock, quirks: Quirks) {
    this.terms = terms
    this.clock = clock
    this.quirks = quirks
  }

  get day(): string {
    return machineDay(this.clock.now())
  }

  /** Documents share one sequence of ids, names another; accounts, products and tax have their own, so one number means many things. */
  newId(kind: Kind): string {
    const sequence = isDocumentKind(kind) ? 'Document' : nameKinds.includes(kind) ? 'Name' : kind
    const next = this.#nextIds[sequence] ?? 1
    this.#nextIds[sequence] = next + 1
    return String(next)
  }

  newNumber(): string {
    return String(this.#nextNumber++)
  }

  find(kind: Kind, id: string | undefined): Body | undefined {
    return id === undefined ? undefined : this.#objects.get(kind)?.get(id)
  }

  all(kind: Kind): Body[] {
    return [...(this.#objects.get(kind)?.values() ?? [])]
  }

  /** Keeps a new object or a new version of one, and posts what it makes. */
  put(kind: Kind, body: Body, made: Made, deed: Change['deed']): Body {
    const now = this.clock.now()
    const id = body.Id ?? this.newId(kind)
    const earlier = this.find(kind, id)
    const kept: Body = {
      ...body,
      Id: id,
      domain: 'QBO',
      sparse: false,
      SyncToken: earlier ? String(Number(earlier.SyncToken) + 1) : '0',
      MetaData: { CreateTime: earlier?.MetaData?.CreateTime ?? stamp(now), LastUpdatedTime: stamp(now) },
    }
    const ofKind = this.#objects.get(kind) ?? new Map<string, Body>()
    this.#objects.set(kind, ofKind)
    const touched = [...this.#unpost(kind, id), ...made.settles, ...made.carries]
    ofKind.set(id, kept)
    this.#post(kind, kept, made)
    for (const other of touched) this.#touch(other.kind, other.id)
    this.onChange({ companyId: this.terms.id, kind, id, deed, at: now })
    return kept
  }

  remove(kind: Kind, id: string): void {
    const now = this.clock.now()
    const touched = this.#unpost(kind, id)
    this.#objects.get(kind)?.delete(id)
    this.#tombstones.push({ kind, id, at: stamp(now) })
    for (const other of touched) this.#touch(other.kind, other.id)
    this.onChange({ companyId: this.terms.id, kind, id, deed: 'Delete', at: now })
  }

  tombstones(): readonly Tombstone[] {
    return this.#tombstones
  }

  madeBy(kind: Kind, id: string): Made {
    return this.#made.get(keyOf(kind, id)) ?? { postings: [], settles: [], carries: [] }
  }

  /** Who settles this document, in the order it happened. */
  settlersOf(kind: DocumentKind, id: string): { by: { kind: DocumentKind; id: string }; settlement: Settlement }[] {
    return this.#settledBy.get(keyOf(kind, id)) ?? []
  }

  /** What a customer owes, or what a vendor is owed (as a credit, so below zero). */
  balanceWith(party: 'Customer' | 'Vendor', id: string, accountIds: readonly string[]): bigint {
    let sum = 0n
    for (const made of this.#made.values())
      for (const posting of made.postings)
        if (posting.party?.kind === party && posting.party.id === id && accountIds.includes(posting.accountId))
          sum += posting.amountMinor
    return sum
  }

  kept(): KeptCompany {
    return {
      terms: this.terms,
      nextIds: this.#nextIds,
      nextNumber: this.#nextNumber,
      objects: [...this.#objects].flatMap(([kind, bodies]) => [...bodies.values()].map((body) => ({ kind, body }))),
      made: [...this.#made],
      tombstones: this.#tombstones,
      journals: [...this.books.journals()],
    }
  }

  restore(kept: KeptCompany): void {
    this.#nextIds = { ...kept.nextIds }
    this.#nextNumber = kept.nextNumber
    this.#tombstones.push(...kept.tombstones)
    for (const { kind, body } of kept.objects) {
      const ofKind = this.#objects.get(kind) ?? new Map<string, Body>()
      this.#objects.set(kind, ofKind.set(body.Id ?? '', body))
    }
    for (const [key, made] of kept.made) {
      this.#made.set(key, made)
      const [kind, id] = key.split(':') as [DocumentKind, string]
      this.#settle({ kind, id }, made)
    }
    this.books.restore(kept.journals)
  }

  #post(kind: Kind, body: Body, made: Made): void {
    const id = body.Id ?? ''
    if (!isDocumentKind(kind)) return
    this.#made.set(keyOf(kind, id), made)
    this.#settle({ kind, id }, made)
    const lines = made.postings.map(({ accountId, amountMinor, text }) => ({
      accountId,
      amountMinor,
      ...(text ? { text } : {}),
    }))
    if (lines.some((line) => line.amountMinor !== 0n)) this.books.journal(body.TxnDate ?? this.day, lines, { kind, id })
  }

  #settle(by: { kind: DocumentKind; id: string }, made: Made): void {
    for (const settlement of [...made.settles, ...made.carries]) {
      const key = keyOf(settlement.kind, settlement.id)
      this.#settledBy.set(key, [...(this.#settledBy.get(key) ?? []), { by, settlement }])
    }
  }

  /** Takes back what a document posted and settled, and tells which other documents that concerns. */
  #unpost(kind: Kind, id: string): Settlement[] {
    const made = this.#made.get(keyOf(kind, id))
    if (!made) return []
    this.#made.delete(keyOf(kind, id))
    this.books.undoSource(kind, id)
    for (const settlement of [...made.settles, ...made.carries]) {
      const key = keyOf(settlement.kind, settlement.id)
      const left = this.settlersOf(settlement.kind, settlement.id).filter(({ by }) => by.kind !== kind || by.id !== id)
      this.#settledBy.set(key, left)
    }
    return [...made.settles, ...made.carries]
  }

  /** A document whose open amount changed is changed too, though its version is not. */
  #touch(kind: DocumentKind, id: string): void {
    const body = this.find(kind, id)
    if (body?.MetaData) body.MetaData = { ...body.MetaData, LastUpdatedTime: stamp(this.clock.now()) }
  }
}
