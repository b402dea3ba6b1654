/**
 * Keeps what each ledger day amounts to, once it is over. A timed task asks for it; totals are right without it, only slower.
 *
 * Keeps: a day is over when something was booked on a later one, since the ledger day never runs backwards; what is kept of it is
 * final. Two that keep the same day write the same row, and the second writes nothing.
 */
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { type DayMoved, movedBetween, whereKeptEnds } from './totals.ts'

/** Read in one go; a day that is longer than this is read with twice as many. */
const transfersAtOnce = 20_000n
/** One round reads that many transfers and their entries. */
const limitMs = 60_000

/** The number of days kept, over all networks. */
export async function keepDays(deps: { db: Db }, atOnce: bigint = transfersAtOnce): Promise<number> {
  const networks = await inTransaction(deps.db, asWorker, (tx) =>
    tx.ledgerHead.findMany({ select: { networkId: true }, orderBy: { networkId: 'asc' } }),
  )
  let kept = 0
  for (const { networkId } of networks) kept += await keepDaysOf(deps, networkId, atOnce)
  return kept
}

async function keepDaysOf({ db }: { db: Db }, networkId: Uuid, atOnce: bigint): Promise<number> {
  let count = 0
  let size = atOnce
  for (;;) {
    const round = await inTransaction(db, asWorker, (tx) => keepSome(tx, networkId, size), limitMs)
    count += round.kept
    if (round.isAtEnd) return count
    size = round.kept === 0 ? size * 2n : atOnce
  }
}

async function keepSome(tx: Tx, networkId: Uuid, atOnce: bigint): Promise<{ kept: number; isAtEnd: boolean }> {
  const { kept, headNumber, headDay } = await whereKeptEnds(tx, networkId)
  const upTo = kept.lastNumber + atOnce < headNumber ? kept.lastNumber + atOnce : headNumber
  const days = await movedBetween(tx, networkId, kept.lastNumber, upTo)
  // The last day read may go on behind what was read, and the head's day goes on itself.
  const over = days.filter((one, place) => one.day < headDay && (upTo === headNumber || place < days.length - 1))
  let inUseMinor = kept.inUseMinor
  for (const day of over) {
    inUseMinor += day.inUseChangeMinor
    await keepDay(tx, networkId, day, inUseMinor)
  }
  return { kept: over.length, isAtEnd: upTo === headNumber }
}

async function keepDay(tx: Tx, networkId: Uuid, day: DayMoved, inUseMinor: bigint): Promise<void> {
  await tx.$executeRaw`
    insert into ledger_day (network_id, day, last_number, transfers, turnover_minor, reversed_minor, in_use_minor)
    values (${networkId}::uuid, ${day.day}::date, ${day.lastNumber}, ${day.transfers}, ${day.turnoverMinor}, ${day.reversedMinor}, ${inUseMinor})
    on conflict (network_id, day) do nothing`
}
