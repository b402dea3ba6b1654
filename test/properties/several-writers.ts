/**
 * One property: several writers ask at the same instant, each on a line of its own that may break, and who hears nothing asks
 * again with the same id. The order is told by the transfers' numbers; in that order the model says just what stands, and every
 * verdict that was heard is the model's at some moment of the round.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Batch } from '../../src/kit/batch.ts'
import { type Db, openDb } from '../../src/kit/db.ts'
import { InvariantError } from '../../src/kit/invariant.ts'
import { type PostingAsk, type PostingVerdict, postingsOf } from '../../src/ledger/post.ts'
import { type FaultyLine, faultyLine } from './faulty-line.ts'
import { again, aimed, ask, clock, limits, rulesOf } from './ledger-steps.ts'
import {
  accountsIn,
  accountsSaid,
  askOf,
  type Ground,
  heardFrom,
  moveClock,
  type Pair,
  pair,
  setRules,
} from './model-ground.ts'
import { type Asked, balanceOf, type Heard, judge, type Stood, type World } from './plain-ledger.ts'

export const crashes = ['before', 'after', 'session'] as const
type Writer = { line: FaultyLine; db: Db; postings: Batch<PostingAsk, PostingVerdict>; name: string }
export type Writers = { all: Writer[]; ground: Ground; end(): Promise<void> }

const mostTries = 12

export async function openWriters(ground: Ground, count = 3): Promise<Writers> {
  const all = await Promise.all(
    Array.from({ length: count }, async (_, place) => {
      const line = await faultyLine(ground.db.url)
      const name = `writer_${place}`
      const url = new URL(line.url)
      url.searchParams.set('application_name', name)
      const db = openDb(url.href, { connections: 1, writers: 2 })
      return { line, db, postings: postingsOf(db), name }
    }),
  )
  return {
    all,
    ground,
    async end() {
      await Promise.all(all.map(({ db }) => db.close()))
      await Promise.all(all.map(({ line }) => line.end()))
    },
  }
}

const asks = fc.array(
  fc.record({
    writer: fc.nat(2),
    asked: fc.oneof({ weight: 6, arbitrary: ask }, { weight: 1, arbitrary: again }),
  }),
  { minLength: 4, maxLength: 24 },
)
const crash = fc.option(fc.record({ writer: fc.nat(2), how: fc.constantFrom(...crashes) }), { freq: 2 })
const round = fc.record({ asks, crash, change: fc.option(fc.oneof(limits, clock)) })
const rounds = fc.array(round, { minLength: 2, maxLength: 6 })
type Round = typeof round extends fc.Arbitrary<infer R> ? R : never

export function severalWriters(writers: () => Writers) {
  return fc.asyncProperty(rounds, async (todo) => {
    const on = await pair(writers().ground)
    const before: Asked[] = []
    for (const one of todo) {
      await change(writers().ground, on, one.change)
      await playRound(writers(), on, one, before)
      expect(await accountsIn(on)).toEqual(accountsSaid(on.world))
    }
    expect(await on.ledger.brokenTruths()).toEqual([])
  })
}

async function change(ground: Ground, on: Pair, step: Round['change']): Promise<void> {
  if (step?.what === 'clock') on.world = await moveClock(ground, on.world, step.hours)
  if (step?.what === 'limits')
    on.world = await setRules(ground, on, step.name, rulesOf(step, balanceOf(on.world.stood, step.name)))
}

async function playRound({ all, ground }: Writers, on: Pair, todo: Round, before: Asked[]): Promise<void> {
  const asked = todo.asks.flatMap(({ writer, asked }) => {
    const one = asked.what === 'again' ? before.at(-asked.back) : aimed(asked, on.world)
    return one ? [{ writer: all[writer] as Writer, asked: one }] : []
  })
  before.push(...asked.map((one) => one.asked))
  const { crash } = todo
  if (crash && crash.how !== 'session') all[crash.writer]?.line.breakNext(crash.how)
  const answers = Promise.all(asked.map(async (one) => ({ ...one, verdict: await untilHeard(on, one) })))
  if (crash?.how === 'session')
    await ground.db.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      all[crash.writer]?.name,
    ])
  const heard = await answers
  const moments = await replay(
    on,
    asked.map((one) => one.asked),
  )
  on.world = moments.at(-1) as World
  for (const { asked, verdict } of heard) mustBeExplained(on, asked, verdict, moments, crash !== null)
  mustBeNewOnce(on, heard)
}

/** Who hears nothing asks again; whatever else the database says than a verdict or a lost line is a fault. */
async function untilHeard(on: Pair, { writer, asked }: { writer: Writer; asked: Asked }): Promise<PostingVerdict> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await writer.postings.add(on.ledger.networkId, askOf(on, asked))
    } catch (error) {
      const code = String((error as { code?: unknown }).code ?? '')
      const isOurFault =
        error instanceof InvariantError || (/^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !/^(08|57)/.test(code))
      if (isOurFault || tries === mostTries) throw error
    }
  }
}

