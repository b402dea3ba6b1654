/**
 * What people do in their own books beside us: they delete, void, edit and unpay, type the same thing in again, merge and rename.
 * Each is named, with the document it is about; nothing of theirs is written over, and nothing of ours is made a second time.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connectionOf } from '../../src/books/connection.ts'
import { checkMappingsOf, mappingOf, saveMapping } from '../../src/books/mapping.ts'
import { reconcileBook } from '../../src/reconcile/run.ts'
import { type Ground, openGround, otherThan, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end({ isTouched: true }))

/** What a reconciliation names of these documents, as reference → verdict. */
async function named(vendor: Vendor): Promise<Map<string, string>> {
  const { networkId } = ground
  const { organisationId } = ground.firm(vendor)
  const run = await reconcileBook(ground.deps, { networkId, organisationId, actor: 'quits' })
  const rows = await ground.query<{ reference: string; verdict: string }>(
    "select reference, verdict from reconciliation_line where reconciliation_id = $1 and verdict <> 'match'",
    [run.id],
  )
  return new Map(rows.map((row) => [row.reference, row.verdict]))
}

test.each(vendors)(
  'fault 47: xero group 9: quickbooks group 13: what a person deletes, voids, edits or unpays in %s is named, and never written over or made again',
  async (vendor) => {
    const trades = []
    for (let place = 0; place < 4; place += 1) trades.push(await ground.sell(vendor, BigInt(11_000 + place)))
    await ground.deliver()
    const [voided, unpaid, edited, moved] = trades as [string, string, string, string]
    const invoices = {
      voided: await ground.one(voided, vendor, 'invoice'),
      edited: await ground.one(edited, vendor, 'invoice'),
      moved: await ground.one(moved, vendor, 'invoice'),
    }
    const payment = await ground.one(unpaid, vendor, 'payment')
    ground.edit(vendor, {
      deed: vendor === 'xero' ? 'voidInvoice' : 'deleteDocument',
      id: invoices.voided.receiptId,
      kind: 'Invoice',
    })
    ground.edit(vendor, { deed: 'deletePayment', id: payment.receiptId })
    ground.edit(vendor, { deed: 'editInvoice', id: invoices.edited.receiptId, amount: '12.34', kind: 'Invoice' })
    ground.edit(vendor, {
      deed: 'editInvoice',
      id: invoices.moved.receiptId,
      date: '2026-02-27',
      kind: 'Invoice',
      keepPayments: false,
    })
    const before = ground.mark(vendor)

    const found = await named(vendor)
    expect(found.get(invoices.voided.reference)).toBe('voided_by_person')
    expect(found.get(payment.reference)).toMatch(/^(missing_in_book|voided_by_person)$/)
    expect(found.get(invoices.edited.reference)).toBe('amount_differs')
    expect(found.get(invoices.moved.reference)).toBe('date_differs')
    await ground.time.advance(3_600_000)
    await ground.deliver()
    expect(ground.writes(vendor, before)).toEqual([])
    const standing = (await ground.documents(vendor)).filter(
      (document) => document.reference === invoices.edited.reference,
    )
    expect(standing).toHaveLength(1)
    expect(standing[0]?.totalMinor).not.toBe(13_202n)
  },
)

test.each(vendors)(
  'fault 48: a bill that was typed into %s by hand as well is named as a likely double, and both are left as they are',
  async (vendor) => {
    const trade = await ground.sell(otherThan(vendor), 12_100n)
    await ground.deliver()
    const bill = await ground.one(trade, vendor, 'bill')
    const [ours] = (await ground.documents(vendor)).filter((document) => document.reference === bill.reference)
    ground.edit(vendor, { deed: 'enterBill', contact: ours?.contactId, number: ours?.number, amount: '121.00' })
    const before = ground.mark(vendor)
    const { networkId } = ground
    const { organisationId } = ground.firm(vendor)
    const run = await reconcileBook(ground.deps, { networkId, organisationId, actor: 'quits' })
    const doubled = await ground.query<{ theirs: { number: string }; ours: { number: string } }>(
      "select theirs, ours from reconciliation_line where reconciliation_id = $1 and verdict = 'doubled'",
      [run.id],
    )
    expect(doubled.map((row) => [row.ours.number, row.theirs.number])).toEqual([[ours?.number, ours?.number]])
    await ground.deliver()
    expect(ground.writes(vendor, before)).toEqual([])
    expect(
      (await ground.documents(vendor)).filter((one) => one.kind === 'bill' && one.number === ours?.number),
    ).toHaveLength(2)
  },
)

