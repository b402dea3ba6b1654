/** The sweep over a book: what agrees is taken over, the rest is named; nothing is ever written into the book. */
import { expect, test } from 'vitest'
import type { BookDocument } from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import { discrepanciesOf } from '../../src/reconcile/read.ts'
import { sweepAll, sweepBook } from '../../src/reconcile/sweep.ts'
import { givenIn } from '../../src/reconcile/sweep-keep.ts'
import { type Business, world } from '../support/world.ts'

const later = new Date('2026-11-02T11:00:00Z')

async function oneSale() {
  const made = await world({ bakery: { creditLimit: '500.00' }, mill: {} })
  await made.mill.sellsTo(made.bakery, '40.00')
  await made.deliver()
  // What was delivered a moment ago may not show yet.
  await made.travelTo(later)
  const { ground, network, mill } = made
  const { organisationId } = mill
  return {
    ...made,
    sweep: (whole = false) => sweepBook(ground, { organisationId, whole }),
    find: async (kind: string, owner = organisationId) =>
      inTransaction(ground.db, asWorker, (tx) =>
        tx.delivery.findFirstOrThrow({ where: { organisationId: owner, kind } }),
      ),
    open: () =>
      inTransaction(ground.db, asWorker, async (tx) =>
        (await discrepanciesOf(tx, { networkId: network.id, organisationId })).map(({ kind }) => kind),
      ),
  }
}
type Made = Awaited<ReturnType<typeof oneSale>>

function documentOf(business: Business, kind: string): BookDocument {
  const found = [...business.book.documents.values()].find((one) => one.kind === kind)
  if (!found) throw new Error(`no ${kind} in the book of ${business.name}`)
  return found
}
/** As if its answer had been lost, or the backup were older. */
async function forget({ ground }: Made, id: string, state = 'waiting') {
  await ground.db.pool.query(
    "update delivery set state = $2, receipt = null, settled_at = null, look_first = true, due_at = quits_now() + interval '1 hour' where id = $1",
    [id, state],
  )
}
const told = ({ found }: Awaited<ReturnType<typeof sweepBook>>) =>
  found.map(({ what, line }) => `${what} ${line.verdict} ${line.document?.kind ?? line.delivery?.kind}`)

test('where all agrees nothing is found, first of the whole book, then of its changes alone', async () => {
  const made = await oneSale()
  const calls = () => made.ground.books.calls.map(({ verb }) => verb)
  const before = calls().length

  expect(await made.sweep()).toMatchObject({ mode: 'whole', documents: 2, found: [], adopted: [] })
  expect(await made.sweep()).toMatchObject({ mode: 'changes', documents: 0, found: [], adopted: [] })
  expect(await made.sweep(true)).toMatchObject({ mode: 'whole', documents: 2, found: [] })

  // One reading each, and not a single write.
  expect(calls().slice(before)).toEqual(['changes', 'changes', 'changes'])
})

test('missing: delivered, we say, and the book has none; it is looked for once more by its receipt first', async () => {
  const made = await oneSale()
  const payment = documentOf(made.mill, 'payment')
  made.mill.book.documents.delete(payment.id)
  made.mill.book.settling.clear()

  expect(told(await made.sweep())).toEqual(['missing missing_in_book payment'])
  expect(made.ground.books.calls.at(-1)).toMatchObject({ verb: 'find' })
  expect(await made.open()).toEqual(['missing_in_book'])
})

test('what was delivered a moment ago is not called missing, nor foreign', async () => {
  const made = await oneSale()
  await made.sweep()
  await made.mill.sellsTo(made.bakery, '3.00')
  await made.deliver()
  made.mill.book.documents.delete([...made.mill.book.documents.keys()].at(-1) ?? '')

  expect(told(await made.sweep(true))).toEqual([])
})

test('doubled: two documents of one marker, whichever of them the changes show', async () => {
  const made = await oneSale()
  await made.sweep()
  const { kind, reference, contactId, datedOn, totalMinor } = documentOf(made.mill, 'invoice')
  made.mill.book.enterByHand({ kind, reference, contactId, datedOn, totalMinor, number: 'HAND-1', settles: true })

  const changes = await made.sweep()
  expect(changes.mode).toBe('changes')
  expect(told(changes)).toEqual(['doubled doubled invoice'])
  expect(changes.found[0]?.line.document?.number).toBe('HAND-1')
  expect(told(await made.sweep(true))).toEqual(['doubled doubled invoice'])
})

