/** Lists that are short for most and long for some: each is walked to its end by its own cursor. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText, newId } from '../../../src/kit/ids.ts'
import { type ApiWorld, apiWorld, connectBook, openNetwork, saleOf, sell } from '../../support/api-world.ts'
import type { Client } from '../../support/app.ts'
import { walk } from '../../support/walk.ts'

const made = 5
let world: ApiWorld
let owner: pg.Client
beforeAll(async () => {
  world = await apiWorld()
  owner = new pg.Client({ connectionString: world.app.db.url })
  await owner.connect()
})
afterAll(async () => {
  await owner?.end()
  await world?.end()
})

async function walksWhole(speak: Client, path: string, least: number): Promise<string[]> {
  const whole = await walk(speak, path, 200)
  expect(whole.ids.length, path).toBeGreaterThanOrEqual(least)
  expect(new Set(whole.ids).size, path).toBe(whole.ids.length)
  for (const limit of [1, 2]) expect((await walk(speak, path, limit)).ids, `${path} by ${limit}`).toEqual(whole.ids)
  return whole.ids
}

async function each(work: (place: number) => Promise<{ status: number; text: string }>): Promise<void> {
  for (let place = 0; place < made; place += 1) {
    const answer = await work(place)
    expect(answer.status, answer.text).toBeLessThan(300)
  }
}

test('keys, terms and invitations', async () => {
  const { avon, mill } = world
  await each((place) =>
    avon.convener(`POST ${avon.path}/api-keys`, { body: { name: `key ${place}`, role: 'auditor' } }),
  )
  await walksWhole(avon.convener, `${avon.path}/api-keys`, made)
  await each((place) => avon.convener(`PUT ${avon.path}/terms`, { body: { proposalLifeDays: 20 + place } }))
  const terms = await avon.convener(`GET ${avon.path}/terms/versions`)
  const versions = terms.body.list.map((one: { version: number }) => one.version)
  const second = await avon.convener(`GET ${avon.path}/terms/versions?limit=2&after=${versions[1]}`)
  expect(second.body.list.map((one: { version: number }) => one.version)).toEqual(versions.slice(2, 4))
  expect(second.body.next).toBe(String(versions[3]))
  await each(() => avon.convener(`POST ${mill.path}/invitations/resend`, { body: {} }))
  await walksWhole(avon.convener, `${mill.path}/invitations`, made)
})

test('the networks that an operator sees, two of one name among them', async () => {
  const { operator, app } = world
  for (const slug of ['one', 'two', 'three']) await openNetwork(app, operator, slug)
  await owner.query("update network set name = 'Alike' where slug in ('one', 'three')")
  await walksWhole(operator, '/v1/networks', 5)
})

test('what was said about a trade, and whom a member accepts without being asked', async () => {
  const { avon, mill, bakery } = world
  const path = await sell(avon.path, mill, bakery, '100')
  await mill.owner(`POST ${path}/dispute`, { body: { words: 'Not what we asked for' } })
  await each((place) => bakery.owner(`POST ${path}/words`, { body: { words: `word ${place}` } }))
  await walksWhole(mill.owner, `${path}/words`, made)
  for (const name of ['Smith', 'Baker', 'Tanner']) {
    const other = await avon.member(name)
    const body = { fromMemberId: other.memberId, side: 'buyer', aMonth: { amount: '1000', currency: 'GBP' } }
    const given = await mill.owner(`POST ${mill.path}/standing-consents`, { body })
    expect(given.status, given.text).toBe(201)
  }
  await walksWhole(mill.owner, `${mill.path}/standing-consents`, 3)
})

test('asks for a limit: open ones first, then those answered last', async () => {
  const { avon, mill, bakery, app } = world
  for (const party of [mill, bakery, await avon.member('Cooper'), await avon.member('Weaver')]) {
    const ask = { to: { amount: '200000', currency: 'GBP' }, why: 'a larger oven' }
    for (let place = 0; place < 2; place += 1) {
      const asked = await party.owner(`POST ${party.path}/limit-asks`, { body: ask })
      expect(asked.status, asked.text).toBe(201)
      if (place === 1) continue
      const answer = { grant: false, words: 'not yet' }
      const answered = await avon.convener(`POST ${avon.path}/limit-asks/${asked.body.id}/answer`, { body: answer })
      expect(answered.status, answered.text).toBe(200)
    }
  }
  const ids = await walksWhole(avon.convener, `${avon.path}/limit-asks`, 8)
  const whole = await avon.convener(`GET ${avon.path}/limit-asks?limit=200`)
  expect(whole.body.list.map((one: { state: string }) => one.state)).toEqual([
    ...Array.from({ length: 4 }, () => 'open'),
    ...Array.from({ length: 4 }, () => 'refused'),
  ])
  expect(ids).toHaveLength(8)
  await walksWhole(mill.owner, `${mill.path}/limit-asks`, 2)
  expect(app).toBeDefined()
})

test('deliveries that were promised within one millisecond', async () => {
  const { avon, mill, bakery } = world
  await connectBook(world.app, mill, 'mill-book')
  await sell(avon.path, mill, bakery, '200')
  const before = await walk(mill.owner, `${mill.path}/deliveries`, 200)
  expect(before.ids.length).toBeGreaterThan(2)
  // As a clock that counts microseconds would have it.
  await owner.query(
    `update delivery set promised_at = '2026-11-02T09:00:00.123Z'::timestamptz + (row_number * interval '7 microseconds')
       from (select id, row_number() over (order by id) from delivery) d where d.id = delivery.id`,
  )
  const ids = await walksWhole(mill.owner, `${mill.path}/deliveries`, before.ids.length)
  expect(new Set(ids)).toEqual(new Set(before.ids))
})

test('runs over a book that began at one instant, their lines, and what disagrees', async () => {
  const { mill } = world
  for (let run = 0; run < 3; run += 1) await mill.owner(`POST ${mill.path}/reconciliations`)
  const runs = await walksWhole(mill.owner, `${mill.path}/reconciliations`, 3)
  const lines = await mill.owner(`GET ${mill.path}/reconciliations/${runs[0]}/lines?limit=200`)
  expect(lines.body.list.length).toBeGreaterThan(1)
  const first = await mill.owner(`GET ${mill.path}/reconciliations/${runs[0]}/lines?limit=1`)
  const second = await mill.owner(`GET ${mill.path}/reconciliations/${runs[0]}/lines?limit=1&after=${first.body.next}`)
  expect([first.body.list[0], second.body.list[0]]).toEqual(lines.body.list.slice(0, 2))
  const organisation = idFromText('organisation', mill.organisationId)
  const run = await owner.query(
    'select connection_id, network_id from reconciliation where organisation_id = $1 limit 1',
    [organisation],
  )
  for (let place = 0; place < made; place += 1)
    await owner.query(
      `insert into discrepancy (network_id, id, organisation_id, connection_id, kind, mark, effect_minor, evidence, opened_at, seen_at)
       values ($1, $2, $3, $4, 'doubled', $5, 0, '{"ours": {}, "theirs": {}}', now(), now())`,
      [run.rows[0].network_id, newId(new Date()), organisation, run.rows[0].connection_id, `mark ${place}`],
    )
  await walksWhole(mill.owner, `${mill.path}/discrepancies`, made)
})

test('a proposal on either side of a member is in its list once, newest first', async () => {
  const { avon, mill, bakery } = world
  for (let place = 0; place < 3; place += 1) {
    await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '5') })
    await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(bakery, mill, '5') })
  }
  const path = `${avon.path}/trades?memberId=${mill.memberId}`
  const ids = await walksWhole(mill.owner, path, 6)
  const whole = (await mill.owner(`GET ${avon.path}/trades?limit=200`)).body.list.map((one: { id: string }) => one.id)
  expect(ids).toEqual(whole)
})

test('webhooks and what was told to them', async () => {
  const { avon } = world
  await each((place) =>
    avon.convener(`POST ${avon.path}/webhooks`, { body: { url: `https://hook-${place}.example/` } }),
  )
  const [first = ''] = await walksWhole(avon.convener, `${avon.path}/webhooks`, made)
  await each(() => avon.convener(`POST ${avon.path}/webhooks/${first}/test`))
  const path = `${avon.path}/webhooks/${first}/notices`
  const all = await walksWhole(avon.convener, path, made)
  // Apart by microseconds only, which no instant of ours shows.
  for (const [place, id] of all.slice(0, 3).entries())
    await owner.query("update notice set happened_at = happened_at + $2 * interval '1 microsecond' where id = $1", [
      idFromText('notice', id),
      place,
    ])
  expect((await walksWhole(avon.convener, path, made)).slice(0, 3)).toEqual(all.slice(0, 3).reverse())
  expect(await walksWhole(avon.convener, `${path}?state=waiting`, made)).toHaveLength(made)
  expect((await avon.convener(`GET ${path}?state=taken`)).body.list).toEqual([])
})
