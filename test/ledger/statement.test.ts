import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction } from '../../src/kit/db.ts'
import { balanceOn, statement } from '../../src/ledger/statement.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

const read = (
  ledger: SmallLedger,
  from: string | null,
  to: string | null,
  after: bigint | null = null,
  limit = 10,
  newestFirst = false,
) =>
  inTransaction(db, asWorker, (tx) =>
    statement(tx, {
      networkId: ledger.networkId,
      accountId: ledger.account('mill'),
      from,
      to,
      after,
      limit,
      newestFirst,
    }),
  )

async function threeMonths(): Promise<SmallLedger> {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  for (const [name, day, amount] of [
    ['a', '2025-11-10', 10n],
    ['b', '2025-12-01', 20n],
    ['c', '2025-12-31', 30n],
    ['d', '2026-01-01', 40n],
  ] as const)
    await ledger.sale(name, 'bakery', 'mill', amount, {}, { bookedOn: day })
  return ledger
}

test('a month opens with what the month before it closed with', async () => {
  const ledger = await threeMonths()
  const december = await read(ledger, '2025-12-01', '2025-12-31')
  expect(december).toMatchObject({ openingMinor: 10n, closingMinor: 60n, next: null })
  expect(december.entries.map((entry) => [entry.bookedOn, entry.amountMinor, entry.afterMinor])).toEqual([
    ['2025-12-01', 20n, 30n],
    ['2025-12-31', 30n, 60n],
  ])
  expect(december.entries[0]?.otherAccountId).toBe(ledger.account('bakery'))
})

test('without days it is everything up to now', async () => {
  const ledger = await threeMonths()
  expect(await read(ledger, null, null)).toMatchObject({ openingMinor: 0n, closingMinor: 100n })
})

test('it is read page by page and no entry is seen twice', async () => {
  const ledger = await threeMonths()
  const first = await read(ledger, null, null, null, 3)
  const second = await read(ledger, null, null, first.next, 3)
  expect([...first.entries, ...second.entries].map((entry) => entry.version)).toEqual([1n, 2n, 3n, 4n])
  expect(second.next).toBeNull()
})

test('newest first it is the same entries the other way round, page by page', async () => {
  const ledger = await threeMonths()
  const first = await read(ledger, null, null, null, 3, true)
  const second = await read(ledger, null, null, first.next, 3, true)
  expect([...first.entries, ...second.entries].map((entry) => entry.version)).toEqual([4n, 3n, 2n, 1n])
  expect(second.next).toBeNull()
  expect(first).toMatchObject({ openingMinor: 0n, closingMinor: 100n })
})

test('a page of a period stays within it in both directions, wherever the cursor comes from', async () => {
  const ledger = await threeMonths()
  const versions = async (after: bigint | null, newestFirst: boolean) =>
    (await read(ledger, '2025-12-01', '2025-12-31', after, 10, newestFirst)).entries.map((entry) => entry.version)
  expect(await versions(null, true)).toEqual([3n, 2n])
  expect(await versions(3n, true)).toEqual([2n])
  expect(await versions(99n, true)).toEqual([3n, 2n])
  expect(await versions(1n, true)).toEqual([])
  expect(await versions(0n, false)).toEqual([2n, 3n])
  expect(await versions(2n, false)).toEqual([3n])
  expect(await versions(99n, false)).toEqual([])
})

test('a period without entries opens and closes with the same balance, before the first entry with none', async () => {
  const ledger = await threeMonths()
  expect(await read(ledger, '2025-11-11', '2025-11-30')).toMatchObject({
    openingMinor: 10n,
    closingMinor: 10n,
    entries: [],
  })
  expect(await read(ledger, '2025-01-01', '2025-10-31')).toMatchObject({
    openingMinor: 0n,
    closingMinor: 0n,
    entries: [],
  })
  expect(await read(ledger, '2027-01-01', null)).toMatchObject({ openingMinor: 100n, closingMinor: 100n, entries: [] })
})

test('the balance of any ledger day is known', async () => {
  const ledger = await threeMonths()
  const on = (day: string | null) =>
    inTransaction(db, asWorker, (tx) => balanceOn(tx, ledger.networkId, ledger.account('mill'), day))
  expect(await Promise.all(['2025-11-09', '2025-11-10', '2025-12-30', '2025-12-31', null].map(on))).toEqual([
    0n,
    10n,
    30n,
    60n,
    100n,
  ])
})
