/**
 * `npm run bench`: how fast the ledger is, as ratios measured side by side in one run on a database of its own with fsync on.
 * `--json` prints one object, `--quick` three shorter rounds instead of five. Progress is on standard error.
 */
import { parseArgs } from 'node:util'
import { progress, type Say } from '../src/demo/progress.ts'
import { callForEach, groupCommit } from './bench/contenders.ts'
import { type Ground, openGround } from './bench/ground.ts'
import { floorSpeed, importSpeed, rowsOfAnImport } from './bench/import-rows.ts'
import { type Ratio, ratio, speed, spread, turned } from './bench/measure.ts'
import { prismaPosting } from './bench/prisma-posting.ts'

const callers = 32
const warmUpMs = 500
const full = { rounds: 5, forMs: 2_000 }
const quick = { rounds: 3, forMs: 1_000 }

const contests = [
  'ours_32',
  'function_32',
  'prisma_32',
  'ours_1',
  'function_1',
  'ours_32_hot',
  'import',
  'floor',
] as const
type Contest = (typeof contests)[number]
type Speeds = Record<Contest, number[]>

const told = {
  transfers_32_vs_function: 'transfers, 32 callers: ours ÷ one ledger_post() call each on 32 connections',
  transfers_32_vs_prisma: 'transfers, 32 callers: ours ÷ a Prisma interactive transaction each',
  single_vs_function: 'transfers, one caller: ours ÷ one ledger_post() call each',
  hot_vs_uniform: 'ours, 32 callers: four in five on one account ÷ spread over a thousand',
  import_vs_floor: `rows a second: import of ${rowsOfAnImport} trades ÷ plain inserts of 250 in a commit`,
  import_10k_s: `for information: seconds to import ${rowsOfAnImport} trades`,
} as const
type Key = keyof typeof told

const { values: asked } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } })
const setting = asked.quick ? quick : full
const { say, stop } = progress()
const ground = await openGround(callers, say)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void ground.end().finally(() => process.exit(130)))
try {
  const speeds = await measure(ground, say)
  say('the ledger is proven right, whoever wrote it')
  await ground.proveRight()
  process.stdout.write(asked.json ? `${JSON.stringify(asJson(speeds))}\n` : asText(speeds))
} finally {
  await ground.end()
  stop()
}

async function measure(on: Ground, tell: Say): Promise<Speeds> {
  const ours = groupCommit(on)
  const each = await callForEach(on, callers)
  const prisma = prismaPosting(on)
  const run: Record<Contest, (round: number, forMs: number) => Promise<number>> = {
    ours_32: (_, forMs) => speed(callers, forMs, () => ours.once()),
    function_32: (_, forMs) => speed(callers, forMs, () => each.once()),
    prisma_32: (_, forMs) => speed(callers, forMs, () => prisma.once()),
    ours_1: (_, forMs) => speed(1, forMs, () => ours.once()),
    function_1: (_, forMs) => speed(1, forMs, () => each.once()),
    ours_32_hot: (_, forMs) => speed(callers, forMs, () => ours.once(true)),
    import: (round) => importSpeed(on, round, tell),
    floor: (round) => floorSpeed(on, round),
  }
  tell('warming up')
  for (const contest of contests) if (contest !== 'import') await run[contest](-1, warmUpMs)
  const speeds = Object.fromEntries(contests.map((contest) => [contest, [] as number[]])) as Speeds
  for (let round = 0; round < setting.rounds; round += 1)
    for (const contest of turned(contests, round)) {
      const measured = await run[contest](round, setting.forMs)
      speeds[contest].push(measured)
      tell(`round ${round + 1} of ${setting.rounds}: ${contest} ${Math.round(measured)} a second`)
    }
  for (const contender of [ours, each, prisma]) await contender.end()
  return speeds
}

function ratiosOf(speeds: Speeds): Record<Key, Ratio> {
  return {
    transfers_32_vs_function: ratio(speeds.ours_32, speeds.function_32),
    transfers_32_vs_prisma: ratio(speeds.ours_32, speeds.prisma_32),
    single_vs_function: ratio(speeds.ours_1, speeds.function_1),
    hot_vs_uniform: ratio(speeds.ours_32_hot, speeds.ours_32),
    import_vs_floor: ratio(speeds.import, speeds.floor),
    import_10k_s: spread(speeds.import.map((rows) => rowsOfAnImport / rows)),
  }
}

/** The keys hold the middle of the rounds; beside them the spread, and the speeds they were made of. */
function asJson(speeds: Speeds): Record<string, unknown> {
  const ratios = Object.entries(ratiosOf(speeds))
  const middles = ratios.map(([key, { middle }]) => [key, rounded(middle)])
  const spreads = ratios.map(([key, { low, high }]) => [key, [rounded(low), rounded(high)]])
  const perSecond = contests.map((contest) => [contest, Math.round(spread(speeds[contest]).middle)])
  return {
    ...Object.fromEntries(middles),
    spread: Object.fromEntries(spreads),
    per_second: Object.fromEntries(perSecond),
    rounds: setting.rounds,
    round_ms: setting.forMs,
  }
}

function asText(speeds: Speeds): string {
  const lines = Object.entries(ratiosOf(speeds)).map(
    ([key, { middle, low, high }]) =>
      `${key.padEnd(26)}${show(middle).padStart(8)}  (${show(low)} to ${show(high)})`.padEnd(58) + told[key as Key],
  )
  const perSecond = contests.map((contest) => `${contest} ${Math.round(spread(speeds[contest]).middle)}`).join(', ')
  const head = `Middle of ${setting.rounds} rounds, lowest and highest in brackets; fsync on.`
  return `${head}\n\n${lines.join('\n')}\n\nA second, middle of the rounds: ${perSecond}\n`
}

function rounded(value: number): number {
  return Number(show(value))
}

function show(value: number): string {
  return value.toPrecision(3)
}
