/**
 * The whole main job over the service's own HTTP, pages and /v1, as people and programs would do it: a network is made, three
 * businesses come in by their links and connect their books, trades are made and one is reversed, everything is delivered,
 * and every book is read back and compared.
 *
 * Keeps: nothing here looks into the service's tables; what it says of a book it has from the service and from the book itself.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { formatAmount, parseAmount } from '../kit/money.ts'
import { type Money, Program } from './program.ts'
import type { StandInBooks, Vendor } from './stand-in-books.ts'
import { giveConsent, plainText, Visitor } from './visitor.ts'

const currency = 'GBP'
const longestDrainMs = 120_000
const drainLookMs = 200

export type Job = { base: string; operatorKey: string; books: StandInBooks; say: (line: string) => void }

export type TradeOutcome = {
  trade: string
  reference: string
  seller: string
  buyer: string
  /** What the trade left on the mutual-credit account of each book. */
  sellersBook: string
  buyersBook: string
  /** What it left in the ledger, on each account. */
  ledgerSeller: string
  ledgerBuyer: string
  difference: string
}
export type BookOutcome = {
  member: string
  kind: Vendor
  /** By the service's reconciliation. */
  ledger: string
  book: string
  drift: string
  matches: number
  disagreements: { kind: string; reference: string | null; ledger: string; book: string }[]
  /** What the book's own page says of the account. */
  bookSays: string
}
export type Outcome = {
  ok: boolean
  trades: TradeOutcome[]
  books: BookOutcome[]
  parked: { member: string; reference: string; cause: string }[]
  ledgerHolds: boolean
  violations: Record<Vendor, unknown[]>
}

type Plan = { name: string; email: string; person: string; vendor: Vendor; vat: string | null; number: string }
const plans: Plan[] = [
  {
    name: 'Mill Lane Timber Ltd',
    email: 'timber@demo.example',
    person: 'Tom Miller',
    vendor: 'xero',
    vat: '384729156',
    number: '04417001',
  },
  {
    name: "Rosa's Bakery Ltd",
    email: 'bakery@demo.example',
    person: 'Rosa Delgado',
    vendor: 'quickbooks',
    vat: '293847561',
    number: '05511002',
  },
  {
    name: 'Harbour Street Books',
    email: 'books@demo.example',
    person: 'Hana Street',
    vendor: 'xero',
    vat: null,
    number: '06622003',
  },
]

type Firm = Plan & { id: string; path: string; program: Program }
type Line = { description: string; net: string; treatment?: string }
type SalePlan = { what: string; seller: Firm; buyer: Firm; lines: Line[]; credit?: string }
type Sale = SalePlan & { id: string; reference: string; invoiceNumber: string }

