/**
 * The ground that all stand on: one embedded Postgres with fsync on, and databases in it made from one that is migrated, so
 * that each round begins with the ledger as it was. Gone at the end, however it ends.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { migrate } from '../../src/kit/migrate.ts'

export type Ground = {
  /** A folder for whoever needs one. */
  home: string
  /** The address of a new database, a copy of `of` (its sessions must be closed) or of the migrated one. */
  newDatabase(name: string, of?: string): Promise<string>
  drop(name: string): Promise<void>
  end(): Promise<void>
}

const migrated = 'quits'

export async function openGround(say: (line: string) => void): Promise<Ground> {
  const home = await mkdtemp(join(tmpdir(), 'quits-bench-'))
  let database: EmbeddedPostgres | null = null
  const end = async () => {
    await database?.stop()
    if (database) await rm(database.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
  try {
    database = await startEmbeddedPostgres({ home, log: say })
    const { url } = database
    say(`working in ${home}, data in ${database.dataFolder}`)
    await migrate(url)
    const { rows } = await once(url, 'show fsync')
    invariant(rows[0]?.fsync === 'on', 'the database is not durable, so nothing measured on it counts')
    const named = (name: string) => url.replace(`/${migrated}?`, `/${name}?`)
    return {
      home,
      async newDatabase(name, of = migrated) {
        await once(named('postgres'), `create database ${name} template ${of}`)
        return named(name)
      },
      async drop(name) {
        await once(named('postgres'), `drop database if exists ${name} with (force)`)
      },
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

async function once(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}
