/**
 * Keeps the promises: claims a book's lane and sends what is due, group by group, within the book's own limits.
 *
 * Keeps: what waits together leaves together, and what hangs on it follows in the same turn; while a vendor is away each of
 * its books is probed by one group, and nothing else of it leaves.
 * Never: touches the ledger, or two books in one call.
 *
 * @path trade 5/7 sends what a book must hold, one book at a time
 * @path connect 6/6 once a connection is live, what was held goes
 */
import type { BookLimits } from '../../connectors/port.ts'
import { takeAppCalls } from './app-calls.ts'
import { type Asked, type Budget, pause, settle, slowDown, take } from './budget.ts'
import type { Delivery } from './delivery.ts'
import { giveBack, type Lease, takeLease } from './lease.ts'
import { bookOfLane, type OpenBook, takeUpLost, takeUpMended } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { nextGroups } from './ready.ts'
import type { After } from './record-outcome.ts'
import { sendGroup } from './send-group.ts'

/** Then another book has its turn. */
const roundsInOneTurn = 20
const noConnectionMs = 300_000
/** The vendor's count over all our books is nearly spent: a breath, until its next minute. */
const leastLeftForApp = 100
const appBreathMs = 5_000

/** Serves due books until none is due or `limit` books have been served. Gives the number of books served. */
export async function deliverDue(
  deps: OutboxDeps,
  { limit = 50, worker = deps.worker }: { limit?: number; worker?: string } = {},
): Promise<number> {
  for (let served = 0; served < limit; served += 1) {
    const lease = await takeLease(deps.db, worker, 'book')
    if (!lease) return served
    await serveBook(deps, lease)
  }
  return limit
}

async function serveBook(deps: OutboxDeps, lease: Lease): Promise<void> {
  const book = await bookOfLane(deps, lease)
  // No live connection: everything waits for it, and it makes the lane due again.
  if (!book) return giveBack(deps.db, lease, lease.budget, noConnectionMs)
  await takeUpLost(deps, lease)
  await takeUpMended(deps, lease)
  const skewMs = lease.takenAt.getTime() - deps.clock.now().getTime()
  const nowMs = () => deps.clock.now().getTime() + skewMs
  // Others call the same book: whoever reads it back, a page that shows it.
  book.budget = settled(deps, book, 0, nowMs())
  let restMs: number | 'at_once' = 'at_once'
  for (let round = 0; round < roundsInOneTurn && !deps.isStopping?.(); round += 1) {
    const turn = await oneRound(deps, lease, book, nowMs)
    if (turn === 'lost') return
    if (turn === 'sent') continue
    restMs = turn === 'nothing' ? 0 : turn.restMs
    break
  }
  await giveBack(deps.db, lease, book.budget, restMs)
}

/** Sends as many groups at once as the book takes, or says how long it must rest. */
async function oneRound(
  deps: OutboxDeps,
  lease: Lease,
  book: OpenBook,
  nowMs: () => number,
): Promise<'sent' | 'nothing' | 'lost' | { restMs: number }> {
  const { limits } = book.connector
  const isAway = (book.budget.downs ?? 0) > 0
  const groups = await nextGroups(deps, book, isAway ? 1 : groupsAtOnce(limits))
  if (groups.length === 0) return 'nothing'
  const allowed = allow(book.budget, limits, groups, nowMs())
  if (allowed.going.length === 0) {
    book.budget = allowed.budget
    return { restMs: allowed.waitMs }
  }
  const asked = sum(allowed.going.map((group) => costOf(group, limits)))
  const appWaitMs = await takeAppCalls(deps, book.connector, asked)
  if (appWaitMs > 0) return { restMs: appWaitMs }
  book.budget = allowed.budget
  const after = await Promise.all(allowed.going.map((group) => sendGroup(deps, lease, book, group)))
  if (after.some((one) => one.lost)) return 'lost'
  book.budget = settled(deps, book, asked.calls, nowMs())
  return learn(book, after, nowMs())
}

/** What the answers of a round say about the next one. */
function learn(book: OpenBook, after: After[], nowMs: number): 'sent' | { restMs: number } {
  const isAway = after.some((one) => one.went === 'away')
  const hasAnswered = after.some((one) => one.went === 'well')
  const downs = isAway ? (book.budget.downs ?? 0) + 1 : hasAnswered ? 0 : (book.budget.downs ?? 0)
  book.budget = { ...book.budget, downs }
  if (after.some((one) => one.isTooFast)) book.budget = slowDown(book.budget, nowMs)
  const pauses = after.flatMap((one) => (one.pauseMs === null ? [] : [one.pauseMs]))
  if (pauses.length === 0) return 'sent'
  const restMs = Math.max(...pauses)
  book.budget = pause(book.budget, restMs, nowMs)
  return { restMs }
}

function allow(
  budget: Budget,
  limits: BookLimits,
  groups: Delivery[][],
  nowMs: number,
): { going: Delivery[][]; budget: Budget; waitMs: number } {
  const going: Delivery[][] = []
  let left = budget
  for (const group of groups) {
    const taken = take(left, limits, costOf(group, limits), nowMs)
    left = taken.budget
    if (taken.waitMs > 0) return { going, budget: left, waitMs: taken.waitMs }
    going.push(group)
  }
  return { going, budget: left, waitMs: 0 }
}

/** A batch is one call; contacts are read before they are made; what is looked at costs a look more. */
export function costOf(group: Delivery[], limits: BookLimits): Required<Asked> {
  const [first] = group
  const isAlone = first !== undefined && limits.alone.some((kind) => kind === first.kind)
  const writes = isAlone ? group.length : Math.ceil(group.length / limits.inOneCall)
  const looks = first?.kind === 'contact' ? 1 : group.some(isLookedAt) ? (isAlone ? 1 + group.length : 1) : 0
  const batches = limits.batchesAMinute !== null && group.length > 1 ? writes : 0
  return { calls: looks + writes, batches, live: first?.live ?? true }
}

function isLookedAt({ lookFirst, document }: Delivery): boolean {
  const isMeasured = document.what === 'allocation' && document.amountMinor === 'open'
  return lookFirst || isMeasured || ('linkedId' in document && document.linkedId !== null)
}

function sum(asked: Required<Asked>[]): Required<Asked> {
  return {
    calls: asked.reduce((total, one) => total + one.calls, 0),
    batches: asked.reduce((total, one) => total + one.batches, 0),
    live: asked.some((one) => one.live),
  }
}

/** The rest of what a book takes at once is for whoever reads it meanwhile. */
function groupsAtOnce({ atOnce }: BookLimits): number {
  return Math.max(1, Math.floor(atOnce / 2))
}

function settled(deps: OutboxDeps, book: OpenBook, expected: number, nowMs: number): Budget {
  const tally = deps.calls?.take(book.profile.bookId)
  if (!tally) return book.budget
  const budget = settle(book.budget, { ...tally, expected }, nowMs)
  return (tally.leftForApp ?? leastLeftForApp) < leastLeftForApp ? pause(budget, appBreathMs, nowMs) : budget
}
