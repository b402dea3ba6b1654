/** What the QuickBooks connector reads: pages, changes, look-ups, balances, the profile. Answers are canned; requests are checked. */
import nock from 'nock'
import { expect, test } from 'vitest'
import type { BookDocument, BookPage, Cursor } from '../../connectors/port.ts'
import { api, company, connectorWith, grant, now, playedByNock } from './quickbooks-scene.ts'

playedByNock()

type Body = Record<string, unknown>
const connector = connectorWith()
const at = '2026-11-23T16:00:00-08:00'
const row = (id: string, own: Body = {}): Body => ({
  Id: id,
  SyncToken: '1',
  TxnDate: '2026-11-22',
  CurrencyRef: { value: 'GBP' },
  MetaData: { CreateTime: at, LastUpdatedTime: at },
  TotalAmt: 120,
  ...own,
})

/** Answers every query by its text; what is not told is empty. Gives the queries in the order they came. */
function queries(answers: (query: string) => unknown[] | number): string[] {
  const asked: string[] = []
  nock(api)
    .persist()
    .get(`${company}/query`)
    .query(true)
    .reply((request: Request) => {
      const query = new URL(request.url).searchParams.get('query') ?? ''
      asked.push(query)
      const rows = answers(query)
      if (typeof rows === 'number')
        return [400, { Fault: { Error: [{ Message: 'Invalid query', code: String(rows) }] } }]
      const name = /from (\w+)/.exec(query)?.[1] ?? ''
      return [200, { QueryResponse: rows.length > 0 ? { [name]: rows } : {}, time: at }]
    })
  return asked
}
function feeds(answers: (entities: string[], since: string) => Body, times = 1) {
  nock(api)
    .get(`${company}/cdc`)
    .times(times)
    .query(true)
    .reply(200, async (request: Request) => {
      const { searchParams } = new URL(request.url)
      const told = answers((searchParams.get('entities') ?? '').split(','), searchParams.get('changedSince') ?? '')
      const answer = Object.entries(told).map(([name, rows]) => ({ [name]: rows }))
      return { CDCResponse: [{ QueryResponse: answer }], time: at }
    })
}
async function read(since: Cursor) {
  const pages: BookPage[] = []
  for await (const page of connector.changes(grant, since)) pages.push(page)
  return { pages, documents: pages.flatMap((page) => page.documents), contacts: pages.flatMap((page) => page.contacts) }
}

test('everything there is: each kind, inactive contacts, and what was deleted lately', async () => {
  feeds((_, since) => {
    expect(Date.parse(since)).toBeGreaterThan(now.getTime() - 30 * 86_400_000)
    return { Bill: [{ Id: '9', status: 'Deleted', MetaData: { LastUpdatedTime: at } }] }
  })
  const asked = queries((query) => {
    if (query.includes('from Customer')) return [{ Id: '5', DisplayName: 'Mill', Active: false }]
    if (query.includes('from Invoice'))
      return [row('31', { DocNumber: 'HB-1', Balance: 20, CustomerRef: { value: '5' } })]
    return []
  })
  const { pages, documents, contacts } = await read(null)
  nock.cleanAll()

  expect(asked.find((query) => query.includes('Customer'))).toContain('Active in (true, false)')
  expect(contacts).toMatchObject([{ id: '5', name: 'Mill', active: false, roles: ['customer'] }])
  expect(documents).toMatchObject([
    {
      kind: 'invoice',
      id: '31',
      status: 'open',
      totalMinor: 12_000n,
      openMinor: 2_000n,
      updatedAt: '2026-11-24T00:00:00.000Z',
    },
    { kind: 'bill', id: '9', status: 'deleted' },
  ])
  // Their clock stands ten hours behind ours: the cursor follows the earlier one, and a little before it.
  expect(pages.at(-1)?.next).toBe('2026-11-23T23:58:00.000Z')
  expect(pages.slice(0, -1).every((page) => page.next === null)).toBe(true)
})

