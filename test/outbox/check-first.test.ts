/** What is read before something is put: the paper that a payment tried again is to pay, and bills that stand there already. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BookError } from '../../connectors/port.ts'
import { approveTrade, linkBill, retryDelivery } from '../../src/outbox/move-delivery.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const outage = () =>
  new BookError('unavailable', { cause: 'vendor_down', said: '', status: 503, vendorCode: null, callId: null })
const inFull = { terms: { vatIn: 'credits' as const } }

async function oneOddRate(): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on, undefined, inFull)
  const code = outbox.book('mill').profile.taxCodes.find((one) => one.id === 'sales-standard')
  if (!code) throw new Error('no code')
  Object.assign(code, { rateBasisPoints: 1750 })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  expect((await outbox.one('mill', '-SP')).parkedCause).toBe('total_differs')
  return outbox
}
const invoiceIn = (outbox: SmallOutbox) =>
  [...outbox.book('mill').documents.values()].find((one) => one.kind === 'invoice')?.id ?? ''

test('an invoice that a person has corrected is read again, and paid', async () => {
  const outbox = await oneOddRate()
  outbox.book('mill').editBehindOurBack(invoiceIn(outbox), { totalMinor: 120_000n })

  await on.worker(async (tx) => retryDelivery(tx, await outbox.one('mill', '-SP')))
  await outbox.deliver()

  expect(outbox.papers('mill')).toBe('invoice 120000 open 0, payment 120000')
})

test('one that still differs is not paid, however often it is tried', async () => {
  const outbox = await oneOddRate()

  await on.worker(async (tx) => retryDelivery(tx, await outbox.one('mill', '-SP')))
  await outbox.deliver()

  expect((await outbox.one('mill', '-SP')).parkedCause).toBe('total_differs')
  expect(outbox.papers('mill')).toBe('invoice 117500 open 117500')
})

test('a payment long after its invoice looks first whether that was paid from elsewhere', async () => {
  const outbox = await smallOutbox(on, undefined, inFull)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver({
    connectors: { fake: { ...outbox.connector, putPayments: async () => Promise.reject(outage()) } },
  })
  expect(outbox.papers('mill')).toBe('invoice 120000 open 120000')
  outbox.book('mill').enterByHand({
    kind: 'payment',
    datedOn: '2026-11-02',
    totalMinor: 50_000n,
    of: [{ kind: 'invoice', id: invoiceIn(outbox), amountMinor: 50_000n }],
    moves: [{ accountId: 'acc-090', amountMinor: 50_000n }],
  })
  await outbox.travel(3_600)
  await outbox.deliver()

  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'parked', parkedCause: 'open_amount_differs' })
})

/** The bakery's book knows the mill already, and holds a bill of it that a person typed in. */
async function withOldSupplier(): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on, undefined, inFull)
  addOldSupplier(outbox)
  return outbox
}
function addOldSupplier(outbox: SmallOutbox): void {
  outbox.book('bakery').contacts.set('old-mill', {
    id: 'old-mill',
    version: '0',
    name: 'The mill',
    email: null,
    companyNumber: null,
    vatNumber: 'GB12345671',
    roles: ['supplier'],
    active: true,
    mergedInto: null,
    updatedAt: outbox.book('bakery').stamp(),
  })
}
function typeBill(outbox: SmallOutbox, more: { datedOn?: string; totalMinor?: bigint; status?: 'draft' } = {}): string {
  return outbox.book('bakery').enterByHand({
    kind: 'bill',
    number: 'M-77',
    contactId: 'old-mill',
    datedOn: '2026-10-20',
    totalMinor: 120_000n,
    settles: true,
    ...more,
  })
}
const finds = () => on.books.calls.filter((one) => one.verb === 'find').length

test('a bill that stands in the book already is offered before one is made; linked, it is paid', async () => {
  const outbox = await withOldSupplier()
  typeBill(outbox)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  const bill = await outbox.one('bakery', '-BB')
  expect(bill).toMatchObject({ state: 'parked', parkedCause: 'bill_already_there', parkedFacts: { number: 'M-77' } })
  expect(outbox.papers('bakery')).toBe('bill 120000 open 120000')

  await on.worker((tx) => linkBill(tx, bill))
  await outbox.deliver()
  expect(outbox.papers('bakery')).toBe('bill 120000 open 0, payment 120000')
})

test('a draft counts too; said to be another one, ours is made beside it', async () => {
  const outbox = await withOldSupplier()
  typeBill(outbox, { status: 'draft' })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const bill = await outbox.one('bakery', '-BB')
  expect(bill.parkedCause).toBe('bill_already_there')

  await on.worker((tx) => retryDelivery(tx, bill))
  await outbox.deliver()
  expect(await outbox.states('bakery')).toBe('BB delivered, BP delivered, contact delivered')
  expect(outbox.papers('bakery')).toContain('bill 120000 open 0')
})

