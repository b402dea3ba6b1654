/** Charts and totals through the API: what they say, and what they refuse. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keepDays } from '../../../src/ledger/keep-days.ts'
import { type ApiWorld, apiWorld, sell } from '../../support/api-world.ts'
import type { Client } from '../../support/app.ts'

let world: ApiWorld
let today: string
beforeAll(async () => {
  world = await apiWorld()
  const { avon, mill, bakery, app } = world
  await sell(avon.path, mill, bakery, '1000')
  await sell(avon.path, bakery, mill, '300')
  today = app.clock.now().toISOString().slice(0, 10)
})
afterAll(() => world.end())

const chartsOf = (): [Client, string][] => [
  [world.mill.owner, `${world.mill.path}/balance-chart`],
  [world.avon.convener, `${world.avon.path}/ledger/totals-chart`],
]

test('the balance of a member at the end of each day, up to today and no further', async () => {
  const { mill, bakery } = world
  const path = `${mill.path}/balance-chart?by=day&to=2100-01-01`
  const answer = await mill.owner(`GET ${path}`)
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body.list).toHaveLength(90)
  expect(answer.body.list.at(-1)).toMatchObject({ from: today, to: today })
  expect(answer.body.list.at(-1).balance).toEqual((await mill.owner(`GET ${mill.path}/balance`)).body.balance)
  expect(answer.body.list.at(-2).balance).toEqual({ amount: '0', currency: 'GBP' })
  expect((await bakery.owner(`GET ${path}`)).status).toBe(404)
})

test('totals and their chart say what moved, what is in use and how members stand, before and after days are kept', async () => {
  const { avon, app } = world
  const totals = await avon.convener(`GET ${avon.path}/ledger/totals`)
  expect(totals.status, totals.text).toBe(200)
  expect(totals.body).toMatchObject({
    from: null,
    to: null,
    turnover: { amount: '1300', currency: 'GBP' },
    reversed: { amount: '0', currency: 'GBP' },
    now: { membersAbove: 1, membersBelow: 1, membersAtZero: 0 },
  })
  expect(totals.body.inUse).toEqual(totals.body.now.inUse)
  expect((await avon.convener(`GET ${avon.path}/ledger/totals?to=2020-01-01`)).body).toMatchObject({
    transfers: '0',
    turnover: { amount: '0' },
    inUse: { amount: '0' },
  })
  const chart = await avon.convener(`GET ${avon.path}/ledger/totals-chart?by=month`)
  expect(chart.body.list.at(-1)).toMatchObject({ to: today, turnover: { amount: '1300' }, inUse: totals.body.inUse })
  await keepDays(app)
  expect((await avon.convener(`GET ${avon.path}/ledger/totals`)).body).toEqual(totals.body)
  expect((await world.mill.owner(`GET ${avon.path}/ledger/totals`)).status).toBe(403)
})

test('a period that runs backwards, is too long, or is cut by something else is refused in words', async () => {
  for (const [speak, path] of chartsOf()) {
    const refused = async (query: string, status: number, code: string) => {
      const answer = await speak(`GET ${path}?${query}`)
      expect(answer.status, `${path} ${query} ${answer.text}`).toBe(status)
      expect(answer.body.code).toBe(code)
      return answer.body
    }
    expect((await refused('from=2026-02-01&to=2026-01-31', 400, 'malformed')).errors[0].pointer).toBe('/query/to')
    expect((await refused('by=fortnight', 400, 'malformed')).errors[0].pointer).toBe('/query/by')
    await refused('from=2026-02-30', 400, 'malformed')
    await refused('from=2020-01-01&by=day', 422, 'period_too_long')
    await refused('from=0001-01-01&by=month', 422, 'period_too_long')
    expect((await speak(`GET ${path}?from=9999-12-31`)).body.list).toEqual([])
  }
  const { avon } = world
  expect((await avon.convener(`GET ${avon.path}/ledger/totals?from=2026-02-01&to=2026-01-31`)).status).toBe(400)
})

test('a statement is read from either end', async () => {
  const { mill } = world
  const read = async (order: string) =>
    (await mill.owner(`GET ${mill.path}/statement?order=${order}`)).body.list.map(
      (one: { version: string }) => one.version,
    )
  const oldest = await read('oldest_first')
  expect(oldest.length).toBeGreaterThan(1)
  expect(await read('newest_first')).toEqual([...oldest].reverse())
  expect((await mill.owner(`GET ${mill.path}/statement?order=random`)).status).toBe(400)
})
