/** An independent client of the QuickBooks stand-in: intuit-oauth for consent and tokens, plain fetch for the books. */
import OAuthClient from 'intuit-oauth'
import {
  type QuickBooksStandIn,
  type QuickBooksStandInOptions,
  startQuickBooksStandIn,
} from '../../stand-ins/quickbooks/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: the client must not share the stand-in's own types
export type Loose = any

export const redirectUri = 'http://localhost:9/callback'
const day = '2026-11-22'

export async function startBooks(options: Partial<QuickBooksStandInOptions> = {}) {
  const standIn = await startQuickBooksStandIn({
    clientId: 'an-app',
    clientSecret: 'its-secret',
    limits: 'off',
    organisations: [bakery],
    ...options,
  })
  return standIn
}

export const bakery = {
  name: "Rosa's Bakery Ltd",
  customTxnNumbers: true,
  customers: [{ name: 'The Corner Café' }, { name: "O'Neil Joinery" }],
  vendors: [{ name: 'Weald Flour Mill Ltd' }],
  employees: [{ name: 'Rosa Delgado' }],
}

/** Points the vendor's package at the stand-in. */
export function oauthFor(standIn: QuickBooksStandIn): Loose {
  const ours = OAuthClient as Loose
  ours.setAuthorizeURLs?.({
    authorizeEndpoint: `${standIn.url}/connect/oauth2`,
    tokenEndpoint: `${standIn.url}/oauth2/v1/tokens/bearer`,
    revokeEndpoint: `${standIn.url}/v2/oauth2/tokens/revoke`,
    userInfoEndpoint: `${standIn.url}/v1/openid_connect/userinfo`,
  })
  const client: Loose = new ours({
    clientId: 'an-app',
    clientSecret: 'its-secret',
    environment: 'sandbox',
    redirectUri,
  })
  client.setAuthorizeURLs?.({
    authorizeEndpoint: `${standIn.url}/connect/oauth2`,
    tokenEndpoint: `${standIn.url}/oauth2/v1/tokens/bearer`,
    revokeEndpoint: `${standIn.url}/v2/oauth2/tokens/revoke`,
    userInfoEndpoint: `${standIn.url}/v1/openid_connect/userinfo`,
  })
  client.retryConfig = { ...client.retryConfig, maxRetries: 0 }
  return client
}

/** A person says yes on the page and is sent back. */
export async function sayYes(consentUrl: string, companyId: string, decision = 'allow'): Promise<URL> {
  const asked = new URL(consentUrl)
  const form = new URLSearchParams(asked.search)
  form.set('company', companyId)
  form.set('decision', decision)
  const answer = await fetch(asked.origin + asked.pathname, { method: 'POST', body: form, redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? 'about:blank')
}

export interface Reply {
  status: number
  body: Loose
  headers: Headers
}

/** A connected company: `call` for anything, `make` for a create that must succeed. */
export async function connected(standIn: QuickBooksStandIn) {
  const company = (standIn.control.organisations() as Loose[])[0]
  const oauth = oauthFor(standIn)
  const url = oauth.authorizeUri({ scope: ['com.intuit.quickbooks.accounting'], state: 'st' })
  const back = await sayYes(url, company.id)
  const token = (await oauth.createToken(back.toString())).getToken()
  const base = `${standIn.url}/v3/company/${company.id}`

  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> => {
    const answer = await fetch(base + path, {
      method,
      headers: {
        Authorization: `Bearer ${token.access_token}`,
        Accept: 'application/json',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    let read: Loose = text
    try {
      read = JSON.parse(text)
    } catch {
      // Not JSON: the text itself is what a test looks at.
    }
    return { status: answer.status, body: read, headers: answer.headers }
  }
  const make = async (kind: string, body: Loose): Promise<Loose> => {
    const reply = await call('POST', `/${kind.toLowerCase()}`, body)
    if (reply.status !== 200) throw new Error(JSON.stringify(reply.body))
    return reply.body[kind]
  }
  const read = async (kind: string, id: string): Promise<Loose> =>
    (await call('GET', `/${kind.toLowerCase()}/${id}`)).body[kind]
  const query = async (text: string): Promise<Loose> =>
    (await call('GET', `/query?query=${encodeURIComponent(text)}`)).body.QueryResponse
  const id = (list: string, name: string): string => {
    const found = company[list].find((one: Loose) => one.name === name)
    if (!found) throw new Error(`no ${name} in ${list}`)
    return found.id
  }
  const balance = async (name: string): Promise<number> =>
    (await query(`select * from Account where Name = '${name}'`)).Account[0].CurrentBalance
  const mc = (await make('Account', { Name: 'Mutual credit', AccountType: 'Bank', AccountSubType: 'Checking' })).Id

  return { company, oauth, token, base, call, make, read, query, id, balance, mc, day }
}

export type Books = Awaited<ReturnType<typeof connected>>

/** The bodies a client sends most. */
export const bodies = (books: Books) => ({
  invoice: (amounts: number[], more: Loose = {}) => ({
    CustomerRef: { value: books.id('customers', 'The Corner Café') },
    TxnDate: day,
    GlobalTaxCalculation: 'TaxExcluded',
    Line: amounts.map((Amount) => ({
      Amount,
      DetailType: 'SalesItemLineDetail',
      SalesItemLineDetail: {
        ItemRef: { value: books.id('products', 'Sales') },
        TaxCodeRef: { value: books.id('taxCodes', '20.0% S') },
      },
    })),
    ...more,
  }),
  bill: (Amount: number, code = '20.0% S', more: Loose = {}) => ({
    VendorRef: { value: books.id('vendors', 'Weald Flour Mill Ltd') },
    TxnDate: day,
    GlobalTaxCalculation: 'TaxExcluded',
    Line: [
      {
        Amount,
        DetailType: 'AccountBasedExpenseLineDetail',
        AccountBasedExpenseLineDetail: {
          AccountRef: { value: books.id('accounts', 'Cost of sales') },
          TaxCodeRef: { value: books.id('taxCodes', code) },
        },
      },
    ],
    ...more,
  }),
  payment: (TotalAmt: number, lines: [amount: number, id: string, type: string][], more: Loose = {}) => ({
    CustomerRef: { value: books.id('customers', 'The Corner Café') },
    TotalAmt,
    TxnDate: day,
    DepositToAccountRef: { value: books.mc },
    Line: lines.map(([Amount, TxnId, TxnType]) => ({ Amount, LinkedTxn: [{ TxnId, TxnType }] })),
    ...more,
  }),
  billPayment: (TotalAmt: number, lines: [amount: number, id: string, type: string][], more: Loose = {}) => ({
    VendorRef: { value: books.id('vendors', 'Weald Flour Mill Ltd') },
    TotalAmt,
    TxnDate: day,
    PayType: 'Check',
    CheckPayment: { BankAccountRef: { value: books.mc }, PrintStatus: 'NotSet' },
    Line: lines.map(([Amount, TxnId, TxnType]) => ({ Amount, LinkedTxn: [{ TxnId, TxnType }] })),
    ...more,
  }),
})

/** The first error of a fault, as code and status. */
export const said = (reply: Reply): string =>
  `${reply.status} ${reply.body?.Fault?.Error?.[0]?.code ?? reply.body?.fault?.error?.[0]?.code ?? '-'}`
