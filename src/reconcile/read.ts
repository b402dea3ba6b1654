/** What pages and API show of reconciliations. */
import { dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Discrepancy, discrepancyFrom } from './discrepancy.ts'
import type { Reconciliation } from './run.ts'

type Row = NonNullable<Awaited<ReturnType<Tx['reconciliation']['findFirst']>>>
export type StoredLine = NonNullable<Awaited<ReturnType<Tx['reconciliationLine']['findFirst']>>>

export async function reconciliationOf(tx: Tx, networkId: Uuid, id: Uuid): Promise<Reconciliation> {
  const row = await tx.reconciliation.findUnique({ where: { networkId_id: { networkId, id } } })
  if (!row) throw new Refusal('not_found', { thing: 'reconciliation' })
  return reconciliationFrom(row)
}

/** Newest first. */
export async function reconciliationsOf(
  tx: Tx,
  ask: { networkId: Uuid; organisationId: Uuid; limit: number; before: { startedAt: Date; id: Uuid } | null },
): Promise<Reconciliation[]> {
  const rows = await tx.reconciliation.findMany({
    where: {
      networkId: ask.networkId,
      organisationId: ask.organisationId,
      ...(ask.before
        ? {
            startedAt: { lte: ask.before.startedAt },
            OR: [{ startedAt: { lt: ask.before.startedAt } }, { id: { lt: ask.before.id } }],
          }
        : {}),
    },
    orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
    take: ask.limit,
  })
  return rows.map(reconciliationFrom)
}

export async function latestReconciliation(
  tx: Tx,
  networkId: Uuid,
  organisationId: Uuid,
): Promise<Reconciliation | null> {
  const row = await tx.reconciliation.findFirst({
    where: { networkId, organisationId, state: 'done' },
    orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
  })
  return row ? reconciliationFrom(row) : null
}

/** In their order: all of them, or those behind a position. */
export async function linesOf(
  tx: Tx,
  networkId: Uuid,
  reconciliationId: Uuid,
  page?: { after: number | undefined; limit: number },
): Promise<StoredLine[]> {
  return tx.reconciliationLine.findMany({
    where: { networkId, reconciliationId, ...(page?.after === undefined ? {} : { position: { gt: page.after } }) },
    orderBy: { position: 'asc' },
    ...(page ? { take: page.limit } : {}),
  })
}

/** Those that still stand, in the order in which they were opened; `after` is the id of the last one seen. */
export async function discrepanciesOf(
  tx: Tx,
  ask: { networkId: Uuid; organisationId: Uuid; after?: Uuid | null; limit?: number },
): Promise<Discrepancy[]> {
  const rows = await tx.discrepancy.findMany({
    where: {
      networkId: ask.networkId,
      organisationId: ask.organisationId,
      state: { not: 'gone' },
      ...(ask.after ? { id: { gt: ask.after } } : {}),
    },
    orderBy: { id: 'asc' },
    ...(ask.limit ? { take: ask.limit } : {}),
  })
  return rows.map(discrepancyFrom)
}

function reconciliationFrom(row: Row): Reconciliation {
  return {
    networkId: row.networkId,
    id: row.id,
    organisationId: row.organisationId,
    state: row.state as Reconciliation['state'],
    asOf: dayOf(row.asOf),
    ledgerMinor: row.ledgerMinor,
    bookMinor: row.bookMinor,
    driftMinor: row.driftMinor,
    matches: row.matches,
    discrepancies: row.discrepancies,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    failure: (row.failure ?? null) as Reconciliation['failure'],
  }
}
