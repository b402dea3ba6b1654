/** What a run tells: the figures that are promised, their spread, the speeds they were made of, and rows for information. */
import { type Ratio, ratio, spread, type Turn } from './measure.ts'

export const contests = [
  'ours_32',
  'ours_large_32',
  'ours_hot_32',
  'function_32',
  'prisma_32',
  'function_without_chain_32',
  'ours_256',
  'function_256',
  'ours_1',
  'function_1',
  'one_row_1',
  'one_row_32',
  'many_rows_1',
  'trade_http_32',
  'trade_http_prisma_32',
  'trade_batch_4',
] as const
export type Contest = (typeof contests)[number]

/** `least`, or `most` where less is better: the figure to reach. */
type Goal = { says: string; least?: number; most?: number }
export const goals = {
  transfers_32_vs_prisma: { says: 'transfers, 32 callers: ours ÷ a Prisma interactive transaction each', least: 60 },
  transfers_32_vs_function: { says: 'transfers, 32 callers: ours ÷ one ledger_post() call each', least: 4 },
  hot_vs_uniform: { says: 'ours, 32 callers: four in five on one account ÷ spread over all', least: 0.8 },
  single_vs_function: { says: 'transfers, one caller: ours ÷ one ledger_post() call each', least: 0.9 },
  transfers_256_vs_function: { says: 'transfers, 256 callers: ours ÷ one call each, on 32 connections', least: 3 },
  p99_32_vs_function: { says: 'p99 of an answer, 32 callers: ours ÷ one call each', most: 0.35 },
  trade_http_32_vs_prisma: { says: 'whole trades through HTTP, 32 callers: ours ÷ by Prisma transactions', least: 15 },
  speed_5m_vs_10k: { says: 'ours, 32 callers: at the large ledger ÷ at the small one', least: 0.8 },
  batch_vs_single_http: {
    says: 'trades through HTTP: 4 callers with batches ÷ 32 callers with single trades',
    least: 4,
  },
  rss_idle_mb: { says: 'memory of the built service a minute after its start, MB', most: 150 },
  rss_load_mb: { says: 'highest memory of the built service under the load of 32 callers, MB', most: 300 },
} as const satisfies Record<string, Goal>
export type Key = keyof typeof goals

export type Measured = {
  rounds: number
  roundMs: number
  turns: Record<Contest, Turn[]>
  idleMb: number[]
  loadMb: number[]
  information: Record<string, unknown>
}

export function figuresOf({ turns, idleMb, loadMb }: Measured): Record<Key, Ratio> {
  const speeds = (contest: Contest) => turns[contest].map((turn) => turn.perSecond)
  const times = (contest: Contest) => turns[contest].map((turn) => turn.p99Ms)
  return {
    transfers_32_vs_prisma: ratio(speeds('ours_32'), speeds('prisma_32')),
    transfers_32_vs_function: ratio(speeds('ours_32'), speeds('function_32')),
    hot_vs_uniform: ratio(speeds('ours_hot_32'), speeds('ours_32')),
    single_vs_function: ratio(speeds('ours_1'), speeds('function_1')),
    transfers_256_vs_function: ratio(speeds('ours_256'), speeds('function_256')),
    p99_32_vs_function: ratio(times('ours_32'), times('function_32')),
    trade_http_32_vs_prisma: ratio(speeds('trade_http_32'), speeds('trade_http_prisma_32')),
    speed_5m_vs_10k: ratio(speeds('ours_large_32'), speeds('ours_32')),
    batch_vs_single_http: ratio(speeds('trade_batch_4'), speeds('trade_http_32')),
    // Of memory the highest counts, not the middle.
    rss_idle_mb: highest(idleMb),
    rss_load_mb: highest(loadMb),
  }
}

/** The keys hold the middle of the rounds; beside them the spread, and the speeds they were made of. */
export function asJson(measured: Measured): Record<string, unknown> {
  const figures = Object.entries(figuresOf(measured))
  return {
    ...Object.fromEntries(figures.map(([key, { middle }]) => [key, rounded(middle)])),
    spread: Object.fromEntries(figures.map(([key, { low, high }]) => [key, [rounded(low), rounded(high)]])),
    per_second: ofContests(measured, (turn) => turn.perSecond),
    rounds: measured.rounds,
    information: {
      round_ms: measured.roundMs,
      p99_ms: ofContests(measured, (turn) => turn.p99Ms),
      ...measured.information,
    },
  }
}

export function asText(measured: Measured): string {
  const lines = Object.entries(figuresOf(measured)).map(([key, { middle, low, high }]) => {
    const goal: Goal = goals[key as Key]
    const wanted = goal.most === undefined ? `at least ${goal.least}` : `at most ${goal.most}`
    const figure = `${key.padEnd(26)}${show(middle).padStart(8)}  (${show(low)} to ${show(high)})`
    return `${figure.padEnd(56)}${wanted.padEnd(15)}${goal.says}`
  })
  const named = Object.entries(ofContests(measured, (turn) => turn.perSecond)).map(
    ([name, speed]) => `${name} ${speed}`,
  )
  return [
    `Middle of ${measured.rounds} rounds, lowest and highest in brackets; fsync on.`,
    '',
    ...lines,
    '',
    `A second, middle of the rounds: ${named.join(', ')}`,
    `For information: ${JSON.stringify(measured.information)}`,
    '',
  ].join('\n')
}

function ofContests(measured: Measured, of: (turn: Turn) => number): Record<string, number> {
  return Object.fromEntries(contests.map((name) => [name, rounded(spread(measured.turns[name].map(of)).middle)]))
}

function highest(values: number[]): Ratio {
  const { low, high } = spread(values)
  return { middle: high, low, high }
}

export function rounded(value: number): number {
  return Number(show(value))
}

/** Three figures, without powers of ten. */
function show(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
