/**
 * A chosen book becomes the organisation's connection, new or the one it had before.
 *
 * Keeps: one book belongs to one organisation, one organisation has one book, and its currency is the network's.
 */
import type { BookKind, BookProfile, Grant } from '../../connectors/port.ts'
import type { Clock } from '../kit/clock.ts'
import { databaseNow, type Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { makeLaneDue } from '../networks/mail.ts'
import { networkOf } from '../networks/network.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { type Connection, type ConnectionState, connectionOf, openConnectionOf, usualAskFirst } from './connection.ts'
import { ensureMapping } from './mapping.ts'
import { sealGrant } from './sealed-grant.ts'

export async function takeBook(
  tx: Tx,
  deps: { clock: Clock; seal: Seal },
  ask: {
    consentId: Uuid
    organisationId: Uuid
    networkId: Uuid
    kind: BookKind
    actor: string
    grant: Grant
    profile: BookProfile
    /** What the connector needs and the person did not grant. */
    missing: readonly string[]
  },
): Promise<Connection> {
  const { organisationId, kind, grant, profile, missing } = ask
  // Who takes this book, or gives this organisation another, waits here; the database's unique keys stand behind it.
  await tx.$queryRaw`select id from organisation where id = ${organisationId}::uuid for update`
  await tx.$queryRaw`select pg_advisory_xact_lock(hashtextextended(${`book ${kind} ${grant.bookId}`}, 0))::text`
  const { count } = await tx.consent.updateMany({
    where: { id: ask.consentId, chosenAt: null },
    data: { chosenAt: await databaseNow(tx), grantsSealed: null },
  })
  if (count === 0) throw new Refusal('consent_used', {})
  const network = await networkOf(tx, ask.networkId)
  if (profile.currency !== network.currency)
    throw new Refusal('currency_differs', { book: profile.name, currency: profile.currency, wanted: network.currency })
  const held = await openConnectionOf(tx, organisationId)
  if (held && held.kind !== kind) throw new Refusal('already_connected', { book: held.bookName })
  if (held && held.bookId !== grant.bookId)
    throw new Refusal('other_book_chosen', { chosen: profile.name, connected: held.bookName })
  const elsewhere = await tx.connection.count({
    where: { kind, bookId: grant.bookId, state: { not: 'ended' }, organisationId: { not: organisationId } },
  })
  if (elsewhere > 0) throw new Refusal('book_of_other_member', { book: profile.name })
  const id = held?.id ?? (await connectionBefore(tx, ask))
  const connectionId = id ? await connectAgain(tx, deps, id, ask) : await connectFirst(tx, deps, ask)
  await writeGrant(tx, deps, connectionId, grant)
  await ensureMapping(tx, { connectionId, network, profile })
  await makeLaneDue(tx, organisationId, 'book')
  if (missing.length > 0) await tellMissing(tx, deps.clock, connectionId, missing)
  const facts = { kind, book: profile.name, again: id !== null, missing: missing.join(' ') || null }
  await recordDeed(tx, deps.clock, {
    networkId: network.id,
    organisationId,
    actor: ask.actor,
    what: 'book_connected',
    facts,
  })
  return connectionOf(tx, connectionId)
}

/** Named where the connection is shown; what the consent covers works, the rest is refused by name when it is wanted. */
async function tellMissing(tx: Tx, clock: Clock, id: Uuid, missing: readonly string[]): Promise<void> {
  const { state } = await connectionOf(tx, id)
  const lastError = { cause: 'scope_missing', at: clock.now().toISOString(), was: state, missing: missing.join(' ') }
  await tx.connection.update({ where: { id }, data: { lastError } })
}

async function connectionBefore(
  tx: Tx,
  ask: { organisationId: Uuid; kind: BookKind; grant: Grant },
): Promise<Uuid | null> {
  const { organisationId, kind } = ask
  const row = await tx.connection.findFirst({
    where: { organisationId, kind, bookId: ask.grant.bookId },
    orderBy: { id: 'desc' },
    select: { id: true },
  })
  return row?.id ?? null
}

async function connectFirst(
  tx: Tx,
  deps: { clock: Clock },
  ask: { organisationId: Uuid; kind: BookKind; actor: string; grant: Grant; profile: BookProfile },
): Promise<Uuid> {
  const at = deps.clock.now()
  const id = newId(at)
  await tx.connection.create({
    data: {
      id,
      organisationId: ask.organisationId,
      kind: ask.kind,
      bookId: ask.grant.bookId,
      bookName: ask.profile.name,
      state: 'mapping',
      askFirst: usualAskFirst,
      profile: ask.profile,
      profileReadAt: at,
      lastGoodCallAt: at,
      madeBy: ask.actor,
      madeAt: at,
    },
  })
  return id
}

/** The same id, so that all that was sent and mapped is still there; it goes back to where it was. */
async function connectAgain(
  tx: Tx,
  deps: { clock: Clock },
  id: Uuid,
  ask: { actor: string; profile: BookProfile },
): Promise<Uuid> {
  const at = deps.clock.now()
  const held = await connectionOf(tx, id)
  const mapped = await tx.mapping.count({ where: { connectionId: id, confirmedAt: { not: null } } })
  const wasPaused = held.state === 'paused' || (held.state === 'needs_sign_in' && held.lastError?.was === 'paused')
  const state: ConnectionState = mapped === 0 ? 'mapping' : wasPaused ? 'paused' : 'live'
  await tx.connection.update({
    where: { id },
    data: {
      state,
      bookName: ask.profile.name,
      profile: ask.profile,
      profileReadAt: at,
      lastGoodCallAt: at,
      madeBy: ask.actor,
      endedAt: null,
    },
  })
  await tx.$executeRaw`update connection set last_error = null where id = ${id}::uuid`
  return id
}

async function writeGrant(tx: Tx, deps: { seal: Seal }, connectionId: Uuid, grant: Grant): Promise<void> {
  const written = {
    sealed: sealGrant(deps.seal, connectionId, 'sealed', grant),
    previousSealed: null,
    previousUntil: null,
    accessEndsAt: grant.accessEndsAt,
    refreshEndsAt: grant.refreshEndsAt,
    hardEndsAt: grant.hardEndsAt,
    refreshedAt: await databaseNow(tx),
    deadAt: null,
  }
  await tx.bookGrant.upsert({ where: { connectionId }, create: { connectionId, ...written }, update: written })
}
