/**
 * The rounds: each begins with the small ledger as it was, and every contender has its turn in it, opened, warmed up, measured
 * and closed, so that nobody's idle connections are in anybody's way.
 */
import { invariant } from '../../src/kit/invariant.ts'
import type { Child } from './child.ts'
import {
  callForEach,
  callWithoutChain,
  groupCommit,
  manyRows,
  type Opens,
  oneRow,
  prismaTransaction,
  rowsInACommit,
} from './contenders.ts'
import type { Ground } from './ground.ts'
import { type Turn, turned, turnOf } from './measure.ts'
import { proveLedgers } from './prove.ts'
import type { Settings } from './settings.ts'
import { dealerOf, type Site } from './site.ts'
import { type Contest, contests } from './told.ts'
import { openTradeLoad, type TradeLoad } from './trade-load.ts'
import type { TradeSite } from './trade-site.ts'

const callers = 32
const manyCallers = 256
const batchCallers = 4

export type Stage = {
  ground: Ground
  /** The small ledger in `template`, from which each round's is made; its second network is for whoever keeps no chain. */
  small: Site
  template: string
  large: Site
  trades: TradeSite
  service: Child
  prismaRoute: Child
}
export type Rounds = { turns: Record<Contest, Turn[]>; loadMb: number[]; acknowledged: number }

const memoryEveryMs = 100

export async function runRounds(stage: Stage, settings: Settings, say: (line: string) => void): Promise<Rounds> {
  const turns = Object.fromEntries(contests.map((name) => [name, [] as Turn[]])) as Record<Contest, Turn[]>
  const loadMb: number[] = []
  let acknowledged = 0
  const { ground, small } = stage
  const [main, chainless] = small.networks
  invariant(main && chainless, 'the small ledger has two networks')
  for (let round = 0; round < settings.rounds; round += 1) {
    // It stays until the end: to drop a database forces a checkpoint, and after one each page is written whole when it is first touched.
    const url = await ground.newDatabase(`round_${round + 1}`, stage.template)
    const here: Site = { url, networks: [main] }
    const transfers = (open: Opens, count: number, site = here, hot = false) =>
      transferTurn(open, site, { callers: count, hot, seed: round + 1 }, settings)
    const trades = (child: Child, count: number, once: (load: TradeLoad, caller: number) => Promise<void>) =>
      tradeTurn(child, stage.trades, { callers: count, seed: round + 1, once }, settings).then((done) => {
        acknowledged += done.acknowledged
        if (child === stage.service && count === callers) loadMb.push(done.highestMb)
        return done.turn
      })
    const run: Record<Contest, () => Promise<Turn>> = {
      ours_32: () => transfers(groupCommit, callers),
      ours_large_32: () => transfers(groupCommit, callers, stage.large),
      ours_hot_32: () => transfers(groupCommit, callers, here, true),
      function_32: () => transfers(callForEach, callers),
      prisma_32: () => transfers(prismaTransaction, callers),
      function_without_chain_32: () => transfers(callWithoutChain, callers, { url, networks: [chainless] }),
      ours_256: () => transfers(groupCommit, manyCallers),
      function_256: () => transfers(callForEach, manyCallers),
      ours_1: () => transfers(groupCommit, 1),
      function_1: () => transfers(callForEach, 1),
      one_row_1: () => transfers(oneRow, 1),
      one_row_32: () => transfers(oneRow, callers),
      many_rows_1: () => transfers(manyRows, 1).then((turn) => times(turn, rowsInACommit)),
      trade_http_32: () => trades(stage.service, callers, (load, caller) => load.single(caller)),
      trade_http_prisma_32: () => trades(stage.prismaRoute, callers, (load, caller) => load.single(caller)),
      trade_batch_4: () =>
        trades(stage.service, batchCallers, (load, caller) => load.batch(caller, settings.tradesInABatch)).then(
          (turn) => times(turn, settings.tradesInABatch),
        ),
    }
    for (const contest of turned(contests, round * 5)) {
      const turn = await run[contest]()
      turns[contest].push(turn)
      const speed = `${Math.round(turn.perSecond)} a second, p99 ${turn.p99Ms.toFixed(1)} ms`
      say(`round ${round + 1} of ${settings.rounds}: ${contest} ${speed}`)
    }
    say(`round ${round + 1} of ${settings.rounds}: the ledger is proven right, whoever wrote it`)
    await proveLedgers(url, [main.id])
  }
  return { turns, loadMb, acknowledged }
}

export async function transferTurn(
  open: Opens,
  site: Site,
  how: { callers: number; hot: boolean; seed: number },
  settings: Pick<Settings, 'warmUpMs' | 'forMs'>,
): Promise<Turn> {
  const contender = await open(site, dealerOf(site, how.seed))
  try {
    const once = () => contender.once(how.hot)
    await turnOf(how.callers, settings.warmUpMs, once)
    return await turnOf(how.callers, settings.forMs, once)
  } finally {
    await contender.end()
  }
}

export async function tradeTurn(
  child: Child,
  site: TradeSite,
  how: { callers: number; seed: number; once: (load: TradeLoad, caller: number) => Promise<void> },
  settings: Pick<Settings, 'warmUpMs' | 'forMs'>,
): Promise<{ turn: Turn; acknowledged: number; highestMb: number }> {
  const load = await openTradeLoad(child.port, site, how.callers, how.seed)
  let highestMb = child.memoryMb()
  const look = setInterval(() => {
    highestMb = Math.max(highestMb, child.memoryMb())
  }, memoryEveryMs)
  try {
    const once = (caller: number) => how.once(load, caller)
    await turnOf(how.callers, settings.warmUpMs, once)
    const turn = await turnOf(how.callers, settings.forMs, once)
    highestMb = Math.max(highestMb, child.memoryMb())
    return { turn, acknowledged: load.acknowledged(), highestMb }
  } finally {
    clearInterval(look)
    load.end()
  }
}

function times(turn: Turn, many: number): Turn {
  return { ...turn, perSecond: turn.perSecond * many, done: turn.done * many }
}
