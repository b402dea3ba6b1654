/** Whether book and ledger agree: a run now, runs before, and their lines. */
import { z } from 'zod'
import type { Tx } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import { reconciliationCsv } from '../../reconcile/export.ts'
import { linesOf, reconciliationOf, reconciliationsOf } from '../../reconcile/read.ts'
import { type Reconciliation, reconcileBook } from '../../reconcile/run.ts'
import { memberParams } from './member-shapes.ts'
import { type AtMember, atMember } from './place.ts'
import { lineOut, runOut, showLine, showRun } from './reconciliation-shapes.ts'
import { type Route, route } from './route.ts'
import { idIn, at as instant, instantFrom, keyOf, listOf, pageOf, pageQuery } from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Reconciliation' }
const path = '/networks/{networkId}/members/{memberId}'
const runParams = memberParams.extend({ reconciliationId: idIn('reconciliation') })

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
        before: key ? { startedAt: instantFrom(key.at), id: key.id } : null,
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
        return linesOf(tx, at.networkId, run.id, { after: query.after, limit: query.limit + 1 })
      })
      const shown = lines.slice(0, query.limit)
      return {
        list: shown.map((line) => showLine(line, at.network.currency)),
        next: lines.length > shown.length ? String(shown.at(-1)?.position) : null,
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
]

async function runOf(tx: Tx, at: AtMember, id: string): Promise<Reconciliation> {
  const run = await reconciliationOf(tx, at.networkId, id)
  if (run.organisationId !== at.member.organisationId) throw new Refusal('not_found', { thing: 'reconciliation' })
  return run
}
