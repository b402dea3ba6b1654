/** The worker keeps what was promised: in order, once, and only what may go. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BookConnector, BookError, type Verdict } from '../../connectors/port.ts'
import { pause, resume } from '../../src/books/pause.ts'
import { withConnection } from '../../src/kit/db.ts'
import { organisationOf } from '../../src/networks/organisation.ts'
import { nameRole } from '../../src/networks/person.ts'
import { keyOf } from '../../src/outbox/attempt.ts'
import { dropDelivery } from '../../src/outbox/drop-delivery.ts'
import { approveTrade, redateDelivery, retryDelivery, takeNextNumber } from '../../src/outbox/move-delivery.ts'
import { retryAll } from '../../src/outbox/retry-all.ts'
import { reversalFor } from '../../src/trades/documents.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const inFull = { terms: { vatIn: 'credits' as const } }

test('a trade all in credits becomes a paid invoice in the seller’s book and a paid bill in the buyer’s', async () => {
  const outbox = await smallOutbox(on, undefined, inFull)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(await outbox.states('mill')).toBe('SI delivered, SP delivered, contact delivered')
  expect(await outbox.states('bakery')).toBe('BB delivered, BP delivered, contact delivered')
  expect(outbox.papers('mill')).toBe('invoice 120000 open 0, payment 120000')
  expect(outbox.papers('bakery')).toBe('bill 120000 open 0, payment 120000')
})

test('what a trade pays in money stays open in both books', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery', { part: { creditMinor: 60_000n } })
  await outbox.deliver()

  expect(outbox.papers('mill')).toBe('invoice 120000 open 60000, payment 60000')
  expect(outbox.papers('bakery')).toBe('bill 120000 open 60000, payment 60000')
})

test('a buyer that is not registered for VAT gets a gross bill', async () => {
  const outbox = await smallOutbox(on, { mill: {}, bakery: { vat: false } })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  const bill = [...outbox.book('bakery').documents.values()].find((one) => one.kind === 'bill')
  expect(bill).toMatchObject({ totalMinor: 120_000n, vatMinor: 0n })
})

test('a fee in credits is money spent on the mutual-credit account', async () => {
  const fee = {
    side: 'seller' as const,
    basisPoints: 100,
    fixedMinor: '0',
    mode: 'credits' as const,
    words: 'Fee, 1 %',
  }
  const outbox = await smallOutbox(on, undefined, { terms: { fees: [fee] } })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(outbox.papers('mill')).toContain('money_spent 1000')
  expect(await outbox.states('mill')).toBe(
    'SF delivered, SI delivered, SP delivered, contact delivered, contact delivered',
  )
})

test('a payment waits for its invoice, and nothing else waits with it', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()

  expect(await outbox.states('mill')).toBe('SI parked: period_locked, SP waiting, contact delivered')
  expect(await outbox.states('bakery')).toBe('BB delivered, BP delivered, contact delivered')
})

test('a document in a closed period goes with its first open day on a yes, and keeps the true one in its text', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-02')
  await outbox.deliver()
  const invoice = await outbox.one('mill', '-SI')
  const before = await on.worker((tx) => redateDelivery(tx, invoice, null))
  await outbox.deliver()

  expect(before).toBe('2026-11-03')
  expect(await outbox.one('mill', '-SI')).toMatchObject({
    state: 'delivered',
    document: { datedOn: '2026-11-03', note: expect.stringMatching(/^Tax point 2026-11-02\. /) },
  })
})

test('a day in the closed period is no way out of it', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
  const invoice = await outbox.one('mill', '-SI')

  await expect(on.worker((tx) => redateDelivery(tx, invoice, '2026-11-15'))).rejects.toMatchObject({
    code: 'delivery_does_not_allow',
  })
})

test('the first trades wait for a yes, each for its own', async () => {
  const outbox = await smallOutbox(on, undefined, { askFirst: 2 })
  const first = await outbox.sale('mill', 'bakery')
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  expect(outbox.papers('mill')).toBe('')

  const { organisationId } = outbox.member('mill')
  const yes = { networkId: first.networkId, organisationId, actor: 'per_owner', at: on.clock.now() }
  await on.worker((tx) => approveTrade(tx, { ...yes, tradeId: first.id }))
  await on.worker((tx) => approveTrade(tx, { ...yes, tradeId: first.id }))
  await outbox.deliver()
  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
  expect(outbox.papers('bakery')).toBe('')

  const third = await outbox.sale('mill', 'bakery')
  await on.worker((tx) => approveTrade(tx, { ...yes, tradeId: third.id }))
  await outbox.deliver()
  // Two yeses were asked for and given: now everything goes by itself.
  expect((await outbox.states('mill')).match(/SI delivered/g)).toHaveLength(3)
})

test('a lost reply is looked up, and one document stands', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').knobs.loseReply = 1
  await outbox.deliver()
  const lost = (await outbox.deliveries('mill')).find((one) => one.kind === 'invoice' && one.state === 'waiting')
  expect(lost).toMatchObject({ lookFirst: true, fails: 1 })
  await outbox.deliverFor(2)

  expect(outbox.papers('mill').match(/invoice/g)).toHaveLength(2)
  const tried = await outbox.attempts(lost ?? (await outbox.one('mill', '-SI')))
  expect(tried.map(({ verb, outcome }) => `${verb} ${outcome}`)).toEqual(['documents unknown', 'look found'])
})

test('what a look does not find goes out again under the same key', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  const { onStep } = outbox.on.books
  on.books.onStep = (step) => {
    if (step !== 'putDocuments asked') return
    on.books.onStep = onStep
    outbox.book('mill').knobs.unavailable = 1
    outbox.book('bakery').knobs.unavailable = 1
  }
  await outbox.deliverFor(3)

  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
  const tried = await outbox.attempts(await outbox.one('mill', '-SI'))
  expect(new Set(tried.map((one) => one.key)).size).toBe(1)
})

test('a throttled book waits as long as it was told, and its neighbours go on', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').knobs.throttle = 1
  await outbox.deliver()

  expect(outbox.papers('mill')).toBe('')
  expect(outbox.papers('bakery')).toContain('payment')
  const due = (await outbox.lane('mill')).dueAt.getTime() - on.clock.now().getTime()
  expect(due).toBe(7_000)
  await outbox.travel(6)
  await outbox.deliver()
  expect(outbox.papers('mill')).toBe('')
  await outbox.travel(2)
  await outbox.deliver()
  expect(outbox.papers('mill')).toContain('payment')
})

test('a book’s calls keep within its minute', async () => {
  const outbox = await smallOutbox(on, undefined, { limits: { aMinute: 12, inOneCall: 1 } })
  for (let sale = 0; sale < 3; sale += 1) await outbox.sale('mill', 'bakery', { net: 1_000n })
  await outbox.deliver()
  const atFirst = on.books.calls.filter(
    (call) => call.bookId === outbox.book('mill').profile.bookId && call.verb.startsWith('put'),
  ).length
  expect(atFirst).toBeLessThanOrEqual(2)
  await outbox.deliverFor(5)

  expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(3)
})

test('a paused connection holds everything; resumed, it goes', async () => {
  const outbox = await smallOutbox(on)
  const ask = { connectionId: outbox.connection('mill').id, actor: 'per_owner' }
  await on.worker((tx) => pause(tx, on.clock, { ...ask, reason: 'year end' }))
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  expect(outbox.papers('mill')).toBe('')

  await on.worker((tx) => resume(tx, on.clock, ask))
  await outbox.deliver()
  expect(outbox.papers('mill')).toContain('payment')
})

test('a consent that was cut holds what is promised, and a new one lets it go', async () => {
  const outbox = await smallOutbox(on)
  outbox.book('mill').revokeConsent()
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  expect((await on.read(outbox.connection('mill').id)).state).toBe('needs_sign_in')
  expect(await outbox.states('mill')).toBe('SI waiting, SP waiting, contact waiting')

  await on.connect({ member: outbox.member('mill'), book: outbox.book('mill') })
  await outbox.deliver()
  expect(await outbox.states('mill')).toBe('SI delivered, SP delivered, contact delivered')
})

/** A book that does not let in each thing for itself, whatever the call: those of the first key it lets in. */
function shutting(outbox: SmallOutbox, error: BookError, isLetIn: (key: string) => boolean) {
  const putDocuments: BookConnector['putDocuments'] = async (grant, asks) =>
    Promise.all(
      asks.map(async (ask): Promise<Verdict> => {
        const [told] = isLetIn(ask.key) ? await outbox.connector.putDocuments(grant, [ask]) : []
        return told ?? { ok: false, error }
      }),
    )
  return { connectors: { fake: { ...outbox.connector, putDocuments } } }
}
const unpaid = () =>
  new BookError('unauthorized', {
    cause: 'subscription_lapsed',
    said: '',
    status: 400,
    vendorCode: '6190',
    callId: null,
  })

