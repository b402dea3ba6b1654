/**
 * What may go to a book now: due, its parents delivered, its trade approved, its network not paused.
 *
 * Live trades go before backfill; contacts before documents before payments. Things of one verb and one network leave
 * together; a lone one does not wait for company. A set-off for which nothing was open is done, and holds up nobody.
 */
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Delivery, type DeliveryKind, deliveryFrom } from './delivery.ts'
import type { OpenBook } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'

type Verb = 'contacts' | 'documents' | 'payments'

const verbOf: Record<DeliveryKind, Verb> = {
  contact: 'contacts',
  invoice: 'documents',
  bill: 'documents',
  credit_note: 'documents',
  supplier_credit: 'documents',
  money_spent: 'documents',
  money_received: 'documents',
  journal: 'documents',
  payment: 'payments',
  allocation: 'payments',
  refund: 'payments',
}

export async function nextGroup(deps: OutboxDeps, book: OpenBook): Promise<Delivery[]> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const ready = await tx.$queryRaw<{ network_id: Uuid; id: Uuid; kind: DeliveryKind; look_first: boolean }[]>`
      with book as (select organisation_id, ask_first, yes_given from connection where id = ${book.connectionId}::uuid and state = 'live'),
      free as (
        select d.*, (book.ask_first is not null and book.yes_given >= book.ask_first) as goes_by_itself
        from delivery d join book on book.organisation_id = d.organisation_id
        join network n on n.id = d.network_id and n.state <> 'closed'
        join mapping m on m.connection_id = ${book.connectionId}::uuid and m.network_id = d.network_id and m.confirmed_at is not null
        where d.state = 'waiting' and d.due_at <= quits_now())
      select network_id, id, kind, look_first from free d
      where not exists (
          select 1 from unnest(d.depends_on) as need(id)
          left join delivery parent on parent.network_id = d.network_id and parent.id = need.id
          where not coalesce(parent.state = 'delivered' or (parent.state = 'undone' and parent.kind = 'allocation'), false))
        and (d.goes_by_itself
          or case when d.kind = 'contact'
            then exists (select 1 from delivery child left join approval a on a.network_id = child.network_id and a.trade_id = child.trade_id and a.organisation_id = child.organisation_id
                         where child.network_id = d.network_id and child.organisation_id = d.organisation_id and d.id = any (child.depends_on)
                           and (a.trade_id is not null or child.trade_id is null))
            -- What is no trade (a write-off) goes once its account has been named; naming it is the yes.
            else d.trade_id is null or exists (select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id) end)
      order by d.live desc, case d.kind when 'contact' then 0 when 'payment' then 2 when 'refund' then 2 when 'allocation' then 2 else 1 end, d.promised_at, d.id
      limit 200`
    const first = ready[0]
    if (!first) return []
    const verb = verbOf[first.kind]
    const together = ready
      .filter((one) => verbOf[one.kind] === verb && one.network_id === first.network_id)
      .slice(0, book.connector.limits.inOneCall)
    const rows = await tx.delivery.findMany({
      where: { OR: together.map((one) => ({ networkId: one.network_id, id: one.id })) },
    })
    const byId = new Map(rows.map((row) => [row.id, deliveryFrom(row)]))
    return together.flatMap((one) => byId.get(one.id) ?? [])
  })
}
