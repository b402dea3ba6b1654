/** Ids of others, in every place of every path: another member's papers, another network's, a consent begun for somebody else. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginConsent, chooseBook, finishConsent, offeredBy } from '../../../src/books/connect.ts'
import { idFromText } from '../../../src/kit/ids.ts'
import { makeOperator } from '../../../src/networks/operator.ts'
import { nameRole } from '../../../src/networks/person.ts'
import { openSession } from '../../../src/networks/sign-in.ts'
import { routes } from '../../../src/web/api/routes.ts'
import { type ApiWorld, apiWorld, connectBook, type Party, sell } from '../../support/api-world.ts'
import type { Client } from '../../support/app.ts'

let world: ApiWorld
/** Ids of things of the mill, in avon. */
const its: Record<string, string> = {}
const uuidOf = (party: Party) => idFromText('organisation', party.organisationId) ?? ''

beforeAll(async () => {
  world = await apiWorld()
  const { app, avon, mill, bakery } = world
  await connectBook(app, mill, 'mill-book')
  const trade = await sell(avon.path, mill, bakery, '1000')
  its.tradeId = trade.split('/').at(-1) ?? ''
  await mill.owner(`POST ${mill.path}/connection/approvals`, { body: { tradeId: its.tradeId } })
  await app.deliver()
  const run = await mill.owner(`POST ${mill.path}/reconciliations`)
  its.reconciliationId = run.body.id
  its.deliveryId = (await mill.owner(`GET ${mill.path}/deliveries`)).body.list[0].id
  const consent = { fromMemberId: bakery.memberId, side: 'buyer', aMonth: { amount: '1000', currency: 'GBP' } }
  its.standingConsentId = (await mill.owner(`POST ${mill.path}/standing-consents`, { body: consent })).body.id
  its.keyId = (await mill.owner(`POST ${mill.path}/api-keys`, { body: { name: 'x', role: 'staff' } })).body.key.id
  const hook = { body: { url: 'https://mill.example/hook' } }
  its.webhookId = (await mill.owner(`POST ${mill.path}/webhooks`, hook)).body.webhook.id
  its.noticeId = (await mill.owner(`POST ${mill.path}/webhooks/${its.webhookId}/test`)).body.noticeId
  for (const [name, id] of Object.entries(its)) if (!id) throw new Error(`no ${name}`)
})
afterAll(() => world.end())

const placeOf = (path: string, ids: Record<string, string>) =>
  `/v1${path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? its[name] ?? '')}`

/** Only routes all of whose ids we have. */
const named = routes.filter(
  (one) =>
    [...one.path.matchAll(/\{(\w+)\}/g)].length > 1 &&
    [...one.path.matchAll(/\{(\w+)\}/g)].every(
      ([, name = '']) => ['networkId', 'memberId'].includes(name) || its[name],
    ),
)

async function found(speak: Client, ids: Record<string, string>, which: (path: string) => boolean): Promise<string[]> {
  const open: string[] = []
  for (const one of named.filter(({ path }) => which(path))) {
    const answer = await speak(`${one.method.toUpperCase()} ${placeOf(one.path, ids)}`, {
      // With a sound body, so that the thing is looked for.
      ...(one.path.endsWith('{webhookId}/replay') ? { body: { since: '2026-11-01T00:00:00Z' } } : {}),
      ...(one.takes === 'text/csv' ? { raw: 'a', headers: { 'content-type': 'text/csv' } } : {}),
    })
    // A body that is wrong is told only to one who may stand here.
    if (answer.status !== 404) open.push(`${one.method} ${one.path}: ${answer.status} ${answer.text.slice(0, 80)}`)
  }
  return open
}

const hasOwnThing = (path: string) =>
  /\{(deliveryId|reconciliationId|standingConsentId|keyId|webhookId)\}/.test(path) && path.includes('{memberId}')

