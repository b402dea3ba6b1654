/** All of a kind: in bounded steps, each once, in the books that were asked for and in no other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placesParkedFor, retriedAStep, retryAll, retryStep } from '../../src/outbox/retry-all.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

/** So many parked for one cause, as a book that refused a whole backlog leaves them. */
async function parkMany(outbox: SmallOutbox, name: string, count: number, cause: string): Promise<void> {
  const { networkId, organisationId } = outbox.member(name)
  await on.db.pool.query(
    `insert into delivery (network_id, id, organisation_id, kind, reference, document, state, due_at, parked_cause, parked_facts, promised_at)
     select $1::uuid, gen_random_uuid(), $2::uuid, 'contact', $4::text || g, jsonb_build_object('what', 'contact', 'counterpartId', $2::uuid::text, 'role', 'customer'),
            'parked', quits_now(), $4::text, '{}', quits_now() from generate_series(1, $3::int) g`,
    [networkId, organisationId, count, cause],
  )
}
const parked = async (outbox: SmallOutbox, name: string, cause: string) =>
  (await outbox.deliveries(name)).filter((one) => one.state === 'parked' && one.parkedCause === cause).length

test('what waits, is in the book or was dropped is left as it is', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  const before = await outbox.states('mill')
  const { networkId, organisationId } = outbox.member('mill')
  await retryAll(on.deps, { places: [{ networkId, organisationId }], cause: 'period_locked', actor: 'quits' })
  expect(await outbox.states('mill')).toBe(before)
})

test('twelve hundred go in three steps, each told in the trail; another cause and another book stay', async () => {
  const outbox = await smallOutbox(on)
  await parkMany(outbox, 'mill', 1_200, 'plan_limit')
  await parkMany(outbox, 'mill', 3, 'rule_broken')
  await parkMany(outbox, 'bakery', 2, 'plan_limit')
  const { networkId, organisationId } = outbox.member('mill')
  const places = [{ networkId, organisationId }]
  expect(await retryAll(on.deps, { places, cause: 'plan_limit', actor: 'per_bea' })).toBe(1_200)
  expect(await retryAll(on.deps, { places, cause: 'plan_limit', actor: 'per_bea' })).toBe(0)

  expect([await parked(outbox, 'mill', 'rule_broken'), await parked(outbox, 'bakery', 'plan_limit')]).toEqual([3, 2])
  const { rows } = await on.db.pool.query(
    "select facts ->> 'retried' as retried from deed where organisation_id = $1 and what = 'deliveries_retried' and actor = 'per_bea' order by id",
    [organisationId],
  )
  expect(rows.map((row) => row.retried)).toEqual(['500', '500', '200'])
})

test('one that is parked again meanwhile is not tried for ever', async () => {
  const outbox = await smallOutbox(on)
  await parkMany(outbox, 'mill', retriedAStep + 1, 'plan_limit')
  const { networkId, organisationId } = outbox.member('mill')
  const ask = { networkId, organisationId, cause: 'plan_limit' }
  const first = await on.worker((tx) => retryStep(tx, { ...ask, after: null }))
  await on.db.pool.query(
    "update delivery set state = 'parked', parked_cause = 'plan_limit' where organisation_id = $1 and state = 'waiting'",
    [organisationId],
  )
  expect(first.retried).toBe(retriedAStep)
  expect(await on.worker((tx) => retryStep(tx, { ...ask, after: first.last }))).toEqual({ retried: 1, last: null })
})

test('the books with something parked for a cause are those of the organisations and networks that were named', async () => {
  const outbox = await smallOutbox(on)
  await parkMany(outbox, 'mill', 1, 'code_taken')
  await parkMany(outbox, 'bakery', 1, 'code_taken')
  const mill = outbox.member('mill')
  const found = (asked: object) => on.worker((tx) => placesParkedFor(tx, { cause: 'code_taken', ...asked }))
  expect(await found({ organisationIds: [mill.organisationId] })).toEqual([
    { networkId: mill.networkId, organisationId: mill.organisationId },
  ])
  expect(await found({ networkIds: [mill.networkId] })).toHaveLength(2)
  expect(await found({ organisationIds: [] })).toEqual([])
})
