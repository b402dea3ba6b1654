/**
 * A network with named businesses, each with a fake book that is connected and mapped, and the deeds of a story in its own
 * words: `mill.sellsTo(bakery, '40.00')`. A database of its own, gone when the test ends; the test owns the clock.
 */
import { onTestFinished } from 'vitest'
import { fakeConnector } from '../../connectors/fake/connector.ts'
import { type FakeBook, FakeBooks } from '../../connectors/fake/knobs.ts'
import type { BookConnector, BookKind } from '../../connectors/port.ts'
import { beginConsent, chooseBook, finishConsent } from '../../src/books/connect.ts'
import { setAskFirst } from '../../src/books/connection.ts'
import { makeCreditAccount, saveMapping } from '../../src/books/mapping.ts'
import { writeOff } from '../../src/fees/write-off.ts'
import { type Clock, dayIn } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb, type Tx } from '../../src/kit/db.ts'
import { newId, type Uuid } from '../../src/kit/ids.ts'
import { openLog } from '../../src/kit/log.ts'
import { parseAmount } from '../../src/kit/money.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { networkAccountId } from '../../src/ledger/account.ts'
import { audit } from '../../src/ledger/audit.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { admit, startLeaving } from '../../src/networks/admit.ts'
import type { LegalForm } from '../../src/networks/evidence.ts'
import { invite } from '../../src/networks/invite.ts'
import { type Member, memberOf } from '../../src/networks/member.ts'
import { createNetwork, type Network } from '../../src/networks/network.ts'
import type { TemplateName } from '../../src/networks/templates.ts'
import type { TermsBody } from '../../src/networks/terms.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import { approveTrade } from '../../src/outbox/move-delivery.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { promisedPostingsOf } from '../../src/outbox/post-and-promise.ts'
import { linesOf } from '../../src/reconcile/read.ts'
import { type Reconciliation, reconcileBook } from '../../src/reconcile/run.ts'
import type { LineAsk } from '../../src/trades/price.ts'
import { proposalsOf, propose } from '../../src/trades/propose.ts'
import { acceptancesOf, recordTrade } from '../../src/trades/record-trade.ts'
import { askReversal, reverseTrade } from '../../src/trades/reverse-trade.ts'
import type { Linked, Trade } from '../../src/trades/trade.ts'
import { formOf } from '../networks/set-up.ts'
import { bookTable, disagreementTable } from './book-tables.ts'
import { freshDatabase, setDatabaseClock } from './db.ts'
import { ledgerTable } from './tables.ts'

export { table } from './tables.ts'

export const firstDay = new Date('2026-11-02T10:00:00Z')
const publicUrl = 'https://quits.example'
const asha = { id: 'per_asha', name: 'Asha' }
const bea = 'per_bea'

export type BusinessPlan = {
  creditLimit?: string
  exposureLimit?: string
  form?: LegalForm
  partners?: number
  /** Registered for VAT, its book too. */
  vat?: boolean
  /** Whose manners its book has: QuickBooks refunds in two steps. */
  book?: 'xero' | 'quickbooks' | 'none'
  /** So many trades wait for a yes; none in most stories. */
  askFirst?: number
}
export type NetworkPlan = { template?: TemplateName; terms?: Partial<TermsBody> }
export type SalePlan = {
  /** In credits; left out: as much as the terms allow. */
  credits?: string
  lines?: { description: string; net: string; treatment?: string }[]
  description?: string
  tradedOn?: string
  dueOn?: string
  linkedInvoice?: Linked
  linkedBill?: Linked
}

export type World<Name extends string> = Record<Name, Business> & Deeds
type Ground = OutboxDeps & {
  db: Db
  network: Network
  books: FakeBooks
  acceptances: ReturnType<typeof acceptancesOf>
  proposals: ReturnType<typeof proposalsOf>
  postings: ReturnType<typeof postingsOf>
  promisedPostings: ReturnType<typeof promisedPostingsOf>
}

