/** The main path: a sale between two connected members, and what stands in the ledger and in both books afterwards. */
import { expect, test } from 'vitest'
import { table, world } from '../support/world.ts'

test('a sale all in credits is an invoice paid from the account, a bill paid from it, and one debt in the ledger', async () => {
  const { bakery, mill, deliver, ledgerTable, audit } = await world(
    { bakery: { vat: true, creditLimit: '5000.00' }, mill: { vat: true } },
    { template: 'uk-all-credits' },
  )

  await mill.sellsTo(bakery, '1000.00')
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document  contact     total    vat     open  account
    invoice   The bakery  1200.00  200.00  0.00  -
    payment   The bakery  1200.00  -       -     1200.00
  `)
  expect(bakery.bookTable()).toBe(table`
    document  contact   total    vat     open  account
    bill      The mill  1200.00  200.00  0.00  -
    payment   The mill  1200.00  -       -     -1200.00
  `)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await audit()).toBe('holds')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit    credit   balance
    trade 1   bakery   1200.00           -1200.00
    trade 1   mill              1200.00  1200.00
  `)
})

test('with VAT in money the net is paid in credits and the VAT stays open with its due day', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { vat: true, creditLimit: '5000.00' },
    mill: { vat: true },
  })

  await mill.sellsTo(bakery, '1000.00', { dueOn: '2026-12-02' })
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document  contact     total    vat     open    account
    invoice   The bakery  1200.00  200.00  200.00  -
    payment   The bakery  1000.00  -       -       1000.00
  `)
  expect(bakery.bookTable()).toBe(table`
    document  contact   total    vat     open    account
    bill      The mill  1200.00  200.00  200.00  -
    payment   The mill  1000.00  -       -       -1000.00
  `)
  expect([...mill.book.documents.values()][0]).toMatchObject({ dueOn: '2026-12-02', number: 'MILL00001' })
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit    credit   balance
    trade 1   bakery   1000.00           -1000.00
    trade 1   mill              1000.00  1000.00
  `)
})

test('a part in money stays open on both documents', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { vat: true, creditLimit: '5000.00' },
    mill: { vat: true, book: 'quickbooks' },
  })

  await mill.sellsTo(bakery, '1000.00', { credits: '600.00' })
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document  contact     total    vat     open    account
    invoice   The bakery  1200.00  200.00  600.00  -
    payment   The bakery  600.00   -       -       600.00
  `)
  expect(bakery.bookTable()).toBe(table`
    document  contact   total    vat     open    account
    bill      The mill  1200.00  200.00  600.00  -
    payment   The mill  600.00   -       -       -600.00
  `)
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit   credit  balance
    trade 1   bakery   600.00          -600.00
    trade 1   mill             600.00  600.00
  `)
})

test('a buyer without a VAT registration gets a gross bill that reclaims nothing', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { vat: false, creditLimit: '5000.00' },
    mill: { vat: true },
  })

  await mill.sellsTo(bakery, '1000.00')
  await deliver()

  expect(bakery.bookTable()).toBe(table`
    document  contact   total    vat   open    account
    bill      The mill  1200.00  0.00  200.00  -
    payment   The mill  1000.00  -     -       -1000.00
  `)
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit    credit   balance
    trade 1   bakery   1000.00           -1000.00
    trade 1   mill              1000.00  1000.00
  `)
})

test('VAT on three odd lines is worked out on their sum, and both books come to the same penny', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { vat: true, creditLimit: '5000.00' },
    mill: { vat: true },
  })
  const lines = ['Oak', 'Ash', 'Elm'].map((description) => ({ description, net: '3.33' }))

  await mill.sellsTo(bakery, '9.99', { lines })
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document  contact     total  vat   open  account
    invoice   The bakery  11.99  2.00  2.00  -
    payment   The bakery  9.99   -     -     9.99
  `)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit  credit  balance
    trade 1   bakery   9.99           -9.99
    trade 1   mill            9.99    9.99
  `)
})

test('an invoice that the seller raised itself is paid, and no second one is made', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { vat: true, creditLimit: '5000.00' },
    mill: { vat: true },
  })
  // The first trade makes the contact in the mill's book; the second pays what stands there already.
  await mill.sellsTo(bakery, '10.00')
  await deliver()
  const [contact] = [...mill.book.contacts.values()]
  const own = mill.book.hold({
    kind: 'invoice',
    number: 'OWN-7',
    datedOn: '2026-11-01',
    contactId: contact?.id ?? '',
    contactName: contact?.name ?? '',
    totalMinor: 12_000n,
    vatMinor: 2_000n,
    settles: true,
  })
  const linked = { id: own.id, number: 'OWN-7', datedOn: own.datedOn, totalMinor: 12_000n, openMinor: 12_000n }

  await mill.sellsTo(bakery, '100.00', { linkedInvoice: linked })
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document  contact     total   vat    open   account
    invoice   The bakery  12.00   2.00   2.00   -
    invoice   The bakery  120.00  20.00  20.00  -
    payment   The bakery  10.00   -      -      10.00
    payment   The bakery  100.00  -      -      100.00
  `)
  const bills = [...bakery.book.documents.values()].filter((one) => one.kind === 'bill')
  expect(bills.map((bill) => bill.number)).toEqual(['MILL00001', 'OWN-7'])
  expect(await mill.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit   credit  balance
    trade 1   bakery   10.00           -10.00
    trade 1   mill             10.00   10.00
    trade 2   bakery   100.00          -110.00
    trade 2   mill             100.00  110.00
  `)
})

test('the first trades of a book wait for a yes, and nothing of the other book waits with them', async () => {
  const { bakery, mill, deliver, ledgerTable } = await world({
    bakery: { creditLimit: '500.00', askFirst: 5 },
    mill: {},
  })

  const sale = await mill.sellsTo(bakery, '40.00')
  await deliver()
  expect(bakery.bookTable()).toBe('no documents')
  expect(await bakery.disagreements()).toBe(table`
    disagreement  document  ledger  book
    on_its_way    -         -40.00  0.00
    on_its_way    -         0.00    0.00
    drift  -40.00
  `)

  await bakery.approves(sale)
  await deliver()

  expect(bakery.bookTable()).toBe(table`
    document  contact   total  vat   open  account
    bill      The mill  40.00  0.00  0.00  -
    payment   The mill  40.00  -     -     -40.00
  `)
  expect(await bakery.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit  credit  balance
    trade 1   bakery   40.00          -40.00
    trade 1   mill            40.00   40.00
  `)
})

test('a trade past the buyer’s credit limit is refused and leaves no entries', async () => {
  const { bakery, mill, ledgerTable } = await world({ bakery: { creditLimit: '100.00' }, mill: {} })

  const sale = mill.sellsTo(bakery, '100.01')
  await expect(sale).rejects.toMatchObject({ code: 'credit_limit_exceeded' })

  expect(await ledgerTable()).toBe('no entries')
})
