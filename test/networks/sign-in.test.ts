import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { actorOfKey, keysOf, makeKey, revokeKey } from '../../src/networks/api-key.ts'
import { textOf } from '../../src/networks/mail.ts'
import { makeOperator } from '../../src/networks/operator.ts'
import { actorOfPerson, nameRole, personByEmail, removeRole, scopeFor } from '../../src/networks/person.ts'
import {
  askSignIn,
  confirmSignIn,
  endSession,
  forgetOldSessions,
  revokeSessions,
  sessionOf,
  sessionsOf,
} from '../../src/networks/sign-in.ts'
import { type SetUp, setUp, start } from './set-up.ts'

let world: SetUp
beforeAll(async () => {
  world = await setUp()
})
afterAll(() => world.end())

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
let at = start.getTime()
const wait = (ms: number) => {
  at += ms
  return world.travelTo(new Date(at))
}
let email = ''
let people = 0
beforeEach(async () => {
  people += 1
  email = `person${people}@example.org`
  await world.worker((tx) => makeOperator(tx, world.clock, email))
  await wait(hour)
})

async function askLink(change: object = {}): Promise<string> {
  await askSignIn(world, { email, browser: 'cookie', from: '203.0.113.7', ...change })
  const mail = (await world.mails('sign_in')).filter((one) => one.recipient === email).at(-1)
  return mail?.body.match(/\/sign-in\/([\w-]+)/)?.[1] ?? ''
}
const confirm = (token: string, change: object = {}) => confirmSignIn(world, { token, browser: 'cookie', ...change })

test('a link signs its person in, once, in the browser that asked', async () => {
  const token = await askLink({ email: ` ${email.toUpperCase()} `, nextPath: '/trades' })
  await expect(confirm(token, { browser: 'another' })).rejects.toMatchObject({ code: 'link_dead' })
  const { session, nextPath, person } = await confirm(token)
  expect([person.email, nextPath]).toEqual([email, '/trades'])
  expect(await sessionOf(world, session)).toMatchObject({ actor: { personId: person.id, isOperator: true } })
  await expect(confirm(token)).rejects.toMatchObject({ code: 'link_dead' })
})

