/** What the QuickBooks connector sends, and what it makes of the answers. Bodies are held against the published schema. */
import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import nock from 'nock'
import { expect, test } from 'vitest'
import type { Ask, Invoice } from '../../connectors/port.ts'
import {
  allocation,
  api,
  bill,
  company,
  connectorWith,
  credit,
  grant,
  invoice,
  money,
  payment,
  playedByNock,
  receipt,
} from './quickbooks-scene.ts'

playedByNock()

const schemaFile = new URL('../../stand-ins/quickbooks/schema/quickbooks-v3.schema.json', import.meta.url)
const ajv = new Ajv2020.default({ strict: false })
addFormats.default(ajv)
ajv.addSchema(JSON.parse(readFileSync(schemaFile, 'utf8')), 'quickbooks')

type Body = Record<string, unknown>
let sent: { body: Body }[] = []

/** Takes one write, keeps what was sent, and answers with it and an id, as QuickBooks does. */
function takes(entity: string, answer: Body = {}, query: object | boolean = true) {
  sent = []
  nock(api)
    .post(`${company}/${entity.toLowerCase()}`)
    .query(query as never)
    .reply(200, async (request: Request) => {
      const asked = (await request.json()) as Body
      sent.push({ body: asked })
      return { [entity]: { ...asked, Id: '31', SyncToken: '0', MetaData: {}, ...answer }, time: now() }
    })
}
const now = () => '2026-11-24T02:00:00.000-08:00'
function expectSchema(definition: string) {
  const validate = ajv.getSchema(`quickbooks#/$defs/${definition}`)
  expect(validate?.(sent[0]?.body), JSON.stringify(validate?.errors)).toBe(true)
}

test('quickbooks group 15: an invoice bears our number, its marker in the note, net lines with item and VAT code', async () => {
  takes('Invoice', { TotalAmt: 1200, Balance: 1200 }, { requestid: 'key-1', minorversion: '75' })
  const [verdict] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: invoice() }])

  expect(sent[0]?.body).toEqual({
    CustomerRef: { value: '5' },
    CurrencyRef: { value: 'GBP' },
    DocNumber: 'HB-0001',
    TxnDate: '2026-11-22',
    DueDate: '2026-12-22',
    PrivateNote: 'Q7H2K9M4TZ-I | Trade with Mill | https://quits.example/trades/1',
    GlobalTaxCalculation: 'TaxExcluded',
    Line: [
      {
        Amount: 1000,
        Description: 'Bread',
        DetailType: 'SalesItemLineDetail',
        SalesItemLineDetail: { ItemRef: { value: '1' }, Qty: 1, UnitPrice: 1000, TaxCodeRef: { value: '3' } },
      },
    ],
  })
  expectSchema('Invoice.create')
  expect(verdict).toMatchObject({
    ok: true,
    receipt: {
      kind: 'invoice',
      id: '31',
      version: '0',
      number: 'HB-0001',
      totalMinor: 120_000n,
      openMinor: 120_000n,
      status: 'open',
      deepLink: 'https://app.qbo.intuit.com/app/invoice?txnId=31',
    },
  })
})

test('a sale without an item is refused before anything is sent', async () => {
  const lines = invoice().lines.map((line) => ({ ...line, itemId: null }))
  const [verdict] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: invoice({ lines }) }])
  expect(verdict).toMatchObject({ ok: false, error: { kind: 'invalid', facts: { cause: 'item_missing' } } })
})

test('quickbooks group 14: a bill in a book without VAT has no codes and says so', async () => {
  takes('Bill', { TotalAmt: 1200, Balance: 1200 })
  const lines = bill().lines.map((line) => ({ ...line, netMinor: 120_000n, vatMinor: 0n, taxCodeId: null }))
  await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: bill({ lines }) }])
  expectSchema('Bill.create')
  expect(sent[0]?.body).toMatchObject({
    VendorRef: { value: '7' },
    DocNumber: 'HB-0001',
    GlobalTaxCalculation: 'NotApplicable',
    Line: [{ Amount: 1200, AccountBasedExpenseLineDetail: { AccountRef: { value: '60' } } }],
  })
})

