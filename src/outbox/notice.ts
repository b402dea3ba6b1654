/**
 * What was told to one address, or is to be told: its words, the list of them, and how long they are kept.
 *
 * Keeps: ids and no more; who hears of it reads the thing itself, with a key of its own.
 * Runs as the worker: only that role sees notices.
 */
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import { type IdKind, idText, type Uuid } from '../kit/ids.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import type { WebhookAddress } from './webhook-address.ts'

export type Notice = {
  networkId: Uuid
  id: Uuid
  what: string
  facts: Record<string, string | null>
  happenedAt: Date
  attempts: number
}

export const noticeStates = ['waiting', 'taken', 'given_up'] as const
export type NoticeState = (typeof noticeStates)[number]
/** `key`: the instant to the microsecond, for the place in the list. */
export type ListedNotice = Notice & {
  key: string
  state: NoticeState
  lastStatus: string | null
  dueAt: Date
  takenAt: Date | null
}

const keptDays = 30
const idKindOf: Record<string, IdKind> = {
  tradeId: 'trade',
  deliveryId: 'delivery',
  discrepancyId: 'discrepancy',
  organisationId: 'organisation',
}

export function bodyOf(notice: Notice): string {
  const { what, happenedAt } = notice
  return JSON.stringify({ type: what, timestamp: happenedAt.toISOString(), data: factsToldBy(notice) })
}

export function factsToldBy({ networkId, facts }: Pick<Notice, 'networkId' | 'facts'>): Record<string, string | null> {
  const named = Object.entries(facts).map(([name, value]) => {
    const kind = idKindOf[name]
    return [name, kind && value ? idText(kind, value) : value]
  })
  return { networkId: idText('network', networkId), ...Object.fromEntries(named) }
}

/** Newest first; `after` is the last one seen. */
export async function noticesOf(
  tx: Tx,
  { networkId, id }: Pick<WebhookAddress, 'networkId' | 'id'>,
  asked: { state: NoticeState | null; after: { at: string; id: Uuid } | null; limit: number },
): Promise<ListedNotice[]> {
  const { at = 'infinity', id: last = 'ffffffff-ffff-ffff-ffff-ffffffffffff' } = asked.after ?? {}
  return tx.$queryRaw<ListedNotice[]>`
    select network_id as "networkId", id, what, facts, happened_at as "happenedAt", attempts, last_status as "lastStatus", due_at as "dueAt",
           taken_at as "takenAt", state, to_char(happened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as key
      from (select *, case when taken_at is not null then 'taken' when given_up_at is not null then 'given_up' else 'waiting' end as state
              from notice where network_id = ${networkId}::uuid and address_id = ${id}::uuid
               and (happened_at, id) < (${at}::text::timestamptz, ${last}::text::uuid)) n
     where ${asked.state}::text is null or state = ${asked.state}
     order by happened_at desc, id desc limit ${asked.limit}`
}

/** What was taken or given up long ago, and what a webhook that is off has not heard. Gives how many. */
export async function forgetNotices({ db }: Pick<OutboxDeps, 'db'>): Promise<number> {
  return inTransaction(
    db,
    asWorker,
    (tx) => tx.$executeRaw`
      delete from notice n
       where coalesce(n.taken_at, n.given_up_at) < quits_now() - make_interval(days => ${keptDays})
          or (n.happened_at < quits_now() - make_interval(days => ${keptDays}) and n.taken_at is null and n.given_up_at is null
              and exists (select 1 from webhook_address a where a.network_id = n.network_id and a.id = n.address_id and a.off_at is not null))`,
    60_000,
  )
}