test('a book unpaid for, which says so of each document, waits for a sign-in, and its people are told once', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.sale('mill', 'bakery')
  const invoices = (await outbox.deliveries('mill')).filter((one) => one.kind === 'invoice')
  const first = keyOf(invoices[0] ?? { id: '', generation: 1 })
  const { organisationId } = outbox.member('mill')
  const owner = { email: 'owner@mill.example', organisationId, role: 'owner' as const, actor: 'quits' }
  await on.worker((tx) => nameRole(tx, on.clock, owner))
  const given = shutting(outbox, unpaid(), (key) => key === first || !invoices.some((one) => keyOf(one) === key))
  await outbox.deliver(given)
  await outbox.travel(600)
  await outbox.deliver(given)

  expect(await on.read(outbox.connection('mill').id)).toMatchObject({
    state: 'needs_sign_in',
    lastError: { cause: 'subscription_lapsed' },
  })
  expect(await on.read(outbox.connection('bakery').id)).toMatchObject({ state: 'live' })
  expect((await on.mails('needs_sign_in')).filter((one) => one.recipient === owner.email)).toHaveLength(1)
  // What the book took stays taken.
  expect((await outbox.states('mill')).match(/SI \w+/g)?.sort()).toEqual(['SI delivered', 'SI waiting'])

  await on.connect({ member: outbox.member('mill'), book: outbox.book('mill') })
  await outbox.deliver()
  expect((await outbox.states('mill')).match(/S[IP] delivered/g)).toHaveLength(4)
  expect(outbox.papers('mill').match(/invoice/g)).toHaveLength(2)
})

