/**
 * The convener's moves of a member: admit, suspend, restore, let it leave, release it.
 *
 * Keeps: a leaver's account can only move towards zero (both limits are zero), and it leaves with a balance of zero.
 * Runs as the worker: the member is told by mail.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { showAmount } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { writeFrozen } from './frozen.ts'
import { writeLimits } from './limits.ts'
import { queueMailToOrganisation } from './mail.ts'
import { lockMember, type Member, memberOf, mustMove, type Standing } from './member.ts'
import { networkOf } from './network.ts'
import { recordDeed } from './record-deed.ts'
import { currentTerms } from './terms.ts'

type Ask = { networkId: Uuid; memberId: Uuid; actor: string }

/** Limits left out are the usual ones of the terms; a restricted member's credit limit is zero. */
export async function admit(
  tx: Tx,
  clock: Clock,
  ask: Ask & {
    creditLimitMinor?: bigint | undefined
    exposureLimitMinor?: bigint | undefined
    reason?: string | undefined
    /** Imported members are told by their convener, not by us. */
    untold?: boolean
  },
): Promise<Member> {
  const member = await lockMember(tx, ask.networkId, ask.memberId)
  if (member.standing !== 'invited' && member.standing !== 'applied')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'admitted' })
  if (!member.organisation.evidence)
    throw new Refusal('evidence_missing', { wanted: 'the legal form with its number or statement' })
  const terms = await currentTerms(tx, ask.networkId)
  const { restricted } = member.organisation
  const agreed = member.termsAgreedVersion ?? terms.version
  await stand(tx, member, 'admitted', { admittedAt: clock.now(), termsAgreedVersion: agreed, standingReason: null })
  await writeLegalFloor(tx, member, restricted)
  await writeLimits(tx, clock, member, {
    creditLimitMinor: ask.creditLimitMinor ?? (restricted ? 0n : terms.defaultCreditLimitMinor),
    exposureLimitMinor: ask.exposureLimitMinor ?? terms.defaultExposureLimitMinor,
    reason: ask.reason ?? 'on admission',
    actor: ask.actor,
  })
  const admitted = await memberOf(tx, ask.networkId, ask.memberId)
  if (ask.untold) return told(tx, clock, admitted, ask, 'member_admitted', null)
  const network = await networkOf(tx, ask.networkId)
  const show = (minor: bigint | null) => showAmount(minor ?? 0n, network.currency, network.scale)
  await queueMailToOrganisation(tx, clock, member.organisationId, ['owner'], {
    kind: 'admitted',
    subject: `${member.organisation.name} is a member of ${network.name}`,
    paragraphs: [
      `Welcome. You may sell until your balance reaches ${show(admitted.account.exposureLimitMinor)}.`,
      restricted
        ? 'By its legal form your business stays in credit: you buy with what you have earned.'
        : `You may buy until your balance reaches ${show(-(admitted.account.creditLimitMinor ?? 0n))}.`,
    ],
  })
  return told(tx, clock, admitted, ask, 'member_admitted', null)
}

/** May sell, not buy. */
export async function suspend(tx: Tx, clock: Clock, ask: Ask & { reason: string }): Promise<Member> {
  const member = await moving(tx, ask, 'suspended')
  await stand(tx, member, 'suspended', { standingReason: reasonOf(ask) })
  await writeFrozen(tx, member)
  await mailReason(tx, clock, member, 'suspended', 'may sell but not buy for now', ask.reason)
  return told(tx, clock, member, ask, 'member_suspended', ask.reason)
}

/** Back from suspension or from leaving. It stays frozen where another reason stands. */
export async function restore(tx: Tx, clock: Clock, ask: Ask & { reason: string }): Promise<Member> {
  const member = await moving(tx, ask, 'admitted')
  if (member.standing !== 'suspended' && member.standing !== 'leaving')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'restored' })
  await stand(tx, member, 'admitted', { standingReason: null })
  if (member.standing === 'leaving') {
    const limits = await limitsBeforeLeaving(tx, member)
    await writeLimits(tx, clock, member, { ...limits, reason: reasonOf(ask), actor: ask.actor })
  }
  await writeFrozen(tx, member)
  await mailReason(tx, clock, member, 'restored', 'may buy and sell as before', ask.reason)
  return told(tx, clock, member, ask, 'member_restored', ask.reason)
}

