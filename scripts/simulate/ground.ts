/**
 * A database to play in, with its sessions: lent to workers, taken back when they end, put back to what it was before the next run.
 * Of a worker that was killed the sessions are ended, and others are opened in their place.
 */
import pg from 'pg'
import { puttingBack } from './as-built.ts'
import { openWatchedDb, type WatchedDb } from './watched-db.ts'

export type Ground = {
  /** Of whoever moves the clock, and looks at the database from outside. */
  session: pg.Client
  lend(): WatchedDb
  takeBack(watched: WatchedDb): void
  /** Everything stands again as it was built. What was lent and never came back is ended. */
  putBack(): Promise<void>
  end(): Promise<void>
}

export async function openGround(databaseUrl: string, drop: () => Promise<unknown>): Promise<Ground> {
  const session = new pg.Client({ connectionString: databaseUrl })
  session.on('error', () => undefined)
  await session.connect()
  const free: WatchedDb[] = []
  const lent = new Set<WatchedDb>()
  let text: string | undefined
  const endLent = async () => {
    const pids = [...lent].flatMap((one) => [...one.pids])
    await session.query('select pg_terminate_backend(pid, 5000) from unnest($1::integer[]) pid', [pids])
    // Sessions that were ended while at work never come back to their pools.
    for (const { db } of lent) void db.close().catch(() => undefined)
    lent.clear()
  }
  return {
    session,
    lend() {
      const watched = free.pop() ?? openWatchedDb(databaseUrl)
      lent.add(watched)
      return watched
    },
    takeBack(watched) {
      if (!isAtRest(watched)) return
      lent.delete(watched)
      free.push(watched)
    },
    async putBack() {
      if (lent.size > 0) await endLent()
      text ??= await puttingBack(session)
      await session.query(text)
    },
    async end() {
      await endLent()
      for (const { db } of free) await db.close()
      await session.end()
      await drop()
    },
  }
}

const isAtRest = ({ db }: WatchedDb) =>
  [db.pool, db.writer, db.apart].every((pool) => pool.idleCount === pool.totalCount && pool.waitingCount === 0)
