/** Bad input at the doors of the pages: a page that says so, nothing done, nothing of our inside shown. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idText } from '../../../src/kit/ids.ts'
import { type PagesWorld, pagesWorld } from './pages-world.ts'

let world: PagesWorld
beforeAll(async () => {
  world = await pagesWorld()
})
afterAll(() => world.end())

const uuid = '018f4d3e-7b7a-7c3a-8f4d-3e7b7a7c3a8f'
const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')

test('addresses that name nothing are not found, whatever they are made of', async () => {
  const { asha, mill } = world
  const evil = ['%00', '..%2f..%2fetc%2fpasswd', 'constructor', '__proto__', '%F0%9F%98%80', 'x'.repeat(5000)]
  for (const one of evil)
    for (const path of [
      `/networks/${one}`,
      `/networks/${one}/ledger`,
      `/networks/valley/members/${one}`,
      `/members/${one}`,
      `/trades/${one}/invoice`,
      `/assets/${one}`,
    ]) {
      const page = await asha.get(path)
      expect([path, page.status]).toEqual([path, 404])
    }
  for (const code of ['constructor', '__proto__', '%00', '<script>'])
    expect((await mill.owner.get(`/problems/${code}`)).status).toBe(200)
  expect((await asha.get('/networks/%E0%A4')).status).toBe(400)
})

test('cursors and days that we never gave are told, and no page falls over them', async () => {
  const { asha, mill } = world
  const cursors = [cursor('', uuid), cursor('0000-01-01T00:00:00Z', uuid), cursor('x'), '%00', '__proto__']
  for (const after of cursors)
    for (const path of [`${mill.path}/trades`, `${mill.path}/deliveries`, '/networks/valley/trades'])
      expect([path, (await asha.get(`${path}?after=${after}`)).status < 500]).toEqual([path, true])
  for (const day of ['0000-01-01', '2026-02-30', '٢٠٢٦-٠١-٠١', '%00'])
    for (const path of ['statement', 'statement.csv'])
      expect([day, (await mill.owner.get(`${mill.path}/${path}?from=${day}&to=${day}`)).status < 500]).toEqual([
        day,
        true,
      ])
})

test('forms with too many fields, a broken compression or another kind of content are told so', async () => {
  const { app } = world
  const send = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${app.url}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    })
  const many = Array.from({ length: 3000 }, (_, place) => `a${place}=1`).join('&')
  for (const [answer, status] of [
    [await send(many), 413],
    [await send(`email=${'a'.repeat(200_000)}`), 413],
    [await send('email=a', { 'content-encoding': 'gzip' }), 400],
    [await send('{"email":"a@b.example"}', { 'content-type': 'application/json' }), 400],
    [await send('email=a', { 'content-type': 'application/x-www-form-urlencoded; charset=klingon' }), 415],
    [await send('__proto__=1&email[]=x&email=a@b.example&email=c@d.example'), 400],
    [await send('email=a@b.example', { cookie: 'quits_browser=%E0; quits_session=%' }), 303],
  ] as const) {
    const text = await answer.text()
    expect([answer.status, text]).toEqual([status, expect.not.stringMatching(/node_modules|at .*\.ts/)])
  }
})

test('whoever has an account and whoever has none are answered alike, also to what is not well formed', async () => {
  const { app, stranger } = world
  const person = await app.worker((tx) => tx.person.findFirstOrThrow())
  for (const next of ['/%00', '//evil.example', '/\u0000', '/\ud800'])
    for (const email of [person.email, 'nobody@example.org'])
      expect((await stranger.post('/sign-in', { email, next })).location).toBe('/sign-in/sent')
})

test('what people write is text on every page, and never markup', async () => {
  const { app, valley, mill, bakery, asha } = world
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
  await mill.owner.post(`${mill.path}/people`, { email: 'eve@example.org', name: evil, role: 'staff' })
  await mill.owner.post(`${mill.path}/limit-ask`, { amount: '6000', why: evil })
  const consent = { from: idText('member', bakery.member.id), side: 'buyer', amount: '10', aMonth: '10' }
  await mill.owner.post(`${mill.path}/consents`, consent)
  await app.worker((tx) =>
    tx.organisation.update({ where: { id: bakery.member.organisationId }, data: { name: evil } }),
  )
  await app.worker((tx) => tx.network.update({ where: { id: valley.id }, data: { name: evil.slice(0, 100) } }))
  const pages = [
    await mill.owner.get(`${mill.path}/people`),
    await mill.owner.get(mill.path),
    await mill.owner.get(`${mill.path}/limit-ask`),
    await mill.owner.get(`${mill.path}/trades/new`),
    await mill.owner.get(`${mill.path}/consents`),
    await asha.get('/networks/valley'),
    await asha.get(bakery.desk),
    await asha.get('/'),
    await bakery.owner.get(bakery.path),
    await bakery.owner.post(`${bakery.path}/trades/new`, { description: evil, side: evil }),
    await world.stranger.get(`/sign-in?next=${encodeURIComponent(`/${evil}`)}&said=${encodeURIComponent(evil)}`),
  ]
  expect(pages.map((page) => page.html.includes('<script') || page.html.includes('<img src=x'))).toEqual(
    pages.map(() => false),
  )
  expect(pages.filter((page) => page.html.includes('&lt;script>')).length).toBeGreaterThan(5)
})
