/**
 * Brings a database to the schema of this version: prisma/migrations, in order, each in its own transaction, and no way back.
 *
 * Keeps: records in Prisma's own table with checksums, so that Prisma's tools read the same history.
 * A line `-- include src/ledger/post.sql` stands for that file: SQL functions live beside their room. A function that changes is
 * included again by a newer migration; an older one may then show another text than the one it once ran, its own lines may not.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { codeOf } from './system.ts'

const MIGRATING_LOCK = 7_840_551_202
const INCLUDE = /^-- include (\S+)[ \t]*$/gm

/** Roles without login that every transaction takes; row-level security is written for them. */
const databaseRoles = ['quits_app', 'quits_writer', 'quits_worker'] as const

export interface Migration {
  name: string
  /** With every include replaced by its file. */
  text: string
  checksum: string
  /** Of its own lines alone, and of each file it includes. */
  parts: { own: string; includes: Record<string, string> }
}

export interface MigrateOptions {
  log?: (line: string) => void
  /** The checkout or dist folder to read from. */
  root?: URL
  /** The last one to apply: for a backup of an older schema. */
  upTo?: string
}

const HERE = new URL('../../', import.meta.url)

export async function migrate(url: string, options: MigrateOptions = {}): Promise<{ applied: string[] }> {
  const log = options.log ?? (() => undefined)
  return await withSession(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [MIGRATING_LOCK])
    const { upTo } = options
    const pending = unapplied(readMigrations(options.root), await recordedIn(client)).filter(
      ({ name }) => upTo === undefined || name <= upTo,
    )
    if (pending.length === 0) return { applied: [] }
    await ensureRoles(client)
    await client.query(PRISMA_TABLE)
    for (const migration of pending) {
      log(`Migrating: ${migration.name}`)
      await apply(client, migration)
    }
    return { applied: pending.map((migration) => migration.name) }
  })
}

/** What `migrate` would apply. Refuses, as it does, a database that does not descend from these files. */
export async function pendingMigrations(url: string, options: MigrateOptions = {}): Promise<string[]> {
  return await withSession(url, async (client) =>
    unapplied(readMigrations(options.root), await recordedIn(client)).map((migration) => migration.name),
  )
}

/** The newest migration that the database has had; null for an empty one. */
export async function schemaVersion(url: string): Promise<string | null> {
  return await withSession(url, async (client) => (await recordedIn(client)).at(-1)?.migration_name ?? null)
}

// ---------------------------------------------------------------------------------------------------------------------
// The files

export function readMigrations(root: URL = HERE): Migration[] {
  const folder = new URL('prisma/migrations/', root)
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return names
    .map((entry) => entry.name)
    .sort()
    .map((name) => expand(name, readFileSync(new URL(`${name}/migration.sql`, folder), 'utf8'), root))
}

function expand(name: string, own: string, root: URL): Migration {
  const includes: Record<string, string> = {}
  const text = own.replaceAll(INCLUDE, (_line, path: string) => {
    const file = new URL(path, root)
    if (!existsSync(file)) throw new Error(`${name} includes ${path}, and there is no such file`)
    const included = readFileSync(file, 'utf8')
    includes[path] = checksumOf(included)
    return included
  })
  return { name, text, checksum: checksumOf(text), parts: { own: checksumOf(own), includes } }
}

/** Line ends are git's business on Windows, not a change of the file. */
function checksumOf(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
}

// ---------------------------------------------------------------------------------------------------------------------
// The history

interface Recorded {
  migration_name: string
  checksum: string
  logs: string | null
  is_finished: boolean
}

async function recordedIn(client: pg.Client): Promise<Recorded[]> {
  const { rows } = await client.query("select to_regclass('_prisma_migrations') is not null as exists")
  if (!rows[0]?.exists) return []
  const recorded = await client.query<Recorded>(
    `select migration_name, checksum, logs, finished_at is not null as is_finished
       from _prisma_migrations where rolled_back_at is null order by migration_name`,
  )
  return recorded.rows
}

