/**
 * Kill -9 at random moments under load: of a writer, of both, of Postgres with all its children, of its first process alone, of
 * one process that serves a writer; and sessions ended from inside. After each, everything is started again and judged.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { isDatabaseAway } from '../../src/kit/database-trouble.ts'
import { type Cluster, writersName } from './cluster.ts'
import { type Dice, diceOf, oneOf } from './dice.ts'
import { judge } from './judge.ts'
import type { Scene } from './scene.ts'
import { type Writer, writerOf } from './writers.ts'

export const killKinds = [
  'one writer',
  'both writers',
  'all of Postgres',
  'its first process',
  'one of its processes',
  'a session',
] as const
export type KillKind = (typeof killKinds)[number]
export type KillRounds = {
  rounds: number
  kills: Partial<Record<KillKind, number>>
  broken: string[]
  writers: Writer[]
}

const longestUnderLoadMs = 350
const callers = 12
const mostReadings = 5

export async function killRounds(
  cluster: Cluster,
  scene: Scene,
  /** `first`: the rounds that others have had before. */
  asked: { seed: number; first: number; rounds: number; kinds?: readonly KillKind[]; say: (line: string) => void },
): Promise<KillRounds> {
  const dice = diceOf(asked.seed + asked.first)
  const writers = ['one', 'two'].map((name, place) =>
    writerOf(cluster.home, scene, {
      name,
      seed: asked.seed + asked.first * 7_919 + place * 104_729,
      mix: 'all kinds',
      callers,
    }),
  )
  const done: KillRounds = { rounds: 0, kills: {}, broken: [], writers }
  try {
    while (done.rounds < asked.rounds && done.broken.length === 0) {
      for (const writer of writers) if (!writer.isRunning()) writer.start(cluster.url())
      await Promise.all(writers.map((writer) => writer.untilProgress()))
      await pause(dice(longestUnderLoadMs))
      const kinds = asked.kinds ?? killKinds
      // Each kind in turn, so that none is left out by chance; when and whom is for the dice.
      const kind = kinds[done.rounds % kinds.length] as KillKind
      done.rounds += 1
      done.kills[kind] = (done.kills[kind] ?? 0) + 1
      await kill(cluster, writers, kind, dice)
      const findings = await judged(cluster, scene, writers, false)
      findings.push(...writers.flatMap((writer) => writer.endedByItself() ?? []))
      const round = asked.first + done.rounds
      done.broken.push(...findings.map((one) => `round ${round}, after a kill of ${kind}: ${one}`))
      asked.say(`round ${round}: ${kind} killed, ${findings.length === 0 ? 'nothing lost, nothing doubled' : 'BROKEN'}`)
    }
    if (done.broken.length > 0) return done
    // What the last kill left open is asked again, and then everything must be answered.
    for (const writer of writers) if (!writer.isRunning()) writer.start(cluster.url())
    await Promise.all(writers.map((writer) => writer.untilProgress()))
    await Promise.all(writers.map((writer) => writer.end()))
    done.broken.push(...(await judged(cluster, scene, writers, true)))
  } catch (error) {
    done.broken.push(`round ${asked.first + done.rounds}: ${error instanceof Error ? error.message : error}`)
  } finally {
    await Promise.all(writers.map((writer) => writer.kill()))
  }
  return done
}

/** A server that lost one process may still answer before it ends all sessions and starts anew: then it is read once more. */
async function judged(cluster: Cluster, scene: Scene, writers: Writer[], settled: boolean): Promise<string[]> {
  for (let tries = 1; ; tries += 1) {
    await cluster.untilItAnswers()
    try {
      return await judge(cluster.db(), scene, writers, settled)
    } catch (error) {
      if (tries === mostReadings || !isDatabaseAway(error)) throw error
    }
  }
}

async function kill(cluster: Cluster, writers: Writer[], kind: KillKind, dice: Dice): Promise<void> {
  if (kind === 'one writer') return oneOf(dice, writers).kill()
  if (kind === 'both writers') return void (await Promise.all(writers.map((writer) => writer.kill())))
  if (kind === 'one of its processes') return void (await cluster.killBackend(writersName, dice(4)))
  if (kind === 'a session') {
    await cluster.db().pool.query(
      `select pg_terminate_backend(pid) from (
         select pid from pg_stat_activity where application_name = $1 order by state = 'active' desc, pid limit 1 offset $2) one`,
      [writersName, dice(3)],
    )
    return
  }
  const address = cluster.url()
  await cluster.kill(kind === 'all of Postgres' ? 'all' : 'postmaster')
  await cluster.restart()
  // Where its port was taken meanwhile, writers that live on would look in the wrong place.
  if (cluster.url() !== address) await Promise.all(writers.map((writer) => writer.kill()))
}
