/** Many postings with what they promise, tell and keep, in one call: each stands or falls whole, and alone. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../src/kit/db.ts'
import { idOfCause } from '../../src/kit/ids.ts'
import { askWriter, postingJson } from '../../src/ledger/post.ts'
import {
  type PromisedPosting,
  type PromisedVerdict,
  postAndPromise,
  promisedPostingsOf,
} from '../../src/outbox/post-and-promise.ts'
import { contactIn } from '../../src/outbox/promise.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from '../ledger/small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

function asking(ledger: SmallLedger) {
  const { networkId } = ledger
  const organisation = (name: string) => idOfCause('organisation', networkId, name)
  const ask = (name: string, amountMinor: bigint, more: Partial<PromisedPosting> = {}): PromisedPosting => ({
    posting: ledger.posting(name, [ledger.transfer(name, 'bakery', 'mill', amountMinor)]),
    promises: [contactIn(networkId, organisation(name), organisation('network'), 'supplier')],
    deed: { actor: 'per_x', what: 'tested', facts: { name } },
    ...more,
  })
  const answer = (key: string, said = key) => ({
    answer: {
      actor: 'per_x',
      route: `post /${networkId}`,
      key,
      bodyHash: createHash('sha256').update(said).digest('hex'),
      template: { said },
      status: 201,
    },
    idTaken: 'key_of_other_body' as const,
  })
  /** Exactly one call for all of these. */
  const together = (asks: PromisedPosting[]) =>
    askWriter<PromisedVerdict>(
      db,
      networkId,
      'post_and_promise',
      asks.map((one) => ({ ...one, posting: postingJson(one.posting) })),
    )
  const promised = async () =>
    (
      await db.pool.query<{ n: number }>('select count(*)::integer as n from delivery where network_id = $1', [
        networkId,
      ])
    ).rows[0]?.n
  const told = async () =>
    (
      await db.pool.query<{ name: string }>(
        "select facts ->> 'name' as name from deed where network_id = $1 order by 1",
        [networkId],
      )
    ).rows.map((row) => row.name)
  const kept = async () =>
    (
      await db.pool.query<{ key: string; status: number; body: object }>(
        'select key, status, body from answer where route = $1 order by key',
        [`post /${networkId}`],
      )
    ).rows
  return { ask, answer, together, promised, told, kept }
}
const said = (verdicts: PromisedVerdict[]) =>
  verdicts.map((one) =>
    one.ok ? ('kept' in one ? `kept ${one.kept.status}` : one.replayed ? 'again' : 'yes') : one.code,
  )

test('each is judged by itself; a refused one promises, tells and moves nothing', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: {} })
  const { ask, together, promised, told } = asking(ledger)
  const verdicts = await together([ask('a', 60n), ask('b', 60n), ask('c', 40n), ask('d', 1n)])
  expect(said(verdicts)).toEqual(['yes', 'credit_limit_exceeded', 'yes', 'credit_limit_exceeded'])
  expect([await promised(), await told(), await ledger.balance('bakery')]).toEqual([2, ['a', 'c'], -100n])
  // Asked again: nothing is promised or told twice.
  expect(said(await together([ask('a', 60n), ask('b', 60n)]))).toEqual(['again', 'credit_limit_exceeded'])
  expect([await promised(), await told()]).toEqual([2, ['a', 'c']])
  expect(await ledger.brokenTruths()).toEqual([])
})

test('the days of documents are those of their own postings', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const { ask, together } = asking(ledger)
  const dated = (name: string, bookedOn: string) => {
    const one = ask(name, 1n)
    const document = { what: 'money_spent', datedOn: null } as never
    const promise = {
      ...(one.promises?.[0] as NonNullable<PromisedPosting['promises']>[number]),
      kind: 'money_spent' as const,
      document,
    }
    return { ...one, posting: { ...one.posting, bookedOn }, promises: [promise] }
  }
  const verdicts = await together([
    dated('a', '2026-02-01'),
    dated('b', '2026-02-03'),
    dated('c', '2026-02-03'),
    dated('late', '2026-02-02'),
  ])
  expect(said(verdicts)).toEqual(['yes', 'yes', 'yes', 'day_runs_backwards'])
  const { rows } = await db.pool.query(
    "select document ->> 'datedOn' as day from delivery where network_id = $1 order by 1",
    [ledger.networkId],
  )
  expect(rows.map((row) => row.day)).toEqual(['2026-02-01', '2026-02-03', '2026-02-03'])
})

