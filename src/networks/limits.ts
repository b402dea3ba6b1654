/**
 * Credit limit and exposure limit: set by a convener with a reason, every change kept; what posting asks stands on the
 * account's row and nowhere else.
 *
 * Keeps: nobody's limit is above the network's terms; a restricted member has no credit.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { portion } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { writeFrozen } from './frozen.ts'
import { lockMember, type Member, memberOf } from './member.ts'
import { recordDeed } from './record-deed.ts'
import { currentTerms } from './terms.ts'

export type LimitKind = 'credit_limit' | 'exposure_limit' | 'frozen' | 'legal_floor'
export type LimitChange = {
  id: Uuid
  what: LimitKind
  fromMinor: bigint | null
  toMinor: bigint | null
  reason: string
  changedBy: string
  changedAt: Date
}

export type LimitsAsk = {
  networkId: Uuid
  memberId: Uuid
  creditLimitMinor?: bigint | undefined
  exposureLimitMinor?: bigint | undefined
  /** A convener stops a member from buying, or lets it buy again. */
  frozen?: boolean | undefined
  reason: string
  actor: string
}

export async function setLimits(tx: Tx, clock: Clock, ask: LimitsAsk): Promise<Member> {
  if (ask.reason.trim() === '') throw new Refusal('reason_missing', {})
  const member = await lockMember(tx, ask.networkId, ask.memberId)
  const isMoving = ask.creditLimitMinor !== undefined || ask.exposureLimitMinor !== undefined
  if (isMoving && member.standing !== 'admitted' && member.standing !== 'suspended')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'given limits' })
  const changed = await writeLimits(tx, clock, member, ask)
  if (ask.frozen !== undefined) await freezeByConvener(tx, clock, member, { ...ask, frozen: ask.frozen })
  const facts = {
    reason: ask.reason,
    creditLimitMinor: ask.creditLimitMinor?.toString() ?? null,
    exposureLimitMinor: ask.exposureLimitMinor?.toString() ?? null,
    frozen: ask.frozen ?? null,
  }
  const { networkId, organisationId } = member
  if (changed || ask.frozen !== undefined)
    await recordDeed(tx, clock, { networkId, organisationId, actor: ask.actor, what: 'limits_set', facts })
  return memberOf(tx, ask.networkId, ask.memberId)
}

/** Puts limits on the account's row and each change into the history. For this room's own moves, which have asked already. */
export async function writeLimits(
  tx: Tx,
  clock: Clock,
  member: Member,
  ask: {
    creditLimitMinor?: bigint | undefined
    exposureLimitMinor?: bigint | undefined
    reason: string
    actor: string
  },
): Promise<boolean> {
  const terms = await currentTerms(tx, member.networkId)
  const held = member.account
  const credit = ask.creditLimitMinor ?? held.creditLimitMinor ?? 0n
  const exposure = ask.exposureLimitMinor ?? held.exposureLimitMinor ?? 0n
  if (ask.creditLimitMinor !== undefined) {
    if (credit > 0n && (member.organisation.restricted || held.neverBelowZero))
      throw new Refusal('restricted_has_no_credit', {})
    mustBeWithin(credit, terms.maxCreditLimitMinor)
  }
  if (ask.exposureLimitMinor !== undefined) mustBeWithin(exposure, terms.maxExposureLimitMinor)
  if (credit === held.creditLimitMinor && exposure === held.exposureLimitMinor) return false
  await tx.account.update({
    where: { networkId_id: { networkId: member.networkId, id: member.accountId } },
    data: {
      floorMinor: -credit,
      ceilingMinor: exposure,
      softFloorMinor: credit === 0n ? null : -portion(credit, terms.softLimitBasisPoints, 'down'),
      softCeilingMinor: portion(exposure, terms.softLimitBasisPoints, 'down'),
    },
    select: { id: true },
  })
  if (credit !== held.creditLimitMinor)
    await recordLimit(tx, clock, member, { ...ask, what: 'credit_limit', from: held.creditLimitMinor, to: credit })
  if (exposure !== held.exposureLimitMinor)
    await recordLimit(tx, clock, member, {
      ...ask,
      what: 'exposure_limit',
      from: held.exposureLimitMinor,
      to: exposure,
    })
  return true
}

export async function recordLimit(
  tx: Tx,
  clock: Clock,
  member: { networkId: Uuid; id: Uuid },
  change: { what: LimitKind; from: bigint | null; to: bigint | null; reason: string; actor: string },
): Promise<void> {
  const at = clock.now()
  await tx.limitChange.create({
    data: {
      networkId: member.networkId,
      id: newId(at),
      memberId: member.id,
      what: change.what,
      fromMinor: change.from,
      toMinor: change.to,
      reason: change.reason.trim().slice(0, 500),
      changedBy: change.actor,
      changedAt: at,
    },
  })
}

/** Newest first. `frozen` and `legal_floor` are told as 1 and 0. */
export async function limitHistory(
  tx: Tx,
  asked: { networkId: Uuid; memberId: Uuid; limit: number; after?: Uuid | null },
): Promise<LimitChange[]> {
  const rows = await tx.limitChange.findMany({
    where: {
      networkId: asked.networkId,
      memberId: asked.memberId,
      ...(asked.after ? { id: { lt: asked.after } } : {}),
    },
    orderBy: [{ changedAt: 'desc' }, { id: 'desc' }],
    take: asked.limit,
  })
  return rows.map((row) => ({ ...row, what: row.what as LimitKind }))
}

async function freezeByConvener(
  tx: Tx,
  clock: Clock,
  member: Member,
  ask: { frozen: boolean; reason: string; actor: string },
): Promise<void> {
  const change = { what: 'frozen' as const, from: ask.frozen ? 0n : 1n, to: ask.frozen ? 1n : 0n }
  await recordLimit(tx, clock, member, { ...ask, ...change })
  await writeFrozen(tx, member)
}

function mustBeWithin(limitMinor: bigint, mostMinor: bigint): void {
  if (limitMinor < 0n || limitMinor > mostMinor)
    throw new Refusal('limit_above_terms', { mostMinor: String(mostMinor) })
}