test('fault 30: quickbooks group 21: a kind of exactly a thousand is read on, in a fixed order, and a row that slips between pages is not lost', async () => {
  feeds(() => ({}))
  const all = Array.from({ length: 1980 }, (_, index) => row(String(index)))
  let deletions = 0
  const asked = queries((query) => {
    if (!query.includes('from Invoice')) return []
    const start = Number(/startposition (\d+)/.exec(query)?.[1])
    // Ten rows of the first page are deleted before the second is asked for.
    const standing = start > 1 ? all.slice(10) : all
    if (start > 1) deletions++
    return standing.slice(start - 1, start - 1 + 1000)
  })
  const { documents } = await read(null)
  nock.cleanAll()
  expect(deletions).toBeGreaterThan(0)
  expect(new Set(documents.map((one) => one.id)).size).toBe(1980)
  expect(documents).toHaveLength(1980)
  expect(asked.filter((query) => query.includes('orderby MetaData.CreateTime')).length).toBeGreaterThan(1)
})

test('quickbooks group 20: changes come from the feed, deleted ones with them', async () => {
  feeds((entities, since) => {
    expect(entities).toEqual(
      expect.arrayContaining(['Customer', 'Vendor', 'Invoice', 'Bill', 'Payment', 'Deposit', 'Transfer']),
    )
    expect(since).toBe('2026-11-20T09:00:00.000Z')
    return {
      Vendor: [{ Id: '7', DisplayName: 'Mill', CompanyRegistrationNumber: '01234567' }],
      BillPayment: [row('33', { VendorRef: { value: '7' }, CheckPayment: { BankAccountRef: { value: '35' } } })],
      Payment: [{ Id: '34', status: 'Deleted', MetaData: { LastUpdatedTime: at } }],
    }
  })
  const { documents, contacts } = await read('2026-11-20T09:00:00.000Z')
  expect(contacts).toMatchObject([{ id: '7', companyNumber: '01234567', roles: ['supplier'] }])
  expect(documents).toMatchObject([
    { kind: 'payment', id: 'billpayment-33', moves: [{ accountId: '35', amountMinor: -12_000n }] },
    { kind: 'payment', id: '34', status: 'deleted' },
  ])
})

test('quickbooks group 20: a cursor older than the feed reaches is answered by a full reading', async () => {
  feeds(() => ({}))
  const asked = queries((query) => (query.includes('from Bill ') ? [row('9', { Balance: 0 })] : []))
  const { documents } = await read('2026-10-01T00:00:00.000Z')
  nock.cleanAll()
  expect(asked.length).toBeGreaterThan(10)
  expect(documents).toMatchObject([{ kind: 'bill', status: 'paid' }])
})

test('quickbooks group 20: an answer of the feed that is full is asked for kind by kind, and a kind that is full is read whole', async () => {
  const thousand = Array.from({ length: 1000 }, (_, index) => row(String(index)))
  const gone = { Id: '5000', status: 'Deleted', MetaData: { LastUpdatedTime: at } }
  feeds((entities) => {
    if (entities.length > 1) return { Invoice: thousand }
    if (entities[0] === 'Invoice') return { Invoice: [...thousand.slice(1), gone] }
    return entities[0] === 'Bill' ? { Bill: [row('9')] } : {}
  }, 15)
  queries((query) => (query.includes('from Invoice') ? thousand.slice(0, 3) : []))
  const { documents } = await read('2026-11-20T09:00:00.000Z')
  nock.cleanAll()
  expect(documents.map((one) => one.id).sort()).toEqual(['0', '1', '2', '5000', '9'])
})

test('a kind that a book does not know is left out, also where it spoils the whole ask', async () => {
  let asks = 0
  nock(api)
    .persist()
    .get(`${company}/cdc`)
    .query(true)
    .reply((request: Request) => {
      asks++
      const entities = new URL(request.url).searchParams.get('entities') ?? ''
      if (entities.includes('RefundReceipt')) return [400, { Fault: { Error: [{ Message: 'Invalid', code: '4001' }] } }]
      return [200, { CDCResponse: [{ QueryResponse: [entities === 'Bill' ? { Bill: [row('9')] } : {}] }], time: at }]
    })
  const { documents } = await read('2026-11-20T09:00:00.000Z')
  nock.cleanAll()
  expect(documents).toMatchObject([{ kind: 'bill', id: '9' }])
  expect(asks).toBe(15)
})

