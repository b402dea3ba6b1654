/**
 * An organisation's standing permission to one book: its states, and what may follow each.
 *
 * Keeps: a connection keeps its id through sign-in, pause and reconnection, and with it all that was sent.
 * Health is the last call that worked, never a stored word.
 */
import type { BookKind, BookProfile } from '../../connectors/port.ts'
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { makeLaneDue } from '../networks/mail.ts'
import { recordDeed } from '../networks/record-deed.ts'

export type ConnectionState = 'choosing' | 'mapping' | 'live' | 'paused' | 'needs_sign_in' | 'ended'

export const connectionMoves = {
  choosing: ['mapping', 'ended'], // the consent is there; which book it is for is still asked
  mapping: ['live', 'needs_sign_in', 'ended'],
  live: ['paused', 'needs_sign_in', 'ended'],
  paused: ['live', 'needs_sign_in', 'ended'],
  needs_sign_in: ['mapping', 'live', 'paused', 'ended'], // back to where it was
  ended: ['mapping', 'live'], // the same book again is the same connection
} as const satisfies Record<ConnectionState, readonly ConnectionState[]>

/** `missing`: what the consent does not cover, in the vendor's own names. */
export type LastError = { cause: string; at: string; was: ConnectionState; missing?: string }

/** Each thing that the consent does not cover; none where nothing is known to be missing. */
export function missingIn(lastError: LastError | null): string[] {
  return lastError?.missing?.split(' ').filter(Boolean) ?? []
}

export type Connection = {
  id: Uuid
  organisationId: Uuid
  kind: BookKind
  bookId: string
  bookName: string
  state: ConnectionState
  /** So many trades wait for a yes after a preview; null: always. */
  askFirst: number | null
  yesGiven: number
  profile: BookProfile
  profileReadAt: Date
  lastGoodCallAt: Date | null
  lastError: LastError | null
  madeBy: string
  madeAt: Date
  endedAt: Date | null
  /** The last pause, as long as it lasts. */
  pausedBy: string | null
  pausedAt: Date | null
  pauseReason: string | null
}

export const usualAskFirst = 5

export async function connectionOf(tx: Tx, id: Uuid): Promise<Connection> {
  const row = await tx.connection.findUnique({ where: { id } })
  if (!row) throw new Refusal('not_found', { thing: 'connection' })
  return connectionFrom(row)
}

/** The connections of an organisation, the newest first; ended ones too. */
export async function connectionsOf(tx: Tx, organisationId: Uuid): Promise<Connection[]> {
  const rows = await tx.connection.findMany({ where: { organisationId }, orderBy: { id: 'desc' } })
  return rows.map(connectionFrom)
}

/** The one that has not ended. */
export async function openConnectionOf(tx: Tx, organisationId: Uuid): Promise<Connection | null> {
  const row = await tx.connection.findFirst({ where: { organisationId, state: { not: 'ended' } } })
  return row ? connectionFrom(row) : null
}

export async function lockConnection(tx: Tx, id: Uuid): Promise<Connection> {
  await tx.$queryRaw`select id from connection where id = ${id}::uuid for update`
  return connectionOf(tx, id)
}

/** How many trades wait for a yes: 0 none, null always. */
export async function setAskFirst(
  tx: Tx,
  clock: Clock,
  ask: { connectionId: Uuid; askFirst: number | null; actor: string },
): Promise<Connection> {
  const held = await lockConnection(tx, ask.connectionId)
  await tx.connection.update({ where: { id: held.id }, data: { askFirst: ask.askFirst } })
  await makeLaneDue(tx, held.organisationId, 'book')
  await told(tx, clock, held, ask.actor, 'ask_first_set', { askFirst: ask.askFirst })
  return { ...held, askFirst: ask.askFirst }
}

export async function moveConnection(
  tx: Tx,
  id: Uuid,
  to: ConnectionState,
  rest: { endedAt?: Date | null; lastError?: LastError } = {},
): Promise<Connection> {
  const held = await lockConnection(tx, id)
  const moves: readonly ConnectionState[] = connectionMoves[held.state]
  if (!moves.includes(to)) throw new Refusal('connection_does_not_allow', { state: held.state, wanted: to })
  await tx.connection.update({ where: { id }, data: { state: to, ...rest } })
  return { ...held, state: to, ...rest }
}

/** What a convener's health page may show of the books of a network: no names of accounts, no figures. Runs as the worker. */
export type ConnectionHealth = {
  organisationId: Uuid
  organisation: string
  kind: BookKind | null
  state: ConnectionState | null
  lastGoodCallAt: Date | null
  lastCause: string | null
  signInEndsAt: Date | null
}

export async function healthOfNetwork(tx: Tx, networkId: Uuid): Promise<ConnectionHealth[]> {
  return tx.$queryRaw<ConnectionHealth[]>`
    select o.id as "organisationId", o.name as organisation, c.kind, c.state, c.last_good_call_at as "lastGoodCallAt",
           c.last_error->>'cause' as "lastCause", least(g.refresh_ends_at, g.hard_ends_at) as "signInEndsAt"
    from member m
    join organisation o on o.id = m.organisation_id
    left join connection c on c.organisation_id = o.id and c.state <> 'ended'
    left join book_grant g on g.connection_id = c.id
    where m.network_id = ${networkId}::uuid and m.standing in ('admitted', 'suspended', 'leaving')
    order by c.state = 'needs_sign_in' desc nulls last, c.last_good_call_at nulls first, o.name`
}

async function told(
  tx: Tx,
  clock: Clock,
  connection: Connection,
  actor: string,
  what: string,
  facts: Record<string, string | number | boolean | null> = {},
): Promise<void> {
  const { organisationId, bookName } = connection
  await recordDeed(tx, clock, { organisationId, actor, what, facts: { book: bookName, ...facts } })
}

type Row = NonNullable<Awaited<ReturnType<Tx['connection']['findUnique']>>>

export function connectionFrom(row: Row): Connection {
  return {
    ...row,
    kind: row.kind as BookKind,
    state: row.state as ConnectionState,
    profile: row.profile as unknown as BookProfile,
    lastError: row.lastError as LastError | null,
  }
}
