/**
 * The house as the command line uses it: every room, and nothing that listens or runs by itself.
 *
 * Keeps: with the embedded database the service's own server is joined when it runs, else one is started and stopped again.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Config, readConfig } from '../config.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import { codeOf } from '../kit/system.ts'
import type { House } from '../main.ts'
import { BadUse, type Terminal, Unreachable } from './terminal.ts'

export type HouseDeps = House['deps']

/** Who did it, in the trail: whoever runs commands here owns the installation. */
export const actor = 'quits'

export async function withHouse<T>(terminal: Terminal, work: (deps: HouseDeps) => Promise<T>): Promise<T> {
  const config = readConfig(terminal.environment)
  // Loaded late: words about bad use come at once.
  const { openHouse } = await import('../main.ts')
  const still: Config = { ...config, run: { web: false, worker: false, schedule: false }, logLevel: 'silent' }
  const house = await openHouse(still, { say: terminal.err }).catch((error: unknown) => {
    throw unreachable(error)
  })
  try {
    return await work(house.deps)
  } finally {
    await house.close()
  }
}

export function inWork<T>(deps: HouseDeps, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(deps.db, asWorker, work)
}

/** No route, no answer, no such database, not let in, not up yet: what is wrong lies between us and it. */
const away = /^(E(CONN|NOT|TIMED|HOST|NET|AI|PIPE)|08|28|3D000|57P|53300)/

export function unreachable(error: unknown): unknown {
  const code = codeOf(error) ?? ''
  const message = error instanceof Error ? error.message : ''
  if (away.test(code)) return new Unreachable(`The database cannot be reached (${code}).`)
  if (/^The database (in|could)|timeout|terminated/i.test(message)) return new Unreachable(message)
  return error
}

export function readText(path: string): { text: string; fileName: string } {
  try {
    return { text: readFileSync(path, 'utf8'), fileName: basename(path) }
  } catch (error) {
    throw new BadUse(`${path} cannot be read (${codeOf(error) ?? 'unknown'}).`)
  }
}
