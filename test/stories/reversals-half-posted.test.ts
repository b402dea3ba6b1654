/** Reversals of trades that a book holds by halves: what is not there is not made, what is there is credited, nothing is left waiting. */
import { expect, test } from 'vitest'
import { type Business, firstDay, table, type World, world } from '../support/world.ts'

type Two = World<'bakery' | 'mill'>

async function openDeliveries({ ground }: Two, { organisationId }: Business): Promise<number> {
  const { rows } = await ground.db.pool.query<{ open: number }>(
    "select count(*)::int as open from delivery where organisation_id = $1 and kind <> 'contact' and state in ('waiting', 'sending', 'parked')",
    [organisationId],
  )
  return rows[0]?.open ?? -1
}

function account(business: Business, id: string, change: { active: boolean }): void {
  const found = business.book.profile.accounts.find((one) => one.id === id)
  if (!found) throw new Error(`no account ${id}`)
  Object.assign(found, change)
}

test('an invoice whose day is in a closed period was never in the book: its reversal leaves nothing to do there', async () => {
  const made = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  const { bakery, mill, deliver } = made
  mill.book.lockPeriod('2026-11-30')

  const trade = await mill.sellsTo(bakery, '40.00')
  await deliver()
  await trade.reverse('wrong buyer')
  await deliver()

  expect(mill.bookTable()).toBe('no documents')
  expect(await openDeliveries(made, mill)).toBe(0)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
})

test('a payment that its book refused is not made any more: the credit is set against the whole invoice', async () => {
  const made = await world({ bakery: { creditLimit: '100.00', book: 'quickbooks' }, mill: {} })
  const { bakery, mill, deliver } = made
  account(mill, mill.creditAccountId, { active: false })
  account(bakery, bakery.creditAccountId, { active: false })

  const trade = await mill.sellsTo(bakery, '40.00')
  await deliver()
  await trade.reverse('wrong buyer')
  account(mill, mill.creditAccountId, { active: true })
  account(bakery, bakery.creditAccountId, { active: true })
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document     contact     total  vat   open  account
    invoice      The bakery  40.00  0.00  0.00  -
    credit_note  The bakery  40.00  0.00  0.00  -
    allocation   The bakery  40.00  -     -     -
  `)
  expect(bakery.bookTable()).toBe(table`
    document         contact   total  vat   open  account
    bill             The mill  40.00  0.00  0.00  -
    supplier_credit  The mill  40.00  0.00  0.00  -
    allocation       The mill  40.00  -     -     -
  `)
  expect(await openDeliveries(made, mill)).toBe(0)
  expect(await openDeliveries(made, bakery)).toBe(0)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
})

test('a linked invoice that was paid elsewhere stays as it is when its trade is reversed', async () => {
  const made = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  const { bakery, mill, deliver } = made
  const first = await mill.sellsTo(bakery, '10.00')
  await deliver()
  await first.reverse('only to know the contact')
  await deliver()
  const contact = [...mill.book.contacts.values()].find((one) => one.name === 'The bakery')
  const id = mill.book.enterByHand({
    kind: 'invoice',
    number: 'OWN-1',
    contactId: contact?.id ?? '',
    contactName: 'The bakery',
    datedOn: '2026-11-02',
    totalMinor: 4_000n,
    settles: true,
  })
  const linkedInvoice = { id, number: 'OWN-1', datedOn: '2026-11-02', totalMinor: 4_000n, openMinor: 4_000n }
  const trade = await mill.sellsTo(bakery, '40.00', { linkedInvoice })
  mill.book.enterByHand({
    kind: 'payment',
    datedOn: '2026-11-02',
    totalMinor: 4_000n,
    of: [{ kind: 'invoice', id, amountMinor: 4_000n }],
    moves: [{ accountId: 'acc-090', amountMinor: 4_000n }],
  })
  await deliver()
  const before = mill.bookTable()

  await trade.reverse('it was paid by bank')
  await deliver()

  expect(mill.bookTable()).toBe(before)
  expect(await openDeliveries(made, mill)).toBe(0)
  expect(await mill.disagreements()).toBe('all agree')
  expect(await bakery.disagreements()).toBe('all agree')
})

test('a trade that a person dropped from a book and that is reversed then is no difference any more', async () => {
  const made = await world({ bakery: { creditLimit: '100.00' }, mill: {} })
  const { bakery, mill, deliver, ground } = made
  mill.book.lockPeriod('2026-11-30')
  const trade = await mill.sellsTo(bakery, '40.00')
  await deliver()
  await ground.db.pool.query(
    "update delivery set state = 'dropped', dropped_reason = 'not mine', settled_at = $2 where organisation_id = $1 and kind in ('invoice', 'payment')",
    [mill.organisationId, firstDay],
  )
  expect(await mill.disagreements()).toContain('missing_in_book')

  await trade.reverse('wrong buyer')
  await deliver()

  expect(await mill.disagreements()).toBe('all agree')
})