export async function doMainJob(job: Job): Promise<Outcome> {
  const { say } = job
  const operator = new Program(job.base, job.operatorKey)
  say('A network is made from a template, and three businesses are invited')
  const network = await operator.post<{ id: string }>('/networks', {
    slug: 'lancaster',
    name: 'Lancaster Trade Circle',
    from: { template: 'uk-business' },
    organisation: {
      name: 'Lancaster Trade Circle CIC',
      form: { legalForm: 'cic', evidence: { kind: 'registration_number', number: '07733004' } },
    },
    convener: { email: 'convener@demo.example', name: 'Cora Lune' },
  })
  const at = `/networks/${network.id}`
  const convener = await keyFor(job, operator, `${at}/api-keys`, 'convener')
  const firms: Firm[] = []
  for (const plan of plans) firms.push(await bringIn(job, { at, plan, operator, convener }))
  const [timber, bakery, books] = firms as [Firm, Firm, Firm]

  for (const firm of firms) {
    say(`${firm.name} connects its book`)
    await connect(firm)
  }

  say('Trades are proposed and accepted')
  const sell = (sale: SalePlan) => trade(at, sale)
  const sales = [
    await sell({
      what: 'all of the net in credits',
      seller: timber,
      buyer: bakery,
      lines: [line('Shelving', '1000.00')],
    }),
    await sell({
      what: 'part in money',
      seller: timber,
      buyer: bakery,
      lines: [line('Counter', '500.00')],
      credit: '300.00',
    }),
    await sell({ what: 'buyer without VAT', seller: timber, buyer: books, lines: [line('Bookcase', '250.00')] }),
    await sell({
      what: 'three odd lines',
      seller: timber,
      buyer: bakery,
      lines: [line('Dowel', '3.33'), line('Hook', '3.33'), line('Peg', '3.33')],
    }),
    await sell({ what: 'the other way', seller: bakery, buyer: timber, lines: [line('Catering', '80.00')] }),
    await sell({
      what: 'seller without VAT',
      seller: books,
      buyer: bakery,
      lines: [line('Cook books', '45.50', 'outside')],
    }),
    await sell({
      what: 'reversed after payment',
      seller: timber,
      buyer: bakery,
      lines: [line('Table', '200.00')],
      credit: '120.00',
    }),
  ]
  await convener.change(`${at}/terms`, () => ({
    fees: [{ side: 'seller', basisPoints: 100, fixed: money('0.00'), mode: 'credits', words: 'Network fee' }],
  }))
  sales.push(await sell({ what: 'with a fee', seller: bakery, buyer: timber, lines: [line('Bread', '150.00')] }))

  await approveAll(firms, say)
  await drain(firms, say)

  const reversed = sales.find((one) => one.what === 'reversed after payment') as Sale
  say('The money part of one trade is paid, then the trade is reversed by both sides')
  await payMoneyPart(job, reversed)
  await timber.program.post(`${at}/trades/${reversed.id}/reversal`, { reason: 'The table came back' })
  await bakery.program.post(`${at}/trades/${reversed.id}/reversal`, { reason: 'Agreed' })
  await approveAll(firms, say)
  await drain(firms, say)

  say('Every book is read back and compared')
  return judge(job, { at, firms, sales, convener })
}

async function keyFor(job: Job, maker: Program, path: string, role: string): Promise<Program> {
  const { secret } = await maker.post<{ secret: string }>(path, { name: `for a ${role}`, role })
  return new Program(job.base, secret)
}

/** Invited, the link opened, the form filled in, admitted with limits. */
async function bringIn(
  job: Job,
  told: { at: string; plan: Plan; operator: Program; convener: Program },
): Promise<Firm> {
  const { at, plan, operator, convener } = told
  const { member } = await convener.post<{ member: { id: string } }>(`${at}/members`, {
    email: plan.email,
    organisation: { name: plan.name },
  })
  const person = new Visitor()
  await person.open(await invitationFor(job, plan.email))
  await person.send(person.form('name="personName"'), {
    personName: plan.person,
    name: plan.name,
    address: '1 Market Street, Lancaster',
    legalForm: 'company',
    registrationNumber: plan.number,
    vatRegistered: plan.vat ? 'yes' : 'no',
    ...(plan.vat ? { vatNumber: plan.vat, vatScheme: 'accrual' } : {}),
    agree: 'yes',
  })
  const path = `${at}/members/${member.id}`
  await convener.post(`${path}/admit`, { creditLimit: money('5000.00'), exposureLimit: money('9000.00') })
  return { ...plan, id: member.id, path, program: await keyFor(job, operator, `${path}/api-keys`, 'owner') }
}

/** Looks into the demonstration's mail box, as a person does. */
async function invitationFor(job: Job, email: string): Promise<string> {
  const person = new Visitor()
  await person.open(`${job.base}/demo/mail`)
  for (const [letter] of person.html.matchAll(/<article\b[\s\S]*?<\/article>/g)) {
    const link = /href="([^"]*\/join\/[^"]+)"/.exec(letter)?.[1]
    if (link && plainText(letter).includes(`To ${email}`)) return link
  }
  throw new Error(`no invitation for ${email} is in the mail box`)
}

type Mapping = { confirmed: boolean; mapping: Record<string, unknown>; lists: unknown }

async function connect(firm: Firm): Promise<void> {
  const path = `${firm.path}/connection`
  const begun = await firm.program.post<{ consentUrl: string }>(`${path}/consents`, { kind: firm.vendor })
  const url = await giveConsent(begun.consentUrl, firm.name)
  const { consentId, offered } = await firm.program.post<{
    consentId: string
    offered: { bookId: string; bookName: string }[]
  }>(`${path}/consents/finish`, { url })
  const book = offered.find((one) => one.bookName === firm.name)
  if (!book) throw new Error(`the consent of ${firm.name} opens ${offered.map((one) => one.bookName).join(', ')}`)
  await firm.program.post(`${path}/consents/${consentId}/choose`, { bookId: book.bookId })
  await firm.program.post(`${path}/credit-account`, { kind: 'bank' })
  await firm.program.change<Mapping>(`${path}/mapping`, ({ mapping }) => mapping)
}

