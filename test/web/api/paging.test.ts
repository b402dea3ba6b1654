/** Keyset paging: every row once, whatever the page, and the next page named in body and header. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, apiWorld, saleOf, sell } from '../../support/api-world.ts'
import type { Client } from '../../support/app.ts'
import { walk } from '../../support/walk.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
  const { avon, mill, bakery } = world
  for (let run = 0; run < 3; run += 1) await avon.convener(`POST ${avon.path}/ledger/audits`)
  for (let number = 1; number <= 7; number += 1) await sell(avon.path, mill, bakery, String(100 * number))
})
afterAll(() => world.end())

test('every list walks to the same rows whatever the size of its pages', async () => {
  const { avon, mill, bakery } = world
  const lists: [Client, string, number][] = [
    [mill.owner, `${avon.path}/trades`, 7],
    [mill.owner, `${mill.path}/deliveries`, 0],
    [mill.owner, `${mill.path}/statement`, 7],
    [mill.owner, `${mill.path}/statement?order=newest_first`, 7],
    [avon.convener, `${avon.path}/ledger/accounts`, 6],
    [avon.convener, `${avon.path}/ledger/audits`, 3],
    [avon.convener, `${avon.path}/members`, 2],
    [mill.owner, `${avon.path}/directory`, 2],
    [avon.convener, `${bakery.path}/limits/changes`, 2],
  ]
  for (const [speak, path, least] of lists) {
    const whole = await walk(speak, path, 200)
    expect(whole.ids.length, path).toBeGreaterThanOrEqual(least)
    expect(new Set(whole.ids).size, path).toBe(whole.ids.length)
    for (const limit of [1, 2, 3])
      expect((await walk(speak, path, limit)).ids, `${path} by ${limit}`).toEqual(whole.ids)
  }
})

test('deliveries and the trail walk the same way', async () => {
  const { avon, mill } = world
  const deliveries = await walk(mill.owner, `${mill.path}/deliveries`, 200)
  expect(deliveries.ids.length).toBeGreaterThan(10)
  expect((await walk(mill.owner, `${mill.path}/deliveries`, 5)).ids).toEqual(deliveries.ids)
  const deeds = await walk(avon.convener, `${avon.path}/deeds`, 200)
  expect((await walk(avon.convener, `${avon.path}/deeds`, 7)).ids).toEqual(deeds.ids)
})

test('a row that comes while one pages does not shift what is still to come', async () => {
  const { avon, mill, bakery } = world
  const first = await mill.owner(`GET ${avon.path}/trades?limit=3`)
  await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '5') })
  const second = await mill.owner(`GET ${avon.path}/trades?limit=3&after=${first.body.next}`)
  const seen = [...first.body.list, ...second.body.list].map((row: { id: string }) => row.id)
  expect(new Set(seen).size).toBe(6)
})

test('filters narrow what is walked', async () => {
  const { avon, mill, bakery } = world
  const count = async (query: string) => (await mill.owner(`GET ${avon.path}/trades?${query}`)).body.list.length
  expect(await count('state=proposed')).toBe(1)
  expect(await count('state=accepted')).toBe(7)
  expect(await count(`memberId=${mill.memberId}&side=buyer`)).toBe(0)
  expect(await count('from=2026-11-03')).toBe(0)
  expect(await count('disputed=true')).toBe(0)
  expect((await bakery.owner(`GET ${avon.path}/members?standing=left`)).status).toBe(403)
})
