/**
 * Two lines of the log for each attempt: that it leaves, and what became of it. With the trace of the request that made the delivery
 * exist and the vendor's own id of the call, so that a search for the trace shows the whole story, and one for the vendor's id too.
 *
 * Never: a document, a name, an amount, or a vendor's words.
 */
import { idText } from '../kit/ids.ts'
import type { Delivery } from './delivery.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import type { Outcome } from './record-outcome.ts'

export function tellBegun({ log }: Pick<OutboxDeps, 'log'>, verb: string, begun: { delivery: Delivery }[]): void {
  for (const { delivery } of begun) log.info({ ...nameOf(delivery), verb }, 'an attempt leaves')
}

export function tellOutcomes({ log }: Pick<OutboxDeps, 'log'>, outcomes: Outcome[]): void {
  for (const outcome of outcomes)
    log.info({ ...nameOf(outcome.delivery), outcome: outcome.is, ...factsOf(outcome) }, 'an attempt ended')
}

function nameOf(delivery: Delivery) {
  return {
    traceId: delivery.trace,
    delivery: idText('delivery', delivery.id),
    trade: delivery.tradeId && idText('trade', delivery.tradeId),
    kind: delivery.kind,
    reference: delivery.reference,
    attempt: delivery.attempts,
  }
}

function factsOf(outcome: Outcome): Record<string, unknown> {
  switch (outcome.is) {
    case 'done':
      return { found: outcome.found, bookDocument: outcome.receipt.id, callId: outcome.receipt.callId }
    case 'error': {
      const { kind, facts } = outcome.error
      return {
        trouble: kind,
        cause: facts.cause,
        status: facts.status,
        vendorCode: facts.vendorCode,
        callId: facts.callId,
      }
    }
    case 'parked':
      return { cause: outcome.cause }
    default:
      return {}
  }
}
