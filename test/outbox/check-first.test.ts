/** What is read before something is put: the paper that a payment tried again is to pay, and bills that stand there already. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BookError } from '../../connectors/port.ts'
import { retryDelivery } from '../../src/outbox/move-delivery.ts'
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
