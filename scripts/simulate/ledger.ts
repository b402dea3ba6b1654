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

/** Fees flow one way and the months of consents are used up: after a while all is refused, so a new scene begins. */
const roundsOfAScene = 18
const minutesOfAScene = 1
const nothing = { asked: 0, acknowledged: 0, refused: 0, unknown: 0, askedAgain: 0 }

export async function simulateLedger(asked: SimulationAsk): Promise<Simulated> {
  const { seed, say } = asked
  const cluster = await openCluster(say)
  asked.onOpen?.(() => cluster.end())
  try {
    for (const statement of asked.prepare ?? []) await cluster.db().pool.query(statement)
    const told: Simulated = {
      seed,
      ...nothing,
      kills: {},
      rounds: 0,
      minutes: 0,
      snapshots: 0,
      atTheLimit: 0,
      broken: [],
    }
    while (told.rounds < asked.rounds && told.broken.length === 0) {
      const first = told.rounds
      const rounds = Math.min(roundsOfAScene, asked.rounds - first)
      const scene = await openScene(cluster.db(), `killed-${first}`)
      const done = await killRounds(cluster, scene, { ...asked, first, rounds })
      count(told, done.writers)
      told.rounds += done.rounds
      for (const [kind, times] of Object.entries(done.kills) as [KillKind, number][])
        told.kills[kind] = (told.kills[kind] ?? 0) + times
      told.broken.push(...done.broken)
    }
    while (told.minutes < asked.minutes && told.broken.length === 0) {
      say(`two writers on one hot account, ${told.minutes} minutes of ${asked.minutes} behind them`)
      const minutes = Math.min(minutesOfAScene, asked.minutes - told.minutes)
      const scene = await openScene(cluster.db(), `hot-${told.minutes}`.replace('.', '-'))
      const done = await hotAccount(cluster, scene, { ...asked, seed: seed + told.minutes * 7_919, minutes })
      count(told, done.writers)
      told.minutes += done.minutes
      told.snapshots += done.snapshots
      told.atTheLimit += done.atTheLimit
      told.broken.push(...done.broken)
    }
    return told
  } finally {
    await cluster.end()
  }
}

function count(told: Simulated, writers: Writer[]): void {
  for (const writer of writers) {
    const { counts } = writer.story()
    for (const name of Object.keys(nothing) as (keyof typeof nothing)[]) told[name] += counts[name]
  }
}
