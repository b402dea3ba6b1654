/**
 * The whole grid, for `--full`: callers, accounts, pattern and size of the ledger, and a hundred networks at once. Each cell is
 * measured turn by turn against one call of the function and a Prisma transaction, and printed as it is done.
 */
import type { Closing } from './closing.ts'
import { callForEach, groupCommit, type Opens, prismaTransaction } from './contenders.ts'
import { openGround } from './ground.ts'
import { ratio, spread, type Turn } from './measure.ts'
import { proveCheaply } from './prove.ts'
import { transferTurn } from './rounds.ts'
import type { Settings } from './settings.ts'
import { openSite, type Site } from './site.ts'
import { rounded } from './told.ts'

type Say = (line: string) => void
export type Grid = {
  callers: readonly number[]
  accounts: readonly number[]
  entries: readonly number[]
  networks: number
}
export type Cell = {
  networks: number
  accounts: number
  entries: number
  callers: number
  pattern: 'uniform' | 'hot'
  ours: number
  function: number
  prisma: number
  ours_vs_function: number
  ours_vs_prisma: number
  p99_ours_ms: number
  p99_function_ms: number
}

const wholeGrid: Grid = {
  callers: [1, 8, 32, 256],
  accounts: [1_000, 100_000],
  entries: [10_000, 1_000_000, 5_000_000],
  networks: 100,
}
/** Of each of many networks. */
const smallAccounts = 100
const smallEntries = 1_000

export async function runGrid(settings: Settings, say: Say, closing: Closing, grid: Grid = wholeGrid): Promise<Cell[]> {
  const ground = await closing.add(openGround(say))
  const cells: Cell[] = []
  const sizes = grid.entries.flatMap((entries) => grid.accounts.map((accounts) => ({ networks: 1, accounts, entries })))
  for (const size of [...sizes, { networks: grid.networks, accounts: smallAccounts, entries: smallEntries }]) {
    say(`grid: ${size.networks} networks of ${size.accounts} accounts with ${size.entries} entries`)
    const site = await openSite(await ground.newDatabase('grid'), size, () => undefined)
    for (const callers of grid.callers)
      for (const hot of [false, true]) {
        const cell = { ...size, callers, pattern: hot ? ('hot' as const) : ('uniform' as const) }
        const found = { ...cell, ...(await compare(site, callers, hot, settings)) }
        cells.push(found)
        say(`grid: ${JSON.stringify(found)}`)
      }
    for (const { id } of site.networks) await proveCheaply(site.url, id)
    await ground.drop('grid')
  }
  return cells
}

async function compare(site: Site, callers: number, hot: boolean, settings: Settings) {
  const contenders: [name: 'ours' | 'function' | 'prisma', open: Opens][] = [
    ['ours', groupCommit],
    ['function', callForEach],
    ['prisma', prismaTransaction],
  ]
  const turns: Record<'ours' | 'function' | 'prisma', Turn[]> = { ours: [], function: [], prisma: [] }
  for (let round = 0; round < settings.rounds; round += 1)
    for (const [name, open] of contenders)
      turns[name].push(await transferTurn(open, site, { callers, hot, seed: round + 1 }, settings))
  const speeds = (name: keyof typeof turns) => turns[name].map((turn) => turn.perSecond)
  const middle = (values: number[]) => rounded(spread(values).middle)
  return {
    ours: middle(speeds('ours')),
    function: middle(speeds('function')),
    prisma: middle(speeds('prisma')),
    ours_vs_function: rounded(ratio(speeds('ours'), speeds('function')).middle),
    ours_vs_prisma: rounded(ratio(speeds('ours'), speeds('prisma')).middle),
    p99_ours_ms: middle(turns.ours.map((turn) => turn.p99Ms)),
    p99_function_ms: middle(turns.function.map((turn) => turn.p99Ms)),
  }
}
