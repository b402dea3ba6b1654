/** Programs are told of what happened: signed, once, tried again, switched off, and never into our own network. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { idText, newId, type Uuid } from '../../src/kit/ids.ts'
import { openLog } from '../../src/kit/log.ts'
import { forgetNotices, noticesOf } from '../../src/outbox/notice.ts'
import { gatherNotices, noticeRounds } from '../../src/outbox/notice-rounds.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { isPublic, type Names, post, refusedUrl } from '../../src/outbox/public-line.ts'
import { sendNotices } from '../../src/outbox/send-notices.ts'
import {
  addressOf,
  makeAddress,
  type NoticeKind,
  noticeKinds,
  promiseTest,
  removeAddress,
  replayOne,
  replaySince,
  rotateSecret,
  switchAddress,
} from '../../src/outbox/webhook-address.ts'
import type { SetUp } from '../networks/set-up.ts'
import { ground, type SmallWorld, smallWorld } from '../trades/small-world.ts'

type Heard = { headers: IncomingHttpHeaders; body: string; path: string }
let on: SetUp
let world: SmallWorld
let ear: Server
let url: string
let deps: OutboxDeps
let answers: (path: string, body: string) => number | Promise<number>
let heard: Heard[] = []
beforeAll(async () => {
  on = await ground()
  world = await smallWorld(on, { baker: {}, mill: {}, forge: {} })
  ear = createServer((ask, answer) => {
    let body = ''
    ask.on('data', (part) => {
      body += part
    })
    ask.on('end', async () => {
      heard.push({ headers: ask.headers, body, path: ask.url ?? '' })
      answer.writeHead(await answers(ask.url ?? '', body), { location: `${url}/elsewhere` }).end()
    })
  })
  await new Promise<void>((done) => ear.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(ear.address() as AddressInfo).port}`
  deps = { ...on, worker: 'test', log: openLog('silent'), dice: () => 0.5, connectors: {} } as unknown as OutboxDeps
})
afterAll(async () => {
  ear.closeAllConnections()
  await new Promise((done) => ear.close(done))
  await on.end()
})
beforeEach(async () => {
  answers = () => 204
  heard = []
  // What happened in the test before is no news in this one.
  await later(3600)
  for (const table of ['notice', 'webhook_address', "lane where kind = 'address'"])
    await on.db.pool.query(`delete from ${table}`)
})

const listening = (path: string, member: string | null = null, whats: NoticeKind[] = [...noticeKinds]) =>
  on.worker((tx) =>
    makeAddress(
      tx,
      { ...on, loopback: true },
      {
        ...{ networkId: world.network.id, url: `${url}${path}`, whats, actor: 'per_asha' },
        organisationId: member ? world.member(member).organisationId : null,
      },
    ),
  )
/** Turns until nothing is left to do now. */
async function turns() {
  for (let turn = 0; turn < 20; turn += 1)
    if ((await gatherNotices(deps)) + (await sendNotices(deps, { loopback: true })) === 0) return
}
const later = (seconds: number) => on.travelTo(new Date(on.clock.now().getTime() + seconds * 1000))
const told = (path: string) => heard.filter((one) => one.path === path).map(({ body }) => JSON.parse(body))
const trade = () => world.sale('mill', 'baker', { net: 1_000n })
const stands = (id: Uuid) => on.worker((tx) => addressOf(tx, id))
/** As a receiver does it, after the published scheme. */
function isSigned({ headers, body }: Heard, secret: string): boolean {
  const words = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const own = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(words)
    .digest('base64')
  return String(headers['webhook-signature']).split(' ').includes(`v1,${own}`)
}

