/**
 * What only real time tells, over processes of their own: how soon the documents of a trade leave and are confirmed, whether a
 * crowd in one book slows the others, and what a second worker brings.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { machineClock } from '../../src/kit/clock.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { crowdInto } from './crowd.ts'
import type { Figures, Measuring } from './parts.ts'
import { openScene, type Pair, type Scene } from './scene.ts'
import { startWorker } from './start-worker.ts'
import { tallyOf } from './tally.ts'
import { type Market, marketOf } from './trade-many.ts'

/** What one worker serves at a time in these runs. */
const atOnce = 4
const answerMs = 300
const lookMs = 10
const longestMs = 120_000

export async function measureRealTime({ ground, closing, say, size }: Measuring): Promise<Figures> {
  const url = await ground.newDatabase('real_time')
  const pair = { seller: 'xero' as const, buyer: 'quickbooks' as const }
  say(`${size.pairs * 2} books are connected`)
  // The last one is for the crowd.
  const scene = await closing.add(openScene(url, [...Array(size.pairs).fill(pair), { seller: 'xero', buyer: null }]))
  const market = marketOf(scene.db, scene.networkId, machineClock)
  const pairs = scene.pairs.slice(0, size.pairs)
  const crowded = scene.pairs[size.pairs]
  invariant(crowded, 'nobody is there for the crowd')
  const tally = tallyOf(scene)

  const worker = await closing.add(startWorker(scene, atOnce))
  for (const one of scene.pairs) await market.sell(one)
  await allDelivered(scene)
  await pause(size.breathMs)
  say('one trade at a time, into idle books')
  const idle = await oneByOne(scene, market, pairs)
  say(`${size.crowd} documents wait in one book, and one trade at a time into the others`)
  await crowdInto(scene, crowded, size.crowd)
  const beside = await oneByOne(scene, market, pairs)
  await worker.end()
  await scene.db.pool.query("update delivery set state = 'dropped' where not live and state in ('waiting', 'sending')")

  for (const standIn of [scene.xero.control.faults.add.bind(scene.xero.control.faults), scene.quickbooks.control.fault])
    standIn({ knob: 'slowAnswer', times: -1, value: answerMs })
  const seconds: { one: number[]; two: number[] } = { one: [], two: [] }
  for (let turn = 0; turn < size.turns; turn += 1) {
    await pause(size.breathMs)
    const one = await closing.add(startWorker(scene, atOnce))
    seconds.one.push(await allAtOnce(scene, market, pairs))
    await pause(size.breathMs)
    const other = await closing.add(startWorker(scene, atOnce))
    seconds.two.push(await allAtOnce(scene, market, pairs))
    await Promise.all([one.end(), other.end()])
    say(`one worker ${seconds.one.at(-1)?.toFixed(2)} s, two ${seconds.two.at(-1)?.toFixed(2)} s`)
  }
  return {
    leave_ms: percentile(
      idle.map((one) => one.leaveMs),
      95,
    ),
    confirmed_p95_ms: percentile(
      idle.map((one) => one.confirmedMs),
      95,
    ),
    two_workers_vs_one: percentile(seconds.one, 50) / percentile(seconds.two, 50),
    confirmed_p95_beside_crowd_ms: percentile(
      beside.map((one) => one.confirmedMs),
      95,
    ),
    leave_beside_crowd_ms: percentile(
      beside.map((one) => one.leaveMs),
      95,
    ),
    real_time_429: tally.throttled(),
  }
}

type Timed = { leaveMs: number; confirmedMs: number }

/** From the instant at which the seller is told yes: to the later of the two documents at its vendor, and to the last receipt. */
async function oneByOne(scene: Scene, market: Market, pairs: Pair[]): Promise<Timed[]> {
  const timed: Timed[] = []
  for (const pair of pairs) {
    const before = {
      xero: scene.xero.control.requests.since().at(-1)?.number,
      quickbooks: scene.quickbooks.control.requests().at(-1)?.number,
    }
    const id = await market.sell(pair)
    const acceptedAt = Date.now()
    await settled(scene, id, pair)
    const confirmedMs = Date.now() - acceptedAt
    const firsts = [
      scene.xero.control.requests.since(before.xero),
      scene.quickbooks.control.requests(before.quickbooks),
    ].map((rows, place) =>
      rows.find((row) => row.method !== 'GET' && isOf(row, (place === 0 ? pair.seller : pair.buyer).bookId)),
    )
    const leftAt = firsts.map((row) => Date.parse(row?.at ?? ''))
    invariant(leftAt.every(Number.isFinite), 'a document never left')
    timed.push({ leaveMs: Math.max(...leftAt) - acceptedAt, confirmedMs })
  }
  return timed
}

function isOf(row: { headers: Record<string, unknown>; path: string }, bookId: string | null): boolean {
  return bookId !== null && (row.headers['xero-tenant-id'] === bookId || row.path.includes(bookId))
}

async function settled(scene: Scene, tradeId: string, { seller, buyer }: Pair): Promise<void> {
  const books = [seller, buyer].filter((firm) => firm.bookId !== null).map((firm) => firm.organisationId)
  await until(async () => {
    const { rows } = await scene.db.pool.query<{ left: string }>(
      `select count(*) filter (where state <> 'delivered') as left from delivery where network_id = $1 and trade_id = $2 and organisation_id = any ($3::uuid[])`,
      [scene.networkId, tradeId, books],
    )
    return rows[0]?.left === '0'
  })
}

async function allAtOnce(scene: Scene, market: Market, pairs: Pair[]): Promise<number> {
  // The workers are up and have looked; now something is there for all books at once.
  await pause(2_000)
  const startedAt = performance.now()
  await Promise.all(pairs.map((pair) => market.sell(pair)))
  await allDelivered(scene)
  return (performance.now() - startedAt) / 1_000
}

async function allDelivered(scene: Scene): Promise<void> {
  const books = scene.pairs.flatMap(({ seller, buyer }) => [seller, buyer]).filter((firm) => firm.bookId !== null)
  await until(async () => {
    const { rows } = await scene.db.pool.query<{ left: string; parked: string }>(
      `select count(*) filter (where state <> 'parked') as left, count(*) filter (where state = 'parked') as parked
         from delivery where organisation_id = any ($1::uuid[]) and live and state in ('waiting', 'sending', 'parked')`,
      [books.map((firm) => firm.organisationId)],
    )
    invariant(rows[0]?.parked === '0', 'a delivery is parked')
    return rows[0]?.left === '0'
  })
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now()
  while (!(await isSo())) {
    invariant(performance.now() - startedAt < longestMs, 'what was promised never arrived')
    await pause(lookMs)
  }
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * share) / 100))] ?? Number.NaN
}
