/** A vendor that says "too many" and not how long: the book's own bucket shrinks for a while, and is whole again after it. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Ground, openGround, otherThan, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end())

const minuteMs = 60_000

test.each(vendors)(
  'fault 20: %s says 429 in a burst and names no time: its own bucket shrinks, and is whole again some minutes later',
  async (vendor) => {
    const budget = async () => {
      const [lane] = await ground.query<{ tokens: number; slow: number; rests: boolean }>(
        `select (budget ->> 'tokens')::float8 as tokens, coalesce((budget ->> 'slowUntilMs')::float8, 0) as slow, due_at > quits_now() as rests
           from lane where id = $1`,
        [ground.firm(vendor).organisationId],
      )
      if (!lane) throw new Error('a book without a lane')
      return lane
    }
    await ground.time.advance(10 * minuteMs)
    const trades = [await ground.sell(vendor)]
    ground.fault(vendor, { knob: 'throttle', times: 2, value: { kind: 'concurrent' } })
    await ground.workAt(vendor)
    const slowed = await budget()
    const nowMs = ground.time.now().getTime()
    expect(slowed.rests).toBe(true)
    expect(slowed.slow).toBeGreaterThan(nowMs + 4 * minuteMs)
    expect(slowed.tokens).toBeLessThanOrEqual(1)
    const [invoice] = (await ground.deliveries(trades, vendor)).filter((one) => one.kind === 'invoice')
    expect([invoice?.state, invoice?.fails]).toEqual(['waiting', 0])
    // It counts no failure, and the other book has its turn.
    await ground.workAt(otherThan(vendor))
    const others = await ground.deliveries(trades, otherThan(vendor))
    expect(others.map((one) => one.state)).toEqual(others.map(() => 'delivered'))

    await ground.deliver()
    await ground.time.advance(10 * minuteMs)
    trades.push(await ground.sell(vendor))
    await ground.deliver()
    const whole = await budget()
    expect(whole.slow).toBeLessThan(ground.time.now().getTime())
    expect(whole.tokens).toBeGreaterThan(5)
    await ground.expectOnce(...trades)
  },
)
