/**
 * What is measured, part by part, and how it is told. Another measurement is one line more in `parts`.
 *
 * Keeps: each part stands on a database and on stand-ins of its own.
 */
import type { Closing } from '../bench/closing.ts'
import type { Ground } from '../bench/ground.ts'
import { measureBacklogs } from './backlog.ts'
import { measureRealTime } from './real-time.ts'
import { measureRestore } from './restore.ts'

export type Size = {
  backlogXero: number
  backlogQuickBooks: number
  outage: number
  /** Pairs of books, one Xero and one QuickBooks each. */
  pairs: number
  /** Runs of one and of two workers, by turns. */
  turns: number
  /** Between runs in real time, so that each begins with a full minute of calls. */
  breathMs: number
  /** Waiting in one book while the others are measured. */
  crowd: number
  /** Entries of the ledger that is backed up and restored. */
  restored: number
  /** Trades of each pair before that backup, while it is made, and after it. */
  tradesAroundBackup: number
}
export const sizes = {
  whole: {
    backlogXero: 10_000,
    backlogQuickBooks: 1_500,
    outage: 5_000,
    pairs: 20,
    turns: 3,
    crowd: 100_000,
    restored: 1_000_000,
    tradesAroundBackup: 30,
    breathMs: 15_000,
  },
  toy: {
    backlogXero: 200,
    backlogQuickBooks: 120,
    outage: 400,
    pairs: 2,
    turns: 1,
    crowd: 100,
    restored: 2_000,
    tradesAroundBackup: 2,
    breathMs: 300,
  },
} as const satisfies Record<string, Size>

export type Measuring = { ground: Ground; closing: Closing; say: (line: string) => void; size: Size }
export type Figures = Record<string, number>
export type Part = (measuring: Measuring) => Promise<Figures>

export const parts: readonly Part[] = [measureRealTime, measureBacklogs, measureRestore]

/** The figures that are promised, and how far each may go. */
export const promised: Record<string, { most?: number; least?: number }> = {
  leave_ms: { most: 1_000 },
  confirmed_p95_ms: { most: 10_000 },
  calls_lone_writes: { most: 2 },
  calls_lone_reads: { most: 0 },
  calls_backlog_xero: { most: 0.05 },
  calls_backlog_quickbooks: { most: 0.07 },
  backlog_10k_xero_min: { most: 8.5 },
  backlog_429: { most: 0 },
  outage_recovery_vs_min: { most: 1.2 },
  two_workers_vs_one: { least: 1.7 },
  restore_1m_min: { most: 10 },
  restore_doubles: { most: 0 },
}

/** Whole numbers whole, others with three places. */
export function asJson(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, Number(value.toFixed(3))]))
}

export function asText(figures: Figures): string {
  const lines = Object.entries(asJson(figures)).map(([key, value]) => {
    const { most, least } = promised[key] ?? {}
    const bound = most !== undefined ? `at most ${most}` : least !== undefined ? `at least ${least}` : ''
    const isKept = (most === undefined || value <= most) && (least === undefined || value >= least)
    return `${key.padEnd(28)} ${String(value).padStart(10)}  ${bound}${bound && !isKept ? '  NOT REACHED' : ''}`
  })
  return `${lines.join('\n')}\n`
}
