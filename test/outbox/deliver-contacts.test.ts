/** A counterparty in a book: found and kept, asked about, or made once; never written over. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FakeBook } from '../../connectors/fake/knobs.ts'
import type { BookContact } from '../../connectors/port.ts'
import { contactKept } from '../../src/books/contact.ts'
import { candidatesOf, chooseContact } from '../../src/outbox/move-delivery.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

function knows(book: FakeBook, change: Partial<BookContact>): string {
  const id = book.nextId('contact')
  const nobody = { version: '0', name: 'Somebody', email: null, companyNumber: null, vatNumber: null }
  const rest = { roles: [], active: true, mergedInto: null, updatedAt: book.stamp() }
  book.contacts.set(id, { id, ...nobody, ...rest, ...change })
  return id
}

async function kept(outbox: SmallOutbox, owner: string, counterpart: string, role: 'customer' | 'supplier') {
  const { organisationId } = outbox.member(counterpart)
  return on.worker((tx) => contactKept(tx, outbox.connection(owner).id, organisationId, role))
}

/** Nothing but a name is known of it: no rule finds it in a book. */
async function withoutMarks(outbox: SmallOutbox, name: string): Promise<void> {
  await on.db.pool.query(
    'update organisation set email = null, registration_number = null, evidence_kind = null, evidence_text = null, evidence_on = null, vat_number = null, vat_registered = false where id = $1',
    [outbox.member(name).organisationId],
  )
}

const names = (book: FakeBook) => [...book.contacts.values()].map((one) => one.name)

test('one that the book knows by its company number is used, whatever it is called there', async () => {
  const outbox = await smallOutbox(on)
  const companyNumber = outbox.member('bakery').organisation.registrationNumber
  const id = knows(outbox.book('mill'), { name: 'Baker (old name)', companyNumber })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(await kept(outbox, 'mill', 'bakery', 'customer')).toMatchObject({ bookContactId: id, chosenBy: null })
  expect(names(outbox.book('mill'))).toEqual(['Baker (old name)'])
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'delivered' })
})

test('one that nobody knows is made with its name, address and numbers', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  const { organisation } = outbox.member('bakery')
  const [made] = outbox.book('mill').contacts.values()
  expect(made).toMatchObject({
    name: 'The bakery',
    email: organisation.email,
    companyNumber: organisation.registrationNumber,
    vatNumber: 'GB12345672',
  })
  expect(await kept(outbox, 'mill', 'bakery', 'customer')).toMatchObject({ bookContactId: made?.id })
})

test('several that could be it are asked about; the choice is kept and everything goes on', async () => {
  const outbox = await smallOutbox(on)
  const email = outbox.member('bakery').organisation.email
  const first = knows(outbox.book('mill'), { name: 'The Bakery', email })
  const second = knows(outbox.book('mill'), { name: 'the bakery', email })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const parked = (await outbox.deliveries('mill')).find((one) => one.kind === 'contact')
  if (!parked) throw new Error('no contact was promised')
  expect(parked).toMatchObject({
    state: 'parked',
    parkedCause: 'contact_ambiguous',
    parkedFacts: { name: 'The bakery' },
  })
  expect(candidatesOf(parked).map((one) => one.id)).toEqual([first, second])

  const told = { clock: on.clock, actor: 'per_bea' }
  await on.worker((tx) => chooseContact(tx, parked, { id: second, name: 'the bakery' }, told))
  await outbox.deliver()
  expect(await kept(outbox, 'mill', 'bakery', 'customer')).toMatchObject({ bookContactId: second, chosenBy: 'per_bea' })
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'delivered' })
})

test('a namesake keeps its name: ours is told apart by its side', async () => {
  const outbox = await smallOutbox(on)
  knows(outbox.book('mill'), { name: 'The bakery', email: 'somebody@else.example' })
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(names(outbox.book('mill'))).toEqual(['The bakery', 'The bakery (customer)'])
})

test('a name that is taken only when we ask for it is told apart too, under a key of its own', async () => {
  const outbox = await smallOutbox(on)
  on.books.onStep = (step) => {
    if (step !== 'putContacts asked') return
    on.books.onStep = () => {}
    knows(outbox.book('mill'), { name: 'The bakery' })
    knows(outbox.book('bakery'), { name: 'The mill' })
  }
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  // Either book may be served first; it is the one whose name is taken under its eyes.
  const contacts = [...(await outbox.deliveries('mill')), ...(await outbox.deliveries('bakery'))]
  const tries = await Promise.all(contacts.filter((one) => one.kind === 'contact').map((one) => outbox.attempts(one)))
  const tried = tries.find((one) => one.length === 3) ?? []
  expect(names(outbox.book('mill'))).toEqual(['The bakery', 'The bakery (customer)'])
  expect(tried.map((one) => `${one.verb} ${one.outcome}`)).toEqual(['look absent', 'contacts refused', 'contacts done'])
  expect(tried[2]?.key).toBe(`${tried[1]?.key}.2`)
})

test('a lost reply makes no second contact', async () => {
  const outbox = await smallOutbox(on)
  outbox.book('mill').knobs.forgetKeys = true
  await withoutMarks(outbox, 'bakery')
  outbox.book('mill').knobs.loseReply = 1
  await outbox.sale('mill', 'bakery')
  await outbox.deliverFor(2)

  expect(names(outbox.book('mill'))).toEqual(['The bakery'])
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'delivered' })
})

test('a namesake that stood there before is not taken for ours after a lost reply', async () => {
  const outbox = await smallOutbox(on)
  await withoutMarks(outbox, 'bakery')
  const stranger = knows(outbox.book('mill'), { name: 'The bakery' })
  outbox.book('mill').knobs.loseReply = 1
  await outbox.sale('mill', 'bakery')
  await outbox.deliverFor(2)

  expect(names(outbox.book('mill'))).toEqual(['The bakery', 'The bakery (customer)'])
  expect((await kept(outbox, 'mill', 'bakery', 'customer'))?.bookContactId).not.toBe(stranger)
})

test('where one contact serves both sides, who sells and buys is one contact', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.sale('bakery', 'mill', { net: 50_000n })
  await outbox.deliver()

  expect(names(outbox.book('mill'))).toEqual(['The bakery'])
  const [asCustomer, asSupplier] = [
    await kept(outbox, 'mill', 'bakery', 'customer'),
    await kept(outbox, 'mill', 'bakery', 'supplier'),
  ]
  expect(asSupplier?.bookContactId).toBe(asCustomer?.bookContactId)
})

test('a kept contact that the book has merged into another is followed there', async () => {
  const outbox = await smallOutbox(on)
  const into = knows(outbox.book('mill'), { name: 'Bakery group' })
  const id = knows(outbox.book('mill'), { name: 'Bakery', active: false, mergedInto: into })
  const connectionId = outbox.connection('mill').id
  const counterpartId = outbox.member('bakery').organisationId
  await on.worker((tx) =>
    tx.bookContact.create({
      data: {
        connectionId,
        counterpartId,
        role: 'customer',
        bookContactId: id,
        bookName: 'Bakery',
        sinceAt: on.clock.now(),
      },
    }),
  )
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()

  expect(await kept(outbox, 'mill', 'bakery', 'customer')).toMatchObject({ bookContactId: into })
})
