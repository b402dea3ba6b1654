/** Consent and tokens, driven with intuit-oauth: rotation, expiry, revoking, and every way to be turned away. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { QuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { connected, type Loose, oauthFor, redirectUri, said, sayYes, startBooks } from './quickbooks-client.ts'

let standIn: QuickBooksStandIn
let oauth: Loose
let companyId: string
const scope = ['com.intuit.quickbooks.accounting', 'openid']
const hour = 3_600_000

beforeAll(async () => {
  standIn = await startBooks()
})
afterAll(() => standIn.close())
beforeEach(async () => {
  await standIn.control.reset()
  oauth = oauthFor(standIn)
  companyId = (standIn.control.organisations() as Loose[])[0].id
})

const connect = async () =>
  (await oauth.createToken((await sayYes(oauth.authorizeUri({ scope, state: 's1' }), companyId)).toString())).getToken()
const refuse = (deed: Promise<unknown>) =>
  deed.then(
    () => 'allowed',
    (error: Loose) => error.error ?? error.code ?? error.message,
  )

test('discovery names the addresses that are really served', async () => {
  const found = (await (await fetch(`${standIn.url}/.well-known/openid_configuration`)).json()) as Loose
  expect(found.authorization_endpoint).toBe(`${standIn.url}/connect/oauth2`)
  expect((await fetch(found.token_endpoint, { method: 'POST' })).status).toBe(401)
})

test('the page offers the companies, and leads back with code, state and company', async () => {
  const url = oauth.authorizeUri({ scope, state: 's1' })
  const page = await (await fetch(url)).text()
  expect(page).toContain('Rosa&#39;s Bakery Ltd'.replace('&#39;', page.includes('&#39;') ? '&#39;' : "'"))
  const back = await sayYes(url, companyId)
  expect(back.origin + back.pathname).toBe(redirectUri)
  expect(back.searchParams.get('state')).toBe('s1')
  expect(back.searchParams.get('realmId')).toBe(companyId)
  expect((await sayYes(url, companyId, 'cancel')).searchParams.get('error')).toBe('access_denied')
})

test('a wrong question stays on a page and leads nowhere', async () => {
  const good = new URL(oauth.authorizeUri({ scope, state: 's1' }))
  for (const [name, value] of [
    ['client_id', 'other'],
    ['redirect_uri', 'http://evil.example/'],
    ['redirect_uri', 'https://a.example/?x=1'],
    ['scope', 'everything'],
    ['response_type', 'token'],
    ['state', ''],
  ] as const) {
    const bad = new URL(good)
    bad.searchParams.set(name, value)
    const answer = await fetch(bad, { redirect: 'manual' })
    expect([name, answer.status, answer.headers.get('location')]).toEqual([name, 400, null])
  }
})

test('a code works once, only for its own redirect_uri and its own verifier', async () => {
  const back = (await sayYes(oauth.authorizeUri({ scope, state: 's1' }), companyId)).toString()
  await oauth.createToken(back)
  expect(await refuse(oauth.createToken(back))).toBe('invalid_grant')

  const verifier = 'v'.repeat(43)
  const asked = new URL(oauth.authorizeUri({ scope, state: 's2' }))
  asked.searchParams.set('code_challenge', createHash('sha256').update(verifier).digest('base64url'))
  asked.searchParams.set('code_challenge_method', 'S256')
  const exchange = async (more: Record<string, string>) => {
    const code = (await sayYes(asked.toString(), companyId)).searchParams.get('code') ?? ''
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...more })
    const headers = { Authorization: `Basic ${Buffer.from('an-app:its-secret').toString('base64')}` }
    return (await fetch(`${standIn.url}/oauth2/v1/tokens/bearer`, { method: 'POST', body, headers })).status
  }
  expect(await exchange({ code_verifier: verifier })).toBe(200)
  expect(await exchange({ code_verifier: 'x'.repeat(43) })).toBe(400)
  expect(await exchange({ code_verifier: verifier, redirect_uri: 'http://localhost:9/other' })).toBe(400)
})

test('the refresh token keeps its value for a day, then changes, and the old one is dead', async () => {
  const first = await connect()
  expect(first).toMatchObject({ expires_in: 3600, x_refresh_token_expires_in: 8726400 })
  const soon = (await oauth.refreshUsingToken(first.refresh_token)).getToken()
  expect(soon.refresh_token).toBe(first.refresh_token)
  standIn.clock.advance(24 * hour)
  const later = (await oauth.refreshUsingToken(first.refresh_token)).getToken()
  expect(later.refresh_token).not.toBe(first.refresh_token)
  expect(await refuse(oauth.refreshUsingToken(first.refresh_token))).toBe('invalid_grant')
  standIn.clock.advance(102 * 24 * hour)
  expect(await refuse(oauth.refreshUsingToken(later.refresh_token))).toBe('invalid_grant')
})

test('the five years are told when asked for', async () => {
  const token = await connect()
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token.refresh_token })
  const headers = {
    Authorization: `Basic ${Buffer.from('an-app:its-secret').toString('base64')}`,
    'x-include-refresh-token-hard-expires-in': 'true',
  }
  const answer = (await (
    await fetch(`${standIn.url}/oauth2/v1/tokens/bearer`, { method: 'POST', body, headers })
  ).json()) as Loose
  expect(answer.x_refresh_token_hard_expires_in).toBeGreaterThan(157_000_000)
})

test('an access token lasts an hour, and another company is not reached with it', async () => {
  const books = await connected(standIn)
  expect((await books.call('GET', '/preferences')).status).toBe(200)
  const other = (standIn.control.createOrganisation({ name: 'Green Fork Catering', vat: 'none' }) as Loose).id
  const answer = await fetch(`${standIn.url}/v3/company/${other}/preferences`, {
    headers: { Authorization: `Bearer ${books.token.access_token}` },
  })
  expect([answer.status, ((await answer.json()) as Loose).fault.error[0].code]).toEqual([403, '3100'])
  standIn.clock.advance(hour)
  const late = await books.call('GET', '/preferences')
  expect(said(late)).toBe('401 3200')
  expect(late.body.fault.type).toBe('AUTHENTICATION')
})

test('both kinds of revoking end access and refresh', async () => {
  const books = await connected(standIn)
  await books.oauth.revoke({ refresh_token: books.token.refresh_token })
  expect(said(await books.call('GET', '/preferences'))).toBe('401 3200')
  expect(await refuse(oauth.refreshUsingToken(books.token.refresh_token))).toBe('invalid_grant')
  const again = await connect()
  standIn.control.revoke({ organisation: companyId })
  expect(await refuse(oauth.refreshUsingToken(again.refresh_token))).toBe('invalid_grant')
})

test('the person is told only with the scope for it', async () => {
  await connect()
  const person = await oauth.getUserInfo()
  expect((person.json ?? person.data ?? JSON.parse(person.body)).email).toBe('robin@books.example')
})

test('a sick token endpoint: lost, empty, HTML, refused', async () => {
  const token = await connect()
  standIn.control.fault({ knob: 'tokenEmpty' })
  await oauth.refreshUsingToken(token.refresh_token).catch(() => undefined)
  standIn.control.fault({ knob: 'tokenHtml' })
  await oauth.refreshUsingToken(token.refresh_token).catch(() => undefined)
  standIn.control.fault({ knob: 'tokenInvalidGrant' })
  expect(await refuse(oauth.refreshUsingToken(token.refresh_token))).toBe('invalid_grant')
  expect(await refuse(oauth.refreshUsingToken(token.refresh_token))).toBe('allowed')
  standIn.control.fault({ knob: 'tokenLost' })
  expect(await refuse(oauth.refreshUsingToken(token.refresh_token))).not.toBe('allowed')
  expect(await refuse(oauth.refreshUsingToken(token.refresh_token))).toBe('invalid_grant')
})

test('consent and books survive a restart on their file', async () => {
  const { mkdtempSync, rmSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(join(tmpdir(), 'quickbooks-'))
  const dataFile = join(folder, 'state.json')
  const before = await startBooks({ dataFile })
  const books = await connected(before)
  const made = await books.make('Customer', { DisplayName: 'Kept & Co' })
  await before.close()
  const after = await startBooks({ dataFile })
  const answer = await fetch(`${after.url}/v3/company/${books.company.id}/customer/${made.Id}`, {
    headers: { Authorization: `Bearer ${books.token.access_token}` },
  })
  expect(((await answer.json()) as Loose).Customer.DisplayName).toBe('Kept & Co')
  await after.close()
  rmSync(folder, { recursive: true })
})
