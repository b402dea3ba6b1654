/** Each refusal of QuickBooks has its own status, code and words. */
import { afterAll, beforeAll, expect, test } from 'vitest'
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

const post = (path: string, body: Loose) => books.call('POST', path, body)
const edit = (deed: string, more: Loose = {}) => standIn.control.edit(books.company.id, { deed, ...more })

test('a name is used once, by customer, vendor or employee alike', async () => {
  expect(said(await post('/vendor', { DisplayName: 'The Corner Café' }))).toBe('400 6240')
  expect(said(await post('/vendor', { DisplayName: 'rosa delgado' }))).toBe('400 6240')
  const reply = await post('/customer', { DisplayName: 'Weald Flour Mill Ltd' })
  expect(reply.body.Fault.Error[0]).toMatchObject({
    Message: 'Duplicate Name Exists Error',
    Detail: expect.stringContaining('Id='),
  })
  expect((await post('/vendor', { DisplayName: 'The Corner Café (vendor)' })).status).toBe(200)
})

test('whether an inactive name blocks is a switch', async () => {
  await books.make('Customer', { DisplayName: 'Gone & Co' })
  await edit('archiveContact', { contact: 'Gone & Co' })
  expect(said(await post('/vendor', { DisplayName: 'Gone & Co' }))).toBe('400 6240')
  standIn.control.quirks({ inactiveNamesBlock: false })
  expect((await post('/vendor', { DisplayName: 'Gone & Co' })).status).toBe(200)
  standIn.control.quirks({ inactiveNamesBlock: true })
})

test('a document number is used once, unless the caller insists', async () => {
  await books.make('Invoice', of.invoice([10], { DocNumber: 'MC-77' }))
  const reply = await post('/invoice', of.invoice([10], { DocNumber: 'MC-77' }))
  expect(said(reply)).toBe('400 6140')
  expect(reply.body.Fault.Error[0].Detail).toMatch(/DocNumber=MC-77 is assigned to TxnType=Invoice with TxnId=\d+/)
  expect((await post('/invoice?include=allowduplicatedocnum', of.invoice([10], { DocNumber: 'MC-77' }))).status).toBe(
    200,
  )
  await books.make('Bill', of.bill(5, '20.0% S', { DocNumber: 'B-1' }))
  expect(said(await post('/bill', of.bill(5, '20.0% S', { DocNumber: 'B-1' })))).toBe('400 6140')
})

test('a bad shape is refused with its code and noted as a violation', async () => {
  const cases: [string, string, Loose][] = [
    ['2010', '/invoice', of.invoice([1], { Custmer: 1 })],
    ['2020', '/invoice', { ...of.invoice([1]), CustomerRef: undefined }],
    ['2020', '/invoice', { ...of.invoice([1]), Line: [] }],
    ['2030', '/invoice', of.invoice([1], { CustomerRef: { value: 'x1' } })],
    ['2050', '/invoice', of.invoice([1], { DocNumber: 'x'.repeat(22) })],
    ['2060', '/invoice', of.invoice([1], { TxnDate: '22/11/2026' })],
    ['2110', '/invoice', of.invoice([1.005])],
    ['2170', '/invoice', of.invoice([1], { GlobalTaxCalculation: 'Excluded' })],
    ['2210', '/customer', { DisplayName: 'Mail', PrimaryEmailAddr: { Address: 'nowhere' } }],
    ['6010', '/account', { Name: 'No type' }],
    ['6000', '/customer', { DisplayName: 'a:b' }],
    ['6000', '/billpayment', { ...of.billPayment(1, []), TotalAmt: undefined }],
  ]
  for (const [code, path, body] of cases) expect([path, said(await post(path, body))]).toEqual([path, `400 ${code}`])
  expect(standIn.control.violations()).toHaveLength(cases.length)
  expect(said(await post('/invoice', '{"broken'))).toBe('400 2010')
})

test('rules of bookkeeping are refused in their own words', async () => {
  const line = of.invoice([10]).Line[0]
  const priced = { ...line, SalesItemLineDetail: { ...(line?.SalesItemLineDetail ?? {}), Qty: 3, UnitPrice: 3 } }
  expect(said(await post('/invoice', of.invoice([10], { Line: [priced] })))).toBe('400 6070')
  const uncoded = { ...line, SalesItemLineDetail: { ItemRef: line?.SalesItemLineDetail.ItemRef } }
  expect(said(await post('/invoice', of.invoice([10], { Line: [uncoded] })))).toBe('400 6000')
  expect(
    said(
      await post(
        '/invoice',
        of.invoice([10], {
          GlobalTaxCalculation: 'NotApplicable',
          TxnTaxDetail: {
            TotalTax: 2,
            TaxLine: [{ Amount: 2, DetailType: 'TaxLineDetail', TaxLineDetail: { TaxRateRef: { value: '3' } } }],
          },
        }),
      ),
    ),
  ).toBe('400 6170')
  expect(said(await post('/invoice', of.invoice([10], { CustomerRef: { value: '999' } })))).toBe('400 2500')
  expect(said(await post('/payment', of.payment(10, [[10, '9999', 'Invoice']])))).toBe('400 610')
  const invoice = await books.make('Invoice', of.invoice([100]))
  const other = books.id('customers', "O'Neil Joinery")
  expect(
    said(await post('/payment', of.payment(120, [[120, invoice.Id, 'Invoice']], { CustomerRef: { value: other } }))),
  ).toBe('400 6000')
  expect(said(await post('/payment', of.payment(130, [[130, invoice.Id, 'Invoice']])))).toBe('400 6000')
  expect(said(await post('/payment', of.payment(100, [[120, invoice.Id, 'Invoice']])))).toBe('400 6000')
  expect(
    said(await post('/payment', of.payment(1, [], { DepositToAccountRef: { value: books.id('accounts', 'Sales') } }))),
  ).toBe('400 6000')
  expect(
    said(
      await post(
        '/billpayment',
        of.billPayment(1, [], {
          CheckPayment: { BankAccountRef: { value: books.id('accounts', 'Undeposited Funds') } },
        }),
      ),
    ),
  ).toBe('400 6000')
})

