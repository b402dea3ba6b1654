/**
 * Answers bells: a book that rang is looked at soon, once for all that rang there meanwhile, and what the vendor says then is
 * what counts. A bell only says that something changed.
 *
 * Keeps: one worker looks at a book at a time, however long it takes; a bell that comes during a look is followed by another one; a
 * book that never stops ringing is looked at once an hour; a look that fails is made again, and the hourly one does not need bells at all.
 */
import { instantOf } from '../kit/clock.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { plainError } from '../kit/log.ts'
import { type Lease, stillOurs, takeLease } from '../outbox/lease.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'

/**
 * Reads a book's changes; false when something more pressing goes first. Handed in: what is looked for is not the inbox's. It calls
 * `keep` after each step, so that the book stays with who looks at it.
 */
export type Look = (book: { organisationId: Uuid; connectionId: Uuid }, keep: () => Promise<void>) => Promise<boolean>
type Ringing = { organisationId: Uuid; kind: string; bookId: string; firstAt: Date; at: Date }
/** The last look at a book: when it began, and how long the book rested after it. */
type Looked = { at: string; restSeconds: number }

/** Between two looks at one book, since each costs it calls: longer each time while it goes on ringing, from the beginning after a quiet hour. */
const firstRestSeconds = 60
const longestRestSeconds = 3_600
const quietMs = 3_600_000
const afterFailureSeconds = 300
const busySeconds = 60
/** What we put ourselves rings as well, and there is nothing new to see in it. */
const echoSeconds = 120
/** Vendors ring again for days; until then a bell is known again. */
const keptDays = 30

/** Looks at the books that rang. Gives the number of books looked at. */
export async function answerBells(deps: OutboxDeps, look: Look): Promise<number> {
  const lease = await takeLease(deps.db, `${deps.worker}/bells`, 'bell')
  if (!lease) return 0
  const ringing = await ringingAt(deps, lease)
  if (!ringing) {
    await giveBackLane(deps, lease, { answered: null, looked: null, seconds: 0 })
    return 1
  }
  // One that has lost the lane all the same looks on: its look answers the bells, and is not made for nothing.
  const keep = async () => {
    await inTransaction(deps.db, asWorker, (tx) => stillOurs(tx, lease))
  }
  const looked = { at: ringing.at.toISOString(), restSeconds: restAfter(lastLook(lease.budget), ringing.firstAt) }
  try {
    const isDone = await look({ organisationId: ringing.organisationId, connectionId: lease.laneId }, keep)
    await giveBackLane(
      deps,
      lease,
      isDone
        ? { answered: ringing, looked, seconds: looked.restSeconds }
        : { answered: null, looked: null, seconds: busySeconds },
    )
  } catch (error) {
    deps.log.warn(
      { error: plainError(error), connection: lease.laneId },
      'a book that rang could not be looked at; it is tried again',
    )
    const seconds = Math.max(afterFailureSeconds, looked.restSeconds)
    await giveBackLane(deps, lease, { answered: null, looked, seconds })
  }
  return 1
}

function restAfter(last: Looked | null, firstRungAt: Date): number {
  if (!last || firstRungAt.getTime() - instantOf(last.at).getTime() >= quietMs) return firstRestSeconds
  return Math.min(longestRestSeconds, 2 * last.restSeconds)
}

function lastLook(budget: unknown): Looked | null {
  return typeof budget === 'object' && budget !== null && 'looked' in budget ? (budget.looked as Looked) : null
}

/** The book's bells that ask for a look. Echoes of what we put, and bells of a book that is not ours to read now, are answered here. */
async function ringingAt({ db }: OutboxDeps, lease: Lease): Promise<Ringing | null> {
  return inTransaction(db, asWorker, async (tx) => {
    await tx.$executeRaw`
      update bell b set answered_at = quits_now()
        from connection c
       where c.id = ${lease.laneId}::uuid and b.kind = c.kind and b.book_id = c.book_id and b.answered_at is null
         and (c.state not in ('live', 'paused')
           or exists (select 1 from delivery d
                       where d.organisation_id = c.organisation_id and d.receipt ->> 'id' = b.thing_id
                         and d.settled_at between b.rung_at - make_interval(secs => ${echoSeconds}) and b.rung_at + make_interval(secs => ${echoSeconds})))`
    const rows = await tx.$queryRaw<Ringing[]>`
      select c.organisation_id as "organisationId", c.kind, c.book_id as "bookId", min(b.received_at) as "firstAt", quits_now() as at
        from connection c join bell b on b.kind = c.kind and b.book_id = c.book_id and b.answered_at is null
       where c.id = ${lease.laneId}::uuid group by c.id`
    return rows[0] ?? null
  })
}

/**
 * Answers what rang before the look (the vendor was asked after it, whoever holds the lane by now), and makes the lane due again
 * while anything is left, or once it rings, and after a look not before its rest. A late holder leaves the lane alone.
 */
async function giveBackLane(
  { db }: OutboxDeps,
  lease: Lease,
  { answered, looked, seconds }: { answered: Ringing | null; looked: Looked | null; seconds: number },
): Promise<void> {
  await inTransaction(db, asWorker, async (tx) => {
    if (answered)
      await tx.$executeRaw`
        update bell set answered_at = quits_now()
         where kind = ${answered.kind} and book_id = ${answered.bookId} and answered_at is null and received_at <= ${answered.at}`
    const held = await tx.$queryRaw<{ id: Uuid }[]>`
      select id from lane where id = ${lease.laneId}::uuid and fence = ${lease.fence} for update`
    if (held.length === 0) return
    await tx.$executeRaw`
      update lane set leased_by = null, leased_until = null,
        budget = case when ${looked !== null}
                 then jsonb_build_object('looked', ${JSON.stringify(looked)}::jsonb, 'restUntil', quits_now() + make_interval(secs => ${seconds}))
                 else budget end,
        due_at = case when exists (select 1 from bell b join connection c on c.kind = b.kind and c.book_id = b.book_id
                                    where c.id = lane.id and b.answered_at is null)
                 then quits_now() + make_interval(secs => ${seconds}) else 'infinity' end
       where id = ${lease.laneId}::uuid`
  })
}

/** Of each vendor the newest is kept, whatever its age: it tells since when there is silence. Gives the number forgotten. */
export async function forgetBells({ db }: Pick<OutboxDeps, 'db'>): Promise<number> {
  return inTransaction(
    db,
    asWorker,
    (tx) => tx.$executeRaw`
      delete from bell b where b.answered_at is not null and b.received_at < quits_now() - make_interval(days => ${keptDays})
         and exists (select 1 from bell n where n.kind = b.kind and n.received_at > b.received_at)`,
    60_000,
  )
}
