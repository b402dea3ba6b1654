/** What the Xero connector sends, field by field, and what it makes of answers that are only half a yes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import nock from 'nock'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Bill, BookProfile, CallSeen, CreditNote, Money } from '../../connectors/port.ts'
import {
  api,
  atXero,
  book,
  credit,
  customer,
  invoiceOfTen,
  liability,
  makeXero,
  paymentOf,
  receiptOf,
  sales,
  standIn,
} from './xero-wire.ts'

type Body = Record<string, Record<string, unknown>[]>

const unmatched: string[] = []
const noMatch = (request: Request) => {
  unmatched.push(String(request.url ?? request))
}
beforeEach(() => {
  if (!nock.isActive()) nock.activate()
  nock.disableNetConnect()
  nock.emitter.on('no match', noMatch)
  standIn({})
})
afterEach(() => {
  nock.emitter.off('no match', noMatch)
  nock.cleanAll()
  nock.restore()
  nock.enableNetConnect()
  expect(unmatched.splice(0)).toEqual([])
})

/** Plays one PUT and keeps what was sent. */
function put(path: string, reply: (sent: Body) => unknown, status = 200) {
  const sent: { body: Body; headers: Record<string, string> }[] = []
  const scope = api()
    .put(`${path}?summarizeErrors=false`)
    .reply(status, async (request: Request) => {
      const body = (await request.json()) as Body
      sent.push({ body, headers: Object.fromEntries(request.headers) })
      return reply(body) as nock.ReplyBody
    })
  return { sent, scope }
}

const line = {
  Description: 'Flour',
  Quantity: 1,
  UnitAmount: 10,
  AccountID: sales,
  AccountCode: '200',
  TaxType: 'OUTPUT2',
}

test('xero group 13: an invoice is approved, marked as sent, linked back, and leaves the VAT to Xero', async () => {
  const seen: CallSeen[] = []
  const reply = {
    Invoices: [
      {
        InvoiceID: 'aaaa0001-0000-4000-8000-000000000001',
        Type: 'ACCREC',
        InvoiceNumber: 'MILL-0007',
        Status: 'AUTHORISED',
        Date: '/Date(1794787200000+0000)/',
        Total: 9999999999.99,
        AmountDue: '1200.10',
        StatusAttributeString: 'WARNING',
        Warnings: [{ Message: 'The customer is over its limit.' }],
        UpdatedDateUTC: '/Date(1795165200000+0000)/',
      },
    ],
  }
  const { sent } = put('/Invoices', () => reply)
  const xero = makeXero({ onCall: (call) => seen.push(call) })
  const verdicts = await xero.putDocuments(book, [{ key: 'dlv_1', thing: invoiceOfTen }])

  expect(sent[0]?.body).toEqual({
    Invoices: [
      {
        Type: 'ACCREC',
        Contact: { ContactID: customer },
        Date: '2026-11-16',
        DueDate: '2026-12-16',
        InvoiceNumber: 'MILL-0007',
        Reference: 'Q7H2K9M4TZ-I',
        SentToContact: true,
        LineAmountTypes: 'Exclusive',
        LineItems: [{ ...line, Description: 'Flour\nTrade 7H2K9M4TZ in Riverbank' }],
        CurrencyCode: 'GBP',
        Url: 'https://quits.example/t/7',
        Status: 'AUTHORISED',
      },
    ],
  })
  expect(sent[0]?.headers).toMatchObject({
    'idempotency-key': 'dlv_1',
    'xero-tenant-id': book.bookId,
    authorization: `Bearer ${book.accessToken}`,
    accept: 'application/json',
    'content-type': 'application/json',
  })
  expect(verdicts).toMatchObject([
    {
      ok: true,
      receipt: {
        id: 'aaaa0001-0000-4000-8000-000000000001',
        version: '2026-11-20T09:00:00.000Z',
        totalMinor: 999_999_999_999n,
        openMinor: 120_010n,
        datedOn: '2026-11-16',
        warnings: ['The customer is over its limit.'],
      },
    },
  ])
  expect(seen.at(-1)).toMatchObject({ bookId: book.bookId, status: 200 })
})