export async function world<Name extends string>(
  plans: Record<Name, BusinessPlan>,
  plan: NetworkPlan = {},
): Promise<World<Name>> {
  const fresh = await freshDatabase()
  const db = openDb(fresh.url, { connections: 5 })
  onTestFinished(async () => {
    await db.close()
    await fresh.drop()
  })
  let at = firstDay
  const clock: Clock = { now: () => at }
  await setDatabaseClock(fresh.url, at)
  const books = new FakeBooks(() => at)
  const network = await inTransaction(db, asWorker, (tx) => openNetwork(tx, clock, plan))
  const ground: Ground = {
    db,
    clock,
    books,
    network,
    log: openLog('silent'),
    seal: sealWith([new Uint8Array(32).fill(7)]),
    connectors: { xero: fakeOf('xero', books), quickbooks: fakeOf('quickbooks', books) },
    config: { publicUrl },
    worker: 'story',
    dice: () => 0.5,
    acceptances: acceptancesOf(db),
    proposals: proposalsOf(db),
    postings: postingsOf(db),
    promisedPostings: promisedPostingsOf(db),
  }
  const businesses = {} as Record<Name, Business>
  for (const name of Object.keys(plans) as Name[])
    businesses[name] = await openBusiness(ground, name, plans[name], Object.keys(businesses).length)
  const travelTo = async (next: Date) => {
    at = next
    await setDatabaseClock(fresh.url, at)
  }
  return { ...businesses, ...deedsOf(ground, businesses, travelTo) }
}

export type Deeds = {
  ground: Ground
  network: Network
  travelTo(next: Date): Promise<void>
  /** Sends all that may go; what was told to wait is waited for by moving the clock. */
  deliver(): Promise<void>
  /** Every entry of the ledger, in order. */
  ledgerTable(): Promise<string>
  /** 'holds', or the names of the truths that do not. */
  audit(): Promise<string>
}

function deedsOf(ground: Ground, businesses: Record<string, Business>, travelTo: (next: Date) => Promise<void>): Deeds {
  const { network, db } = ground
  return {
    ground,
    network,
    travelTo,
    async deliver() {
      const mostRounds = 20
      for (let round = 0; round < mostRounds; round += 1) {
        await deliverDue(ground)
        const waiting = await nextDue(db)
        if (!waiting) return
        await travelTo(new Date(Math.max(waiting.getTime(), ground.clock.now().getTime()) + 1))
      }
      throw new Error('deliveries never come to rest')
    },
    ledgerTable: () =>
      ledgerTable(db, network.id, {
        ...Object.fromEntries(Object.entries(businesses).map(([name, one]) => [name, one.accountId])),
        fees: networkAccountId(network.id, 'fees'),
        reserve: networkAccountId(network.id, 'write_off_reserve'),
      }),
    async audit() {
      const { truths } = await inTransaction(db, asWorker, (tx) => audit(tx, network.id))
      const broken = truths.filter((truth) => !truth.holds).map((truth) => truth.name)
      return broken.length === 0 ? 'holds' : broken.join(', ')
    },
  }
}

/** When a delivery that was tried and told to wait may be tried again; null when none is. */
async function nextDue(db: Db): Promise<Date | null> {
  const { rows } = await db.pool.query<{ due: Date | null }>(
    "select min(due_at) as due from delivery where state = 'waiting' and attempts > 0 and due_at > quits_now()",
  )
  return rows[0]?.due ?? null
}

export class Business {
  readonly name: string
  readonly memberId: Uuid
  readonly accountId: Uuid
  readonly organisationId: Uuid
  readonly #ground: Ground
  readonly #book: FakeBook | null
  readonly #vat: boolean

  constructor(ground: Ground, name: string, member: Member, book: FakeBook | null, vat: boolean) {
    this.#ground = ground
    this.name = name
    this.memberId = member.id
    this.accountId = member.accountId
    this.organisationId = member.organisationId
    this.#book = book
    this.#vat = vat
  }

