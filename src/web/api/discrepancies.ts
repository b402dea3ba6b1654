/** What still disagrees between ledger and book: seen, accepted with words, given an owner. */
import { z } from 'zod'
import { asWorker, type Tx } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import { acceptDiscrepancy, type Discrepancy, discrepancyFrom, ownDiscrepancy } from '../../reconcile/discrepancy.ts'
import { discrepanciesOf } from '../../reconcile/read.ts'
import { memberParams } from './member-shapes.ts'
import { type AtMember, atMember } from './place.ts'
import { discrepancyOut, showDiscrepancy } from './reconciliation-shapes.ts'
import { type Route, route } from './route.ts'
import { byId, idIn, keyOf, listOf, pageOf, pageQuery, reason, words } from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Reconciliation' }
const path = '/networks/{networkId}/members/{memberId}'
const discrepancyParams = memberParams.extend({ discrepancyId: idIn('discrepancy') })

export const discrepancyRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path: `${path}/discrepancies`,
    summary: 'What still disagrees, oldest first',
    deed: 'see_book',
    query: z.strictObject(pageQuery),
    answer: listOf(discrepancyOut),
    answers: async ({ at, query, see }) => {
      const place = { networkId: at.networkId, organisationId: at.member.organisationId }
      const asked = { ...place, after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
      const rows = await see((tx) => discrepanciesOf(tx, asked))
      return pageOf(rows, query.limit, byId, (row) => showDiscrepancy(row, at.network.currency))
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

async function discrepancyAt(tx: Tx, at: AtMember, id: string): Promise<Discrepancy> {
  const row = await tx.discrepancy.findUnique({ where: { networkId_id: { networkId: at.networkId, id } } })
  if (!row || row.organisationId !== at.member.organisationId) throw new Refusal('not_found', { thing: 'discrepancy' })
  return discrepancyFrom(row)
}
