/** What a person gives up, and takes back: never touched while it is being sent, never sent blindly a second time. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BookConnector } from '../../connectors/port.ts'
import { dropDelivery, undoDrop } from '../../src/outbox/drop-delivery.ts'
import { retryDelivery } from '../../src/outbox/move-delivery.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

async function parkedInvoice(): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
  return outbox
}
const drop = (outbox: SmallOutbox, end: string, reason = 'entered by hand') =>
  on.worker(async (tx) => dropDelivery(tx, await outbox.one('mill', end), reason, on.clock.now()))
const takeBack = (outbox: SmallOutbox, end: string) =>
  on.worker(async (tx) => undoDrop(tx, await outbox.one('mill', end)))

test('what is dropped by mistake is taken back with what hangs on it, and goes once under the next key', async () => {
  const outbox = await parkedInvoice()
  expect(await drop(outbox, '-SI')).toBe(true)
  expect(await drop(outbox, '-SI')).toBe(false)
  expect(await outbox.states('mill')).toBe('SI dropped, SP dropped, contact delivered')
  outbox.book('mill').lockPeriod(null)
  await outbox.deliverFor(1)
  expect(outbox.papers('mill')).toBe('')

  expect(await takeBack(outbox, '-SI')).toBe(true)
  expect(await outbox.one('mill', '-SI')).toMatchObject({
    state: 'waiting',
    lookFirst: true,
    generation: 2,
    droppedReason: null,
  })
  // Nothing was ever sent for the payment: there is nothing to look for, and no key that anybody knows.
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'waiting', lookFirst: false, generation: 1 })
  await outbox.deliverFor(2)
  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
})

test('a reason of nothing drops nothing', async () => {
  const outbox = await parkedInvoice()
  await expect(drop(outbox, '-SI', '  ')).rejects.toMatchObject({ code: 'reason_missing' })
  expect(await outbox.one('mill', '-SI')).toMatchObject({ state: 'parked' })
})

test('one that may have reached the book is looked for, adopted, and never put a second time', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  const book = outbox.book('mill')
  on.books.onStep = (step) => {
    if (step === 'putDocuments asked') book.knobs.loseReply = 1
  }
  await outbox.deliver()
  on.books.onStep = () => {}
  book.knobs.loseReply = 0
  expect(await outbox.one('mill', '-SI')).toMatchObject({ state: 'waiting', lookFirst: true })
  await drop(outbox, '-SI')
  await takeBack(outbox, '-SI')
  // The vendor may still know the key: it stays.
  expect(await outbox.one('mill', '-SI')).toMatchObject({ lookFirst: true, generation: 1 })
  await outbox.deliverFor(3)

  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
  const tried = await outbox.attempts(await outbox.one('mill', '-SI'))
  expect(tried.map((one) => one.verb).filter((verb) => verb === 'documents')).toHaveLength(1)
})

test('what hangs on a dropped one does not come back alone; what was dropped before it stays dropped', async () => {
  const outbox = await parkedInvoice()
  await drop(outbox, '-SP', 'paid in cash')
  await drop(outbox, '-SI')
  await takeBack(outbox, '-SI')
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'dropped', droppedReason: 'paid in cash' })
  await takeBack(outbox, '-SP')
  await drop(outbox, '-SI')
  await expect(takeBack(outbox, '-SP')).rejects.toMatchObject({
    code: 'delivery_does_not_allow',
    says: expect.stringContaining('-SI'),
  })
})

test('once its trade is reversed, the original does not come back', async () => {
  const outbox = await smallOutbox(on)
  const trade = await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
  await drop(outbox, '-SI')
  await outbox.reverse(trade)
  await expect(takeBack(outbox, '-SI')).rejects.toMatchObject({
    code: expect.stringMatching(/trade_already_reversed|delivery_does_not_allow/),
  })
})

test('what nobody dropped cannot be taken back', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  await expect(takeBack(outbox, '-SI')).rejects.toMatchObject({
    code: 'delivery_does_not_allow',
    says: expect.stringContaining('in the book'),
  })
})

test('what is being sent at this moment is not touched: each deed is refused in words, and there is one document', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  const said: string[] = []
  const retry = () => on.worker(async (tx) => retryDelivery(tx, await outbox.one('mill', '-SI')))
  const fake: BookConnector = {
    ...outbox.connector,
    async putDocuments(grant, asks) {
      if (grant.bookId === outbox.book('mill').profile.bookId)
        for (const deed of [() => drop(outbox, '-SI'), () => takeBack(outbox, '-SI'), retry])
          said.push(
            await deed().then(
              () => 'done',
              (error: { says: string }) => error.says,
            ),
          )
      return outbox.connector.putDocuments(grant, asks)
    },
  }
  await outbox.deliver({ connectors: { fake } })

  expect(said).toHaveLength(3)
  for (const one of said) expect(one).toContain('being sent at this moment')
  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
})

test('what a dead worker left as being sent can be dropped once its lease is over, and is looked for when it comes back', async () => {
  const outbox = await parkedInvoice()
  outbox.book('mill').lockPeriod(null)
  const { id, organisationId } = await outbox.one('mill', '-SI')
  const leave = (until: string) =>
    on.db.pool.query(
      `with left_behind as (update delivery set state = 'sending', parked_cause = null where id = $1)
       update lane set leased_by = 'gone', leased_until = quits_now() + $3::interval where id = $2`,
      [id, organisationId, until],
    )
  await leave('1 minute')
  await expect(drop(outbox, '-SI')).rejects.toMatchObject({
    says: expect.stringContaining('being sent at this moment'),
  })
  await leave('-1 minute')
  expect(await drop(outbox, '-SI')).toBe(true)
  await takeBack(outbox, '-SI')
  expect(await outbox.one('mill', '-SI')).toMatchObject({ state: 'waiting', lookFirst: true })
})

test('twenty who press at once, with a worker beside them: one document, and one of them did it', async () => {
  const outbox = await parkedInvoice()
  outbox.book('mill').lockPeriod(null)
  const place = await outbox.one('mill', '-SI')
  const pressed = await Promise.all([
    ...Array.from({ length: 20 }, () => on.worker((tx) => retryDelivery(tx, place)).catch(() => false)),
    outbox.deliver(),
  ])
  await outbox.deliverFor(2)
  expect(pressed.filter((one) => one === true)).toHaveLength(1)
  expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
})

test('a deed waits while a worker holds the lane for its moment', async () => {
  const outbox = await parkedInvoice()
  const place = await outbox.one('mill', '-SI')
  const order: string[] = []
  let deed: Promise<unknown> = Promise.resolve()
  await on.worker(async (tx) => {
    await tx.$queryRaw`select id from lane where id = ${place.organisationId}::uuid for update`
    deed = drop(outbox, '-SI').then(() => void order.push('dropped'))
    // Until the database itself says that somebody waits for the lock.
    for (let looks = 0; looks < 1_000 && !(await isSomebodyWaiting()); looks += 1);
    order.push('the worker is done')
  })
  await deed
  expect(order).toEqual(['the worker is done', 'dropped'])
})

async function isSomebodyWaiting(): Promise<boolean> {
  const { rows } = await on.db.pool.query(
    "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  )
  return rows[0].waiting > 0
}