test('a bill bears the seller’s number, and our marker in its link and in its text', async () => {
  const lines = [
    { description: 'Flour', netMinor: 1_200n, vatMinor: 0n, taxCodeId: null, accountId: sales, itemId: null },
  ]
  const bill: Bill = { ...invoiceOfTen, kind: 'bill', reference: 'Q7H2K9M4TZ-B', lines }
  const { sent } = put('/Invoices', () => ({ Invoices: [] }))
  await makeXero().putDocuments(book, [{ key: 'dlv_2', thing: bill }])
  expect(sent[0]?.body.Invoices).toEqual([
    {
      Type: 'ACCPAY',
      Contact: { ContactID: customer },
      Date: '2026-11-16',
      DueDate: '2026-12-16',
      InvoiceNumber: 'MILL-0007',
      LineAmountTypes: 'NoTax',
      LineItems: [
        {
          Description: 'Flour\nTrade 7H2K9M4TZ in Riverbank [Q7H2K9M4TZ-B]',
          Quantity: 1,
          UnitAmount: 12,
          AccountID: sales,
          AccountCode: '200',
        },
      ],
      CurrencyCode: 'GBP',
      Url: 'https://quits.example/t/7#Q7H2K9M4TZ-B',
      Status: 'AUTHORISED',
    },
  ])
})

test('a link that names Xero is left out, for Xero refuses it', async () => {
  const { sent } = put('/Invoices', () => ({ Invoices: [] }))
  await makeXero().putDocuments(book, [
    { key: 'dlv_3', thing: { ...invoiceOfTen, link: 'https://quits.example/xero/7' } },
  ])
  expect(sent[0]?.body.Invoices?.[0]).not.toHaveProperty('Url')
})

test('a text too long is cut, and the marker at its end is kept', async () => {
  const lines = invoiceOfTen.lines.map((one) => ({ ...one, description: 'x'.repeat(5_000) }))
  const { sent } = put('/Invoices', () => ({ Invoices: [] }))
  const bill: Bill = { ...invoiceOfTen, kind: 'bill', reference: 'Q7H2K9M4TZ-B', lines }
  await makeXero().putDocuments(book, [{ key: 'dlv_4', thing: bill }])
  const [first] = (sent[0]?.body.Invoices?.[0]?.LineItems ?? []) as { Description: string }[]
  expect(first?.Description).toHaveLength(4_000)
  expect(first?.Description.endsWith('[Q7H2K9M4TZ-B]')).toBe(true)
})

test('credits of both sides name their type; only the seller’s has a Reference', async () => {
  const paper = { ...invoiceOfTen, reference: 'Q7H2K9M4TZ-C', number: 'MILL-C-1' }
  const { dueOn: _, ...rest } = paper
  const credits: CreditNote[] = [
    { ...rest, kind: 'credit_note' },
    { ...rest, kind: 'supplier_credit' },
  ]
  const { sent } = put('/CreditNotes', () => ({ CreditNotes: [] }))
  await makeXero().putDocuments(
    book,
    credits.map((thing, at) => ({ key: `dlv_${at}`, thing })),
  )
  const [ours, theirs] = sent[0]?.body.CreditNotes ?? []
  expect(ours).toMatchObject({
    Type: 'ACCRECCREDIT',
    CreditNoteNumber: 'MILL-C-1',
    Reference: 'Q7H2K9M4TZ-C',
    Status: 'AUTHORISED',
  })
  expect(theirs).toMatchObject({ Type: 'ACCPAYCREDIT', CreditNoteNumber: 'MILL-C-1' })
  for (const one of [ours, theirs])
    for (const absent of ['Url', 'SentToContact', 'DueDate']) expect(one).not.toHaveProperty(absent)
  expect(theirs).not.toHaveProperty('Reference')
  expect(JSON.stringify(theirs?.LineItems)).toContain('[Q7H2K9M4TZ-C]')
})

