/** What a member's account says: now, at the end of a day, entry by entry. */
import { z } from 'zod'
import { csvLine } from '../../kit/csv.ts'
import type { Tx } from '../../kit/db.ts'
import { formatAmount } from '../../kit/money.ts'
import { balanceChart } from '../../ledger/balance-chart.ts'
import { balanceOn, type StatementEntry, statement } from '../../ledger/statement.ts'
import { memberOf } from '../../networks/member.ts'
import { Malformed } from '../errors.ts'
import { chartPeriod, chartQuery, mustRunForwards, type Period, period } from './chart-period.ts'
import { headOut, showHead } from './ledger.ts'
import { accountOut, memberParams, showAccount } from './member-shapes.ts'
import { type AtMember, atMember } from './place.ts'
import { type Route, route } from './route.ts'
import { dayIn, dayOut, idOut, at as instant, instantOut, listOf, money, moneyOut, pageQuery, show } from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Statements' }
const path = '/networks/{networkId}/members/{memberId}'
/** A CSV file holds at most this many entries; more is asked for in periods. */
const mostLines = 50_000

const entryOut = z
  .object({
    version: z.string().meta({ description: 'The entry’s place in this account: 1, 2, 3…' }),
    transferId: idOut('transfer'),
    kind: z.string(),
    tradeId: idOut('trade').nullable(),
    amount: moneyOut.meta({ description: 'Above zero: sold; below: bought' }),
    before: moneyOut,
    after: moneyOut,
    bookedOn: dayOut,
    recordedAt: instantOut,
  })
  .meta({ id: 'Entry' })

export const statementRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path: `${path}/account`,
    summary: 'Balance, limits and what may still be bought and sold',
    deed: 'see_member',
    answer: accountOut,
    answers: async ({ at, see }) =>
      showAccount((await see((tx) => memberOf(tx, at.networkId, at.member.id))).account, at.network.currency),
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/balance`,
    summary: 'The balance at the end of a ledger day; of now, when no day is given',
    deed: 'see_member',
    query: z.strictObject({ on: dayIn.optional() }),
    answer: z.object({ on: dayOut.nullable(), balance: moneyOut }),
    answers: async ({ at, query, see }) => {
      const minor = await see((tx) => balanceOn(tx, at.networkId, at.member.accountId, query.on ?? null))
      return { on: query.on ?? null, balance: money(minor, at.network.currency) }
    },
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/statement`,
    summary: 'The entries of a period, oldest first unless asked otherwise, with opening and closing balance',
    deed: 'see_member',
    query: z.strictObject({
      ...pageQuery,
      ...period,
      order: z.enum(['oldest_first', 'newest_first']).default('oldest_first'),
    }),
    answer: z.object({
      from: dayOut.nullable(),
      to: dayOut.nullable(),
      opening: moneyOut,
      closing: moneyOut,
      head: headOut,
      list: z.array(entryOut),
      next: z.string().nullable(),
    }),
    answers: async ({ at, query, see }) => {
      mustRunForwards(query)
      const { currency } = at.network
      const { limit } = query
      const newestFirst = query.order === 'newest_first'
      const [page, head] = await see(async (tx) => {
        const asked = { ...accountOf(at), ...between(query), after: versionAfter(query.after), limit, newestFirst }
        return [await statement(tx, asked), await headOf(tx, at.networkId)] as const
      })
      return {
        from: page.from,
        to: page.to,
        opening: money(page.openingMinor, currency),
        closing: money(page.closingMinor, currency),
        head,
        list: page.entries.map((entry) => showEntry(entry, currency)),
        next: page.next === null ? null : String(page.next),
      }
    },
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/balance-chart`,
    summary: 'The balance at the end of each day, week or month of a period, up to today',
    description:
      'Weeks end on Sunday, months on their last day, the last step on the last day asked for. At most 400 steps. Without `to` up to today, without `from` a year (90 days by days).',
    deed: 'see_member',
    query: chartQuery,
    answer: listOf(z.object({ from: dayOut, to: dayOut, balance: moneyOut })),
    answers: async ({ at, query, see }) => {
      const points = await see(async (tx) => {
        const { steps } = await chartPeriod(tx, at.network, query, query.by)
        return balanceChart(tx, { ...accountOf(at), steps })
      })
      const list = points.map(({ from, to, balanceMinor }) => ({
        from,
        to,
        balance: money(balanceMinor, at.network.currency),
      }))
      return { list, next: null }
    },
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/statement.csv`,
    summary: 'The same as CSV, whole',
    deed: 'see_member',
    query: z.strictObject(period),
    gives: 'text/csv',
    answers: async ({ at, query, see }) => {
      mustRunForwards(query)
      return see(async (tx) => {
        const amount = (minor: bigint) => formatAmount(minor, at.network.scale)
        const lines = [['day', 'kind', 'trade', 'transfer', 'amount', 'balance']]
        let after: bigint | null = null
        do {
          const page = await statement(tx, { ...accountOf(at), ...between(query), after, limit: 1000 })
          if (after === null) lines.push(['opening', '', '', '', '', amount(page.openingMinor)])
          for (const entry of page.entries)
            lines.push([
              entry.bookedOn,
              entry.kind,
              entry.causeKind === 'trade' ? show.id('trade', entry.causeId) : '',
              show.id('transfer', entry.transferId),
              amount(entry.amountMinor),
              amount(entry.afterMinor),
            ])
          if (lines.length > mostLines) throw tooManyLines()
          after = page.next
          if (after === null) lines.push(['closing', '', '', '', '', amount(page.closingMinor)])
        } while (after !== null)
        return lines.map(csvLine).join('')
      })
    },
  }),
]

function tooManyLines(): Malformed {
  const says = `The period holds more than ${mostLines} entries.`
  return new Malformed('period_too_long', says, 'Ask for a shorter period with `from` and `to`.', [], 422)
}

function between({ from, to }: Period) {
  return { from: from ?? null, to: to ?? null }
}

function accountOf(at: AtMember) {
  return { networkId: at.networkId, accountId: at.member.accountId }
}

function versionAfter(cursor: string | undefined): bigint | null {
  if (cursor === undefined) return null
  if (/^\d{1,18}$/.test(cursor)) return BigInt(cursor)
  const errors = [{ pointer: '/query/after', detail: 'This cursor was not given by us.' }]
  throw new Malformed('malformed', 'The request is not well formed.', 'Take `next` of the page before.', errors)
}

async function headOf(tx: Tx, networkId: string) {
  return showHead(await tx.ledgerHead.findUniqueOrThrow({ where: { networkId } }))
}

function showEntry(entry: StatementEntry, currency: string): z.input<typeof entryOut> {
  return {
    version: String(entry.version),
    transferId: show.id('transfer', entry.transferId),
    kind: entry.kind,
    tradeId: entry.causeKind === 'trade' ? show.id('trade', entry.causeId) : null,
    amount: money(entry.amountMinor, currency),
    before: money(entry.beforeMinor, currency),
    after: money(entry.afterMinor, currency),
    bookedOn: entry.bookedOn,
    recordedAt: instant(entry.recordedAt),
  }
}
