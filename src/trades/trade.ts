/**
 * A trade: a sale by a seller to a buyer, paid in units and perhaps partly in money.
 *
 * Keeps: nothing is owed before it is accepted; what was agreed never changes; a reversal keeps the trade and names it.
 */
import type { VatTreatment } from '../../connectors/port.ts'
import { type Day, dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'

/** Proposed becomes accepted, declined, withdrawn or lapsed; accepted may become reversed. The SQL beside this file moves it. */
export const tradeStates = ['proposed', 'accepted', 'declined', 'withdrawn', 'lapsed', 'reversed'] as const
export type TradeState = (typeof tradeStates)[number]

export type Side = 'seller' | 'buyer'
export function otherSide(side: Side): Side {
  return side === 'seller' ? 'buyer' : 'seller'
}

/** A line as agreed, or as a document bears it. */
export type TradeLine = {
  description: string
  netMinor: bigint
  vatMinor: bigint
  treatment: VatTreatment
  rateBasisPoints: number
}
/** An invoice in the seller's book, or a bill in the buyer's, that stands already and is paid instead of making one. */
export type Linked = { id: string; number: string; datedOn: Day; totalMinor: bigint; openMinor: bigint }

export type Trade = {
  networkId: Uuid
  id: Uuid
  /** Names the trade in every book. */
  reference: string
  sellerMemberId: Uuid
  buyerMemberId: Uuid
  proposedBy: Side
  state: TradeState
  termsVersion: number
  tradedOn: Day
  dueOn: Day
  description: string
  buyerReference: string | null
  currency: string
  netMinor: bigint
  vatMinor: bigint
  totalMinor: bigint
  creditMinor: bigint
  moneyMinor: bigint
  lines: TradeLine[]
  treatmentConfirmed: boolean
  linkedInvoice: Linked | null
  linkedBill: Linked | null
  holdId: Uuid | null
  ledgerOnly: boolean
  source: 'page' | 'api' | 'import' | 'inbox'
  lapsesAt: Date
  /** From the seller's own run; a linked invoice keeps its number and takes none. */
  invoiceNumber: string | null
  bookedOn: Day | null
  proposedByActor: string
  recordedAt: Date
  decidedAt: Date | null
  decidedBy: string | null
  decidedReason: string | null
  consentId: Uuid | null
  reversalAskedBy: Side | null
  reversalAskedAt: Date | null
  reversalReason: string | null
  reversedAt: Date | null
  reversedBy: string | null
  disputed: boolean
  changedAt: Date
}

export async function tradeOf(tx: Tx, networkId: Uuid, tradeId: Uuid): Promise<Trade> {
  const row = await tx.trade.findUnique({ where: { networkId_id: { networkId, id: tradeId } } })
  if (!row) throw new Refusal('not_found', { thing: 'trade' })
  return tradeFrom(row)
}

/** The same, and nobody else changes it until this transaction ends. */
export async function lockTrade(tx: Tx, networkId: Uuid, tradeId: Uuid): Promise<Trade> {
  await tx.$queryRaw`select id from trade where network_id = ${networkId}::uuid and id = ${tradeId}::uuid for update`
  return tradeOf(tx, networkId, tradeId)
}

export type TradesAsked = {
  networkId: Uuid
  memberId?: Uuid
  side?: Side
  state?: TradeState
  disputed?: boolean
  from?: Day
  to?: Day
  /** The last one seen: newest come first. */
  after?: { recordedAt: Date; id: Uuid } | null
  limit: number
}

export async function tradesOf(tx: Tx, asked: TradesAsked): Promise<Trade[]> {
  const { memberId, side } = asked
  if (memberId === undefined) return tradesWhere(tx, asked, {})
  const [sales, purchases] = [{ sellerMemberId: memberId }, { buyerMemberId: memberId }]
  if (side) return tradesWhere(tx, asked, side === 'seller' ? sales : purchases)
  // Each side is read along its own index; both at once would read and sort all trades of the member.
  const both = [...(await tradesWhere(tx, asked, sales)), ...(await tradesWhere(tx, asked, purchases))]
  return both.sort(newestFirst).slice(0, asked.limit)
}

function newestFirst(one: Trade, other: Trade): number {
  return other.recordedAt.getTime() - one.recordedAt.getTime() || (one.id < other.id ? 1 : -1)
}

type Mine = { sellerMemberId?: Uuid; buyerMemberId?: Uuid }

async function tradesWhere(tx: Tx, asked: TradesAsked, mine: Mine): Promise<Trade[]> {
  const { after } = asked
  const rows = await tx.trade.findMany({
    where: {
      networkId: asked.networkId,
      ...mine,
      ...(asked.state ? { state: asked.state } : {}),
      ...(asked.disputed === undefined ? {} : { disputed: asked.disputed }),
      ...(asked.from || asked.to
        ? {
            tradedOn: {
              ...(asked.from ? { gte: new Date(`${asked.from}T00:00:00Z`) } : {}),
              ...(asked.to ? { lte: new Date(`${asked.to}T00:00:00Z`) } : {}),
            },
          }
        : {}),
      // The first condition is where the index is entered; the second leaves out what was seen of the same instant.
      ...(after
        ? {
            recordedAt: { lte: after.recordedAt },
            OR: [{ recordedAt: { lt: after.recordedAt } }, { id: { lt: after.id } }],
          }
        : {}),
    },
    orderBy: [{ recordedAt: 'desc' }, { id: 'desc' }],
    take: asked.limit,
  })
  return rows.map(tradeFrom)
}

type Row = NonNullable<Awaited<ReturnType<Tx['trade']['findUnique']>>>
type StoredLine = Omit<TradeLine, 'netMinor' | 'vatMinor'> & { netMinor: string; vatMinor: string }
type StoredLinked = Omit<Linked, 'totalMinor' | 'openMinor'> & { totalMinor: string; openMinor: string }

export function tradeFrom(row: Row): Trade {
  const { posting: _posting, promises: _promises, ...rest } = row
  return {
    ...rest,
    proposedBy: row.proposedBy as Side,
    state: row.state as TradeState,
    tradedOn: dayOf(row.tradedOn),
    dueOn: dayOf(row.dueOn),
    lines: (row.lines as unknown as StoredLine[]).map((line) => ({
      ...line,
      netMinor: BigInt(line.netMinor),
      vatMinor: BigInt(line.vatMinor),
    })),
    linkedInvoice: linkedFrom(row.linkedInvoice),
    linkedBill: linkedFrom(row.linkedBill),
    source: row.source as Trade['source'],
    bookedOn: row.bookedOn ? dayOf(row.bookedOn) : null,
    reversalAskedBy: row.reversalAskedBy as Side | null,
  }
}

function linkedFrom(value: unknown): Linked | null {
  if (value === null || value === undefined) return null
  const stored = value as StoredLinked
  return { ...stored, totalMinor: BigInt(stored.totalMinor), openMinor: BigInt(stored.openMinor) }
}
