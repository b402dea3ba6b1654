/**
 * The end of a connection, from our side: the vendor is told, the tokens are wiped, and what stays is said.
 *
 * Keeps: what stands in the book stays there untouched; the connection's id and contacts stay for the day it comes back.
 */
import { BookError } from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { type Connection, connectionMoves, connectionOf, moveConnection } from './connection.ts'
import { connectorFor } from './connectors.ts'
import type { GrantDeps } from './grants.ts'
import { openGrant } from './sealed-grant.ts'

export type Disconnected = {
  connection: Connection
  /** Did the vendor confirm it? If not, the member cuts it on the vendor's own page; we hold no token any more. */
  revoked: boolean
  stays: { contacts: number; mappings: number }
}

export async function disconnect(deps: GrantDeps, ask: { connectionId: Uuid; actor: string }): Promise<Disconnected> {
  const { connection, row } = await inTransaction(deps.db, asWorker, async (tx) => ({
    connection: await connectionOf(tx, ask.connectionId),
    row: await tx.bookGrant.findUnique({ where: { connectionId: ask.connectionId } }),
  }))
  const moves: readonly string[] = connectionMoves[connection.state]
  if (!moves.includes('ended'))
    throw new Refusal('connection_does_not_allow', { state: connection.state, wanted: 'ended' })
  const grant = row?.sealed ? openGrant(deps.seal, connection.id, 'sealed', row.sealed) : null
  let revoked = false
  try {
    if (grant) await connectorFor(deps.connectors, connection.kind).revoke(grant)
    revoked = grant !== null
  } catch (error) {
    if (!(error instanceof BookError)) throw error
  }
  return inTransaction(deps.db, asWorker, async (tx) => {
    const endedAt = deps.clock.now()
    const ended = await moveConnection(tx, connection.id, 'ended', { endedAt })
    await tx.bookGrant.updateMany({
      where: { connectionId: connection.id },
      data: { sealed: '', previousSealed: null, previousUntil: null, deadAt: endedAt },
    })
    const where = { connectionId: connection.id }
    const stays = { contacts: await tx.bookContact.count({ where }), mappings: await tx.mapping.count({ where }) }
    const { organisationId, bookName } = connection
    const facts = { book: bookName, revoked }
    await recordDeed(tx, deps.clock, { organisationId, actor: ask.actor, what: 'book_disconnected', facts })
    return { connection: ended, revoked, stays }
  })
}