/** The world after each posting of the round, as the numbers order them; each must be one that was asked, whole and allowed. */
async function replay(on: Pair, asked: Asked[]): Promise<World[]> {
  const moments = [on.world]
  let written = await writtenSince(on, on.world.stood.length)
  while (written.length > 0) {
    const world = moments.at(-1) as World
    const found = asked
      .filter((one) => one.id === written[0]?.posting)
      .map((one) => judge(world, one).next)
      .find((next) => isBeginning(next.stood.slice(world.stood.length), written))
    if (!found) throw new Error(`nobody asked for this, or it is not allowed: ${told(written)}`)
    moments.push(found)
    written = written.slice(found.stood.length - world.stood.length)
  }
  return moments
}

/** A refusal, and a posting of which all was left out, have no number: some moment of the round must say so. */
function mustBeExplained(on: Pair, asked: Asked, verdict: PostingVerdict, moments: World[], wasCrash: boolean): void {
  const heard = heardFrom(on, verdict)
  const said = moments.flatMap((world) => {
    const { heard } = judge(world, asked)
    const first = { ...heard, ...(heard.ok ? { warnings: [...heard.warnings].sort() } : {}) } as Heard
    // After a crash the first answer may have been lost on the way: then it is heard as one given before.
    const repeated: Heard[] = wasCrash && heard.ok ? [{ ...heard, replayed: true, warnings: [] }] : []
    return [first, ...repeated]
  })
  expect(said).toContainEqual(heard)
}

/**
 * Each posting is new to one asker at most, and the numbers it is told are those under which it stands. What was left out has none
 * (that it was rightly left out is explained above), though a later ask of the round may have written a transfer of that id.
 */
function mustBeNewOnce(on: Pair, heard: { asked: Asked; verdict: PostingVerdict }[]): void {
  const fresh = new Set<string>()
  for (const { asked, verdict } of heard) {
    if (!verdict.ok || verdict.transfers.every((one) => one.leftOut)) continue
    const first = verdict.transfers.find((one) => !one.leftOut)?.id ?? ''
    if (!verdict.replayed) expect(fresh.has(first), `${asked.id} was new twice`).toBe(false)
    if (!verdict.replayed) fresh.add(first)
    for (const { id, number, leftOut } of verdict.transfers) {
      const place = on.world.stood.findIndex((one) => one.name === on.nameOf(id))
      expect(number, `number of ${on.nameOf(id)}`).toBe(leftOut ? null : place + 1)
    }
  }
}

type Written = Pick<Stood, 'posting' | 'name' | 'kind' | 'from' | 'to' | 'amount' | 'day'>

async function writtenSince(on: Pair, number: number): Promise<Written[]> {
  const names = new Map(['anna', 'bert', 'cleo', 'dora'].map((name) => [on.ledger.account(name), name]))
  const { rows } = await on.ledger.db.pool.query(
    `select id, posting_id, kind, debit_account_id, credit_account_id, amount_minor, booked_on::text as day
       from transfer where network_id = $1 and number > $2 order by number`,
    [on.ledger.networkId, number],
  )
  return rows.map((row) => ({
    posting: on.nameOf(row.posting_id),
    name: on.nameOf(row.id),
    kind: row.kind,
    from: names.get(row.debit_account_id) ?? row.debit_account_id,
    to: names.get(row.credit_account_id) ?? row.credit_account_id,
    amount: BigInt(row.amount_minor),
    day: row.day,
  }))
}

function isBeginning(stood: readonly Stood[], written: readonly Written[]): boolean {
  return stood.length > 0 && told(stood) === told(written.slice(0, stood.length))
}

function told(all: readonly Written[]): string {
  return all.map((one) => [one.posting, one.name, one.kind, one.from, one.to, one.amount, one.day].join(' ')).join('; ')
}
