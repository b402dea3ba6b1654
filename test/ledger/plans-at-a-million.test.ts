/**
 * Reading costs the same at a million entries as at a thousand: each query that a page asks is caught on its way, and explained as
 * the role that pages have, with its values known to the planner and without. Rows and buffers are counted, never time.
 */
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { addDays, type Day } from '../../src/kit/clock.ts'
import { type Db, inTransaction, openDb, type Scope, type Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { balanceChart } from '../../src/ledger/balance-chart.ts'
import { keepDays } from '../../src/ledger/keep-days.ts'
import { balanceOn, statement } from '../../src/ledger/statement.ts'
import { mostSteps, stepsOf } from '../../src/ledger/steps.ts'
import { standingsNow, totalsChart } from '../../src/ledger/totals.ts'
import { tradesOf } from '../../src/trades/trade.ts'
import { type FreshDatabase, freshDatabase } from '../support/db.ts'
import {
  coolAccount,
  days,
  fillLongLedger,
  firstDay,
  hotAccount,
  longLedgerId,
  others,
  transfers,
} from './long-ledger.ts'

let database: FreshDatabase
let db: Db
let planner: pg.Client
beforeAll(async () => {
  database = await freshDatabase()
  await fillLongLedger(database.url)
  db = openDb(database.url)
  planner = new pg.Client({ connectionString: database.url })
  await planner.connect()
}, 120_000)
afterAll(async () => {
  await planner?.end()
  await db?.close()
  await database?.drop()
})

type Query = { text: string; values: unknown[] }
type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: Plan[]
}
type Cost = { rows: number; buffers: number; scanned: string[] }

const page: Scope = { role: 'app', networks: [longLedgerId], organisations: [] }
const networkId = longLedgerId

/** What one reading costs in all its queries, the dearer of both ways to plan each. */
async function costOf(reading: (tx: Tx) => Promise<unknown>): Promise<Cost> {
  const cost: Cost = { rows: 0, buffers: 0, scanned: [] }
  for (const query of await queriesOf(reading)) {
    const both = [await explained(query, 'force_custom_plan'), await explained(query, 'force_generic_plan')]
    cost.rows += Math.max(...both.map((one) => one.rows))
    cost.buffers += Math.max(...both.map((one) => one.buffers))
    cost.scanned.push(...both.flatMap((one) => one.scanned))
  }
  return cost
}

async function queriesOf(reading: (tx: Tx) => Promise<unknown>): Promise<Query[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  try {
    await inTransaction(db, page, reading)
    const asked = spy.mock.calls.map(([first]) => first as unknown as Query)
    const queries = asked.filter((one) => typeof one === 'object' && /^\s*select/i.test(one.text))
    expect(queries.length).toBeGreaterThan(1)
    return queries.filter((one) => !one.text.includes('set_config'))
  } finally {
    spy.mockRestore()
  }
}

async function explained(query: Query, mode: 'force_custom_plan' | 'force_generic_plan'): Promise<Cost> {
  await planner.query('begin')
  try {
    await planner.query(
      `select set_config('role', 'quits_app', true), set_config('quits.networks', $1, true), set_config('plan_cache_mode', $2, true)`,
      [networkId, mode],
    )
    await planner.query(`prepare one as ${query.text}`)
    const values = query.values.map(literal).join(', ')
    const { rows } = await planner.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, buffers, format json) execute one${values ? `(${values})` : ''}`,
    )
    const plan = rows[0]?.['QUERY PLAN'][0].Plan
    if (!plan) throw new Error('no plan')
    const nodes = flat(plan)
    return {
      rows: nodes.filter((node) => node['Relation Name']).reduce((sum, node) => sum + rowsOf(node), 0),
      buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
      scanned: nodes.flatMap((node) =>
        node['Node Type'] === 'Seq Scan' && node['Relation Name'] ? [node['Relation Name']] : [],
      ),
    }
  } finally {
    await planner.query('rollback')
    await planner.query('deallocate all')
  }
}

function rowsOf(node: Plan): number {
  const each =
    node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  return each * node['Actual Loops']
}

function flat(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(flat)]
}

function literal(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.map(String).join(',')}}`)
  return pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value))
}

const dayAt = (part: number): Day => addDays(firstDay, Math.floor(part * (days - 1)))
const accounts = { hot: hotAccount, cool: coolAccount }
const places = { first: 0, middle: 0.5, last: 1 }
/** What is posted on one day. */
const aDay = Math.ceil(transfers / days)
const aPage = 50

test('a page of a statement reads its own entries only, wherever it lies and whoever’s it is, from either end', async () => {
  for (const [name, accountId] of Object.entries(accounts)) {
    const length = Number(await lastVersion(accountId))
    for (const [where, part] of Object.entries(places))
      for (const newestFirst of [false, true]) {
        const above = Math.floor(part * (length - aPage))
        const from = addDays(dayAt(part), -29)
        const asked = { networkId, accountId, limit: aPage, newestFirst, from: null, to: null }
        const after = BigInt(newestFirst ? above + aPage + 1 : above)
        const pages = {
          'all of it': await costOf((tx) => statement(tx, { ...asked, after })),
          'a month': await costOf((tx) => statement(tx, { ...asked, from, to: dayAt(part), after: null })),
          'from a day': await costOf((tx) => statement(tx, { ...asked, from, after: null })),
          'to a day': await costOf((tx) => statement(tx, { ...asked, to: dayAt(part), after: null })),
        }
        for (const [what, cost] of Object.entries(pages)) {
          const told = `${name}, ${where}, ${newestFirst ? 'newest' : 'oldest'} first, ${what}`
          expect(cost.scanned, told).toEqual([])
          // One entry and one transfer for each line and for the one that tells that there are more; two look-ups of balances.
          expect(cost.rows, told).toBeLessThanOrEqual(2 * (aPage + 1) + 2)
          expect(cost.rows, told).toBeGreaterThan(0)
          expect(cost.buffers, told).toBeLessThanOrEqual(300)
        }
      }
  }
})

