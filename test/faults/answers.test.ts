/**
 * Answers that do not come, come broken, come in another shape, or never end: what was asked is searched for, and stands once.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { wordsFor } from '../../src/outbox/words.ts'
import { type Ground, ofInvoice, openGround, otherThan, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(async () => {
  ground.world.patience.ms = undefined
  await ground.calm()
})
afterAll(() => ground.end())

test.each(vendors)('fault 15: %s commits and its answer comes too late: no second document', async (vendor) => {
  const trade = await ground.sell(vendor)
  const before = ground.mark(vendor)
  await ground.signedIn(vendor)
  ground.world.troubles.push({ kind: 'late_back', vendor, ofToken: false, skip: 0 })
  await ground.workAt(vendor)
  expect(await ground.verbs(trade, vendor)).toEqual([['documents', 'unknown']])
  await ground.deliver()
  expect(await ground.verbs(trade, vendor)).toEqual([
    ['documents', 'unknown'],
    ['look', 'found'],
  ])
  expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
  await ground.expectOnce(trade)
})

test.each(
  vendors.flatMap((vendor) => (['resetMidAnswer', 'truncateAnswer'] as const).map((knob) => [vendor, knob] as const)),
)('fault 16: the answer of %s breaks off (%s): unknown, then found by its marker', async (vendor, knob) => {
  const trade = await ground.sell(vendor)
  const before = ground.mark(vendor)
  ground.fault(vendor, { knob, match: ofInvoice[vendor] })
  await ground.workAt(vendor)
  expect(await ground.verbs(trade, vendor)).toEqual([['documents', 'unknown']])
  await ground.deliver()
  expect((await ground.verbs(trade, vendor)).at(-1)).toEqual(['look', 'found'])
  expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
  await ground.expectOnce(trade)
})

test.each(vendors)(
  'fault 17: %s answers a page of HTML: it is probed after a pause, and the page is shown nowhere',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    ground.fault(vendor, { knob: 'html503', times: 3 })
    await ground.workAt(vendor)
    expect(ground.asked(vendor, before)).toHaveLength(1)
    const [due] = await ground.query<{ waits: boolean }>(
      'select due_at > quits_now() as waits from lane where id = $1',
      [ground.firm(vendor).organisationId],
    )
    expect(due?.waits).toBe(true)
    await ground.deliver()
    for (const one of await ground.attempts(trade, vendor)) {
      expect(one.said ?? '').not.toMatch(/[<>]/)
      if (one.cause !== null) expect(wordsFor(one.cause, {}).says).not.toMatch(/[<>]|nginx/)
    }
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 18: %s says 200 and means an error: it counts as refused, and goes once when a person says so',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    ground.fault(vendor, { knob: 'okWithErrorBody', match: ofInvoice[vendor] })
    await ground.deliver()
    const refused = await ground.one(trade, vendor)
    expect(refused).toMatchObject({ state: 'parked', attempts: 1, receiptId: null })
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', 'refused']])
    // Whoever buys has the bill all the same.
    const others = await ground.deliveries([trade], otherThan(vendor))
    expect(others.map((one) => one.state)).toEqual(others.map(() => 'delivered'))

    await ground.retry(refused)
    await ground.deliver()
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(2)
    await ground.expectOnce(trade)
  },
)

const endless = [
  ['drips for hours', { knob: 'slowDrip', value: 20 }],
  ['never ends', { knob: 'hugeBody', value: 1_000_000_000_000 }],
  ['has 100 MB', { knob: 'hugeBody' }],
] as const
test.each(vendors.flatMap((vendor) => endless.map(([what, fault]) => [vendor, what, fault] as const)))(
  'fault 21: an answer of %s that %s is cut short, and the worker lives',
  async (vendor, _what, fault) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    // The real deadline is thirty seconds.
    ground.world.patience.ms = 1_500
    ground.fault(vendor, { ...fault, match: ofInvoice[vendor] })
    const worker = ground.world.worker(0)
    const beganAt = performance.now()
    await ground.work()
    expect(performance.now() - beganAt).toBeLessThan(10_000)
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', 'unknown']])
    // The same worker, in the same turn: the other book is served.
    const others = await ground.deliveries([trade], otherThan(vendor))
    expect(others.map((one) => one.state)).toEqual(others.map(() => 'delivered'))
    ground.world.patience.ms = undefined
    await ground.deliver()
    expect(ground.world.worker(0)).toBe(worker)
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
    await ground.expectOnce(trade)
  },
)