test('fault 62: each happening is told once to each who asked for it, signed after the scheme; a member hears of itself alone', async () => {
  const before = await trade()
  const all = await listening('/all')
  await listening('/baker', 'baker')
  await listening('/forge', 'forge')
  await listening('/reversals', null, ['trade.reversed'])
  const made = await trade()
  await turns()
  await world.reverse(made)
  await turns()
  await turns()

  const happened = [
    {
      type: 'trade.accepted',
      data: { networkId: idText('network', world.network.id), tradeId: idText('trade', made.id) },
    },
    {
      type: 'trade.reversed',
      data: { networkId: idText('network', world.network.id), tradeId: idText('trade', made.id) },
    },
  ]
  expect(told('/all')).toMatchObject(happened)
  expect(told('/baker')).toMatchObject(happened)
  expect(told('/forge')).toEqual([])
  expect(told('/reversals')).toMatchObject([happened[1]])
  expect(JSON.stringify(heard)).not.toContain(idText('trade', before.id))
  for (const one of heard.filter(({ path }) => path === '/all')) {
    expect(isSigned(one, all.secret)).toBe(true)
    expect(isSigned({ ...one, body: `${one.body} ` }, all.secret)).toBe(false)
    expect(Number(one.headers['webhook-timestamp'])).toBe(on.clock.now().getTime() / 1000)
  }
})

test('fault 62: what parks, differs or wants a sign-in is told with its cause', async () => {
  const { networkId, organisationId } = world.member('mill')
  await listening('/care')
  await trade()
  const [delivery] = await world.deliveries('mill')
  await on.db.pool.query(
    "update delivery set state = 'parked', parked_cause = 'period_locked', parked_facts = jsonb_build_object('at', quits_now()) where network_id = $1 and id = $2",
    [networkId, delivery?.id],
  )
  await on.db.pool.query(
    "insert into deed (id, organisation_id, actor, what, facts, done_at) values (gen_random_uuid(), $1, 'quits', 'connection_needs_sign_in', '{}', quits_now())",
    [organisationId],
  )
  const [discrepancyId, connectionId] = [newId(on.clock.now()), newId(on.clock.now())]
  await on.db.pool.query(
    `insert into discrepancy (network_id, id, organisation_id, connection_id, kind, mark, effect_minor, trade_id, evidence, opened_at, seen_at)
     values ($1, $2, $3, $4, 'amount_differs', 'mark', 5, $5, '{}', quits_now(), quits_now())`,
    [networkId, discrepancyId, organisationId, connectionId, delivery?.tradeId],
  )
  await turns()
  // Looked for again, and seen again by a reconciliation: told once.
  await on.db.pool.query('update discrepancy set seen_at = quits_now() where id = $1', [discrepancyId])
  await turns()
  expect(told('/care').filter(({ type }) => type !== 'trade.accepted')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        type: 'delivery.parked',
        data: expect.objectContaining({ deliveryId: idText('delivery', delivery?.id ?? ''), cause: 'period_locked' }),
      }),
      expect.objectContaining({
        type: 'discrepancy.opened',
        data: {
          networkId: idText('network', networkId),
          discrepancyId: idText('discrepancy', discrepancyId),
          tradeId: idText('trade', delivery?.tradeId ?? ''),
          kind: 'amount_differs',
        },
      }),
      expect.objectContaining({
        type: 'connection.needs_sign_in',
        data: expect.objectContaining({ organisationId: idText('organisation', organisationId) }),
      }),
    ]),
  )
  expect(told('/care')).toHaveLength(4)
})

test('fault 62: a network hears of the sign-in of its members alone, not of who was only invited, applied or has left', async () => {
  const { id, organisationId } = world.member('forge')
  await listening('/network')
  await listening('/member', 'forge')
  const stand = (standing: string) => on.db.pool.query('update member set standing = $2 where id = $1', [id, standing])
  const hears = async (standing: string) => {
    await stand(standing)
    heard = []
    await on.db.pool.query(
      "insert into deed (id, organisation_id, actor, what, facts, done_at) values (gen_random_uuid(), $1, 'quits', 'connection_needs_sign_in', '{}', quits_now())",
      [organisationId],
    )
    await turns()
    // What happened is told a little longer: past that, another standing changes nothing of it.
    await later(600)
    await turns()
    return heard.map(({ path }) => path).sort()
  }
  try {
    for (const standing of ['invited', 'applied', 'left']) expect(await hears(standing), standing).toEqual([])
    for (const standing of ['admitted', 'suspended', 'leaving'])
      expect(await hears(standing), standing).toEqual(['/member', '/network'])
  } finally {
    await stand('admitted')
  }
})

