/** One worker holds a book at a time, and who comes late changes nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { giveBack, stillOurs, takeLease } from '../../src/outbox/lease.ts'
import { bookOfLane } from '../../src/outbox/open-book.ts'
import { nextGroups } from '../../src/outbox/ready.ts'
import { recordOutcome } from '../../src/outbox/record-outcome.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

/** Everything that is due elsewhere is served first, so that only this world's lanes are left. */
async function quiet(): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on)
  await outbox.deliver()
  return outbox
}

test('a lane that one worker holds is not given to another', async () => {
  const outbox = await quiet()
  await outbox.sale('mill', 'bakery')
  const leases = await Promise.all([takeLease(on.db, 'one', 'book'), takeLease(on.db, 'two', 'book')])
  const ids = leases.map((lease) => lease?.laneId)

  expect(new Set(ids)).toEqual(new Set([outbox.member('mill').organisationId, outbox.member('bakery').organisationId]))
  expect(await takeLease(on.db, 'three', 'book')).toBeNull()
  for (const lease of leases) if (lease) await giveBack(on.db, lease, {}, 0)
})

test('the late result of a holder that was thought dead is refused', async () => {
  const outbox = await quiet()
  const { networkId } = await outbox.sale('mill', 'bakery')
  await outbox.on.db.pool.query("update lane set due_at = 'infinity' where id <> $1", [
    outbox.member('mill').organisationId,
  ])
  const old = await takeLease(on.db, 'old', 'book')
  if (!old) throw new Error('no lease')
  const book = await bookOfLane(outbox.deps, old)
  if (!book) throw new Error('no book')
  const [[contact] = []] = await nextGroups(outbox.deps, book)
  if (!contact) throw new Error('nothing is due')

  await outbox.travel(121)
  const next = await takeLease(on.db, 'new', 'book')
  expect(next).toMatchObject({ laneId: old.laneId, fence: old.fence + 1n })
  expect(await on.worker((tx) => stillOurs(tx, old))).toBe(false)
  const late = await recordOutcome(outbox.deps, old, [
    { delivery: contact, is: 'parked', cause: 'contact_gone', facts: {} },
  ])
  expect(late.lost).toBe(true)
  expect((await outbox.deliveries('mill')).every((one) => one.state === 'waiting')).toBe(true)
  expect(networkId).toBe(contact.networkId)
  if (next) await giveBack(on.db, next, {}, 0)
})

test('a worker that dies while it sends leaves its book to the next one, which looks before it sends', async () => {
  const outbox = await quiet()
  await outbox.sale('mill', 'bakery')
  // No vendor remembers a key for ever, and no book refuses a second bill of the same number.
  for (const name of ['mill', 'bakery']) outbox.book(name).knobs.forgetKeys = true
  on.books.onStep = (step) => {
    const hasBill = [...outbox.book('bakery').documents.values()].some((one) => one.kind === 'bill')
    if (step === 'putDocuments committed' && hasBill) throw new Error('the process died')
  }
  await expect(outbox.deliver()).rejects.toThrow('the process died')
  on.books.onStep = () => {}
  await outbox.deliver()
  // The lane of that book is still the dead worker's.
  await outbox.travel(121)
  await outbox.deliver({ worker: 'worker 2' })
  await outbox.deliverFor(2)

  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
  expect(outbox.papers('bakery')).toBe('bill 120000 open 20000, payment 100000')
})

test('what is promised while a lane is held makes it due again at once', async () => {
  const outbox = await quiet()
  await outbox.sale('mill', 'bakery')
  on.books.onStep = (step) => {
    if (step !== 'putContacts asked') return
    on.books.onStep = () => {}
    promised = outbox.sale('mill', 'bakery')
  }
  let promised: Promise<unknown> = Promise.resolve()
  await outbox.deliver()
  await promised
  await outbox.deliver()

  expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(2)
})