/** The seller proposes, the buyer accepts. */
async function trade(at: string, sale: SalePlan): Promise<Sale> {
  const { seller, buyer } = sale
  const proposed = await seller.program.post<{ id: string; reference: string }>(`${at}/trades`, {
    sellerId: seller.id,
    buyerId: buyer.id,
    description: sale.lines[0]?.description,
    lines: sale.lines.map((one) => ({ ...one, net: money(one.net), treatment: one.treatment ?? 'standard' })),
    ...(sale.credit ? { credit: money(sale.credit) } : {}),
  })
  const accepted = await buyer.program.post<{ invoiceNumber: string }>(`${at}/trades/${proposed.id}/accept`, {})
  return { ...sale, ...proposed, invoiceNumber: accepted.invoiceNumber }
}

/** Each bookkeeper looks at what would be written, and says yes. */
async function approveAll(firms: Firm[], say: Job['say']): Promise<void> {
  for (const firm of firms) {
    const { list } = await firm.program.get<{
      list: { tradeId: string; documents: { trouble: { says: string } | null }[] }[]
    }>(`${firm.path}/connection/preview`)
    for (const { tradeId } of list) await firm.program.post(`${firm.path}/connection/approvals`, { tradeId })
    if (list.length > 0) say(`${firm.name} looks at ${list.length} previews and says yes`)
  }
}

type Delivery = { reference: string; state: string; cause: string | null; tradeId: string | null }

/** Waits until nothing is on its way any more. What is parked waits for a person, and is told of at the end. */
async function drain(firms: Firm[], say: Job['say']): Promise<void> {
  const until = performance.now() + longestDrainMs
  let said = performance.now()
  for (;;) {
    const open = (await Promise.all(firms.map((firm) => firm.program.all<Delivery>(`${firm.path}/deliveries`)))).flat()
    const onTheWay = open.filter((one) => one.state === 'waiting' || one.state === 'sending').length
    const isStuck = open.some((one) => one.state === 'parked') && !open.some((one) => one.state === 'sending')
    if (onTheWay === 0) return say(`${open.length} deliveries have reached their books`)
    if (performance.now() > until)
      return say(`${onTheWay} deliveries are still on their way${isStuck ? '; some need a person' : ''}`)
    if (performance.now() - said > 2_000) {
      said = performance.now()
      say(`  ${open.length - onTheWay} of ${open.length} deliveries`)
    }
    await pause(drainLookMs)
  }
}

/** The people of both firms pay in pounds, in their own books. */
async function payMoneyPart(job: Job, sale: Sale): Promise<void> {
  for (const [firm, kind] of [
    [sale.seller, 'Invoice'],
    [sale.buyer, 'Bill'],
  ] as const) {
    const id = await bookIdOf(job, firm)
    await job.books.control(firm.vendor, `/organisations/${id}/edit`, {
      deed: 'payInvoice',
      number: sale.invoiceNumber,
      account: 'Business Current Account',
      ...(firm.vendor === 'quickbooks' ? { kind } : {}),
    })
  }
}

type OwnWords = { id: string; name: string; accounts: { name: string; balance: string | number }[] }

async function bookIdOf(job: Job, firm: Firm): Promise<string> {
  const found = (await job.books.control<OwnWords[]>(firm.vendor, '/organisations')).find(
    (one) => one.name === firm.name,
  )
  if (!found) throw new Error(`there is no book of ${firm.name}`)
  return found.id
}

type Run = { id: string; ledger: Money; book: Money; drift: Money; matches: number }
type RunLine = { verdict: string; reference: string | null; ledger: Money; book: Money }
type Entry = { tradeId: string | null; amount: Money }

