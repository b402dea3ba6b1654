/**
 * What is read before something is put, where what we know may be old: the document that a payment tried again, or long
 * after it, is to pay.
 *
 * Keeps: no read in steady state; an attempt is committed before each call, as for every other.
 */
import type { DocumentKind, Receipt, Sought } from '../../connectors/port.ts'
import { withGrant } from '../books/grants.ts'
import type { Uuid } from '../kit/ids.ts'
import { begin, bookError } from './deliver.ts'
import type { Delivery } from './delivery.ts'
import type { Lease } from './lease.ts'
import { receiptOf } from './look-up.ts'
import type { OpenBook } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import type { Outcome } from './record-outcome.ts'
import type { Around } from './translate-delivery.ts'

/** What the book said of a document is trusted so long; after that a person may have paid or changed it. */
const trustedMs = 15 * 60_000

type Asked = { delivery: Delivery; wanted: Sought; parentId: Uuid }
type Checked = { outcomes: Outcome[]; rest: Delivery[]; around: Around }

export async function checkFirst(
  deps: OutboxDeps,
  lease: Lease,
  book: OpenBook,
  group: Delivery[],
  around: Around,
): Promise<Checked | 'lost'> {
  const asked = group.flatMap((delivery) => oldPaper(delivery, around, deps.clock.now()))
  if (asked.length === 0) return { outcomes: [], rest: group, around }
  const others = group.filter((delivery) => !asked.some((one) => one.delivery === delivery))
  return begin(deps, lease, asked, 'look', async (begun): Promise<Checked> => {
    try {
      const found = await withGrant(deps, book.connectionId, (grant, connector) =>
        connector.find(
          grant,
          begun.map((one) => one.wanted),
        ),
      )
      const fresh = new Map<Uuid, Receipt>()
      begun.forEach(({ parentId }, place) => {
        const document = found[place]
        if (document) fresh.set(parentId, receiptOf(document))
      })
      return { outcomes: [], rest: [...others, ...begun.map((one) => one.delivery)], around: withFresh(around, fresh) }
    } catch (error) {
      const known = bookError(error)
      const outcomes = begun.map(({ delivery }) => ({ delivery, is: 'error' as const, error: known, looked: false }))
      return { outcomes, rest: others, around }
    }
  })
}

/** A payment that may have arrived already is looked for itself: it would have changed what is open. */
function oldPaper(delivery: Delivery, around: Around, now: Date): Asked[] {
  const { document, lookFirst, generation } = delivery
  if (document.what !== 'payment' || lookFirst) return []
  const parent = around.deliveryOf(document.of)
  const receipt = parent?.receipt
  if (!parent || !receipt || receipt.kind === 'contact') return []
  const isOld = parent.settledAt !== null && now.getTime() - parent.settledAt.getTime() > trustedMs
  if (generation === 1 && !isOld) return []
  const kind: DocumentKind = receipt.kind
  return [{ delivery, wanted: { by: 'receipt', kind, id: receipt.id }, parentId: parent.id }]
}

function withFresh(around: Around, fresh: ReadonlyMap<Uuid, Receipt>): Around {
  return {
    ...around,
    deliveryOf: (id) => {
      const delivery = around.deliveryOf(id)
      const receipt = fresh.get(id)
      return delivery && receipt ? { ...delivery, receipt } : delivery
    },
  }
}