function unapplied(migrations: Migration[], recorded: Recorded[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const row of recorded) {
    const migration = known.get(row.migration_name)
    if (!migration) {
      throw new Error(
        `The database has had ${row.migration_name}, which this version does not know: it belongs to a newer version.`,
      )
    }
    if (!row.is_finished)
      throw new Error(`${row.migration_name} was begun by another tool and never finished. Mend that first.`)
    refuseChange(migration, row, migrations)
  }
  const applied = new Set(recorded.map((row) => row.migration_name))
  const newest = recorded.at(-1)?.migration_name ?? ''
  const pending = migrations.filter((migration) => !applied.has(migration.name))
  const late = pending.find((migration) => migration.name < newest)
  if (late) throw new Error(`${late.name} comes before ${newest}, which the database has had. Give it a later stamp.`)
  return pending
}

function refuseChange(migration: Migration, row: Recorded, migrations: Migration[]): void {
  if (row.checksum === migration.checksum) return
  const was = row.logs ? (JSON.parse(row.logs) as Migration['parts']) : null
  if (was?.own !== migration.parts.own) {
    throw new Error(`${migration.name} has been changed since it was applied. Write a new migration instead.`)
  }
  for (const [path, checksum] of Object.entries(migration.parts.includes)) {
    if (was.includes[path] === checksum) continue
    const isReplaced = migrations.some((later) => later.name > migration.name && path in later.parts.includes)
    if (!isReplaced) {
      throw new Error(
        `${path} has been changed since ${migration.name} put it in place. Include it again in a new migration.`,
      )
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The database

/** Prisma's own table, column for column. */
const PRISMA_TABLE = `
  create table if not exists _prisma_migrations (
    id varchar(36) primary key,
    checksum varchar(64) not null,
    finished_at timestamptz,
    migration_name varchar(255) not null,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz not null default now(),
    applied_steps_count integer not null default 0
  )`

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.text)
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, logs, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, $4, now(), clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name, JSON.stringify(migration.parts)],
    )
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw new Error(`${migration.name} failed and was undone: ${said(error, migration.text)}`)
  }
}

/** Postgres counts characters from the start of the text; a person looks for a line. */
function said(error: unknown, text: string): string {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error ? error.message : String(error)
  const at = Number(error.position)
  const line = at > 0 ? ` (line ${text.slice(0, at).split('\n').length}: ${text.slice(at - 1).split('\n')[0]})` : ''
  return `${error.message} [${error.code}]${line}`
}

/** Roles belong to the whole server, so another database may have made them; two may make them at once. */
async function ensureRoles(client: pg.Client): Promise<void> {
  const asked = await client.query<{ role: string; exists: boolean; is_held: boolean; me: string }>(
    `select role, r.oid is not null as exists, current_user as me,
            coalesce(pg_has_role(current_user, r.oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end), false) as is_held
       from unnest($1::text[]) as role left join pg_roles r on r.rolname = role`,
    [databaseRoles],
  )
  const statements = asked.rows.flatMap(({ role, exists, is_held, me }) => [
    ...(exists ? [] : [`create role ${role} nologin;`]),
    ...(is_held ? [] : [`grant ${role} to ${pg.escapeIdentifier(me)};`]),
  ])
  for (const statement of statements) {
    try {
      await client.query(statement)
    } catch (error) {
      // Made by another database's migration a moment ago.
      if (['42710', '23505'].includes(codeOf(error) ?? '')) continue
      if (codeOf(error) !== '42501') throw error
      throw new Error(
        `This login may not create the database's roles. Someone who may should run this once, then migrate again:\n\n${statements.join('\n')}\n`,
      )
    }
  }
}

async function withSession<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    // Ends the session, and with it the lock.
    await client.end()
  }
}
