/** A connector, a grant and things to put, for the tests of the QuickBooks connector; and nock set so that nothing escapes it. */
import nock from 'nock'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { Allocation, Bill, CreditNote, Grant, Invoice, Money, Payment, Receipt } from '../../connectors/port.ts'
import { type QuickBooksSettings, quickbooksConnector } from '../../connectors/quickbooks/connector.ts'

// It stands in the way of every request of this process from its import on: those who want it put it back.
nock.restore()

export const api = 'https://books.example'
export const company = '/v3/company/4620816365'
export const now = new Date('2026-11-24T10:00:00.000Z')

export function connectorWith(settings: Partial<QuickBooksSettings> = {}) {
  return quickbooksConnector({
    clientId: 'client-1',
    clientSecret: 'secret-1',
    redirectUri: 'https://quits.example/connect/quickbooks',
    discoveryUrl: 'https://login.example/.well-known/openid_configuration',
    apiUrl: api,
    timeLimitMs: 5000,
    callsASecond: 1_000,
    now: () => now,
    ...settings,
  })
}

/** Fails a test when a request met no recording, or a recording no request: an unmatched one would be answered 501. */
export function playedByNock() {
  const strays: string[] = []
  const note = (request: { url?: string; path?: string; method?: string }) =>
    strays.push(`${request.method} ${request.url ?? request.path}`)
  beforeAll(() => {
    if (!nock.isActive()) nock.activate()
    nock.disableNetConnect()
    nock.emitter.on('no match', note)
  })
  beforeEach(() => {
    strays.length = 0
  })
  afterEach(() => {
    const unplayed = nock.pendingMocks()
    nock.cleanAll()
    expect({ strays, unplayed }).toEqual({ strays: [], unplayed: [] })
  })
  afterAll(() => {
    nock.emitter.off('no match', note)
    nock.enableNetConnect()
    // Left in place it would stand in the way of the tests that come after in this process.
    nock.restore()
  })
}

export const grant: Grant = {
  bookId: '4620816365',
  bookName: 'Hill Bakery',
  cutId: null,
  accessToken: 'access-canary',
  accessEndsAt: '2026-11-24T11:00:00.000Z',
  refreshToken: 'refresh-canary',
  refreshEndsAt: '2027-03-01T10:00:00.000Z',
  hardEndsAt: null,
  scopes: ['com.intuit.quickbooks.accounting'],
}

const line = {
  description: 'Bread',
  netMinor: 100_000n,
  vatMinor: 20_000n,
  taxCodeId: '3',
  accountId: '60',
  itemId: '1',
}
const paper = {
  reference: 'Q7H2K9M4TZ-I',
  contactId: '5',
  datedOn: '2026-11-22',
  currency: 'GBP',
  totalMinor: 120_000n,
  note: 'Trade with Mill',
  link: 'https://quits.example/trades/1',
}

export const invoice = (own: Partial<Invoice> = {}): Invoice => ({
  ...paper,
  kind: 'invoice',
  number: 'HB-0001',
  dueOn: '2026-12-22',
  lines: [line],
  ...own,
})
export const bill = (own: Partial<Bill> = {}): Bill => ({
  ...paper,
  kind: 'bill',
  reference: 'Q7H2K9M4TZ-B',
  contactId: '7',
  number: 'HB-0001',
  dueOn: '2026-12-22',
  lines: [{ ...line, itemId: null }],
  ...own,
})
export const credit = (own: Partial<CreditNote> = {}): CreditNote => ({
  ...paper,
  kind: 'credit_note',
  reference: 'Q7H2K9M4TZ-C',
  number: 'HB-C-0001',
  lines: [line],
  ...own,
})
export const money = (own: Partial<Money> = {}): Money => ({
  ...paper,
  kind: 'money_spent',
  reference: 'Q7H2K9M4TZ-F',
  contactId: '7',
  accountId: '35',
  lines: [{ ...line, netMinor: 1000n, vatMinor: 200n, itemId: null }],
  clearing: null,
  totalMinor: 1200n,
  reconciled: false,
  ...own,
})
export const receipt = (own: Partial<Receipt> = {}): Receipt => ({
  kind: 'invoice',
  id: '31',
  version: '0',
  number: null,
  totalMinor: null,
  openMinor: null,
  datedOn: null,
  status: null,
  deepLink: null,
  warnings: [],
  callId: null,
  ...own,
})
export const payment = (own: Partial<Payment> = {}): Payment => ({
  kind: 'payment',
  reference: 'Q7H2K9M4TZ-P',
  of: receipt(),
  contactId: '5',
  accountId: '35',
  amountMinor: 60_010n,
  datedOn: '2026-11-22',
  currency: 'GBP',
  reconciled: false,
  note: '',
  ...own,
})
export const allocation = (own: Partial<Allocation> = {}): Allocation => ({
  kind: 'allocation',
  reference: 'Q7H2K9M4TZ-A',
  credit: receipt({ kind: 'credit_note', id: '41' }),
  against: receipt({ kind: 'money_spent', id: '32' }),
  contactId: '5',
  accountId: '35',
  amountMinor: 60_000n,
  datedOn: '2026-11-22',
  currency: 'GBP',
  note: '',
  ...own,
})