test('credits bear our reference as their number, and the number in the note', async () => {
  takes('CreditMemo', { TotalAmt: 1200, RemainingCredit: 1200, Balance: 1200 })
  const [memo] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: credit() }])
  expectSchema('CreditMemo.create')
  expect(sent[0]?.body).toMatchObject({ DocNumber: 'Q7H2K9M4TZ-C' })
  expect(sent[0]?.body.PrivateNote).toContain('HB-C-0001')
  expect(memo).toMatchObject({ ok: true, receipt: { kind: 'credit_note', openMinor: 120_000n } })

  takes('VendorCredit', { TotalAmt: 1200 })
  const thing = credit({ kind: 'supplier_credit', contactId: '7' })
  const [supplier] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing }])
  expectSchema('VendorCredit.create')
  expect(supplier).toMatchObject({ ok: true, receipt: { kind: 'supplier_credit', openMinor: 120_000n } })
})

test('quickbooks group 13: a payment received goes into the account named, a payment made comes out of it', async () => {
  takes('Payment', { UnappliedAmt: 0 })
  const [received] = await connectorWith().putPayments(grant, [{ key: 'key-1', thing: payment() }])
  expectSchema('Payment.create')
  expect(sent[0]?.body).toMatchObject({
    CustomerRef: { value: '5' },
    TotalAmt: 600.1,
    DepositToAccountRef: { value: '35' },
    PaymentRefNum: 'Q7H2K9M4TZ-P',
    Line: [{ Amount: 600.1, LinkedTxn: [{ TxnId: '31', TxnType: 'Invoice' }] }],
  })
  expect(received).toMatchObject({
    ok: true,
    receipt: { kind: 'payment', id: '31', totalMinor: 60_010n, status: 'paid' },
  })

  takes('BillPayment')
  const thing = payment({ of: receipt({ kind: 'bill', id: '33' }), contactId: '7' })
  const [made] = await connectorWith().putPayments(grant, [{ key: 'key-1', thing }])
  expectSchema('BillPayment.create')
  expect(sent[0]?.body).toMatchObject({
    VendorRef: { value: '7' },
    PayType: 'Check',
    CheckPayment: { BankAccountRef: { value: '35' }, PrintStatus: 'NotSet' },
    DocNumber: 'Q7H2K9M4TZ-P',
    Line: [{ Amount: 600.1, LinkedTxn: [{ TxnId: '33', TxnType: 'Bill' }] }],
  })
  expect(made).toMatchObject({ ok: true, receipt: { kind: 'payment', id: 'billpayment-31' } })
})

test('a refund to a customer is an expense on debtors and a payment of nothing that links it with the credit', async () => {
  nock(api)
    .get(`${company}/query`)
    .query((query) => String(query.query).includes("AccountType = 'Accounts Receivable'"))
    .reply(200, { QueryResponse: { Account: [{ Id: '84', AccountType: 'Accounts Receivable', Active: true }] } })
  takes('Purchase', { TotalAmt: 600 })
  const refund = money({ clearing: 'receivable', contactId: '5', totalMinor: 60_000n })
  await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: refund }])
  expectSchema('Purchase.create')
  expect(sent[0]?.body).toMatchObject({
    PaymentType: 'Cash',
    AccountRef: { value: '35' },
    EntityRef: { value: '5', type: 'Customer' },
    GlobalTaxCalculation: 'NotApplicable',
    Line: [{ Amount: 600, AccountBasedExpenseLineDetail: { AccountRef: { value: '84' } } }],
  })

  takes('Payment', { UnappliedAmt: 0 })
  const [linked] = await connectorWith().putPayments(grant, [{ key: 'key-2', thing: allocation() }])
  expectSchema('Payment.create')
  expect(sent[0]?.body).toMatchObject({
    TotalAmt: 0,
    DepositToAccountRef: { value: '35' },
    Line: [
      { Amount: 600, LinkedTxn: [{ TxnId: '32', TxnType: 'Expense' }] },
      { Amount: 600, LinkedTxn: [{ TxnId: '41', TxnType: 'CreditMemo' }] },
    ],
  })
  expect(linked).toMatchObject({ ok: true, receipt: { kind: 'allocation', totalMinor: 60_000n } })
})