test('fault 62: one that fails is tried again with the same id and body, in growing steps, and keeps no other waiting', async () => {
  answers = (path) => (path === '/sick' ? 500 : 204)
  const { address } = await listening('/sick')
  await listening('/well')
  await trade()
  await turns()
  expect([told('/sick').length, told('/well').length]).toEqual([1, 1])
  await later(4)
  await turns()
  expect(told('/sick')).toHaveLength(1)
  await later(2)
  await turns()
  await later(60)
  await turns()
  expect(told('/sick')).toHaveLength(2)
  expect((await stands(address.id)).failingAt).not.toBeNull()
  answers = () => 200
  await later(300)
  await turns()
  const sick = heard.filter(({ path }) => path === '/sick')
  expect(new Set(sick.map(({ headers, body }) => `${headers['webhook-id']} ${body}`)).size).toBe(1)
  expect((await stands(address.id)).failingAt).toBeNull()
})

test('fault 62: one that answers, but slowly, gives its turn to the next address after ten seconds', async () => {
  answers = async (path) => {
    if (path === '/slow') await later(14)
    return 204
  }
  await listening('/slow')
  for (let made = 0; made < 4; made += 1) await trade()
  await gatherNotices(deps)
  await listening('/next')
  await later(1)
  await trade()
  await gatherNotices(deps)
  const order: string[] = []
  for (let turn = 0; turn < 8; turn += 1) {
    heard = []
    await sendNotices(deps, { loopback: true })
    if (heard.length > 0) order.push(heard.map(({ path }) => path).join(' '))
  }
  expect(order.slice(0, 3)).toEqual(['/slow', '/next', '/slow'])
})

test('fault 62: several addresses are served at once: one that does not answer keeps no other waiting', async () => {
  let letGo = () => {}
  const silence = new Promise<number>((done) => {
    letGo = () => done(204)
  })
  let sayHeard = () => {}
  const quickIsHeard = new Promise<void>((done) => {
    sayHeard = done
  })
  answers = (path) => {
    if (path === '/silent') return silence
    sayHeard()
    return 204
  }
  await listening('/silent')
  await trade()
  await gatherNotices(deps)
  await later(1)
  await listening('/quick')
  await trade()
  await gatherNotices(deps)
  const rounds = noticeRounds(deps, { loopback: true }).map(({ serve }) => serve())
  await quickIsHeard
  letGo()
  await Promise.all(rounds)
  expect(told('/quick')).toHaveLength(1)
  expect(told('/silent')).toHaveLength(2)
})

test('fault 62: an address that fails rests as a whole: one notice is a trial, and new ones do not wake it', async () => {
  answers = () => 500
  await listening('/down')
  for (let made = 0; made < 6; made += 1) await trade()
  for (let minutes = 0; minutes < 30; minutes += 1) {
    await turns()
    await later(60)
    await trade()
  }
  // At once, after 5 s (seen a minute later), after 5 min: the next one is due half an hour after that.
  expect(told('/down')).toHaveLength(3)
  answers = () => 204
  await later(1_800)
  await turns()
  expect(new Set(told('/down').map(({ data }) => data.tradeId)).size).toBe(36)
  // Once it takes something, what is new goes at once.
  const known = heard.length
  await trade()
  await turns()
  expect(heard).toHaveLength(known + 1)
})

test('fault 62: one notice that an address never takes holds up none of the others', async () => {
  const { address } = await listening('/picky')
  const bad = await trade()
  const badId = idText('trade', bad.id)
  answers = (_path, body) => (body.includes(badId) ? 500 : 204)
  await turns()
  const good: string[] = []
  for (let made = 0; made < 5; made += 1) {
    good.push(idText('trade', (await trade()).id))
    await later(120)
    await turns()
  }
  const taken = told('/picky').map(({ data }) => data.tradeId)
  expect(taken.filter((id) => id !== badId)).toEqual(good)
  expect(taken.filter((id) => id === badId).length).toBeLessThan(5)
  expect((await stands(address.id)).offAt).toBeNull()
})