test('a payment of an invoice and the refund of a credit differ in what they name; open ones say nothing of reconciling', async () => {
  const refund = { ...paymentOf(receiptOf('credit_note')), reconciled: false }
  const { sent } = put('/Payments', () => ({ Payments: [] }))
  await makeXero().putPayments(book, [
    { key: 'dlv_1', thing: paymentOf(receiptOf('bill')) },
    { key: 'dlv_2', thing: refund },
  ])
  const common = { Account: { AccountID: credit }, Date: '2026-11-18', Amount: 12, Reference: 'Q7H2K9M4TZ-P' }
  expect(sent[0]?.body.Payments).toEqual([
    { ...common, Invoice: { InvoiceID: receiptOf('bill').id }, IsReconciled: true },
    { ...common, CreditNote: { CreditNoteID: receiptOf('bill').id } },
  ])
  expect(sent[0]?.headers['idempotency-key']).toMatch(/^[\w-]{36}$/)
})

const fee: Money = {
  kind: 'money_spent',
  reference: 'Q7H2K9M4TZ-F',
  contactId: customer,
  accountId: credit,
  datedOn: '2026-11-18',
  currency: 'GBP',
  lines: [{ description: 'Fee', netMinor: 250n, vatMinor: 0n, taxCodeId: null, accountId: sales, itemId: null }],
  clearing: null,
  totalMinor: 250n,
  note: 'Fee of the network',
  link: 'https://quits.example/t/7',
  reconciled: true,
}

test('a fee is money spent on the bank account, reconciled where the mapping says so', async () => {
  const { sent } = put('/BankTransactions', () => ({ BankTransactions: [] }))
  await makeXero().putDocuments(book, [{ key: 'dlv_1', thing: fee }])
  expect(sent[0]?.body.BankTransactions?.[0]).toMatchObject({
    Type: 'SPEND',
    BankAccount: { AccountID: credit },
    Reference: 'Q7H2K9M4TZ-F',
    IsReconciled: true,
    LineAmountTypes: 'NoTax',
  })
})

const feeBill = {
  InvoiceID: 'aaaa0001-0000-4000-8000-000000000009',
  Type: 'ACCPAY',
  InvoiceNumber: fee.reference,
  Contact: { ContactID: fee.contactId },
  Status: 'AUTHORISED',
  Date: '/Date(1794787200000+0000)/',
  Total: 2.5,
  AmountDue: 2.5,
}
const feePayment = {
  PaymentID: 'aaaa0001-0000-4000-8000-00000000000a',
  PaymentType: 'ACCPAYPAYMENT',
  Invoice: { InvoiceID: feeBill.InvoiceID, Type: 'ACCPAY' },
  Account: { AccountID: liability },
  Reference: fee.reference,
  Amount: 2.5,
  Status: 'AUTHORISED',
  Date: '/Date(1794787200000+0000)/',
}
const listed = (name: string, elements: unknown[]) =>
  api()
    .get(`/${name}`)
    .query(true)
    .reply(200, { [name]: elements } as nock.Body)

test('a fee on a current-liability account is a bill paid from it, and the payment is what stands there', async () => {
  listed('Invoices', [])
  const bill = put('/Invoices', () => ({ Invoices: [feeBill] }))
  const paid = put('/Payments', () => ({ Payments: [feePayment] }))
  const verdicts = await makeXero().putDocuments(book, [{ key: 'dlv_1', thing: { ...fee, accountId: liability } }])
  expect(bill.sent[0]?.body.Invoices?.[0]).toMatchObject({ Type: 'ACCPAY', InvoiceNumber: fee.reference })
  expect(paid.sent[0]?.body.Payments?.[0]).toMatchObject({
    Invoice: { InvoiceID: feeBill.InvoiceID },
    Account: { AccountID: liability },
    Amount: 2.5,
    Reference: fee.reference,
  })
  expect(verdicts).toMatchObject([{ ok: true, receipt: { kind: 'payment', id: feePayment.PaymentID } }])
})

test('a fee that got as far as its bill is only paid, and one that is paid is only found', async () => {
  const ask = { key: 'dlv_1', thing: { ...fee, accountId: liability } }
  listed('Invoices', [feeBill])
  listed('Payments', [])
  const paid = put('/Payments', () => ({ Payments: [feePayment] }))
  expect(await makeXero().putDocuments(book, [ask])).toMatchObject([{ ok: true, receipt: { kind: 'payment' } }])
  expect(paid.sent).toHaveLength(1)

  listed('Invoices', [{ ...feeBill, AmountDue: 0, Status: 'PAID' }])
  listed('Payments', [feePayment])
  expect(await makeXero().putDocuments(book, [ask])).toMatchObject([
    { ok: true, receipt: { kind: 'payment', id: feePayment.PaymentID } },
  ])
})

