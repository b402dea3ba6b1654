/**
 * Reading for long, in one moment of the database: what others commit meanwhile is not seen.
 *
 * Keeps: a connection of its own, so that a slow reader takes none from those who wait behind the pools; it may not write.
 */
import pg from 'pg'
import { type Db, type Scope, withConnection } from './db.ts'
import { invariant } from './invariant.ts'

const oneMoment = 'set session characteristics as transaction isolation level repeatable read, read only'

export async function inSnapshot<T>(
  db: Pick<Db, 'url'>,
  scope: Scope,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: db.url, max: 1 })
  // A connection that is lost is told by the query that waits for it.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    // Sent before anything else on it; what came of it is asked below.
    client.query(oneMoment).catch(() => {})
  })
  try {
    return await withConnection(pool, scope, async (client) => {
      const { rows } = await client.query<{ sees: string }>(
        "select current_setting('transaction_isolation') || ', ' || current_setting('transaction_read_only') as sees",
      )
      invariant(rows[0]?.sees === 'repeatable read, on', `a snapshot that is ${rows[0]?.sees}`)
      return work(client)
    })
  } finally {
    await pool.end()
  }
}
