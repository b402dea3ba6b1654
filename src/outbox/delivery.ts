/**
 * A delivery: one thing that must exist in one book. Its states, its moves, and the promise in our own words.
 *
 * A trade does not know whether its documents arrived; its deliveries do. Whether one is *held* is read from its
 * connection and its approval, never stored, so a reconnect has nothing to tell anybody.
 */
import { z } from 'zod'
import type { Receipt } from '../../connectors/port.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'

export const deliveryKinds = [
  'contact',
  'invoice',
  'bill',
  'credit_note',
  'supplier_credit',
  'payment',
  'allocation',
  'refund',
  'money_spent',
  'money_received',
  'journal',
] as const
export type DeliveryKind = (typeof deliveryKinds)[number]
export type DeliveryState = 'waiting' | 'sending' | 'delivered' | 'parked' | 'undone' | 'dropped'

export const deliveryMoves = {
  waiting: ['sending', 'parked', 'undone', 'dropped'],
  sending: ['delivered', 'waiting', 'parked', 'undone'], // 'waiting' also when a lease runs out
  parked: ['waiting', 'delivered', 'dropped', 'undone'], // a person decided
  delivered: ['waiting'], // a person removed it in the book, and it is asked for anew
  undone: [],
  dropped: ['waiting', 'undone'], // a person took it back, or its trade was reversed
} as const satisfies Record<DeliveryState, readonly DeliveryState[]>

export function mayMove(from: DeliveryState, to: DeliveryState): boolean {
  return (deliveryMoves[from] as readonly DeliveryState[]).includes(to)
}

const minor = z.string().regex(/^-?\d+$/)
const day = z.string()
const promisedLine = z.object({
  description: z.string(),
  netMinor: minor,
  vatMinor: minor,
  treatment: z.enum(['standard', 'reduced', 'zero', 'exempt', 'outside', 'reverse_charge']),
  rateBasisPoints: z.number().int(),
})
export type PromisedLine = z.infer<typeof promisedLine>
const role = z.enum(['customer', 'supplier'])

const promisedPaper = z.object({
  what: z.enum(['invoice', 'bill', 'credit_note', 'supplier_credit']),
  counterpartId: z.string(),
  number: z.string().nullable(),
  datedOn: day.nullable(),
  dueOn: day.nullable(),
  currency: z.string(),
  lines: z.array(promisedLine),
  vatMinor: minor,
  totalMinor: minor,
  creditMinor: minor,
  note: z.string(),
  linkedId: z.string().nullable(),
  vatCharged: z.boolean(),
  /** A bill from (or credit by) the network for its fee: takes the fee account instead of the cost account. */
  account: z.enum(['cost', 'fee']).optional(),
})
const promisedMoney = z.object({
  what: z.enum(['money_spent', 'money_received']),
  counterpartId: z.string(),
  account: z.enum(['fee', 'loss', 'other_income']),
  lines: z.array(promisedLine),
  totalMinor: minor,
  datedOn: day.nullable(),
  currency: z.string(),
  note: z.string(),
})
const settling = { counterpartId: z.string(), role, datedOn: day.nullable(), currency: z.string(), note: z.string() }

/** What must exist, as `trades/documents.ts` promised it. Days that were null are filled in when it is promised. */
export const promisedDocument = z.discriminatedUnion('what', [
  z.object({ what: z.literal('contact'), counterpartId: z.string(), role }),
  promisedPaper,
  z.object({ what: z.literal('payment'), of: z.string(), amountMinor: minor, ...settling }),
  z.object({ what: z.literal('refund'), of: z.string(), amountMinor: minor, ...settling }),
  z.object({
    what: z.literal('allocation'),
    credit: z.string(),
    against: z.string(),
    amountMinor: z.union([minor, z.literal('open')]),
    minor: z.boolean(),
    ...settling,
  }),
  promisedMoney,
])
export type PromisedDocument = z.infer<typeof promisedDocument>
export type PromisedPaper = z.infer<typeof promisedPaper>
export type PromisedMoney = z.infer<typeof promisedMoney>

/** What enters `promise_deliveries()`. */
export type Promised = {
  id: Uuid
  organisationId: Uuid
  tradeId: Uuid | null
  kind: DeliveryKind
  reference: string
  document: PromisedDocument
  dependsOn: Uuid[]
  live: boolean
}

export type Delivery = {
  networkId: Uuid
  id: Uuid
  organisationId: Uuid
  tradeId: Uuid | null
  kind: DeliveryKind
  reference: string
  document: PromisedDocument
  dependsOn: Uuid[]
  live: boolean
  state: DeliveryState
  generation: number
  attempts: number
  fails: number
  lookFirst: boolean
  dueAt: Date
  parkedCause: string | null
  parkedFacts: Record<string, unknown> | null
  receipt: Receipt | null
  warnings: string[]
  droppedReason: string | null
  promisedAt: Date
  settledAt: Date | null
  /** Of the request that made it exist; two with a space between when one asked and another said yes. */
  trace: string | null
}

/** The row as Prisma gives it. */
type Row = NonNullable<Awaited<ReturnType<Tx['delivery']['findFirst']>>>

export function deliveryFrom(row: Row): Delivery {
  return {
    networkId: row.networkId,
    id: row.id,
    organisationId: row.organisationId,
    tradeId: row.tradeId,
    kind: row.kind as DeliveryKind,
    reference: row.reference,
    document: promisedDocument.parse(row.document),
    dependsOn: row.dependsOn,
    live: row.live,
    state: row.state as DeliveryState,
    generation: row.generation,
    attempts: row.attempts,
    fails: row.fails,
    lookFirst: row.lookFirst,
    dueAt: row.dueAt,
    parkedCause: row.parkedCause,
    parkedFacts: (row.parkedFacts ?? null) as Record<string, unknown> | null,
    receipt: receiptFromJson(row.receipt),
    warnings: (row.warnings ?? []) as string[],
    droppedReason: row.droppedReason,
    promisedAt: row.promisedAt,
    settledAt: row.settledAt,
    trace: row.trace,
  }
}

/** A receipt in a JSON column: its amounts are text there. */
export function receiptToJson(receipt: Receipt): object {
  return {
    ...receipt,
    totalMinor: receipt.totalMinor?.toString() ?? null,
    openMinor: receipt.openMinor?.toString() ?? null,
  }
}

function receiptFromJson(value: unknown): Receipt | null {
  if (value === null || value === undefined) return null
  const stored = value as Omit<Receipt, 'totalMinor' | 'openMinor'> & {
    totalMinor: string | null
    openMinor: string | null
  }
  return {
    ...stored,
    totalMinor: stored.totalMinor === null ? null : BigInt(stored.totalMinor),
    openMinor: stored.openMinor === null ? null : BigInt(stored.openMinor),
  }
}
