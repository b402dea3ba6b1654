/** The calls that all books of one vendor share, over all processes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { xeroLimits } from '../../connectors/xero/limits.ts'
import { openDb } from '../../src/kit/db.ts'
import { takeAppCalls } from '../../src/outbox/app-calls.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const vendor = { kind: 'xero' as const, limits: { ...xeroLimits, appAMinute: 60 } }

test('no minute sees more calls than the app has, whichever process makes them', async () => {
  const other = openDb(on.db.url, { connections: 2 })
  try {
    const went: number[] = []
    const startedAt = on.clock.now().getTime()
    for (let second = 0; second < 150; second += 3) {
      await on.travelTo(new Date(startedAt + second * 1_000))
      const asked = await Promise.all(
        [on.db, other, on.db, other].map((db) => takeAppCalls({ db }, vendor, { calls: 2, batches: 0, live: true })),
      )
      for (const waitMs of asked) if (waitMs === 0) went.push(second, second)
    }
    for (const at of went) expect(went.filter((one) => one > at - 60 && one <= at).length).toBeLessThanOrEqual(60)
    // 10 at once, then 50 a minute.
    expect(went.length).toBeGreaterThanOrEqual(10 + 100)
  } finally {
    await other.close()
  }
})

test('the last twentieth of what may go at once is kept for live trades', async () => {
  const limits = { ...xeroLimits, appAMinute: 240 }
  const take = (calls: number, live: boolean) =>
    takeAppCalls({ db: on.db }, { kind: 'fake', limits }, { calls, batches: 0, live })
  expect(await take(38, false)).toBe(0)
  expect(await take(1, false)).toBeGreaterThan(0)
  expect(await take(2, true)).toBe(0)
})

test('a vendor without such a limit is not asked', async () => {
  expect(
    await takeAppCalls(
      on,
      { kind: 'quickbooks', limits: { ...xeroLimits, appAMinute: null } },
      { calls: 9_999, batches: 0, live: true },
    ),
  ).toBe(0)
})

test('where it is spent, a book waits and comes again by itself', async () => {
  const outbox = await smallOutbox(on, undefined, { limits: { appAMinute: 12, aMinute: 6_000, inOneCall: 1 } })
  for (let sale = 0; sale < 2; sale += 1) await outbox.sale('mill', 'bakery', { net: 1_000n })
  const mark = on.books.calls.length
  await outbox.deliver()
  expect(on.books.calls.length - mark).toBeLessThanOrEqual(4)
  // Two at once, once a minute on this clock.
  await outbox.deliverFor(10)
  expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(2)
})
