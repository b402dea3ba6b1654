/** What a member's legal form and standing allow, and how a leaver's account comes to zero. */
import { expect, test } from 'vitest'
import { table, world } from '../support/world.ts'

test('a sole trader buys with what it has earned, and not a penny more', async () => {
  const { smith, mill, ledgerTable } = await world({
    smith: { form: 'sole_trader' },
    mill: { creditLimit: '500.00' },
  })

  await smith.sellsTo(mill, '40.00')
  await expect(mill.sellsTo(smith, '40.01')).rejects.toMatchObject({ code: 'legal_floor' })
  await mill.sellsTo(smith, '40.00')

  expect(await ledgerTable()).toBe(table`
    transfer  account  debit  credit  balance
    trade 1   mill     40.00          -40.00
    trade 1   smith           40.00   40.00
    trade 2   smith    40.00          0.00
    trade 2   mill            40.00   0.00
  `)
})

test('a partnership of three stays in credit, one of four may owe', async () => {
  const { three, four, mill } = await world({
    three: { form: 'partnership', partners: 3 },
    four: { form: 'partnership', partners: 4, creditLimit: '50.00' },
    mill: {},
  })

  await expect(mill.sellsTo(three, '10.00')).rejects.toMatchObject({ code: 'legal_floor' })
  await mill.sellsTo(four, '10.00')

  expect((await three.member()).account.balanceMinor).toBe(0n)
  expect((await four.member()).account.balanceMinor).toBe(-1_000n)
})

test('a leaver’s debt that nobody settles is written off against the reserve, once', async () => {
  const { bakery, mill, ledgerTable, audit } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  await mill.sellsTo(bakery, '40.00')

  await bakery.startsLeaving('closes down')
  await expect(mill.sellsTo(bakery, '1.00')).rejects.toMatchObject({ code: 'credit_limit_exceeded' })
  await bakery.isWrittenOff('insolvent')

  expect((await bakery.member()).account.balanceMinor).toBe(0n)
  expect(await audit()).toBe('holds')
  expect(await ledgerTable()).toBe(table`
    transfer     account  debit  credit  balance
    trade 1      bakery   40.00          -40.00
    trade 1      mill            40.00   40.00
    write_off 1  reserve  40.00          -40.00
    write_off 1  bakery          40.00   0.00
  `)
})

test('what is written off is told to the leaver’s book, so that its account is zero too', async () => {
  const { bakery, mill, deliver } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  await mill.sellsTo(bakery, '40.00')
  await deliver()

  await bakery.startsLeaving('closes down')
  await bakery.isWrittenOff('insolvent')
  await deliver()

  expect(bakery.bookTable()).toBe(table`
    document        contact              total  vat   open  account
    bill            The mill             40.00  0.00  0.00  -
    money_received  Valley Exchange CIC  40.00  -     -     40.00
    payment         The mill             40.00  -     -     -40.00
  `)
  expect(await bakery.disagreements()).toBe('all agree')
})

test('a leaver in credit that gives it up leaves it to the reserve', async () => {
  const { bakery, mill, ledgerTable } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  await mill.sellsTo(bakery, '40.00')

  await mill.startsLeaving('retires')
  await mill.isWrittenOff('given up')

  expect(await ledgerTable()).toBe(table`
    transfer     account  debit  credit  balance
    trade 1      bakery   40.00          -40.00
    trade 1      mill            40.00   40.00
    write_off 1  mill     40.00          0.00
    write_off 1  reserve         40.00   40.00
  `)
})