test('the answer of each is kept under its key in the same commit, a yes with its place, a no with its facts', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: {} })
  const { ask, answer, together, kept } = asking(ledger)
  await together([ask('a', 100n, answer('a')), ask('b', 1n, answer('b'))])
  expect(await kept()).toMatchObject([
    {
      key: 'a',
      status: 201,
      body: { said: 'a', number: '1', bookedOn: '2026-03-02', recordedAt: '2026-03-02T09:00:00.000Z' },
    },
    { key: 'b', status: 409, body: { code: 'credit_limit_exceeded', facts: { limitMinor: '-100' } } },
  ])
  // The refusal stands for its key, though there is room now.
  await ledger.setLimits('bakery', { floor_minor: -500 })
  expect(
    said(await together([ask('a', 100n, answer('a')), ask('b', 1n, answer('b')), ask('b', 2n, answer('b', 'other'))])),
  ).toEqual(['kept 201', 'kept 409', 'key_of_other_body'])
  expect(await ledger.balance('bakery')).toBe(-100n)
})

test('a key that was answered before is known by that answer, whoever comes first in the call', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const { ask, answer, together } = asking(ledger)
  await together([ask('a', 1n, answer('a'))])
  expect(said(await together([ask('b', 2n, answer('a', 'other')), ask('a', 1n, answer('a'))]))).toEqual([
    'key_of_other_body',
    'kept 201',
  ])
})

test('a key that comes twice in one call: the same follows the first, another is refused', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: {} })
  const { ask, answer, together, told } = asking(ledger)
  const free = ledger.posting('free', [ledger.transfer('free', 'mill', 'bakery', 500n)])
  const verdicts = await together([
    ask('x', 101n, answer('x')),
    { posting: free },
    ask('x', 101n, answer('x')),
    ask('y', 1n, answer('y')),
    ask('y', 1n, answer('y')),
    ask('y', 2n, answer('y', 'other')),
  ])
  // The room that came between them does not give one key two answers.
  expect(said(verdicts)).toEqual([
    'credit_limit_exceeded',
    'yes',
    'credit_limit_exceeded',
    'yes',
    'again',
    'key_of_other_body',
  ])
  expect(await told()).toEqual(['y'])
})

test('where the answer was forgotten, an id that stands with other content is told in the asker’s words', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const { ask, together } = asking(ledger)
  await together([ask('a', 1n)])
  const other = ask('a', 2n)
  expect(said(await together([other, { ...other, idTaken: 'hold_closed' }]))).toEqual([
    'transfer_of_other_content',
    'hold_closed',
  ])
})

test('callers at once share calls, each with its own verdict; the same posting from two lanes is written once', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -50n }, mill: {} })
  const { ask, promised, told } = asking(ledger)
  const lanes = [promisedPostingsOf(db), promisedPostingsOf(db)]
  const asks = Array.from({ length: 60 }, (_, at) => ask(`n${at}`, 1n))
  const all = await Promise.all(lanes.flatMap((lane) => asks.map((one) => lane.add(ledger.networkId, one))))
  expect(all.filter((one) => one.ok && !one.replayed)).toHaveLength(50)
  expect([await promised(), (await told()).length, await ledger.balance('bakery')]).toEqual([50, 50, -50n])
  expect(await ledger.brokenTruths()).toEqual([])
})

test('one alone is thrown its refusal, kept ones too', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: 0n }, mill: {} })
  const { ask, answer } = asking(ledger)
  const deps = { promisedPostings: promisedPostingsOf(db) }
  for (const _time of [1, 2])
    await expect(postAndPromise(deps, ledger.networkId, ask('a', 1n, answer('a')))).rejects.toMatchObject({
      code: 'credit_limit_exceeded',
      facts: { limitMinor: '0' },
    })
})

test('nobody but the writer calls it, and the way for one at a time is gone', async () => {
  const { rows } = await db.pool.query<{ args: string; app: boolean; worker: boolean; writer: boolean }>(
    `select pg_get_function_identity_arguments(p.oid) as args, has_function_privilege('quits_app', p.oid, 'execute') as app,
            has_function_privilege('quits_worker', p.oid, 'execute') as worker, has_function_privilege('quits_writer', p.oid, 'execute') as writer
       from pg_proc p where proname = 'post_and_promise'`,
  )
  expect(rows).toEqual([{ args: 'p_network uuid, p_asks jsonb', app: false, worker: false, writer: true }])
})
