/**
 * One at a time, across programs, by a file: for work that must not be done twice at once.
 *
 * Keeps: a holder that lives touches its file; one that died is passed over after STALE_MS, or at once where its number is dead.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

const BEAT_MS = 1000
const STALE_MS = 15_000
const LOOK_MS = 200
const LONGEST_WAIT_MS = 20 * 60_000

export async function withLock(path, say, work) {
  const mine = `${process.pid} ${hostname()} ${Date.now()}`
  const start = Date.now()
  let hasSaid = false
  while (!take(path, mine)) {
    if (passOver(path)) continue
    if (!hasSaid && Date.now() - start > 1000) say('Another start is preparing this folder; waiting for it …')
    hasSaid ||= Date.now() - start > 1000
    if (Date.now() - start > LONGEST_WAIT_MS)
      throw new Error(`${path} has been held for too long. Delete it and try again.`)
    await pause(LOOK_MS)
  }
  const beat = setInterval(() => touch(path), BEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if (read(path) === mine) rmSync(path, { force: true })
  }
}

function take(path, mine) {
  try {
    writeFileSync(path, mine, { flag: 'wx' })
    return true
  } catch (error) {
    // EPERM: Windows says so while a deleted file is still on its way out.
    if (error.code === 'EEXIST' || (error.code === 'EPERM' && process.platform === 'win32')) return false
    throw error
  }
}

/** Moves a dead holder's file away. Two may try at once, so what was moved is read again and put back if it lives. */
function passOver(path) {
  const held = read(path)
  if (held === null || !isStale(path, held)) return held === null
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (read(aside) !== held) linkSync(aside, path)
  } catch {
    // Someone else was quicker.
  }
  rmSync(aside, { force: true })
  return true
}

function isStale(path, held) {
  const [pid, host] = held.split(' ')
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true
  } catch {
    return false
  }
  return host === hostname() && !isAlive(Number(pid))
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Taken from us while the machine slept: the work goes on, the end of it checks whose file it is.
  }
}
