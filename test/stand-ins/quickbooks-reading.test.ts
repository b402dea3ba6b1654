/** Queries, changes, batches and reports of the QuickBooks stand-in, and what a person does behind the app's back. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf } from '../../stand-ins/quickbooks/check.ts'
import type { QuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { type Books, bodies, connected, type Loose, said, startBooks } from './quickbooks-client.ts'

let standIn: QuickBooksStandIn
let books: Books
let of: ReturnType<typeof bodies>

beforeAll(async () => {
  standIn = await startBooks()
  books = await connected(standIn)
  of = bodies(books)
})
afterAll(() => standIn.close())

const ask = (query: string) => books.call('GET', `/query?query=${encodeURIComponent(query)}`)
const samples = (name: string): Loose[] =>
  JSON.parse(readFileSync(new URL(`../../stand-ins/quickbooks/schema/samples/${name}.json`, import.meta.url), 'utf8'))

test('the published samples pass, and the spoiled ones do not', () => {
  for (const { def, body, note } of [...samples('must-pass'), ...samples('sandbox-answers')])
    expect([def, note, faultsOf(def, body)?.message]).toEqual([def, note, undefined])
  for (const { def, body, note } of samples('must-fail'))
    expect([def, note, faultsOf(def, body) === undefined]).toEqual([def, note, false])
})

test('every answer has the shape that the schema gives for it', async () => {
  const invoice = await books.make('Invoice', of.invoice([10, 20], { DocNumber: 'Q-1' }))
  const bill = await books.make('Bill', of.bill(7))
  await books.make('Payment', of.payment(36, [[36, invoice.Id, 'Invoice']]))
  await books.make('BillPayment', of.billPayment(8.4, [[8.4, bill.Id, 'Bill']]))
  await books.make('CreditMemo', of.invoice([1]))
  await books.make('VendorCredit', of.bill(1))
  for (const kind of [
    'Invoice',
    'Bill',
    'Payment',
    'BillPayment',
    'CreditMemo',
    'VendorCredit',
    'Account',
    'Customer',
    'Vendor',
    'Employee',
    'Item',
    'TaxCode',
    'TaxRate',
    'CompanyInfo',
    'Preferences',
  ]) {
    const reply = await ask(`select * from ${kind}`)
    expect([kind, faultsOf('query.response', reply.body)?.message]).toEqual([kind, undefined])
    for (const stored of reply.body.QueryResponse[kind])
      expect([kind, faultsOf(`${kind}.stored`, stored)?.message]).toEqual([kind, undefined])
  }
})

test('a query filters, sorts, counts and pages', async () => {
  for (let at = 1; at <= 5; at++)
    await books.make('Invoice', of.invoice([at], { DocNumber: `P-${at}`, TxnDate: `2026-11-0${at}` }))
  const numbers = async (query: string) =>
    ((await books.query(query)).Invoice ?? []).map((invoice: Loose) => invoice.DocNumber)
  expect(
    await numbers("select * from Invoice where DocNumber like 'P-%' and TxnDate > '2026-11-02' orderby TxnDate desc"),
  ).toEqual(['P-5', 'P-4', 'P-3'])
  expect(await numbers("select * from Invoice where DocNumber in ('P-1', 'P-4')")).toEqual(['P-1', 'P-4'])
  expect(await numbers("select * from Invoice where DocNumber like 'P-%' startposition 2 maxresults 2")).toEqual([
    'P-2',
    'P-3',
  ])
  expect(await books.query("select count(*) from Invoice where DocNumber like 'P-%'")).toEqual({ totalCount: 5 })
  expect(await books.query("select * from Invoice where DocNumber = 'none'")).toEqual({})
  expect((await books.query("select * from Customer where DisplayName = 'O\\'Neil Joinery'")).Customer).toHaveLength(1)
  const posted = await books.call('POST', '/query', "select * from Invoice where DocNumber = 'P-1'", {
    'Content-Type': 'application/text',
  })
  expect(posted.body.QueryResponse).toMatchObject({ startPosition: 1, maxResults: 1 })
})

test('what the language does not have is refused', async () => {
  expect(said(await ask('select * from'))).toBe('400 4001')
  expect(said(await ask("select * from Invoice where DocNumber = 'a' or DocNumber = 'b'"))).toBe('400 4000')
  expect(said(await ask('select Id from Invoice'))).toBe('400 4000')
  expect(said(await ask('select * from Invoice startposition 0'))).toBe('400 4001')
  expect(said(await ask('select * from Invoice maxresults 1001'))).toBe('400 4001')
  expect(said(await ask("select * from Payment where UnappliedAmt > '0'"))).toBe('400 4001')
  expect(said(await ask("select * from Invoice where Id > '3'"))).toBe('400 4001')
})

test('inactive names come only when they are asked for', async () => {
  await books.make('Vendor', { DisplayName: 'Sleeping Mill' })
  standIn.control.edit(books.company.id, { deed: 'archiveContact', contact: 'Sleeping Mill' })
  expect(await books.query("select * from Vendor where DisplayName = 'Sleeping Mill'")).toEqual({})
  expect(
    (await books.query("select * from Vendor where DisplayName = 'Sleeping Mill' and Active in (true, false)")).Vendor,
  ).toHaveLength(1)
})

test('changes since an instant: a paid invoice too, and the deleted ones after the live', async () => {
  const paid = await books.make('Invoice', of.invoice([3]))
  const dropped = await books.make('Invoice', of.invoice([4]))
  standIn.clock.advance(60_000)
  const since = standIn.clock.now().toISOString()
  await books.make('Payment', of.payment(3.6, [[3.6, paid.Id, 'Invoice']]))
  await books.call('POST', '/invoice?operation=delete', { Id: dropped.Id, SyncToken: '0' })
  const reply = await books.call('GET', `/cdc?entities=Invoice,Payment&changedSince=${encodeURIComponent(since)}`)
  expect(faultsOf('cdc.response', reply.body)?.message).toBeUndefined()
  const [invoices, payments] = reply.body.CDCResponse[0].QueryResponse
  expect(invoices.Invoice.map((one: Loose) => [one.Id, one.status ?? one.Balance])).toEqual([
    [paid.Id, 0],
    [dropped.Id, 'Deleted'],
  ])
  expect(payments.Payment).toHaveLength(1)
  expect(said(await books.call('GET', '/cdc?entities=TaxCode&changedSince=2026-11-20T00:00:00Z'))).toBe('400 4001')
  expect(said(await books.call('GET', '/cdc?entities=Invoice&changedSince=2020-01-01'))).toBe('400 2060')
})

test('a batch answers each element by its bId, and one bad element spoils no other', async () => {
  const reply = await books.call('POST', '/batch', {
    BatchItemRequest: [
      { bId: 'a', operation: 'create', Invoice: of.invoice([11], { DocNumber: 'BT-1' }) },
      { bId: 'b', operation: 'create', Customer: { DisplayName: 'The Corner Café' } },
      { bId: 'c', Query: "select * from Customer where DisplayName = 'The Corner Café'" },
    ],
  })
  expect(reply.status).toBe(200)
  expect(faultsOf('batch.response', reply.body)?.message).toBeUndefined()
  const by = new Map<string, Loose>(reply.body.BatchItemResponse.map((one: Loose) => [one.bId, one]))
  expect(by.get('a').Invoice.TotalAmt).toBe(13.2)
  expect(by.get('b').Fault.Error[0].code).toBe('6240')
  expect(by.get('c').QueryResponse.Customer).toHaveLength(1)
  expect(standIn.control.violations()).toEqual([])
  const many = Array.from({ length: 31 }, (_one, at) => ({ bId: `q${at}`, Query: 'select * from Item' }))
  expect(said(await books.call('POST', '/batch', { BatchItemRequest: many }))).toBe('400 2010')
})

test('reports add up to the accounts', async () => {
  const trial = (await books.call('GET', '/reports/TrialBalance?end_date=2027-12-31')).body
  expect(faultsOf('Report', trial)?.message).toBeUndefined()
  const total = trial.Rows.Row.at(-1).Summary.ColData
  expect(total[1].value).toBe(total[2].value)
  const sheet = (await books.call('GET', '/reports/BalanceSheet?end_date=2027-12-31')).body
  const [assets, liabilities, equity] = sheet.Rows.Row.map((row: Loose) =>
    Math.round(Number(row.Summary.ColData[1].value) * 100),
  )
  expect(assets).toBe(liabilities + equity)
  const ledger = (await books.call('GET', `/reports/GeneralLedger?account=${books.mc}&end_date=2027-12-31`)).body
  expect(Number(ledger.Rows.Row[0].Rows.Row.at(-1).ColData[6].value)).toBe(await books.balance('Mutual credit'))
  const list = (await books.call('GET', '/reports/TransactionList?start_date=2026-11-01&end_date=2026-11-30')).body
  expect(list.Rows.Row.length).toBeGreaterThan(5)
  expect(said(await books.call('GET', '/reports/TrialBalance?end_date=soon'))).toBe('400 2060')
})

test('a person may delete, edit, merge and pay behind our back', async () => {
  const deed = (name: string, more: Loose) =>
    (standIn.control.edit(books.company.id, { deed: name, ...more }) as Loose).done
  const invoice = await books.make('Invoice', of.invoice([100], { DocNumber: 'HB-1' }))
  const payment = await books.make('Payment', of.payment(60, [[60, invoice.Id, 'Invoice']]))
  deed('deletePayment', { id: payment.Id })
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({ Balance: 120, LinkedTxn: [] })
  deed('editInvoice', { id: invoice.Id, amount: '90.00' })
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({ TotalAmt: 108, SyncToken: '1' })
  deed('payInvoice', { id: invoice.Id, amount: '8.00' })
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({ Balance: 100 })
  deed('addContact', { name: 'Corner Cafe Ltd' })
  deed('mergeContact', { from: 'The Corner Café', into: 'Corner Cafe Ltd' })
  expect((await books.read('Invoice', invoice.Id)).CustomerRef.name).toBe('Corner Cafe Ltd')
  deed('spendMoney', { account: 'Mutual credit', amount: '5' })
  deed('receiveMoney', { account: 'Mutual credit', amount: '7.50' })
  deed('enterInvoice', { contact: 'Corner Cafe Ltd', amount: '10', number: 'MAN-1' })
  deed('enterBill', { contact: 'Weald Flour Mill Ltd', amount: '10', number: 'MAN-2' })
  deed('renameAccount', { account: 'Mutual credit', name: 'Barter' })
  expect((await books.query("select * from Account where Name = 'Barter'")).Account[0].Id).toBe(books.mc)
  deed('voidInvoice', { id: invoice.Id })
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({ TotalAmt: 0, PrivateNote: 'Voided' })
  deed('deleteDocument', { id: invoice.Id, kind: 'Invoice' })
  expect(said(await books.call('GET', `/invoice/${invoice.Id}`))).toBe('400 610')
  expect(() => deed('dance', {})).toThrow(/no deed/)
})
