/** Deliveries through the API: cause, words, whose and what next; retried, dropped and taken back; paused with a reason. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText, idText, newId } from '../../../src/kit/ids.ts'
import { type ApiWorld, apiWorld, type Party } from '../../support/api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())

let made = 0
/** One that its book refused for this cause. */
async function parked(party: Party, networkId: string, cause: string): Promise<string> {
  made += 1
  const id = newId(new Date(Date.UTC(2026, 10, 2) + made))
  const organisationId = idFromText('organisation', party.organisationId)
  await world.app.db.pool.query(
    `insert into delivery (network_id, id, organisation_id, kind, reference, document, state, due_at, parked_cause, parked_facts, promised_at, attempts)
     values ($1, $2, $3, 'contact', $4, $5, 'parked', quits_now(), $6, '{}', quits_now() + make_interval(secs => $7::int), 1)`,
    [
      networkId,
      id,
      organisationId,
      `C${made}`,
      { what: 'contact', counterpartId: organisationId, role: 'customer' },
      cause,
      made,
    ],
  )
  await world.app.db.pool.query(
    `insert into attempt (network_id, delivery_id, number, key, verb, body_hash, fence, started_at, ended_at, outcome, cause, said, status, call_id)
     values ($1, $2, 1, 'k', 'contacts', '\\x00', 1, quits_now(), quits_now(), 'refused', $3, 'The book’s own words', 400, 'call-7')`,
    [networkId, id, cause],
  )
  return idText('delivery', id)
}

test('a parked delivery tells cause, words, whose it is, the next action with its route, and the book’s own words', async () => {
  const { bakery, avon } = world
  const id = await parked(bakery, avon.uuid, 'plan_limit')
  const { body } = await bakery.owner(`GET ${bakery.path}/deliveries/${id}`)
  expect(body.delivery).toMatchObject({
    cause: 'plan_limit',
    words: expect.stringContaining('The book’s plan does not allow this'),
    who: 'owner',
    said: 'The book’s own words',
    next: { button: 'retry', text: expect.any(String) },
  })
  expect(body.attempts).toMatchObject([{ said: 'The book’s own words', status: 400, callId: 'call-7' }])
  // The route that it names does what it says, and doing it twice is doing it once.
  const route = `POST /v1${body.delivery.next.route}`
  expect((await bakery.owner(route)).body).toMatchObject({ id, state: 'waiting', cause: null, words: null, next: null })
  expect((await bakery.owner(route)).body).toMatchObject({ id, state: 'waiting' })
  const { rows } = await world.app.db.pool.query("select 1 from deed where what = 'delivery_retry'")
  expect(rows).toHaveLength(1)
})

test('a cause nobody foresaw is told honestly', async () => {
  const { bakery, avon } = world
  const id = await parked(bakery, avon.uuid, 'phase_of_the_moon')
  const { body } = await bakery.owner(`GET ${bakery.path}/deliveries/${id}`)
  expect(body.delivery).toMatchObject({
    cause: 'phase_of_the_moon',
    words: expect.stringContaining('no words for yet'),
    said: 'The book’s own words',
  })
})

test('filters by state, cause and age; what is no instant is refused', async () => {
  const { mill, avon } = world
  const id = await parked(mill, avon.uuid, 'code_taken')
  await parked(mill, avon.uuid, 'email_refused')
  const list = async (query: string) =>
    (await mill.owner(`GET ${mill.path}/deliveries?${query}`)).body.list.map((one: { id: string }) => one.id)
  expect(await list('cause=code_taken')).toEqual([id])
  expect(await list('state=parked&cause=code_taken')).toEqual([id])
  expect(await list('state=waiting&cause=code_taken')).toEqual([])
  expect(await list('promisedBefore=2000-01-01T00:00:00Z')).toEqual([])
  expect(await list('promisedBefore=2100-01-01T00:00:00Z&limit=1')).toHaveLength(1)
  expect((await mill.owner(`GET ${mill.path}/deliveries?promisedBefore=yesterday`)).status).toBe(400)
  expect((await mill.owner(`GET ${mill.path}/deliveries?state=lost`)).status).toBe(400)
})

