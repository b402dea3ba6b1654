/**
 * A reversal that is agreed while its trade is on its way into a book: the book ends with both or with neither, whichever of them is
 * quicker, and whether the worker at it lives or dies.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Ground, leaseMs, openGround, otherThan, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end())

/** Papers of a trade and of its reversal that stand in a book, and what they leave on the mutual-credit account. */
async function standing(tradeId: string, vendor: Vendor): Promise<{ papers: string[]; leftMinor: bigint }> {
  const references = new Set((await ground.deliveries([tradeId], vendor)).map((row) => row.reference))
  const [mapping] = await ground.query<{ account: string }>(
    "select body ->> 'creditAccountId' as account from mapping where connection_id = $1",
    [ground.firm(vendor).connectionId],
  )
  const ours = (await ground.documents(vendor)).filter((one) => references.has(one.reference ?? ''))
  const papers = ours
    .filter((one) => ['invoice', 'bill', 'credit_note', 'supplier_credit'].includes(one.kind))
    .map((one) => one.kind)
    .sort()
  const moves = ours.flatMap((one) => one.moves).filter((move) => move.accountId === mapping?.account)
  return { papers, leftMinor: moves.reduce((total, move) => total + move.amountMinor, 0n) }
}

async function expectBothOrNeither(tradeId: string): Promise<void> {
  for (const vendor of vendors) {
    const { papers, leftMinor } = await standing(tradeId, vendor)
    expect(['', 'credit_note,invoice', 'bill,supplier_credit']).toContain(papers.join(','))
    expect(leftMinor).toBe(0n)
  }
}

test.each(vendors)(
  'fault 60: a reversal before anything has left for %s leaves nothing in either book',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    await ground.reverse(trade)
    await ground.deliver()
    await expectBothOrNeither(trade)
    for (const book of vendors) expect((await standing(trade, book)).papers).toEqual([])
  },
)

test.each(
  vendors.flatMap((vendor) => (['before_call', 'after_call'] as const).map((moment) => [vendor, moment] as const)),
)('fault 60: a reversal while the invoice is at %s, %s: in each book both stand or neither', async (vendor, moment) => {
  const trade = await ground.sell(vendor)
  expect(await ground.workAt(vendor, { moment, skip: 0, dies: false })).toEqual({ is: 'held_up' })
  await ground.reverse(trade)
  await ground.world.heldUp()?.letGo()
  await ground.deliver()
  await expectBothOrNeither(trade)
  // The book that it had reached holds both; the other one had heard of nothing.
  expect((await standing(trade, vendor)).papers).toEqual(['credit_note', 'invoice'])
  expect((await standing(trade, otherThan(vendor))).papers).toEqual([])
})

test.each(vendors)(
  'fault 60: a reversal while nobody knows whether %s took the invoice: looked for first, then both or neither',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    expect(await ground.workAt(vendor, { moment: 'after_call', skip: 0, dies: true })).toEqual({ is: 'dead' })
    await ground.reverse(trade)
    await ground.time.advance(leaseMs)
    await ground.deliver(1)
    await expectBothOrNeither(trade)
  },
)

test.each(vendors)(
  'fault 60: a reversal between invoice and payment in %s sets off what is open and gives nothing back twice',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    expect(await ground.workAt(vendor, { moment: 'after_commit', skip: 0, afterCalls: 1, dies: true })).toEqual({
      is: 'dead',
    })
    await ground.reverse(trade)
    await ground.time.advance(leaseMs)
    await ground.deliver(1)
    await expectBothOrNeither(trade)
    expect((await standing(trade, vendor)).papers).toEqual(['credit_note', 'invoice'])
  },
)
