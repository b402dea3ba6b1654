/** The long proofs of the ledger, one after the other on one durable database, and what came of them. */
import { openCluster } from './cluster.ts'
import { hotAccount } from './hot-account.ts'
import { type KillKind, killRounds } from './kill-rounds.ts'
import { openScene } from './scene.ts'
import type { Writer } from './writers.ts'

export type Simulated = {
  seed: number
  asked: number
  acknowledged: number
  refused: number
  unknown: number
  askedAgain: number
  kills: Partial<Record<KillKind, number>>
  rounds: number
  minutes: number
  snapshots: number
  atTheLimit: number
  broken: string[]
}
export type SimulationAsk = {
  seed: number
  rounds: number
  minutes: number
  kinds?: readonly KillKind[]
  say: (line: string) => void
  /** Statements for the database before anything is asked of it: for faults that are planted. */
  prepare?: readonly string[]
  /** Told how to clean up when it is cut off. */
  onOpen?: (end: () => Promise<void>) => void
}

export async function simulateLedger(asked: SimulationAsk): Promise<Simulated> {
  const { seed, say } = asked
  const cluster = await openCluster(say)
  asked.onOpen?.(() => cluster.end())
  try {
    for (const statement of asked.prepare ?? []) await cluster.db().pool.query(statement)
    const killed = await killRounds(cluster, await openScene(cluster.db(), 'killed'), asked)
    const counts = sumOf(killed.writers)
    const first = { seed, kills: killed.kills, rounds: killed.rounds }
    if (killed.broken.length > 0 || asked.minutes === 0)
      return { ...counts, ...first, minutes: 0, snapshots: 0, atTheLimit: 0, broken: killed.broken }
    say('two writers on one hot account')
    const hot = await hotAccount(cluster, await openScene(cluster.db(), 'hot'), asked)
    const { minutes, snapshots, atTheLimit, broken } = hot
    return { ...sumOf([...killed.writers, ...hot.writers]), ...first, minutes, snapshots, atTheLimit, broken }
  } finally {
    await cluster.end()
  }
}

function sumOf(writers: Writer[]) {
  const total = { asked: 0, acknowledged: 0, refused: 0, unknown: 0, askedAgain: 0 }
  for (const writer of writers) {
    const { counts } = writer.story()
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += counts[name]
  }
  return total
}
