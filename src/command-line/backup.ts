/** Backups from the command line: made beside a running service, read back into an empty database, paused. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backUp } from '../backup/back-up.ts'
import { restore } from '../backup/restore.ts'
import { masterKeyPath, readConfig, readDatabasePlace } from '../config.ts'
import { machineClock } from '../kit/clock.ts'
import { startEmbeddedPostgres } from '../kit/embedded-postgres.ts'
import { type Seal, sealWith } from '../kit/seal.ts'
import { unreachable } from './house.ts'
import { type Answer, type Asking, BadUse, leaf, type Options, textOf } from './terminal.ts'

export function backupCommands(program: Command, asking: Asking): void {
  leaf(program, asking, {
    name: 'backup',
    says: 'write every row, as of one moment, into one file; the master key is not in it',
    options: [['--out <file>', 'else quits-<instant>.backup here']],
    work: backUpNow,
  })
  leaf(program, asking, {
    name: 'restore <file>',
    says: 'read a backup into an empty database and leave it paused (docs/RUNBOOK.md)',
    options: [['--paused', 'must be said: nothing is sent until the connections are resumed']],
    work: restoreNow,
  })
}

async function backUpNow(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const instant = machineClock.now().toISOString().replace(/\D/g, '').slice(0, 14)
  const file = resolve(textOf(options, 'out') ?? `quits-${instant}.backup`)
  return withDatabase(asking, readDatabasePlace(asking.environment), async (url) => {
    const made = await backUp({ url, file, version: versionOfQuits(), clock: machineClock, say: asking.err })
    const { madeAt, version, schemaVersion, keyIds, ledgers, parts } = made.manifest
    const json = { file, bytes: made.bytes, rows: made.rows, madeAt, version, schemaVersion, keyIds, ledgers, parts }
    const text = [
      `${file}: ${made.rows} rows in ${made.bytes} bytes, as of ${madeAt}`,
      ...ledgers.map(({ slug, number, hash }) => `  ${slug}: head ${number} ${hash}`),
      keyIds.length === 0
        ? 'Nothing in it is sealed.'
        : `Keep the master key ${keyIds.join(', ')} elsewhere: without it no book opens.`,
    ]
    return { json, text: text.join('\n') }
  })
}

async function restoreNow(asking: Asking, [name = '']: string[], options: Options): Promise<Answer> {
  if (options.paused !== true)
    throw new BadUse('A restored copy begins paused: say --paused, and resume the connections once you have swept.')
  const config = readConfig(asking.environment)
  const file = resolve(name)
  return withDatabase(asking, config, async (url) => {
    const seal = sealOf(config.masterKeys ?? keysIn(masterKeyPath(config.home)))
    const { manifest, rows, anew, migrated } = await restore({ url, file, seal, clock: machineClock, say: asking.err })
    const { madeAt, schemaVersion, ledgers } = manifest
    const text = [
      `${rows} rows restored, as of ${madeAt}; every hash, every chain and every truth holds.`,
      ...ledgers.map(({ slug, number, hash }) => `  ${slug}: head ${number} ${hash}`),
      `${anew.pausedConnections} connections are paused; ${anew.lookedForFirst} deliveries are looked for before they are sent; ${anew.members} members begin a new series of invoice numbers.`,
      'Next: quits sweep, then quits connections resume for each book.',
    ]
    return { json: { file, rows, madeAt, schemaVersion, ledgers, ...anew, migrated }, text: text.join('\n') }
  })
}

async function withDatabase<T>(
  { err }: Asking,
  { databaseUrl, home }: { databaseUrl: string | null; home: string },
  work: (url: string) => Promise<T>,
): Promise<T> {
  const embedded = databaseUrl ? null : await startEmbeddedPostgres({ home, log: err }).catch(lost)
  try {
    return await work(databaseUrl ?? embedded?.url ?? '')
  } finally {
    await embedded?.stop()
  }
}

function lost(error: unknown): never {
  throw unreachable(error)
}

function sealOf(keys: Uint8Array[]): Seal | null {
  return keys.length === 0 ? null : sealWith(keys)
}

/** A new data folder has no key yet; which one is wanted, the backup says. */
function keysIn(path: string): Uint8Array[] {
  return existsSync(path) ? [Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')] : []
}

/** The checkout's package file, or the one above the built tree. */
function versionOfQuits(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    const file = new URL(path, import.meta.url)
    if (existsSync(file)) return String((JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown }).version)
  }
  return 'unknown'
}