test('another member’s papers cannot be had through one’s own place, by owner or bookkeeper', async () => {
  const { app, avon, bakery } = world
  const ids = { networkId: avon.networkId, memberId: bakery.memberId }
  const bookkeeper = app.client(await app.key({ role: 'bookkeeper', organisationId: uuidOf(bakery) }))
  const reads = (path: string) => hasOwnThing(path) && !/contact$/.test(path)
  const open = await found(bakery.owner, ids, reads)
  // Where a body is asked for, it is looked at first; with a sound one the thing is not there either.
  expect(open.filter((one) => !one.includes(': 400') && !one.includes(': 415'))).toEqual([])
  for (const path of [`deliveries/${its.deliveryId}`, `reconciliations/${its.reconciliationId}/lines.csv`])
    expect((await bookkeeper(`GET ${bakery.path}/${path}`)).status).toBe(404)
  const moves = { drop: { reason: 'x' }, redate: {}, contact: { contactId: 'x' } }
  for (const [verb, body] of Object.entries(moves))
    expect((await bookkeeper(`POST ${bakery.path}/deliveries/${its.deliveryId}/${verb}`, { body })).status).toBe(404)
})

test('a network’s own webhooks are not its members’, and theirs are not the network’s', async () => {
  const { avon, mill, bakery } = world
  const own = await avon.convener(`POST ${avon.path}/webhooks`, { body: { url: 'https://avon.example/hook' } })
  const id = own.body.webhook.id
  expect((await avon.convener(`GET ${avon.path}/webhooks/${its.webhookId}`)).status).toBe(404)
  expect((await avon.convener(`GET ${mill.path}/webhooks/${its.webhookId}`)).status).toBe(403)
  expect((await mill.owner(`GET ${avon.path}/webhooks`)).status).toBe(403)
  const wide = { body: { url: 'https://mill.example/all' } }
  expect((await mill.owner(`POST ${avon.path}/webhooks`, wide)).status).toBe(403)
  expect((await mill.owner(`GET ${mill.path}/webhooks/${id}`)).status).toBe(404)
  expect((await bakery.owner(`GET ${mill.path}/webhooks`)).status).toBe(404)
  const other = `${avon.path}/webhooks/${id}/notices/${its.noticeId}/replay`
  expect((await avon.convener(`POST ${other}`)).body.code).toBe('not_found')
  expect((await mill.owner(`GET ${mill.path}/webhooks`)).body.list.map((one: { id: string }) => one.id)).toEqual([
    its.webhookId,
  ])
})

test('a key of another network finds nothing of this one, nor of it through its own', async () => {
  const { avon, tamar, forge, mill } = world
  const all = () => true
  expect(await found(forge.owner, { networkId: avon.networkId, memberId: mill.memberId }, all)).toEqual([])
  expect(await found(tamar.convener, { networkId: avon.networkId, memberId: mill.memberId }, all)).toEqual([])
  expect(await found(tamar.convener, { networkId: tamar.networkId, memberId: mill.memberId }, all)).toEqual([])
  const mixed = await found(forge.owner, { networkId: tamar.networkId, memberId: forge.memberId }, hasOwnThing)
  expect(mixed.filter((one) => !one.includes(': 400') && !one.includes(': 415'))).toEqual([])
})

test('whoever runs the installation, the network or its audit looks into nobody’s book', async () => {
  const { app, avon, operator, mill } = world
  const auditor = app.client(await app.key({ role: 'auditor', networkId: avon.uuid }))
  const staff = app.client(await app.key({ role: 'staff', organisationId: uuidOf(mill) }))
  for (const speak of [operator, avon.convener, auditor, staff])
    for (const path of [
      'connection',
      'connection/mapping',
      'connection/preview',
      'connection/contacts',
      'deliveries',
      `deliveries/${its.deliveryId}`,
      'discrepancies',
      'reconciliations',
      `reconciliations/${its.reconciliationId}/lines`,
      `reconciliations/${its.reconciliationId}/lines.csv`,
    ])
      expect([path, (await speak(`GET ${mill.path}/${path}`)).status]).toEqual([path, 403])
})

