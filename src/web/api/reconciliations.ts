/** Whether book and ledger agree: a run now, runs before, their lines, and what disagrees. */
import { z } from 'zod'
import { asWorker, type Tx } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import {
  acceptDiscrepancy,
  type Discrepancy,
  discrepancyFrom,
  kindWords,
  ownDiscrepancy,
} from '../../reconcile/discrepancy.ts'
import { reconciliationCsv } from '../../reconcile/export.ts'
import { discrepanciesOf, linesOf, reconciliationOf, reconciliationsOf, type StoredLine } from '../../reconcile/read.ts'
import { type Reconciliation, reconcileBook } from '../../reconcile/run.ts'
import { memberParams } from './member-shapes.ts'
import { type AtMember, atMember } from './place.ts'
import { type Route, route } from './route.ts'
import {
  dayOut,
  idIn,
  idOut,
  at as instant,
  instantFrom,
  instantOut,
  keyOf,
  listOf,
  money,
  moneyOut,
  pageOf,
  pageQuery,
  reason,
  show,
  words,
} from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Reconciliation' }
const path = '/networks/{networkId}/members/{memberId}'
const runParams = memberParams.extend({ reconciliationId: idIn('reconciliation') })
const discrepancyParams = memberParams.extend({ discrepancyId: idIn('discrepancy') })

const runOut = z
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
const lineOut = z
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
const discrepancyOut = z
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

export const reconciliationRoutes: Route[] = [
  route({
    ...one,
    method: 'post',
    path: `${path}/reconciliations`,
    summary: 'Read the book whole and compare it with the ledger, now',
    deed: 'reconcile_book',
    status: 201,
    answer: runOut,
    answers: async ({ deps, actor, at }) => {
      const { organisationId } = at.member
      const run = await reconcileBook(deps, { networkId: at.networkId, organisationId, actor: actor.id })
      return showRun(run, at.network.currency)
    },
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/reconciliations`,
    summary: 'Runs, newest first',
    deed: 'see_book',
    query: z.strictObject(pageQuery),
    answer: listOf(runOut),
    answers: async ({ at, query, see }) => {
      const key = keyOf(query.after)
      const asked = {
        networkId: at.networkId,
        organisationId: at.member.organisationId,
        limit: query.limit + 1,
        before: key ? instantFrom(key.at) : null,
      }
      const keyOfRun = (run: Reconciliation) => ({ at: instant(run.startedAt), id: run.id })
      const rows = await see((tx) => reconciliationsOf(tx, asked))
      return pageOf(rows, query.limit, keyOfRun, (run) => showRun(run, at.network.currency))
    },
  }),
  route({
    ...one,
    params: runParams,
    method: 'get',
    path: `${path}/reconciliations/{reconciliationId}`,
    summary: 'One run',
    deed: 'see_book',
    answer: runOut,
    answers: async ({ at, params, see }) =>
      showRun(await see((tx) => runOf(tx, at, params.reconciliationId)), at.network.currency),
  }),
  route({
    ...one,
    params: runParams,
    method: 'get',
    path: `${path}/reconciliations/{reconciliationId}/lines`,
    summary: 'Its lines: each document of ours and everything else on the mutual-credit account',
    deed: 'see_book',
    query: z.strictObject({ limit: pageQuery.limit, after: z.coerce.number().int().min(0).optional() }),
    answer: listOf(lineOut),
    answers: async ({ at, params, query, see }) => {
      const lines = await see(async (tx) => {
        const run = await runOf(tx, at, params.reconciliationId)
        return linesOf(tx, at.networkId, run.id)
      })
      const rest = lines.filter((line) => query.after === undefined || line.position > query.after)
      const shown = rest.slice(0, query.limit)
      return {
        list: shown.map((line) => showLine(line, at.network.currency)),
        next: rest.length > shown.length ? String(shown.at(-1)?.position) : null,
      }
    },
  }),
  route({
    ...one,
    params: runParams,
    method: 'get',
    path: `${path}/reconciliations/{reconciliationId}/lines.csv`,
    summary: 'The same as CSV, whole',
    deed: 'see_book',
    gives: 'text/csv',
    answers: async ({ at, params, see }) =>
      see(async (tx) => {
        const run = await runOf(tx, at, params.reconciliationId)
        return reconciliationCsv(run, await linesOf(tx, at.networkId, run.id), at.network.scale)
      }),
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/discrepancies`,
    summary: 'What still disagrees, oldest first',
    deed: 'see_book',
    answer: listOf(discrepancyOut),
    answers: async ({ at, see }) => {
      const asked = { networkId: at.networkId, organisationId: at.member.organisationId }
      const rows = await see((tx) => discrepanciesOf(tx, asked))
      return { list: rows.map((row) => showDiscrepancy(row, at.network.currency)), next: null }
    },
  }),
  route({
    ...one,
    params: discrepancyParams,
    method: 'post',
    path: `${path}/discrepancies/{discrepancyId}/accept`,
    summary: 'Accept a disagreement, with words; it stays in the drift until the book changes',
    deed: 'close_discrepancy',
    body: z.strictObject({ words: reason }),
    answer: discrepancyOut,
    answers: async ({ deps, actor, at, params, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { id } = await discrepancyAt(tx, at, params.discrepancyId)
        await acceptDiscrepancy(tx, deps.clock, { networkId: at.networkId, id, actor: actor.id, words: body.words })
        return showDiscrepancy(await discrepancyAt(tx, at, id), at.network.currency)
      }),
  }),
  route({
    ...one,
    params: discrepancyParams,
    method: 'post',
    path: `${path}/discrepancies/{discrepancyId}/assign`,
    summary: 'Give a disagreement an owner',
    deed: 'close_discrepancy',
    body: z.strictObject({ owner: words(200) }),
    answer: discrepancyOut,
    answers: async ({ deps, actor, at, params, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { id } = await discrepancyAt(tx, at, params.discrepancyId)
        await ownDiscrepancy(tx, deps.clock, { networkId: at.networkId, id, actor: actor.id, owner: body.owner })
        return showDiscrepancy(await discrepancyAt(tx, at, id), at.network.currency)
      }),
  }),
]

async function runOf(tx: Tx, at: AtMember, id: string): Promise<Reconciliation> {
  const run = await reconciliationOf(tx, at.networkId, id)
  if (run.organisationId !== at.member.organisationId) throw new Refusal('not_found', { thing: 'reconciliation' })
  return run
}

async function discrepancyAt(tx: Tx, at: AtMember, id: string): Promise<Discrepancy> {
  const row = await tx.discrepancy.findUnique({ where: { networkId_id: { networkId: at.networkId, id } } })
  if (!row || row.organisationId !== at.member.organisationId) throw new Refusal('not_found', { thing: 'discrepancy' })
  return discrepancyFrom(row)
}

function showRun(run: Reconciliation, currency: string): z.input<typeof runOut> {
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

function showLine(line: StoredLine, currency: string): z.input<typeof lineOut> {
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

function showDiscrepancy(row: Discrepancy, currency: string): z.input<typeof discrepancyOut> {
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
