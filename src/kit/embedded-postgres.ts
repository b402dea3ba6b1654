/**
 * The database that comes with the product: made, started, adopted and left without anyone's help.
 *
 * Keeps: one server for each data folder, however many programs use it and however they ended. Each holds a shared advisory lock
 * on one open session; whoever leaves stops the server only if it then gets that lock alone. Starting and leaving take turns.
 * Never: signals a process that is not this folder's server.
 */
import { randomBytes } from 'node:crypto'
import { appendFile, chmod, chown, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { withFileLock } from './file-lock.ts'
import { findPlace, type Place, programIn } from './postgres-place.ts'
import { codeOf, commandOf, freePort, isAlive, isFree, run, workingFolderOf } from './system.ts'

export interface EmbeddedPostgres {
  url: string
  dataFolder: string
  /** The server was already running: another program's, or left behind by one that was killed. */
  adopted: boolean
  stop(): Promise<void>
}

interface Access {
  port: number
  password: string
}

const IN_USE_LOCK = 7_840_551_201
const STARTS_AT_MOST = 5
const ANSWER_WITHIN_MS = 30_000
/** Starting up, shutting down, or recovering after a crash: ask again. */
const NOT_YET = '57P03'

export async function startEmbeddedPostgres(options: {
  home: string
  /** False: without fsync, for tests that are gone tomorrow. */
  durable?: boolean
  log?: (line: string) => void
}): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined)
  const place = await findPlace(options.home, log)
  const startLock = `${place.dataFolder}.starting`
  return await withFileLock(startLock, async () => {
    const access = await accessTo(place, log)
    const adopted = await isRunning(place, access)
    const running = adopted ? access : await startServer(place, access, options.durable ?? true)
    const presence = await enter(running)
    return {
      url: urlOf(running, 'quits'),
      dataFolder: place.dataFolder,
      adopted,
      stop: () => withFileLock(startLock, () => presence.leave(() => stopServer(place))),
    }
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// The folder

/** Port and password of this folder's server. The folder is made beside its place and moved there whole. */
async function accessTo(place: Place, log: (line: string) => void): Promise<Access> {
  const kept = await readAccess(place.dataFolder)
  if (kept) return kept
  log('Making the database (the first time only) …')
  const draft = `${place.dataFolder}.new`
  const passwordFile = `${place.dataFolder}.password`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft)
  await secure(draft, 0o700, place)
  const access = { port: await freePort(), password: randomBytes(24).toString('base64url') }
  try {
    await write(passwordFile, access.password, place)
    const locale = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    const login = ['-U', 'quits', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`]
    const made = await run(programIn(place.bin, 'initdb'), ['-D', draft, ...login, ...locale], place)
    if (made.code !== 0) throw new Error(`The database could not be made in ${place.dataFolder}:\n${made.said}`)
  } finally {
    await rm(passwordFile, { force: true })
  }
  await appendFile(join(draft, 'postgresql.conf'), "\ninclude 'quits.conf'\n")
  await writeAccess(draft, access, place)
  await rename(draft, place.dataFolder)
  return access
}

async function readAccess(dataFolder: string): Promise<Access | null> {
  try {
    return JSON.parse(await readFile(join(dataFolder, 'quits-access.json'), 'utf8')) as Access
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw new Error(`The database in ${dataFolder} belongs to another account of this machine (${codeOf(error)})`)
  }
}

async function writeAccess(folder: string, access: Access, place: Place): Promise<void> {
  const draft = join(folder, 'quits-access.json.new')
  await write(draft, JSON.stringify(access), place)
  await rename(draft, join(folder, 'quits-access.json'))
}

async function write(path: string, text: string, place: Place): Promise<void> {
  await rm(path, { force: true })
  await writeFile(path, text, { mode: 0o600, flag: 'wx' })
  await secure(path, 0o600, place)
}

async function secure(path: string, mode: number, place: Place): Promise<void> {
  if (process.platform === 'win32') return
  await chmod(path, mode)
  if (place.account) await chown(path, place.account.uid, place.account.gid)
}

// ---------------------------------------------------------------------------------------------------------------------
// The server

/** True: this folder's server answers. False: none runs. A server that hangs on this folder is stopped first. */
async function isRunning(place: Place, access: Access): Promise<boolean> {
  const pid = Number((await readPidFile(place))?.split('\n')[0])
  if (!pid) return false
  if (await answers(place, access)) return true
  const holder = await whoHas(pid, place)
  if (holder === 'our server') await stopServer(place)
  // The number belongs to someone else by now; Postgres itself would take that process for its older self and refuse to start.
  if (holder === 'a stranger') await rm(join(place.dataFolder, 'postmaster.pid'), { force: true })
  return false
}

async function answers(place: Place, access: Access): Promise<boolean> {
  const end = performance.now() + ANSWER_WITHIN_MS
  while (performance.now() < end) {
    const client = newClient(access)
    try {
      await client.connect()
      const { rows } = await client.query('show data_directory')
      return await isSame(String(rows[0]?.data_directory), place.dataFolder)
    } catch (error) {
      if (codeOf(error) !== NOT_YET) return false
    } finally {
      await client.end().catch(() => undefined)
    }
    await pause(100)
  }
  return false
}

/** A server works in its data folder, which Linux tells; elsewhere its command names the folder. Unsure: let Postgres judge. */
async function whoHas(pid: number, place: Place): Promise<'nobody' | 'our server' | 'a stranger' | 'unsure'> {
  if (!isAlive(pid)) return 'nobody'
  const folder = await workingFolderOf(pid)
  if (folder !== null) return (await isSame(folder, place.dataFolder)) ? 'our server' : 'a stranger'
  const command = (await commandOf(pid))?.replaceAll('\\', '/')
  if (command === undefined) return 'unsure'
  if (!command.includes('postgres')) return 'a stranger'
  return command.includes(place.dataFolder.replaceAll('\\', '/')) ? 'our server' : 'unsure'
}

async function startServer(place: Place, kept: Access, isDurable: boolean): Promise<Access> {
  const logFile = join(place.dataFolder, 'quits.log')
  let access = kept
  for (let attempt = 1; attempt <= STARTS_AT_MOST; attempt += 1) {
    if (attempt > 1 || !(await isFree(access.port))) {
      access = { ...access, port: await freePort() }
      await writeAccess(place.dataFolder, access, place)
    }
    await write(join(place.dataFolder, 'quits.conf'), settings(access.port, isDurable), place)
    await rm(logFile, { force: true })
    const args = ['-D', place.dataFolder, '-l', logFile, '-w', '-t', '60', '-s', 'start']
    const started = await run(programIn(place.bin, 'pg_ctl'), args, { account: place.account, quiet: true })
    if (started.code === 0 && (await answers(place, access))) return access
    // A killed server's children may still hold the folder's memory for a moment, or the port has just been taken.
    await pause(200 * attempt)
  }
  const said = await readFile(logFile, 'utf8').catch(() => 'no log was written')
  throw new Error(
    `The database in ${place.dataFolder} does not start:\n${said.split('\n').slice(-12).join('\n').trim()}`,
  )
}

/** The log names no statement: those carry members' names and amounts. */
function settings(port: number, isDurable: boolean): string {
  const lines = [
    '# Written by Quits at each start.',
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 200',
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    'log_min_messages = log',
    'log_min_error_statement = panic',
    'log_checkpoints = off',
  ]
  // The ledger's keys fall anywhere in their indexes: these stay in memory, and are written whole into the log less often.
  if (isDurable)
    lines.push(`shared_buffers = ${sharedBuffersMb()}MB`, "max_wal_size = '2GB'", "checkpoint_timeout = '15min'")
  else lines.push('fsync = off', 'synchronous_commit = off', 'full_page_writes = off')
  return `${lines.join('\n')}\n`
}

function sharedBuffersMb(): number {
  const eighthMb = Math.floor(totalmem() / 8 / 1_048_576)
  return Math.min(Math.max(eighthMb, 128), 512)
}

async function stopServer(place: Place): Promise<void> {
  for (const mode of ['fast', 'immediate']) {
    const args = ['-D', place.dataFolder, '-m', mode, '-w', '-t', '30', '-s', 'stop']
    const stopped = await run(programIn(place.bin, 'pg_ctl'), args, { account: place.account, quiet: true })
    if (stopped.code === 0 || (await readPidFile(place)) === null) return
  }
  throw new Error(`The database in ${place.dataFolder} does not stop`)
}

async function readPidFile(place: Place): Promise<string | null> {
  try {
    return await readFile(join(place.dataFolder, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Being there

interface Presence {
  leave(stopIfLast: () => Promise<void>): Promise<void>
}

async function enter(access: Access): Promise<Presence> {
  let isLeaving = false
  let session = await open()

  async function open(): Promise<pg.Client> {
    const client = newClient(access)
    // A session can end under us (someone ends it by hand): the lock is taken again, so that others do not stop our server.
    client.on('error', () => undefined)
    client.on('end', () => {
      if (!isLeaving) void reopen()
    })
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1)', [IN_USE_LOCK])
    const { rowCount } = await client.query("select from pg_database where datname = 'quits'")
    if (rowCount === 0) await client.query('create database quits')
    return client
  }

  async function reopen(): Promise<void> {
    for (let attempt = 1; attempt <= STARTS_AT_MOST && !isLeaving; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500).unref())
      try {
        session = await open()
        return
      } catch {
        // The server itself is gone: the pools report that. Whoever starts next starts it.
      }
    }
  }

  return {
    async leave(stopIfLast) {
      if (isLeaving) return
      isLeaving = true
      const isLast = await letGo(session)
      await session.end().catch(() => undefined)
      if (isLast) await stopIfLast()
    },
  }
}

/** A session that is gone proves nothing about others, so then the server stays. */
async function letGo(session: pg.Client): Promise<boolean> {
  try {
    await session.query('select pg_advisory_unlock_shared($1)', [IN_USE_LOCK])
    const { rows } = await session.query('select pg_try_advisory_lock($1) as is_last', [IN_USE_LOCK])
    return rows[0]?.is_last === true
  } catch {
    return false
  }
}

function newClient(access: Access): pg.Client {
  return new pg.Client({ connectionString: urlOf(access, 'postgres'), connectionTimeoutMillis: 5000, keepAlive: true })
}

/** The password is base64url, so nothing in it needs escaping; sslmode is named because the environment may name another. */
function urlOf(access: Access, database: string): string {
  return `postgresql://quits:${access.password}@127.0.0.1:${access.port}/${database}?sslmode=disable`
}

async function isSame(one: string, other: string): Promise<boolean> {
  const real = async (path: string) => (await realpath(path).catch(() => path)).replaceAll('\\', '/').toLowerCase()
  return (await real(one)) === (await real(other))
}
