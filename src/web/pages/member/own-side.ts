/**
 * What one member's own book holds of its trades, in one word each: the worst of its documents speaks for all.
 *
 * Keeps: only the asked organisation's deliveries are read; held is worked out here, never stored.
 */
import { type ConnectionState, openConnectionOf } from '../../../books/connection.ts'
import { sendingPauseOf } from '../../../books/pause.ts'
import type { Tx } from '../../../kit/db.ts'
import type { Uuid } from '../../../kit/ids.ts'
import { type Delivery, type DeliveryState, deliveryFrom } from '../../../outbox/delivery.ts'
import { wordsFor } from '../../../outbox/words.ts'
import type { Tone } from '../../parts.tsx'

export type Told = { text: string; tone: Tone }
export type OwnSide = { state: Told; deliveries: Delivery[] }

export type BookAround = {
  connection: ConnectionState | null
  /** Nothing of the whole network leaves for any book. */
  isSendingPaused: boolean
  isMapped: boolean
  /** Trades go by themselves: enough of them had a yes. */
  goesByItself: boolean
}

/** Runs behind the second wall, or as the worker after a guard on this organisation. */
export async function ownSides(
  tx: Tx,
  asked: { networkId: Uuid; organisationId: Uuid; tradeIds: Uuid[] },
): Promise<{ of(tradeId: Uuid): OwnSide | null; book: BookAround; heldWords(delivery: Delivery): Told }> {
  const { networkId, organisationId, tradeIds } = asked
  const rows = await tx.delivery.findMany({
    where: { networkId, organisationId, tradeId: { in: tradeIds } },
    orderBy: [{ promisedAt: 'asc' }, { reference: 'asc' }],
  })
  const approvals = await tx.approval.findMany({ where: { networkId, organisationId, tradeId: { in: tradeIds } } })
  const approved = new Set(approvals.map((one) => one.tradeId))
  const book = await bookAround(tx, networkId, organisationId)
  const all = rows.map(deliveryFrom)
  const heldWords = (delivery: Delivery) =>
    wordsOfDelivery(delivery, book, delivery.tradeId !== null && approved.has(delivery.tradeId))
  return {
    book,
    heldWords,
    of(tradeId) {
      const deliveries = all.filter((one) => one.tradeId === tradeId)
      return deliveries.length === 0 ? null : { deliveries, state: worstOf(deliveries.map(heldWords)) }
    },
  }
}

export async function bookAround(tx: Tx, networkId: Uuid, organisationId: Uuid): Promise<BookAround> {
  const connection = await openConnectionOf(tx, organisationId)
  const isSendingPaused = (await sendingPauseOf(tx, networkId)) !== null
  if (!connection) return { connection: null, isSendingPaused, isMapped: false, goesByItself: false }
  const mapping = await tx.mapping.findUnique({
    where: { connectionId_networkId: { connectionId: connection.id, networkId } },
  })
  return {
    connection: connection.state,
    isSendingPaused,
    isMapped: mapping?.confirmedAt != null,
    goesByItself: connection.askFirst !== null && connection.yesGiven >= connection.askFirst,
  }
}

const settled: Record<Exclude<DeliveryState, 'waiting' | 'parked'>, Told> = {
  sending: { text: 'on its way', tone: 'wait' },
  delivered: { text: 'in your book', tone: 'good' },
  undone: { text: 'undone before it was sent', tone: 'calm' },
  dropped: { text: 'dropped by a person', tone: 'warn' },
}

export function wordsOfDelivery(delivery: Delivery, book: BookAround, isApproved: boolean): Told {
  if (delivery.state === 'parked')
    return {
      text: `needs you: ${wordsFor(delivery.parkedCause ?? '', delivery.parkedFacts ?? {}).says}`,
      tone: 'bad',
    }
  if (delivery.state === 'delivered' && delivery.warnings.length > 0)
    return { text: 'in your book, with a warning', tone: 'warn' }
  if (delivery.state !== 'waiting') return settled[delivery.state]
  const why = heldBecause(book, isApproved)
  return why ? { text: `held: ${why}`, tone: 'wait' } : { text: 'on its way', tone: 'wait' }
}

function heldBecause(book: BookAround, isApproved: boolean): string | null {
  if (book.connection === null) return 'no book is connected'
  if (book.connection === 'needs_sign_in') return 'the book needs a sign-in'
  if (book.connection === 'paused') return 'the book is paused'
  if (book.isSendingPaused) return 'all that this network sends is paused'
  if (book.connection !== 'live' || !book.isMapped) return 'the book is not mapped yet'
  return book.goesByItself || isApproved ? null : 'it waits for your yes'
}

const order: Tone[] = ['bad', 'wait', 'warn', 'good', 'calm']

function worstOf(states: Told[]): Told {
  const worst = states.reduce((one, other) => (order.indexOf(other.tone) < order.indexOf(one.tone) ? other : one))
  return worst.tone === 'bad' ? { text: 'needs you', tone: 'bad' } : worst
}
