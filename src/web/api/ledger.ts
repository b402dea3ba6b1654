/** The ledger as a whole: its head, its own accounts, its totals, the audit. */
import { z } from 'zod'
import { asWorker } from '../../kit/db.ts'
import { invariant } from '../../kit/invariant.ts'
import { auditNetwork } from '../../ledger/audit.ts'
import { standingsNow, type TotalsPoint, totalsChart } from '../../ledger/totals.ts'
import { recordDeed } from '../../networks/record-deed.ts'
import { chartPeriod, chartQuery, mustRunForwards, period } from './chart-period.ts'
import { networkParams } from './networks.ts'
import { atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import {
  byId,
  dayOut,
  idOut,
  at as instant,
  instantOut,
  keyOf,
  listOf,
  money,
  moneyOut,
  pageOf,
  pageQuery,
  show,
} from './shapes.ts'

const place = { params: networkParams, find: atNetwork, tag: 'Ledger' }

export const headOut = z
  .object({ number: z.string(), hash: z.string(), bookedOn: dayOut, recordedAt: instantOut })
  .meta({ id: 'Head', description: 'The last transfer’s number and the hash of the chain up to it' })

type Head = { number: bigint; hash: Uint8Array; bookedOn: Date | string; recordedAt: Date }
export function showHead(head: Head): z.input<typeof headOut> {
  return {
    number: String(head.number),
    hash: Buffer.from(head.hash).toString('hex'),
    bookedOn: typeof head.bookedOn === 'string' ? head.bookedOn : head.bookedOn.toISOString().slice(0, 10),
    recordedAt: instant(head.recordedAt),
  }
}

const movedOut = {
  transfers: z.string().meta({ description: 'How many moved something' }),
  turnover: moneyOut.meta({ description: 'Sold for credits, reversed or not' }),
  reversed: moneyOut.meta({
    description: 'Given back by reversals of any kind, fees that went back with a trade included',
  }),
  inUse: moneyOut.meta({ description: 'The sum of all balances above zero at the end' }),
}
/** The first and the last day that the database and the calendar both know. */
const [firstDay, lastDay] = ['0001-01-01', '9999-12-31']

const truthsOut = z.array(
  z.object({ name: z.string(), says: z.string(), holds: z.boolean(), offenders: z.array(z.string()) }),
)
const auditOut = z
  .object({
    id: idOut('auditRun'),
    ranAt: instantOut,
    holds: z.boolean(),
    truths: truthsOut,
    head: z.object({ number: z.string(), hash: z.string() }),
  })
  .meta({ id: 'Audit' })

export const ledgerRoutes: Route[] = [
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/ledger/head',
    summary: 'The head of the ledger: keep it outside, and nobody can rewrite the past unseen',
    deed: 'see_network',
    answer: headOut,
    answers: async ({ at, see }) =>
      see(async (tx) => showHead(await tx.ledgerHead.findUniqueOrThrow({ where: { networkId: at.networkId } }))),
  }),
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/ledger/accounts',
    summary: 'Every account with its balance; they sum to zero',
    deed: 'see_ledger',
    query: z.strictObject(pageQuery),
    answer: listOf(
      z.object({
        id: idOut('account'),
        kind: z.string(),
        memberId: idOut('member').nullable(),
        balance: moneyOut,
        version: z.string(),
      }),
    ),
    answers: async ({ at, query, see }) => {
      const key = keyOf(query.after)
      const where = { networkId: at.networkId, ...(key ? { id: { gt: key.id } } : {}) }
      const rows = await see((tx) => tx.account.findMany({ where, orderBy: { id: 'asc' }, take: query.limit + 1 }))
      return pageOf(rows, query.limit, byId, (row) => ({
        id: show.id('account', row.id),
        kind: row.kind,
        memberId: row.memberId && show.id('member', row.memberId),
        balance: money(row.balanceMinor, at.network.currency),
        version: String(row.version),
      }))
    },
  }),
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/ledger/totals',
    summary: 'What moved in a period, what was in use at its end, and how members stand now',
    description: 'Without `from` since the first transfer, without `to` up to now. Exact up to the transfer `upTo`.',
    deed: 'see_impact',
    query: z.strictObject(period),
    answer: z.object({
      from: dayOut.nullable(),
      to: dayOut.nullable(),
      upTo: z.string(),
      ...movedOut,
      now: z.object({
        inUse: moneyOut,
        membersAbove: z.number().int(),
        membersBelow: z.number().int(),
        membersAtZero: z.number().int(),
      }),
    }),
    answers: async ({ at, query, see }) => {
      mustRunForwards(query)
      const { networkId, network } = at
      const [chart, now] = await see(async (tx) => {
        const steps = [{ from: query.from ?? firstDay, to: query.to ?? lastDay }]
        return [await totalsChart(tx, { networkId, steps }), await standingsNow(tx, networkId)] as const
      })
      const [point] = chart.points
      invariant(point, 'one step gave no point')
      return {
        ...showPoint(point, network.currency),
        from: query.from ?? null,
        to: query.to ?? null,
        upTo: String(chart.headNumber),
        now: {
          inUse: money(now.inUseMinor, network.currency),
          membersAbove: Number(now.above),
          membersBelow: Number(now.below),
          membersAtZero: Number(now.atZero),
        },
      }
    },
  }),
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/ledger/totals-chart',
    summary: 'What moved in each day, week or month of a period, and what was in use at its end, up to today',
    description: 'Weeks end on Sunday, months on their last day. At most 400 steps. Exact up to the transfer `upTo`.',
    deed: 'see_impact',
    query: chartQuery,
    answer: listOf(z.object({ from: dayOut, to: dayOut, ...movedOut })).extend({ upTo: z.string() }),
    answers: async ({ at, query, see }) => {
      const { networkId, network } = at
      const chart = await see(async (tx) => {
        const { steps } = await chartPeriod(tx, network, query, query.by)
        return totalsChart(tx, { networkId, steps })
      })
      const list = chart.points.map((point) => showPoint(point, network.currency))
      return { list, next: null, upTo: String(chart.headNumber) }
    },
  }),
  route({
    ...place,
    method: 'post',
    path: '/networks/{networkId}/ledger/audits',
    summary: 'Prove the ledger now: sums, balances, limits, chain',
    deed: 'run_audit',
    status: 201,
    answer: auditOut,
    answers: async ({ deps, actor, at, inTx }) => {
      const { networkId } = at
      const { head, ...found } = await auditNetwork(deps, networkId)
      return inTx(asWorker, async (tx) => {
        const facts = { holds: found.holds }
        await recordDeed(tx, deps.clock, { networkId, actor: actor.id, what: 'audit_run', facts })
        return showAudit({ ...found, headNumber: head.number, headHash: head.hash })
      })
    },
  }),
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/ledger/audits',
    summary: 'Audits, newest first',
    deed: 'see_ledger',
    query: z.strictObject(pageQuery),
    answer: listOf(auditOut),
    answers: async ({ at, query, see }) => {
      const key = keyOf(query.after)
      const where = { networkId: at.networkId, ...(key ? { id: { lt: key.id } } : {}) }
      const rows = await see((tx) => tx.auditRun.findMany({ where, orderBy: { id: 'desc' }, take: query.limit + 1 }))
      return pageOf(rows, query.limit, byId, showAudit)
    },
  }),
]

function showPoint(point: TotalsPoint, currency: string) {
  return {
    from: point.from,
    to: point.to,
    transfers: String(point.transfers),
    turnover: money(point.turnoverMinor, currency),
    reversed: money(point.reversedMinor, currency),
    inUse: money(point.inUseMinor, currency),
  }
}

type Row = { id: string; ranAt: Date; holds: boolean; truths: unknown; headNumber: bigint; headHash: Uint8Array }

function showAudit(row: Row): z.input<typeof auditOut> {
  return {
    id: show.id('auditRun', row.id),
    ranAt: instant(row.ranAt),
    holds: row.holds,
    truths: truthsOut.parse(row.truths),
    head: { number: String(row.headNumber), hash: Buffer.from(row.headHash).toString('hex') },
  }
}