test('a book without a feed is read whole', async () => {
  nock(api).persist().get(`${company}/cdc`).query(true).reply(404, '')
  queries((query) => (query.includes('from Bill ') ? [row('9')] : []))
  const { documents } = await read('2026-11-20T09:00:00.000Z')
  nock.cleanAll()
  expect(documents).toMatchObject([{ kind: 'bill', id: '9' }])
})

test('quickbooks group 17: quickbooks group 20: a sick feed is an error, not an empty book', async () => {
  nock(api).get(`${company}/cdc`).query(true).reply(503, '<html>', { 'content-type': 'text/html' })
  await expect(read('2026-11-20T09:00:00.000Z')).rejects.toMatchObject({ kind: 'unavailable' })
})

// ─── Looking for things ───────────────────────────────────────────────────────────────────────────────────────────

test('an invoice is found by the marker in its note, among its contact’s, voided or not', async () => {
  const asked = queries((query) =>
    query.includes("CustomerRef = '5'")
      ? [
          row('30', { PrivateNote: 'Thanks for all the bread', CustomerRef: { value: '5' } }),
          row('31', { PrivateNote: 'Q7-I | Trade | https://q.example', CustomerRef: { value: '5' } }),
          row('32', { PrivateNote: 'Voided - Q8-I | Trade', TotalAmt: 0, CustomerRef: { value: '5' } }),
        ]
      : [],
  )
  const sought = (reference: string) => ({ by: 'reference', kind: 'invoice', reference, contactId: '5' }) as const
  const found = await connector.find(grant, [sought('Q7-I'), sought('Q8-I'), sought('Q9-I')])
  nock.cleanAll()
  expect(found).toMatchObject([{ id: '31' }, { id: '32', status: 'voided' }, null])
  expect(asked).toHaveLength(1)
})

test('quickbooks group 9: payments are found by their number, on the side of what they pay', async () => {
  const asked = queries((query) => (query.includes('from BillPayment') ? [row('33', { DocNumber: "Q'7-P" })] : []))
  const of = { kind: 'bill', id: '9' } as never
  const [found] = await connector.find(grant, [
    { by: 'reference', kind: 'payment', reference: "Q'7-P", contactId: null, of },
  ])
  nock.cleanAll()
  expect(found).toMatchObject({ id: 'billpayment-33', reference: "Q'7-P" })
  expect(asked).toEqual(["select * from BillPayment where DocNumber = 'Q\\'7-P' startposition 1 maxresults 1000"])
})

test('ids are asked for together, and one that is gone is looked for among the deleted', async () => {
  const asked = queries((query) => (query.includes('Id in') ? [row('31'), row('32')] : []))
  feeds(() => ({ Invoice: [{ Id: '33', status: 'Deleted', MetaData: { LastUpdatedTime: at } }] }))
  const ids = ['31', '32', '33', '34']
  const found = await connector.find(
    grant,
    ids.map((id) => ({ by: 'receipt', kind: 'invoice', id })),
  )
  nock.cleanAll()
  expect(asked).toEqual(["select * from Invoice where Id in ('31', '32', '33', '34') startposition 1 maxresults 1000"])
  expect(found).toMatchObject([{ id: '31' }, { id: '32' }, { id: '33', status: 'deleted' }, null])
})

test('quickbooks group 13: a payment that a person voided has lost its lines and is still told as what it was', async () => {
  queries((query) => (query.includes('from Payment') ? [row('41', { TotalAmt: 0, PrivateNote: 'Voided' })] : []))
  const [found] = await connector.find(grant, [{ by: 'receipt', kind: 'allocation', id: '41' }])
  nock.cleanAll()
  expect(found).toMatchObject({ kind: 'allocation', status: 'voided' })
})

