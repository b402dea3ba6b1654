/**
 * The hash chain of a network's transfers, worked out a second time without the database.
 *
 * Each hash is SHA-256 over the hash before it and this text in UTF-8, fields divided by '|':
 * network, number, id, posting, kind, debited account, credited account, amount in minor units, kind of cause, cause, the
 * transfer it reverses, the hold it ends, the instant a hold runs out, 'promised', the ledger day, the instant of recording.
 * What is absent is '-'; instants are milliseconds since 1970. Before the first transfer stands SHA-256 over
 * 'quits ledger ' and the network's id. No free text and no name is in it, so that people can be forgotten.
 */
import { createHash } from 'node:crypto'
import { type Day, dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { firstHash } from './account.ts'

export type ChainedTransfer = {
  networkId: Uuid
  number: bigint
  id: Uuid
  postingId: Uuid
  kind: string
  debitAccountId: Uuid
  creditAccountId: Uuid
  amountMinor: bigint
  causeKind: string
  causeId: Uuid
  reversesId: Uuid | null
  holdId: Uuid | null
  holdExpiresAt: Date | null
  holdPromised: boolean
  bookedOn: Date
  recordedAt: Date
  hash: Uint8Array
}

function textOfTransfer(transfer: ChainedTransfer): string {
  const bookedOn: Day = dayOf(transfer.bookedOn)
  return [
    transfer.networkId,
    transfer.number,
    transfer.id,
    transfer.postingId,
    transfer.kind,
    transfer.debitAccountId,
    transfer.creditAccountId,
    transfer.amountMinor,
    transfer.causeKind,
    transfer.causeId,
    transfer.reversesId ?? '-',
    transfer.holdId ?? '-',
    transfer.holdExpiresAt?.getTime() ?? '-',
    transfer.holdPromised ? 'promised' : '-',
    bookedOn,
    transfer.recordedAt.getTime(),
  ].join('|')
}

export function nextHash(before: Uint8Array, transfer: ChainedTransfer): Uint8Array {
  return createHash('sha256').update(before).update(textOfTransfer(transfer), 'utf8').digest()
}

const pageSize = 5_000

/** Walks the whole chain; the first transfer that does not follow from the one before it, or null when it is whole. */
export async function firstBreak(
  tx: Tx,
  networkId: Uuid,
): Promise<{ brokenAt: bigint | null; number: bigint; hash: Uint8Array }> {
  let hash: Uint8Array = firstHash(networkId)
  let number = 0n
  for (;;) {
    const page = await tx.transfer.findMany({
      where: { networkId, number: { gt: number } },
      orderBy: { number: 'asc' },
      take: pageSize,
    })
    for (const transfer of page) {
      hash = nextHash(hash, transfer)
      if (transfer.number !== number + 1n || !isSame(hash, transfer.hash))
        return { brokenAt: transfer.number, number, hash }
      number = transfer.number
    }
    if (page.length < pageSize) return { brokenAt: null, number, hash }
  }
}

/**
 * Does the chain run through a head that was kept outside: in the nightly log, or on a statement? A chain rewritten from some
 * point on, each hash made to fit, is whole in itself; only what it once was betrays it.
 */
export async function agreesWith(
  tx: Tx,
  networkId: Uuid,
  kept: { number: bigint; hash: Uint8Array },
): Promise<boolean> {
  if (kept.number === 0n) return isSame(firstHash(networkId), kept.hash)
  const row = await tx.transfer.findFirst({ where: { networkId, number: kept.number }, select: { hash: true } })
  return row !== null && isSame(row.hash, kept.hash)
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
