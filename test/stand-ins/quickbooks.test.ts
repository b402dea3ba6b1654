/** The QuickBooks stand-in keeps real books: every document moves the accounts and the open amounts as QuickBooks does. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { QuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { type Books, bodies, connected, startBooks } from './quickbooks-client.ts'

let standIn: QuickBooksStandIn
let books: Books
let of: ReturnType<typeof bodies>

beforeAll(async () => {
  standIn = await startBooks()
})
afterAll(() => standIn.close())
/** Nothing that is sent here may break the published schema. */
afterEach(() => expect(standIn.control.violations()).toEqual([]))
beforeEach(async () => {
  await standIn.control.reset()
  books = await connected(standIn)
  of = bodies(books)
})

async function trialBalanceIsEven(): Promise<boolean> {
  const report = (await books.call('GET', '/reports/TrialBalance?end_date=2027-12-31')).body
  const total = report.Rows.Row.at(-1).Summary.ColData
  return total[1].value === total[2].value && total[1].value !== '0.00'
}

test('an invoice and its payment move debtors, sales, VAT and the mutual-credit account', async () => {
  const invoice = await books.make('Invoice', of.invoice([1000]))
  expect(invoice).toMatchObject({ TotalAmt: 1200, Balance: 1200, SyncToken: '0', TxnTaxDetail: { TotalTax: 200 } })
  expect(invoice.Line.at(-1)).toMatchObject({ DetailType: 'SubTotalLineDetail', Amount: 1000 })
  expect(await books.balance('Debtors')).toBe(1200)
  expect(await books.balance('VAT Control')).toBe(-200)

  const payment = await books.make('Payment', of.payment(1000, [[1000, invoice.Id, 'Invoice']]))
  expect(payment.UnappliedAmt).toBe(0)
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({
    Balance: 200,
    SyncToken: '0',
    LinkedTxn: [{ TxnId: payment.Id, TxnType: 'Payment' }],
  })
  expect(await books.balance('Mutual credit')).toBe(1000)
  expect((await books.query("select * from Customer where DisplayName = 'The Corner Café'")).Customer[0].Balance).toBe(
    200,
  )
  expect(await trialBalanceIsEven()).toBe(true)
})

test('a bill and its payment take the account below zero', async () => {
  const bill = await books.make('Bill', of.bill(500, '20.0% S', { DocNumber: 'INV-9' }))
  expect(bill).toMatchObject({ TotalAmt: 600, Balance: 600 })
  const paid = await books.make('BillPayment', of.billPayment(500, [[500, bill.Id, 'Bill']]))
  expect(await books.read('Bill', bill.Id)).toMatchObject({
    Balance: 100,
    LinkedTxn: [{ TxnId: paid.Id, TxnType: 'BillPaymentCheck' }],
  })
  expect(await books.balance('Mutual credit')).toBe(-500)
  expect(await books.balance('Creditors')).toBe(-100)
  expect(await trialBalanceIsEven()).toBe(true)
})

test('VAT is worked out per rate on the sum of the lines, half up', async () => {
  // Three lines of 0.33 would give 0.07 each, 0.21, line by line.
  expect(await books.make('Invoice', of.invoice([0.33, 0.33, 0.33]))).toMatchObject({
    TotalAmt: 1.19,
    TxnTaxDetail: { TotalTax: 0.2 },
  })
  // 0.1 and 0.2 are no floats here.
  expect(await books.make('Invoice', of.invoice([0.1, 0.2]))).toMatchObject({ TotalAmt: 0.36 })
})

test('prices that hold the tax keep their gross to the penny', async () => {
  const line = (Amount: number, TaxInclusiveAmt: number) => ({
    Amount,
    DetailType: 'SalesItemLineDetail',
    SalesItemLineDetail: {
      ItemRef: { value: books.id('products', 'Sales') },
      TaxCodeRef: { value: books.id('taxCodes', '20.0% S') },
      TaxInclusiveAmt,
    },
  })
  const receipt = await books.make('SalesReceipt', {
    CustomerRef: { value: books.id('customers', 'The Corner Café') },
    DepositToAccountRef: { value: books.mc },
    TxnDate: books.day,
    DocNumber: 'S-3',
    GlobalTaxCalculation: 'TaxInclusive',
    Line: [line(8.33, 10), line(8.33, 10), line(8.33, 10)],
  })
  expect(receipt).toMatchObject({ TotalAmt: 30, Balance: 0, TxnTaxDetail: { TotalTax: 5 } })
  expect(await books.balance('Mutual credit')).toBe(30)
  expect(await books.balance('Debtors')).toBe(0)
})

