/**
 * A posting as a Prisma interactive transaction writes it, statement by statement, with the promises of ledger_post(): head row
 * first, accounts in order of their ids, the same id never twice and never with other content, limits with holds, the legal
 * floor, the freeze, soft warnings, entries with running balances and versions, chain.
 *
 * Keeps: nothing slower than it must be: one statement where Prisma has one, both locks asked for rows that are then used.
 */
import { type Day, dateOf, dayOf } from '../../src/kit/clock.ts'
import type { Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { largestAmountMinor } from '../../src/kit/money.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { nextHash } from '../../src/ledger/chain.ts'
import type { PostingAsk, SoftWarning, TransferAsk } from '../../src/ledger/post.ts'

export type Head = { number: bigint; hash: Uint8Array; recordedAt: Date; bookedOn: Day }
type Locked = {
  id: Uuid
  balance: bigint
  heldOut: bigint
  heldIn: bigint
  version: bigint
  floor: bigint | null
  ceiling: bigint | null
  softFloor: bigint | null
  softCeiling: bigint | null
  frozen: boolean
  neverBelowZero: boolean
}
export type PostedByPrisma = {
  bookedOn: Day
  recordedAt: Date
  leftOut: Uuid[]
  warnings: SoftWarning[]
}

/** The head, with the day and the instant that the next transfer bears. */
export async function lockHead(tx: Tx, networkId: Uuid): Promise<Head> {
  const [head] = await tx.$queryRaw<Head[]>`
    select h.number, h.hash, greatest(date_trunc('milliseconds', quits_now()), h.recorded_at) as "recordedAt",
           greatest((quits_now() at time zone n.time_zone)::date, h.booked_on)::text as "bookedOn"
      from ledger_head h join network n on n.id = h.network_id where h.network_id = ${networkId}::uuid for update of h`
  invariant(head, 'the network has no head')
  return head
}

/** Under the head's lock. Anything thrown undoes the caller's transaction. */
export async function writePosting(tx: Tx, networkId: Uuid, head: Head, ask: PostingAsk): Promise<PostedByPrisma> {
  const ids = ask.transfers.map((transfer) => transfer.id)
  const before = await tx.transfer.findMany({ where: { networkId, id: { in: ids } } })
  const { bookedOn, recordedAt } = head
  const [first] = before
  if (first) {
    mustBeTheSame(ask, before)
    return { bookedOn: dayOf(first.bookedOn), recordedAt: first.recordedAt, leftOut: [], warnings: [] }
  }
  const accounts = await lockAccounts(tx, networkId, ask)
  const atFirst = new Map([...accounts].map(([id, account]) => [id, { ...account }]))
  let { number, hash } = head
  const leftOut: Uuid[] = []
  const transfers = []
  const entries = []
  for (const part of ask.transfers) {
    const debit = accounts.get(part.debit)
    const credit = accounts.get(part.credit)
    if (!debit || !credit) throw new Refusal('account_unknown', { accountId: debit ? part.credit : part.debit })
    const refusal = refusalOf(part, debit, credit)
    if (refusal && part.optional) {
      leftOut.push(part.id)
      continue
    }
    if (refusal) throw refusal
    number += 1n
    const unhashed = {
      networkId,
      id: part.id,
      number,
      postingId: ask.id,
      kind: part.kind,
      debitAccountId: part.debit,
      creditAccountId: part.credit,
      amountMinor: part.amountMinor,
      causeKind: part.causeKind,
      causeId: part.causeId,
      reversesId: null,
      holdId: null,
      holdExpiresAt: null,
      holdPromised: false,
      bookedOn: dateOf(bookedOn),
      recordedAt,
    }
    hash = new Uint8Array(nextHash(hash, { ...unhashed, hash }))
    transfers.push({ ...unhashed, hash: new Uint8Array(hash) })
    for (const [account, amountMinor] of [
      [debit, -part.amountMinor],
      [credit, part.amountMinor],
    ] as const) {
      const beforeMinor = account.balance
      account.balance += amountMinor
      account.version += 1n
      entries.push({
        networkId,
        accountId: account.id,
        version: account.version,
        transferId: part.id,
        number,
        amountMinor,
        beforeMinor,
        afterMinor: account.balance,
        bookedOn: dateOf(bookedOn),
      })
    }
  }
  await tx.transfer.createMany({ data: transfers })
  await tx.entry.createMany({ data: entries })
  for (const { id, balance, version } of accounts.values())
    if (version !== atFirst.get(id)?.version)
      await tx.account.update({
        where: { networkId_id: { networkId, id } },
        data: { balanceMinor: balance, version },
        select: { id: true },
      })
  await tx.ledgerHead.update({
    where: { networkId },
    data: { number, hash: new Uint8Array(hash), bookedOn: dateOf(bookedOn), recordedAt },
    select: { networkId: true },
  })
  return { bookedOn, recordedAt, leftOut, warnings: warningsOf([...accounts.values()], atFirst) }
}

function mustBeTheSame(ask: PostingAsk, before: Awaited<ReturnType<Tx['transfer']['findMany']>>): void {
  for (const part of ask.transfers) {
    const old = before.find((one) => one.id === part.id)
    const isSame = old
      ? old.postingId === ask.id &&
        old.kind === part.kind &&
        old.debitAccountId === part.debit &&
        old.creditAccountId === part.credit &&
        old.amountMinor === part.amountMinor &&
        old.causeKind === part.causeKind &&
        old.causeId === part.causeId
      : part.optional
    if (!isSame) throw new Refusal('transfer_of_other_content', {})
  }
}

async function lockAccounts(tx: Tx, networkId: Uuid, ask: PostingAsk): Promise<Map<Uuid, Locked>> {
  const ids = [...new Set(ask.transfers.flatMap(({ debit, credit }) => [debit, credit]))]
  const locked = await tx.$queryRaw<Locked[]>`
    select id, balance_minor as balance, held_out_minor as "heldOut", held_in_minor as "heldIn", version, floor_minor as floor,
           ceiling_minor as ceiling, soft_floor_minor as "softFloor", soft_ceiling_minor as "softCeiling", frozen,
           never_below_zero as "neverBelowZero"
      from account where network_id = ${networkId}::uuid and id = any (${ids}::uuid[]) order by id for update`
  return new Map(locked.map((account) => [account.id, account]))
}

function refusalOf(part: TransferAsk, debit: Locked, credit: Locked): Refusal | null {
  const { amountMinor } = part
  if (debit.id === credit.id) return new Refusal('accounts_must_differ', {})
  if (amountMinor <= 0n) return new Refusal('amount_must_be_positive', {})
  if (amountMinor > largestAmountMinor) return new Refusal('amount_too_large', {})
  const after = debit.balance - debit.heldOut - amountMinor
  if (debit.neverBelowZero && after < 0n) return new Refusal('legal_floor', { accountId: debit.id })
  if (debit.frozen) return new Refusal('account_frozen', { accountId: debit.id })
  if (debit.floor !== null && after < debit.floor) return new Refusal('credit_limit_exceeded', { accountId: debit.id })
  if (credit.ceiling !== null && credit.balance + credit.heldIn + amountMinor > credit.ceiling)
    return new Refusal('exposure_limit_exceeded', { accountId: credit.id })
  return null
}

function warningsOf(accounts: Locked[], atFirst: Map<Uuid, Locked>): SoftWarning[] {
  return accounts.flatMap(({ id, balance, softFloor, softCeiling }): SoftWarning[] => {
    const was = atFirst.get(id)?.balance ?? balance
    const balanceMinor = balance.toString()
    if (softFloor !== null && balance < softFloor && balance < was)
      return [{ accountId: id, kind: 'soft_floor', balanceMinor }]
    if (softCeiling !== null && balance > softCeiling && balance > was)
      return [{ accountId: id, kind: 'soft_ceiling', balanceMinor }]
    return []
  })
}
