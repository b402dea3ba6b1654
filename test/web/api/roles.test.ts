/** Who may do what through the API: the whole table of roles, over every route, generated from the routes themselves. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText, idText, newId } from '../../../src/kit/ids.ts'
import { deeds, type Role } from '../../../src/networks/roles.ts'
import type { Route } from '../../../src/web/api/route.ts'
import { routes } from '../../../src/web/api/routes.ts'
import { type ApiWorld, apiWorld, saleOf } from '../../support/api-world.ts'
import type { Client } from '../../support/app.ts'

type Keyed = Role & ('operator' | 'convener' | 'auditor' | 'owner' | 'staff' | 'bookkeeper')
let world: ApiWorld
/** Ids of things that are there, by the name of the path's parameter. */
let here: Record<string, string>
const clients: { name: string; role: Role; isHere: boolean; mayWrite: boolean; speak: Client }[] = []

beforeAll(async () => {
  world = await apiWorld()
  const { app, avon, tamar, bakery, mill, forge } = world
  const proposed = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '100') })
  const unknown = newId(app.clock.now())
  const { list } = (await avon.convener(`GET ${avon.path}/ledger/accounts`)).body
  const its = (name: string, value: string) => list.find((one: Record<string, string>) => one[name] === value).id
  const held = await avon.convener(`POST ${avon.path}/holds`, {
    body: {
      debitAccountId: its('memberId', bakery.memberId),
      creditAccountId: its('kind', 'fees'),
      amount: { amount: '1', currency: 'GBP' },
      expiresAt: '2027-01-01T00:00:00Z',
      reason: 'levy',
    },
  })
  here = {
    networkId: avon.networkId,
    memberId: bakery.memberId,
    tradeId: proposed.body.id,
    holdId: held.body.id,
    version: '1',
    // Of what the guard does not ask for, any well formed id will do: whoever gets so far hears of the body first.
    askId: idText('limitAsk', unknown),
    keyId: idText('apiKey', unknown),
    consentId: idText('consent', unknown),
    standingConsentId: idText('standingConsent', unknown),
    deliveryId: idText('delivery', unknown),
    reconciliationId: idText('reconciliation', unknown),
    discrepancyId: idText('discrepancy', unknown),
    webhookId: idText('webhook', unknown),
    noticeId: idText('notice', unknown),
  }
  const uuid = (text: string) => idFromText('organisation', text) ?? ''
  const add = async (role: Keyed, more: object, isHere: boolean, mayWrite = true) => {
    const speak = app.client(await app.key({ role, mayWrite, ...more }))
    const name = `${role}${isHere ? '' : ' elsewhere'}${mayWrite ? '' : ', reading only'}`
    clients.push({ name, role, isHere, mayWrite, speak })
  }
  const own = { organisationId: uuid(bakery.organisationId) }
  await add('operator', {}, true)
  for (const role of ['convener', 'auditor'] as const) await add(role, { networkId: avon.uuid }, true)
  for (const role of ['owner', 'staff', 'bookkeeper'] as const) await add(role, own, true)
  await add('convener', { networkId: tamar.uuid }, false)
  await add('owner', { organisationId: uuid(forge.organisationId) }, false)
  await add('convener', { networkId: avon.uuid }, true, false)
  await add('owner', own, true, false)
})
afterAll(() => world.end())

const guarded = routes.filter((one) => one.deed !== null)

/** Nothing of this is well formed, so that whoever may do it changes nothing. */
function ask(one: Route, speak: Client, ids: Record<string, string>) {
  const path = `/v1${one.path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name)}`
  return speak(`${one.method.toUpperCase()} ${path}?unknown=1`, one.method === 'get' ? {} : { body: { unknown: 1 } })
}

/** What the table says: may, may not, or has nothing to do with the place. */
function expected(one: Route, client: (typeof clients)[number]): 400 | 403 | 404 {
  if (one.deed === null) return 400
  const rule: { roles: readonly Role[]; writes: boolean } = deeds[one.deed]
  const isInstallation = !one.path.includes('{networkId}')
  // Where the body names the place, nobody can be guarded at one that it does not name.
  if (isInstallation && one.opens) return 400
  // Keys to a member's things are its owner's to make; a convener is told so.
  const mayByTable =
    rule.roles.includes(client.role) && !(one.path.includes('{memberId}/api-keys') && client.role === 'convener')
  if (isInstallation) return client.role === 'operator' && mayByTable && (client.mayWrite || !rule.writes) ? 400 : 403
  if (!client.isHere) return 404
  return mayByTable && (client.mayWrite || !rule.writes) ? 400 : 403
}

async function wrongOnes(asked: Route[], by: (one: Route) => typeof clients): Promise<string[]> {
  const wrong: string[] = []
  for (const one of asked)
    await Promise.all(
      by(one).map(async (client) => {
        const wanted = expected(one, client)
        const answer = await ask(one, client.speak, here)
        if (answer.status !== wanted || answer.type !== 'application/problem+json')
          wrong.push(`${one.method} ${one.path} as ${client.name}: ${answer.status}, not ${wanted}: ${answer.text}`)
      }),
    )
  return wrong
}

