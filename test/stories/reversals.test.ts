/** Reversals: credit notes dated that day, the credit part refunded from the account, nothing voided and nothing deleted. */
import { expect, test } from 'vitest'
import { table, world } from '../support/world.ts'

test('a reversal restores both balances and keeps both transfers', async () => {
  const { bakery, mill, deliver, ledgerTable, audit } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })

  const trade = await mill.sellsTo(bakery, '40.00')
  await deliver()
  await trade.reverse('wrong buyer')
  await deliver()

  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await audit()).toBe('holds')
  expect(await ledgerTable()).toBe(table`
    transfer    account   debit   credit   balance
    trade 1     bakery    40.00             -40.00
    trade 1     mill              40.00      40.00
    reversal 1  mill      40.00               0.00
    reversal 1  bakery            40.00       0.00
  `)
})

test('a reversal refunds from the account in one step where the book pays refunds out of a credit', async () => {
  const { bakery, mill, deliver } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })

  const trade = await mill.sellsTo(bakery, '40.00')
  await deliver()
  await trade.reverse('wrong buyer')
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document     contact     total  vat   open  account
    invoice      The bakery  40.00  0.00  0.00  -
    credit_note  The bakery  40.00  0.00  0.00  -
    payment      The bakery  40.00  -     -     -40.00
    payment      The bakery  40.00  -     -     40.00
  `)
  expect(bakery.bookTable()).toBe(table`
    document         contact   total  vat   open  account
    bill             The mill  40.00  0.00  0.00  -
    supplier_credit  The mill  40.00  0.00  0.00  -
    payment          The mill  40.00  -     -     -40.00
    payment          The mill  40.00  -     -     40.00
  `)
})

test('a reversal refunds in two steps, money and its link to the credit, where the book wants it so', async () => {
  const { bakery, mill, deliver } = await world({
    bakery: { creditLimit: '100.00', book: 'quickbooks' },
    mill: { book: 'quickbooks' },
  })

  const trade = await mill.sellsTo(bakery, '40.00')
  await deliver()
  await trade.reverse('wrong buyer')
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document     contact     total  vat   open  account
    invoice      The bakery  40.00  0.00  0.00  -
    credit_note  The bakery  40.00  0.00  0.00  -
    money_spent  The bakery  40.00  -     -     -40.00
    allocation   The bakery  40.00  -     -     -
    payment      The bakery  40.00  -     -     40.00
  `)
  expect(bakery.bookTable()).toBe(table`
    document         contact   total  vat   open  account
    bill             The mill  40.00  0.00  0.00  -
    supplier_credit  The mill  40.00  0.00  0.00  -
    money_received   The mill  40.00  -     -     40.00
    allocation       The mill  40.00  -     -     -
    payment          The mill  40.00  -     -     -40.00
  `)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
})

test('what is still open in money is set off first, and only the credit part comes back from the account', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { vat: true, creditLimit: '5000.00' },
    mill: { vat: true },
  })

  const trade = await mill.sellsTo(bakery, '1000.00', { credits: '600.00' })
  await deliver()
  await trade.reverse('goods came back')
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document     contact     total    vat     open  account
    invoice      The bakery  1200.00  200.00  0.00  -
    credit_note  The bakery  1200.00  200.00  0.00  -
    allocation   The bakery  600.00   -       -     -
    payment      The bakery  600.00   -       -     -600.00
    payment      The bakery  600.00   -       -     600.00
  `)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer    account  debit   credit  balance
    trade 1     bakery   600.00          -600.00
    trade 1     mill             600.00  600.00
    reversal 1  mill     600.00          0.00
    reversal 1  bakery           600.00  0.00
  `)
})

test('a trade reversed before anything was posted leaves no document in a book', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })

  const trade = await mill.sellsTo(bakery, '40.00')
  await trade.reverse('typed twice')
  await deliver()

  expect(mill.bookTable()).toBe('no documents')
  expect(bakery.bookTable()).toBe('no documents')
  expect(await mill.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer    account   debit   credit   balance
    trade 1     bakery    40.00             -40.00
    trade 1     mill              40.00      40.00
    reversal 1  mill      40.00               0.00
    reversal 1  bakery            40.00       0.00
  `)
})

test('a trade is reversed once', async () => {
  const { bakery, mill, ledgerTable } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  const trade = await mill.sellsTo(bakery, '40.00')
  await trade.reverse('wrong buyer')
  const before = await ledgerTable()

  await expect(trade.reverse('wrong buyer')).rejects.toMatchObject({ code: 'trade_already_reversed' })

  expect(await ledgerTable()).toBe(before)
})
