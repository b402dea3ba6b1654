/**
 * A worker of the service with database connections and a line of its own, that can die or be held up around any call to a vendor
 * and around any commit: what it was at is abandoned, and its sessions end, as if its process were killed.
 */
import { quickbooksConnector } from '../../connectors/quickbooks/connector.ts'
import { xeroConnector } from '../../connectors/xero/connector.ts'
import type { Clock } from '../../src/kit/clock.ts'
import type { Log } from '../../src/kit/log.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { callsSeen } from '../../src/outbox/calls-seen.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { lineOn, type Way } from './line.ts'
import { never, type WatchedDb } from './watched-db.ts'

export const moments = ['before_call', 'after_call', 'before_commit', 'after_commit'] as const
export type Moment = (typeof moments)[number]
/**
 * What befalls it at the n-th such moment (from 0) of what it does next, counted once `afterCalls` calls have been answered. Held up
 * only around a call.
 */
export type Cut = { moment: Moment; skip: number; dies: boolean; afterCalls?: number }

export type WorkerAsk = {
  name: string
  watched: WatchedDb
  vendors: { xero: string; quickbooks: string }
  clock: Clock
  log: Log
  dice: () => number
  way: Omit<Way, 'around'>
  /** Ends these sessions of the database at once, and waits until they are gone. */
  endSessions(pids: readonly number[]): Promise<void>
}
export type Done<T> = { is: 'done'; result: T } | { is: 'failed'; error: unknown } | { is: 'dead' } | { is: 'held_up' }
export type WorkerInHand = {
  deps: OutboxDeps
  isDead(): boolean
  isHeldUp(): boolean
  /** Runs it to its end, or to what befalls it. */
  step<T>(work: (deps: OutboxDeps) => Promise<T>, cut?: Cut): Promise<Done<T>>
  /** Held up until now: goes on, and is waited for. */
  letGo(): Promise<Done<unknown>>
  /** Of one that died, or is held up for ever, nothing can be used again. */
  isLost(): boolean
}

export const apps = {
  xero: { clientId: 'quits-xero', clientSecret: 'canary-of-the-xero-client-5b1f' },
  quickbooks: { clientId: 'quits-quickbooks', clientSecret: 'canary-of-the-quickbooks-client-8d02' },
}
export const publicUrl = 'http://localhost:4600'
const masterKey = new Uint8Array(32).fill(7)

export function openWorker(ask: WorkerAsk): WorkerInHand {
  const { db, pids } = ask.watched
  let cut: Cut | null = null
  let dead = false
  let answered = 0
  let befell: (what: 'dead' | 'held_up') => void = () => undefined
  let gate: (() => void) | null = null
  let running: Promise<Done<unknown>> | null = null

  async function at(moment: Moment, isToken = false): Promise<void> {
    if (dead) return never()
    if (moment === 'after_call') answered += 1
    if (!cut || cut.moment !== moment || answered < (cut.afterCalls ?? 0)) return
    if (cut.skip > 0) {
      cut.skip -= 1
      return
    }
    // Whoever refreshes a grant holds its row: held up there, it would hold up all others.
    if (!cut.dies && isToken) return
    const { dies } = cut
    cut = null
    if (dies) {
      dead = true
      await ask.endSessions([...pids])
      befell('dead')
      return never()
    }
    await new Promise<void>((open) => {
      gate = open
      befell('held_up')
    })
  }

  ask.watched.watchedBy({ isDead: () => dead, at })
  const line = lineOn({ ...ask.way, around: at })
  const calls = callsSeen()
  const told = { now: () => ask.clock.now(), onCall: calls.note, line }
  const connectors = {
    xero: xeroConnector({
      ...apps.xero,
      ...told,
      redirectUri: `${publicUrl}/connect/xero/callback`,
      identityUrl: ask.vendors.xero,
      apiUrl: ask.vendors.xero,
    }),
    quickbooks: quickbooksConnector({
      ...apps.quickbooks,
      ...told,
      // Simulated calls take simulated time: a pace in real time has nothing to do here.
      callsASecond: 100_000,
      redirectUri: `${publicUrl}/connect/quickbooks/callback`,
      discoveryUrl: `${ask.vendors.quickbooks}/.well-known/openid_configuration`,
      apiUrl: ask.vendors.quickbooks,
    }),
  }
  const deps: OutboxDeps = {
    db,
    clock: ask.clock,
    calls,
    log: ask.log,
    seal: sealWith([masterKey]),
    // One group at a time: which of two ends first would be this machine's to decide.
    connectors: {
      xero: { ...connectors.xero, limits: { ...connectors.xero.limits, atOnce: 2 } },
      quickbooks: { ...connectors.quickbooks, limits: { ...connectors.quickbooks.limits, atOnce: 2 } },
    },
    config: { publicUrl },
    worker: ask.name,
    dice: ask.dice,
  }

  return {
    deps,
    isDead: () => dead,
    isHeldUp: () => gate !== null,
    async step(work, given) {
      cut = given ? { ...given } : null
      answered = 0
      const what = new Promise<'dead' | 'held_up'>((tell) => {
        befell = tell
      })
      const whole = work(deps).then(
        (result) => ({ is: 'done' as const, result }),
        (error: unknown) => ({ is: 'failed' as const, error }),
      )
      const first = await Promise.race([whole, what.then((is) => ({ is }))])
      if (first.is === 'held_up') running = whole
      else cut = null
      return first
    },
    async letGo() {
      const open = gate
      gate = null
      open?.()
      const done = (await running) ?? { is: 'done' as const, result: null }
      running = null
      return done
    },
    isLost: () => dead || gate !== null,
  }
}