test('changed: by amount, by day, by contact, or voided; and gone again when it is mended', async () => {
  const made = await oneSale()
  await made.sweep()
  const { id, totalMinor, datedOn, contactId } = documentOf(made.mill, 'invoice')
  const after = async (change: Partial<BookDocument>) => {
    made.mill.book.editBehindOurBack(id, change)
    return told(await made.sweep())
  }
  expect(await after({ totalMinor: 4_001n })).toEqual(['changed amount_differs invoice'])
  expect(await after({ totalMinor, datedOn: '2026-11-01' })).toEqual(['changed date_differs invoice'])
  expect(await after({ datedOn, contactId: 'another' })).toEqual(['changed contact_differs invoice'])
  expect(await after({ contactId, currency: 'EUR' })).toEqual(['changed foreign_currency invoice'])
  expect(await after({ currency: 'GBP', status: 'voided' })).toEqual(['changed voided_by_person invoice'])
  expect(await made.open()).toEqual(['voided_by_person'])
  expect(await after({ status: 'open' })).toEqual([])
  expect(await made.open()).toEqual([])
})

test('a contact that was merged into another is followed', async () => {
  const made = await oneSale()
  const invoice = documentOf(made.mill, 'invoice')
  const contact = made.mill.book.contacts.get(invoice.contactId ?? '')
  if (!contact) throw new Error('no contact')
  made.mill.book.contacts.set('merged', { ...contact, id: 'merged' })
  made.mill.book.editBehindOurBack(contact.id, { active: false, mergedInto: 'merged' })
  for (const one of made.mill.book.documents.values()) made.mill.book.editBehindOurBack(one.id, { contactId: 'merged' })

  expect(told(await made.sweep())).toEqual([])
})

test('foreign: a marker of ours that the outbox does not know, with what stands on it; a person’s own reference is none', async () => {
  const made = await oneSale()
  const { contactId, contactName } = documentOf(made.mill, 'invoice')
  const paper = { kind: 'invoice' as const, datedOn: '2026-11-02', contactId, contactName, settles: true }
  made.mill.book.enterByHand({ ...paper, reference: 'ABCDEFGH12-SI', number: 'MI00009', totalMinor: 4_000n })
  made.mill.book.enterByHand({ ...paper, reference: 'Order 7 of May', number: 'MINE-1', totalMinor: 900n })
  made.mill.book.enterByHand({
    ...paper,
    reference: 'ABCDEFGH13-SI',
    number: 'MI00010',
    totalMinor: 1n,
    status: 'voided',
  })

  const swept = await made.sweep()
  expect(told(swept)).toEqual(['foreign missing_in_ledger invoice'])
  expect(swept.found[0]?.line.theirs).toMatchObject({
    ...{
      reference: 'ABCDEFGH12-SI',
      number: 'MI00009',
      contact: 'The bakery',
      totalMinor: '4000',
      datedOn: '2026-11-02',
    },
  })
  // The reconciliation says the same of it: one row.
  await made.mill.reconciles()
  expect(await made.open()).toEqual(['missing_in_ledger'])
})

test('taken over when marker, contact, amount, currency and day agree: paper and payment, found, and nothing is put', async () => {
  const made = await oneSale()
  const invoice = await made.find('invoice')
  const payment = await made.find('payment')
  await forget(made, invoice.id)
  await forget(made, payment.id, 'parked')
  const before = made.mill.bookTable()

  const swept = await made.sweep()

  expect(swept.adopted.map(({ document }) => document.kind)).toEqual(['invoice', 'payment'])
  expect(await made.find('invoice')).toMatchObject({
    state: 'delivered',
    lookFirst: false,
    receipt: { id: documentOf(made.mill, 'invoice').id },
  })
  const attempts = await inTransaction(made.ground.db, asWorker, (tx) =>
    tx.attempt.findMany({ where: { deliveryId: invoice.id }, orderBy: { number: 'asc' } }),
  )
  expect(attempts.at(-1)).toMatchObject({ verb: 'look', outcome: 'found' })
  await made.travelTo(new Date('2026-11-02T13:00:00Z'))
  await made.deliver()
  expect(made.mill.bookTable()).toBe(before)
  expect(await made.mill.disagreements()).toBe('all agree')
})