test.each(vendors)(
  'fault 49: a contact and an account that were renamed in %s are followed by their ids, and the mapping says so',
  async (vendor) => {
    const { connectionId } = ground.firm(vendor)
    const [contact] = await ground.query<{ id: string }>(
      "select book_contact_id as id from book_contact where connection_id = $1 and counterpart_id = $2 and role = 'customer'",
      [connectionId, ground.firm(otherThan(vendor)).organisationId],
    )
    const held = await ground.worker((tx) => mappingOf(tx, connectionId, ground.networkId))
    ground.edit(vendor, { deed: 'renameContact', id: contact?.id, kind: 'Customer', name: 'Another name altogether' })
    ground.edit(vendor, { deed: 'renameAccount', id: held.mapping?.costAccountId, name: 'Costs of another name' })
    const trades = [await ground.sell(vendor), await ground.sell(otherThan(vendor))]
    await ground.deliver()
    await ground.expectOnce(...trades)
    const sold = await ground.one(trades[0] ?? '', vendor, 'invoice')
    const [invoice] = (await ground.documents(vendor)).filter((document) => document.reference === sold.reference)
    expect([invoice?.contactId, invoice?.contactName]).toEqual([contact?.id, 'Another name altogether'])

    expect(await checkMappingsOf(ground.deps, connectionId)).toEqual([])
    const { profile } = await ground.worker((tx) => connectionOf(tx, connectionId))
    expect(profile.accounts.find((account) => account.id === held.mapping?.costAccountId)?.name).toBe(
      'Costs of another name',
    )
    const { problem } = await ground.worker((tx) => mappingOf(tx, connectionId, ground.networkId))
    expect(problem).toEqual([
      { field: 'costAccountId', why: expect.stringContaining('“Costs of another name”'), isNotice: true },
    ])
    // It is shown until a person has looked.
    await checkMappingsOf(ground.deps, connectionId)
    expect((await ground.worker((tx) => mappingOf(tx, connectionId, ground.networkId))).problem).toEqual(problem)
    await saveMapping(ground.deps, {
      ...{ connectionId, networkId: ground.networkId, mapping: held.mapping, ifVersion: held.version, actor: 'quits' },
    })
    expect((await ground.worker((tx) => mappingOf(tx, connectionId, ground.networkId))).problem).toBeNull()
  },
)

test('fault 49: a contact that Xero has merged into another one is followed there, for what comes and for what stands', async () => {
  const { connectionId } = ground.firm('xero')
  const before = await ground.sell('xero')
  await ground.deliver()
  const [contact] = await ground.query<{ id: string }>(
    "select book_contact_id as id from book_contact where connection_id = $1 and counterpart_id = $2 and role = 'customer'",
    [connectionId, ground.firm('quickbooks').organisationId],
  )
  const into = ground.edit('xero', { deed: 'addContact', name: 'The mill, as it is called now' })
  ground.edit('xero', { deed: 'mergeContact', id: contact?.id, into: String(into.id) })
  const trade = await ground.sell('xero')
  await ground.deliver()
  await ground.expectOnce(before, trade)
  const sold = await ground.one(trade, 'xero', 'invoice')
  const [invoice] = (await ground.documents('xero')).filter((document) => document.reference === sold.reference)
  expect(invoice?.contactId).toBe(into.id)
  const found = await named('xero')
  const references = (await ground.deliveries([before, trade], 'xero')).map((row) => row.reference)
  expect(references.filter((reference) => found.has(reference))).toEqual([])
})

test('fault 49: a contact that QuickBooks has merged into another one is asked about, for QuickBooks does not say which', async () => {
  const { connectionId } = ground.firm('quickbooks')
  const [contact] = await ground.query<{ id: string }>(
    "select book_contact_id as id from book_contact where connection_id = $1 and counterpart_id = $2 and role = 'customer'",
    [connectionId, ground.firm('xero').organisationId],
  )
  ground.edit('quickbooks', { deed: 'addContact', kind: 'Customer', name: 'The bakery, as it is called now' })
  ground.edit('quickbooks', {
    deed: 'mergeContact',
    kind: 'Customer',
    id: contact?.id,
    into: 'The bakery, as it is called now',
  })
  const trade = await ground.sell('quickbooks')
  await ground.deliver()
  const [invoice] = (await ground.deliveries([trade], 'quickbooks')).filter((row) => row.kind === 'invoice')
  expect([invoice?.state, invoice?.cause]).toEqual(['parked', 'contact_archived'])
})