test('one thing that an old grant was not let in for goes with a new one, and nobody is asked', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  const seen = new Set<string>()
  await outbox.deliver(
    shutting(outbox, unpaid(), (key) => {
      const isSecond = seen.has(key)
      seen.add(key)
      return isSecond
    }),
  )
  expect(await outbox.states('mill')).toBe('SI delivered, SP delivered, contact delivered')
  expect(await on.read(outbox.connection('mill').id)).toMatchObject({ state: 'live' })
})

test('promises made before a book is connected go once it is live', async () => {
  const outbox = await smallOutbox(on, { mill: { connected: false }, bakery: {} })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  await outbox.connect('mill')
  await outbox.deliver()

  expect(await outbox.states('mill')).toBe('SI delivered, SP delivered, contact delivered')
})

test('a number that a stranger’s invoice has is parked; the next one goes, and the bill bears it', async () => {
  const outbox = await smallOutbox(on, undefined, { askFirst: null })
  const trade = await outbox.sale('mill', 'bakery')
  const day = '2026-11-01'
  outbox.book('mill').enterByHand({ kind: 'invoice', datedOn: day, number: trade.invoiceNumber, reference: 'by hand' })
  const { organisationId } = outbox.member('mill')
  const yes = { networkId: trade.networkId, tradeId: trade.id, actor: 'per_owner', at: on.clock.now() }
  await on.worker((tx) => approveTrade(tx, { ...yes, organisationId }))
  await outbox.deliverFor(2)
  const invoice = await outbox.one('mill', '-SI')
  expect(invoice).toMatchObject({ state: 'parked', parkedCause: 'number_taken' })

  const number = await on.worker((tx) => takeNextNumber(tx, invoice))
  await on.worker((tx) => approveTrade(tx, { ...yes, organisationId: outbox.member('bakery').organisationId }))
  await outbox.deliver()
  expect(number).not.toBe(trade.invoiceNumber)
  expect(await outbox.one('mill', '-SI')).toMatchObject({ state: 'delivered', receipt: { number } })
  expect(await outbox.one('bakery', '-BB')).toMatchObject({ state: 'delivered', receipt: { number } })
  expect((await outbox.read(trade)).invoiceNumber).toBe(number)
})

test('all that is parked for one cause goes again at once, and each under a new key', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
  outbox.book('mill').lockPeriod(null)
  const { networkId, organisationId } = outbox.member('mill')
  const places = [{ networkId, organisationId }]
  const count = await retryAll(on.deps, { places, cause: 'period_locked', actor: 'per_owner' })
  await outbox.deliver()

  expect(count).toBe(2)
  expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(2)
  const tried = await outbox.attempts(await outbox.one('mill', '-SI'))
  expect(tried.map((one) => `${one.verb} ${one.outcome}`)).toEqual(['documents refused', 'documents done'])
  expect(tried[1]?.key).toBe(`${tried[0]?.key}.2`)
})

