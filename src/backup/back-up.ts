/**
 * A backup: every row of ours, as it stood at one moment, in one file. The same for the embedded database and any other.
 *
 * Keeps: one snapshot on one connection, beside a running service, which is not held up. Secrets stay sealed as they are in
 * their tables; the master key that opens them is not in the file, and belongs in another place.
 */
import pg from 'pg'
import { type ArchivePart, type Manifest, writeArchive } from '../kit/archive.ts'
import type { Clock } from '../kit/clock.ts'
import { copyOut } from '../kit/copy.ts'
import { schemaVersion } from '../kit/migrate.ts'
import { type OwnTable, ownTables } from '../kit/own-tables.ts'
import { Refusal } from '../kit/refusal.ts'
import { sealedPlaces } from './sealed-places.ts'

export type BackedUp = { file: string; bytes: number; rows: bigint; manifest: Omit<Manifest, 'format'> }
export type BackUpAsk = { url: string; file: string; version: string; clock: Clock; say: (line: string) => void }

export async function backUp(ask: BackUpAsk): Promise<BackedUp> {
  const version = await schemaVersion(ask.url)
  if (version === null) throw new Refusal('not_found', { thing: 'database of Quits' })
  const client = new pg.Client({ connectionString: ask.url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await writeArchive(ask.file, async (archive) => {
      await client.query('begin transaction isolation level repeatable read read only')
      // All rows, or an error: a login behind the second wall reads as the worker, who sees everything.
      const { rows } = await client.query<{ sees_all: boolean }>(
        'select rolsuper or rolbypassrls as sees_all from pg_roles where rolname = current_user',
      )
      if (rows[0]?.sees_all !== true) await client.query('set local role quits_worker')
      const parts: ArchivePart[] = []
      for (const { name, columns } of await ownTables(client)) {
        const { filled, ...placed } = await archive.part((take) => copyOut(client, copyOf({ name, columns }), take))
        parts.push({ table: name, columns, rows: filled.toString(), ...placed })
        if (filled > 0n) ask.say(`${name}: ${filled} rows`)
      }
      const manifest = {
        madeAt: ask.clock.now().toISOString(),
        version: ask.version,
        schemaVersion: version,
        keyIds: await keyIdsIn(client),
        ledgers: await ledgersIn(client),
        parts,
      }
      await client.query('commit')
      const { bytes } = await archive.finish(manifest)
      return { file: ask.file, bytes, rows: parts.reduce((sum, part) => sum + BigInt(part.rows), 0n), manifest }
    })
  } finally {
    await client.end()
  }
}

function copyOf({ name, columns }: OwnTable): string {
  return `copy (select ${columns.map(pg.escapeIdentifier).join(', ')} from ${pg.escapeIdentifier(name)}) to stdout`
}

/** Which keys sealed what is sealed. */
async function keyIdsIn(client: pg.Client): Promise<string[]> {
  const each = sealedPlaces.map(({ table, column }) => `select ${column} as sealed from ${table}`).join(' union all ')
  const { rows } = await client.query<{ id: string }>(
    `select distinct split_part(sealed, '.', 2) as id from (${each}) s where sealed like 'v1.%.%.%.%' order by 1`,
  )
  return rows.map((row) => row.id)
}

async function ledgersIn(client: pg.Client): Promise<Manifest['ledgers']> {
  const { rows } = await client.query<Manifest['ledgers'][number]>(`
    select h.network_id as "networkId", n.slug, h.number::text as number, encode(h.hash, 'hex') as hash
      from ledger_head h join network n on n.id = h.network_id order by n.slug`)
  return rows
}
