/**
 * Who in a network needs the convener, worst first: what waits for an admission, a yes or a sign-in, and how long.
 *
 * Never: shows what stands in a member's book; only whether it is reached and how long something has been waiting.
 */
import { type ConnectionHealth, healthOfNetwork } from '../../../books/connection.ts'
import type { Tx } from '../../../kit/db.ts'
import type { Uuid } from '../../../kit/ids.ts'
import { type Member, membersOf } from '../../../networks/member.ts'

/** More than this on one page would be read by nobody; the others are a link away. */
export const membersAPage = 200

export type Watched = {
  member: Member
  health: ConnectionHealth | null
  /** Deliveries that wait for a person, and the oldest one that is not in its book yet. */
  parked: number
  oldestWaitingAt: Date | null
  openLimitAsks: number
}

/** Runs as the worker: the states of connections and lanes are everybody's. */
export async function membersWatched(
  tx: Tx,
  networkId: Uuid,
  after: Uuid | null = null,
): Promise<{ list: Watched[]; next: Uuid | null }> {
  const found = await membersOf(tx, networkId, { after, limit: membersAPage + 1 })
  const members = found.slice(0, membersAPage)
  const health = new Map((await healthOfNetwork(tx, networkId)).map((one) => [one.organisationId, one]))
  const waiting = await tx.$queryRaw<{ organisationId: Uuid; parked: bigint; oldest: Date | null }[]>`
    select organisation_id as "organisationId", count(*) filter (where state = 'parked') as parked, min(promised_at) as oldest
    from delivery where network_id = ${networkId}::uuid and state in ('waiting', 'sending', 'parked') group by organisation_id`
  const waitingOf = new Map(waiting.map((one) => [one.organisationId, one]))
  const asks = await tx.limitAsk.groupBy({ by: ['memberId'], where: { networkId, state: 'open' }, _count: true })
  const asksOf = new Map(asks.map((one) => [one.memberId, one._count]))
  const list = members
    .map((member) => ({
      member,
      health: health.get(member.organisationId) ?? null,
      parked: Number(waitingOf.get(member.organisationId)?.parked ?? 0n),
      oldestWaitingAt: waitingOf.get(member.organisationId)?.oldest ?? null,
      openLimitAsks: asksOf.get(member.id) ?? 0,
    }))
    .sort(worstFirst)
  return { list, next: found.length > members.length ? (members.at(-1)?.id ?? null) : null }
}

/** What is worse comes first; of the same, what has waited longer; then by name. */
export function worstFirst(one: Watched, other: Watched): number {
  return (
    badness(other) - badness(one) ||
    (one.oldestWaitingAt?.getTime() ?? Infinity) - (other.oldestWaitingAt?.getTime() ?? Infinity) ||
    one.member.organisation.name.localeCompare(other.member.organisation.name)
  )
}

export function badness({ member, health, parked, oldestWaitingAt, openLimitAsks }: Watched): number {
  if (member.standing === 'left') return -1
  if (health?.state === 'needs_sign_in') return 7
  if (parked > 0) return 6
  if (member.standing === 'applied' || member.organisation.reviewDueAt !== null || openLimitAsks > 0) return 5
  if (health?.lastCause) return 4
  if (oldestWaitingAt !== null && health?.state !== 'live') return 3
  if (member.standing === 'suspended' || member.standing === 'leaving' || member.account.frozen) return 2
  if (member.standing === 'invited') return 1
  return 0
}