test('a refund from a supplier is a deposit on creditors, and its line is named when the credit is set against it', async () => {
  nock(api)
    .get(`${company}/query`)
    .query((query) => String(query.query).includes("AccountType = 'Accounts Payable'"))
    .reply(200, { QueryResponse: { Account: [{ Id: '85', AccountType: 'Accounts Payable' }] } })
  takes('Deposit', { TotalAmt: 600 })
  const refund = money({ kind: 'money_received', clearing: 'payable', totalMinor: 60_000n })
  await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: refund }])
  expectSchema('Deposit.create')
  expect(sent[0]?.body).toMatchObject({
    DepositToAccountRef: { value: '35' },
    PrivateNote: expect.stringMatching(/^Q7H2K9M4TZ-F \| /),
    Line: [{ DepositLineDetail: { AccountRef: { value: '85' }, Entity: { value: '7', type: 'Vendor' } } }],
  })

  nock(api)
    .get(`${company}/query`)
    .query((query) => String(query.query).includes("from Deposit where Id = '42'"))
    .reply(200, { QueryResponse: { Deposit: [{ Id: '42', Line: [{ Id: '1', Amount: 600 }] }] } })
  takes('BillPayment')
  const thing = allocation({
    credit: receipt({ kind: 'supplier_credit', id: '41' }),
    against: receipt({ kind: 'money_received', id: '42' }),
    contactId: '7',
  })
  await connectorWith().putPayments(grant, [{ key: 'key-2', thing }])
  expectSchema('BillPayment.create')
  expect(sent[0]?.body).toMatchObject({
    TotalAmt: 0,
    Line: [
      { LinkedTxn: [{ TxnId: '42', TxnType: 'Deposit', TxnLineId: '1' }] },
      { LinkedTxn: [{ TxnId: '41', TxnType: 'VendorCredit' }] },
    ],
  })
})

test('a credit is not paid back in one step, and nothing is sent', async () => {
  const thing = payment({ of: receipt({ kind: 'credit_note' }) })
  const [verdict] = await connectorWith().putPayments(grant, [{ key: 'key-1', thing }])
  expect(verdict).toMatchObject({ ok: false, error: { facts: { cause: 'refund_takes_two_steps' } } })
})

test('a fee is an expense with its VAT code; a sale at a till tells the gross; a journal has both sides', async () => {
  takes('Purchase', { TotalAmt: 12 })
  await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: money() }])
  expectSchema('Purchase.create')
  expect(sent[0]?.body).toMatchObject({
    DocNumber: 'Q7H2K9M4TZ-F',
    EntityRef: { value: '7', type: 'Vendor' },
    GlobalTaxCalculation: 'TaxExcluded',
    Line: [{ Amount: 10, AccountBasedExpenseLineDetail: { TaxCodeRef: { value: '3' } } }],
  })

  takes('SalesReceipt', { TotalAmt: 12 })
  const lines = money().lines.map((line) => ({ ...line, itemId: '1' }))
  const till = money({ kind: 'money_received', contactId: '5', lines })
  const [sale] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: till }])
  expectSchema('SalesReceipt.create')
  expect(sent[0]?.body).toMatchObject({
    GlobalTaxCalculation: 'TaxInclusive',
    Line: [{ Amount: 10, SalesItemLineDetail: { TaxInclusiveAmt: 12 } }],
  })
  expect(sale).toMatchObject({ ok: true, receipt: { kind: 'money_received', id: 'salesreceipt-31' } })

  takes('JournalEntry')
  const sides = [250_00n, -250_00n].map((amountMinor, index) => ({
    accountId: String(60 + index),
    description: 'Wages',
    amountMinor,
    taxCodeId: null,
  }))
  const journal = {
    kind: 'journal',
    reference: 'Q1-J',
    datedOn: '2026-11-22',
    currency: 'GBP',
    lines: sides,
    note: '',
  } as const
  const [entry] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: { ...journal, lines: sides } }])
  expectSchema('JournalEntry.create')
  expect(entry).toMatchObject({ ok: true, receipt: { kind: 'journal', totalMinor: 250_00n } })
})

