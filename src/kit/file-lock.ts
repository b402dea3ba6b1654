/**
 * One at a time, across programs, by a file: for the seconds in which the embedded database is started or left.
 *
 * Keeps: a holder that lives touches its file; one that died is passed over at once where its number is dead, else after STALE_MS.
 */
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf, isAlive } from './system.ts'

const BEAT_MS = 1000
const STALE_MS = 15_000
const LOOK_MS = 50
const LONGEST_WAIT_MS = 120_000

export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${Math.random()}`
  const start = performance.now()
  while (!(await take(path, mine))) {
    if (await passOver(path)) continue
    if (performance.now() - start > LONGEST_WAIT_MS)
      throw new Error(`${path} is held for too long; delete it if nothing runs`)
    await pause(LOOK_MS)
  }
  const beat = setInterval(() => void touch(path), BEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if ((await read(path)) === mine) await rm(path, { force: true })
  }
}

async function take(path: string, mine: string): Promise<boolean> {
  try {
    await writeFile(path, mine, { flag: 'wx' })
    return true
  } catch (error) {
    // EPERM: Windows says so while a deleted file is still on its way out.
    if (codeOf(error) === 'EEXIST' || (codeOf(error) === 'EPERM' && process.platform === 'win32')) return false
    throw error
  }
}

/** Moves a dead holder's file away. Two may try at once, so what was moved is read again and put back if it lives. */
async function passOver(path: string): Promise<boolean> {
  const held = await read(path)
  if (held === null) return true
  if (!(await isStale(path, held))) return false
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
    if ((await read(aside)) !== held) await link(aside, path)
  } catch {
    // Someone else was quicker.
  }
  await rm(aside, { force: true })
  return true
}

async function isStale(path: string, held: string): Promise<boolean> {
  const [pid, host] = held.split(' ')
  const status = await stat(path).catch(() => null)
  if (status === null) return false
  // performance.timeOrigin + now(): the machine's time as files know it; the product's clock may be moved by tests.
  if (performance.timeOrigin + performance.now() - status.mtimeMs > STALE_MS) return true
  return host === hostname() && held !== '' && !isAlive(Number(pid))
}

async function touch(path: string): Promise<void> {
  const seconds = (performance.timeOrigin + performance.now()) / 1000
  await utimes(path, seconds, seconds).catch(() => undefined)
}

function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}
