/**
 * Two writers in processes of their own against one database, four in five of what they ask on one account close to its limits.
 *
 * Keeps: a watcher looks at every account of the network in one snapshot after the other; no balance is ever a penny past a
 * limit, what is held counted, and neither was any entry in between.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import { judge } from './judge.ts'
import type { Scene } from './scene.ts'
import { type Writer, writerOf } from './writers.ts'

export type HotAccount = {
  minutes: number
  snapshots: number
  /** Entries that left an account at its limit to the penny. */
  atTheLimit: number
  broken: string[]
  writers: Writer[]
}

const callers = 16
const betweenSnapshotsMs = 15

/** Of accounts whose limits stand still and on which nothing is reversed. */
const pastALimit = `
  select id || ': balance ' || balance_minor || ', held out ' || held_out_minor || ', held in ' || held_in_minor as finding from account
   where network_id = $1 and (balance_minor - held_out_minor < floor_minor or balance_minor + held_in_minor > ceiling_minor
         or (never_below_zero and balance_minor - held_out_minor < 0))
  union all
  select 'the balances sum to ' || sum(balance_minor) from account where network_id = $1 having sum(balance_minor) <> 0`
const entryPastALimit = `
  select a.id || ', version ' || e.version || ': ' || e.after_minor as finding from account a
    join entry e on e.network_id = a.network_id and e.account_id = a.id
   where a.network_id = $1 and (e.after_minor < a.floor_minor or e.after_minor > a.ceiling_minor or (a.never_below_zero and e.after_minor < 0))
   limit 10`
const entriesAtALimit = `
  select count(*)::integer as count from account a join entry e on e.network_id = a.network_id and e.account_id = a.id
   where a.network_id = $1 and (e.after_minor = a.floor_minor or e.after_minor = a.ceiling_minor)`

export async function hotAccount(
  cluster: Cluster,
  scene: Scene,
  asked: { seed: number; minutes: number },
): Promise<HotAccount> {
  const writers = ['north', 'south'].map((name, place) =>
    writerOf(cluster.home, scene, { name, seed: asked.seed + place * 15_485_863, mix: 'hot account', callers }),
  )
  const done: HotAccount = { minutes: asked.minutes, snapshots: 0, atTheLimit: 0, broken: [], writers }
  const { pool } = cluster.db()
  const found = async (query: string) =>
    (await pool.query(query, [scene.networkId])).rows.map((row) => String(row.finding))
  try {
    for (const writer of writers) writer.start(cluster.url())
    await Promise.all(writers.map((writer) => writer.untilProgress()))
    const end = performance.now() + asked.minutes * 60_000
    while (performance.now() < end && done.broken.length === 0) {
      done.broken.push(...(await found(pastALimit)))
      done.snapshots += 1
      await pause(betweenSnapshotsMs)
    }
    await Promise.all(writers.map((writer) => writer.end()))
    done.broken.push(...(await judge(cluster.db(), scene, writers, true)), ...(await found(entryPastALimit)))
    done.atTheLimit = (await pool.query(entriesAtALimit, [scene.networkId])).rows[0]?.count ?? 0
    for (const writer of writers)
      if (writer.story().counts.refused === 0)
        done.broken.push(`writer ${writer.name} was never refused: the limits were not near`)
  } catch (error) {
    done.broken.push(error instanceof Error ? error.message : String(error))
  } finally {
    await Promise.all(writers.map((writer) => writer.kill()))
  }
  return done
}
