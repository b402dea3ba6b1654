/**
 * The long run: trades and reversals at random in a dozen pairs of books while one call in twenty goes wrong, a worker in a process
 * of its own; then the faults end, the outbox must empty, and everything is compared.
 *
 * Keeps: one seed decides what is traded and when; what the vendors break, they break by dice.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { machineClock } from '../../src/kit/clock.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { groundsOf } from '../../src/trades/grounds.ts'
import { askReversal, reverseTrade } from '../../src/trades/reverse-trade.ts'
import type { Fault } from '../../stand-ins/kit/faults.ts'
import { steadyDice } from '../bench/measure.ts'
import { brokenIn } from './oracles.ts'
import type { Figures, Measuring } from './parts.ts'
import { openScene, type Scene } from './scene.ts'
import { startWorker } from './start-worker.ts'
import { tallyOf } from './tally.ts'
import { marketOf } from './trade-many.ts'
import type { Memory } from './worker.ts'

const pairsOfBooks = 12
const tradeEveryMs = 1_000
const reversedInTen = 1
const memoryEveryMs = 10_000
const warmMs = 20_000
const longestDrainMs = 20 * 60_000
/** Together one call in twenty. */
const broken: Fault[] = (
  ['loseReply', 'html503', 'error500AfterCommit', 'error500BeforeCommit', 'resetMidAnswer', 'truncateAnswer'] as const
).map((knob) => ({ knob, times: -1, chance: 0.05 / 6, match: { path: '^/(api\\.xro|v3)/' } }))

export async function soak({ ground, closing, say }: Measuring, minutes: number): Promise<Figures> {
  const url = await ground.newDatabase('soak')
  const wanted = Array.from({ length: pairsOfBooks }, (_, place) =>
    place % 2 === 0
      ? { seller: 'xero' as const, buyer: 'quickbooks' as const }
      : { seller: 'quickbooks' as const, buyer: 'xero' as const },
  )
  const scene = await closing.add(openScene(url, wanted))
  const market = marketOf(scene.db, scene.networkId, machineClock)
  const tally = tallyOf(scene)
  const worker = await closing.add(startWorker(scene, 8))
  for (const pair of scene.pairs) await market.sell(pair)
  await pause(warmMs)
  for (const fault of broken) {
    scene.xero.control.faults.add({ ...fault })
    scene.quickbooks.control.fault({ ...fault })
  }
  const dice = steadyDice(4)
  const memory: Memory[] = []
  const endsAt = performance.now() + minutes * 60_000
  let sampledAt = 0
  let trades = 0
  while (performance.now() < endsAt) {
    const pair = scene.pairs[dice(scene.pairs.length)]
    invariant(pair, 'a pair is missing')
    const id = await market.sell(pair, BigInt(100 + dice(10_000)))
    trades += 1
    if (dice(10) < reversedInTen) await reverse(scene, id)
    if (performance.now() - sampledAt > memoryEveryMs) {
      sampledAt = performance.now()
      memory.push(await worker.memory())
      if (memory.length % 30 === 0) say(`${trades} trades, ${memory.at(-1)?.rssMb.toFixed(0)} MB`)
    }
    await pause(dice(2 * tradeEveryMs))
  }
  say('the faults end')
  scene.xero.control.faults.clear()
  scene.quickbooks.control.clearFaults()
  const drainSeconds = await drained(scene)
  await worker.end()
  const found = await brokenIn(scene)
  for (const line of found) say(`BROKEN: ${line}`)
  const third = Math.max(1, Math.floor(memory.length / 3))
  const mean = (some: Memory[], of: keyof Memory) => some.reduce((sum, one) => sum + one[of], 0) / some.length
  return {
    soak_minutes: minutes,
    soak_trades: trades,
    soak_oracles_broken: found.length,
    soak_parked: await parkedIn(scene),
    soak_429: tally.throttled(),
    soak_drain_s: drainSeconds,
    soak_memory_last_vs_first: mean(memory.slice(-third), 'rssMb') / mean(memory.slice(0, third), 'rssMb'),
    soak_heap_last_vs_first: mean(memory.slice(-third), 'heapMb') / mean(memory.slice(0, third), 'heapMb'),
    soak_rss_mb: memory.at(-1)?.rssMb ?? 0,
  }
}

async function reverse({ db, networkId }: Scene, tradeId: string): Promise<void> {
  const deps = { db, clock: machineClock, grounds: groundsOf(db) }
  const ask = { networkId, tradeId, actor: 'quits', reason: 'came back' }
  await askReversal(deps, { ...ask, side: 'seller' })
  await reverseTrade(deps, { ...ask, side: 'buyer' })
}

async function drained({ db }: Scene): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const { rows } = await db.pool.query<{ open: string }>(
      "select count(*) as open from delivery where state in ('waiting', 'sending') and not exists (select 1 from delivery p where p.id = any (delivery.depends_on) and p.state = 'parked')",
    )
    const seconds = (performance.now() - startedAt) / 1_000
    if (rows[0]?.open === '0') return seconds
    invariant(seconds * 1_000 < longestDrainMs, `${rows[0]?.open} deliveries never end`)
    await pause(500)
  }
}

async function parkedIn({ db }: Scene): Promise<number> {
  const { rows } = await db.pool.query<{ parked: string }>(
    "select count(*) as parked from delivery where state = 'parked'",
  )
  return Number(rows[0]?.parked)
}
