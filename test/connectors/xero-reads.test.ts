/** What the Xero connector makes of lists, reports, profiles and consent: pages, cursors, columns and odd shapes. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import nock from 'nock'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BookAccount, BookPage, Cursor } from '../../connectors/port.ts'
import { parseJson, textAt } from '../../connectors/xero/answer.ts'
import { bellsFrom } from '../../connectors/xero/bells.ts'
import { basisPointsFrom, decimalFrom, jsonNumber, minorFrom } from '../../connectors/xero/decimal.ts'
import { api, apiUrl, book, credit, customer, identity, identityUrl, makeXero, sales, standIn } from './xero-wire.ts'

const unmatched: string[] = []
const noMatch = (request: Request) => {
  unmatched.push(String(request.url ?? request))
}
beforeEach(() => {
  if (!nock.isActive()) nock.activate()
  nock.disableNetConnect()
  nock.emitter.on('no match', noMatch)
})
afterEach(() => {
  nock.emitter.off('no match', noMatch)
  nock.cleanAll()
  nock.restore()
  nock.enableNetConnect()
  expect(unmatched.splice(0)).toEqual([])
})

const id = (at: number) => `aaaa0001-0000-4000-8000-${String(at).padStart(12, '0')}`
const contactsOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    ContactID: id(from + at),
    Name: `Contact ${from + at}`,
    ContactStatus: 'ACTIVE',
  }))
async function allOf<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(page)
  return all
}

describe('lists', () => {
  const page = (at: number) => api().get('/Contacts').query({ page: at, includeArchived: true, pageSize: 500 })

  test('xero group 10: a list that says how many pages it has is read to the last one, and no further', async () => {
    page(1).reply(200, { pagination: { page: 1, pageCount: 2 }, Contacts: contactsOf(0, 20) })
    page(2).reply(200, { pagination: { page: 2, pageCount: 2 }, Contacts: contactsOf(20, 5) })
    expect((await allOf(makeXero().contacts(book))).flat()).toHaveLength(25)
  })

  test('xero group 10: a list that says nothing is read until a page is short, whatever size its pages have', async () => {
    page(1).reply(200, { Contacts: contactsOf(0, 100) })
    page(2).reply(200, { Contacts: contactsOf(100, 100) })
    page(3).reply(200, { Contacts: contactsOf(200, 7) })
    expect((await allOf(makeXero().contacts(book))).flat()).toHaveLength(207)
  })

  test('a server that gives the same page for ever is asked twice', async () => {
    page(1).reply(200, { Contacts: contactsOf(0, 150) })
    page(2).reply(200, { Contacts: contactsOf(0, 150) })
    expect((await allOf(makeXero().contacts(book))).flat()).toHaveLength(150)
  })

  test('fault 30: xero group 10: a row that slid to the next page is given once', async () => {
    page(1).reply(200, { pagination: { pageCount: 2 }, Contacts: contactsOf(0, 3) })
    page(2).reply(200, { pagination: { pageCount: 2 }, Contacts: contactsOf(2, 3) })
    expect((await allOf(makeXero().contacts(book))).flat().map((one) => one.id)).toEqual([0, 1, 2, 3, 4].map(id))
  })
})

describe('what changed', () => {
  function play(since: string | null, stamp: string, at: string, more: Record<string, object[]> = {}) {
    standIn({})
    const asked: (string | undefined)[] = []
    for (const name of ['Contacts', 'Invoices', 'CreditNotes', 'Payments', 'BankTransactions', 'BankTransfers']) {
      const list =
        name === 'Invoices'
          ? [{ InvoiceID: id(1), Type: 'ACCPAY', Status: 'DELETED', UpdatedDateUTC: stamp, Total: 1 }]
          : []
      api()
        .get(`/${name}`)
        .query(true)
        .reply(200, (request: Request) => {
          asked.push(request.headers.get('if-modified-since') ?? undefined)
          return { DateTimeUTC: at, [name]: [...list, ...(more[name] ?? [])] }
        })
    }
    return { asked, pages: () => allOf<BookPage>(makeXero().changes(book, since as Cursor)) }
  }

  test('xero group 10: a cursor is asked for with five minutes’ overlap, and deleted things are shown', async () => {
    const { asked, pages } = play('2026-11-20T08:00:00.000Z', '/Date(1795162000000+0000)/', '/Date(1795165200000)/')
    const read = await pages()
    expect(asked).toEqual(Array(6).fill('2026-11-20T07:55:00.000Z'))
    expect(read.flatMap((one) => one.documents)).toMatchObject([{ id: id(1), kind: 'bill', status: 'deleted' }])
    expect(read.slice(0, -1).every((one) => one.next === '2026-11-20T08:00:00.000Z')).toBe(true)
  })

  test('xero group 10: the next cursor is the latest stamp seen, never past the vendor’s clock at the start', async () => {
    const early = play(null, '2026-11-20T08:06:40', '2026-11-20T09:00:00')
    expect((await early.pages()).at(-1)?.next).toBe('2026-11-20T08:06:40.000Z')
    expect(early.asked.every((one) => one === undefined)).toBe(true)
    nock.cleanAll()
    const late = play(null, '2026-11-20T09:00:07', '2026-11-20T09:00:00')
    expect((await late.pages()).at(-1)?.next).toBe('2026-11-20T09:00:00.000Z')
  })

  test('payments of every type move the account the right way', async () => {
    const types = ['ACCRECPAYMENT', 'ACCPAYPAYMENT', 'ARCREDITPAYMENT', 'APCREDITPAYMENT', 'AROVERPAYMENTPAYMENT']
    const Payments = types.map((PaymentType, at) => ({
      PaymentID: id(10 + at),
      PaymentType,
      Amount: 3,
      Account: { AccountID: credit },
    }))
    const inferred = {
      PaymentID: id(20),
      Amount: 3,
      Account: { AccountID: credit },
      Invoice: { InvoiceID: id(1), Type: 'ACCPAY' },
    }
    const { pages } = play(null, '2026-11-20T08:06:40', '2026-11-20T09:00:00', { Payments: [...Payments, inferred] })
    const moves = (await pages())
      .flatMap((one) => one.documents.filter(({ kind }) => kind === 'payment'))
      .map((one) => one.moves[0])
    expect(moves.map((one) => one?.amountMinor)).toEqual([300n, -300n, -300n, 300n, -300n, -300n])
  })

  test('a transfer between banks moves both, and its halves are not told twice', async () => {
    const BankTransfers = [
      {
        BankTransferID: id(5),
        FromBankAccount: { AccountID: credit },
        ToBankAccount: { AccountID: sales },
        Amount: '40.00',
        CreatedDateUTCString: 'x',
        CreatedDateUTC: '/Date(1795162000000)/',
      },
    ]
    const BankTransactions = [{ BankTransactionID: id(6), Type: 'SPEND-TRANSFER', Total: 40 }]
    const { pages } = play(null, '2026-11-20T08:06:40', '2026-11-20T09:00:00', { BankTransfers, BankTransactions })
    const found = (await pages()).flatMap((one) => one.documents).filter(({ kind }) => kind !== 'bill')
    expect(found).toMatchObject([
      {
        kind: 'book_transfer',
        updatedAt: '2026-11-20T08:06:40.000Z',
        moves: [
          { accountId: credit, amountMinor: -4_000n },
          { accountId: sales, amountMinor: 4_000n },
        ],
      },
    ])
  })
})

describe('looking', () => {
  const sought = { by: 'reference', kind: 'bill', reference: 'Q7H2K9M4TZ-B', contactId: customer } as const

  test('a bill is found by the marker in its text where the link was lost, a live one before a voided one', async () => {
    standIn({})
    const text = { LineItems: [{ Description: 'Flour\nTrade 7 [Q7H2K9M4TZ-B]' }] }
    api()
      .get('/Invoices')
      .query((asked) => asked.where === 'Type=="ACCPAY"' && asked.ContactIDs === customer)
      .reply(200, {
        Invoices: [
          {
            InvoiceID: id(1),
            Type: 'ACCPAY',
            Status: 'VOIDED',
            Url: 'https://quits.example/t/7#Q7H2K9M4TZ-B',
            Contact: { ContactID: customer },
          },
          { InvoiceID: id(2), Type: 'ACCPAY', Status: 'AUTHORISED', ...text, Contact: { ContactID: id(99) } },
          { InvoiceID: id(3), Type: 'ACCPAY', Status: 'AUTHORISED', ...text, Contact: { ContactID: customer } },
        ],
      })
    expect(await makeXero().find(book, [sought])).toMatchObject([{ id: id(3), reference: 'Q7H2K9M4TZ-B' }])
  })

  test('fifty are looked for in one call, each found by its own marker', async () => {
    standIn({})
    const asked: string[] = []
    const reference = (at: number) => `Q7H2K9M4TZ-${String(at).padStart(2, '0')}`
    const invoiceAt = (at: number) => ({
      InvoiceID: id(at),
      Type: 'ACCREC',
      Status: 'AUTHORISED',
      Reference: reference(at),
      Contact: { ContactID: customer },
    })
    for (let call = 0; call < 2; call += 1)
      api()
        .get('/Invoices')
        .query((query) => {
          asked.push(String(query.where))
          return true
        })
        .reply(200, { Invoices: [invoiceAt(51), invoiceAt(2), invoiceAt(1)] })
    const wanted = Array.from({ length: 51 }, (_, at) => ({
      by: 'reference' as const,
      kind: 'invoice' as const,
      reference: reference(at + 1),
      contactId: customer,
    }))
    const found = await makeXero().find(book, wanted)

    expect([...new Set(asked)].map((where) => where.split(' OR ').length)).toEqual([50, 1])
    expect(found.map((one) => one?.id ?? null)).toEqual([id(1), id(2), ...Array(48).fill(null), id(51)])
  })

  test('a server that cannot read our filter is read whole, and we filter', async () => {
    standIn({})
    const list = {
      Payments: [
        { PaymentID: id(1), Reference: 'other' },
        { PaymentID: id(2), Reference: 'Q7H2K9M4TZ-P', Status: 'DELETED' },
      ],
    }
    const asked = { page: 1, pageSize: 500 }
    api()
      .get('/Payments')
      .query({ ...asked, where: 'Reference=="Q7H2K9M4TZ-P"' })
      .reply(400, { Type: 'QueryParseException', Message: 'no' })
    api().get('/Payments').query(asked).reply(200, list)
    const found = await makeXero().find(book, [
      { by: 'reference', kind: 'payment', reference: 'Q7H2K9M4TZ-P', contactId: null },
    ])
    expect(found).toMatchObject([{ id: id(2), status: 'deleted' }])
  })

  test('several invoices by receipt cost one call, and what it misses is asked for by itself', async () => {
    standIn({})
    api()
      .get('/Invoices')
      .query({ IDs: [1, 2, 3].map(id).join(','), page: 1 })
      .reply(200, {
        Invoices: [
          { InvoiceID: id(1), Type: 'ACCREC' },
          { InvoiceID: id(2), Type: 'ACCREC' },
        ],
      })
    api()
      .get(`/Invoices/${id(3)}`)
      .reply(404, '<html>gone</html>')
    const found = await makeXero().find(
      book,
      [3, 1, 2]
        .map((at) => ({ by: 'receipt' as const, kind: 'invoice' as const, id: id(at) }))
        .sort((a, b) => a.id.localeCompare(b.id)),
    )
    expect(found.map((one) => one?.id ?? null)).toEqual([id(1), id(2), null])
  })
})

describe('the balance of an account', () => {
  const account: BookAccount = {
    id: credit,
    code: null,
    name: 'Mutual credit',
    kind: 'bank',
    takesPayments: true,
    active: true,
    reserved: false,
  }
  const cells = (values: string[], accountId: string | null, named = 'account') =>
    values.map((Value) => (accountId === null ? { Value } : { Value, Attributes: [{ Id: named, Value: accountId }] }))
  const trial = (rows: object[]) => ({
    Reports: [
      {
        Rows: [
          { RowType: 'Header', Cells: cells(['Account', 'Debit', 'Credit', 'YTD Debit', 'YTD Credit'], null) },
          { RowType: 'Section', Title: 'Assets', Rows: rows },
        ],
      },
    ],
  })
  const on = '2026-11-18'
  const balance = (more: Partial<BookAccount> = {}) => makeXero().balance(book, { ...account, ...more }, on)
  const playTrial = (rows: object[]) => api().get('/Reports/TrialBalance').query({ date: on }).reply(200, trial(rows))

  test('xero group 10: is the year-to-date pair, not the movement of the month', async () => {
    playTrial([
      { RowType: 'Row', Cells: cells(['Sales (200)', '', '99.00', '', '1,020.22'], sales) },
      { RowType: 'Row', Cells: cells(['Mutual credit', '1.00', '', '1,200.10', ''], credit) },
    ])
    expect(await balance()).toEqual({ accountId: credit, on, amountMinor: 120_010n })
  })

  test('xero group 10: is below zero for what is owed, and zero where the report leaves the account out', async () => {
    playTrial([{ RowType: 'Row', Cells: cells(['Mutual credit', '', '', '', '80.00'], credit) }])
    expect((await balance()).amountMinor).toBe(-8_000n)
    playTrial([{ RowType: 'Row', Cells: cells(['Sales (200)', '', '', '', '80.00'], sales) }])
    expect((await balance()).amountMinor).toBe(0n)
  })

  test('is found by its name only where no row tells an id', async () => {
    playTrial([{ RowType: 'Row', Cells: cells(['Mutual credit', '', '', '5.00', ''], null) }])
    expect((await balance()).amountMinor).toBe(500n)
  })

  test('xero group 12: a cut connection is not asked for other reports', async () => {
    api().get('/Reports/TrialBalance').query(true).reply(403, { Detail: 'AuthenticationUnsuccessful' })
    nock(apiUrl).get('/connections').reply(200, [])
    await expect(balance()).rejects.toMatchObject({ kind: 'unauthorized', facts: { cause: 'access_revoked' } })
  })

  test('xero group 15: comes from the bank summary, then the balance sheet, where a role may not see the trial balance', async () => {
    const forbidden = { Title: 'Forbidden', Detail: 'AuthorizationUnsuccessful' }
    const noTrial = () => api().get('/Reports/TrialBalance').query(true).reply(403, forbidden)
    noTrial()
    const summary = [
      {
        RowType: 'Header',
        Cells: cells(['Bank Accounts', 'Opening Balance', 'Cash Received', 'Cash Spent', 'Closing Balance'], null),
      },
      {
        RowType: 'Section',
        Rows: [{ RowType: 'Row', Cells: cells(['Mutual credit', '1', '2', '3', '-7.50'], credit, 'accountID') }],
      },
    ]
    api()
      .get('/Reports/BankSummary')
      .query({ fromDate: on, toDate: on })
      .reply(200, { Reports: [{ Rows: summary }] })
    expect((await balance()).amountMinor).toBe(-750n)

    noTrial()
    const sheet = [
      { RowType: 'Header', Cells: cells(['', '18 Nov 2026'], null) },
      {
        RowType: 'Section',
        Title: 'Current Liabilities',
        Rows: [{ RowType: 'Row', Cells: cells(['Mutual credit', '7.50'], credit) }],
      },
    ]
    api()
      .get('/Reports/BalanceSheet')
      .query({ date: on })
      .reply(200, { Reports: [{ Rows: sheet }] })
    expect((await balance({ kind: 'current_liability' })).amountMinor).toBe(-750n)
  })
})

test('xero group 6: xero group 15: a profile: the later lock, the treatment of UK codes, who may use them, what the plan forbids', async () => {
  api()
    .get('/Organisation')
    .reply(200, {
      Organisations: [
        {
          Name: 'Old Mill Ltd',
          CountryCode: 'GB',
          BaseCurrency: 'GBP',
          Timezone: 'GMTSTANDARDTIME',
          Class: 'STARTER',
          PeriodLockDate: '/Date(1790726400000+0000)/',
          EndOfYearLockDate: '2026-03-31',
          SalesTaxBasis: 'FLATRATECASH',
          PaysTax: true,
          TaxNumber: 'GB123',
          ShortCode: '!mill',
          OrganisationStatus: 'ACTIVE',
        },
      ],
    })
  api()
    .get('/Accounts')
    .reply(200, {
      Accounts: [
        { AccountID: id(1), Code: '610', Name: 'Debtors', Type: 'CURRENT', SystemAccount: 'DEBTORS', Status: 'ACTIVE' },
        { AccountID: id(2), Name: 'Mutual credit', Type: 'BANK', Status: 'ACTIVE' },
        {
          AccountID: id(3),
          Code: '840',
          Name: 'Other',
          Type: 'CURRLIAB',
          Status: 'ARCHIVED',
          EnablePaymentsToAccount: true,
        },
        { AccountID: id(4), Code: '9', Name: 'New kind', Type: 'SOMETHINGNEW' },
      ],
    })
  api()
    .get('/TaxRates')
    .reply(200, {
      TaxRates: [
        {
          TaxType: 'OUTPUT2',
          Name: '20% (VAT on Income)',
          EffectiveRate: '20.0000',
          CanApplyToRevenue: true,
          CanApplyToExpenses: false,
          Status: 'ACTIVE',
        },
        { TaxType: 'RRINPUT', Name: '5%', EffectiveRate: 5, Status: 'ACTIVE' },
        {
          TaxType: 'TAX001',
          Name: 'Ours',
          EffectiveRate: 17.5,
          CanApplyToRevenue: true,
          CanApplyToExpenses: true,
          Status: 'DELETED',
        },
      ],
    })
  api()
    .get('/Organisation/Actions')
    .reply(200, { Actions: [{ Name: 'CreateApprovedInvoice', Status: 'NOT-ALLOWED' }] })
  expect(await makeXero().describe(book)).toMatchObject({
    name: 'Old Mill Ltd',
    country: 'GB',
    currency: 'GBP',
    timeZone: 'Europe/London',
    lockedThrough: '2026-09-30',
    plan: 'STARTER',
    writable: false,
    shortCode: '!mill',
    vat: { registered: true, number: 'GB123', scheme: 'flat_rate' },
    needsItem: false,
    accounts: [
      { kind: 'receivable', reserved: true, takesPayments: false },
      { kind: 'bank', code: null, takesPayments: true, reserved: false },
      { kind: 'current_liability', active: false, takesPayments: false },
      { kind: 'other', active: true },
    ],
    taxCodes: [
      { id: 'OUTPUT2', rateBasisPoints: 2000, uses: ['sales'], treatment: 'standard', active: true },
      { id: 'RRINPUT', rateBasisPoints: 500, uses: ['purchases'], treatment: 'reduced' },
      { id: 'TAX001', rateBasisPoints: 1750, uses: ['sales', 'purchases'], treatment: null, active: false },
    ],
  })
})

describe('consent', () => {
  const discovery = (more: object) =>
    nock(identityUrl)
      .get('/.well-known/openid-configuration')
      .reply(200, { authorization_endpoint: '/identity/authorize', token_endpoint: '/connect/token', ...more })
  const ask = { state: 'state-1', verifier: 'v'.repeat(43) }

  test('asks for the scopes that are used and no other, with S256, at an address that may be relative', async () => {
    discovery({})
    const url = new URL(await makeXero().consentUrl(ask))
    expect(url.origin + url.pathname).toBe(`${identityUrl}/identity/authorize`)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'quits',
      redirect_uri: 'http://localhost:4600/callback',
      scope:
        'offline_access accounting.contacts accounting.invoices accounting.payments accounting.banktransactions accounting.settings ' +
        'accounting.reports.trialbalance.read accounting.reports.balancesheet.read accounting.reports.banksummary.read',
      state: 'state-1',
      code_challenge: '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM',
      code_challenge_method: 'S256',
    })
    expect(url.search).not.toContain('+')
  })

  test('leaves the challenge out, and the verifier too, where the document lists methods without S256', async () => {
    discovery({ code_challenge_methods_supported: ['plain'] })
    const xero = makeXero()
    expect(new URL(await xero.consentUrl(ask)).searchParams.has('code_challenge')).toBe(false)
    identity()
      .post('/connect/token', (form) => !('code_verifier' in form))
      .reply(200, { access_token: 'a', refresh_token: 'r', expires_in: 1800 })
    nock(apiUrl).get('/connections').reply(200, [])
    expect(await xero.grantsFrom({ url: 'http://localhost:4600/callback?code=c', verifier: ask.verifier })).toEqual([])
  })

  test('opens organisations only, those of this very consent first', async () => {
    discovery({})
    const claims = Buffer.from(JSON.stringify({ authentication_event_id: 'event-2' })).toString('base64url')
    const basic = `Basic ${Buffer.from('quits:the-secret').toString('base64')}`
    nock(identityUrl, { reqheaders: { authorization: basic } })
      .post('/connect/token', {
        grant_type: 'authorization_code',
        code: 'c',
        redirect_uri: 'http://localhost:4600/callback',
        code_verifier: ask.verifier,
      })
      .reply(200, {
        access_token: `h.${claims}.s`,
        refresh_token: 'r',
        expires_in: '1800',
        scope: 'offline_access accounting.invoices',
      })
    const connection = (at: number, more: object) => ({
      id: `c${at}`,
      tenantId: id(at),
      tenantName: `Book ${at}`,
      tenantType: 'ORGANISATION',
      ...more,
    })
    nock(apiUrl)
      .get('/connections')
      .reply(200, [
        connection(1, { authEventId: 'event-1' }),
        connection(2, { authEventId: 'event-2' }),
        connection(3, { tenantType: 'PRACTICE' }),
      ])
    const grants = await makeXero().grantsFrom({
      url: 'http://localhost:4600/callback?code=c&state=s',
      verifier: ask.verifier,
    })
    expect(grants.map((one) => [one.bookName, one.cutId])).toEqual([
      ['Book 2', 'c2'],
      ['Book 1', 'c1'],
    ])
    expect(grants[0]).toMatchObject({
      accessEndsAt: '2026-11-20T09:30:00.000Z',
      refreshEndsAt: '2027-01-19T09:00:00.000Z',
      hardEndsAt: null,
      scopes: ['offline_access', 'accounting.invoices'],
    })
  })

  test('xero group 16: cuts this one connection, with a fresh token if need be; one that is cut already is a yes', async () => {
    discovery({})
    nock(apiUrl).delete('/connections/c1').reply(401, {})
    identity().post('/connect/token').reply(200, { access_token: 'fresh', refresh_token: 'r' })
    nock(apiUrl, { reqheaders: { authorization: 'Bearer fresh' } })
      .delete('/connections/c1')
      .reply(404)
    await expect(makeXero().revoke(book)).resolves.toBeUndefined()
  })
})

describe('bells', () => {
  const body = Buffer.from(
    `{"events":[{"resourceId":"${id(1)}","tenantId":"${book.bookId}","eventCategory":"INVOICE","eventType":"UPDATE","eventDateUtc":"2026-11-20T08:00:00.000"}],"firstEventSequence":1,"lastEventSequence":1}`,
  )
  const signed = (bytes: Uint8Array, key: string) => ({
    body: bytes,
    headers: { 'X-Xero-Signature': createHmac('sha256', key).update(bytes).digest('base64') },
  })

  test('fault 43: xero group 14: ring under the same id however often they are sent, under either key of a rotation', () => {
    const [first] = bellsFrom(signed(body, 'old'), ['new', 'old'])
    expect(first).toMatchObject({
      bookId: book.bookId,
      kind: 'invoice.update',
      thingId: id(1),
      at: '2026-11-20T08:00:00.000Z',
    })
    expect(bellsFrom(signed(body, 'new'), ['new', 'old'])[0]?.id).toBe(first?.id)
  })

  test('fault 43: fault 44: xero group 14: a request to receive without events is signed and empty; re-encoded or unsigned bytes are refused', () => {
    expect(bellsFrom(signed(Buffer.from('{"events":[],"firstEventSequence":0}'), 'key'), ['key'])).toEqual([])
    const padded = { ...signed(body, 'key'), body: Buffer.concat([body, Buffer.from(' ')]) }
    for (const raw of [padded, { body, headers: {} }, signed(body, '')]) {
      expect(() => bellsFrom(raw, ['key', ''])).toThrow(expect.objectContaining({ kind: 'unauthorized' }))
    }
  })
})

describe('decimals', () => {
  test('fault 61: every amount Xero takes goes out and comes back exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(-999_999_999_999n, 999_999_999_999n), (minor) => {
        expect(minorFrom(decimalFrom(minor))).toBe(minor)
        const sent = parseJson(JSON.stringify({ Amount: jsonNumber(minor) }))
        expect(minorFrom(textAt(sent, 'Amount'))).toBe(minor)
      }),
    )
    expect(() => jsonNumber(1_000_000_000_000n)).toThrow(RangeError)
  })

  test('blanks are zero, brackets are below it, and what is no amount is null', () => {
    const read = ['', '(80.00)', '1,020.22', '7', '.5', '20.0000', '0.001', 'abc', '1.2.3'].map(minorFrom)
    expect(read).toEqual([0n, -8_000n, 102_022n, 700n, 50n, 2_000n, null, null, null])
    expect(['20.0000', '17.5', '12.505', null].map(basisPointsFrom)).toEqual([2000, 1750, 1251, 0])
  })

  test('numbers inside text stay text', () => {
    expect(parseJson('{"a":1.10,"b":"say \\"2\\": 3","c":[-4,{"d":5e3}]}')).toEqual({
      a: '1.10',
      b: 'say "2": 3',
      c: ['-4', { d: '5e3' }],
    })
  })
})
