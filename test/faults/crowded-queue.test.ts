/**
 * A hundred thousand promises waiting in one book: nobody else waits a turn or a call longer for it, with a worker to spare or with one
 * for all. Counted in turns and calls; the clock is the test's own.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deliverDue } from '../../src/outbox/deliver.ts'
import { type Ground, openGround } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
  for (const place of [0, 1]) ground.inCallsOf(inOneCall, place)
}, 90_000)
// What the crowd leaves behind is one trade's document many times over: nothing to ask an oracle about.
afterAll(() => ground.world.end())

const sales = 3
const inOneCall = 2
/** Calls that Xero takes in one go, and what a turn may come to while that fills again. */
const burst = 10
const mostInOneTurn = 20
const crowded = () => ground.firm('xero')
const sellers = () => ground.town.firms.filter((one) => one.vendor === 'quickbooks')

/** So many more invoices for that book, all promised before now. */
async function crowd(count: number): Promise<void> {
  const [made] = await ground.query(
    `with made as (
       insert into delivery (network_id, id, organisation_id, trade_id, kind, reference, document, depends_on, live, state, due_at, promised_at)
       select d.network_id, gen_random_uuid(), d.organisation_id, d.trade_id, d.kind, n.name,
              d.document || jsonb_build_object('number', n.name), '{}', true, 'waiting', quits_now(), quits_now()
         from (select * from delivery where organisation_id = $1 and kind = 'invoice' and state = 'delivered' limit 1) d,
              (select 'W' || $2 || '-' || place as name from generate_series(1, $2::integer) place) n
       returning 1)
     select count(*)::integer as count from made`,
    [crowded().organisationId, count],
  )
  expect(made).toEqual({ count })
  // As Postgres does by itself in a while.
  await ground.query('analyze delivery')
}
const left = async () =>
  Number(
    (
      await ground.query<{ count: string }>(
        "select count(*) from delivery where organisation_id = $1 and state = 'waiting'",
        [crowded().organisationId],
      )
    )[0]?.count,
  )

/** Whose lane was served in one turn of one worker. */
async function turn(place: number): Promise<string | null> {
  const fences = async () =>
    new Map(
      (await ground.query<{ id: string; fence: string }>("select id, fence from lane where kind = 'book'")).map(
        ({ id, fence }) => [id, fence],
      ),
    )
  const before = await fences()
  const done = await ground.world.worker(place).step((deps) => deliverDue(deps, { limit: 1 }))
  if (done.is === 'failed') throw done.error
  for (const [id, fence] of await fences()) if (before.get(id) !== fence) return id
  return null
}

/** By then every book may be called again; the crowded one has been due the longest, and nobody looks whether something came. */
async function quiet(): Promise<void> {
  await ground.time.advance(10 * 60_000)
  await ground.query(
    "update lane set due_at = case when id = $1 and exists (select from delivery d where d.organisation_id = $1 and d.state = 'waiting') then quits_now() - interval '1 minute' else 'infinity' end where kind = 'book'",
    [crowded().organisationId],
  )
}

/** What comes between sales of the others and their standing in both their books: turns by whose they are, and calls at the crowded book. */
async function waits(place: number): Promise<{ turns: string[]; calls: number }[]> {
  const [from, to] = sellers()
  if (!from || !to) throw new Error('nobody else is there')
  const all: { turns: string[]; calls: number }[] = []
  for (let sale = 0; sale < sales; sale += 1) {
    await quiet()
    const trade = await ground.sellLines(from, to, [1_000n])
    const mark = ground.mark('xero')
    const turns: string[] = []
    const isIn = async () => (await ground.deliveries([trade])).every((one) => one.state === 'delivered')
    while (!(await isIn())) {
      expect(turns.length).toBeLessThan(8)
      const id = await turn(place)
      turns.push(id === crowded().organisationId ? 'the crowd' : id === null ? 'nobody' : 'others')
    }
    all.push({ turns, calls: ground.asked('xero', mark).length })
  }
  return all
}

test('fault 64: a hundred thousand waiting in one book: others have the same turns as beside a few, and beside nobody where a worker is to spare', async () => {
  const turns = (all: Awaited<ReturnType<typeof waits>>) => all.map((one) => one.turns)
  // Known to each other, so that a sale is two documents and two payments.
  await waits(0)
  expect(turns(await waits(0))).toEqual(Array(sales).fill(['others', 'others']))

  // One worker for all: the crowd has one turn, of as many calls as its book takes in one go; then the others have theirs.
  await crowd(1_000)
  const few = await waits(0)
  expect(turns(few)).toEqual(Array(sales).fill(['the crowd', 'others', 'others']))
  await crowd(100_000)
  const before = await left()
  const many = await waits(0)
  expect(turns(many)).toEqual(turns(few))
  for (const { calls } of [...few, ...many]) expect(calls).toBeLessThanOrEqual(mostInOneTurn)
  // The crowd goes on meanwhile, at its own pace.
  expect(before - (await left())).toBeGreaterThanOrEqual(sales * burst * inOneCall)

  // Another worker is at the crowd: nobody notices it.
  await quiet()
  expect(await ground.workAt('xero', { moment: 'before_call', skip: 0, dies: false })).toEqual({ is: 'held_up' })
  const [from, to] = sellers()
  if (!from || !to) throw new Error('nobody else is there')
  for (let sale = 0; sale < sales; sale += 1) {
    const trade = await ground.sellLines(from, to, [1_000n])
    expect([await turn(1), await turn(1)].sort()).toEqual([from.organisationId, to.organisationId].sort())
    for (const one of await ground.deliveries([trade])) expect(one.state).toBe('delivered')
  }
  await ground.world.heldUp()?.letGo()
}, 60_000)