test('fault 62: after five days it is switched off and told once; switched on again, what it missed is sent anew', async () => {
  answers = () => 503
  const from = on.clock.now()
  const { address } = await listening('/away')
  await trade()
  for (let hours = 0; hours <= 24 * 7; hours += 6) {
    await turns()
    await later(6 * 3600)
  }
  expect(await stands(address.id)).toMatchObject({ offCause: 'five days of failing' })
  const mails = await on.mails('webhook_off')
  expect(mails).toHaveLength(1)
  const tries = told('/away').length
  expect(tries).toBeGreaterThan(8)
  expect(tries).toBeLessThan(20)

  answers = () => 204
  await on.worker(async (tx) => {
    await switchAddress(tx, on.clock, address.id, { on: true, cause: '', actor: 'per_asha' })
    expect(await replaySince(tx, address, from)).toBe(1)
  })
  await turns()
  expect(told('/away')).toHaveLength(tries + 1)
  expect(await stands(address.id)).toMatchObject({ offAt: null, failingAt: null })
})

const notices = (id: Uuid, more: object = {}) =>
  on.worker((tx) =>
    noticesOf(tx, { networkId: world.network.id, id }, { state: null, after: null, limit: 100, ...more }),
  )

test('fault 62: what happens while it is switched off is kept for it, waits for nobody, and is sent anew by itself or all at once', async () => {
  const from = on.clock.now()
  const { address } = await listening('/off')
  await on.worker((tx) => switchAddress(tx, on.clock, address.id, { on: false, cause: 'over', actor: 'per_asha' }))
  const [first] = [await trade(), await trade()]
  await turns()
  expect(told('/off')).toEqual([])
  expect((await notices(address.id)).map(({ state }) => state)).toEqual(['given_up', 'given_up'])
  const off = await stands(address.id)
  for (const work of [on.worker((tx) => replaySince(tx, off, from)), on.worker((tx) => promiseTest(tx, on.clock, off))])
    await expect(work).rejects.toMatchObject({ code: 'webhook_is_off' })

  const isOn = await on.worker((tx) =>
    switchAddress(tx, on.clock, address.id, { on: true, cause: '', actor: 'per_asha' }),
  )
  const one = (await notices(address.id)).find(({ facts }) => facts.tradeId === first.id)
  await on.worker((tx) => replayOne(tx, isOn, one?.id ?? ''))
  await turns()
  expect(told('/off').map(({ data }) => data.tradeId)).toEqual([idText('trade', first.id)])
  expect(await on.worker((tx) => replaySince(tx, isOn, from))).toBe(2)
  await turns()
  expect(told('/off')).toHaveLength(3)
  expect(heard.filter(({ headers }) => headers['webhook-id'] === idText('notice', one?.id ?? ''))).toHaveLength(2)
  expect(await notices(address.id, { state: 'taken' })).toHaveLength(2)
})

test('fault 62: what waited when it was switched off goes once it is on again', async () => {
  answers = () => 500
  const { address } = await listening('/waits')
  await trade()
  await turns()
  const turn = (isOn: boolean) =>
    on.worker((tx) => switchAddress(tx, on.clock, address.id, { on: isOn, cause: 'over', actor: 'per_asha' }))
  await turn(false)
  await later(3600)
  await turns()
  expect(told('/waits')).toHaveLength(1)
  answers = () => 204
  await turn(true)
  await turns()
  expect(told('/waits')).toHaveLength(2)
})

test('fault 62: one that is removed leaves nothing behind, and whoever was just sending to it writes nothing', async () => {
  const { address } = await listening('/gone')
  const left = async () =>
    (
      await on.db.pool.query(
        'select (select count(*) from lane where id = $1) + (select count(*) from notice where address_id = $1) + (select count(*) from webhook_address where id = $1) as count',
        [address.id],
      )
    ).rows[0].count
  await trade()
  answers = async () => {
    await on.worker((tx) => removeAddress(tx, on.clock, address, 'per_asha'))
    return 204
  }
  await turns()
  expect(told('/gone')).toHaveLength(1)
  expect(await left()).toBe('0')
  await trade()
  await turns()
  expect(told('/gone')).toHaveLength(1)
  expect(await left()).toBe('0')
})

