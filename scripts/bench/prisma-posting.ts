/**
 * The third contender: a transfer as a Prisma interactive transaction writes it, statement by statement, with the promises of
 * ledger_post(): head row first, accounts in order of their ids, the same id never twice, limits with holds, entries, chain.
 */
import { type Day, dateOf } from '../../src/kit/clock.ts'
import { inTransaction, type Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { nextHash } from '../../src/ledger/chain.ts'
import type { TransferAsk } from '../../src/ledger/post.ts'
import type { Contender } from './contenders.ts'
import type { Ground } from './ground.ts'

const patientMs = 60_000

type Head = { number: bigint; hash: Uint8Array; recordedAt: Date; bookedOn: Day }
type Locked = {
  id: Uuid
  balance: bigint
  heldOut: bigint
  heldIn: bigint
  version: bigint
  floor: bigint | null
  ceiling: bigint | null
  frozen: boolean
  neverBelowZero: boolean
}

export function prismaPosting({ wide, networkId, nextAsk }: Ground): Contender {
  return {
    async once() {
      const { id, transfers } = nextAsk()
      const [transfer] = transfers
      invariant(transfer, 'a posting without a transfer')
      const scope = { role: 'writer', network: networkId } as const
      await inTransaction(wide, scope, (tx) => write(tx, networkId, id, transfer), patientMs)
    },
    end: () => Promise.resolve(),
  }
}

async function write(tx: Tx, networkId: Uuid, postingId: Uuid, ask: TransferAsk): Promise<void> {
  const head = await lockHead(tx, networkId)
  if (await tx.transfer.findUnique({ where: { networkId_id: { networkId, id: ask.id } } })) return
  const { debit, credit } = await lockAccounts(tx, networkId, ask)
  mustStayWithinLimits(debit, credit, ask.amountMinor)
  const unhashed = {
    networkId,
    id: ask.id,
    number: head.number + 1n,
    postingId,
    kind: ask.kind,
    debitAccountId: debit.id,
    creditAccountId: credit.id,
    amountMinor: ask.amountMinor,
    causeKind: ask.causeKind,
    causeId: ask.causeId,
    reversesId: null,
    holdId: null,
    holdExpiresAt: null,
    holdPromised: false,
    bookedOn: dateOf(head.bookedOn),
    recordedAt: head.recordedAt,
  }
  const hash = new Uint8Array(nextHash(head.hash, { ...unhashed, hash: head.hash }))
  const { number, bookedOn, recordedAt } = unhashed
  await tx.transfer.create({ data: { ...unhashed, hash } })
  const moves = [
    { account: debit, amountMinor: -ask.amountMinor },
    { account: credit, amountMinor: ask.amountMinor },
  ].map((move) => ({
    ...move,
    version: move.account.version + 1n,
    afterMinor: move.account.balance + move.amountMinor,
  }))
  await tx.entry.createMany({
    data: moves.map(({ account, amountMinor, version, afterMinor }) => ({
      networkId,
      accountId: account.id,
      version,
      transferId: ask.id,
      number,
      amountMinor,
      beforeMinor: account.balance,
      afterMinor,
      bookedOn,
    })),
  })
  for (const { account, version, afterMinor } of moves)
    await tx.account.update({
      where: { networkId_id: { networkId, id: account.id } },
      data: { balanceMinor: afterMinor, version },
    })
  await tx.ledgerHead.update({ where: { networkId }, data: { number, hash, bookedOn, recordedAt } })
}

/** The head, with the day and the instant that the next transfer bears. */
async function lockHead(tx: Tx, networkId: Uuid): Promise<Head> {
  const [head] = await tx.$queryRaw<Head[]>`
    select h.number, h.hash, greatest(date_trunc('milliseconds', quits_now()), h.recorded_at) as "recordedAt",
           greatest((quits_now() at time zone n.time_zone)::date, h.booked_on)::text as "bookedOn"
      from ledger_head h join network n on n.id = h.network_id where h.network_id = ${networkId}::uuid for update of h`
  invariant(head, 'the network has no head')
  return head
}

async function lockAccounts(tx: Tx, networkId: Uuid, ask: TransferAsk): Promise<{ debit: Locked; credit: Locked }> {
  const locked = await tx.$queryRaw<Locked[]>`
    select id, balance_minor as balance, held_out_minor as "heldOut", held_in_minor as "heldIn", version, floor_minor as floor,
           ceiling_minor as ceiling, frozen, never_below_zero as "neverBelowZero"
      from account where network_id = ${networkId}::uuid and id in (${ask.debit}::uuid, ${ask.credit}::uuid) order by id for update`
  const debit = locked.find((account) => account.id === ask.debit)
  const credit = locked.find((account) => account.id === ask.credit)
  if (!debit || !credit) throw new Refusal('account_unknown', { accountId: debit ? ask.credit : ask.debit })
  return { debit, credit }
}

function mustStayWithinLimits(debit: Locked, credit: Locked, amountMinor: bigint): void {
  const after = debit.balance - debit.heldOut - amountMinor
  if (debit.neverBelowZero && after < 0n) throw new Refusal('legal_floor', { accountId: debit.id })
  if (debit.frozen) throw new Refusal('account_frozen', { accountId: debit.id })
  if (debit.floor !== null && after < debit.floor) throw new Refusal('credit_limit_exceeded', { accountId: debit.id })
  if (credit.ceiling !== null && credit.balance + credit.heldIn + amountMinor > credit.ceiling)
    throw new Refusal('exposure_limit_exceeded', { accountId: credit.id })
}
