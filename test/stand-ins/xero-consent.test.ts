import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { XeroStandIn } from '../../stand-ins/xero/server.ts'
import { allow, clientOf, connected, raw, redirectUri, startStandIn } from './xero-client.ts'

let running: XeroStandIn[] = []
afterEach(async () => {
  for (const standIn of running) await standIn.close()
  running = []
})

async function fresh(options = {}) {
  const standIn = await startStandIn(options)
  running.push(standIn)
  const [mill, books] = standIn.control.organisations() as { id: string; name: string }[]
  return { standIn, mill: mill?.id ?? '', books: books?.id ?? '' }
}

function tokenCall(standIn: XeroStandIn, fields: Record<string, string>, basic = 'app:app-secret') {
  return fetch(`${standIn.url}/connect/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    body: new URLSearchParams(fields),
  })
}

const authorize = (standIn: XeroStandIn, changes: Record<string, string> = {}) =>
  `${standIn.url}/identity/connect/authorize?${new URLSearchParams({
    client_id: 'app',
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'offline_access accounting.contacts accounting.settings',
    state: 's',
    ...changes,
  })}`

async function signedIn(standIn: XeroStandIn, organisationId: string) {
  const back = new URL(await allow(authorize(standIn), [organisationId]))
  const answer = await tokenCall(standIn, {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
  })
  return (await answer.json()) as { access_token: string; refresh_token: string }
}

describe('consent', () => {
  test('the vendor’s package connects two organisations with one consent and its id_token is accepted', async () => {
    const { standIn, mill, books } = await fresh()
    const client = await clientOf(standIn)
    const back = await allow(await client.buildConsentUrl(), [mill, books])
    expect(new URL(back).searchParams.get('state')).toBe('state-1')

    const tokens = await client.apiCallback(back)

    expect(tokens.claims().email).toBe('demo@quits.example')
    const answer = await fetch(`${standIn.url}/connections`, {
      headers: { Authorization: `Bearer ${tokens.access_token}` },
    })
    const rows = (await answer.json()) as { tenantId: string; tenantName: string }[]
    expect(rows.map((row) => row.tenantName).sort()).toEqual(['Harbour Street Books', 'Mill Lane Timber Ltd'])
  })

  test('Cancel calls back with access_denied and the state', async () => {
    const { standIn } = await fresh()
    const back = new URL(await allow(authorize(standIn), [], 'cancel'))
    expect(Object.fromEntries(back.searchParams)).toEqual({ state: 's', error: 'access_denied' })
  })

  test.each([
    ['another app', { client_id: 'stranger' }],
    ['127.0.0.1 as redirect', { redirect_uri: 'http://127.0.0.1:4600/x' }],
    ['plain http elsewhere', { redirect_uri: 'http://quits.example/x' }],
    ['a broad scope', { scope: 'accounting.transactions' }],
    ['a plain challenge', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }],
    ['a token response', { response_type: 'token' }],
  ])('%s gets an error page and no callback', async (_what, changes) => {
    const { standIn, mill } = await fresh()
    const answer = await fetch(authorize(standIn, changes), { redirect: 'manual' })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
    expect(await allow(authorize(standIn, changes), [mill])).toBe('no redirect: 400')
  })

  test('a code works once, within five minutes, with the verifier of its challenge', async () => {
    const { standIn, mill } = await fresh()
    const verifier = 'a-verifier-that-is-long-enough-to-be-one-of-them'
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const ask = authorize(standIn, { code_challenge: challenge, code_challenge_method: 'S256' })
    const code = async () => new URL(await allow(ask, [mill])).searchParams.get('code') ?? ''
    const spend = async (fields: Record<string, string>) =>
      (await tokenCall(standIn, { grant_type: 'authorization_code', redirect_uri: redirectUri, ...fields })).status

    const first = await code()
    expect(await spend({ code: first, code_verifier: verifier })).toBe(200)
    expect(await spend({ code: first, code_verifier: verifier })).toBe(400)
    expect(await spend({ code: await code(), code_verifier: 'another' })).toBe(400)
    expect(await spend({ code: await code() })).toBe(400)
    const late = await code()
    standIn.clock.advance(5 * 60_000 + 1)
    expect(await spend({ code: late, code_verifier: verifier })).toBe(400)
  })

  test('fewer scopes than asked can be given, and the missing one is refused with insufficient_scope', async () => {
    const { standIn, mill } = await fresh()
    standIn.control.faults.add({ knob: 'fewerScopes', value: ['accounting.contacts'] })
    const tokens = await signedIn(standIn, mill)
    const here = { standIn, organisationId: mill, accessToken: tokens.access_token } as Parameters<typeof raw>[0]
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(200)
    const refused = await raw(here, 'GET', '/Contacts')
    expect([refused.status, refused.json.Detail]).toEqual([401, 'AuthorizationUnsuccessful'])
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope')
  })
})

describe('tokens', () => {
  test('the vendor’s package refreshes, and the token rotates', async () => {
    const { standIn, client } = await connected()
    running.push(standIn)
    const before = client.readTokenSet().refresh_token
    const after = await client.refreshToken()
    expect(after.refresh_token).not.toBe(before)
    expect(after.expires_in).toBe(1800)
  })

  test('a used refresh token works for thirty minutes more and then never again', async () => {
    const { standIn, mill } = await fresh()
    const { refresh_token: first } = await signedIn(standIn, mill)
    const refresh = async (refresh_token: string) => tokenCall(standIn, { grant_type: 'refresh_token', refresh_token })
    expect((await refresh(first)).status).toBe(200)
    standIn.clock.advance(29 * 60_000)
    const again = await refresh(first)
    expect(again.status).toBe(200)
    const { refresh_token: second } = (await again.json()) as { refresh_token: string }
    standIn.clock.advance(2 * 60_000)
    const late = await refresh(first)
    expect([late.status, await late.json()]).toEqual([400, { error: 'invalid_grant' }])
    standIn.clock.advance(60 * 86_400_000 + 1)
    expect((await refresh(second)).status).toBe(400)
  })

  test('the grace may also give the very pair that was lost', async () => {
    const { standIn, mill } = await fresh({ graceGives: 'samePair' })
    const { refresh_token: first } = await signedIn(standIn, mill)
    const refresh = async () =>
      (await (await tokenCall(standIn, { grant_type: 'refresh_token', refresh_token: first })).json()) as {
        refresh_token: string
      }
    expect((await refresh()).refresh_token).toBe((await refresh()).refresh_token)
  })

  test('a lost token answer has rotated the token, which its grace repairs', async () => {
    const { standIn, mill } = await fresh()
    const { refresh_token } = await signedIn(standIn, mill)
    standIn.control.faults.add({ knob: 'tokenLost' })
    await expect(tokenCall(standIn, { grant_type: 'refresh_token', refresh_token })).rejects.toThrow()
    expect((await tokenCall(standIn, { grant_type: 'refresh_token', refresh_token })).status).toBe(200)
  })

  test.each([
    ['tokenInvalidGrant', 400, '{"error":"invalid_grant"}'],
    ['tokenEmpty', 200, ''],
    ['tokenHtml', 503, '<html><body>Down for maintenance</body></html>'],
  ])('the knob %s answers %i', async (knob, status, body) => {
    const { standIn, mill } = await fresh()
    const { refresh_token } = await signedIn(standIn, mill)
    standIn.control.faults.add({ knob })
    const answer = await tokenCall(standIn, { grant_type: 'refresh_token', refresh_token })
    expect([answer.status, await answer.text()]).toEqual([status, body])
  })

  test('a wrong client and a foreign grant type are named', async () => {
    const { standIn } = await fresh()
    const wrong = await tokenCall(standIn, { grant_type: 'refresh_token', refresh_token: 'x' }, 'app:wrong')
    expect([wrong.status, await wrong.json()]).toEqual([400, { error: 'invalid_client' }])
    const foreign = await tokenCall(standIn, { grant_type: 'password' })
    expect(await foreign.json()).toEqual({ error: 'unsupported_grant_type' })
  })

  test('an access token ends after thirty minutes with TokenExpired', async () => {
    const here = await connected()
    running.push(here.standIn)
    here.standIn.clock.advance(30 * 60_000)
    const answer = await raw(here, 'GET', '/Organisation')
    expect(answer.status).toBe(401)
    expect(answer.json).toMatchObject({ Type: null, Title: 'Unauthorized', Status: 401, Extensions: {} })
    expect(answer.json.Detail).toMatch(/^TokenExpired: token expired at /)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error=invalid_token')
  })

  test('expireAccess ends every access token there is, and a refresh mends it', async () => {
    const here = await connected()
    running.push(here.standIn)
    here.standIn.clock.advance(1000)
    here.standIn.control.faults.add({ knob: 'expireAccess' })
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(401)
    const tokens = await here.client.refreshToken()
    expect((await raw({ ...here, accessToken: tokens.access_token ?? '' }, 'GET', '/Organisation')).status).toBe(200)
  })

  test('an id_token opens nothing', async () => {
    const here = await connected()
    running.push(here.standIn)
    const idToken = here.client.readTokenSet().id_token ?? ''
    expect((await raw({ ...here, accessToken: idToken }, 'GET', '/Organisation')).status).toBe(401)
  })
})

describe('connections', () => {
  test('a disconnected organisation answers 403 though the token can still be refreshed', async () => {
    const here = await connected()
    running.push(here.standIn)
    const bearer = { Authorization: `Bearer ${here.accessToken}` }
    const [row] = (await (await fetch(`${here.standIn.url}/connections`, { headers: bearer })).json()) as {
      id: string
    }[]
    const byTenant = await fetch(`${here.standIn.url}/connections/${here.organisationId}`, {
      method: 'DELETE',
      headers: bearer,
    })
    expect(byTenant.status).toBe(403)
    const gone = await fetch(`${here.standIn.url}/connections/${row?.id}`, { method: 'DELETE', headers: bearer })
    expect(gone.status).toBe(204)

    const refused = await raw(here, 'GET', '/Organisation')
    expect([refused.status, refused.json.Title, refused.json.Detail]).toEqual([
      403,
      'Forbidden',
      'AuthenticationUnsuccessful',
    ])
    await here.client.refreshToken()
    expect(await (await fetch(`${here.standIn.url}/connections`, { headers: bearer })).json()).toEqual([])
  })

  test('revoking the token ends every connection and the grant', async () => {
    const here = await connected()
    running.push(here.standIn)
    const refresh_token = here.client.readTokenSet().refresh_token ?? ''
    await here.client.revokeToken()
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(403)
    expect((await tokenCall(here.standIn, { grant_type: 'refresh_token', refresh_token })).status).toBe(400)
  })

  test('the wrong organisation, none, and a lapsed subscription are 403 alike', async () => {
    const here = await connected()
    running.push(here.standIn)
    const wrong = { 'xero-tenant-id': '00000000-0000-4000-8000-000000000000' }
    expect((await raw(here, 'GET', '/Organisation', undefined, wrong)).status).toBe(403)
    here.standIn.control.edit(here.organisationId, { deed: 'subscriptionLapsed' })
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(403)
  })
})

test('with a file the whole state survives a restart: grants, organisations, documents and balances', async () => {
  const dataFile = join(mkdtempSync(join(tmpdir(), 'xero-stand-in-')), 'state.json')
  const here = await connected(undefined, { dataFile })
  await here.api.createContacts(here.organisationId, { contacts: [{ name: 'Kept Ltd' }] })
  here.standIn.control.edit(here.organisationId, {
    deed: 'enterInvoice',
    contact: 'Kept Ltd',
    amount: '10.00',
    number: 'K-1',
  })
  await here.standIn.close()

  const again = await startStandIn({ dataFile })
  running.push(again)
  const later = { ...here, standIn: again }
  const invoices = await raw(later, 'GET', '/Invoices?InvoiceNumbers=K-1')
  expect(invoices.json.Invoices.map((one: { Total: number }) => one.Total)).toEqual([12])
  const report = await raw(later, 'GET', '/Reports/TrialBalance')
  expect(report.text).toContain('12.00')
})