test('xero group 7: a fee whose bill Xero totals otherwise is not paid', async () => {
  listed('Invoices', [{ ...feeBill, Total: 2.51, AmountDue: 2.51 }])
  listed('Payments', [])
  const verdicts = await makeXero().putDocuments(book, [{ key: 'dlv_1', thing: { ...fee, accountId: liability } }])
  expect(verdicts).toMatchObject([{ ok: false, error: { facts: { cause: 'total_differs' } } }])
})

test('what Xero has no way to book is refused before a call is spent on it', async () => {
  const xero = makeXero()
  const refused = await xero.putDocuments(book, [
    { key: 'dlv_1', thing: { ...fee, accountId: sales } },
    { key: 'dlv_2', thing: { ...fee, clearing: 'receivable' } },
    {
      key: 'dlv_3',
      thing: { kind: 'journal', reference: 'Q7-J', datedOn: '2026-11-18', currency: 'GBP', lines: [], note: '' },
    },
  ])
  const allocation = { ...paymentOf(receiptOf('bill')), kind: 'allocation' as const, credit: receiptOf('money_spent') }
  const [unset] = await xero.putPayments(book, [{ key: 'dlv_4', thing: { ...allocation, against: receiptOf('bill') } }])
  expect([...refused, unset]).toMatchObject([
    { ok: false, error: { kind: 'invalid', facts: { cause: 'account_not_bank' } } },
    { ok: false, error: { kind: 'invalid', facts: { cause: 'account_refused' } } },
    { ok: false, error: { kind: 'invalid', facts: { cause: 'scope_missing' } } },
    { ok: false, error: { kind: 'invalid', facts: { cause: 'document_not_payable' } } },
  ])
})

const three = [1, 2, 3].map((at) => ({ key: `dlv_${at}`, thing: { ...invoiceOfTen, number: `MILL-${at}` } }))
const taken = (sent: Body) => ({
  Invoices: sent.Invoices?.map((one, at) => ({ ...one, InvoiceID: `aaaa0001-0000-4000-8000-00000000000${at + 1}` })),
})

test('fault 26: xero group 13: a call refused as a whole: the guilty one hears why, the others go again without it', async () => {
  const first = put(
    '/Invoices',
    (sent) => ({
      ErrorNumber: 10,
      Type: 'ValidationException',
      Elements: sent.Invoices?.map((one, at) =>
        at === 1 ? { ...one, ValidationErrors: [{ Message: 'Invoice # must be unique.' }] } : one,
      ),
    }),
    400,
  )
  const second = put('/Invoices', taken)
  const verdicts = await makeXero().putDocuments(book, three)
  expect(verdicts).toMatchObject([
    { ok: true, receipt: { number: 'MILL-1' } },
    { ok: false, error: { facts: { cause: 'number_taken' } } },
    { ok: true, receipt: { number: 'MILL-3' } },
  ])
  expect(second.sent[0]?.headers['idempotency-key']).not.toBe(first.sent[0]?.headers['idempotency-key'])
})

test('a call refused as a whole without a word on which: it is halved until only the guilty is left', async () => {
  const says = { ErrorNumber: 10, Type: 'ValidationException', Message: 'Invoice # must be unique.' }
  put('/Invoices', () => says, 400)
  put('/Invoices', () => says, 400)
  put('/Invoices', taken)
  put('/Invoices', () => says, 400)
  put('/Invoices', taken)
  const verdicts = await makeXero().putDocuments(book, three)
  expect(verdicts.map((one) => (one.ok ? one.receipt.number : one.error.facts.cause))).toEqual([
    'MILL-1',
    'number_taken',
    'MILL-3',
  ])
})

test('xero group 13: an answer with fewer elements than were sent is unclear for all of them', async () => {
  put('/Invoices', (sent) => ({ Invoices: taken(sent).Invoices?.slice(0, 2) }))
  const verdicts = await makeXero().putDocuments(book, three)
  expect(verdicts.map((one) => !one.ok && one.error.kind)).toEqual(['unclear', 'unclear', 'unclear'])
})

