/**
 * Standing consents: a member accepts from another without being asked, up to an amount of credits a calendar month.
 *
 * Keeps: one consent for each pair and side; the sum of the month is kept under the ledger's lock by accept_trades().
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { largestAmountMinor } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { memberOf } from '../networks/member.ts'
import { recordDeed } from '../networks/record-deed.ts'
import type { TradeAsk } from './proposal.ts'
import type { Side } from './trade.ts'

export type StandingConsent = {
  networkId: Uuid
  id: Uuid
  memberId: Uuid
  fromMemberId: Uuid
  /** The side on which `memberId` accepts. */
  side: Side
  aMonthMinor: bigint
  givenBy: string
  givenAt: Date
  revokedAt: Date | null
}

/** A new amount replaces the old consent; what was used this month under it does not count against the new one. */
export async function giveConsent(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; memberId: Uuid; fromMemberId: Uuid; side: Side; aMonthMinor: bigint; actor: string },
): Promise<StandingConsent> {
  if (ask.memberId === ask.fromMemberId) throw new Refusal('trade_with_itself', {})
  if (ask.aMonthMinor <= 0n) throw new Refusal('amount_must_be_positive', {})
  if (ask.aMonthMinor > largestAmountMinor) throw new Refusal('amount_too_large', {})
  const member = await memberOf(tx, ask.networkId, ask.memberId)
  await memberOf(tx, ask.networkId, ask.fromMemberId)
  const at = clock.now()
  const { networkId, memberId, fromMemberId, side } = ask
  await tx.$queryRaw`select id from member where network_id = ${networkId}::uuid and id = ${memberId}::uuid for update`
  await tx.standingConsent.updateMany({
    where: { networkId, memberId, fromMemberId, side, revokedAt: null },
    data: { revokedAt: at },
  })
  const row = await tx.standingConsent.create({
    data: {
      networkId,
      id: newId(at),
      memberId,
      fromMemberId,
      side,
      aMonthMinor: ask.aMonthMinor,
      givenBy: ask.actor,
      givenAt: at,
    },
  })
  const facts = { consentId: row.id, side, aMonthMinor: ask.aMonthMinor.toString(), fromMemberId }
  await recordDeed(tx, clock, {
    networkId,
    organisationId: member.organisationId,
    actor: ask.actor,
    what: 'standing_consent_given',
    facts,
  })
  return { ...row, side: row.side as Side }
}

export async function revokeConsent(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; memberId: Uuid; consentId: Uuid; actor: string },
): Promise<void> {
  const { networkId, memberId, consentId } = ask
  const member = await memberOf(tx, networkId, memberId)
  const row = await tx.standingConsent.findFirst({ where: { networkId, id: consentId, memberId } })
  if (!row) throw new Refusal('not_found', { thing: 'standing consent' })
  if (row.revokedAt) return
  await tx.standingConsent.update({
    where: { networkId_id: { networkId, id: consentId } },
    data: { revokedAt: clock.now() },
  })
  await recordDeed(tx, clock, {
    networkId,
    organisationId: member.organisationId,
    actor: ask.actor,
    what: 'standing_consent_revoked',
    facts: { consentId },
  })
}

/** Those that a member gave and has not revoked, newest first. */
export async function consentsOf(
  tx: Tx,
  networkId: Uuid,
  memberId: Uuid,
  page: { after: Uuid | null; limit: number } = { after: null, limit: 200 },
): Promise<StandingConsent[]> {
  const rows = await tx.standingConsent.findMany({
    where: { networkId, memberId, revokedAt: null, ...(page.after ? { id: { lt: page.after } } : {}) },
    orderBy: { id: 'desc' },
    take: page.limit,
  })
  return rows.map((row) => ({ ...row, side: row.side as Side }))
}

/** The consent on which the other side would accept this proposal at once, if it gave one. */
export async function consentFor(
  tx: Tx,
  ask: Pick<TradeAsk, 'networkId' | 'sellerMemberId' | 'buyerMemberId' | 'proposedBy'>,
): Promise<Uuid | null> {
  const isFromSeller = ask.proposedBy === 'seller'
  const row = await tx.standingConsent.findFirst({
    where: {
      networkId: ask.networkId,
      memberId: isFromSeller ? ask.buyerMemberId : ask.sellerMemberId,
      fromMemberId: isFromSeller ? ask.sellerMemberId : ask.buyerMemberId,
      side: isFromSeller ? 'buyer' : 'seller',
      revokedAt: null,
    },
    select: { id: true },
  })
  return row?.id ?? null
}
