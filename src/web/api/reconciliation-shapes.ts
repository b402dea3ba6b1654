/** How a reconciliation, its lines and a disagreement look in JSON. */
import { z } from 'zod'
import { type Discrepancy, kindWords } from '../../reconcile/discrepancy.ts'
import type { StoredLine } from '../../reconcile/read.ts'
import type { Reconciliation } from '../../reconcile/run.ts'
import { dayOut, idOut, at as instant, instantOut, money, moneyOut, show } from './shapes.ts'

export const runOut = z
  .object({
    id: idOut('reconciliation'),
    state: z.enum(['running', 'done', 'failed']),
    asOf: dayOut,
    ledger: moneyOut.nullable(),
    book: moneyOut.nullable(),
    drift: moneyOut.nullable().meta({ description: 'Ledger less book; zero when they agree' }),
    matches: z.number().int().nullable(),
    discrepancies: z.number().int().nullable(),
    startedAt: instantOut,
    endedAt: instantOut.nullable(),
    failure: z.object({ cause: z.string(), said: z.string() }).nullable(),
  })
  .meta({ id: 'Reconciliation' })
const side = z.record(z.string(), z.unknown()).nullable()
export const lineOut = z
  .object({
    position: z.number().int(),
    verdict: z.string().meta({ description: '`match`, or the kind of the disagreement' }),
    deliveryId: idOut('delivery').nullable(),
    reference: z.string().nullable(),
    bookKind: z.string().nullable(),
    bookDocumentId: z.string().nullable(),
    ledger: moneyOut,
    book: moneyOut,
    ours: side,
    theirs: side,
  })
  .meta({ id: 'ReconciliationLine' })
export const discrepancyOut = z
  .object({
    id: idOut('discrepancy'),
    kind: z.string(),
    says: z.string(),
    moves: z.string().meta({ description: 'What can be done about it' }),
    state: z.enum(['open', 'accepted', 'gone']),
    effect: moneyOut.meta({ description: 'Its part of the drift' }),
    deliveryId: idOut('delivery').nullable(),
    tradeId: idOut('trade').nullable(),
    evidence: z.object({ ours: side, theirs: side }),
    owner: z.string().nullable(),
    openedAt: instantOut,
    seenAt: instantOut,
    closedAt: instantOut.nullable(),
    closedBy: z.string().nullable(),
    closingWords: z.string().nullable(),
  })
  .meta({ id: 'Discrepancy' })

export function showRun(run: Reconciliation, currency: string): z.input<typeof runOut> {
  const amount = (minor: bigint | null) => (minor === null ? null : money(minor, currency))
  return {
    id: show.id('reconciliation', run.id),
    state: run.state,
    asOf: run.asOf,
    ledger: amount(run.ledgerMinor),
    book: amount(run.bookMinor),
    drift: amount(run.driftMinor),
    matches: run.matches,
    discrepancies: run.discrepancies,
    startedAt: instant(run.startedAt),
    endedAt: instant(run.endedAt),
    failure: run.failure,
  }
}

export function showLine(line: StoredLine, currency: string): z.input<typeof lineOut> {
  return {
    position: line.position,
    verdict: line.verdict,
    deliveryId: line.deliveryId && show.id('delivery', line.deliveryId),
    reference: line.reference,
    bookKind: line.bookKind,
    bookDocumentId: line.bookDocumentId,
    ledger: money(line.ledgerMinor, currency),
    book: money(line.bookMinor, currency),
    ours: side.parse(line.ours),
    theirs: side.parse(line.theirs),
  }
}

export function showDiscrepancy(row: Discrepancy, currency: string): z.input<typeof discrepancyOut> {
  return {
    id: show.id('discrepancy', row.id),
    kind: row.kind,
    ...kindWords[row.kind],
    state: row.state,
    effect: money(row.effectMinor, currency),
    deliveryId: row.deliveryId && show.id('delivery', row.deliveryId),
    tradeId: row.tradeId && show.id('trade', row.tradeId),
    evidence: row.evidence,
    owner: row.owner,
    openedAt: instant(row.openedAt),
    seenAt: instant(row.seenAt),
    closedAt: instant(row.closedAt),
    closedBy: row.closedBy,
    closingWords: row.closingWords,
  }
}
