/** What a person does in a book behind our back is named, adds up to the drift, and is never changed by us. */
import { expect, test } from 'vitest'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import { askAnew } from '../../src/outbox/move-delivery.ts'
import { acceptDiscrepancy } from '../../src/reconcile/discrepancy.ts'
import { discrepanciesOf } from '../../src/reconcile/read.ts'
import { type Business, table, world } from '../support/world.ts'

async function oneSale() {
  const made = await world({ bakery: { creditLimit: '500.00' }, mill: {} })
  await made.mill.sellsTo(made.bakery, '40.00')
  await made.deliver()
  return made
}

function documentOf(business: Business, kind: string) {
  const found = [...business.book.documents.values()].find((one) => one.kind === kind)
  if (!found) throw new Error(`no ${kind} in the book of ${business.name}`)
  return found
}

test('an entry made by hand on the account is missing in the ledger', async () => {
  const { mill } = await oneSale()

  mill.book.enterByHand({
    kind: 'money_spent',
    datedOn: '2026-11-02',
    totalMinor: 700n,
    moves: [{ accountId: mill.creditAccountId, amountMinor: -700n }],
  })

  expect(await mill.disagreements()).toBe(table`
    disagreement       document     ledger  book
    missing_in_ledger  money_spent  0.00    -7.00
    drift  7.00
  `)
})

test('a payment of ours that a person deletes is named, and not made again', async () => {
  const { mill, deliver } = await oneSale()
  mill.book.editBehindOurBack(documentOf(mill, 'payment').id, { status: 'deleted' })

  const said = await mill.disagreements()
  await deliver()

  expect(said).toBe(table`
    disagreement      document  ledger  book
    voided_by_person  payment   40.00   0.00
    drift  40.00
  `)
  expect(mill.bookTable()).toBe(table`
    document           contact     total  vat   open   account
    invoice            The bakery  40.00  0.00  40.00  -
    payment (deleted)  The bakery  40.00  -     -      40.00
  `)
})

test('an amount that a person edits differs, to the penny', async () => {
  const { mill } = await oneSale()
  const { id } = documentOf(mill, 'invoice')
  mill.book.editBehindOurBack(id, { totalMinor: 4_001n })

  expect(await mill.disagreements()).toBe(table`
    disagreement    document  ledger  book
    amount_differs  invoice   0.00    0.00
    drift  0.00
  `)
})

test('a bill typed in by hand beside ours is doubled', async () => {
  const { bakery } = await oneSale()
  const ours = documentOf(bakery, 'bill')
  bakery.book.enterByHand({
    kind: 'bill',
    number: ours.number,
    contactId: ours.contactId,
    contactName: ours.contactName,
    datedOn: '2026-11-02',
    totalMinor: 4_000n,
    settles: true,
  })

  expect(await bakery.disagreements()).toBe(table`
    disagreement  document  ledger  book
    doubled       bill      0.00    0.00
    drift  0.00
  `)
})

test('a payment that a person moves to another account is on the wrong account', async () => {
  const { mill } = await oneSale()
  const { id } = documentOf(mill, 'payment')
  mill.book.editBehindOurBack(id, { moves: [{ accountId: 'acc-090', amountMinor: 4_000n }] })

  expect(await mill.disagreements()).toBe(table`
    disagreement   document  ledger  book
    wrong_account  payment   40.00   0.00
    drift  40.00
  `)
})

test('a difference that is mended in the book is gone from the next reconciliation', async () => {
  const { mill, ledgerTable } = await oneSale()
  const { id } = documentOf(mill, 'payment')
  mill.book.editBehindOurBack(id, { moves: [{ accountId: 'acc-090', amountMinor: 4_000n }] })
  await mill.reconciles()

  mill.book.editBehindOurBack(id, { moves: [{ accountId: mill.creditAccountId, amountMinor: 4_000n }] })

  expect(await mill.disagreements()).toBe('all agree')
  expect(await ledgerTable()).toBe(table`
    transfer  account  debit  credit  balance
    trade 1   bakery   40.00          -40.00
    trade 1   mill            40.00   40.00
  `)
})

test('a difference that was accepted stays accepted while it is the same, and is open again when it becomes another', async () => {
  const made = await oneSale()
  const { mill, ground, network } = made
  const id = mill.book.enterByHand({
    kind: 'money_spent',
    datedOn: '2026-11-02',
    totalMinor: 700n,
    moves: [{ accountId: mill.creditAccountId, amountMinor: -700n }],
  })
  await mill.reconciles()
  const { organisationId } = mill
  const states = () =>
    inTransaction(ground.db, asWorker, async (tx) =>
      (await discrepanciesOf(tx, { networkId: network.id, organisationId })).map((one) => one.state),
    )
  await inTransaction(ground.db, asWorker, async (tx) => {
    const [seen] = await discrepanciesOf(tx, { networkId: network.id, organisationId })
    const ask = { networkId: network.id, id: seen?.id ?? '', actor: 'per_bea', words: 'till float' }
    await acceptDiscrepancy(tx, ground.clock, ask)
  })

  await mill.reconciles()
  expect(await states()).toEqual(['accepted'])

  mill.book.editBehindOurBack(id, {
    totalMinor: 900n,
    moves: [{ accountId: mill.creditAccountId, amountMinor: -900n }],
  })
  await made.travelTo(new Date('2026-11-02T11:00:00Z'))
  await mill.reconciles()
  expect(await states()).toEqual(['open'])
})

test('a payment that a person deleted is made anew when a bookkeeper asks, and only then', async () => {
  const made = await oneSale()
  const { mill, ground, network, deliver } = made
  const { id } = await inTransaction(ground.db, asWorker, (tx) =>
    tx.delivery.findFirstOrThrow({ where: { organisationId: mill.organisationId, kind: 'payment' } }),
  )
  const anew = () => inTransaction(ground.db, asWorker, (tx) => askAnew(tx, { networkId: network.id, id }))
  await expect(anew()).rejects.toMatchObject({ code: 'delivery_does_not_allow' })
  mill.book.editBehindOurBack(documentOf(mill, 'payment').id, { status: 'deleted' })
  await mill.reconciles()

  await anew()
  await deliver()

  expect(mill.bookTable()).toBe(table`
    document           contact     total  vat   open  account
    invoice            The bakery  40.00  0.00  0.00  -
    payment            The bakery  40.00  -     -     40.00
    payment (deleted)  The bakery  40.00  -     -     40.00
  `)
  expect(await mill.disagreements()).toBe('all agree')
})
