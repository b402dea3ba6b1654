/** A lone trade, full backlogs and an outage, on the bench's own clock: how many calls, how many minutes. */
import { invariant } from '../../src/kit/invariant.ts'
import { drain } from './drain.ts'
import { ownClock } from './own-clock.ts'
import type { Figures, Measuring } from './parts.ts'
import { openScene, type Pair, type Scene } from './scene.ts'
import { type Calls, tallyOf } from './tally.ts'
import { marketOf } from './trade-many.ts'

const minuteMs = 60_000
const outageMs = 60 * minuteMs

/** Each of the four in a book of its own. */
export async function measureBacklogs({ ground, closing, say, size }: Measuring): Promise<Figures> {
  const url = await ground.newDatabase('backlog')
  const opening = openScene(url, [
    { seller: 'xero', buyer: 'quickbooks' },
    { seller: 'xero', buyer: null },
    { seller: 'quickbooks', buyer: null },
    { seller: 'xero', buyer: null },
  ])
  const scene = await closing.add(opening)
  const [lone, full, fullQuickBooks, outage] = scene.pairs
  invariant(lone && full && fullQuickBooks && outage, 'a pair is missing')
  const clock = await closing.add(ownClock(url, [scene.xero, scene.quickbooks]))
  const tally = tallyOf(scene)
  const market = marketOf(scene.db, scene.networkId, clock)
  const stage = { scene, clock, tally, market, say }
  // Contacts are made and known, and the minute in which books were connected is over.
  for (const pair of scene.pairs) await market.sell(pair)
  await drain({ deps: scene.deps(clock), clock, tally }, books(...scene.pairs))
  await clock.moveTo(new Date(clock.now().getTime() + 2 * minuteMs))

  const loneCalls = await measureLone(stage, lone)
  const before = tally.throttled()
  const xero = await measureFull(stage, full, size.backlogXero, 'Xero')
  const quickbooks = await measureFull(stage, fullQuickBooks, size.backlogQuickBooks, 'QuickBooks')
  const recovery = await measureOutage(stage, outage, size.outage)
  return {
    ...loneCalls,
    calls_backlog_xero: xero.callsATrade,
    calls_backlog_quickbooks: quickbooks.callsATrade,
    backlog_10k_xero_min: xero.minutes,
    backlog_quickbooks_min: quickbooks.minutes,
    backlog_429: tally.throttled() - before,
    ...recovery,
    backlog_refreshes: xero.calls.refreshes + quickbooks.calls.refreshes,
    backlog_profile_reads: xero.calls.profileReads + quickbooks.calls.profileReads,
    backlog_trades_a_second: xero.tradesASecond,
  }
}

type Stage = Pick<Measuring, 'say'> & {
  scene: Scene
  clock: Awaited<ReturnType<typeof ownClock>>
  tally: ReturnType<typeof tallyOf>
  market: ReturnType<typeof marketOf>
}

/** By a service that has just started: what it knows of the books it has from its own database. */
async function measureLone({ scene, clock, tally, market, say }: Stage, pair: Pair): Promise<Figures> {
  say('one lone trade')
  const before = [pair.seller, pair.buyer].map((firm) => tally.of(firm.bookId ?? ''))
  await market.sell(pair)
  await drain({ deps: scene.deps(clock), clock, tally }, books(pair))
  const spent = [pair.seller, pair.buyer].map((firm, place) => less(tally.of(firm.bookId ?? ''), before[place]))
  return {
    calls_lone_writes: Math.max(...spent.map((calls) => calls.writes)),
    calls_lone_reads: Math.max(...spent.map((calls) => calls.reads + calls.profileReads)),
  }
}

async function measureFull(
  { scene, clock, tally, market, say }: Stage,
  pair: Pair,
  trades: number,
  vendor: string,
): Promise<{ callsATrade: number; minutes: number; calls: Calls; tradesASecond: number }> {
  const bookId = pair.seller.bookId ?? ''
  say(`${trades} trades wait in one ${vendor} book`)
  await market.sellMany(pair, trades)
  await scene.db.pool.query('vacuum analyze delivery')
  const before = tally.of(bookId)
  const startedAt = performance.now()
  const minutes = await drain({ deps: scene.deps(clock), clock, tally }, books(pair))
  const seconds = (performance.now() - startedAt) / 1_000
  const calls = less(tally.of(bookId), before)
  say(
    `${vendor}: ${minutes.toFixed(2)} minutes of its clock, ${Math.round(seconds)} s of ours, ${JSON.stringify(calls)}`,
  )
  return {
    callsATrade: (calls.writes + calls.reads) / trades,
    minutes,
    calls,
    tradesASecond: trades / seconds,
  }
}

/** From the vendor's first good answer to an empty outbox, against the least that our own budget allows. */
async function measureOutage(
  { scene, clock, tally, market, say }: Stage,
  pair: Pair,
  trades: number,
): Promise<Figures> {
  const bookId = pair.seller.bookId ?? ''
  say(`an hour's outage, and ${trades} trades wait`)
  scene.xero.control.faults.add({ knob: 'html503', times: -1, match: { path: '^/api\\.xro/' } })
  await market.sellMany(pair, trades)
  await scene.db.pool.query('vacuum analyze delivery')
  const backAt = new Date(clock.now().getTime() + outageMs)
  const before = tally.of(bookId)
  await drain({ deps: scene.deps(clock), clock, tally }, books(pair), { until: backAt })
  const probes = less(tally.of(bookId), before)
  scene.xero.control.faults.clear()
  await drain({ deps: scene.deps(clock), clock, tally }, books(pair))
  const emptyAt = clock.now()
  const goodAt = tally.firstGood(bookId, backAt) ?? emptyAt
  const minutes = (emptyAt.getTime() - goodAt.getTime()) / minuteMs
  const needed = Math.ceil(trades / 50) * 2
  say(`recovered in ${minutes.toFixed(2)} minutes after ${JSON.stringify(probes)} while it was away`)
  return {
    outage_recovery_vs_min: minutes / ((needed - 10) / 50),
    outage_probes: probes.writes + probes.reads,
    outage_first_probe_s: (goodAt.getTime() - backAt.getTime()) / 1_000,
  }
}

function books(...pairs: Pair[]): string[] {
  return pairs.flatMap(({ seller, buyer }) =>
    [seller, buyer].flatMap((one) => (one.bookId ? [one.organisationId] : [])),
  )
}

function less(after: Calls, before: Calls | undefined): Calls {
  const keys = Object.keys(after) as (keyof Calls)[]
  return Object.fromEntries(keys.map((key) => [key, after[key] - (before?.[key] ?? 0)])) as Calls
}
