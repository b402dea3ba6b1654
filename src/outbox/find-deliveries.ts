/** Deliveries by what is asked of them: network, book, state, cause, age; and what became of the last try of each. */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Delivery, type DeliveryState, deliveryFrom } from './delivery.ts'
import { inOneBreath, type Words, wordsFor } from './words.ts'

export type DeliveryFilter = {
  networkIds?: Uuid[] | undefined
  organisationId?: Uuid | undefined
  tradeId?: Uuid | undefined
  state?: DeliveryState | undefined
  /** Why it is parked. */
  cause?: string | undefined
  promisedBefore?: Date | undefined
}

/** As a condition that any listing can take up. */
export function whereDeliveries(filter: DeliveryFilter) {
  return {
    ...(filter.networkIds ? { networkId: { in: filter.networkIds } } : {}),
    ...(filter.organisationId ? { organisationId: filter.organisationId } : {}),
    ...(filter.tradeId ? { tradeId: filter.tradeId } : {}),
    ...(filter.state ? { state: filter.state } : {}),
    ...(filter.cause ? { state: filter.state ?? 'parked', parkedCause: filter.cause } : {}),
    ...(filter.promisedBefore ? { promisedAt: { lt: filter.promisedBefore } } : {}),
  }
}

export type LastTry = {
  number: number
  outcome: string | null
  cause: string | null
  said: string | null
  status: number | null
  callId: string | null
}

/** The last try of each that had one, by the delivery's id. */
export async function lastTries(tx: Tx, deliveries: Pick<Delivery, 'networkId' | 'id'>[]): Promise<Map<Uuid, LastTry>> {
  if (deliveries.length === 0) return new Map()
  const rows = await tx.$queryRaw<(LastTry & { deliveryId: Uuid })[]>`
    select distinct on (network_id, delivery_id) delivery_id as "deliveryId", number, outcome, cause, said, status, call_id as "callId"
    from attempt
    where network_id = any (${[...new Set(deliveries.map((one) => one.networkId))]}::uuid[]) and delivery_id = any (${deliveries.map((one) => one.id)}::uuid[])
    order by network_id, delivery_id, number desc`
  return new Map(rows.map(({ deliveryId, ...rest }) => [deliveryId, rest]))
}

export type Trouble = Words & { cause: string; words: string }

/** Why it is not in the book, if it has ever been kept from it: parked, or waiting after a try that did not end well. */
export function troubleOf(
  delivery: Pick<Delivery, 'state' | 'parkedCause' | 'parkedFacts'>,
  last: Pick<LastTry, 'outcome' | 'cause'> | undefined,
): Trouble | null {
  const isKept = last?.outcome === 'unknown' || last?.outcome === 'waiting'
  const cause =
    delivery.state === 'parked'
      ? delivery.parkedCause
      : delivery.state === 'waiting' && isKept
        ? (last?.cause ?? 'unclear')
        : null
  if (cause === null) return null
  const words = wordsFor(cause, delivery.parkedFacts ?? {})
  return { ...words, cause, words: inOneBreath(words) }
}

export async function findDeliveries(
  tx: Tx,
  filter: DeliveryFilter,
  most: number,
): Promise<{ delivery: Delivery; last: LastTry | undefined }[]> {
  const rows = await tx.delivery.findMany({
    where: whereDeliveries(filter),
    orderBy: [{ promisedAt: 'asc' }, { id: 'asc' }],
    take: most,
  })
  const deliveries = rows.map(deliveryFrom)
  const last = await lastTries(tx, deliveries)
  return deliveries.map((delivery) => ({ delivery, last: last.get(delivery.id) }))
}
