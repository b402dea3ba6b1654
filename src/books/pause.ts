/**
 * What goes to the books, paused by a person with a reason: one book, or all books of a network.
 *
 * Keeps: promises go on; nothing leaves once the pause has answered, since the pause and the beginning of every try lock
 * the book's lane. A network whose *sending* is paused trades on; one that is itself paused trades nothing, and what it
 * has promised still goes. Saying either twice is saying it once.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { makeLaneDue } from '../networks/mail.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { type Connection, connectionOf, lockConnection, moveConnection } from './connection.ts'

export type Pause = { by: string | null; at: Date | null; reason: string | null }

type ConnectionAsk = { connectionId: Uuid; actor: string }

/** Runs as the worker, like all that makes a lane due. */
export async function pause(tx: Tx, clock: Clock, ask: ConnectionAsk & { reason: string }): Promise<Connection> {
  if (ask.reason.trim() === '') throw new Refusal('reason_missing', {})
  const held = await lockBook(tx, ask.connectionId)
  if (held.state === 'paused') return held
  const connection = await moveConnection(tx, held.id, 'paused')
  const paused = { pausedBy: ask.actor, pausedAt: clock.now(), pauseReason: ask.reason.trim() }
  await tx.connection.update({ where: { id: held.id }, data: paused })
  await told(tx, clock, connection, ask.actor, 'connection_paused', { reason: paused.pauseReason })
  return { ...connection, ...paused }
}

export async function resume(tx: Tx, clock: Clock, ask: ConnectionAsk): Promise<Connection> {
  const held = await lockBook(tx, ask.connectionId)
  if (held.state === 'live') return held
  if (held.state !== 'paused') throw new Refusal('connection_does_not_allow', { state: held.state, wanted: 'resumed' })
  const connection = await moveConnection(tx, held.id, 'live')
  await tx.$executeRaw`update connection set paused_by = null, paused_at = null, pause_reason = null where id = ${held.id}::uuid`
  await makeLaneDue(tx, connection.organisationId, 'book')
  await told(tx, clock, connection, ask.actor, 'connection_resumed')
  return { ...connection, pausedBy: null, pausedAt: null, pauseReason: null }
}

/** All books of one network: nothing of this network leaves for any of them; what another network promised goes on. */
export async function pauseSending(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; reason: string; actor: string },
): Promise<Pause> {
  const reason = ask.reason.trim()
  if (reason === '') throw new Refusal('reason_missing', {})
  await lockLanesOf(tx, ask.networkId)
  const held = await sendingPauseOf(tx, ask.networkId)
  if (held) return held
  const paused = { sendingPausedBy: ask.actor, sendingPausedAt: clock.now(), sendingPauseReason: reason }
  await tx.network.update({ where: { id: ask.networkId }, data: paused })
  await recordDeed(tx, clock, { networkId: ask.networkId, actor: ask.actor, what: 'sending_paused', facts: { reason } })
  return { by: ask.actor, at: paused.sendingPausedAt, reason }
}

export async function resumeSending(tx: Tx, clock: Clock, ask: { networkId: Uuid; actor: string }): Promise<boolean> {
  await lockLanesOf(tx, ask.networkId)
  if (!(await sendingPauseOf(tx, ask.networkId))) return false
  await tx.$executeRaw`
    update network set sending_paused_by = null, sending_paused_at = null, sending_pause_reason = null where id = ${ask.networkId}::uuid`
  await tx.$executeRaw`
    select wake_lanes(array(select distinct m.organisation_id from member m where m.network_id = ${ask.networkId}::uuid))`
  await recordDeed(tx, clock, { networkId: ask.networkId, actor: ask.actor, what: 'sending_resumed' })
  return true
}

/** Null: what this network promises leaves for the books. */
export async function sendingPauseOf(tx: Tx, networkId: Uuid): Promise<Pause | null> {
  const row = await tx.network.findUnique({
    where: { id: networkId },
    select: { sendingPausedBy: true, sendingPausedAt: true, sendingPauseReason: true },
  })
  if (!row) throw new Refusal('not_found', { thing: 'network' })
  return row.sendingPausedAt
    ? { by: row.sendingPausedBy, at: row.sendingPausedAt, reason: row.sendingPauseReason }
    : null
}

export function pauseOf(connection: Connection): Pause | null {
  return connection.state === 'paused'
    ? { by: connection.pausedBy, at: connection.pausedAt, reason: connection.pauseReason }
    : null
}

/** The lane first, as everybody does who begins a try. */
async function lockBook(tx: Tx, connectionId: Uuid): Promise<Connection> {
  const { organisationId } = await connectionOf(tx, connectionId)
  await tx.$queryRaw`select id from lane where id = ${organisationId}::uuid for update`
  return lockConnection(tx, connectionId)
}

async function lockLanesOf(tx: Tx, networkId: Uuid): Promise<void> {
  await tx.$queryRaw`
    select id from lane where id in (select organisation_id from member where network_id = ${networkId}::uuid) order by id for update`
  await tx.$queryRaw`select id from network where id = ${networkId}::uuid for no key update`
}

async function told(
  tx: Tx,
  clock: Clock,
  { organisationId, bookName }: Connection,
  actor: string,
  what: string,
  facts: Record<string, string> = {},
): Promise<void> {
  await recordDeed(tx, clock, { organisationId, actor, what, facts: { book: bookName, ...facts } })
}