test('the balance of any day, and of now, is one look-up', async () => {
  for (const accountId of Object.values(accounts))
    for (const day of [null, addDays(firstDay, -1), ...Object.values(places).map(dayAt)]) {
      const cost = await costOf((tx) => balanceOn(tx, networkId, accountId, day))
      expect(cost.scanned).toEqual([])
      expect(cost.rows).toBeLessThanOrEqual(1)
      expect(cost.buffers).toBeLessThanOrEqual(8)
    }
})

test('a chart of as many points as there may be reads one entry for each', async () => {
  for (const accountId of Object.values(accounts))
    for (const part of [0, 0.2, 0.45]) {
      const steps = stepsOf(dayAt(part), addDays(dayAt(part), mostSteps - 1), 'day') ?? []
      expect(steps.length).toBe(mostSteps)
      const cost = await costOf((tx) => balanceChart(tx, { networkId, accountId, steps }))
      expect(cost.scanned).toEqual([])
      expect(cost.rows).toBeLessThanOrEqual(mostSteps)
      expect(cost.buffers).toBeLessThanOrEqual(6 * mostSteps)
    }
})

test('days that are over are kept by reading their own transfers', async () => {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  const kept = await keepDays({ db })
  const asked = spy.mock.calls.map(([first]) => first as unknown as Query)
  spy.mockRestore()
  expect(kept).toBe(2)
  const [read] = asked.filter((one) => typeof one === 'object' && one.text.includes('from transfer'))
  expect(read).toBeDefined()
  for (const mode of ['force_custom_plan', 'force_generic_plan'] as const) {
    const cost = await explained(read as Query, mode)
    expect(cost.scanned).toEqual([])
    expect(cost.rows).toBeLessThanOrEqual(3 * 3 * aDay)
  }
})

test('totals of any period read what was kept of its days, and one by one the transfers of the day that is not over', async () => {
  for (const steps of [
    [{ from: '0001-01-01', to: dayAt(1) }],
    stepsOf(dayAt(0.4), dayAt(0.45), 'day') ?? [],
    stepsOf(dayAt(0), dayAt(1), 'month') ?? [],
  ]) {
    const cost = await costOf((tx) => totalsChart(tx, { networkId, steps }))
    expect(cost.scanned.filter((one) => one !== 'ledger_head')).toEqual([])
    expect(cost.rows).toBeLessThanOrEqual(days + steps.length + 3 * aDay + 2)
    expect(cost.buffers).toBeLessThanOrEqual(6 * steps.length + 10 * aDay)
  }
  const whole = await inTransaction(db, page, (tx) =>
    totalsChart(tx, { networkId, steps: [{ from: firstDay, to: dayAt(1) }] }),
  )
  expect(whole.points).toMatchObject([
    { transfers: BigInt(transfers), turnoverMinor: 100n * BigInt(transfers), inUseMinor: 0n },
  ])
})

test('how members stand is read from their accounts, not from the ledger', async () => {
  const cost = await costOf((tx) => standingsNow(tx, networkId))
  expect(cost.scanned.filter((one) => one !== 'account')).toEqual([])
  expect(cost.rows).toBeLessThanOrEqual(others + 1)
})

test('a page of trades reads its own trades only, a member’s along the index of each side', async () => {
  const trades = 20_000
  const hotMember = '00000000-0000-7000-8002-000000000000'
  const side = (odd: number) =>
    `('00000000-0000-7000-8002-' || lpad(to_hex(case when n % 2 = ${odd} then 0 else 1 + n % ${others} end), 12, '0'))::uuid`
  await planner.query(`
    insert into trade (network_id, id, reference, seller_member_id, buyer_member_id, proposed_by, state, terms_version, traded_on, due_on,
        description, currency, net_minor, vat_minor, total_minor, credit_minor, money_minor, lines, treatment_confirmed, posting,
        promises, source, lapses_at, booked_on, proposed_by_actor, recorded_at, changed_at)
      select '${networkId}', ('00000000-0000-7000-8005-' || lpad(to_hex(n), 12, '0'))::uuid, upper(lpad(to_hex(n), 10, '0')), ${side(0)}, ${side(1)},
             'seller', 'accepted', 1, '${firstDay}', '${firstDay}', 'Flour', 'GBP', 100, 0, 100, 100, 0, '[]', true, '{}', '[]', 'api', now(),
             '${firstDay}', 'quits', timestamptz '${firstDay}' + n * interval '1 minute', now()
        from generate_series(1, ${trades}) n;
    analyze trade;`)
  for (const memberId of [hotMember, undefined])
    for (const part of [0.1, 0.5, 1]) {
      const recordedAt = new Date(Date.parse(`${firstDay}T00:00:00Z`) + part * trades * 60_000)
      const asked = { networkId, after: { recordedAt, id: hotMember }, limit: aPage + 1 }
      const cost = await costOf((tx) => tradesOf(tx, memberId ? { ...asked, memberId } : asked))
      expect(cost.scanned).toEqual([])
      expect(cost.rows).toBeLessThanOrEqual(2 * (aPage + 2))
      expect(cost.buffers).toBeLessThanOrEqual(300)
    }
}, 30_000)

async function lastVersion(accountId: Uuid): Promise<bigint> {
  const asked = { networkId, accountId, from: null, to: null, after: null, limit: 1, newestFirst: true }
  const last = await inTransaction(db, page, (tx) => statement(tx, asked))
  return last.entries[0]?.version ?? 0n
}
