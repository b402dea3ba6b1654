/**
 * An organisation's place in one network: its standing, its limits as they stand on its account, its invoice numbers.
 */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Organisation, organisationFrom } from './organisation.ts'

export const standings = ['invited', 'applied', 'admitted', 'suspended', 'leaving', 'left'] as const
export type Standing = (typeof standings)[number]

export const standingMoves = {
  invited: ['applied', 'admitted', 'left'], // admitted at once when the convener has the evidence already
  applied: ['admitted', 'left'],
  admitted: ['suspended', 'leaving'],
  suspended: ['admitted', 'leaving'],
  leaving: ['admitted', 'left'],
  left: ['invited'], // comes back to the same place, account and history
} as const satisfies Record<Standing, readonly Standing[]>

export type MemberAccount = {
  id: Uuid
  balanceMinor: bigint
  /** As a positive amount; null: no limit. */
  creditLimitMinor: bigint | null
  exposureLimitMinor: bigint | null
  softCreditLimitMinor: bigint | null
  softExposureLimitMinor: bigint | null
  frozen: boolean
  neverBelowZero: boolean
  heldOutMinor: bigint
  heldInMinor: bigint
}
export type Member = {
  networkId: Uuid
  id: Uuid
  organisationId: Uuid
  accountId: Uuid
  standing: Standing
  standingReason: string | null
  invoicePrefix: string
  invoiceSeries: number
  invoiceNext: number
  termsAgreedVersion: number | null
  invitedAt: Date
  admittedAt: Date | null
  organisation: Organisation
  account: MemberAccount
}

export async function memberOf(tx: Tx, networkId: Uuid, memberId: Uuid): Promise<Member> {
  const row = await tx.member.findUnique({ where: { networkId_id: { networkId, id: memberId } } })
  if (!row) throw new Refusal('not_found', { thing: 'member' })
  const [member] = await whole(tx, networkId, [row])
  invariant(member, `member ${memberId} fell apart`)
  return member
}

/** The same, and nobody else moves it until this transaction ends. */
export async function lockMember(tx: Tx, networkId: Uuid, memberId: Uuid): Promise<Member> {
  await tx.$queryRaw`select id from member where network_id = ${networkId}::uuid and id = ${memberId}::uuid for update`
  return memberOf(tx, networkId, memberId)
}

export async function memberOfOrganisation(tx: Tx, networkId: Uuid, organisationId: Uuid): Promise<Member | null> {
  const row = await tx.member.findUnique({ where: { networkId_organisationId: { networkId, organisationId } } })
  return row ? memberOf(tx, networkId, row.id) : null
}

/** In order of invitation; `after` is the id of the last one seen. */
export async function membersOf(
  tx: Tx,
  networkId: Uuid,
  asked: { after?: Uuid | null; limit: number; standings?: readonly Standing[] },
): Promise<Member[]> {
  const rows = await tx.member.findMany({
    where: {
      networkId,
      ...(asked.after ? { id: { gt: asked.after } } : {}),
      ...(asked.standings ? { standing: { in: [...asked.standings] } } : {}),
    },
    orderBy: { id: 'asc' },
    take: asked.limit,
  })
  return whole(tx, networkId, rows)
}

/** The places of one organisation in all networks that the caller sees. */
export async function membershipsOf(tx: Tx, organisationId: Uuid): Promise<Member[]> {
  const rows = await tx.member.findMany({ where: { organisationId }, orderBy: { id: 'asc' } })
  return Promise.all(rows.map((row) => memberOf(tx, row.networkId, row.id)))
}

type Row = NonNullable<Awaited<ReturnType<Tx['member']['findUnique']>>>

async function whole(tx: Tx, networkId: Uuid, rows: Row[]): Promise<Member[]> {
  const organisations = await tx.organisation.findMany({ where: { id: { in: rows.map((row) => row.organisationId) } } })
  const accounts = await tx.account.findMany({ where: { networkId, id: { in: rows.map((row) => row.accountId) } } })
  const organisationById = new Map(organisations.map((one) => [one.id, one]))
  const accountById = new Map(accounts.map((one) => [one.id, one]))
  return rows.map((row) => {
    const organisation = organisationById.get(row.organisationId)
    const account = accountById.get(row.accountId)
    invariant(organisation && account, `member ${row.id} lacks its organisation or account`)
    return {
      ...row,
      standing: row.standing as Standing,
      organisation: organisationFrom(organisation),
      account: {
        id: account.id,
        balanceMinor: account.balanceMinor,
        creditLimitMinor: account.floorMinor === null ? null : -account.floorMinor,
        exposureLimitMinor: account.ceilingMinor,
        softCreditLimitMinor: account.softFloorMinor === null ? null : -account.softFloorMinor,
        softExposureLimitMinor: account.softCeilingMinor,
        frozen: account.frozen,
        neverBelowZero: account.neverBelowZero,
        heldOutMinor: account.heldOutMinor,
        heldInMinor: account.heldInMinor,
      },
    }
  })
}

/** May it become that? As a refusal. */
export function mustMove(member: Member, to: Standing): void {
  const moves: readonly Standing[] = standingMoves[member.standing]
  if (!moves.includes(to)) throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: to })
}
