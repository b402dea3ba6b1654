/** The web session as a stranger would try to get at it: cookies, other sites, other browsers, other hosts, made-up words. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { textOf } from '../../src/networks/mail.ts'
import { makeOperator } from '../../src/networks/operator.ts'
import { type App, openApp } from '../support/app.ts'

let app: App
let email = ''
let people = 0
beforeAll(async () => {
  app = await openApp()
})
afterAll(() => app.end())
beforeEach(async () => {
  people += 1
  email = `person${people}@example.org`
  await app.worker((tx) => makeOperator(tx, app.clock, email, 'Olu'))
  await app.travelTo(new Date(app.clock.now().getTime() + 3_600_000))
})

type Sent = { method?: string; form?: Record<string, string>; headers?: Record<string, string> }
async function ask(path: string, sent: Sent = {}) {
  const answer = await fetch(`${app.url}${path}`, {
    method: sent.method ?? (sent.form ? 'POST' : 'GET'),
    redirect: 'manual',
    headers: { ...sent.headers },
    ...(sent.form ? { body: new URLSearchParams(sent.form) } : {}),
  })
  const cookies = answer.headers.getSetCookie()
  const cookie = (name: string) => cookies.find((one) => one.startsWith(`${name}=`)) ?? ''
  const location = answer.headers.get('location') ?? ''
  return { status: answer.status, html: await answer.text(), headers: answer.headers, cookie, location }
}
const pairOf = (cookie: string) => cookie.split(';')[0] ?? ''

/** Asks for a link as a browser; gives the mark it was given and the link's path. */
async function link(headers: Record<string, string> = {}) {
  const asked = await ask('/sign-in', { form: { email, next: '/inbox' }, headers })
  const [letter] = await app.worker((tx) =>
    tx.mail.findMany({ where: { recipient: email }, orderBy: { id: 'desc' }, take: 1 }),
  )
  const text = letter ? textOf(app.deps.seal, letter) : ''
  return { mark: pairOf(asked.cookie('quits_browser')), text, path: /\/sign-in\/[\w-]+/.exec(text)?.[0] ?? 'none' }
}
async function signIn() {
  const { mark, path } = await link()
  const done = await ask(path, { form: {}, headers: { cookie: mark } })
  return { done, session: pairOf(done.cookie('quits_session')) }
}

test('a scanner that opens the link spends nothing; only the button, in the browser that asked, signs in', async () => {
  const { mark, path } = await link()
  for (const method of ['GET', 'HEAD', 'GET']) expect((await ask(path, { method })).cookie('quits_session')).toBe('')
  const elsewhere = await ask(path, { form: {}, headers: { cookie: 'quits_browser=another' } })
  expect([elsewhere.status, elsewhere.cookie('quits_session')]).toEqual([409, ''])
  expect((await ask(path, { form: {} })).status).toBe(409)
  const done = await ask(path, { form: {}, headers: { cookie: mark } })
  expect([done.status, done.location]).toEqual([303, '/inbox'])
  expect((await ask(path, { form: {}, headers: { cookie: mark } })).status).toBe(409)
})

test('cookies are out of reach of scripts and of other sites, and only for https where we are on it', async () => {
  const { done } = await signIn()
  expect(done.cookie('quits_session')).toMatch(/; Path=\/;.*HttpOnly; SameSite=Lax$/)
  const { publicUrl } = app.deps.config
  app.deps.config.publicUrl = 'https://quits.example'
  const asked = await ask('/sign-in', { form: { email } })
  app.deps.config.publicUrl = publicUrl
  expect(asked.cookie('quits_browser')).toMatch(/HttpOnly; Secure; SameSite=Lax$/)
})

test('a session given from outside is never taken up, and the old one dies when a new one begins', async () => {
  const fixed = `quits_session=${'A'.repeat(43)}`
  const { mark, path } = await link()
  const done = await ask(path, { form: {}, headers: { cookie: `${mark}; ${fixed}` } })
  const session = pairOf(done.cookie('quits_session'))
  expect(session).not.toBe(fixed)
  expect((await ask('/networks/new', { headers: { cookie: fixed } })).status).toBe(401)
  expect((await ask('/networks/new', { headers: { cookie: session } })).status).toBe(200)
  const again = await link()
  const second = await ask(again.path, { form: {}, headers: { cookie: `${again.mark}; ${session}` } })
  expect((await ask('/networks/new', { headers: { cookie: session } })).status).toBe(401)
  const newer = pairOf(second.cookie('quits_session'))
  await ask('/sign-out', { form: {}, headers: { cookie: newer } })
  expect((await ask('/networks/new', { headers: { cookie: newer } })).status).toBe(401)
})

test('a form of another site does nothing, whatever the browser says of where it comes from', async () => {
  const { session } = await signIn()
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: app.url },
  ]
  for (const headers of foreign) {
    const answer = await ask('/sign-out', { form: {}, headers: { cookie: session, ...headers } })
    expect([headers, answer.status]).toEqual([headers, 403])
  }
  for (const headers of foreign) expect((await ask('/sign-in', { form: { email }, headers })).status).toBe(403)
  expect((await ask('/networks/new', { headers: { cookie: session } })).status).toBe(200)
  for (const method of ['PUT', 'DELETE', 'PATCH'])
    expect((await ask('/sign-out', { method, headers: { cookie: session, origin: app.url } })).status).toBe(404)
})

test('a link names the installation’s own address, whatever host the request names', async () => {
  const { text } = await link({ 'x-forwarded-host': 'evil.example', host: 'evil.example' })
  expect(text).toContain(`${app.deps.config.publicUrl}/sign-in/`)
  expect(text).not.toContain('evil.example')
})

test('who asks through a proxy on this machine is counted by its own address', async () => {
  const asked = () => app.worker((tx) => tx.deed.findMany({ where: { what: 'sign_in_asked' } }))
  const before = (await asked()).length
  for (const from of ['203.0.113.1', '203.0.113.2', '203.0.113.1'])
    await ask('/sign-in', { form: { email }, headers: { 'x-forwarded-for': `10.9.9.9, ${from}` } })
  const places = (await asked()).slice(before).map((one) => (one.facts as { from: string }).from)
  expect([places.length, new Set(places).size]).toEqual([3, 2])
})

test('every page and answer carries the headers that keep others out', async () => {
  const { session } = await signIn()
  for (const path of ['/', '/sign-in', '/networks/new', '/nowhere', '/v1/me', '/networks/%00', '/inbox']) {
    const { headers } = await ask(path, { headers: { cookie: session } })
    const policy = headers.get('content-security-policy') ?? ''
    for (const rule of [
      "default-src 'self'",
      "script-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'self'",
      "object-src 'none'",
    ])
      expect([path, policy]).toEqual([path, expect.stringContaining(rule)])
    expect([path, headers.get('cache-control')]).toEqual([path, 'no-store'])
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

test('words at the top of a page are ours: a link with other words, or with our mark on others, says nothing', async () => {
  const { session } = await signIn()
  const headers = { cookie: session }
  const out = await ask('/sign-out', { form: {}, headers })
  expect((await ask(out.location)).html).toContain('You are signed out.')
  const query = new URL(out.location, app.url).searchParams
  for (const [said, mark] of [
    ['Your account is locked, ring 0900 1', ''],
    ['Your account is locked, ring 0900 1', query.get('mark') ?? ''],
    ['You are signed out', query.get('mark') ?? ''],
  ]) {
    const page = await ask(`/?${new URLSearchParams({ said: said ?? '', mark: mark ?? '' })}`)
    expect(page.html).not.toContain(said ?? '')
  }
})
