/**
 * A fresh grant on request, and what follows when a book says no to it.
 *
 * Keeps: tokens are sealed at rest and never logged; a connection that has ended or waits for a sign-in is not called.
 *
 * @path connect 4/6 keeps the grant fresh
 */
import { type BookConnector, BookError, type Grant } from '../../connectors/port.ts'
import { type Clock, instantOf } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { type ConnectionState, connectionOf } from './connection.ts'
import { type Connectors, connectorFor } from './connectors.ts'
import { askForSignIn, warnOfEnds } from './needs-sign-in.ts'
import { isFresh, isUnauthorized, refreshOnce } from './refresh-grant.ts'
import { openGrant } from './sealed-grant.ts'

const goodCallEveryMs = 60_000
const dayMs = 86_400_000

export type GrantDeps = { db: Db; clock: Clock; seal: Seal; connectors: Connectors }

/** Works with a grant that is good now; where the book still says no, once more with a new one, then a person must sign in. */
export async function withGrant<T>(
  deps: GrantDeps,
  connectionId: Uuid,
  work: (grant: Grant, connector: BookConnector) => Promise<T>,
): Promise<T> {
  const connection = await inTransaction(deps.db, asWorker, (tx) => connectionOf(tx, connectionId))
  mustBeUsable(connection.state)
  const connector = connectorFor(deps.connectors, connection.kind)
  const grant = await freshGrant(deps, connectionId, connector)
  try {
    return await good(deps, connection, await work(grant, connector))
  } catch (error) {
    if (!isUnauthorized(error)) throw error
  }
  const renewed = await refreshOnce(deps, connectionId, connector, grant.accessToken)
  try {
    return await good(deps, connection, await work(renewed, connector))
  } catch (error) {
    if (isUnauthorized(error))
      await askForSignIn(deps, connectionId, error.facts.cause, ({ sealed }) =>
        isOf(deps, connectionId, sealed, renewed),
      )
    throw error
  }
}

async function freshGrant(deps: GrantDeps, connectionId: Uuid, connector: BookConnector): Promise<Grant> {
  const held = await inTransaction(deps.db, asWorker, (tx) =>
    tx.bookGrant.findUnique({ where: { connectionId }, select: { sealed: true, accessEndsAt: true, deadAt: true } }),
  )
  if (!held || held.deadAt) {
    // Whoever found it dead was stopped before telling its people.
    await askForSignIn(deps, connectionId, 'grant_gone', (grant) => grant.deadAt !== null)
    throw new Refusal('connection_does_not_allow', { state: 'needs_sign_in', wanted: 'called' })
  }
  if (isFresh(held.accessEndsAt, deps.clock)) return openGrant(deps.seal, connectionId, 'sealed', held.sealed)
  return refreshOnce(deps, connectionId, connector, null)
}

/** Two processes may have refreshed one after the other; then the newer one is asked before a person is. */
function isOf(deps: GrantDeps, connectionId: Uuid, sealed: string, grant: Grant): boolean {
  return sealed !== '' && openGrant(deps.seal, connectionId, 'sealed', sealed).accessToken === grant.accessToken
}

/** Grants that nobody used for a day are refreshed all the same, or they would die of idleness. A timed task. */
export async function refreshIdleGrants(deps: GrantDeps): Promise<number> {
  const before = instantOf(deps.clock.now().getTime() - dayMs)
  const idle = await inTransaction(deps.db, asWorker, (tx) =>
    tx.bookGrant.findMany({
      where: { deadAt: null, refreshedAt: { lt: before } },
      select: { connectionId: true },
      orderBy: { refreshedAt: 'asc' },
    }),
  )
  let refreshedCount = 0
  for (const { connectionId } of idle) {
    const { connection, held } = await inTransaction(deps.db, asWorker, async (tx) => ({
      connection: await connectionOf(tx, connectionId),
      held: await tx.bookGrant.findUniqueOrThrow({ where: { connectionId } }),
    }))
    if (connection.state === 'ended' || held.deadAt) continue
    const { accessToken } = openGrant(deps.seal, connectionId, 'sealed', held.sealed)
    try {
      await refreshOnce(deps, connectionId, connectorFor(deps.connectors, connection.kind), accessToken)
      refreshedCount += 1
    } catch (error) {
      // A book that does not answer today is asked again tomorrow; a dead grant has told its people already.
      if (!(error instanceof BookError)) throw error
    }
  }
  await warnOfEnds(deps)
  return refreshedCount
}

async function good<T>(deps: GrantDeps, connection: { id: Uuid; lastGoodCallAt: Date | null }, result: T): Promise<T> {
  const now = deps.clock.now()
  if (connection.lastGoodCallAt && now.getTime() - connection.lastGoodCallAt.getTime() < goodCallEveryMs) return result
  await inTransaction(deps.db, asWorker, (tx) =>
    tx.connection.updateMany({ where: { id: connection.id }, data: { lastGoodCallAt: now } }),
  )
  return result
}

function mustBeUsable(state: ConnectionState): void {
  if (state === 'ended' || state === 'needs_sign_in' || state === 'choosing')
    throw new Refusal('connection_does_not_allow', { state, wanted: 'called' })
}
