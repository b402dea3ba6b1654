/**
 * Clocks that differ, jump and change their zone: leases and turns go by the database's, days by the network's zone.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { addDays, dayIn } from '../../src/kit/clock.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import { takeLease } from '../../src/outbox/lease.ts'
import { type Ground, openGround } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end())

const hourMs = 3_600_000

test.each([hourMs, -hourMs])(
  'fault 53: a worker whose own clock is off by %s ms delivers once, and takes nobody’s lease',
  async (offMs) => {
    const { time, deps } = ground
    const skewed = { ...deps, worker: 'skewed', clock: { now: () => new Date(time.now().getTime() + offMs) } }
    const trade = await ground.sell('xero')
    // Another one holds the book: an hour ahead or behind, its lease is not over.
    expect(await ground.workAt('xero', { moment: 'before_call', skip: 0, dies: false })).toEqual({ is: 'held_up' })
    await ground.query("update lane set due_at = 'infinity' where id <> $1 and kind = 'book'", [
      ground.firm('xero').organisationId,
    ])
    expect(await takeLease(skewed.db, 'skewed', 'book')).toBeNull()
    await ground.query("update lane set due_at = quits_now() where kind = 'book'")
    await ground.world.heldUp()?.letGo()
    for (let rounds = 0; rounds < 4; rounds += 1) {
      await ground.query("update lane set due_at = quits_now() where kind = 'book' and leased_until is null")
      await deliverDue(skewed, { limit: 8 })
    }
    await ground.deliver()
    await ground.expectOnce(trade)
  },
)

test('fault 53: days are those of the network’s zone when its clocks change, and in a leap year', async () => {
  expect(dayIn('Europe/London', new Date('2026-03-29T00:30:00Z'))).toBe('2026-03-29')
  expect(dayIn('Europe/London', new Date('2026-03-29T23:30:00Z'))).toBe('2026-03-30')
  expect(dayIn('Europe/London', new Date('2026-10-25T00:30:00Z'))).toBe('2026-10-25')
  expect(dayIn('Pacific/Auckland', new Date('2026-03-01T12:00:00Z'))).toBe('2026-03-02')
  expect([addDays('2028-02-28', 1), addDays('2028-02-29', 1), addDays('2027-02-28', 1)]).toEqual([
    '2028-02-29',
    '2028-03-01',
    '2027-03-01',
  ])
  expect(addDays('2026-03-28', 30)).toBe('2026-04-27')
})
