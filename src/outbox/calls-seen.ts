/**
 * What this process has seen of its own calls, book by book: how many there were, and what the answers say is left.
 *
 * Keeps: a call counts whoever made it, so that reading a book back spends the same budget as writing to it.
 */
import type { CallSeen } from '../../connectors/port.ts'

export type Tally = {
  calls: number
  leftThisMinute: number | null
  leftToday: number | null
  leftForApp: number | null
}
export type CallsSeen = {
  note(seen: CallSeen): void
  /** Since it was last asked. */
  take(bookId: string): Tally | null
}

const mostBooks = 10_000

export function callsSeen(): CallsSeen {
  const tallies = new Map<string, Tally>()
  return {
    note({ bookId, leftThisMinute, leftToday, leftForApp }) {
      if (bookId === null) return
      if (tallies.size >= mostBooks && !tallies.has(bookId)) tallies.clear()
      const before = tallies.get(bookId)
      tallies.set(bookId, {
        calls: (before?.calls ?? 0) + 1,
        leftThisMinute: leftThisMinute ?? before?.leftThisMinute ?? null,
        leftToday: leftToday ?? before?.leftToday ?? null,
        leftForApp: leftForApp ?? before?.leftForApp ?? null,
      })
    },
    take(bookId) {
      const tally = tallies.get(bookId) ?? null
      tallies.delete(bookId)
      return tally
    },
  }
}