test('xero group 13: of two calls of one list the second fails: its asks are told, the first ones stand', async () => {
  const two = [three[0] as (typeof three)[number], { key: 'dlv_9', thing: fee }]
  put('/Invoices', taken)
  put('/BankTransactions', () => '', 502)
  const verdicts = await makeXero().putDocuments(book, two)
  expect(verdicts).toMatchObject([{ ok: true }, { ok: false, error: { kind: 'unclear' } }])
})

test('a throttled call stops the rest of the list, which would only be throttled too', async () => {
  const two = [three[0] as (typeof three)[number], { key: 'dlv_9', thing: fee }]
  put('/Invoices', () => '', 429)
  await expect(makeXero().putDocuments(book, two)).rejects.toMatchObject({ kind: 'throttled' })
})

test('after a refused account the accounts are read anew', async () => {
  nock.cleanAll()
  let read = 0
  atXero('https://api.xero.test', {})
  nock.removeInterceptor({ hostname: 'api.xero.test', proto: 'https', path: '/api.xro/2.0/Accounts' })
  api()
    .persist()
    .get('/Accounts')
    .reply(200, () => {
      read += 1
      return { Accounts: [{ AccountID: sales, Code: `20${read}`, Type: 'REVENUE', Status: 'ACTIVE' }] }
    })
  const bad = {
    Invoices: [
      { HasErrors: true, ValidationErrors: [{ Message: "Account code '201' is not a valid code for this document." }] },
    ],
  }
  const codes: unknown[] = []
  const codeOf = (sent: Body) =>
    codes.push((sent.Invoices?.[0]?.LineItems as { AccountCode: string }[] | undefined)?.[0]?.AccountCode)
  put('/Invoices', (sent) => codeOf(sent) && bad)
  put('/Invoices', (sent) => codeOf(sent) && taken(sent))
  const xero = makeXero()
  await xero.putDocuments(book, [{ key: 'dlv_1', thing: invoiceOfTen }])
  await xero.putDocuments(book, [{ key: 'dlv_1.2', thing: invoiceOfTen }])
  expect(codes).toEqual(['201', '202'])
})

test('xero group 5: a contact is put with PUT and only what we know of it', async () => {
  const { sent } = put('/Contacts', () => ({ Contacts: [{ ContactID: customer, Name: 'Mill' }] }))
  const thing = {
    name: 'Mill',
    role: 'supplier' as const,
    email: null,
    companyNumber: '01234567',
    vatNumber: 'GB1',
    currency: 'GBP',
  }
  const verdicts = await makeXero().putContacts(book, [{ key: 'dlv_1', thing }])
  expect(sent[0]?.body).toEqual({ Contacts: [{ Name: 'Mill', CompanyNumber: '01234567', TaxNumber: 'GB1' }] })
  expect(verdicts).toMatchObject([{ ok: true, receipt: { kind: 'contact', id: customer } }])
})

test('xero group 9: a changed document is stale, one that is gone already is a yes; neither is sent an end', async () => {
  const invoice = { ...receiptOf('invoice'), totalMinor: 1_200n }
  const holds = (more: object) =>
    api()
      .get(`/Invoices/${invoice.id}`)
      .reply(200, { Invoices: [{ InvoiceID: invoice.id, Type: 'ACCREC', Total: 12, ...more }] })
  holds({ Status: 'AUTHORISED', Total: 13 })
  const xero = makeXero()
  expect(await xero.cancel(book, [{ key: 'dlv_1', thing: invoice }])).toMatchObject([
    { ok: false, error: { kind: 'stale' } },
  ])
  holds({ Status: 'VOIDED' })
  expect(await xero.cancel(book, [{ key: 'dlv_1', thing: invoice }])).toMatchObject([
    { ok: true, receipt: { status: 'voided' } },
  ])
})

