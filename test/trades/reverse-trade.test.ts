import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askReversal, reverseTrade } from '../../src/trades/reverse-trade.ts'
import type { SetUp } from '../networks/set-up.ts'
import { start } from '../networks/set-up.ts'
import { table } from '../support/tables.ts'
import { ground, type SmallWorld, smallWorld } from './small-world.ts'

let on: SetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const fees = [
  { side: 'seller' as const, basisPoints: 100, fixedMinor: '0', mode: 'credits' as const, words: 'Network fee' },
]
const refused = (code: string) => expect.objectContaining({ code })
const asking = (world: SmallWorld, tradeId: string, side: 'seller' | 'buyer') =>
  askReversal(world, { networkId: world.network.id, tradeId, side, actor: `per_${side}`, reason: 'wrong goods' })

test('a trade that is not yet in a book is simply not posted there: both movements stay in the ledger', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees })
  const trade = await world.sale('mill', 'bakery')
  expect((await asking(world, trade.id, 'buyer')).state).toBe('accepted')
  expect(await asking(world, trade.id, 'seller')).toMatchObject({
    state: 'reversed',
    reversalReason: 'wrong goods',
    reversedBy: 'per_seller',
  })
  expect(await world.ledgerTable()).toBe(table`
    transfer    account  debit    credit   balance
    trade 1     bakery   1000.00           -1000.00
    trade 1     mill              1000.00   1000.00
    fee 1       mill     10.00              990.00
    fee 1       fees              10.00     10.00
    reversal 1  fees     10.00              0.00
    reversal 1  mill              10.00     1000.00
    reversal 2  mill     1000.00            0.00
    reversal 2  bakery            1000.00   0.00
  `)
  expect(await world.bookTable('mill')).toBe(table`
    mark  kind         amount   day         state
    SF    money_spent  10.00    2026-11-02  undone
    SI    invoice      1200.00  2026-11-02  undone
    SP    payment      1000.00  2026-11-02  undone
  `)
  expect(await world.bookTable('bakery')).toContain('BB  bill  1200.00  2026-11-02  undone')
  expect(await world.brokenTruths()).toEqual([])
})

test('a book that heard of it gets a credit dated the day, set off against what is open, and the credits back', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees })
  const trade = await world.sale('mill', 'bakery')
  await world.deliverAll('mill')
  await on.travelTo(new Date('2026-11-05T10:00:00Z'))
  await world.reverse(trade)
  await on.travelTo(start)
  expect(await world.bookTable('mill')).toBe(table`
    mark  kind            amount   day         state
    SA    allocation      open     2026-11-05  waiting
    SC    credit_note     1200.00  2026-11-05  waiting
    SF    money_spent     10.00    2026-11-02  delivered
    SG    money_received  10.00    2026-11-05  waiting
    SI    invoice         1200.00  2026-11-02  delivered
    SP    payment         1000.00  2026-11-02  delivered
    SR    refund          1000.00  2026-11-05  waiting
  `)
  expect(await world.bookTable('bakery')).toContain('BB  bill  1200.00  2026-11-02  undone') // Never tried there.
  const credit = (await world.deliveries('mill')).find((one) => one.kind === 'credit_note')
  expect(credit?.document).toMatchObject({ number: `${trade.reference}-SC`, linkedId: null })
})

test('a fee that its book has not heard of is simply not charged there, though the invoice is credited', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees })
  const trade = await world.sale('mill', 'bakery')
  await on.db.pool.query("update delivery set state = 'parked' where network_id = $1 and kind = 'money_spent'", [
    world.network.id,
  ])
  await world.deliverAll('mill')
  await world.reverse(trade)
  const book = await world.bookTable('mill')
  expect(book).toContain('SF  money_spent  10.00  2026-11-02  undone')
  expect(book).toContain('SC  credit_note')
  expect(book).not.toContain('SG')
})

test('an invoice that was tried and waits for its answer is not left half: what follows waits for it', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const trade = await world.sale('mill', 'bakery', { part: { creditMinor: 100_000n } })
  await on.db.pool.query(
    "update delivery set attempts = 1, state = 'sending' where network_id = $1 and kind = 'invoice'",
    [world.network.id],
  )
  await world.reverse(trade)
  const mine = await world.deliveries('mill')
  const by = (mark: string) => mine.find((one) => one.reference.endsWith(`-${mark}`))
  expect(by('SP')?.state).toBe('waiting') // It will be paid, then taken back: the book stays in step.
  expect(by('SC')?.dependsOn).toEqual(expect.arrayContaining([by('SI')?.id, by('SP')?.id]))
  expect(by('SR')?.dependsOn).toEqual([by('SC')?.id, by('SA')?.id])
})

test('in QuickBooks the refund is linked to its credit in a step of its own', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const trade = await world.sale('mill', 'bakery')
  await world.deliverAll('bakery')
  const { organisationId } = world.member('bakery')
  await on.db.pool.query(
    "insert into connection (id, organisation_id, kind, book_id, book_name, state, profile, profile_read_at, made_by, made_at) values ($1, $2, 'quickbooks', $3, 'Bakery', 'live', '{}', now(), 'per_b', now())",
    [world.id('connection'), organisationId, organisationId],
  )
  await world.reverse(trade)
  const book = await world.bookTable('bakery')
  expect(book).toContain('BC  supplier_credit  1200.00')
  expect(book).toContain('BL  allocation  1000.00')
  const link = (await world.deliveries('bakery')).find((one) => one.reference.endsWith('-BL'))
  expect(link?.document).toMatchObject({ minor: true })
})

