/**
 * Accounts: the places of a network's ledger that have a balance.
 *
 * Keeps: above zero the network owes the account, below zero the account owes the network; all of a network sum to zero.
 * Never: writes a balance. Limits, the freeze and the legal floor are set here on opening and by networks/limits later.
 */
import { createHash } from 'node:crypto'
import type { Tx } from '../kit/db.ts'
import { idOfCause, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'

export type AccountKind =
  | 'member'
  | 'fees'
  | 'sponsor'
  | 'gateway'
  | 'staff_pool'
  | 'staff'
  | 'write_off_reserve'
  | 'settlement'

export type Account = {
  networkId: Uuid
  id: Uuid
  kind: AccountKind
  memberId: Uuid | null
  /** Null: no limit. Zero or below. */
  floorMinor: bigint | null
  ceilingMinor: bigint | null
  softFloorMinor: bigint | null
  softCeilingMinor: bigint | null
  frozen: boolean
  neverBelowZero: boolean
  balanceMinor: bigint
  heldOutMinor: bigint
  heldInMinor: bigint
  version: bigint
  openedAt: Date
}

export type OpenAccount = {
  networkId: Uuid
  id: Uuid
  kind: AccountKind
  memberId: Uuid | null
  floorMinor?: bigint | null
  ceilingMinor?: bigint | null
  softFloorMinor?: bigint | null
  softCeilingMinor?: bigint | null
  frozen?: boolean
  neverBelowZero?: boolean
  openedAt: Date
}

/** The day before all days of a new ledger, so that any past can be carried into it in order. */
const dayBeforeAll = '1900-01-01'

const networkAccounts = ['fees', 'write_off_reserve', 'settlement', 'sponsor'] as const

/** A new network's head and its own accounts. Asked by the worker, since only it may write a head. */
export async function openLedger(
  tx: Tx,
  networkId: Uuid,
  /** Named so that who opens a ledger knows that its days are that zone's; ledger_post() reads it from the network. */
  timeZone: string,
): Promise<{ feesId: Uuid; writeOffReserveId: Uuid; settlementId: Uuid; sponsorId: Uuid }> {
  await tx.$executeRaw`
    insert into ledger_head (network_id, number, hash, recorded_at, booked_on)
    select ${networkId}::uuid, 0, ${firstHash(networkId)}, date_trunc('milliseconds', quits_now()), ${dayBeforeAll}::date
     where exists (select 1 from pg_timezone_names where name = ${timeZone})`
  const rows = await tx.$queryRaw<
    { now: Date }[]
  >`select recorded_at as now from ledger_head where network_id = ${networkId}::uuid`
  if (!rows[0]) throw new Refusal('terms_not_sound', { why: `there is no time zone ${timeZone}` })
  for (const kind of networkAccounts) {
    await openAccount(tx, {
      networkId,
      id: networkAccountId(networkId, kind),
      kind,
      memberId: null,
      openedAt: rows[0].now,
    })
  }
  return {
    feesId: networkAccountId(networkId, 'fees'),
    writeOffReserveId: networkAccountId(networkId, 'write_off_reserve'),
    settlementId: networkAccountId(networkId, 'settlement'),
    sponsorId: networkAccountId(networkId, 'sponsor'),
  }
}

/** The id of one of the network's own accounts follows from the network. */
export function networkAccountId(networkId: Uuid, kind: (typeof networkAccounts)[number]): Uuid {
  return idOfCause('account', networkId, kind)
}

/** The hash before the first transfer. */
export function firstHash(networkId: Uuid): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(`quits ledger ${networkId}`).digest())
}

export async function openAccount(tx: Tx, ask: OpenAccount): Promise<void> {
  await tx.$executeRaw`
    insert into account (network_id, id, kind, member_id, floor_minor, ceiling_minor, soft_floor_minor, soft_ceiling_minor,
                         frozen, never_below_zero, opened_at)
    values (${ask.networkId}::uuid, ${ask.id}::uuid, ${ask.kind}, ${ask.memberId}::uuid, ${ask.floorMinor ?? null}::bigint,
            ${ask.ceilingMinor ?? null}::bigint, ${ask.softFloorMinor ?? null}::bigint, ${ask.softCeilingMinor ?? null}::bigint,
            ${ask.frozen ?? false}, ${ask.neverBelowZero ?? false}, ${ask.openedAt}::timestamptz)`
}

export async function accountOf(tx: Tx, networkId: Uuid, accountId: Uuid): Promise<Account> {
  const row = await tx.account.findUnique({ where: { networkId_id: { networkId, id: accountId } } })
  if (!row) throw new Refusal('account_unknown', { accountId })
  return { ...row, kind: row.kind as AccountKind }
}