test('fault 62: what was taken or given up is forgotten after thirty days, and what still waits is not', async () => {
  const { address } = await listening('/old')
  await trade()
  await turns()
  answers = () => 500
  await trade()
  await turns()
  const states = async () => (await notices(address.id)).map(({ state }) => state).sort()
  expect(await states()).toEqual(['taken', 'waiting'])
  await later(29 * 86_400)
  await forgetNotices(deps)
  expect(await states()).toEqual(['taken', 'waiting'])
  await later(2 * 86_400)
  expect(await forgetNotices(deps)).toBeGreaterThan(0)
  expect(await states()).toEqual(['waiting'])
  await on.worker((tx) => switchAddress(tx, on.clock, address.id, { on: false, cause: 'over', actor: 'per_asha' }))
  await forgetNotices(deps)
  expect(await states()).toEqual([])
})

test('fault 62: two secrets sign for a day while one takes the other’s place', async () => {
  const { address, secret } = await listening('/keys')
  const next = await on.worker((tx) => rotateSecret(tx, on, address.id, 'per_asha'))
  const tryIt = async () => {
    heard = []
    await on.worker((tx) => promiseTest(tx, on.clock, address))
    await turns()
    const [one] = heard
    return one ? [isSigned(one, secret), isSigned(one, next)] : []
  }
  expect(await tryIt()).toEqual([true, true])
  await later(24 * 3600 + 1)
  expect(await tryIt()).toEqual([false, true])
})

test('fault 62: never into our own network: https and public addresses alone, looked at when the connection is made, and no redirect followed', async () => {
  const closed =
    '127.0.0.1 10.1.2.3 172.31.0.1 192.168.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 ::1 :: fe80::1 fd00::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1:: ff02::1'
  expect(closed.split(' ').filter(isPublic)).toEqual([])
  expect(['93.184.216.34', '2606:4700::1111'].filter(isPublic)).toHaveLength(2)
  expect(refusedUrl('http://example.org/hook', false)).toBe('not_https')
  expect(refusedUrl('https://person:word@example.org/', false)).toBe('not_https')
  for (const host of ['127.0.0.1', '[::1]', '2130706433', '0x7f.1', '169.254.169.254', 'localhost'])
    expect(refusedUrl(`https://${host}/hook`, false), host).toBe('not_public')
  // A name that is allowed as it is written, and points to this machine when it is called: nobody is even connected to.
  let connected = 0
  ear.on('connection', () => {
    connected += 1
  })
  const inward = `https://inward.example:${(ear.address() as AddressInfo).port}/hook`
  expect(refusedUrl(inward, false)).toBeNull()
  const one = { address: '93.184.216.34', family: 4 }
  for (const found of [
    [{ address: '127.0.0.1', family: 4 }],
    [one, { address: '127.0.0.1', family: 4 }],
    [{ address: '::1', family: 6 }, one],
    [],
  ]) {
    const names: Names = (_name, _options, done) => done(null, found)
    const told = await post(inward, {}, '{}', { loopback: false, names, limitMs: 2_000 })
    expect(told).toEqual({ status: null, why: 'not_public' })
  }
  expect(connected).toBe(0)
  await expect(
    on.worker((tx) =>
      makeAddress(
        tx,
        { ...on, loopback: false },
        {
          ...{ networkId: world.network.id, organisationId: null, url, whats: [...noticeKinds], actor: 'per_asha' },
        },
      ),
    ),
  ).rejects.toMatchObject({ code: 'address_not_allowed' })

  answers = (path) => (path === '/moved' ? 302 : 204)
  await listening('/moved')
  await trade()
  await turns()
  expect(heard.map(({ path }) => path)).toEqual(['/moved'])
})
