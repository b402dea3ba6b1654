/** A database of its own for a test file, cloned from the migrated template, and its clock. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export const TEMPLATE = 'quits_template'

export interface FreshDatabase {
  url: string
  drop(): Promise<void>
}

export async function freshDatabase(): Promise<FreshDatabase> {
  return await databaseFrom(TEMPLATE)
}

/** Without any table: for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  return await databaseFrom('template0')
}

/** A copy of a database that nobody is connected to. */
export async function databaseFrom(template: string): Promise<FreshDatabase> {
  const clusterUrl = inject('clusterUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  // Files copied, not pages logged: half the time, where nothing is forced to the disk.
  await query(clusterUrl, `create database ${name} template ${template} strategy file_copy`)
  const url = new URL(clusterUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => drop(clusterUrl, name) }
}

/** Postgres itself waits a few seconds for sessions that are saying goodbye; ending them by force would be an error in their pool. */
async function drop(clusterUrl: string, name: string): Promise<void> {
  try {
    await query(clusterUrl, `drop database if exists ${name}`)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== '55006') throw error
    await query(clusterUrl, `drop database if exists ${name} with (force)`)
    throw new Error('A test left sessions on its database: end every pool before drop()')
  }
}

/** Stops the database's clock at an instant; null lets it run again with the machine's. */
export async function setDatabaseClock(url: string, date: Date | null): Promise<void> {
  await query(url, 'update quits_test_clock set now = $1', [date?.toISOString() ?? null])
}

async function query(url: string, text: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text, values)
  } finally {
    await client.end()
  }
}