test('what a person drops is not sent, nor what depends on it', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
  const invoice = await outbox.one('mill', '-SI')
  await on.worker((tx) => dropDelivery(tx, invoice, 'entered by hand', on.clock.now()))
  await outbox.deliverFor(1)

  expect(await outbox.states('mill')).toBe('SI dropped, SP dropped, contact delivered')
  await expect(on.worker((tx) => retryDelivery(tx, invoice))).rejects.toMatchObject({ code: 'delivery_does_not_allow' })
})

test('nothing is paid on a document whose total in the book is not the trade’s', async () => {
  const outbox = await smallOutbox(on)
  for (const code of outbox.book('mill').profile.taxCodes) if (code.id === 'sales-standard') code.rateBasisPoints = 1000
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(await outbox.one('mill', '-SP')).toMatchObject({
    state: 'parked',
    parkedCause: 'total_differs',
    parkedFacts: { book: '1100.00', ours: '1200.00' },
  })
})

test('a reversal credits both books, gives the credits back and leaves the money part open as a credit', async () => {
  const outbox = await smallOutbox(on)
  const trade = await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const invoice = await outbox.one('mill', '-SI')
  // The customer paid the money part meanwhile.
  const { contactId } = outbox.book('mill').documents.get(invoice.receipt?.id ?? '') ?? {}
  outbox.book('mill').enterByHand({
    kind: 'payment',
    datedOn: '2026-11-02',
    contactId: contactId ?? null,
    totalMinor: 20_000n,
    of: [{ kind: 'invoice', id: invoice.receipt?.id ?? '', amountMinor: 20_000n }],
    moves: [{ accountId: 'acc-090', amountMinor: 20_000n }],
  })
  await outbox.reverse(trade)
  await outbox.deliver()

  expect(await outbox.states('mill')).toBe(
    'SA undone, SC delivered, SI delivered, SP delivered, SR delivered, contact delivered',
  )
  expect(outbox.papers('mill')).toBe(
    'invoice 120000 open 0, payment 100000, payment 20000, credit_note 120000 open 20000, payment 100000',
  )
  // Nothing was paid in the buyer's book: there the credit meets what is open.
  expect(outbox.papers('bakery')).toBe(
    'bill 120000 open 0, payment 100000, supplier_credit 120000 open 0, allocation 20000, payment 100000',
  )
})

test('where a refund takes two steps, money goes out on debtors and is then tied to its credit', async () => {
  const outbox = await smallOutbox(on, undefined, { refundsInTwoSteps: true })
  const trade = await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  await promiseReversal(outbox, trade.id)
  await outbox.deliver()

  expect(await outbox.states('mill')).toBe(
    'SA delivered, SC delivered, SI delivered, SL delivered, SP delivered, SR delivered, contact delivered',
  )
  expect(outbox.papers('mill')).toBe(
    'invoice 120000 open 0, payment 100000, credit_note 120000 open 0, allocation 20000, money_spent 100000 open 0, allocation 100000',
  )
})

test('a link that the book refuses is a warning; money and credit stand', async () => {
  const outbox = await smallOutbox(on, undefined, { refundsInTwoSteps: true })
  const trade = await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  await promiseReversal(outbox, trade.id)
  on.books.onStep = (step) => {
    const spent = [...outbox.book('mill').documents.values()].find((one) => one.kind === 'money_spent')
    if (step === 'putPayments asked' && spent && spent.status === 'open') spent.status = 'voided'
  }
  await outbox.deliver()
  on.books.onStep = () => {}

  expect(await outbox.one('mill', '-SL')).toMatchObject({
    state: 'undone',
    warnings: ['The book: document_not_payable'],
  })
  expect(await outbox.one('mill', '-SR')).toMatchObject({ state: 'delivered' })
})

test('an invoice that stands already is paid, and no second one is made', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const { receipt } = await outbox.one('mill', '-C')
  const day = '2026-11-01'
  const id = outbox.book('mill').enterByHand({
    kind: 'invoice',
    datedOn: day,
    number: 'OLD-7',
    contactId: receipt?.id ?? '',
    totalMinor: 120_000n,
    settles: true,
  })
  const linkedInvoice = { id, number: 'OLD-7', datedOn: day, totalMinor: 120_000n, openMinor: 120_000n }
  await outbox.sale('mill', 'bakery', { linkedInvoice, tradedOn: day })
  await outbox.deliver()

  expect(outbox.papers('mill')).toBe(
    'invoice 120000 open 20000, payment 100000, invoice 120000 open 20000, payment 100000',
  )
  const bills = [...outbox.book('bakery').documents.values()].filter((one) => one.kind === 'bill')
  expect(bills.map((one) => one.number)).toContain('OLD-7')
})