test('who pays into the account is looked up, since a deposit must say whether it is a customer or a supplier', async () => {
  nock(api)
    .get(`${company}/query`)
    .query((query) => String(query.query).includes("from Customer where Id = '5'"))
    .reply(200, { QueryResponse: { Customer: [{ Id: '5', DisplayName: 'Staff of Hill' }] } })
  takes('Deposit', { TotalAmt: 12 })
  await connectorWith().putDocuments(grant, [
    { key: 'key-1', thing: money({ kind: 'money_received', contactId: '5' }) },
  ])
  expectSchema('Deposit.create')
  expect(sent[0]?.body).toMatchObject({
    Line: [{ DepositLineDetail: { Entity: { value: '5', type: 'Customer' }, TaxApplicableOn: 'Sales' } }],
  })
})

test('fault 61: quickbooks group 27: an amount of fifteen digits goes out and comes back digit for digit', async () => {
  sent = []
  let raw = ''
  nock(api)
    .post(`${company}/payment`, (body) => {
      raw = JSON.stringify(body)
      return true
    })
    .query(true)
    .reply(200, '{"Payment":{"Id":"1","SyncToken":"0","TotalAmt":9007199254740.93,"TxnDate":"2026-11-22"}}')
  const thing = payment({ amountMinor: 900_719_925_474_093n })
  const [verdict] = await connectorWith().putPayments(grant, [{ key: 'key-1', thing }])
  expect(raw).toContain('9007199254740.93')
  expect(verdict).toMatchObject({ ok: true, receipt: { totalMinor: 900_719_925_474_093n } })
})

// ─── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

const many = (count: number): Ask<Invoice>[] =>
  Array.from({ length: count }, (_, index) => ({ key: `key-${index}`, thing: invoice({ number: `HB-${index}` }) }))

type Batch = { BatchItemRequest: { bId: string; operation: string; Invoice: Body }[] }
function takesBatch(judge: (one: Batch['BatchItemRequest'][number]) => Body | null, keys: string[] = []) {
  nock(api)
    .post(`${company}/batch`)
    .query((query) => keys.push(String(query.requestid)) > 0)
    .reply(200, async (request: Request) => {
      const body = (await request.json()) as Body & Batch
      const asked = body.BatchItemRequest
      sent = [{ body }]
      const told = asked.flatMap((one) => {
        const answer = judge(one)
        return answer ? [{ bId: one.bId, ...answer }] : []
      })
      return { BatchItemResponse: told.reverse(), time: now() }
    })
}
const takenAs = (one: Batch['BatchItemRequest'][number]) => ({
  Invoice: { ...one.Invoice, Id: `id-${one.Invoice.DocNumber}`, SyncToken: '0', TotalAmt: 1200, Balance: 1200 },
})

test('fault 26: quickbooks group 19: several go in one batch and each gets its own verdict, in the order they were asked', async () => {
  takesBatch((one) => {
    if (one.bId === '2') {
      return { Fault: { type: 'ValidationFault', Error: [{ Message: 'Period closed', Detail: '', code: '6200' }] } }
    }
    return one.bId === '3' ? null : takenAs(one)
  })
  const preferences = { Preferences: { AccountingInfoPrefs: { BookCloseDate: '2026-10-31' } } }
  nock(api).get(`${company}/preferences`).query(true).reply(200, preferences)
  const verdicts = await connectorWith().putDocuments(grant, many(4))
  expectSchema('batch.request')
  expect(verdicts).toMatchObject([
    { ok: true, receipt: { id: 'id-HB-0' } },
    { ok: false, error: { kind: 'period_locked', facts: { lockedThrough: '2026-10-31' } } },
    { ok: false, error: { kind: 'unclear', facts: { cause: 'no_word_of_it' } } },
    { ok: true, receipt: { id: 'id-HB-3' } },
  ])
})

