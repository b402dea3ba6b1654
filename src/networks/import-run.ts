/** What an import is asked, what it tells, and the record that each real run leaves. Members and trades share it. */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import type { CsvRefusal } from '../kit/read-csv.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from './record-deed.ts'

export type ImportAsk = {
  networkId: Uuid
  fileName: string
  text: string
  dryRun: boolean
  actor: string
  progress?: (done: number, of: number) => void
}
export type Imported = {
  dryRun: boolean
  rows: number
  /** Made by this run, or what a real run would make. */
  done: number
  /** Stood already: from an earlier run of the same file. */
  known: number
  totalMinor: bigint
  /** In a dry run every one; in a real run the first, before which it stopped. */
  refusals: CsvRefusal[]
  stoppedAtLine: number | null
}

export function nothingYet(dryRun: boolean, rows: number): Imported {
  return { dryRun, rows, done: 0, known: 0, totalMinor: 0n, refusals: [], stoppedAtLine: null }
}

/** Why a rule refuses a row; anything else goes on as it is. */
export function whyRefused(error: unknown): string {
  if (error instanceof Refusal) return `${error.says} ${error.fix}`
  throw error
}

export async function recordRun(
  deps: { db: Db; clock: Clock },
  ask: ImportAsk,
  what: 'members' | 'trades',
  { done, totalMinor, refusals: [stopped] }: Imported,
): Promise<void> {
  const { networkId, fileName, actor } = ask
  await inTransaction(deps.db, asWorker, async (tx) => {
    const ranAt = deps.clock.now()
    await tx.importRun.create({
      data: {
        networkId,
        id: newId(ranAt),
        what,
        fileName,
        rowsDone: done,
        totalMinor,
        stoppedAtLine: stopped?.line ?? null,
        stoppedBecause: stopped?.why ?? null,
        ranBy: actor,
        ranAt,
      },
    })
    const facts = { fileName, done, ...(what === 'trades' ? { totalMinor: totalMinor.toString() } : {}) }
    await recordDeed(tx, deps.clock, { networkId, actor, what: `${what}_imported`, facts })
  })
}
