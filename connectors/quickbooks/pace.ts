/**
 * So many calls in a second for one company: a call that would be one too many waits for its turn.
 *
 * Keeps: calls of one company leave in the order in which they were asked for; companies do not wait for each other.
 */
import { setTimeout as wait } from 'node:timers/promises'

/** A little more than a second, since the vendor's clock sees calls arrive closer together than they left. */
const usualWindowMs = 1_100

export type Pace = (bookId: string) => Promise<void>
/** Milliseconds that only go forward, and a way to wait for some of them. */
type Watch = { now(): number; wait(ms: number): Promise<unknown> }
const machineWatch: Watch = { now: () => performance.now(), wait: (ms) => wait(ms) }

export function paceOf(callsASecond: number, windowMs = usualWindowMs, watch: Watch = machineWatch): Pace {
  const leftAt = new Map<string, number[]>()
  const lastInLine = new Map<string, Promise<void>>()
  async function takeTurn(bookId: string): Promise<void> {
    const now = watch.now()
    const recent = (leftAt.get(bookId) ?? []).filter((at) => at > now - windowMs)
    const oldest = recent.length < callsASecond ? undefined : recent.at(-callsASecond)
    if (oldest !== undefined) await watch.wait(oldest + windowMs - now)
    leftAt.set(bookId, [...recent, watch.now()])
  }
  return (bookId) => {
    const turn = (lastInLine.get(bookId) ?? Promise.resolve()).then(() => takeTurn(bookId))
    lastInLine.set(bookId, turn)
    return turn
  }
}
