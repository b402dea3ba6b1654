/** The ledger as a whole: its head, its own accounts, the audit. */
import { z } from 'zod'
import { asWorker } from '../../kit/db.ts'
import { auditNetwork } from '../../ledger/audit.ts'
import { recordDeed } from '../../networks/record-deed.ts'
import { networkParams } from './networks.ts'
import { atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { dayOut, idOut, at as instant, instantOut, listOf, money, moneyOut, show } from './shapes.ts'

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
    answer: listOf(
      z.object({
        id: idOut('account'),
        kind: z.string(),
        memberId: idOut('member').nullable(),
        balance: moneyOut,
        version: z.string(),
      }),
    ),
    answers: async ({ at, see }) => {
      const where = { networkId: at.networkId }
      const rows = await see((tx) => tx.account.findMany({ where, orderBy: [{ kind: 'asc' }, { id: 'asc' }] }))
      return {
        list: rows.map((row) => ({
          id: show.id('account', row.id),
          kind: row.kind,
          memberId: row.memberId && show.id('member', row.memberId),
          balance: money(row.balanceMinor, at.network.currency),
          version: String(row.version),
        })),
        next: null,
      }
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
    summary: 'The last audits, newest first',
    deed: 'see_ledger',
    answer: listOf(auditOut),
    answers: async ({ at, see }) => {
      const where = { networkId: at.networkId }
      const rows = await see((tx) => tx.auditRun.findMany({ where, orderBy: { id: 'desc' }, take: 50 }))
      return { list: rows.map(showAudit), next: null }
    },
  }),
]

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
