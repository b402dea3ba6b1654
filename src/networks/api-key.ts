/**
 * Keys for programs: one role, one network or organisation, an end, and reading only if so made. Only the hash is kept.
 */

import { askAsWorker } from '../kit/ask-as-worker.ts'
import { type Clock, instantOf } from '../kit/clock.ts'
import { type Db, databaseNow, type Tx } from '../kit/db.ts'
import { idText, newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from './record-deed.ts'
import { type Actor, type MemberRole, memberRoles, type NetworkRole, networkRoles } from './roles.ts'
import { hashOf, newSecret } from './secret.ts'

export type KeyRole = 'operator' | 'convener' | 'auditor' | MemberRole
export type ApiKey = {
  id: Uuid
  name: string
  role: KeyRole
  networkId: Uuid | null
  organisationId: Uuid | null
  mayWrite: boolean
  madeBy: string
  madeAt: Date
  expiresAt: Date
  revokedAt: Date | null
  seenAt: Date | null
}

const longestDays = 366
const dayMs = 86_400_000

export type NewKey = {
  name: string
  /** A convener's or auditor's key names the network; a member's, the organisation. */
  role: KeyRole
  networkId?: Uuid | null
  organisationId?: Uuid | null
  mayWrite: boolean
  /** At most a year. */
  livesDays: number
  actor: string
}

/** The secret is told this once. */
export async function makeKey(tx: Tx, clock: Clock, ask: NewKey): Promise<{ key: ApiKey; secret: string }> {
  const networkId = ask.networkId ?? null
  const organisationId = ask.organisationId ?? null
  const wantsNetwork = (networkRoles as readonly string[]).includes(ask.role)
  const wantsOrganisation = (memberRoles as readonly string[]).includes(ask.role)
  if (wantsNetwork !== (networkId !== null)) throw new Refusal('not_found', { thing: 'network for this key' })
  if (wantsOrganisation !== (organisationId !== null))
    throw new Refusal('not_found', { thing: 'organisation for this key' })
  const secret = `qk_${newSecret()}`
  const madeAt = await databaseNow(tx)
  const days = Math.min(Math.max(ask.livesDays, 1), longestDays)
  const row = await tx.apiKey.create({
    data: {
      id: newId(clock.now()),
      secretHash: hashOf(secret),
      name: ask.name.trim(),
      role: ask.role,
      networkId,
      organisationId,
      mayWrite: ask.mayWrite,
      madeBy: ask.actor,
      madeAt,
      expiresAt: instantOf(madeAt.getTime() + days * dayMs),
    },
  })
  const facts = { key: idText('apiKey', row.id), name: row.name, role: row.role, mayWrite: row.mayWrite }
  await recordDeed(tx, clock, { networkId, organisationId, actor: ask.actor, what: 'key_made', facts })
  return { key: keyFrom(row), secret }
}

/** What key_holder() tells of a key that lives. */
export type KeyHolder = Pick<ApiKey, 'id' | 'name' | 'role' | 'networkId' | 'organisationId' | 'mayWrite'>

/** Who asks with this secret; null when it is none of ours, has ended or was revoked. */
export async function actorOfKey(deps: { db: Db }, secret: string): Promise<Actor | null> {
  if (!isSecretOfKey(secret)) return null
  const holder = await askAsWorker<KeyHolder | null>(deps.db, 'key_holder($1)', [hashOf(secret)])
  return holder && actorOf(holder)
}

export function isSecretOfKey(secret: string): boolean {
  return /^qk_[A-Za-z0-9_-]{43}$/.test(secret)
}

export function actorOf(holder: KeyHolder): Actor {
  const { networkId, organisationId } = holder
  return {
    id: idText('apiKey', holder.id),
    personId: null,
    name: holder.name,
    isOperator: holder.role === 'operator',
    serves: networkId ? [{ networkId, role: holder.role as NetworkRole }] : [],
    actsFor: organisationId ? [{ organisationId, role: holder.role as MemberRole }] : [],
    mayWrite: holder.mayWrite,
  }
}

export async function revokeKey(tx: Tx, clock: Clock, ask: { keyId: Uuid; actor: string }): Promise<ApiKey> {
  const held = await apiKeyOf(tx, ask.keyId)
  if (held.revokedAt) return held
  const row = await tx.apiKey.update({ where: { id: held.id }, data: { revokedAt: await databaseNow(tx) } })
  const { networkId, organisationId } = held
  const facts = { key: idText('apiKey', held.id), name: held.name }
  await recordDeed(tx, clock, { networkId, organisationId, actor: ask.actor, what: 'key_revoked', facts })
  return keyFrom(row)
}

export async function apiKeyOf(tx: Tx, keyId: Uuid): Promise<ApiKey> {
  const row = await tx.apiKey.findUnique({ where: { id: keyId } })
  if (!row) throw new Refusal('not_found', { thing: 'key' })
  return keyFrom(row)
}

export async function keysOf(
  tx: Tx,
  asked: { networkId?: Uuid; organisationId?: Uuid; operator?: boolean },
  page: { after: Uuid | null; limit: number } = { after: null, limit: 200 },
): Promise<ApiKey[]> {
  const { networkId, organisationId } = asked
  const where = networkId ? { networkId } : organisationId ? { organisationId } : { role: 'operator' }
  const rows = await tx.apiKey.findMany({
    where: { ...where, ...(page.after ? { id: { lt: page.after } } : {}) },
    orderBy: { id: 'desc' },
    take: page.limit,
  })
  return rows.map(keyFrom)
}

type Row = NonNullable<Awaited<ReturnType<Tx['apiKey']['findUnique']>>>

function keyFrom({ secretHash: _kept, ...row }: Row): ApiKey {
  return { ...row, role: row.role as KeyRole }
}