test('xero group 1: nobody there: a write that never left is unavailable; a silent server makes it unclear', async () => {
  nock.restore()
  const silent = createServer((request, response) => {
    if (request.method === 'GET') response.end('{"Organisations":[],"Accounts":[]}')
  })
  await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready))
  const apiUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const pay = (timeLimitMs: number) =>
    makeXero({ apiUrl, timeLimitMs }).putPayments(book, [{ key: 'dlv_1', thing: paymentOf(receiptOf('invoice')) }])

  await expect(pay(80)).rejects.toMatchObject({ kind: 'unclear', facts: { cause: 'no_reply' } })
  silent.closeAllConnections()
  await new Promise((closed) => silent.close(closed))
  await expect(pay(5_000)).rejects.toMatchObject({ kind: 'unavailable', facts: { cause: 'not_reached' } })
})

const account = { id: sales, code: '200', name: 'Sales', kind: 'income' as const, takesPayments: false }
const profile: BookProfile = {
  bookId: book.bookId,
  name: book.bookName,
  country: 'GB',
  currency: 'GBP',
  timeZone: 'Europe/London',
  lockedThrough: null,
  plan: null,
  writable: true,
  shortCode: '!mill',
  vat: { registered: true, number: null, scheme: 'accrual' },
  accounts: [{ ...account, active: true, reserved: false }],
  taxCodes: [],
  items: [],
  needsItem: false,
}

test('what the service keeps of a book spares every read before a write, until the book refuses an account', async () => {
  const seen: CallSeen[] = []
  const xero = makeXero({ onCall: (one) => seen.push(one) })
  const readAt = new Date('2026-11-20T06:00:00.000Z')
  const invoice = { InvoiceID: 'aaaa0001-0000-4000-8000-000000000001', Type: 'ACCREC', Total: 12, AmountDue: 12 }
  const archived = `Account code '200' has been archived, or has been deleted. Each line item must reference a valid account.`

  xero.know?.(profile, readAt)
  put('/Invoices', () => ({ Invoices: [{ ...invoice, Status: 'AUTHORISED' }] }))
  await xero.putDocuments(book, [{ key: 'k1', thing: invoiceOfTen }])
  expect(seen).toHaveLength(1)

  put('/Invoices', () => ({ Invoices: [{ HasErrors: true, ValidationErrors: [{ Message: archived }] }] }))
  const [refused] = await xero.putDocuments(book, [{ key: 'k2', thing: invoiceOfTen }])
  expect(refused).toMatchObject({ ok: false })
  // What was read before the refusal is not believed again.
  xero.know?.(profile, readAt)
  put('/Invoices', () => ({ Invoices: [{ ...invoice, Status: 'AUTHORISED' }] }))
  const before = seen.length
  await xero.putDocuments(book, [{ key: 'k3', thing: invoiceOfTen }])
  expect(seen.length - before).toBe(2)
})

test('a lock read after the last one holds, although the accounts alone were read later still', async () => {
  nock.cleanAll()
  standIn({ organisation: { PeriodLockDate: '2026-11-16' } })
  const xero = makeXero()
  xero.know?.(profile, new Date('2026-11-18T06:00:00.000Z'))
  const archived = `Account code '200' has been archived, or has been deleted. Each line item must reference a valid account.`
  put('/Invoices', () => ({ Invoices: [{ HasErrors: true, ValidationErrors: [{ Message: archived }] }] }))
  await xero.putDocuments(book, [{ key: 'k1', thing: invoiceOfTen }])
  // The accounts are read anew for this one, at nine.
  const invoice = { InvoiceID: 'aaaa0001-0000-4000-8000-000000000001', Type: 'ACCREC', Total: 12, AmountDue: 12 }
  put('/Invoices', () => ({ Invoices: [{ ...invoice, Status: 'AUTHORISED' }] }))
  await xero.putDocuments(book, [{ key: 'k2', thing: invoiceOfTen }])

  xero.know?.({ ...profile, lockedThrough: '2026-11-16' }, new Date('2026-11-20T08:00:00.000Z'))
  const [shut] = await xero.putDocuments(book, [{ key: 'k3', thing: invoiceOfTen }])
  expect(shut).toMatchObject({ ok: false, error: { kind: 'period_locked', facts: { lockedThrough: '2026-11-16' } } })

  // One read before that says nothing of it any more.
  xero.know?.(profile, new Date('2026-11-20T07:00:00.000Z'))
  const [still] = await xero.putDocuments(book, [{ key: 'k4', thing: invoiceOfTen }])
  expect(still).toMatchObject({ ok: false, error: { kind: 'period_locked' } })
})
