/**
 * Reads a backup into an empty database, all of it or nothing, and leaves it paused.
 *
 * Keeps: the file is proven before the database is touched; rows, proofs and the new beginning are one transaction, under
 * locks that let nobody in; the schema is the backup's own, and is brought to this version's only when all of it stands.
 */
import pg from 'pg'
import { type ArchivePart, type Manifest, readArchive, rowsOf } from '../kit/archive.ts'
import type { Clock } from '../kit/clock.ts'
import { copyIn } from '../kit/copy.ts'
import { migrate, readMigrations, schemaVersion } from '../kit/migrate.ts'
import { type OwnTable, ownTables } from '../kit/own-tables.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { type Anew, beginAnew } from './begin-anew.ts'
import { proveRestored } from './prove-restored.ts'

export type Restored = { manifest: Manifest; rows: bigint; anew: Anew; migrated: string[] }
export type RestoreAsk = {
  url: string
  file: string
  /** Null: no key at all is at hand. */
  seal: Seal | null
  clock: Clock
  say: (line: string) => void
}

export async function restore(ask: RestoreAsk): Promise<Restored> {
  const { file, url, seal, say } = ask
  const manifest = await readArchive(file)
  say(`${file} is whole: made ${manifest.madeAt} by ${manifest.version}`)
  mustKnow(manifest)
  mustOpen(manifest, seal)
  const had = await schemaVersion(url)
  if (had !== null && had > manifest.schemaVersion)
    throw new Refusal('backup_needs_empty_database', {
      why: `the tables are of ${had}, later than the backup’s ${manifest.schemaVersion}`,
    })
  await migrate(url, { log: say, upTo: manifest.schemaVersion })
  const anew = await inOneGo(url, (client) => readBack(client, ask, manifest))
  const { applied } = await migrate(url, { log: say })
  return { manifest, anew, rows: manifest.parts.reduce((sum, part) => sum + BigInt(part.rows), 0n), migrated: applied }
}

function mustKnow({ schemaVersion: theirs }: Manifest): void {
  const known = readMigrations().map(({ name }) => name)
  if (!known.includes(theirs))
    throw new Refusal('backup_of_other_version', {
      what: `the schema ${theirs}`,
      known: `none later than ${known.at(-1)}`,
    })
}

function mustOpen({ keyIds }: Manifest, seal: Seal | null): void {
  const lacking = keyIds.filter((id) => !seal?.keyIds.includes(id))
  if (lacking.length > 0)
    throw new Refusal('backup_needs_key', { keyIds: lacking.join(', '), given: seal?.keyIds.join(', ') ?? 'none' })
}

async function inOneGo<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    // COMMIT POINT: everything the backup held, proven, or an empty database.
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    await client.end()
  }
}

async function readBack(client: pg.Client, { file, seal, clock, say }: RestoreAsk, manifest: Manifest): Promise<Anew> {
  const tables = await ownTables(client)
  mustFit(tables, manifest)
  const names = tables.map(({ name }) => pg.escapeIdentifier(name))
  await client.query(`lock table ${names.join(', ')} in access exclusive mode`)
  await mustBeEmpty(client, tables)
  // The owner stands behind the second wall too, and COPY cannot climb it. Undone with everything else if anything fails.
  for (const name of names) await client.query(`alter table ${name} no force row level security`)
  for (const { name } of tables) {
    const part = manifest.parts.find(({ table }) => table === name)
    if (part) await fill(client, file, part)
    if (part && part.rows !== '0') say(`${name}: ${part.rows} rows`)
  }
  for (const name of names) await client.query(`analyze ${name}`)
  const columns = new Set(tables.flatMap((table) => table.columns.map((column) => `${table.name}.${column}`)))
  const anew = await beginAnew(client, { at: clock.now(), madeAt: manifest.madeAt, columns })
  await proveRestored(client, manifest, seal, say)
  for (const name of names) await client.query(`alter table ${name} force row level security`)
  return anew
}

async function fill(client: pg.Client, file: string, part: ArchivePart): Promise<void> {
  const columns = part.columns.map(pg.escapeIdentifier).join(', ')
  const rows = await copyIn(
    client,
    `copy ${pg.escapeIdentifier(part.table)} (${columns}) from stdin`,
    rowsOf(file, part),
  ).catch((error: unknown) => {
    // A rule of the tables, not of the file: its rows never stood in a database of this schema.
    if (error instanceof pg.DatabaseError && /^(22|23)/.test(error.code ?? ''))
      throw new Refusal('backup_not_true', {
        why: `a row of ${part.table} breaks a rule of its table (${error.constraint ?? error.code})`,
      })
    throw error
  })
  if (rows.toString() !== part.rows)
    throw new Refusal('backup_not_true', { why: `${part.table} has ${rows} rows where ${part.rows} were kept` })
}

/** One schema has one set of tables and columns. */
function mustFit(tables: OwnTable[], { parts, schemaVersion: version }: Manifest): void {
  const shape = (columns: string[]) => [...columns].sort().join(', ')
  for (const { name, columns } of tables) {
    const part = parts.find(({ table }) => table === name)
    if (!part || shape(part.columns) !== shape(columns))
      throw new Refusal('backup_not_true', { why: `its ${name} is not that of ${version}` })
  }
  const stranger = parts.find(({ table }) => !tables.some(({ name }) => name === table))
  if (stranger) throw new Refusal('backup_not_true', { why: `${version} knows no table ${stranger.table}` })
}

async function mustBeEmpty(client: pg.Client, tables: OwnTable[]): Promise<void> {
  for (const { name } of tables) {
    const { rows } = await client.query<{ has: boolean }>(
      `select exists (select 1 from ${pg.escapeIdentifier(name)}) as has`,
    )
    if (rows[0]?.has) throw new Refusal('backup_needs_empty_database', { why: `${name} has rows` })
  }
}