test('a reverse charge adds nothing to the bill', async () => {
  const bill = await books.make('Bill', of.bill(100, '20.0% RC'))
  expect(bill).toMatchObject({ TotalAmt: 100, Balance: 100 })
  expect(bill.TxnTaxDetail.TaxLine.map((line: { Amount: number }) => line.Amount).sort()).toEqual([-20, 20])
})

test('a refund receipt leaves the bank account and touches no debtor', async () => {
  const refund = (more: object) => ({
    CustomerRef: { value: books.id('customers', 'The Corner Café') },
    DepositToAccountRef: { value: books.mc },
    TxnDate: books.day,
    GlobalTaxCalculation: 'TaxExcluded',
    Line: of.invoice([100]).Line,
    ...more,
  })
  const made = await books.make('RefundReceipt', refund({ DocNumber: 'R-3', PrintStatus: 'NotSet' }))
  expect(made).toMatchObject({ TotalAmt: 120, Balance: 0, PrintStatus: 'NotSet' })
  expect(await books.make('RefundReceipt', refund({ DocNumber: 'R-4' }))).toMatchObject({
    PrintStatus: 'NeedToPrint',
    PaymentRefNum: 'To Print',
  })
  expect(await books.balance('Mutual credit')).toBe(-240)
  expect(await books.balance('Debtors')).toBe(0)
})

test('a seller reverses: credit memo on what is open, then the credit part out of the account', async () => {
  const invoice = await books.make('Invoice', of.invoice([1000]))
  await books.make('Payment', of.payment(600, [[600, invoice.Id, 'Invoice']]))
  const credit = await books.make('CreditMemo', of.invoice([1000], { DocNumber: 'CN-1' }))
  expect(credit).toMatchObject({ TotalAmt: 1200, RemainingCredit: 1200 })

  const setOff = await books.make(
    'Payment',
    of.payment(0, [
      [600, invoice.Id, 'Invoice'],
      [600, credit.Id, 'CreditMemo'],
    ]),
  )
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({ Balance: 0 })
  expect(await books.read('CreditMemo', credit.Id)).toMatchObject({
    RemainingCredit: 600,
    LinkedTxn: [{ TxnId: setOff.Id, TxnType: 'Payment' }],
  })

  const refund = await books.make('Purchase', {
    PaymentType: 'Cash',
    AccountRef: { value: books.mc },
    EntityRef: { value: books.id('customers', 'The Corner Café'), type: 'Customer' },
    TxnDate: books.day,
    GlobalTaxCalculation: 'NotApplicable',
    Line: [
      {
        Amount: 600,
        DetailType: 'AccountBasedExpenseLineDetail',
        AccountBasedExpenseLineDetail: { AccountRef: { value: books.id('accounts', 'Debtors') } },
      },
    ],
  })
  await books.make(
    'Payment',
    of.payment(0, [
      [600, credit.Id, 'CreditMemo'],
      [600, refund.Id, 'Expense'],
    ]),
  )
  expect(await books.read('CreditMemo', credit.Id)).toMatchObject({ RemainingCredit: 0 })
  expect(await books.read('Purchase', refund.Id)).not.toHaveProperty('LinkedTxn')
  expect(await books.balance('Mutual credit')).toBe(0)
  expect(await books.balance('Debtors')).toBe(0)
  expect(await books.balance('VAT Control')).toBe(0)
})

test('a buyer reverses: vendor credit on what is open, then a deposit coded to creditors', async () => {
  const bill = await books.make('Bill', of.bill(1000))
  await books.make('BillPayment', of.billPayment(600, [[600, bill.Id, 'Bill']]))
  const credit = await books.make('VendorCredit', of.bill(1000))
  await books.make(
    'BillPayment',
    of.billPayment(0, [
      [600, bill.Id, 'Bill'],
      [600, credit.Id, 'VendorCredit'],
    ]),
  )
  expect(await books.read('VendorCredit', credit.Id)).toMatchObject({ Balance: 600 })
  const deposit = await books.make('Deposit', {
    DepositToAccountRef: { value: books.mc },
    TxnDate: books.day,
    Line: [
      {
        Amount: 600,
        DetailType: 'DepositLineDetail',
        DepositLineDetail: {
          AccountRef: { value: books.id('accounts', 'Creditors') },
          Entity: { value: books.id('vendors', 'Weald Flour Mill Ltd'), type: 'Vendor' },
        },
      },
    ],
  })
  const last = await books.make(
    'BillPayment',
    of.billPayment(0, [
      [600, credit.Id, 'VendorCredit'],
      [600, deposit.Id, 'Deposit'],
    ]),
  )
  expect((await books.read('VendorCredit', credit.Id)).LinkedTxn.at(-1)).toEqual({
    TxnId: last.Id,
    TxnType: 'BillPayment',
  })
  expect(await books.read('VendorCredit', credit.Id)).toMatchObject({ Balance: 0 })
  expect(await books.balance('Mutual credit')).toBe(0)
  expect(await books.balance('Creditors')).toBe(0)
})

