/**
 * What may go to a book now: due, its parents delivered, its trade approved, its network not paused.
 *
 * Live trades go before backfill, and what was promised first goes first. Things that may share a call leave together; a
 * lone one does not wait for company. A set-off for which nothing was open is done, and holds up nobody.
 *
 * Keeps: what is next is read from an index in its order, so that a hundred thousand waiting cost no more than a hundred.
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
/** Where kinds do not mix, these still share a list. */
const listOf: Partial<Record<DeliveryKind, string>> = {
  invoice: 'invoices',
  bill: 'invoices',
  credit_note: 'credits',
  supplier_credit: 'credits',
  money_spent: 'money',
  money_received: 'money',
  payment: 'payments',
  refund: 'payments',
}
/** Looked at for one round: a few full calls, and what they wait for. */
const window = 400
/** Each of these costs a look and a write of its own. */
const aloneInOneRound = 5

export type Ready = {
  network_id: Uuid
  id: Uuid
  kind: DeliveryKind
  live: boolean
  looks: boolean
  fails: number
}

/** Groups of what may go, each of which is one call of its vendor's, in the order in which they should leave. */
export async function nextGroups(deps: OutboxDeps, book: OpenBook, most = 1): Promise<Delivery[][]> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const ready = await tx.$queryRaw<Ready[]>`
      with book as materialized (
        select organisation_id, (ask_first is not null and yes_given >= ask_first) as goes_by_itself
          from connection where id = ${book.connectionId}::uuid and state = 'live'),
      open as materialized (
        select array_agg(m.network_id) as networks
          from mapping m join network n on n.id = m.network_id and n.state <> 'closed' and n.sending_paused_at is null
         where m.connection_id = ${book.connectionId}::uuid and m.confirmed_at is not null)
      select d.network_id, d.id, d.kind, d.live, d.fails, d.look_first or coalesce(d.document ->> 'linkedId' is not null, false) or d.document ->> 'amountMinor' = 'open' as looks
        from delivery d
       where d.organisation_id = (select organisation_id from book) and d.state = 'waiting' and d.due_at <= quits_now()
         and d.network_id = any ((select networks from open)::uuid[])
         and not exists (
           select 1 from unnest(d.depends_on) as need(id)
           left join delivery parent on parent.network_id = d.network_id and parent.id = need.id
           where not coalesce(parent.state = 'delivered' or (parent.state = 'undone' and parent.kind = 'allocation'), false))
         and ((select goes_by_itself from book)
           or case when d.kind = 'contact'
             then exists (select 1 from delivery child left join approval a on a.network_id = child.network_id and a.trade_id = child.trade_id and a.organisation_id = child.organisation_id
                          where child.network_id = d.network_id and child.organisation_id = d.organisation_id and d.id = any (child.depends_on)
                            and (a.trade_id is not null or child.trade_id is null))
             -- What is no trade (a write-off) goes once its account has been named; naming it is the yes.
             else d.trade_id is null or exists (select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id) end)
       order by d.live desc, d.promised_at, d.id
       limit ${window}`
    const groups = groupsOf(ready, book.connector.limits, most)
    const ids = groups.flat()
    if (ids.length === 0) return []
    const rows = await tx.delivery.findMany({
      where: { OR: byNetwork(ids).map(([networkId, some]) => ({ networkId, id: { in: some } })) },
    })
    const byId = new Map(rows.map((row) => [row.id, deliveryFrom(row)]))
    return groups.map((group) => group.flatMap((one) => byId.get(one.id) ?? []))
  })
}

type Shares = { inOneCall: number; mixesKinds: boolean; alone: readonly string[] }

/**
 * Pure: which of those that are ready leave together. The first decides; what shares its call goes with it. Contacts, and what
 * must be looked at first, go by themselves: what comes of them decides what comes after.
 */
export function groupsOf(ready: readonly Ready[], limits: Shares, most: number): Ready[][] {
  // A contact is made before what waits beside it: the more goes together afterwards.
  const ordered = [...ready.filter((one) => one.kind === 'contact'), ...ready.filter((one) => one.kind !== 'contact')]
  const groups = new Map<string, Ready[]>()
  for (const one of ordered) {
    const key = keyOf(one, limits)
    const group = groups.get(key)
    if (!group) groups.set(key, [one])
    else group.push(one)
  }
  const whole = [...groups.values()].flatMap((group) => piecesOf(group, mostTogether(group, limits)))
  // Live first, whatever kind it is; within that full calls before others, or a backlog whose papers were promised in one
  // instant leaves in half-empty ones; within that, the longest waiting.
  const place = new Map(ordered.map((one, at) => [one, at]))
  const rank = (group: Ready[]) => {
    const [first] = group
    const isFull = group.length >= mostTogether(group, limits) || isByItself(group)
    return first ? (first.live ? 0 : 2 * ready.length) + (isFull ? 0 : ready.length) + (place.get(first) ?? 0) : 0
  }
  whole.sort((a, b) => rank(a) - rank(b))
  const [first] = whole
  if (!first || isByItself(first)) return first ? [first] : []
  return whole.filter((group) => !isByItself(group)).slice(0, most)
}

function keyOf(one: Ready, { mixesKinds }: Shares): string {
  const list = mixesKinds ? verbOf[one.kind] : (listOf[one.kind] ?? one.kind)
  const verb = one.kind === 'contact' ? 'contact' : list
  return [one.network_id, verb, one.live, one.looks, one.fails > 1 ? one.fails : 0].join(' ')
}

function isByItself([first]: Ready[]): boolean {
  return first !== undefined && (first.kind === 'contact' || first.looks)
}

/**
 * What was put again and again without an answer goes in ever smaller company: one poisoned document does not keep the
 * others of its call for ever.
 */
function mostTogether([first]: Ready[], { inOneCall, alone }: Shares): number {
  if (!first) return inOneCall
  const many = alone.includes(first.kind) ? aloneInOneRound : inOneCall
  return Math.max(1, Math.floor(many / 4 ** Math.max(0, first.fails - 1)))
}

function piecesOf<T>(all: T[], size: number): T[][] {
  const pieces: T[][] = []
  for (let at = 0; at < all.length; at += size) pieces.push(all.slice(at, at + size))
  return pieces
}

function byNetwork(ready: Ready[]): [Uuid, Uuid[]][] {
  const by = new Map<Uuid, Uuid[]>()
  for (const { network_id, id } of ready) by.set(network_id, [...(by.get(network_id) ?? []), id])
  return [...by]
}