/** From now on its balance may only move towards zero. */
export async function startLeaving(tx: Tx, clock: Clock, ask: Ask & { reason: string }): Promise<Member> {
  const member = await moving(tx, ask, 'leaving')
  await writeLimits(tx, clock, member, {
    creditLimitMinor: 0n,
    exposureLimitMinor: 0n,
    reason: `leaving: ${reasonOf(ask)}`,
    actor: ask.actor,
  })
  await stand(tx, member, 'leaving', { standingReason: reasonOf(ask) })
  await writeFrozen(tx, member)
  const says = 'is leaving: its balance may only move towards zero'
  await mailReason(tx, clock, member, 'leaving', says, ask.reason)
  return told(tx, clock, member, ask, 'member_leaving', ask.reason)
}

/** Left for good, or never admitted. The account stays, with its history, at zero. */
export async function release(tx: Tx, clock: Clock, ask: Ask & { reason: string }): Promise<Member> {
  const member = await moving(tx, ask, 'left')
  await tx.$queryRaw`
    select id from account where network_id = ${member.networkId}::uuid and id = ${member.accountId}::uuid for update`
  const { account } = await memberOf(tx, ask.networkId, ask.memberId)
  const isStill = account.balanceMinor === 0n && account.heldInMinor === 0n && account.heldOutMinor === 0n
  if (!isStill) throw new Refusal('balance_not_zero', { balanceMinor: String(account.balanceMinor) })
  await stand(tx, member, 'left', { standingReason: reasonOf(ask) })
  await mailReason(tx, clock, member, 'left', 'is no member any more', ask.reason)
  return told(tx, clock, member, ask, 'member_left', ask.reason)
}

/** The legal floor on the account's row; true also takes its credit away. */
export async function writeLegalFloor(tx: Tx, member: Member, neverBelowZero: boolean): Promise<void> {
  await tx.account.update({
    where: { networkId_id: { networkId: member.networkId, id: member.accountId } },
    data: { neverBelowZero },
    select: { id: true },
  })
}

async function moving(tx: Tx, ask: Ask & { reason: string }, to: Standing): Promise<Member> {
  reasonOf(ask)
  const member = await lockMember(tx, ask.networkId, ask.memberId)
  mustMove(member, to)
  return member
}

function reasonOf(ask: { reason: string }): string {
  const reason = ask.reason.trim()
  if (reason === '') throw new Refusal('reason_missing', {})
  return reason.slice(0, 400)
}

async function stand(
  tx: Tx,
  member: Member,
  standing: Standing,
  rest: { standingReason: string | null; admittedAt?: Date; termsAgreedVersion?: number },
): Promise<void> {
  await tx.member.update({
    where: { networkId_id: { networkId: member.networkId, id: member.id } },
    data: { standing, ...rest },
  })
}

/** What leaving took away stands in the history; a restricted member gets no credit back. */
async function limitsBeforeLeaving(tx: Tx, member: Member) {
  const before = async (what: 'credit_limit' | 'exposure_limit') => {
    const last = await tx.limitChange.findFirst({
      where: { networkId: member.networkId, memberId: member.id, what },
      orderBy: [{ changedAt: 'desc' }, { id: 'desc' }],
    })
    return last?.reason.startsWith('leaving: ') ? (last.fromMinor ?? 0n) : (last?.toMinor ?? 0n)
  }
  const credit = member.organisation.restricted || member.account.neverBelowZero ? 0n : await before('credit_limit')
  const { maxCreditLimitMinor, maxExposureLimitMinor } = await currentTerms(tx, member.networkId)
  const least = (one: bigint, other: bigint) => (one < other ? one : other)
  return {
    creditLimitMinor: least(credit, maxCreditLimitMinor),
    exposureLimitMinor: least(await before('exposure_limit'), maxExposureLimitMinor),
  }
}

async function mailReason(
  tx: Tx,
  clock: Clock,
  member: Member,
  kind: string,
  says: string,
  reason: string,
): Promise<void> {
  const network = await networkOf(tx, member.networkId)
  await queueMailToOrganisation(tx, clock, member.organisationId, ['owner'], {
    kind: `member_${kind}`,
    subject: `${member.organisation.name} in ${network.name}: ${kind}`,
    paragraphs: [`${member.organisation.name} ${says} in ${network.name}.`, `The reason given: ${reason.trim()}`],
  })
}

async function told(
  tx: Tx,
  clock: Clock,
  member: Member,
  ask: Ask,
  what: string,
  reason: string | null,
): Promise<Member> {
  const place = { networkId: member.networkId, organisationId: member.organisationId }
  await recordDeed(tx, clock, { ...place, actor: ask.actor, what, facts: { reason } })
  return memberOf(tx, member.networkId, member.id)
}
