/** Webhooks through the API: from the making to what arrives, by a network's convener and a member's owner. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { gatherNotices } from '../../../src/outbox/notice-rounds.ts'
import { sendNotices } from '../../../src/outbox/send-notices.ts'
import { type ApiWorld, apiWorld, sell } from '../../support/api-world.ts'

type Heard = { path: string; headers: IncomingHttpHeaders; body: string }
let world: ApiWorld
let ear: Server
let url: string
let status = 204
let heard: Heard[] = []
beforeAll(async () => {
  world = await apiWorld({ environment: { QUITS_WEBHOOKS_TO_LOOPBACK: 'yes' } })
  ear = createServer((ask, answer) => {
    let body = ''
    ask.on('data', (part) => {
      body += part
    })
    ask.on('end', () => {
      heard.push({ path: ask.url ?? '', headers: ask.headers, body })
      answer.writeHead(status).end()
    })
  })
  await new Promise<void>((done) => ear.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(ear.address() as AddressInfo).port}`
})
afterAll(async () => {
  ear.closeAllConnections()
  await new Promise((done) => ear.close(done))
  await world.end()
})
beforeEach(() => {
  status = 204
  heard = []
})

async function turns() {
  const { deps } = world.app
  for (let turn = 0; turn < 20; turn += 1)
    if ((await gatherNotices(deps)) + (await sendNotices(deps, { loopback: true })) === 0) return
}
const told = (path: string) => heard.filter((one) => one.path === path).map(({ body }) => JSON.parse(body))
function isSigned({ headers, body }: Heard, secret: string): boolean {
  const words = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const own = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(words)
    .digest('base64')
  return String(headers['webhook-signature']).split(' ').includes(`v1,${own}`)
}

test('a convener’s hears of every trade, an owner’s of its own alone; both are signed with the secret that was told', async () => {
  const { avon, mill, bakery } = world
  const forge = await avon.member('Smithy')
  const wide = await avon.convener(`POST ${avon.path}/webhooks`, { body: { url: `${url}/wide` } })
  expect(wide.status).toBe(201)
  expect(wide.body.webhook).toMatchObject({ organisationId: null, state: 'good', offCause: null })
  const events = ['trade.accepted', 'trade.accepted']
  const own = await forge.owner(`POST ${forge.path}/webhooks`, { body: { url: `${url}/own`, events } })
  expect(own.body.webhook).toMatchObject({ organisationId: forge.organisationId, events: ['trade.accepted'] })
  await sell(avon.path, mill, bakery, '1000')
  const its = await sell(avon.path, mill, forge, '2000')
  await turns()
  expect(told('/wide')).toHaveLength(2)
  expect(told('/own')).toMatchObject([{ type: 'trade.accepted', data: { tradeId: its.split('/').at(-1) } }])
  expect(heard.map((one) => isSigned(one, one.path === '/own' ? own.body.secret : wide.body.secret))).toEqual([
    true,
    true,
    true,
  ])
  const seen = await forge.owner(`GET ${forge.path}/webhooks/${own.body.webhook.id}/notices`)
  expect(seen.body.list).toMatchObject([
    {
      ...{ id: heard.find(({ path }) => path === '/own')?.headers['webhook-id'], type: 'trade.accepted' },
      ...{ state: 'taken', attempts: 1, lastStatus: '204', dueAt: null, data: told('/own')[0].data },
    },
  ])
})

test('a repeat makes no second one and does not tell the secret again; none of it is kept', async () => {
  const { app, avon } = world
  const base = `${avon.path}/webhooks`
  const before = (await avon.convener(`GET ${base}`)).body.list.length
  const ask = { body: { url: `${url}/once` }, idempotencyKey: 'hook-once' }
  const [made, again] = [await avon.convener(`POST ${base}`, ask), await avon.convener(`POST ${base}`, ask)]
  expect(again.body).toEqual({ webhook: made.body.webhook, secret: null })
  expect((await avon.convener(`GET ${base}`)).body.list).toHaveLength(before + 1)
  const path = `${base}/${made.body.webhook.id}`
  const turn = { idempotencyKey: 'rotate-once' }
  const [next, repeated] = [
    await avon.convener(`POST ${path}/rotate-secret`, turn),
    await avon.convener(`POST ${path}/rotate-secret`, turn),
  ]
  expect([next.body.secret === made.body.secret, repeated.body.secret]).toEqual([false, null])
  const tried = await avon.convener(`POST ${path}/test`)
  expect(tried.status).toBe(202)
  await turns()
  expect(told('/once').map(({ type }) => type)).toEqual(['webhook.test'])
  expect(heard.map((one) => [isSigned(one, made.body.secret), isSigned(one, next.body.secret)])).toEqual([[true, true]])
  expect(heard[0]?.headers['webhook-id']).toBe(tried.body.noticeId)
  const kept = JSON.stringify(await app.worker((tx) => tx.answer.findMany()))
  for (const { secret } of [made.body, next.body]) expect(kept).not.toContain(secret)
  const stored = JSON.stringify(await app.worker((tx) => tx.webhookAddress.findMany()))
  expect(stored).not.toContain(next.body.secret)
})

test('one that fails says so, is switched off and on, and what it missed is sent anew, alone or all of it', async () => {
  const { app, avon, mill, bakery } = world
  const since = app.clock.now().toISOString()
  const made = await bakery.owner(`POST ${bakery.path}/webhooks`, { body: { url: `${url}/care` } })
  const path = `${bakery.path}/webhooks/${made.body.webhook.id}`
  status = 500
  await sell(avon.path, mill, bakery, '300')
  await turns()
  expect((await bakery.owner(`GET ${path}`)).body).toMatchObject({ state: 'failing', failingSince: since })
  const waiting = await bakery.owner(`GET ${path}/notices?state=waiting`)
  expect(waiting.body.list).toMatchObject([{ state: 'waiting', lastStatus: '500', attempts: 1 }])

  const off = await bakery.owner(`POST ${path}/switch-off`)
  expect(off.body).toMatchObject({ state: 'off', offCause: 'switched off by a person', failingSince: null })
  status = 204
  heard = []
  await sell(avon.path, mill, bakery, '400')
  await turns()
  expect(told('/care')).toEqual([])
  expect((await bakery.owner(`GET ${path}/notices?state=given_up`)).body.list).toHaveLength(1)

  expect((await bakery.owner(`POST ${path}/switch-on`)).body.state).toBe('good')
  const again = await bakery.owner(`POST ${path}/notices/${waiting.body.list[0].id}/replay`)
  expect(again.body).toEqual({ count: 1 })
  await turns()
  const ids = heard.filter((one) => one.path === '/care').map(({ headers }) => headers['webhook-id'])
  expect(ids).toEqual([waiting.body.list[0].id])
  expect((await bakery.owner(`POST ${path}/replay`, { body: { since } })).body).toEqual({ count: 2 })
  await turns()
  expect(told('/care')).toHaveLength(3)
})

test('removed, it is told nothing and is not there; who did what stands in the trail', async () => {
  const { avon, mill, bakery } = world
  const made = await mill.owner(`POST ${mill.path}/webhooks`, { body: { url: `${url}/gone` } })
  const path = `${mill.path}/webhooks/${made.body.webhook.id}`
  const ask = { idempotencyKey: 'remove-once' }
  expect((await mill.owner(`POST ${path}/remove`, ask)).body).toEqual({ id: made.body.webhook.id, removed: true })
  expect((await mill.owner(`POST ${path}/remove`, ask)).body.removed).toBe(true)
  expect((await mill.owner(`POST ${path}/remove`)).status).toBe(404)
  expect((await mill.owner(`GET ${path}`)).status).toBe(404)
  await sell(avon.path, mill, bakery, '500')
  await turns()
  expect(told('/gone')).toEqual([])
  const trail = (await mill.owner(`GET ${mill.path}/deeds`)).body.list.map((one: { what: string }) => one.what)
  expect(trail).toEqual(expect.arrayContaining(['webhook_made', 'webhook_removed']))
})
