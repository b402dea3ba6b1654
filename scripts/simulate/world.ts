/**
 * One seed's world: a copy of the town, its time and chance, two workers and a desk where people do what they do, and a log of
 * every call and outcome.
 */
import type pg from 'pg'
import { openLog } from '../../src/kit/log.ts'
import { type Dice, diceOf } from './dice.ts'
import type { Trouble, Way } from './line.ts'
import { takeChance } from './own-chance.ts'
import { type OwnTime, ownTime } from './own-time.ts'
import type { Firm, Town, Vendor, Vendors } from './town.ts'
import type { WatchedDb } from './watched-db.ts'
import { openWorker, type WorkerInHand } from './worker-in-hand.ts'

export type World = {
  town: Town
  vendors: Vendors
  time: OwnTime
  dice: Dice
  /** Every call to a vendor, every outcome of a command, in order. */
  log: string[]
  /** What the service said, line by line, and what it may not say. */
  said: string[]
  secrets: Set<string>
  troubles: Trouble[]
  /** How long a real answer is waited for; undefined: as long as the connector does. */
  patience: { ms: number | undefined }
  /** When the vendor last turned a token over without our hearing of it, and from whom a person has taken the permission. */
  tokenLostAt: Map<Vendor, number>
  withoutPermission: Set<string>
  /** People have changed a book, or given something up. */
  isTouched: boolean
  /** Worker `place`; one that died is another one by now. */
  worker(place: number): WorkerInHand
  heldUp(): WorkerInHand | null
  desk: WorkerInHand
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  firm(place: number): Firm
  tell(line: string): void
  /** `isSpoilt`: it broke down, and something may still be at work in it. */
  end(isSpoilt?: boolean): Promise<void>
}

export async function openWorld(town: Town, seed: number): Promise<World> {
  const copy = await town.copy()
  const { vendors, session } = copy
  const chance = takeChance(seed)
  const time = await ownTime(session, [vendors.xero, vendors.quickbooks])
  const log: string[] = []
  const said: string[] = []
  const secrets = new Set<string>()
  const troubles: Trouble[] = []
  const tokenLostAt = new Map<Vendor, number>()
  const patience: World['patience'] = { ms: undefined }
  const tell = (line: string) => void log.push(line)
  const way: Omit<Way, 'around'> = {
    time,
    dice: diceOf(seed * 31 + 3),
    troubles,
    longestCallMs: () => patience.ms,
    vendorOf: (url) => (url.startsWith(vendors.xero.url) ? 'xero' : 'quickbooks'),
    told: (line) => tell(`    ${line}`),
    secret: (text) => void secrets.add(text),
    tokenLost: (vendor) => void tokenLostAt.set(vendor, time.now().getTime()),
  }
  const ofJitter = diceOf(seed * 31 + 5)
  let opened = 0
  const open = (): WorkerInHand => {
    opened += 1
    const watched = copy.lend()
    const worker = openWorker({
      name: `worker ${opened}`,
      watched,
      vendors: { xero: vendors.xero.url, quickbooks: vendors.quickbooks.url },
      clock: time,
      log: openLog('debug', { write: (line: string) => void said.push(line) }),
      dice: () => ofJitter(1_000_000) / 1_000_000,
      way,
      async endSessions(pids) {
        await session.query('select pg_terminate_backend(pid, 5000) from unnest($1::integer[]) pid', [pids])
      },
    })
    all.push({ worker, watched })
    return worker
  }
  const all: { worker: WorkerInHand; watched: WatchedDb }[] = []
  const desk = open()
  const workers: WorkerInHand[] = []
  return {
    ...{
      town,
      vendors,
      time,
      dice: diceOf(seed * 31 + 11),
      log,
      said,
      secrets,
      troubles,
      tokenLostAt,
      desk,
      tell,
      patience,
    },
    withoutPermission: new Set(),
    isTouched: false,
    worker(place) {
      const held = workers[place]
      if (held && !held.isDead()) return held
      const fresh = open()
      workers[place] = fresh
      return fresh
    },
    heldUp: () => workers.find((one) => one?.isHeldUp()) ?? null,
    async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
      return (await session.query<Row>(text, values)).rows
    },
    firm(place) {
      const found = town.firms[place % town.firms.length]
      if (!found) throw new Error('a town without firms')
      return found
    },
    async end(isSpoilt = false) {
      chance.giveBack()
      for (const { worker, watched } of all) if (!worker.isLost()) copy.takeBack(watched)
      await copy.end(isSpoilt)
    },
  }
}
