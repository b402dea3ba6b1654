/**
 * What is read before something is put, where what we know may be old: the document that a payment tried again, or long
 * after it, is to pay; and the bills of a supplier that the book knew before us, one of which may be the one we bring.
 *
 * Keeps: no read in steady state; an attempt is committed before each call, as for every other.
 */
import type { BookDocument, DocumentKind, Receipt, Sought } from '../../connectors/port.ts'
import { withGrant } from '../books/grants.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { formatAmount } from '../kit/money.ts'
import { begin, bookError, keyOf } from './attempt.ts'
import type { Delivery } from './delivery.ts'
import type { Lease } from './lease.ts'
import { receiptOf } from './look-up.ts'
import type { OpenBook } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import type { Outcome } from './record-outcome.ts'
import type { Around } from './translate-delivery.ts'

/** What the book said of a document is trusted so long; after that a person may have paid or changed it. */
const trustedMs = 15 * 60_000

/** `parentId`: of the document whose receipt is read anew; null where a bill like ours is looked for. */
type Asked = { delivery: Delivery; wanted: Sought; parentId: Uuid | null }
type Checked = { outcomes: Outcome[]; rest: Delivery[]; around: Around }

export async function checkFirst(
  deps: OutboxDeps,
  lease: Lease,
  book: OpenBook,
  group: Delivery[],
  around: Around,
): Promise<Checked | 'lost'> {
  const asked = [
    ...group.flatMap((delivery) => oldPaper(delivery, around, deps.clock.now())),
    ...(await newBills(deps, book, group, around)),
  ]
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
      const outcomes: Outcome[] = []
      begun.forEach(({ delivery, parentId }, place) => {
        const document = found[place]
        if (document && parentId !== null) fresh.set(parentId, receiptOf(document))
        else if (document) outcomes.push(alreadyThere(delivery, document))
      })
      const going = begun.map((one) => one.delivery).filter((one) => !outcomes.some(({ delivery }) => delivery === one))
      return { outcomes, rest: [...others, ...going], around: withFresh(around, fresh) }
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
  if ((document.what !== 'payment' && document.what !== 'refund') || lookFirst) return []
  const parent = around.deliveryOf(document.of)
  const receipt = parent?.receipt
  if (!parent || !receipt || receipt.kind === 'contact') return []
  const isOld = parent.settledAt !== null && now.getTime() - parent.settledAt.getTime() > trustedMs
  if (generation === 1 && !isOld) return []
  const kind: DocumentKind = receipt.kind
  return [{ delivery, wanted: { by: 'receipt', kind, id: receipt.id }, parentId: parent.id }]
}

/**
 * Bills that may stand there already: only while a person says yes to each trade, and for the first bill to a supplier, and
 * only where the book knew the supplier before us. Whoever said "this is another one" is not asked again. Refused for its
 * contact's sake, a bill goes under another one, and there it is looked for whatever was put or said before.
 */
async function newBills(deps: OutboxDeps, book: OpenBook, group: Delivery[], around: Around): Promise<Asked[]> {
  const bills = group.filter(
    ({ document, lookFirst }) => document.what === 'bill' && !document.linkedId && !document.account && !lookFirst,
  )
  const networkId = bills[0]?.networkId
  if (!networkId) return []
  const rows = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<{ id: Uuid; ours: string[] | null }[]>`
      select d.id, (select array_agg(o.receipt ->> 'id') from delivery o
                     where o.network_id in (select m.network_id from member m where m.organisation_id = d.organisation_id)
                       and o.organisation_id = d.organisation_id and o.kind = 'bill' and o.receipt is not null) as ours
        from delivery d
        cross join lateral (select max(a.number) as number from attempt a where a.network_id = d.network_id and a.delivery_id = d.id
                               and a.cause in ('contact_archived','contact_missing')) moved
       where d.network_id = ${networkId}::uuid and d.id = any (${bills.map((one) => one.id)}::uuid[])
         -- Taken up under a key of its own after a bill was shown, it is another one.
         and not exists (select 1 from attempt a where a.network_id = d.network_id and a.delivery_id = d.id and a.number > coalesce(moved.number, 0)
                           and (a.verb = 'documents' or (a.cause = 'bill_already_there' and a.key <> all (${bills.map(keyOf)}::text[]))))
         and (moved.number is not null
           or exists (select 1 from attempt a where a.network_id = d.network_id and a.delivery_id = any (d.depends_on) and a.outcome = 'found')
           or exists (select 1 from book_contact b where b.connection_id = ${book.connectionId}::uuid and b.role = 'supplier'
                       and b.counterpart_id::text = d.document ->> 'counterpartId' and b.chosen_by is not null))
         and (moved.number is not null
           or exists (select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id)
           or not exists (select 1 from delivery o where o.network_id = d.network_id and o.organisation_id = d.organisation_id and o.kind = 'bill'
                           and o.state = 'delivered' and o.document ->> 'counterpartId' = d.document ->> 'counterpartId'))`,
  )
  const oursBy = new Map(rows.map((row) => [row.id, row.ours ?? []]))
  return bills.flatMap((delivery): Asked[] => {
    const { document } = delivery
    const notIds = oursBy.get(delivery.id)
    if (!notIds || document.what !== 'bill' || document.datedOn === null) return []
    const contact = around.contactOf(document.counterpartId, 'supplier')
    if (!contact) return []
    const { datedOn, number } = document
    const totalMinor = BigInt(document.totalMinor)
    const like = { by: 'like' as const, kind: 'bill' as const, contactId: contact.id, totalMinor, datedOn, notIds }
    return [{ delivery, wanted: { ...like, number: number ?? delivery.reference }, parentId: null }]
  })
}

/** A person says which: that bill is the trade's and is linked, or this is another one. */
function alreadyThere(delivery: Delivery, bill: BookDocument): Outcome {
  const facts = {
    billId: bill.id,
    number: bill.number ?? '',
    total: formatAmount(bill.totalMinor, 2),
    datedOn: bill.datedOn,
    link: bill.deepLink ?? '',
  }
  return { delivery, is: 'parked', cause: 'bill_already_there', facts }
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
