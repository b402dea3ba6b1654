/** What needs a bookkeeper, gathered over several businesses: grouped by cause, worst first, then oldest. */
import type { ConnectionState } from '../../../books/connection.ts'
import type { Tx } from '../../../kit/db.ts'
import type { Uuid } from '../../../kit/ids.ts'
import { wordsFor } from '../../../outbox/words.ts'
import type { DiscrepancyKind } from '../../../reconcile/compare.ts'
import { kindWords } from '../../../reconcile/discrepancy.ts'
import type { Tone } from '../../parts.tsx'

const needKinds = ['needs_sign_in', 'parked', 'mapping', 'discrepancy', 'yes'] as const
export type NeedKind = (typeof needKinds)[number]
export type Need = {
  memberId: Uuid
  business: string
  network: string
  kind: NeedKind
  count: number
  says: string
  tone: Tone
  since: Date
  owner: string | null
  /** Why deliveries are parked, where that is the need. */
  cause?: string
  /** Beneath /members/mem_…/ */
  go: { page: string; text: string }
}

type Row = { memberId: Uuid; business: string; network: string; count: number; since: Date }

/** Runs as the worker, for organisations that the asker keeps books for. */
export async function inboxOf(tx: Tx, organisationIds: Uuid[]): Promise<Need[]> {
  if (organisationIds.length === 0) return []
  const needs = [
    ...(await connections(tx, organisationIds)),
    ...(await parked(tx, organisationIds)),
    ...(await discrepancies(tx, organisationIds)),
    ...(await waitingForYes(tx, organisationIds)),
  ]
  return worstFirst(needs)
}

/** Pure. */
export function worstFirst(needs: Need[]): Need[] {
  return [...needs].sort(
    (one, other) =>
      needKinds.indexOf(one.kind) - needKinds.indexOf(other.kind) || one.since.getTime() - other.since.getTime(),
  )
}

/** A fault of a mapping that is no mere notice. */
const misfit = '$[*] ? (!exists(@.isNotice))'

async function connections(tx: Tx, ids: Uuid[]): Promise<Need[]> {
  const rows = await tx.$queryRaw<(Row & { state: ConnectionState; hasProblem: boolean })[]>`
    select m.id as "memberId", o.name as business, n.name as network, c.state, jsonb_path_exists(p.problem, ${misfit}::jsonpath) as "hasProblem",
      (select count(*) from delivery d where d.network_id = m.network_id and d.organisation_id = o.id and d.state in ('waiting', 'sending'))::int as count,
      coalesce((c.last_error ->> 'at')::timestamptz, c.made_at) as since
    from member m join organisation o on o.id = m.organisation_id join network n on n.id = m.network_id
    join connection c on c.organisation_id = o.id and c.state <> 'ended'
    left join mapping p on p.connection_id = c.id and p.network_id = m.network_id
    where o.id = any (${ids}::uuid[]) and (c.state in ('needs_sign_in', 'mapping') or jsonb_path_exists(p.problem, ${misfit}::jsonpath) or (c.state = 'live' and p.confirmed_at is null))`
  return rows.map(({ state, hasProblem, ...row }) =>
    state === 'needs_sign_in'
      ? {
          ...row,
          kind: 'needs_sign_in',
          says: `The accounting system no longer lets us in; ${row.count} wait.`,
          tone: 'bad',
          owner: null,
          go: { page: 'connection', text: 'Sign in again' },
        }
      : {
          ...row,
          kind: 'mapping',
          says: hasProblem ? 'The mapping no longer fits the book.' : 'The book is connected but not mapped yet.',
          tone: 'warn',
          owner: null,
          go: { page: 'connection/mapping', text: 'Map the book' },
        },
  )
}

async function parked(tx: Tx, ids: Uuid[]): Promise<Need[]> {
  const rows = await tx.$queryRaw<(Row & { cause: string })[]>`
    select m.id as "memberId", o.name as business, n.name as network, d.parked_cause as cause, count(*)::int as count, min(d.promised_at) as since
    from delivery d join organisation o on o.id = d.organisation_id join network n on n.id = d.network_id
    join member m on m.network_id = d.network_id and m.organisation_id = o.id
    where d.state = 'parked' and o.id = any (${ids}::uuid[])
    group by m.id, o.name, n.name, d.parked_cause`
  return rows.map(({ cause, ...row }) => ({
    ...row,
    kind: 'parked',
    says: wordsFor(cause).says,
    cause,
    tone: 'bad',
    owner: null,
    go: { page: `deliveries?state=parked&cause=${encodeURIComponent(cause)}`, text: 'Mend it' },
  }))
}

async function discrepancies(tx: Tx, ids: Uuid[]): Promise<Need[]> {
  const rows = await tx.$queryRaw<(Row & { kind: DiscrepancyKind; owner: string | null })[]>`
    select m.id as "memberId", o.name as business, n.name as network, x.kind, x.owner, count(*)::int as count, min(x.opened_at) as since
    from discrepancy x join organisation o on o.id = x.organisation_id join network n on n.id = x.network_id
    join member m on m.network_id = x.network_id and m.organisation_id = o.id
    where x.state = 'open' and x.kind <> 'on_its_way' and o.id = any (${ids}::uuid[])
    group by m.id, o.name, n.name, x.kind, x.owner`
  return rows.map(({ kind, ...row }) => ({
    ...row,
    kind: 'discrepancy',
    says: kindWords[kind].says,
    tone: 'warn',
    go: { page: 'reconciliation', text: 'See why' },
  }))
}

async function waitingForYes(tx: Tx, ids: Uuid[]): Promise<Need[]> {
  const rows = await tx.$queryRaw<Row[]>`
    select m.id as "memberId", o.name as business, n.name as network, count(distinct d.trade_id)::int as count, min(d.promised_at) as since
    from delivery d join organisation o on o.id = d.organisation_id join network n on n.id = d.network_id
    join member m on m.network_id = d.network_id and m.organisation_id = o.id
    join connection c on c.organisation_id = o.id and c.state in ('live', 'paused') and (c.ask_first is null or c.yes_given < c.ask_first)
    join mapping p on p.connection_id = c.id and p.network_id = d.network_id and p.confirmed_at is not null
    where d.state = 'waiting' and d.trade_id is not null and o.id = any (${ids}::uuid[])
      and not exists (select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id)
    group by m.id, o.name, n.name`
  return rows.map((row) => ({
    ...row,
    kind: 'yes',
    says: row.count === 1 ? 'trade waits for a yes.' : 'trades wait for a yes.',
    tone: 'wait',
    owner: null,
    go: { page: 'approvals', text: 'Look and say yes' },
  }))
}

export type Kind = { cause: string; count: number; books: number; says: string }

/** Pure: causes that stand in more than one book, which one deed tries again in all of them. */
export function kindsOf(needs: Need[]): Kind[] {
  const by = new Map<string, Kind>()
  for (const { cause, count, says } of needs) {
    if (cause === undefined) continue
    const held = by.get(cause)
    by.set(cause, { cause, says, count: count + (held?.count ?? 0), books: 1 + (held?.books ?? 0) })
  }
  return [...by.values()].filter((one) => one.books > 1)
}