test('two presses at once sign in once', async () => {
  const token = await askLink()
  const outcomes = await Promise.allSettled([confirm(token), confirm(token)])
  expect(outcomes.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('a link lives fifteen minutes', async () => {
  const token = await askLink()
  await wait(15 * minute)
  await expect(confirm(token)).rejects.toMatchObject({ code: 'link_dead' })
})

test('a link leads only to a path of our own', async () => {
  for (const nextPath of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
    expect(await confirm(await askLink({ nextPath }))).toMatchObject({ nextPath: null })
  }
})

test('a stranger gets no mail and the same answer', async () => {
  const before = (await world.mails('sign_in')).length
  expect(
    await askSignIn(world, { email: 'nobody@example.org', browser: 'cookie', from: '203.0.113.8' }),
  ).toBeUndefined()
  expect((await world.mails('sign_in')).length).toBe(before)
})

test('one mail box is sent five links a quarter of an hour, one place may ask twenty times', async () => {
  for (let time = 0; time < 7; time += 1) await askLink({ from: `198.51.100.${time}` })
  const mails = () => world.mails('sign_in').then((all) => all.filter((one) => one.recipient === email).length)
  expect(await mails()).toBe(5)
  await wait(15 * minute)
  for (let time = 0; time < 20; time += 1)
    await askSignIn(world, { email: 'nobody@example.org', browser: 'c', from: `2001:db8:1:2::${time}` })
  await askLink({ from: '2001:db8:1:2:ffff::9' })
  expect(await mails()).toBe(5)
  await askLink({ from: '2001:db8:1:3::9' })
  expect(await mails()).toBe(6)
})

test('a session idles out after twelve hours and ends after thirty days whatever happens', async () => {
  const { session } = await confirm(await askLink())
  await wait(12 * hour - 1)
  expect(await sessionOf(world, session)).not.toBeNull()
  await wait(12 * hour)
  expect(await sessionOf(world, session)).toBeNull()

  const { session: busy } = await confirm(await askLink())
  for (let half = 0; half < 59; half += 1) {
    await wait(day / 2 - 1)
    if (!(await sessionOf(world, busy))) throw new Error(`ended early, after ${half} half days`)
  }
  await wait(day / 2 + 100)
  expect(await sessionOf(world, busy)).toBeNull()
  await wait(31 * day)
  expect(await forgetOldSessions(world)).toBeGreaterThan(0)
})

test('signing in again ends the old session; sessions are listed and ended one by one or all but this', async () => {
  const { session: first } = await confirm(await askLink())
  const { session: second, person } = await confirm(await askLink(), { oldSession: first })
  expect(await sessionOf(world, first)).toBeNull()
  const { session: phone } = await confirm(await askLink(), { browserName: 'Phone' })
  const here = await sessionOf(world, second)
  if (!here) throw new Error('the second session is gone')
  const listed = await sessionsOf(world, person.id, here.sessionHash)
  expect(listed.map((one) => [one.browser, one.isThisOne]).sort()).toEqual(
    [
      [null, true],
      ['Phone', false],
    ].sort(),
  )
  expect(await revokeSessions(world, person.id, null, here.sessionHash)).toBe(1)
  expect(await sessionOf(world, phone)).toBeNull()
  await endSession(world, second)
  expect(await sessionOf(world, second)).toBeNull()
})

test('nothing stored opens a session: neither link nor cookie stands in the tables', async () => {
  const token = await askLink()
  const { session } = await confirm(token)
  await world.worker(async (tx) => {
    const rows = JSON.stringify([await tx.signInLink.findMany(), await tx.webSession.findMany()])
    for (const secret of [token, session]) {
      expect(rows).not.toContain(secret)
      expect(rows).not.toContain(JSON.stringify([...Buffer.from(secret, 'base64url')]))
    }
  })
})

test('an organisation keeps its last owner, also when two leave at once', async () => {
  const network = await world.network()
  const { organisationId } = await world.member(network, 'Two Owners')
  const owner = { organisationId, role: 'owner' as const, actor: 'per_x' }
  const [one, two] = await world.worker(async (tx) => [
    await nameRole(tx, world.clock, { ...owner, email: 'one@owners.example' }),
    await nameRole(tx, world.clock, { ...owner, email: 'two@owners.example' }),
  ])
  if (!one || !two) throw new Error('no owners')
  const leave = (personId: string) => world.worker((tx) => removeRole(tx, world.clock, { ...owner, personId }))
  const outcomes = await Promise.allSettled([leave(one.id), leave(two.id)])
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
  const left = outcomes[0]?.status === 'fulfilled' ? two : one
  await expect(leave(left.id)).rejects.toMatchObject({ code: 'last_owner' })
  const asStaff = { ...owner, role: 'staff' as const, email: left.email }
  await expect(world.worker((tx) => nameRole(tx, world.clock, asStaff))).rejects.toMatchObject({ code: 'last_owner' })
})

test('an actor’s roles and scope follow what it was named to', async () => {
  const network = await world.network()
  const { organisationId } = await world.member(network, 'Scoped')
  const scope = await world.worker(async (tx) => {
    const { id } = await nameRole(tx, world.clock, {
      organisationId,
      role: 'bookkeeper',
      email: 'books@x.example',
      actor: 'per_x',
    })
    return actorOfPerson(tx, id)
  })
  expect(scope.actsFor).toEqual([{ organisationId, role: 'bookkeeper' }])
  expect(await scopeFor(world.db, scope)).toEqual({
    role: 'app',
    networks: [network.id],
    organisations: [organisationId],
  })
  const convener = await world.worker(async (tx) => {
    const person = await personByEmail(tx, 'ASHA@valley.example')
    return actorOfPerson(tx, person?.id ?? '')
  })
  expect(convener.serves.some((one) => one.networkId === network.id && one.role === 'convener')).toBe(true)
})

test('a key acts in its one role until it ends or is revoked, and its secret is stored nowhere', async () => {
  const network = await world.network()
  const ask = {
    name: 'importer',
    role: 'convener' as const,
    networkId: network.id,
    mayWrite: false,
    livesDays: 30,
    actor: 'per_x',
  }
  const { key, secret } = await world.worker((tx) => makeKey(tx, world.clock, ask))
  expect(secret).toMatch(/^qk_[\w-]{43}$/)
  expect(await actorOfKey(world, secret)).toMatchObject({
    serves: [{ networkId: network.id, role: 'convener' }],
    mayWrite: false,
  })
  expect(await actorOfKey(world, `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`)).toBeNull()
  expect(await actorOfKey(world, 'qk_short')).toBeNull()
  const listed = await world.worker((tx) => keysOf(tx, { networkId: network.id }))
  expect(listed.map((one) => one.id)).toEqual([key.id])
  await world.worker((tx) => revokeKey(tx, world.clock, { keyId: key.id, actor: 'per_x' }))
  expect(await actorOfKey(world, secret)).toBeNull()

  const second = await world.worker((tx) => makeKey(tx, world.clock, ask))
  await wait(30 * day)
  expect(await actorOfKey(world, second.secret)).toBeNull()
})

test('a key names just what its role wants', async () => {
  const ask = { name: 'k', mayWrite: true, livesDays: 1, actor: 'per_x', networkId: null, organisationId: null }
  const network = await world.network()
  const make = (change: object) =>
    world.worker((tx) => makeKey(tx, world.clock, { ...ask, role: 'convener', ...change }))
  await expect(make({})).rejects.toMatchObject({ code: 'not_found' })
  await expect(make({ role: 'owner', networkId: network.id })).rejects.toMatchObject({ code: 'not_found' })
  await expect(make({ role: 'operator', networkId: network.id })).rejects.toMatchObject({ code: 'not_found' })
})

test('forty asks at once send no more links than five, one after the other', async () => {
  const ask = (place: number) => askSignIn(world, { email, browser: 'cookie', from: `203.0.113.${100 + (place % 4)}` })
  await Promise.all(Array.from({ length: 40 }, (_, place) => ask(place)))
  expect((await world.mails('sign_in')).filter((one) => one.recipient === email)).toHaveLength(5)
})

test('a path to go on to is one of ours, as addresses are written, or none', async () => {
  for (const nextPath of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\u0000',
    '/a b',
    '/\ud800',
    '/é',
  ]) {
    await wait(hour)
    expect((await confirm(await askLink({ nextPath }))).nextPath).toBeNull()
  }
})

test('letters with a link are sealed where they wait, each for its own row', async () => {
  const token = await askLink()
  const rows = await world.worker((tx) =>
    tx.mail.findMany({ where: { kind: 'sign_in' }, orderBy: { id: 'desc' }, take: 2 }),
  )
  expect(JSON.stringify(rows)).not.toContain(token)
  const [one, other] = rows
  if (!one || !other) throw new Error('two letters were asked for')
  expect(textOf(world.seal, one)).toContain(token)
  expect(() => textOf(world.seal, { id: other.id, body: one.body })).toThrow()
})
