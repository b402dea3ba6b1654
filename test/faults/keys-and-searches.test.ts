/**
 * What the vendor's own memory is worth: keys that are forgotten or remember an error, searches that lag, workers that come back
 * late, batches taken by halves. The marker decides, and each document stands once.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Ground, leaseMs, ofInvoice, openGround, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end())

const daysMs = 3 * 86_400_000
const tries = async (tradeId: string, vendor: Vendor) =>
  (await ground.attempts(tradeId, vendor)).filter((one) => one.kind === 'invoice')

test.each(vendors)(
  'fault 22: the lease of a worker at %s ends while its answer is on the way: its late result is refused',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    expect(await ground.workAt(vendor, { moment: 'after_call', skip: 0, dies: false })).toEqual({ is: 'held_up' })
    await ground.time.advance(leaseMs)
    await ground.deliver(1)
    expect(await ground.verbs(trade, vendor)).toEqual([
      ['documents', 'unknown'],
      ['look', 'found'],
    ])
    const settled = await ground.deliveries([trade], vendor)

    expect((await ground.world.heldUp()?.letGo())?.is).toBe('done')
    expect(await ground.deliveries([trade], vendor)).toEqual(settled)
    expect(await ground.verbs(trade, vendor)).toEqual([
      ['documents', 'unknown'],
      ['look', 'found'],
    ])
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 22: the lease of a worker ends before its bytes leave for %s: late, they meet the same key, and one document stands',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    expect(await ground.workAt(vendor, { moment: 'before_call', skip: 0, dies: false })).toEqual({ is: 'held_up' })
    await ground.time.advance(leaseMs)
    await ground.deliver(1)
    const settled = await ground.deliveries([trade], vendor)
    expect(settled.map((one) => one.state)).toEqual(settled.map(() => 'delivered'))

    expect((await ground.world.heldUp()?.letGo())?.is).toBe('done')
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(2)
    expect(await ground.deliveries([trade], vendor)).toEqual(settled)
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 23: %s has taken it and days go by, its keys forgotten: the marker is found, and nothing is sent again',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    ground.fault(vendor, { knob: 'loseReply', match: ofInvoice[vendor] })
    await ground.workAt(vendor)
    await ground.time.advance(daysMs)
    ground.fault(vendor, { knob: 'forgetKeys' })
    await ground.deliver()
    expect(await ground.verbs(trade, vendor)).toEqual([
      ['documents', 'unknown'],
      ['look', 'found'],
    ])
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 23: it never reached %s and days go by: the search decides that it goes, once',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    await ground.signedIn(vendor)
    ground.world.troubles.push({ kind: 'lost_there', vendor, ofToken: false, skip: 0 })
    await ground.workAt(vendor)
    await ground.time.advance(daysMs)
    await ground.deliver()
    expect(await ground.verbs(trade, vendor)).toEqual([
      ['documents', 'unknown'],
      ['look', 'absent'],
      ['documents', 'done'],
    ])
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 24: %s keeps a 500 under the key and says it again: after a search the next generation goes',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    ground.fault(vendor, { knob: 'replayCachedError', match: ofInvoice[vendor] })
    await ground.deliver()
    const all = await tries(trade, vendor)
    const puts = all.filter((one) => one.verb === 'documents')
    expect(puts.map((one) => one.outcome)).toEqual(['unknown', 'unknown', 'done'])
    expect(puts[1]?.key).toBe(puts[0]?.key)
    expect(puts[2]?.key).toBe(`${puts[0]?.key}.2`)
    // No put follows another without a search between them.
    expect(all.map((one) => one.verb).join(' ')).not.toContain('documents documents')
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 25: what %s took shows in its searches thirty seconds later: searched again after that, not sent again',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    ground.fault(vendor, { knob: 'readLag', value: 30_000, times: -1 })
    ground.fault(vendor, { knob: 'loseReply', match: ofInvoice[vendor] })
    const takenAt = ground.time.now().getTime()
    await ground.deliver()
    const all = await ground.verbs(trade, vendor)
    expect([all[0], all[1], all.at(-1)]).toEqual([
      ['documents', 'unknown'],
      ['look', 'absent'],
      ['look', 'found'],
    ])
    expect(ground.time.now().getTime() - takenAt).toBeGreaterThan(30_000)
    expect(ground.invoicesWritten(vendor, before)).toHaveLength(1)
    ground.clearFaults()
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 26: %s takes all of a call but one: each has its own verdict, and only that one goes again',
  async (vendor) => {
    const trades = [
      await ground.sell(vendor),
      await ground.sell(vendor),
      await ground.sell(vendor),
      await ground.sell(vendor),
    ]
    const path = vendor === 'xero' ? '/Invoices' : '/batch'
    ground.fault(vendor, { knob: 'rejectOne', match: { path } })
    await ground.deliver()
    const invoices = (await ground.deliveries(trades, vendor)).filter((one) => one.kind === 'invoice')
    expect(invoices.map((one) => one.state).sort()).toEqual(['delivered', 'delivered', 'delivered', 'parked'])
    const refused = invoices.find((one) => one.state === 'parked')
    if (!refused) throw new Error('none was refused')

    const before = ground.mark(vendor)
    await ground.retry(refused)
    await ground.deliver()
    const again = JSON.stringify(ground.writes(vendor, before).map((one) => one.body))
    const named = invoices.filter((one) => again.includes(one.reference)).map((one) => one.reference)
    expect(named).toEqual([refused.reference])
    await ground.expectOnce(...trades)
  },
)
