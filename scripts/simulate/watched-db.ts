/**
 * Database connections of a worker of which each commit is seen before and after it happens: they outlive the worker, and serve the
 * next one, as long as none was killed.
 */
import type pg from 'pg'
import { type Db, openDb } from '../../src/kit/db.ts'

export type Watch = {
  /** What is asked by the dead is never answered. */
  isDead(): boolean
  at(moment: 'before_commit' | 'after_commit'): Promise<void>
}
export type WatchedDb = {
  db: Db
  /** Of the server's processes that serve it now. */
  pids: Set<number>
  watchedBy(watch: Watch): void
}

type Query = (...given: unknown[]) => unknown

export const never = () => new Promise<never>(() => undefined)

export function openWatchedDb(databaseUrl: string): WatchedDb {
  const pids = new Set<number>()
  let watch: Watch = { isDead: () => false, at: async () => undefined }
  const db = openDb(databaseUrl, { connections: 4, writers: 1 })
  for (const pool of [db.pool, db.apart]) {
    pool.on('connect', (client) => {
      const pid = pidOf(client)
      if (pid !== undefined) pids.add(pid)
      watchCommits(client, () => watch)
    })
    // Its number may be another's tomorrow.
    pool.on('remove', (client) => {
      const pid = pidOf(client as pg.PoolClient)
      if (pid !== undefined) pids.delete(pid)
    })
  }
  return {
    db,
    pids,
    watchedBy(next) {
      watch = next
    },
  }
}

function pidOf(client: pg.PoolClient): number | undefined {
  return (client as unknown as { processID?: number }).processID
}

function watchCommits(client: pg.PoolClient, watch: () => Watch): void {
  const query = (client.query as Query).bind(client)
  client.query = ((...given: unknown[]) => {
    const { isDead, at } = watch()
    if (isDead()) return never()
    const [first] = given
    const text = typeof first === 'string' ? first : ((first as { text?: unknown } | undefined)?.text ?? '')
    if (typeof text !== 'string' || !/^\s*commit\b/i.test(text)) return query(...given)
    return (async () => {
      await at('before_commit')
      const result = await query(...given)
      await at('after_commit')
      return result
    })()
  }) as typeof client.query
}