test('quickbooks group 19: a batch holds at most thirty, and the same asks go out under the same key', async () => {
  const keys: string[] = []
  for (let call = 0; call < 4; call++) takesBatch(takenAs, keys)
  const first = await connectorWith().putDocuments(grant, many(32))
  await connectorWith().putDocuments(grant, many(32))
  expect(first.every((verdict) => verdict.ok)).toBe(true)
  expect(first.map((verdict) => verdict.ok && verdict.receipt.number)).toEqual(
    many(32).map(({ thing }) => thing.number),
  )
  expect(keys.slice(0, 2)).toEqual(keys.slice(2))
  expect(new Set(keys).size).toBe(2)
  expect(keys.every((key) => key.length <= 36)).toBe(true)
})

test('what a throttled batch keeps from being sent is told as throttled too, and what was taken stays taken', async () => {
  takesBatch(takenAs)
  nock(api).post(`${company}/batch`).query(true).reply(429, '', { 'retry-after': '9' })
  const verdicts = await connectorWith().putDocuments(grant, many(65))
  expect(verdicts.slice(0, 30).every((verdict) => verdict.ok)).toBe(true)
  expect(verdicts.slice(30)).toHaveLength(35)
  for (const verdict of verdicts.slice(30)) {
    expect(verdict).toMatchObject({ ok: false, error: { kind: 'throttled', facts: { waitMs: 9000 } } })
  }
})

test('where no batch is known, each thing goes by itself under its own key', async () => {
  nock(api).post(`${company}/batch`).query(true).reply(404, '<html>not here</html>', { 'content-type': 'text/html' })
  const bodies: Body[] = []
  for (const key of ['k1', 'k2']) {
    nock(api)
      .post(`${company}/invoice`)
      .query({ requestid: key, minorversion: '75' })
      .reply(200, async (request: Request) => {
        const asked = (await request.json()) as Body
        bodies.push(asked)
        return { Invoice: { ...asked, Id: key, SyncToken: '0', MetaData: {} }, time: now() }
      })
  }
  const verdicts = await connectorWith().putDocuments(grant, [
    { key: 'k1', thing: invoice() },
    { key: 'k2', thing: invoice() },
  ])
  expect(bodies).toHaveLength(2)
  expect(verdicts).toMatchObject([
    { ok: true, receipt: { id: 'k1' } },
    { ok: true, receipt: { id: 'k2' } },
  ])
})

test('quickbooks group 19: a batch refused whole is thrown', async () => {
  nock(api).post(`${company}/batch`).query(true).reply(401, '', {})
  await expect(connectorWith().putDocuments(grant, many(2))).rejects.toMatchObject({ kind: 'unauthorized' })
})

// ─── A number that is taken ───────────────────────────────────────────────────────────────────────────────────────

const taken = {
  Fault: { type: 'ValidationFault', Error: [{ Message: 'Duplicate Document Number Error', Detail: '', code: '6140' }] },
}
function numberTakenBy(note: string, total = 1200) {
  nock(api).post(`${company}/invoice`).query(true).reply(400, taken)
  const held = { Id: '77', SyncToken: '1', DocNumber: 'HB-0001', PrivateNote: note, TotalAmt: total, Balance: total }
  nock(api)
    .get(`${company}/query`)
    .query((query) => String(query.query).includes("DocNumber = 'HB-0001'"))
    .reply(200, {
      QueryResponse: { Invoice: [{ ...held, CustomerRef: { value: '5' }, CurrencyRef: { value: 'GBP' } }] },
    })
}

test('quickbooks group 1: quickbooks group 11: a number taken by our own document, whose answer was lost, is that document', async () => {
  numberTakenBy('Q7H2K9M4TZ-I | Trade with Mill')
  const [verdict] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: invoice() }])
  expect(verdict).toMatchObject({ ok: true, receipt: { id: '77', totalMinor: 120_000n } })
})

