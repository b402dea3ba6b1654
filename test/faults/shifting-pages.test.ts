/**
 * Rows that move from one page to the one before it while a book is read: nobody may take what they hide for absent.
 * The books are filled by hand until their lists have more than one page.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { reconcileBook } from '../../src/reconcile/run.ts'
import { sweepBook } from '../../src/reconcile/sweep.ts'
import { type Ground, openGround, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end({ isTouched: true }))

/** A little more than one page of the longest list that is read. */
const others: Record<Vendor, number> = { xero: 520, quickbooks: 1_020 }
const secondPage: Record<Vendor, { path: string }> = {
  xero: { path: 'Invoices\\?.*page=2' },
  quickbooks: { path: 'from%20Bill%20.*startposition|from\\+Bill\\+.*startposition' },
}

test.each(vendors)(
  'fault 30: xero group 10: quickbooks group 21: rows that shift between two pages of %s hide nothing from sweep and reconciliation',
  async (vendor) => {
    const { organisationId, bookId } = ground.firm(vendor)
    for (let place = 0; place < others[vendor]; place += 1)
      ground.vendors[vendor].control.edit(bookId, {
        ...{ deed: 'enterBill', contact: 'Paper and Pens Ltd', amount: '1.00', number: `H${place}` },
      })
    // Ours are last: on the second page, where one that slides to the first is missed.
    const trades = [await ground.sell(vendor), await ground.sell(vendor === 'xero' ? 'quickbooks' : 'xero')]
    await ground.deliver()
    const whole = (await ground.documents(vendor)).map((one) => one.id).sort()
    expect(whole.length).toBeGreaterThan(others[vendor])

    ground.fault(vendor, { knob: 'shiftPages', match: secondPage[vendor], times: 1, value: 12 })
    expect((await ground.documents(vendor)).map((one) => one.id).sort()).toEqual(whole)

    ground.fault(vendor, { knob: 'shiftPages', match: secondPage[vendor], times: 1, value: 12 })
    const { found } = await sweepBook(ground.deps, { organisationId, whole: true })
    expect(found).toEqual([])
    ground.fault(vendor, { knob: 'shiftPages', match: secondPage[vendor], times: 1, value: 12 })
    const run = await reconcileBook(ground.deps, { networkId: ground.networkId, organisationId, actor: 'quits' })
    expect(run).toMatchObject({ state: 'done', discrepancies: 0, driftMinor: 0n })
    await ground.expectOnce(...trades)
  },
)