test('the same on the pages', async () => {
  const { app, avon, mill, bakery, forge } = world
  const sessions = await app.worker(async (tx) => {
    const session = async (email: string, role: Parameters<typeof nameRole>[2] | null) => {
      const person = role
        ? await nameRole(tx, app.clock, { ...role, email, name: email })
        : await makeOperator(tx, app.clock, email, email)
      return openSession(tx, person.id, null)
    }
    const base = { email: '', actor: 'quits' }
    return {
      operator: await session('op@x.example', null),
      convener: await session('con@x.example', { ...base, networkId: avon.uuid, role: 'convener' }),
      neighbour: await session('bak@x.example', { ...base, organisationId: uuidOf(bakery), role: 'owner' }),
      stranger: await session('forge@x.example', { ...base, organisationId: uuidOf(forge), role: 'owner' }),
    }
  })
  const mem = `/members/${mill.memberId}`
  const books = ['connection', 'connection/mapping', 'approvals', 'contacts', 'deliveries', 'reconciliation']
    .concat(`reconciliation/${its.reconciliationId}.csv`, `deliveries/${its.deliveryId}/pick-contact`)
    .map((path) => `${mem}/${path}`)
  const members = ['', '/trades', '/statement', '/statement.csv', '/people', '/details', '/consents', '/limit-ask'].map(
    (path) => `${mem}${path}`,
  )
  const trades = [`/trades/${its.tradeId}`, `/trades/${its.tradeId}/invoice`]
  const get = async (who: keyof typeof sessions, path: string) => {
    const headers = { cookie: `quits_session=${sessions[who]}` }
    return (await fetch(`${app.url}${path}`, { headers, redirect: 'manual' })).status
  }
  const open: string[] = []
  const refuse = async (who: keyof typeof sessions, paths: string[]) => {
    for (const path of paths) {
      const status = await get(who, path)
      if (status !== 403 && status !== 404) open.push(`${who} ${path}: ${status}`)
    }
  }
  await refuse('stranger', [...books, ...members, ...trades, '/networks/avon', '/networks/avon/ledger'])
  await refuse('neighbour', [
    ...books,
    ...members,
    '/networks/avon/ledger',
    '/networks/avon/import',
    `/networks/avon/members/${mill.memberId}`,
  ])
  await refuse('operator', [...books, ...members, ...trades])
  await refuse('convener', books)
  // Another's delivery and run through one's own place.
  const own = `/members/${bakery.memberId}`
  await refuse('neighbour', [
    `${own}/reconciliation/${its.reconciliationId}.csv`,
    `${own}/deliveries/${its.deliveryId}/pick-contact`,
  ])
  expect(open).toEqual([])
  for (const path of trades) expect(await get('neighbour', path)).toBe(200)
})

test('a consent is finished, looked at and chosen from only at the place it was begun for', async () => {
  const { app, bakery, forge } = world
  const networkId = idFromText('network', world.avon.networkId) ?? ''
  const actor = 'per_two'
  app.books.addBook({ id: 'baker-book', name: 'Baker' })
  const begin = () =>
    beginConsent(app.deps, { networkId, organisationId: uuidOf(bakery), kind: 'fake', actor, sessionHash: null })
  const { url } = await begin()
  const back = app.books.agree(url, ['baker-book'])
  const by = { actor, sessionHash: null }
  const elsewhere = { organisationId: uuidOf(forge) }
  await expect(finishConsent(app.deps, { url: back, ...by, ...elsewhere })).rejects.toMatchObject({
    code: 'consent_unknown',
  })
  const { consentId } = await finishConsent(app.deps, { url: back, ...by, organisationId: uuidOf(bakery) })
  await expect(offeredBy(app.deps, { consentId, actor, ...elsewhere })).rejects.toMatchObject({
    code: 'consent_unknown',
  })
  await expect(chooseBook(app.deps, { consentId, bookId: 'baker-book', actor, ...elsewhere })).rejects.toMatchObject({
    code: 'consent_unknown',
  })
  expect(await app.worker((tx) => tx.connection.count({ where: { organisationId: uuidOf(forge) } }))).toBe(0)
})