test('a fee, a transfer and a journal post as they say', async () => {
  await books.make('Purchase', {
    PaymentType: 'Cash',
    AccountRef: { value: books.mc },
    EntityRef: { value: books.id('vendors', 'Weald Flour Mill Ltd'), type: 'Vendor' },
    TxnDate: books.day,
    DocNumber: 'F-17',
    GlobalTaxCalculation: 'TaxExcluded',
    Line: [
      {
        Amount: 10,
        DetailType: 'AccountBasedExpenseLineDetail',
        AccountBasedExpenseLineDetail: {
          AccountRef: { value: books.id('accounts', 'Membership and network fees') },
          TaxCodeRef: { value: books.id('taxCodes', '20.0% S') },
        },
      },
    ],
  })
  expect(await books.balance('Mutual credit')).toBe(-12)
  await books.make('Transfer', {
    FromAccountRef: { value: books.id('accounts', 'Business Current Account') },
    ToAccountRef: { value: books.mc },
    Amount: 12,
    TxnDate: books.day,
  })
  expect(await books.balance('Mutual credit')).toBe(0)
  const side = (account: string, PostingType: string, Amount: number) => ({
    Amount,
    DetailType: 'JournalEntryLineDetail',
    JournalEntryLineDetail: { PostingType, AccountRef: { value: account } },
  })
  await books.make('JournalEntry', {
    TxnDate: books.day,
    Line: [
      side(books.id('accounts', 'Net wages payable'), 'Debit', 90),
      side(books.id('accounts', 'Staff benefits'), 'Debit', 10),
      side(books.mc, 'Credit', 100),
    ],
  })
  expect(await books.balance('Mutual credit')).toBe(-100)
  expect(await books.balance('Net wages payable')).toBe(90)
  expect(await trialBalanceIsEven()).toBe(true)
})

test('a payment without an account waits in Undeposited Funds, and cannot be changed once it is banked', async () => {
  const { DepositToAccountRef, ...body } = of.payment(50, [])
  const payment = await books.make('Payment', body)
  expect(payment.UnappliedAmt).toBe(50)
  expect(await books.balance('Undeposited Funds')).toBe(50)
  await books.make('Deposit', {
    DepositToAccountRef: { value: books.mc },
    TxnDate: books.day,
    Line: [{ Amount: 50, LinkedTxn: [{ TxnId: payment.Id, TxnType: 'Payment', TxnLineId: '0' }] }],
  })
  expect(await books.balance('Undeposited Funds')).toBe(0)
  expect(await books.balance('Mutual credit')).toBe(50)
  const reply = await books.call('POST', '/payment?operation=delete', { Id: payment.Id, SyncToken: payment.SyncToken })
  expect(reply.body.Fault.Error[0].code).toBe('6540')
})

test('a void keeps the record at zero; the payment goes before the invoice', async () => {
  const invoice = await books.make('Invoice', of.invoice([100], { PrivateNote: 'trade 7' }))
  const payment = await books.make('Payment', of.payment(120, [[120, invoice.Id, 'Invoice']]))
  const early = await books.call('POST', '/invoice?operation=void', { Id: invoice.Id, SyncToken: '0' })
  expect(early.body.Fault.Error[0].code).toBe('6000')

  const voidedPayment = await books.call('POST', '/payment?operation=update&include=void', {
    Id: payment.Id,
    SyncToken: '0',
    sparse: true,
  })
  expect(voidedPayment.body.Payment).toMatchObject({ TotalAmt: 0, Line: [], PrivateNote: 'Voided', SyncToken: '1' })
  expect(await books.read('Invoice', invoice.Id)).toMatchObject({ Balance: 120, LinkedTxn: [] })

  const voided = await books.call('POST', '/invoice?operation=void', { Id: invoice.Id, SyncToken: '0' })
  expect(voided.body.Invoice).toMatchObject({ TotalAmt: 0, Balance: 0, PrivateNote: 'Voided - trade 7' })
  expect(await books.balance('Debtors')).toBe(0)
  expect(await books.balance('Mutual credit')).toBe(0)
})

