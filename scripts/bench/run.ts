/** One run from an empty folder to the figures: everything is filled first, then measured, then proven. */
import { setTimeout as pause } from 'node:timers/promises'
import { openDb } from '../../src/kit/db.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { build, type Child, startPrismaRoute, startService } from './child.ts'
import type { Closing } from './closing.ts'
import { floorTable } from './contenders.ts'
import { type Ground, openGround } from './ground.ts'
import { importSpeeds } from './import-rows.ts'
import { proveCheaply, proveLedgers, proveTrades } from './prove.ts'
import { runRounds, tradeTurn } from './rounds.ts'
import type { Settings } from './settings.ts'
import { openSite, settle } from './site.ts'
import { type Measured, rounded } from './told.ts'
import { openTradeSite, type TradeSite } from './trade-site.ts'
import { addPostWithoutChain } from './without-chain.ts'

type Say = (line: string) => void
const everyRole = 'web,worker,schedule'
const small = 'small'

export async function runBench(settings: Settings, say: Say, closing: Closing): Promise<Measured> {
  build(say)
  const ground = await closing.add(openGround(say))

  say(`${settings.members} members with keys and standing consents`)
  const trades = await openTradeSite(await ground.newDatabase('trades'), settings)
  const startOf = async (starting: Promise<Child>) => {
    const child = await closing.add(starting)
    say(`a program is up: process ${child.pid}`)
    return child
  }
  const service = await startOf(startService(trades.url, ground.home, 'web'))
  const whole = await startOf(startService(trades.url, ground.home, everyRole))
  const idle = Promise.all([service, whole].map((child) => idleMemory(child, settings.idleMs)))
  // Told of when it is awaited.
  idle.catch(() => undefined)

  const smallSite = await openSmall(ground, settings, say)
  say(`a ledger with ${settings.largeEntries} entries, by COPY`)
  const began = performance.now()
  const large = await openSite(
    await ground.newDatabase('large'),
    { networks: 1, accounts: settings.accounts, entries: settings.largeEntries },
    say,
  )
  const fillSeconds = rounded((performance.now() - began) / 1000)
  say(`filled in ${fillSeconds} s; importing ${settings.importRows} trades of the past`)
  const imported = await importSpeeds(await ground.newDatabase('past'), settings.importRows, say)
  await ground.drop('past')

  say('the memory of the service at rest')
  const idleMb = await idle
  // It looks for work each second: it must not do so while others are measured.
  await whole.end()
  const prismaRoute = await startOf(startPrismaRoute(trades.url))
  const done = await runRounds(
    { ground, small: smallSite, template: small, large, trades, service, prismaRoute },
    settings,
    say,
  )
  await Promise.all([service.end(), prismaRoute.end()])

  say('the memory of a service that keeps promises and time as well, under the same load')
  const wholeAgain = await startOf(startService(trades.url, ground.home, everyRole))
  const loaded = await loadMemory(wholeAgain, trades, settings)
  await wholeAgain.end()

  say('the trades are all there, once, with what they promised')
  await proveTrades(trades.url, trades.networkId, done.acknowledged + loaded.acknowledged)
  const [largeNetwork] = large.networks
  invariant(largeNetwork, 'the large ledger has a network')
  say(
    settings.wholeAudit
      ? 'the whole audit of the large ledger'
      : 'the large ledger: cheap truths, newest part of the chain',
  )
  if (settings.wholeAudit) await proveLedgers(large.url, [largeNetwork.id])
  else await proveCheaply(large.url, largeNetwork.id)

  return {
    rounds: settings.rounds,
    roundMs: settings.forMs,
    turns: done.turns,
    idleMb,
    loadMb: [...done.loadMb, loaded.highestMb],
    information: {
      large_entries: settings.largeEntries,
      large_filled_in_s: fillSeconds,
      large_proven: settings.wholeAudit ? 'whole audit' : 'cheap truths and the newest part of the chain',
      trades_proven: done.acknowledged + loaded.acknowledged,
      rss_idle_mb_web: rounded(idleMb[0] ?? Number.NaN),
      rss_idle_mb_all_roles: rounded(idleMb[1] ?? Number.NaN),
      rss_load_mb_web: rounded(Math.max(...done.loadMb)),
      rss_load_mb_all_roles: rounded(loaded.highestMb),
      import_10k_s: rounded(imported.seconds * (10_000 / settings.importRows)),
      import_vs_floor: rounded(imported.imported / imported.inserted),
    },
  }
}

async function openSmall(ground: Ground, settings: Settings, say: Say) {
  say(`${settings.accounts} accounts with ${settings.entries} entries`)
  const { accounts, entries } = settings
  const site = await openSite(await ground.newDatabase(small), { networks: 2, accounts, entries }, say)
  const db = openDb(site.url)
  try {
    await db.pool.query(floorTable)
    await addPostWithoutChain(db.pool)
    await settle(db)
  } finally {
    await db.close()
  }
  return site
}

async function idleMemory(child: Child, idleMs: number): Promise<number> {
  await pause(Math.max(0, idleMs - (performance.now() - child.startedAt)))
  return child.memoryMb()
}

/** As long as all rounds of the other took together. */
async function loadMemory(child: Child, site: TradeSite, settings: Settings) {
  const { warmUpMs, forMs, rounds } = settings
  const once = {
    callers: 32,
    seed: 99,
    once: (load: { single(caller: number): Promise<void> }, caller: number) => load.single(caller),
  }
  return await tradeTurn(child, site, once, { warmUpMs, forMs: forMs * rounds })
}