test('a buyer without a registration gets the same gross lines back, whatever it has become', async () => {
  const world = await smallWorld(on, { mill: {}, cafe: { vat: false } })
  const trade = await world.sale('mill', 'cafe')
  await world.deliverAll('cafe')
  await on.db.pool.query("update organisation set vat_registered = true, vat_number = 'GB999999973' where id = $1", [
    world.member('cafe').organisationId,
  ])
  await world.reverse(trade)
  const deliveries = await world.deliveries('cafe')
  const lines = (kind: string) =>
    deliveries.flatMap((one) => (one.kind === kind && 'lines' in one.document ? [one.document.lines] : []))
  expect(lines('supplier_credit')).toEqual(lines('bill'))
})

test('a restricted member’s fee that became a bill is credited as a bill', async () => {
  const world = await smallWorld(
    on,
    { mill: {}, joiner: { form: 'sole_trader', vat: false } },
    { fees: fees.map((one) => ({ ...one, side: 'buyer' as const })) },
  )
  await world.sale('joiner', 'mill', { net: 10_000n })
  const trade = await world.sale('mill', 'joiner', { net: 10_000n })
  await world.deliverAll('joiner')
  await world.reverse(trade)
  expect(await world.bookTable('joiner')).toContain('BG  supplier_credit  1.00')
  expect(await world.balance('joiner')).toBe(10_000n)
  expect(await world.brokenTruths()).toEqual([])
})

test('fees stay when the terms say so', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees, feesBackOnReversal: false })
  const trade = await world.sale('mill', 'bakery')
  await world.reverse(trade)
  expect(await world.balance('mill')).toBe(-1000n)
})

test('a linked invoice keeps its own number and date, and its reversal the same documents', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const linkedInvoice = {
    id: 'inv-77',
    number: 'M-2026-77',
    datedOn: '2026-10-12',
    totalMinor: 120_000n,
    openMinor: 120_000n,
  }
  const trade = await world.sale('mill', 'bakery', { linkedInvoice, tradedOn: '2026-10-12' })
  expect(trade.invoiceNumber).toBeNull()
  const invoice = (await world.deliveries('mill')).find((one) => one.kind === 'invoice')
  const bill = (await world.deliveries('bakery')).find((one) => one.kind === 'bill')
  expect(invoice?.document).toMatchObject({ linkedId: 'inv-77', number: 'M-2026-77' })
  expect(bill?.document).toMatchObject({ linkedId: null, number: 'M-2026-77', datedOn: '2026-10-12' })
  await world.deliverAll('mill')
  await world.reverse(trade)
  expect(await world.bookTable('mill')).toContain('SC  credit_note  1200.00')
  expect((await world.sale('mill', 'bakery')).invoiceNumber).toBe('MILL00001') // The linked one took no number.
})

describe('refusals, in the order they are asked', () => {
  test('only an accepted trade, once, by both or by the convener, with a reason', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const open = await world.propose(world.ask('mill', 'bakery'))
    await expect(world.reverse(open)).rejects.toEqual(refused('trade_not_accepted'))
    await expect(asking(world, open.id, 'buyer')).rejects.toEqual(refused('trade_not_accepted'))
    const trade = await world.sale('mill', 'bakery')
    await expect(world.reverse(trade, 'seller')).rejects.toEqual(refused('reversal_needs_both'))
    await asking(world, trade.id, 'seller')
    await asking(world, trade.id, 'seller') // Asking twice is no yes.
    await expect(world.reverse(trade, 'seller')).rejects.toEqual(refused('reversal_needs_both'))
    const convener = {
      networkId: world.network.id,
      tradeId: trade.id,
      side: 'convener' as const,
      actor: 'per_convener',
    }
    await expect(reverseTrade(world, { ...convener, reason: ' ' })).rejects.toEqual(refused('reason_missing'))
    await world.reverse(trade)
    expect((await world.reverse(trade)).state).toBe('reversed')
    await expect(reverseTrade(world, { ...convener, actor: 'per_another', reason: 'again' })).rejects.toEqual(
      refused('trade_already_reversed'),
    )
    expect(await world.balance('mill')).toBe(0n)
  })
  test('the seller’s credit limit stops it for the two sides, the convener passes it, the legal floor stops all', async () => {
    const world = await smallWorld(on, {
      mill: { creditLimit: 0n },
      bakery: {},
      joiner: { form: 'sole_trader', vat: false },
    })
    const sale = await world.sale('mill', 'bakery')
    await world.sale('bakery', 'mill')
    await asking(world, sale.id, 'buyer')
    await expect(asking(world, sale.id, 'seller')).rejects.toEqual(refused('credit_limit_exceeded'))
    await world.reverse(sale)
    expect(await world.balance('mill')).toBe(-100_000n)

    const earned = await world.sale('joiner', 'bakery', { net: 5000n })
    await world.sale('bakery', 'joiner', { net: 5000n })
    await expect(world.reverse(earned)).rejects.toEqual(refused('legal_floor'))
    expect(await world.bookTable('joiner')).not.toContain('undone')
  })
})

test('asked by many at once it is reversed once', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const trade = await world.sale('mill', 'bakery')
  await world.deliverAll('mill')
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => world.reverse(trade)))
  expect(results.every((one) => one.status === 'fulfilled')).toBe(true)
  expect(await world.balance('mill')).toBe(0n)
  expect((await world.deliveries('mill')).filter((one) => one.kind === 'credit_note').length).toBe(1)
})