test('a delete leaves a stub, and what it paid is open again', async () => {
  const bill = await books.make('Bill', of.bill(100))
  const paid = await books.make('BillPayment', of.billPayment(120, [[120, bill.Id, 'Bill']]))
  const reply = await books.call('POST', '/billpayment?operation=delete', { Id: paid.Id, SyncToken: '0' })
  expect(reply.body.BillPayment).toEqual({ status: 'Deleted', domain: 'QBO', Id: paid.Id })
  expect(await books.read('Bill', bill.Id)).toMatchObject({ Balance: 120 })
  expect((await books.call('GET', `/billpayment/${paid.Id}`)).body.Fault.Error[0].code).toBe('610')
})

test('a full update clears what it does not say; a sparse one keeps it', async () => {
  const invoice = await books.make('Invoice', of.invoice([100], { DocNumber: 'MC-1', PrivateNote: 'keep me' }))
  const sparse = await books.call('POST', '/invoice', {
    Id: invoice.Id,
    SyncToken: '0',
    sparse: true,
    DueDate: '2026-12-31',
  })
  expect(sparse.body.Invoice).toMatchObject({
    PrivateNote: 'keep me',
    DocNumber: 'MC-1',
    DueDate: '2026-12-31',
    SyncToken: '1',
    TotalAmt: 120,
  })
  const full = await books.call('POST', '/invoice', {
    ...of.invoice([200]),
    DocNumber: 'MC-1',
    Id: invoice.Id,
    SyncToken: '1',
  })
  expect(full.body.Invoice).toMatchObject({ SyncToken: '2', TotalAmt: 240 })
  expect(full.body.Invoice).not.toHaveProperty('PrivateNote')
  expect(await books.balance('Debtors')).toBe(240)
  const stale = await books.call('POST', '/invoice', { Id: invoice.Id, SyncToken: '0', sparse: true })
  expect(stale.body.Fault.Error[0].code).toBe('5010')
})

test('a company with its own numbers gives none; the other numbers by itself', async () => {
  expect(await books.make('Invoice', of.invoice([1]))).not.toHaveProperty('DocNumber')
  books.company.customTxnNumbers = standIn.control.company(books.company.id).terms.customTxnNumbers = false
  expect((await books.make('Invoice', of.invoice([1]))).DocNumber).toBe('1001')
})

test('a company without VAT takes no VAT codes and adds no tax', async () => {
  const plain = await startBooks({
    organisations: [{ name: 'Green Fork Catering', vat: 'none', customers: [{ name: 'A' }] }],
  })
  const own = await connected(plain)
  const invoice = (TaxCodeRef?: object) => ({
    CustomerRef: { value: own.id('customers', 'A') },
    TxnDate: own.day,
    Line: [
      {
        Amount: 100,
        DetailType: 'SalesItemLineDetail',
        SalesItemLineDetail: { ItemRef: { value: own.id('products', 'Sales') }, ...(TaxCodeRef ? { TaxCodeRef } : {}) },
      },
    ],
  })
  expect(await own.make('Invoice', invoice())).toMatchObject({ TotalAmt: 100 })
  expect((await own.call('POST', '/invoice', invoice({ value: '3' }))).body.Fault.Error[0].code).toBe('2500')
  expect(await own.query('select * from TaxCode')).toEqual({})
  await plain.close()
})

test('where the switch says so, voiding a paid invoice leaves its payment unapplied', async () => {
  standIn.control.quirks({ voidOfSettled: 'unapplies' })
  const invoice = await books.make('Invoice', of.invoice([100]))
  const payment = await books.make('Payment', of.payment(120, [[120, invoice.Id, 'Invoice']]))
  await books.call('POST', '/invoice?operation=void', { Id: invoice.Id, SyncToken: '0' })
  expect(await books.read('Payment', payment.Id)).toMatchObject({ UnappliedAmt: 120, Line: [] })
  expect(await books.balance('Debtors')).toBe(-120)
})

test('the books at any day are those of the documents as they stand', async () => {
  const invoice = await books.make('Invoice', of.invoice([100], { TxnDate: '2026-10-01' }))
  await books.call('POST', '/invoice', { Id: invoice.Id, SyncToken: '0', sparse: true, TxnDate: '2026-11-10' })
  const debtorsOn = async (day: string) => {
    const rows = (await books.call('GET', `/reports/TrialBalance?end_date=${day}`)).body.Rows.Row ?? []
    return rows.find((row: { ColData?: { value: string }[] }) => row.ColData?.[0]?.value === 'Debtors')?.ColData[1]
      .value
  }
  expect(await debtorsOn('2026-10-31')).toBeUndefined()
  expect(await debtorsOn('2026-11-10')).toBe('120.00')
})