test('a linked invoice that was paid elsewhere meanwhile is parked, and nothing is paid', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const { receipt } = await outbox.one('mill', '-C')
  const day = '2026-11-01'
  const contactId = receipt?.id ?? ''
  const id = outbox
    .book('mill')
    .enterByHand({ kind: 'invoice', datedOn: day, number: 'OLD-8', contactId, totalMinor: 120_000n, settles: true })
  const linkedInvoice = { id, number: 'OLD-8', datedOn: day, totalMinor: 120_000n, openMinor: 120_000n }
  outbox.book('mill').enterByHand({
    kind: 'payment',
    datedOn: day,
    contactId,
    totalMinor: 90_000n,
    of: [{ kind: 'invoice', id, amountMinor: 90_000n }],
  })
  await outbox.sale('mill', 'bakery', { linkedInvoice, tradedOn: day })
  await outbox.deliver()

  const parked = (await outbox.deliveries('mill')).filter((one) => one.state === 'parked')
  expect(parked).toMatchObject([
    {
      kind: 'invoice',
      parkedCause: 'linked_document_does_not_fit',
      parkedFacts: { why: 'less is open than the part in credits' },
    },
  ])
})

/** The fake book is no QuickBooks, so the reversal in two steps is promised as if it were. */
async function promiseReversal(outbox: SmallOutbox, tradeId: string): Promise<void> {
  const trade = await outbox.read({ id: tradeId })
  const [seller, buyer] = [outbox.member('mill'), outbox.member('bakery')]
  const organisations = await on.worker(async (tx) => ({
    seller: await organisationOf(tx, seller.organisationId),
    buyer: await organisationOf(tx, buyer.organisationId),
  }))
  const party = (member: typeof seller, registered: boolean) => ({
    organisationId: member.organisationId,
    accountId: member.accountId,
    vatRegistered: registered,
  })
  const { promises } = reversalFor(
    {
      ...trade,
      networkName: outbox.network.name,
      networkOrganisationId: outbox.network.organisationId,
      feesAccountId: seller.accountId,
      scale: 2,
      seller: party(seller, organisations.seller.vat.registered),
      buyer: party(buyer, organisations.buyer.vat.registered),
      documentLines: trade.lines,
      fees: [],
      posting: { id: trade.id, transfers: [] },
    },
    { feesBack: true, twoStep: { seller: true, buyer: true }, feesLeftOut: new Set() },
  )
  await withConnection(outbox.db.writer, { role: 'writer', network: trade.networkId }, (client) =>
    client.query('select promise_deliveries($1, $2, $3, $4::jsonb)', [
      trade.networkId,
      trade.tradedOn,
      null,
      JSON.stringify(promises),
    ]),
  )
}

test('a locked day is not made one that has not come, and a due day never lies before the day of the paper', async () => {
  const outbox = await smallOutbox(on, undefined, inFull)
  outbox.book('mill').lockPeriod('2026-11-01')
  await outbox.sale('mill', 'bakery', { tradedOn: '2026-10-20' })
  await outbox.deliver()
  const invoice = await outbox.one('mill', '-SI')
  expect(invoice.parkedCause).toBe('period_locked')
  await expect(on.worker((tx) => redateDelivery(tx, invoice, '2026-12-24'))).rejects.toMatchObject({
    code: 'delivery_does_not_allow',
  })

  await on.worker((tx) => redateDelivery(tx, invoice, null))
  await outbox.deliver()
  const held = [...outbox.book('mill').documents.values()].find((one) => one.kind === 'invoice')
  expect(held).toMatchObject({ datedOn: '2026-11-02', dueOn: '2026-11-02' })
})

test('a reverse charge is not put into a book without VAT', async () => {
  const outbox = await smallOutbox(on, { mill: {}, bakery: { book: { vatRegistered: false } } }, inFull)
  const lines = [{ description: 'Scaffolding', netMinor: 100_000n, treatment: 'reverse_charge' }]
  await outbox.sale('mill', 'bakery', { lines })
  await outbox.deliver()

  expect((await outbox.one('bakery', '-BB')).parkedCause).toBe('vat_status_differs')
})