test('quickbooks group 11: a number taken by someone else is a conflict, and so is our own with another amount', async () => {
  numberTakenBy('Entered by hand')
  const [others] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: invoice() }])
  expect(others).toMatchObject({ ok: false, error: { kind: 'conflicting', facts: { cause: 'number_taken' } } })

  numberTakenBy('Q7H2K9M4TZ-I | Trade with Mill', 1300)
  const [changed] = await connectorWith().putDocuments(grant, [{ key: 'key-1', thing: invoice() }])
  expect(changed).toMatchObject({ ok: false, error: { kind: 'conflicting', facts: { cause: 'reference_taken' } } })
})

// ─── Contacts, accounts, taking back ──────────────────────────────────────────────────────────────────────────────

test('quickbooks group 9: contacts are made with names that QuickBooks takes', async () => {
  takes('Customer')
  const contact = { email: 'till@mill.example', companyNumber: '01234567', vatNumber: 'GB123456789', currency: 'GBP' }
  const thing = { ...contact, name: "Mill: O'Neil\tand Søn", role: 'customer' } as const
  const [customer] = await connectorWith().putContacts(grant, [{ key: 'key-1', thing }])
  expectSchema('Customer.create')
  expect(sent[0]?.body).toMatchObject({
    DisplayName: "Mill O'Neil and Søn",
    PrimaryEmailAddr: { Address: 'till@mill.example' },
    PrimaryTaxIdentifier: 'GB123456789',
    Notes: 'Company number 01234567',
  })
  expect(customer).toMatchObject({ ok: true, receipt: { kind: 'contact', id: '31' } })

  takes('Vendor')
  await connectorWith().putContacts(grant, [{ key: 'key-1', thing: { ...thing, role: 'supplier' } }])
  expectSchema('Vendor.create')
})

test('the mutual-credit account is a bank account whose name has no colon', async () => {
  takes('Account')
  const thing = { name: 'Mutual credit: Hill (not cash)', kind: 'bank', code: '1250', currency: 'GBP' } as const
  const account = await connectorWith().openAccount(grant, { key: 'key-1', thing })
  expectSchema('Account.create')
  expect(sent[0]?.body).toEqual({
    Name: 'Mutual credit - Hill (not cash)',
    AccountType: 'Bank',
    AccountSubType: 'Checking',
    AcctNum: '1250',
  })
  expect(account).toMatchObject({ id: '31', kind: 'bank', takesPayments: true, active: true })
})

test('taking back voids what QuickBooks voids, deletes what it does not, and makes a contact inactive', async () => {
  takes('Invoice', {}, { operation: 'void', requestid: 'key-1', minorversion: '75' })
  const connector = connectorWith()
  expect(await connector.cancel(grant, [{ key: 'key-1', thing: receipt() }])).toMatchObject([
    { ok: true, receipt: { kind: 'invoice', status: 'voided' } },
  ])
  expectSchema('Invoice.idOnly')

  takes('BillPayment', {}, { operation: 'update', include: 'void', requestid: 'key-2', minorversion: '75' })
  await connector.cancel(grant, [{ key: 'key-2', thing: receipt({ kind: 'payment', id: 'billpayment-9' }) }])
  expect(sent[0]?.body).toEqual({ Id: '9', SyncToken: '0', sparse: true })

  takes('Bill', { status: 'Deleted' }, { operation: 'delete', requestid: 'key-3', minorversion: '75' })
  expect(await connector.cancel(grant, [{ key: 'key-3', thing: receipt({ kind: 'bill' }) }])).toMatchObject([
    { ok: true, receipt: { kind: 'bill', id: '31', status: 'deleted' } },
  ])

  nock(api).get(`${company}/query`).query(true).reply(200, { QueryResponse: {} })
  nock(api)
    .get(`${company}/query`)
    .query((query) => String(query.query).includes('from Vendor'))
    .reply(200, { QueryResponse: { Vendor: [{ Id: '7', SyncToken: '0', DisplayName: 'Mill' }] } })
  takes('Vendor')
  await connector.cancel(grant, [{ key: 'key-4', thing: receipt({ kind: 'contact', id: '7' }) }])
  expect(sent[0]?.body).toEqual({ Id: '7', SyncToken: '0', sparse: true, Active: false })
})
