/** Fees of the terms: in credits from the account, in money as an open bill, and never past a legal floor. */
import { expect, test } from 'vitest'
import type { Fee } from '../../src/networks/terms.ts'
import { table, world } from '../support/world.ts'

const sellerFee: Fee = { side: 'seller', basisPoints: 250, fixedMinor: '0', mode: 'credits', words: 'Network fee' }

test('a fee in credits is money spent on the account, and a transfer of its own', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world(
    { bakery: { creditLimit: '500.00' }, mill: { creditLimit: '100.00' } },
    { terms: { fees: [sellerFee] } },
  )

  await mill.sellsTo(bakery, '200.00')
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document     contact              total   vat   open  account
    invoice      The bakery           200.00  0.00  0.00  -
    money_spent  Valley Exchange CIC  5.00    -     -     -5.00
    payment      The bakery           200.00  -     -     200.00
  `)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit   credit  balance
    trade 1   bakery   200.00          -200.00
    trade 1   mill             200.00  200.00
    fee 1     mill     5.00            195.00
    fee 1     fees             5.00    5.00
  `)
})

test('a fee comes back with the reversal of its trade', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world(
    { bakery: { creditLimit: '500.00' }, mill: { creditLimit: '100.00' } },
    { terms: { fees: [sellerFee] } },
  )

  const trade = await mill.sellsTo(bakery, '200.00')
  await deliver()
  await trade.reverse('goods came back')
  await deliver()

  expect(await mill.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer    account  debit   credit  balance
    trade 1     bakery   200.00          -200.00
    trade 1     mill             200.00  200.00
    fee 1       mill     5.00            195.00
    fee 1       fees             5.00    5.00
    reversal 1  fees     5.00            0.00
    reversal 1  mill             5.00    200.00
    reversal 2  mill     200.00          0.00
    reversal 2  bakery           200.00  0.00
  `)
})

test('a fee in money comes back as a credit that is set against its bill', async () => {
  const { bakery, mill, deliver } = await world(
    { bakery: { creditLimit: '500.00' }, mill: {} },
    { terms: { fees: [{ ...sellerFee, mode: 'money' }] } },
  )

  const trade = await mill.sellsTo(bakery, '200.00')
  await deliver()
  await trade.reverse('goods came back')
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document         contact              total   vat   open  account
    invoice          The bakery           200.00  0.00  0.00  -
    bill             Valley Exchange CIC  5.00    0.00  0.00  -
    credit_note      The bakery           200.00  0.00  0.00  -
    supplier_credit  Valley Exchange CIC  5.00    0.00  0.00  -
    allocation       Valley Exchange CIC  5.00    -     -     -
    payment          The bakery           200.00  -     -     -200.00
    payment          The bakery           200.00  -     -     200.00
  `)
  expect(await mill.disagreements()).toBe('all agree')
})

test('a buyer’s fee that would push a sole trader below zero is an open bill in money instead', async () => {
  const buyerFee: Fee = { ...sellerFee, side: 'buyer' }
  const { smith, mill, deliver, ledgerTable } = await world(
    { smith: { form: 'sole_trader' }, mill: { creditLimit: '500.00' } },
    { terms: { fees: [buyerFee] } },
  )
  // The smith earns forty first, and then spends all of it; the mill pays the fee of its own purchase.
  await smith.sellsTo(mill, '40.00')
  await mill.sellsTo(smith, '40.00')
  await deliver()

  expect(smith.bookTable()).toBe(table`
    document  contact              total  vat   open  account
    invoice   The mill             40.00  0.00  0.00  -
    bill      The mill             40.00  0.00  0.00  -
    bill      Valley Exchange CIC  1.00   0.00  1.00  -
    payment   The mill             40.00  -     -     -40.00
    payment   The mill             40.00  -     -     40.00
  `)
  expect(await smith.disagreements()).toBe('all agree')
  expect(await mill.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit  credit  balance
    trade 1   mill     40.00          -40.00
    trade 1   smith           40.00   40.00
    fee 1     mill     1.00           -41.00
    fee 1     fees            1.00    1.00
    trade 2   smith    40.00          0.00
    trade 2   mill            40.00   -1.00
  `)
})