test('the table of roles holds for every deed, near and far, writing and only reading', async () => {
  const shape = (one: Route) => `${one.deed} ${one.path.includes('{memberId}')} ${one.path.includes('api-keys')}`
  const oneOfEach = [...new Map(guarded.map((one) => [shape(one), one])).values()]
  expect(new Set(oneOfEach.map((one) => one.deed)).size).toBeGreaterThan(35)
  expect(await wrongOnes(oneOfEach, () => clients)).toEqual([])
}, 240_000)

test('every route lets in one who may, tells one who may not, and is not there for a stranger', async () => {
  const few = (one: Route) =>
    [400, 403, 404].flatMap((wanted) => clients.find((client) => expected(one, client) === wanted) ?? [])
  expect(await wrongOnes(guarded, few)).toEqual([])
}, 240_000)

test('without a key, with a dead one or with half of one, every route answers 401 and names the way', async () => {
  const { app } = world
  const wrong: string[] = []
  const nobody = app.client(null)
  const dead = app.client(`qk_${'A'.repeat(43)}`)
  for (const one of routes)
    for (const speak of [nobody, dead]) {
      const answer = await ask(one, speak, here)
      if (answer.status !== 401 || answer.headers.get('www-authenticate') !== 'Bearer' || !answer.body?.fix)
        wrong.push(`${one.method} ${one.path}: ${answer.status}`)
    }
  expect(wrong).toEqual([])
}, 60_000)

test('what is not there and what is not yours to see are answered with the same words', async () => {
  const { avon, forge, bakery, app } = world
  const nowhere = idText('member', newId(app.clock.now()))
  const foreign = await forge.owner(`GET ${bakery.path}`)
  const absent = await forge.owner(`GET ${avon.path}/members/${nowhere}`)
  expect([foreign.status, foreign.body.detail]).toEqual([absent.status, absent.body.detail])
})

test('a member of one network cannot be reached through another, nor one member’s things through the next', async () => {
  const { avon, tamar, bakery, mill, forge } = world
  expect((await avon.convener(`GET ${avon.path}/members/${forge.memberId}`)).status).toBe(404)
  expect((await tamar.convener(`GET ${tamar.path}/members/${bakery.memberId}`)).status).toBe(404)
  const key = await bakery.owner(`POST ${bakery.path}/api-keys`, { body: { name: 'till', role: 'staff' } })
  expect(key.status).toBe(201)
  const revoke = (path: string, speak: Client) => speak(`POST ${path}/api-keys/${key.body.key.id}/revoke`)
  expect((await revoke(mill.path, mill.owner)).status).toBe(404)
  expect((await revoke(bakery.path, bakery.owner)).status).toBe(200)
})

test('a trade is seen by its sides and the convener, and by no other member of the network', async () => {
  const { avon } = world
  const baker = await avon.member('Brewery')
  const path = `${avon.path}/trades/${here.tradeId}`
  expect((await baker.owner(`GET ${path}`)).status).toBe(404)
  expect((await baker.owner(`POST ${path}/accept`, { body: {} })).status).toBe(404)
  expect((await baker.owner(`GET ${avon.path}/trades`)).body.list).toEqual([])
  expect((await baker.owner(`GET ${avon.path}/trades?memberId=${world.mill.memberId}`)).status).toBe(404)
  expect((await avon.convener(`GET ${avon.path}/trades`)).body.list).toHaveLength(1)
  expect((await world.mill.owner(`POST ${path}/accept`, { body: {} })).body.code).toBe('not_yours_to_answer')
  const between = saleOf(world.mill, world.bakery, '100')
  expect((await baker.owner(`POST ${avon.path}/trades`, { body: between })).status).toBe(403)
})

test('an owner makes keys to its own business, and none to the network it is a member of', async () => {
  const { avon, bakery } = world
  for (const role of ['convener', 'auditor']) {
    const asked = await bakery.owner(`POST ${avon.path}/api-keys`, { body: { name: 'mine', role } })
    expect([role, asked.status]).toEqual([role, 403])
  }
  expect((await bakery.owner(`GET ${avon.path}/api-keys`)).status).toBe(403)
})

test('a key that is revoked dies at once; its secret is told once and not again to a repeat', async () => {
  const { app, avon } = world
  const ask = { body: { name: 'books', role: 'auditor', mayWrite: false, livesDays: 1 }, idempotencyKey: 'key-once' }
  const made = await avon.convener(`POST ${avon.path}/api-keys`, ask)
  const again = await avon.convener(`POST ${avon.path}/api-keys`, ask)
  expect(again.body).toEqual({ key: made.body.key, secret: null })
  const auditor = app.client(made.body.secret)
  expect((await auditor('GET /v1/me')).body).toMatchObject({ mayWrite: false, serves: [{ role: 'auditor' }] })
  await avon.convener(`POST ${avon.path}/api-keys/${made.body.key.id}/revoke`)
  expect((await auditor('GET /v1/me')).status).toBe(401)
  const kept = await app.worker((tx) => tx.answer.findMany())
  expect(JSON.stringify(kept)).not.toContain(made.body.secret)
})