  get book(): FakeBook {
    if (!this.#book) throw new Error(`${this.name} has no book`)
    return this.#book
  }

  /** Proposed by the seller, accepted by the buyer. `net` in pounds and pence. */
  async sellsTo(buyer: Business, net: string, plan: SalePlan = {}): Promise<Sale> {
    const { network, acceptances } = this.#ground
    const trade = await this.proposesTo(buyer, net, plan)
    await recordTrade(
      { acceptances },
      { networkId: network.id, tradeId: trade.id, actor: bea, side: 'buyer', confirmTreatment: false },
    )
    return new Sale(this.#ground, trade, this, buyer)
  }

  async proposesTo(buyer: Business, net: string, plan: SalePlan = {}): Promise<Trade> {
    const { network, clock } = this.#ground
    const usual = this.#vat ? 'standard' : 'outside'
    const lines: LineAsk[] = (plan.lines ?? [{ description: 'Goods', net }]).map((line) => ({
      description: line.description,
      netMinor: minorOf(line.net),
      treatment: 'treatment' in line && line.treatment ? line.treatment : usual,
    }))
    return propose(this.#ground, {
      networkId: network.id,
      id: newId(clock.now()),
      actor: bea,
      proposedBy: 'seller',
      sellerMemberId: this.memberId,
      buyerMemberId: buyer.memberId,
      currency: network.currency,
      lines,
      part: plan.credits ? { creditMinor: minorOf(plan.credits) } : {},
      description: plan.description ?? 'Goods',
      tradedOn: plan.tradedOn ?? dayIn(network.timeZone, clock.now()),
      ...(plan.dueOn ? { dueOn: plan.dueOn } : {}),
      linkedInvoice: plan.linkedInvoice ?? null,
      linkedBill: plan.linkedBill ?? null,
      source: 'page',
    })
  }

  async approves(sale: Sale): Promise<void> {
    const { db, network, clock } = this.#ground
    const ask = { networkId: network.id, tradeId: sale.id, organisationId: this.organisationId, actor: bea }
    await inTransaction(db, asWorker, (tx) => approveTrade(tx, { ...ask, at: clock.now() }))
  }

  async startsLeaving(reason: string): Promise<void> {
    const { db, network, clock } = this.#ground
    const ask = { networkId: network.id, memberId: this.memberId, actor: asha.id, reason }
    await inTransaction(db, asWorker, (tx) => startLeaving(tx, clock, ask))
  }

  async isWrittenOff(reason: string): Promise<void> {
    const { network } = this.#ground
    await writeOff(this.#ground, { networkId: network.id, memberId: this.memberId, reason, actor: asha.id })
  }

  async member(): Promise<Member> {
    return inTransaction(this.#ground.db, asWorker, (tx) => memberOf(tx, this.#ground.network.id, this.memberId))
  }

  /** The account in this business's book that stands for the network. */
  get creditAccountId(): string {
    const account = this.book.profile.accounts.find((one) => one.name.startsWith('Mutual credit'))
    if (!account) throw new Error(`${this.name} has no mutual-credit account`)
    return account.id
  }

  /** What stands in the book: each document, its total, its VAT, what is open, and what it moved on the account. */
  bookTable(): string {
    return bookTable(this.book, this.creditAccountId)
  }

  async reconciles(): Promise<Reconciliation> {
    const { network } = this.#ground
    return reconcileBook(this.#ground, { networkId: network.id, organisationId: this.organisationId, actor: bea })
  }

  /** Reconciles; 'all agree', or a line for each thing that does not. */
  async disagreements(): Promise<string> {
    const run = await this.reconciles()
    const lines = await inTransaction(this.#ground.db, asWorker, (tx) => linesOf(tx, this.#ground.network.id, run.id))
    return disagreementTable(run, lines)
  }
}

export class Sale {
  readonly id: Uuid
  readonly trade: Trade
  readonly seller: Business
  readonly buyer: Business
  readonly #ground: Ground

  constructor(ground: Ground, trade: Trade, seller: Business, buyer: Business) {
    this.#ground = ground
    this.id = trade.id
    this.trade = trade
    this.seller = seller
    this.buyer = buyer
  }

  /** The seller asks, the buyer agrees. */
  async reverse(reason: string): Promise<Trade> {
    const ask = { networkId: this.trade.networkId, tradeId: this.id, actor: bea, reason }
    await askReversal(this.#ground, { ...ask, side: 'seller' })
    return reverseTrade(this.#ground, { ...ask, side: 'buyer' })
  }
}

function openNetwork(tx: Tx, clock: Clock, plan: NetworkPlan): Promise<Network> {
  return createNetwork(tx, clock, {
    slug: 'calder-valley',
    name: 'Calder Valley',
    from: { template: plan.template ?? 'uk-business' },
    ...(plan.terms ? { terms: plan.terms } : {}),
    organisation: { name: 'Valley Exchange CIC', form: formOf('cic') },
    convener: { email: 'asha@valley.example', name: 'Asha' },
    actor: 'quits',
  })
}

async function openBusiness(ground: Ground, name: string, plan: BusinessPlan, place: number): Promise<Business> {
  const { db, clock, network, books } = ground
  const form = formOf(plan.form ?? 'company', plan.partners ?? null)
  const email = `${name}@valley.example`
  const vat = plan.vat ? { registered: true, number: `GB10000000${place}`, scheme: 'accrual' as const } : undefined
  const organisation = { name: `The ${name}`, form, email, vat }
  const member = await inTransaction(db, asWorker, async (tx) => {
    const invited = await invite(tx, clock, {
      networkId: network.id,
      email,
      organisation,
      from: asha,
      publicUrl,
      seal: ground.seal,
    })
    return admit(tx, clock, {
      networkId: network.id,
      memberId: invited.member.id,
      actor: asha.id,
      ...(plan.creditLimit ? { creditLimitMinor: minorOf(plan.creditLimit) } : {}),
      ...(plan.exposureLimit ? { exposureLimitMinor: minorOf(plan.exposureLimit) } : {}),
    })
  })
  const kind = plan.book ?? 'xero'
  if (kind === 'none') return new Business(ground, name, member, null, plan.vat ?? false)
  const book = books.addBook({ id: `book-of-${name}`, name: `The ${name}`, vatRegistered: plan.vat ?? false })
  await connectBook(ground, member, { kind, book, askFirst: plan.askFirst ?? 0 })
  return new Business(ground, name, member, book, plan.vat ?? false)
}

/** Consent, choice, the account made, the proposed mapping confirmed. */
async function connectBook(
  ground: Ground,
  member: Member,
  told: { kind: BookKind; book: FakeBook; askFirst: number },
): Promise<void> {
  const { networkId, organisationId } = member
  const session = { actor: bea, sessionHash: null }
  const { url } = await beginConsent(ground, { networkId, organisationId, kind: told.kind, ...session })
  const bookId = told.book.profile.bookId
  const { consentId } = await finishConsent(ground, { url: ground.books.agree(url, [bookId]), ...session })
  const { id } = await chooseBook(ground, { consentId, bookId, actor: bea })
  const { mapping } = await makeCreditAccount(ground, { connectionId: id, networkId, kind: 'bank', actor: bea })
  const draft = { ...mapping.draft, lossAccountId: 'acc-429', otherIncomeAccountId: 'acc-260' }
  await saveMapping(ground, { connectionId: id, networkId, mapping: draft, ifVersion: mapping.version, actor: bea })
  const ask = { connectionId: id, askFirst: told.askFirst, actor: bea }
  await inTransaction(ground.db, asWorker, (tx) => setAskFirst(tx, ground.clock, ask))
}

/** The fake with one vendor's manners; its calls are many, so that no story waits for a budget. */
function fakeOf(kind: 'xero' | 'quickbooks', books: FakeBooks): BookConnector {
  const redirectUri = `${publicUrl}/connect/${kind}/callback`
  const fake = fakeConnector(books, {
    redirectUri,
    refundsInTwoSteps: kind === 'quickbooks',
    limits: { aMinute: 60_000 },
  })
  return { ...fake, kind }
}

export function minorOf(amount: string): bigint {
  const minor = parseAmount(amount, 2)
  if (minor === null) throw new Error(`not an amount: ${amount}`)
  return minor
}