test('every kind tells what it moves on which account', async () => {
  const line = (detail: string, account: string, amount: number, own: Body = {}) => ({
    Amount: amount,
    DetailType: detail,
    [detail]: { AccountRef: { value: account }, ...own },
  })
  const told: Record<string, Body> = {
    Purchase: row('1', { AccountRef: { value: '35' }, Line: [line('AccountBasedExpenseLineDetail', '60', 120)] }),
    Deposit: row('2', {
      DepositToAccountRef: { value: '35' },
      Line: [line('DepositLineDetail', '35', 20), line('DepositLineDetail', '70', 100)],
    }),
    JournalEntry: row('3', {
      Line: [
        line('JournalEntryLineDetail', '35', 0.1, { PostingType: 'Debit' }),
        line('JournalEntryLineDetail', '35', 0.2, { PostingType: 'Debit' }),
        line('JournalEntryLineDetail', '60', 0.3, { PostingType: 'Credit' }),
      ],
    }),
    Transfer: row('4', {
      Amount: '12.50',
      FromAccountRef: { value: '35' },
      ToAccountRef: { value: '36' },
      TotalAmt: undefined,
    }),
  }
  feeds(() => Object.fromEntries(Object.entries(told).map(([name, one]) => [name, [one]])))
  const { documents } = await read('2026-11-20T09:00:00.000Z')
  const moves = (kind: string) => documents.find((one) => one.kind === kind)?.moves
  expect(moves('money_spent')).toEqual([
    { accountId: '35', amountMinor: -12_000n },
    { accountId: '60', amountMinor: 12_000n },
  ])
  expect(moves('money_received')).toEqual([
    { accountId: '35', amountMinor: 10_000n },
    { accountId: '70', amountMinor: -10_000n },
  ])
  expect(moves('journal')).toEqual([
    { accountId: '35', amountMinor: 30n },
    { accountId: '60', amountMinor: -30n },
  ])
  expect(moves('book_transfer')).toEqual([
    { accountId: '35', amountMinor: -1250n },
    { accountId: '36', amountMinor: 1250n },
  ])
})

test('quickbooks group 15: a document that names no currency is in the home currency, which is asked for once', async () => {
  const preferences = { Preferences: { CurrencyPrefs: { HomeCurrency: { value: 'GBP' } } } }
  nock(api).get(`${company}/preferences`).query(true).reply(200, preferences)
  feeds(() => ({ Invoice: [row('1', { CurrencyRef: undefined })], Bill: [row('2', { CurrencyRef: undefined })] }))
  const own = connectorWith()
  const documents: BookDocument[] = []
  for await (const page of own.changes(grant, '2026-11-20T09:00:00.000Z')) documents.push(...page.documents)
  expect(documents.map((one) => one.currency)).toEqual(['GBP', 'GBP'])
})

// ─── Balances and the profile ─────────────────────────────────────────────────────────────────────────────────────

const account = {
  id: '35',
  code: null,
  name: 'MC',
  kind: 'bank',
  takesPayments: true,
  active: true,
  reserved: false,
} as const

test('today’s balance is the account’s own, to the penny', async () => {
  nock(api)
    .get(`${company}/account/35`)
    .query({ minorversion: '75' })
    .reply(200, '{"Account":{"Id":"35","AccountType":"Bank","CurrentBalance":-1234.10}}')
  expect(await connector.balance(grant, account, '2026-11-24')).toEqual({
    accountId: '35',
    on: '2026-11-24',
    amountMinor: -123_410n,
  })
})

test('quickbooks group 25: an earlier day’s balance comes from the trial balance; an account that is not in it stands at zero', async () => {
  const report = {
    Columns: { Column: [{ ColTitle: '' }, { ColTitle: 'Debit' }, { ColTitle: 'Credit' }] },
    Rows: {
      Row: [
        { ColData: [{ value: 'Sales', id: '70' }, { value: '' }, { value: '900.00' }] },
        {
          Header: { ColData: [{ value: 'Bank', id: '30' }, { value: '5.00' }, { value: '' }] },
          Rows: { Row: [{ ColData: [{ value: 'MC', id: '35' }, { value: '' }, { value: '1,234.50' }] }] },
        },
      ],
    },
  }
  nock(api)
    .get(`${company}/reports/TrialBalance`)
    .times(3)
    .query((query) => query.end_date === '2026-10-31' && query.accounting_method === 'Accrual')
    .reply(200, report)
  const balanceOf = async (id: string) => (await connector.balance(grant, { ...account, id }, '2026-10-31')).amountMinor
  expect(await balanceOf('35')).toBe(-123_450n)
  expect(await balanceOf('30')).toBe(500n)
  expect(await balanceOf('99')).toBe(0n)
})

