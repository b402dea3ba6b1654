/**
 * One refresh, however many ask: one promise in this process, then the lock on the grant's own row in Postgres for all
 * processes, on a small pool apart so that waiting eats nobody's connections.
 *
 * Keeps: a rotated token is stored before it is used, the one before it kept for its grace; a dead grant is not asked again.
 */
import { type BookConnector, BookError, type Grant } from '../../connectors/port.ts'
import { type Clock, instantOf } from '../kit/clock.ts'
import { asWorker, type Db, withConnection } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import type { GrantDeps } from './grants.ts'
import { askForSignIn } from './needs-sign-in.ts'
import { openGrant, sealGrant } from './sealed-grant.ts'

/** Refreshed when the access token has less than this left. */
const leastLeftMs = 5 * 60_000
const refreshDeadlineMs = 10_000
/** How long a vendor takes the token that was rotated away, in case our answer was lost (Xero: half an hour). */
const graceMs = 30 * 60_000

/** Refreshes that run in this process, by connection, for each database. */
const running = new WeakMap<Db, Map<Uuid, Promise<Grant>>>()

/** `refused`: the access token that a book has just said no to; null when it is only old. */
export function refreshOnce(
  deps: GrantDeps,
  connectionId: Uuid,
  connector: BookConnector,
  refused: string | null,
): Promise<Grant> {
  const here = running.get(deps.db) ?? new Map<Uuid, Promise<Grant>>()
  running.set(deps.db, here)
  const already = here.get(connectionId)
  // Who came for an old token may have been served what was left of it: for one that a book has refused that is no answer.
  if (already)
    return already.then((grant) =>
      grant.accessToken === refused ? refreshOnce(deps, connectionId, connector, refused) : grant,
    )
  const refreshing = refreshUnderLock(deps, connectionId, connector, refused).finally(() => here.delete(connectionId))
  here.set(connectionId, refreshing)
  return refreshing
}

type Row = {
  sealed: string
  previousSealed: string | null
  previousUntil: Date | null
  accessEndsAt: Date
  deadAt: Date | null
}
type Outcome = { grant: Grant } | { dead: string }

async function refreshUnderLock(
  deps: GrantDeps,
  connectionId: Uuid,
  connector: BookConnector,
  refused: string | null,
): Promise<Grant> {
  const outcome = await withConnection(deps.db.apart, asWorker, async (client): Promise<Outcome> => {
    const { rows } = await client.query<Row>(
      `select sealed, previous_sealed as "previousSealed", previous_until as "previousUntil",
              access_ends_at as "accessEndsAt", dead_at as "deadAt"
       from book_grant where connection_id = $1 for update`,
      [connectionId],
    )
    const row = rows[0]
    if (!row || row.deadAt) return { dead: 'grant_gone' }
    const held = openGrant(deps.seal, connectionId, 'sealed', row.sealed)
    // Someone else was here while we waited for the lock.
    const isNew = refused === null ? isFresh(row.accessEndsAt, deps.clock) : held.accessToken !== refused
    if (isNew) return { grant: held }
    const { grant, cause } = await refreshed(deps, connector, connectionId, row, held, refused === null)
    if (!grant) {
      await client.query('update book_grant set dead_at = quits_now() where connection_id = $1', [connectionId])
      return { dead: cause }
    }
    if (grant === held) return { grant }
    await client.query(
      `update book_grant set sealed = $2, previous_sealed = $3, previous_until = $4, access_ends_at = $5, refresh_ends_at = $6,
              hard_ends_at = $7, refreshed_at = quits_now(), refresh_count = refresh_count + 1
       where connection_id = $1`,
      [
        connectionId,
        sealGrant(deps.seal, connectionId, 'sealed', grant),
        sealGrant(deps.seal, connectionId, 'previous_sealed', held),
        instantOf(deps.clock.now().getTime() + graceMs),
        grant.accessEndsAt,
        grant.refreshEndsAt,
        grant.hardEndsAt,
      ],
    )
    return { grant }
  })
  if ('grant' in outcome) return outcome.grant
  await askForSignIn(deps, connectionId, outcome.dead, (row) => row.deadAt !== null)
  throw new BookError('unauthorized', { cause: outcome.dead, said: '', status: null, vendorCode: null, callId: null })
}

/** No grant: the vendor has said for good that this permission is over. What is only a hitch is thrown. */
async function refreshed(
  deps: GrantDeps,
  connector: BookConnector,
  connectionId: Uuid,
  row: Row,
  held: Grant,
  mayWait: boolean,
): Promise<{ grant: Grant; cause: '' } | { grant: null; cause: string }> {
  let previous: Grant
  try {
    return { grant: await inTime(connector.refresh(held)), cause: '' }
  } catch (error) {
    if (!(error instanceof BookError)) throw error
    // The installation's own id or secret is wrong: no person can mend that by signing in, and no permission is over.
    if (isOurs(error)) throw new BookError('unavailable', error.facts)
    // The token that is still good for a few minutes serves this call; the next one asks again.
    const isStillGood = instantOf(held.accessEndsAt) > deps.clock.now()
    if (error.kind !== 'unauthorized' && mayWait && isStillGood) return { grant: held, cause: '' }
    if (error.kind !== 'unauthorized') throw error
    const { previousSealed, previousUntil } = row
    if (!previousSealed || !previousUntil || previousUntil <= deps.clock.now())
      return { grant: null, cause: error.facts.cause }
    previous = openGrant(deps.seal, connectionId, 'previous_sealed', previousSealed)
  }
  try {
    return { grant: await inTime(connector.refresh(previous)), cause: '' }
  } catch (error) {
    if (isUnauthorized(error)) return { grant: null, cause: error.facts.cause }
    throw error
  }
}

function isOurs({ facts }: BookError): boolean {
  return facts.cause === 'client_refused'
}

/** Whoever waits holds a row's lock, so nobody waits longer than this for a vendor. */
async function inTime(refreshing: Promise<Grant>): Promise<Grant> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, no) => {
    timer = setTimeout(() => {
      no(
        new BookError('unclear', { cause: 'refresh_too_slow', said: '', status: null, vendorCode: null, callId: null }),
      )
    }, refreshDeadlineMs)
  })
  try {
    return await Promise.race([refreshing, late])
  } finally {
    clearTimeout(timer)
  }
}

export function isFresh(accessEndsAt: Date, clock: Clock): boolean {
  return accessEndsAt.getTime() - clock.now().getTime() > leastLeftMs
}

export function isUnauthorized(error: unknown): error is BookError {
  return error instanceof BookError && error.kind === 'unauthorized'
}