async function judge(
  job: Job,
  told: { at: string; firms: Firm[]; sales: Sale[]; convener: Program },
): Promise<Outcome> {
  const { firms, sales } = told
  const books: BookOutcome[] = []
  const linesOf = new Map<Firm, RunLine[]>()
  const entriesOf = new Map<Firm, Entry[]>()
  const parked: Outcome['parked'] = []
  for (const firm of firms) {
    const run = await firm.program.post<Run>(`${firm.path}/reconciliations`)
    const lines = await firm.program.all<RunLine>(`${firm.path}/reconciliations/${run.id}/lines`)
    linesOf.set(firm, lines)
    entriesOf.set(firm, await firm.program.all<Entry>(`${firm.path}/statement`))
    const deliveries = await firm.program.all<Delivery>(`${firm.path}/deliveries?state=parked`)
    parked.push(...deliveries.map((one) => ({ member: firm.name, reference: one.reference, cause: one.cause ?? '' })))
    const wrong = lines.filter((one) => one.verdict !== 'match')
    books.push({
      member: firm.name,
      kind: firm.vendor,
      ledger: shown(run.ledger),
      book: shown(run.book),
      drift: shown(run.drift),
      matches: run.matches,
      disagreements: wrong.map((one) => ({
        kind: one.verdict,
        reference: one.reference,
        ledger: shown(one.ledger),
        book: shown(one.book),
      })),
      bookSays: await ownBalance(job, firm),
    })
  }
  const trades = sales.map((sale) => outcomeOf(sale, linesOf, entriesOf))
  const audit = await told.convener.post<{ holds: boolean }>(`${told.at}/ledger/audits`)
  const violations = {
    xero: await job.books.control<unknown[]>('xero', '/violations'),
    quickbooks: await job.books.control<unknown[]>('quickbooks', '/violations'),
  }
  const ok =
    trades.every((one) => one.difference === '0.00') &&
    books.every((one) => one.drift === '0.00' && one.disagreements.length === 0 && one.bookSays === one.ledger) &&
    parked.length === 0 &&
    audit.holds &&
    violations.xero.length === 0 &&
    violations.quickbooks.length === 0
  return { ok, trades, books, parked, ledgerHolds: audit.holds, violations }
}

function outcomeOf(sale: Sale, linesOf: Map<Firm, RunLine[]>, entriesOf: Map<Firm, Entry[]>): TradeOutcome {
  const inBook = (firm: Firm) =>
    total((linesOf.get(firm) ?? []).filter((one) => one.reference?.startsWith(sale.reference)).map((one) => one.book))
  const inLedger = (firm: Firm) =>
    total((entriesOf.get(firm) ?? []).filter((one) => one.tradeId === sale.id).map((one) => one.amount))
  const [sellersBook, buyersBook] = [inBook(sale.seller), inBook(sale.buyer)]
  const [ledgerSeller, ledgerBuyer] = [inLedger(sale.seller), inLedger(sale.buyer)]
  const difference = size(ledgerSeller - sellersBook) + size(ledgerBuyer - buyersBook)
  return {
    trade: sale.what,
    reference: sale.reference,
    seller: sale.seller.name,
    buyer: sale.buyer.name,
    sellersBook: formatAmount(sellersBook, 2),
    buyersBook: formatAmount(buyersBook, 2),
    ledgerSeller: formatAmount(ledgerSeller, 2),
    ledgerBuyer: formatAmount(ledgerBuyer, 2),
    difference: formatAmount(difference, 2),
  }
}

/** What the book itself says of its mutual-credit account. */
async function ownBalance(job: Job, firm: Firm): Promise<string> {
  const all = await job.books.control<OwnWords[]>(firm.vendor, '/organisations')
  const account = all
    .find((one) => one.name === firm.name)
    ?.accounts.find((one) => one.name.startsWith('Mutual credit'))
  if (!account) return 'no such account'
  const minor = parseAmount(String(account.balance), 2)
  return minor === null ? String(account.balance) : formatAmount(minor, 2)
}

function line(description: string, net: string, treatment = 'standard'): Line {
  return { description, net, treatment }
}

function money(amount: string): Money {
  return { amount: String(parseAmount(amount, 2)), currency }
}

function shown(amount: Money): string {
  return formatAmount(BigInt(amount.amount), 2)
}

function total(amounts: Money[]): bigint {
  return amounts.reduce((sum, one) => sum + BigInt(one.amount), 0n)
}

function size(minor: bigint): bigint {
  return minor < 0n ? -minor : minor
}