test('dropped with a reason and taken back; without one, or by another member, not', async () => {
  const { bakery, mill, avon } = world
  const id = await parked(bakery, avon.uuid, 'rule_broken')
  const path = `${bakery.path}/deliveries/${id}`
  expect((await bakery.owner(`POST ${path}/drop`, { body: {} })).status).toBe(400)
  expect((await mill.owner(`POST ${mill.path}/deliveries/${id}/drop`, { body: { reason: 'mine' } })).status).toBe(404)
  const dropped = await bakery.owner(`POST ${path}/drop`, { body: { reason: 'by hand' } })
  expect(dropped.body).toMatchObject({ state: 'dropped', droppedReason: 'by hand' })
  expect((await bakery.owner(`POST ${path}/retry`)).body).toMatchObject({ code: 'delivery_does_not_allow' })
  expect((await bakery.owner(`POST ${path}/undo`)).body).toMatchObject({ state: 'waiting', droppedReason: null })
  expect((await world.app.client(null)(`POST ${path}/undo`)).status).toBe(401)
})

test('all of a kind: of one book, or of every book that a key may act for and of no other', async () => {
  const { app, bakery, mill, forge, avon, tamar } = world
  for (const party of [bakery, bakery, mill]) await parked(party, avon.uuid, 'plan_ended')
  const elsewhere = await parked(forge, tamar.uuid, 'plan_ended')
  const body = { cause: 'plan_ended' }
  expect((await bakery.owner(`POST ${bakery.path}/deliveries/retry`, { body })).body).toEqual({ retried: 2 })
  await parked(bakery, avon.uuid, 'plan_ended')
  expect((await bakery.owner('POST /v1/deliveries/retry', { body })).body).toEqual({ retried: 1, books: 1 })
  expect((await mill.owner('POST /v1/deliveries/retry', { body })).body).toEqual({ retried: 1, books: 1 })
  const left = await forge.owner(`GET ${forge.path}/deliveries/${elsewhere}`)
  expect(left.body.delivery.state).toBe('parked')
  expect((await avon.convener('POST /v1/deliveries/retry', { body })).status).toBe(403)
  const own = { organisationId: idFromText('organisation', bakery.organisationId) ?? '' }
  const reader = app.client(await app.key({ role: 'owner', mayWrite: false, ...own }))
  expect((await reader('POST /v1/deliveries/retry', { body })).status).toBe(403)
  expect((await bakery.owner('POST /v1/deliveries/retry', { body: {} })).status).toBe(400)
})

test('a convener pauses what the network sends, with a reason; members see it and cannot; trades go on', async () => {
  const { bakery, avon, tamar } = world
  const path = `${avon.path}/sending`
  expect((await avon.convener(`POST ${path}/pause`, { body: {} })).status).toBe(400)
  expect((await bakery.owner(`POST ${path}/pause`, { body: { reason: 'no' } })).status).toBe(403)
  expect((await tamar.convener(`POST ${path}/pause`, { body: { reason: 'no' } })).status).toBe(404)
  const paused = { paused: { by: expect.stringMatching(/^key_/), reason: 'year end' } }
  expect((await avon.convener(`POST ${path}/pause`, { body: { reason: 'year end' } })).body).toMatchObject(paused)
  expect((await bakery.owner(`GET ${path}`)).body).toMatchObject(paused)
  expect((await avon.convener(`GET ${avon.path}`)).body.state).toBe('open')
  expect((await avon.convener(`POST ${path}/resume`)).body).toEqual({ paused: null })
  expect((await avon.convener(`POST ${path}/resume`)).body).toEqual({ paused: null })
})
