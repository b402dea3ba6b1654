/**
 * A Xero stand-in and the vendor's own package as its client redirected to it.
 */
import { createRequire } from 'node:module'
import { type AccountingApi, XeroClient } from 'xero-node'
import type { XeroOrganisationSeed, XeroStandIn, XeroStandInOptions } from '../../stand-ins/xero/server.ts'
import { demoXeroOrganisations, startXeroStandIn } from '../../stand-ins/xero/server.ts'

const ofXeroNode = createRequire(createRequire(import.meta.url).resolve('xero-node'))
const { Issuer, custom } = ofXeroNode('openid-client')

export const redirectUri = 'http://localhost:4600/connect/xero/callback'
export const scopes =
  'openid profile email offline_access accounting.contacts accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals accounting.settings accounting.reports.trialbalance.read accounting.reports.balancesheet.read accounting.reports.banksummary.read'.split(
    ' ',
  )

export async function startStandIn(options: Partial<XeroStandInOptions> = {}): Promise<XeroStandIn> {
  const organisations: XeroOrganisationSeed[] = demoXeroOrganisations
  return startXeroStandIn({ clientId: 'app', clientSecret: 'app-secret', limits: 'off', organisations, ...options })
}

export async function clientOf(standIn: XeroStandIn, wanted = scopes): Promise<XeroClient> {
  const client = new XeroClient({
    clientId: 'app',
    clientSecret: 'app-secret',
    redirectUris: [redirectUri],
    scopes: wanted,
    state: 'state-1',
  })
  const issuer = await Issuer.discover(standIn.url)
  const openIdClient = new issuer.Client({
    client_id: 'app',
    client_secret: 'app-secret',
    redirect_uris: [redirectUri],
  })
  openIdClient[custom.clock_tolerance] = 5
  ;(client as unknown as { openIdClient: unknown }).openIdClient = openIdClient
  client.accountingApi.basePath = `${standIn.url}/api.xro/2.0`
  return client
}

/** Presses "Allow access" for the organisations named, and gives the address the browser is sent to. */
export async function allow(consentUrl: string, organisationIds: string[], decision = 'allow'): Promise<string> {
  const body = new URLSearchParams({ decision })
  for (const id of organisationIds) body.append('organisation', id)
  const answer = await fetch(consentUrl, { method: 'POST', body, redirect: 'manual' })
  return answer.headers.get('location') ?? `no redirect: ${answer.status}`
}

/** Whatever JSON holds: a test asserts on what it finds. */
export type Loose = ReturnType<typeof JSON.parse>

export interface Connected {
  standIn: XeroStandIn
  client: XeroClient
  api: AccountingApi
  /** The organisation's id, which every call bears. */
  organisationId: string
  accessToken: string
  account(codeOrName: string): string
  balance(codeOrName: string): string
}

export async function connected(
  name = 'Mill Lane Timber Ltd',
  options: Partial<XeroStandInOptions> = {},
): Promise<Connected> {
  const standIn = await startStandIn(options)
  const client = await clientOf(standIn)
  const find = () => {
    const all = standIn.control.organisations() as {
      id: string
      name: string
      accounts: { id: string; code: string | null; name: string; balance: string }[]
    }[]
    const found = all.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no organisation ${name}`)
    return found
  }
  const account = (wanted: string) => {
    const found = find().accounts.find((one) => one.code === wanted || one.name === wanted)
    if (found === undefined) throw new Error(`no account ${wanted}`)
    return found
  }
  const { id } = find()
  const tokens = await client.apiCallback(await allow(await client.buildConsentUrl(), [id]))
  return {
    standIn,
    client,
    api: client.accountingApi,
    organisationId: id,
    accessToken: tokens.access_token ?? '',
    account: (wanted) => account(wanted).id,
    balance: (wanted) => account(wanted).balance,
  }
}

/** A call past the package, for what the package would not send. */
export async function raw(
  { standIn, accessToken, organisationId }: Connected,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; json: Loose; text: string }> {
  const answer = await fetch(`${standIn.url}/api.xro/2.0${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${accessToken}`,
      'xero-tenant-id': organisationId,
      Accept: 'application/json',
      'Content-Type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: answer.status, headers: answer.headers, json, text }
}

/** The messages of a refused call made through the package, which rejects with a JSON string. */
export async function refusal(promise: Promise<unknown>): Promise<{ status: number; messages: string[]; body: Loose }> {
  try {
    await promise
  } catch (error) {
    const { response } = typeof error === 'string' ? JSON.parse(error) : (error as Loose)
    const body = response?.body
    const messages = (body?.Elements ?? []).flatMap((element: Loose) =>
      (element.ValidationErrors ?? []).map((one: Loose) => one.Message),
    )
    return { status: response?.statusCode, messages, body }
  }
  throw new Error('the call was not refused')
}