test('an older bill of the same total, and one of another total, are none of ours', async () => {
  const outbox = await withOldSupplier()
  typeBill(outbox, { datedOn: '2026-10-01' })
  typeBill(outbox, { totalMinor: 119_999n })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(await outbox.states('bakery')).toBe('BB delivered, BP delivered, contact delivered')
})

test('once a bill of this supplier is there, the next one costs no read; a supplier that we made costs none at all', async () => {
  const outbox = await withOldSupplier()
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const once = finds()
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  expect(finds()).toBe(once)
  expect(outbox.papers('bakery')).toBe('bill 120000 open 0, payment 120000, bill 120000 open 0, payment 120000')

  const other = await smallOutbox(on, undefined, inFull)
  await other.sale('mill', 'bakery')
  await other.deliver()
  expect(finds()).toBe(once)
})

test('while each trade waits for a yes, each bill is looked for', async () => {
  const outbox = await withOldSupplier()
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  typeBill(outbox)
  const trade = await outbox.sale('mill', 'bakery')
  const { organisationId, networkId } = outbox.member('bakery')
  await on.worker((tx) =>
    approveTrade(tx, { networkId, tradeId: trade.id, organisationId, actor: 'per_b', at: on.clock.now() }),
  )
  await outbox.deliver()

  const parked = (await outbox.deliveries('bakery')).filter((one) => one.parkedCause === 'bill_already_there')
  expect(parked).toHaveLength(1)
})

test('a credit whose total in the book is another is not refunded; corrected, it is', async () => {
  const outbox = await smallOutbox(on, undefined, inFull)
  const trade = await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const code = outbox.book('mill').profile.taxCodes.find((one) => one.id === 'sales-standard')
  Object.assign(code ?? {}, { rateBasisPoints: 1750 })
  await outbox.reverse(trade)
  await outbox.deliver()
  expect((await outbox.one('mill', '-SR')).parkedCause).toBe('total_differs')

  const credit = [...outbox.book('mill').documents.values()].find((one) => one.kind === 'credit_note')
  outbox.book('mill').editBehindOurBack(credit?.id ?? '', { totalMinor: 120_000n })
  await on.worker(async (tx) => retryDelivery(tx, await outbox.one('mill', '-SR')))
  await outbox.deliver()
  expect((await outbox.one('mill', '-SR')).state).toBe('delivered')
})

/** The mill's contact that we made was merged by a person into the one under which they had typed the bill. */
async function mergedIntoOldSupplier(): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on, undefined, inFull)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const [made] = outbox.book('bakery').contacts.keys()
  addOldSupplier(outbox)
  outbox.book('bakery').editBehindOurBack(made ?? '', { mergedInto: 'old-mill', active: false })
  typeBill(outbox)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  return outbox
}
const shown = async (outbox: SmallOutbox) =>
  (await outbox.deliveries('bakery')).filter((one) => one.parkedCause === 'bill_already_there')

test('a bill refused for a merged contact is looked for under the one it was merged into before it goes there', async () => {
  const outbox = await mergedIntoOldSupplier()
  const [bill, ...more] = await shown(outbox)
  if (!bill) throw new Error('it went unlooked')
  expect(more).toEqual([])
  expect(bill.parkedFacts).toMatchObject({ number: 'M-77' })
  expect((await outbox.attempts(bill)).map((one) => `${one.verb} ${one.cause}`)).toEqual([
    'documents contact_archived',
    'look bill_already_there',
  ])

  await on.worker((tx) => linkBill(tx, bill))
  await outbox.deliver()
  expect(outbox.papers('bakery')).toBe('bill 120000 open 0, payment 120000, bill 120000 open 0, payment 120000')
})

test('said to be another one under the contact it was merged into, ours is made there once', async () => {
  const outbox = await mergedIntoOldSupplier()
  const [bill] = await shown(outbox)
  if (!bill) throw new Error('it went unlooked')
  await on.worker((tx) => retryDelivery(tx, bill))
  await outbox.deliver()

  expect(await shown(outbox)).toEqual([])
  expect(outbox.papers('bakery').match(/bill/g)).toHaveLength(3)
})

test('a bill whose first look the consent did not cover is looked for when it goes again', async () => {
  const outbox = await withOldSupplier()
  typeBill(outbox)
  await outbox.sale('mill', 'bakery')
  const refused = new BookError('invalid', {
    cause: 'scope_missing',
    said: '',
    status: 403,
    vendorCode: null,
    callId: null,
  })
  await outbox.deliver({ connectors: { fake: { ...outbox.connector, find: async () => Promise.reject(refused) } } })
  const bill = await outbox.one('bakery', '-BB')
  expect(bill).toMatchObject({ state: 'parked', parkedCause: 'scope_missing' })

  await on.worker((tx) => retryDelivery(tx, bill))
  await outbox.deliver()
  expect(await outbox.one('bakery', '-BB')).toMatchObject({ generation: 2, parkedCause: 'bill_already_there' })
  expect(outbox.papers('bakery')).toBe('bill 120000 open 120000')
})
