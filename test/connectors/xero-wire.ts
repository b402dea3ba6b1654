/** What the tests at Xero's wire share: a connector, a book it may open, and the answers that every call needs. */
import nock from 'nock'
import type { BookKind, Grant, Invoice, Payment, Receipt } from '../../connectors/port.ts'
import { type XeroSettings, xeroConnector } from '../../connectors/xero/connector.ts'

// It stands in the way of every request of this process from its import on: those who want it put it back.
nock.restore()

export const apiUrl = 'https://api.xero.test'
export const identityUrl = 'https://identity.xero.test'
export const kind: BookKind = 'xero'
const startsAt = '2026-11-20T09:00:00.000Z'

export const book: Grant = {
  bookId: '7f6d3c7e-0000-4000-8000-000000000001',
  bookName: 'Old Mill Ltd',
  cutId: 'c1',
  accessToken: 'access-token-of-the-mill',
  accessEndsAt: '2026-11-20T09:30:00.000Z',
  refreshToken: 'refresh-token-of-the-mill',
  refreshEndsAt: '2027-01-19T09:00:00.000Z',
  hardEndsAt: null,
  scopes: ['accounting.invoices'],
}

export const sales = '7f6d3c7e-0000-4000-8000-0000000000aa'
export const credit = '7f6d3c7e-0000-4000-8000-0000000000bb'
export const liability = '7f6d3c7e-0000-4000-8000-0000000000ee'
export const customer = '7f6d3c7e-0000-4000-8000-0000000000cc'

export function makeXero(more: Partial<XeroSettings> = {}) {
  return xeroConnector({
    clientId: 'quits',
    clientSecret: 'the-secret',
    redirectUri: 'http://localhost:4600/callback',
    identityUrl,
    apiUrl,
    now: () => new Date(startsAt),
    ...more,
  })
}

export const api = () => nock(`${apiUrl}/api.xro/2.0`)
export const identity = () => nock(identityUrl)

type Given = { organisation?: Record<string, unknown> | undefined; connections?: unknown[] | undefined }

/** What is read besides the call a test is about: discovery, connections, organisation and accounts. */
export function standIn(given: Given): void {
  nock(identityUrl)
    .persist()
    .get('/.well-known/openid-configuration')
    .reply(200, {
      issuer: identityUrl,
      authorization_endpoint: `${identityUrl}/connect/authorize`,
      token_endpoint: `${identityUrl}/connect/token`,
      revocation_endpoint: `${identityUrl}/connect/revocation`,
    })
  atXero(apiUrl, given)
}

export function atXero(url: string, { organisation, connections }: Given): void {
  if (connections)
    nock(url)
      .get('/connections')
      .reply(200, connections as nock.Body)
  const scope = nock(`${url}/api.xro/2.0`).persist()
  scope.get('/Accounts').reply(200, { Accounts: accounts })
  scope.get('/Organisation').reply(200, {
    Organisations: [
      { Name: 'Old Mill Ltd', BaseCurrency: 'GBP', CountryCode: 'GB', ShortCode: '!mill', ...organisation },
    ],
  })
}

export const accounts = [
  { AccountID: sales, Code: '200', Name: 'Sales', Type: 'REVENUE', Status: 'ACTIVE' },
  { AccountID: credit, Name: 'Mutual credit', Type: 'BANK', Status: 'ACTIVE' },
  {
    AccountID: liability,
    Code: '880',
    Name: 'Mutual credit owed',
    Type: 'CURRLIAB',
    Status: 'ACTIVE',
    EnablePaymentsToAccount: true,
  },
]

export const invoiceOfTen: Invoice = {
  kind: 'invoice',
  reference: 'Q7H2K9M4TZ-I',
  number: 'MILL-0007',
  contactId: customer,
  datedOn: '2026-11-16',
  dueOn: '2026-12-16',
  currency: 'GBP',
  lines: [
    { description: 'Flour', netMinor: 1_000n, vatMinor: 200n, taxCodeId: 'OUTPUT2', accountId: sales, itemId: null },
  ],
  totalMinor: 1_200n,
  note: 'Trade 7H2K9M4TZ in Riverbank',
  link: 'https://quits.example/t/7',
}

export function receiptOf(kind: Receipt['kind']): Receipt {
  const id = '7f6d3c7e-0000-4000-8000-0000000000dd'
  const unknown = { version: null, number: null, totalMinor: null, openMinor: null, datedOn: null, status: null }
  return { kind, id, ...unknown, deepLink: null, warnings: [], callId: null }
}

export const paymentOf = (of: Receipt): Payment => ({
  kind: 'payment',
  reference: 'Q7H2K9M4TZ-P',
  of,
  contactId: customer,
  accountId: credit,
  amountMinor: 1_200n,
  datedOn: '2026-11-18',
  currency: 'GBP',
  reconciled: true,
  note: 'Paid in mutual credit',
})