test('the profile marks what is inactive, what is the book’s own, and what a VAT code surely means', async () => {
  const companyInfo = {
    CompanyName: 'Hill Bakery',
    Country: 'GB',
    NameValue: [
      { Name: 'SubscriptionStatus', Value: 'EXPIRED' },
      { Name: 'OfferingSku', Value: 'QuickBooks Online Plus' },
    ],
  }
  const preferences = {
    AccountingInfoPrefs: { BookCloseDate: '2026-09-30' },
    CurrencyPrefs: { HomeCurrency: { value: 'GBP' } },
    TaxPrefs: { UsingSalesTax: true },
  }
  nock(api).get(`${company}/companyinfo/4620816365`).query(true).reply(200, { CompanyInfo: companyInfo })
  nock(api).get(`${company}/preferences`).query(true).reply(200, { Preferences: preferences })
  const list = (...ids: string[]) => ({ TaxRateDetail: ids.map((value) => ({ TaxRateRef: { value } })) })
  const lists: Record<string, Body[]> = {
    Account: [
      { Id: '1', Name: 'Sub', FullyQualifiedName: 'Bank:Sub', AccountType: 'Bank', AcctNum: '1200' },
      { Id: '2', Name: 'Debtors', AccountType: 'Accounts Receivable' },
      { Id: '3', Name: 'Old', AccountType: 'Expense', Active: false },
      { Id: '4', Name: 'Undeposited', AccountType: 'Other Current Asset', AccountSubType: 'UndepositedFunds' },
    ],
    TaxRate: [
      { Id: '1', RateValue: 20 },
      { Id: '2', RateValue: 0 },
      { Id: '3', RateValue: 5 },
      { Id: '4', RateValue: -20 },
    ],
    TaxCode: [
      { Id: '10', Name: '20.0% S', SalesTaxRateList: list('1'), PurchaseTaxRateList: list('1') },
      { Id: '11', Name: '5.0% R', SalesTaxRateList: list('3'), PurchaseTaxRateList: list('3') },
      { Id: '12', Name: '0.0% Z', SalesTaxRateList: list('2'), PurchaseTaxRateList: list('2') },
      { Id: '13', Name: 'Exempt', SalesTaxRateList: list('2') },
      { Id: '14', Name: 'No VAT', PurchaseTaxRateList: list('2') },
      { Id: '15', Name: '20.0% RC SG', PurchaseTaxRateList: list('1', '4') },
      { Id: '16', Name: '0.0% ECG', SalesTaxRateList: list('2'), Active: false },
      { Id: '17', Name: 'Nought', SalesTaxRateList: list('2') },
      { Id: '18', Name: '20.0% ECS', SalesTaxRateList: list('1') },
    ],
    Item: [
      { Id: '1', Name: 'Bread', Type: 'Service', IncomeAccountRef: { value: '70' } },
      { Id: '2', Name: 'All', Type: 'Category' },
    ],
  }
  queries((query) => lists[/from (\w+)/.exec(query)?.[1] ?? ''] ?? [])
  const profile = await connector.describe(grant)
  nock.cleanAll()

  expect(profile).toMatchObject({
    name: 'Hill Bakery',
    country: 'GB',
    currency: 'GBP',
    lockedThrough: '2026-09-30',
    plan: 'QuickBooks Online Plus',
    writable: false,
    vat: { registered: true },
    needsItem: true,
    items: [{ id: '1', name: 'Bread', incomeAccountId: '70' }],
  })
  expect(profile.accounts).toMatchObject([
    { name: 'Bank:Sub', code: '1200', kind: 'bank', takesPayments: true, reserved: false },
    { kind: 'receivable', reserved: true },
    { kind: 'expense', active: false },
    { kind: 'current_asset', takesPayments: false, reserved: true },
  ])
  expect(
    profile.taxCodes.map(({ rateBasisPoints, treatment, uses }) => [rateBasisPoints, treatment, uses.join()]),
  ).toEqual([
    [2000, 'standard', 'sales,purchases'],
    [500, 'reduced', 'sales,purchases'],
    [0, 'zero', 'sales,purchases'],
    [0, 'exempt', 'sales'],
    [0, 'outside', 'purchases'],
    [0, null, 'purchases'],
    [0, null, 'sales'],
    [0, null, 'sales'],
    [2000, null, 'sales'],
  ])
  expect(profile.taxCodes[6]?.active).toBe(false)
})
