/** An earlier try whose outcome nobody knows: found and adopted, or shown to a person; never put twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askAnew, retryDelivery } from '../../src/outbox/move-delivery.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

/** The invoice stands in the book, and nobody told us; then a person does something to it. */
async function lostInvoice(change: (outbox: SmallOutbox, id: string) => void): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  const book = outbox.book('mill')
  on.books.onStep = (step) => {
    if (step === 'putDocuments asked' && [...book.contacts.values()].length === 1) book.knobs.loseReply = 1
  }
  await outbox.deliver()
  on.books.onStep = () => {}
  book.knobs.loseReply = 0
  const [invoice] = book.documents.values()
  if (!invoice) throw new Error('the invoice did not arrive')
  change(outbox, invoice.id)
  await outbox.deliverFor(2)
  return outbox
}

test('one that agrees is adopted with its receipt, and paid', async () => {
  const outbox = await lostInvoice(() => {})

  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
  expect(await outbox.one('mill', '-SI')).toMatchObject({ state: 'delivered', receipt: { totalMinor: 120_000n } })
})

test('one whose amount or day a person has changed is not ours to adopt', async () => {
  const amount = await lostInvoice((outbox, id) => outbox.book('mill').editBehindOurBack(id, { totalMinor: 119_000n }))
  expect(await amount.one('mill', '-SI')).toMatchObject({
    state: 'parked',
    parkedCause: 'same_reference_other_content',
    parkedFacts: { differs: 'amount' },
  })
  const day = await lostInvoice((outbox, id) => outbox.book('mill').editBehindOurBack(id, { datedOn: '2026-10-01' }))
  expect(await day.one('mill', '-SI')).toMatchObject({ parkedFacts: { differs: 'date' } })
})

test('once the person has put it right again, it is adopted', async () => {
  let id = ''
  const outbox = await lostInvoice((at, invoiceId) => {
    id = invoiceId
    at.book('mill').editBehindOurBack(id, { totalMinor: 119_000n })
  })
  outbox.book('mill').editBehindOurBack(id, { totalMinor: 120_000n })
  const invoice = await outbox.one('mill', '-SI')
  await on.worker((tx) => retryDelivery(tx, invoice))
  await outbox.deliver()

  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
})

test('one that a person removed is not made again by itself; asked for anew, it has a reference of its own', async () => {
  const outbox = await lostInvoice((at, id) =>
    at.book('mill').editBehindOurBack(id, { status: 'deleted', number: null }),
  )
  const invoice = await outbox.one('mill', '-SI')
  expect(invoice).toMatchObject({ state: 'parked', parkedCause: 'removed_by_person' })
  await on.worker((tx) => retryDelivery(tx, invoice))
  await outbox.deliverFor(1)
  expect(outbox.papers('mill')).not.toContain('payment')

  await on.worker((tx) => askAnew(tx, invoice))
  await outbox.deliver()
  expect(await outbox.one('mill', '-SI-2')).toMatchObject({ state: 'delivered' })
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'delivered' })
})