test('a line on debtors needs a customer, one on creditors a vendor, and journals must balance', async () => {
  const journal = (debit: string, credit: string, more: Loose = {}) => ({
    TxnDate: books.day,
    Line: [
      {
        Amount: 5,
        DetailType: 'JournalEntryLineDetail',
        JournalEntryLineDetail: { PostingType: 'Debit', AccountRef: { value: books.id('accounts', debit) }, ...more },
      },
      {
        Amount: 5,
        DetailType: 'JournalEntryLineDetail',
        JournalEntryLineDetail: { PostingType: 'Credit', AccountRef: { value: books.id('accounts', credit) } },
      },
    ],
  })
  const debtors = await post('/journalentry', journal('Debtors', 'Sales'))
  expect(debtors.body.Fault.Error[0]).toMatchObject({
    code: '6000',
    Detail: expect.stringContaining('must choose a customer in the Name field'),
  })
  expect((await post('/journalentry', journal('Creditors', 'Sales'))).body.Fault.Error[0].Detail).toContain(
    'must choose a vendor',
  )
  const customer = { Entity: { Type: 'Customer', EntityRef: { value: books.id('customers', 'The Corner Café') } } }
  expect((await post('/journalentry', journal('Debtors', 'Sales', customer))).status).toBe(200)
  const uneven = journal('Office expenses', 'Sales')
  if (uneven.Line[0]) uneven.Line[0].Amount = 6
  expect(said(await post('/journalentry', uneven))).toBe('400 2300')
})

test('an inactive customer, account or VAT code is told as such', async () => {
  await books.make('Customer', { DisplayName: 'Sleeper' })
  const { done } = (await edit('archiveContact', { contact: 'Sleeper' })) as Loose
  const reply = await post('/invoice', of.invoice([1], { CustomerRef: { value: done.Id } }))
  expect(reply.body.Fault.Error[0]).toMatchObject({ code: '610', Detail: expect.stringContaining('made inactive') })
  const account = await books.make('Account', { Name: 'Old bank', AccountType: 'Bank' })
  await edit('archiveAccount', { id: account.Id })
  expect(said(await post('/payment', of.payment(1, [], { DepositToAccountRef: { value: account.Id } })))).toBe(
    '400 610',
  )
  await edit('deactivateTaxCode', { name: '5.0% R' })
  expect(said(await post('/bill', of.bill(1, '5.0% R')))).toBe('400 610')
})

test('closed books take nothing on or before the day, and let nothing there be changed', async () => {
  const invoice = await books.make('Invoice', of.invoice([10], { TxnDate: '2026-10-31' }))
  await edit('lockPeriod', { through: '2026-10-31' })
  expect((await books.query('select * from Preferences')).Preferences[0].AccountingInfoPrefs.BookCloseDate).toBe(
    '2026-10-31',
  )
  expect(said(await post('/invoice', of.invoice([10], { TxnDate: '2026-10-31' })))).toBe('400 6200')
  expect((await post('/invoice', of.invoice([10], { TxnDate: '2026-11-01' }))).status).toBe(200)
  expect(said(await post('/invoice?operation=void', { Id: invoice.Id, SyncToken: '0' }))).toBe('400 6200')
  expect((await post('/payment', of.payment(12, [[12, invoice.Id, 'Invoice']]))).status).toBe(200)
  await edit('lockPeriod', { through: '2026-10-31', password: true })
  expect(said(await post('/invoice', of.invoice([10], { TxnDate: '2026-10-31' })))).toBe('400 6210')
  await edit('unlockPeriod')
})

test('what is not in the list cannot be voided or deleted', async () => {
  const bill = await books.make('Bill', of.bill(1))
  expect(said(await post('/bill?operation=update&include=void', { Id: bill.Id, SyncToken: '0', sparse: true }))).toBe(
    '400 500',
  )
  expect(said(await post('/customer?operation=delete', { Id: '1', SyncToken: '0' }))).toBe('400 500')
  const transfer = await books.make('Transfer', {
    FromAccountRef: { value: books.id('accounts', 'Cash on hand') },
    ToAccountRef: { value: books.mc },
    Amount: 1,
  })
  expect(said(await post('/transfer?operation=delete', { Id: transfer.Id, SyncToken: '0' }))).toBe('400 2020')
  expect((await post('/transfer?operation=delete', transfer)).body.Transfer.status).toBe('Deleted')
})

test('a lapsed subscription and a lost permission close the company', async () => {
  await edit('subscriptionLapsed')
  expect(said(await books.call('GET', '/preferences'))).toBe('400 6190')
  await edit('subscriptionLapsed', { on: false })
  await edit('permissionMissing')
  expect(said(await books.call('GET', '/preferences'))).toBe('403 5020')
  await edit('permissionMissing', { on: false })
  expect((await books.call('GET', `/companyinfo/${books.company.id}`)).body.CompanyInfo).toMatchObject({
    Country: 'GB',
    CompanyName: "Rosa's Bakery Ltd",
  })
})

test('an overpaid line, where the switch says so, stays unapplied', async () => {
  standIn.control.quirks({ overpayment: 'unapplied' })
  const invoice = await books.make('Invoice', of.invoice([10]))
  expect(await books.make('Payment', of.payment(20, [[20, invoice.Id, 'Invoice']]))).toMatchObject({ UnappliedAmt: 8 })
  standIn.control.quirks({ overpayment: 'refused' })
})