test.each([
  ['amount', { totalMinor: 3_999n }],
  ['contact', { contactId: 'another' }],
  ['currency', { currency: 'EUR' }],
  ['day', { datedOn: '2026-11-01' }],
  ['state', { status: 'draft' as const }],
])('not taken over where its %s differs', async (_what, change) => {
  const made = await oneSale()
  const { id } = await made.find('invoice')
  await forget(made, id)
  made.mill.book.editBehindOurBack(documentOf(made.mill, 'invoice').id, change)

  expect((await made.sweep()).adopted).toEqual([])
  expect((await made.find('invoice')).state).toBe('waiting')
})

test('a payment that stands on another paper is not taken over', async () => {
  const made = await oneSale()
  await forget(made, (await made.find('payment')).id)
  made.mill.book.editBehindOurBack(documentOf(made.mill, 'payment').id, {
    of: [{ kind: 'invoice', id: 'another', amountMinor: 4_000n }],
  })
  expect((await made.sweep()).adopted).toEqual([])
})

test('a paused book is swept too, and live deliveries at its door go first', async () => {
  const made = await oneSale()
  await made.ground.db.pool.query("update connection set state = 'paused'")
  await made.mill.sellsTo(made.bakery, '3.00')
  expect(await sweepAll(made.ground, { whole: false })).toMatchObject({ done: 2, putOff: 0, failed: 0 })

  await made.ground.db.pool.query("update connection set state = 'live'")
  const calls = made.ground.books.calls.length
  expect(await sweepAll(made.ground, { whole: false })).toMatchObject({ done: 0, putOff: 2 })
  expect(made.ground.books.calls.length).toBe(calls)
  await made.deliver()
  expect(await sweepAll(made.ground, { whole: false })).toMatchObject({ done: 2, putOff: 0 })
})

test('a sweep that is cut off begins again where the last one ended', async () => {
  const made = await oneSale()
  await made.sweep()
  made.mill.book.editBehindOurBack(documentOf(made.mill, 'invoice').id, { totalMinor: 4_001n })
  made.mill.book.knobs.unavailable = 1
  await expect(made.sweep()).rejects.toMatchObject({ kind: 'unavailable' })
  expect(told(await made.sweep())).toEqual(['changed amount_differs invoice'])
})

test('a number that a forgotten invoice bears in the series that we give opens the next one', async () => {
  const made = await oneSale()
  const member = await made.mill.member()
  const { contactId, contactName } = documentOf(made.mill, 'invoice')
  const paper = {
    kind: 'invoice' as const,
    datedOn: '2026-11-02',
    contactId,
    contactName,
    totalMinor: 1n,
    settles: true,
  }
  const foreign = (reference: string, number: string) => made.mill.book.enterByHand({ ...paper, reference, number })
  foreign('ABCDEFGH12-SI', `${member.invoicePrefix}00001`)
  expect(await made.sweep()).toMatchObject({ newSeries: 0 })
  foreign('ABCDEFGH13-SI', `${member.invoicePrefix}B00007`)
  expect(await made.sweep()).toMatchObject({ newSeries: 1 })
  const sale = await made.mill.proposesTo(made.bakery, '1.00')
  expect(sale.invoiceNumber).toBe(null)
  const row = await inTransaction(made.ground.db, asWorker, (tx) =>
    tx.member.findFirstOrThrow({ where: { id: member.id } }),
  )
  expect(row).toMatchObject({ invoiceSeries: 3, invoiceNext: 1 })
})

test('the series of a number is read as it was written', () => {
  expect(givenIn('MI00042', 'MI')).toEqual({ series: 1, count: 42 })
  expect(givenIn('MIB00001', 'MI')).toEqual({ series: 2, count: 1 })
  expect(givenIn('MIZ00001', 'MI')).toEqual({ series: 26, count: 1 })
  expect(givenIn('MIAA00001', 'MI')).toEqual({ series: 27, count: 1 })
  expect(givenIn('MIBA00001', 'MI')).toEqual({ series: 53, count: 1 })
  expect(givenIn('OTHER1', 'MI')).toBe(null)
  expect(givenIn('MI-7', 'MI')).toBe(null)
})
