import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction, type Tx, withConnection } from '../../src/kit/db.ts'
import { keepDays } from '../../src/ledger/keep-days.ts'
import { type StepSize, stepsOf } from '../../src/ledger/steps.ts'
import { standingsNow, totalsChart } from '../../src/ledger/totals.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

const work = <A>(of: (tx: Tx) => Promise<A>) => inTransaction(db, asWorker, of)

async function drawn(ledger: SmallLedger, from: string, to: string, by: StepSize) {
  const steps = stepsOf(from, to, by) ?? []
  const chart = await work((tx) => totalsChart(tx, { networkId: ledger.networkId, steps }))
  return chart.points.map(
    (one) => `${one.to}: ${one.transfers} moved, ${one.turnoverMinor} - ${one.reversedMinor}, ${one.inUseMinor} in use`,
  )
}

async function daysKept(ledger: SmallLedger): Promise<string[]> {
  const rows = await work((tx) =>
    tx.ledgerDay.findMany({ where: { networkId: ledger.networkId }, orderBy: { day: 'asc' } }),
  )
  return rows.map((row) => `${row.day.toISOString().slice(0, 10)} up to ${row.lastNumber}`)
}

/** Three businesses in December and January; a fee, a reversal, a hold that was let go and one that was posted. */
async function fewWeeks(): Promise<SmallLedger> {
  const ledger = await smallLedger(db, { bakery: {}, mill: {}, smith: {} })
  const { account } = ledger
  const on = (bookedOn: string) => ({ bookedOn })
  await ledger.sale('a', 'bakery', 'mill', 100n, {}, on('2025-12-30'))
  await ledger.sale('fee', 'mill', 'fees', 2n, { kind: 'fee' }, on('2025-12-31'))
  await ledger.sale('b', 'mill', 'smith', 40n, {}, on('2025-12-31'))
  await ledger.sale(
    'back',
    'mill',
    'bakery',
    100n,
    { kind: 'reversal', reversesId: ledger.transfer('a', 'bakery', 'mill', 100n).id },
    on('2026-01-04'),
  )
  const held = ledger.transfer('held', 'mill', 'smith', 7n, { kind: 'hold' })
  const letGo = ledger.transfer('free', 'mill', 'smith', 5n, { kind: 'hold' })
  await ledger.post(ledger.posting('holds', [held, letGo], on('2026-01-05')))
  const end = { debit: account('mill'), credit: account('smith') }
  await ledger.post(
    ledger.posting(
      'ends',
      [
        { ...ledger.transfer('posts', 'mill', 'smith', 7n, { kind: 'hold_post', holdId: held.id }), ...end },
        { ...ledger.transfer('frees', 'mill', 'smith', 0n, { kind: 'hold_release', holdId: letGo.id }), ...end },
      ],
      on('2026-01-05'),
    ),
  )
  return ledger
}

const december = '2025-12-31: 3 moved, 140 - 0, 100 in use'
const january = '2026-01-31: 2 moved, 7 - 100, 49 in use'
const days = [
  '2025-12-29: 0 moved, 0 - 0, 0 in use',
  '2025-12-30: 1 moved, 100 - 0, 100 in use',
  '2025-12-31: 2 moved, 40 - 0, 100 in use',
  '2026-01-01: 0 moved, 0 - 0, 100 in use',
  '2026-01-02: 0 moved, 0 - 0, 100 in use',
  '2026-01-03: 0 moved, 0 - 0, 100 in use',
  '2026-01-04: 1 moved, 0 - 100, 42 in use',
  '2026-01-05: 1 moved, 7 - 0, 49 in use',
]

test('each step says how much was sold, reversed and is in use; holds move nothing until they are posted', async () => {
  const ledger = await fewWeeks()
  expect(await drawn(ledger, '2025-12-01', '2026-01-31', 'month')).toEqual([december, january])
  expect(await drawn(ledger, '2025-12-29', '2026-01-05', 'day')).toEqual(days)
})

test('what was kept of days that are over says the same as the transfers themselves, however few are read at once', async () => {
  for (const atOnce of [1n, 2n, 3n, 100n]) {
    const ledger = await fewWeeks()
    await keepDays({ db }, atOnce)
    expect(await daysKept(ledger)).toEqual(['2025-12-30 up to 1', '2025-12-31 up to 3', '2026-01-04 up to 4'])
    expect(await drawn(ledger, '2025-12-29', '2026-01-05', 'day')).toEqual(days)
    expect(await drawn(ledger, '2025-12-01', '2026-01-31', 'month')).toEqual([december, january])
  }
})

test('what is posted after days were kept is counted at once, and kept when its day is over', async () => {
  const ledger = await fewWeeks()
  await keepDays({ db })
  await ledger.sale('c', 'bakery', 'smith', 60n, {}, { bookedOn: '2026-01-05' })
  expect((await drawn(ledger, '2026-01-05', '2026-01-06', 'day'))[0]).toBe('2026-01-05: 2 moved, 67 - 0, 109 in use')
  await ledger.sale('d', 'smith', 'bakery', 9n, {}, { bookedOn: '2026-01-06' })
  expect(await keepDays({ db })).toBe(1)
  expect(await keepDays({ db })).toBe(0)
  expect(await drawn(ledger, '2026-01-05', '2026-01-06', 'day')).toEqual([
    '2026-01-05: 2 moved, 67 - 0, 109 in use',
    '2026-01-06: 1 moved, 9 - 0, 100 in use',
  ])
})

test('a day is kept while somebody looks, and is counted once', async () => {
  const ledger = await fewWeeks()
  const steps = stepsOf('2025-12-01', '2026-01-31', 'month') ?? []
  const chart = await work(async (tx) => {
    // The days are kept between the look at the head and the look at what is kept.
    const keeping = new Proxy(tx, {
      get(own, name) {
        if (name !== '$queryRaw') return Reflect.get(own, name)
        return async (parts: TemplateStringsArray, ...values: unknown[]) => {
          if (parts.join('').includes('from transfer')) await keepDays({ db })
          return own.$queryRaw(parts, ...values)
        }
      },
    })
    return totalsChart(keeping, { networkId: ledger.networkId, steps })
  })
  expect((await daysKept(ledger)).length).toBe(3)
  expect(chart.points.map((point) => point.turnoverMinor)).toEqual([140n, 7n])
})

test('a ledger without transfers amounts to nothing, and nothing of it is kept', async () => {
  const ledger = await smallLedger(db, { mill: {} })
  await keepDays({ db })
  expect(await drawn(ledger, '2026-01-01', '2026-01-31', 'month')).toEqual(['2026-01-31: 0 moved, 0 - 0, 0 in use'])
  expect(await daysKept(ledger)).toEqual([])
})

test('members are counted above, below and at zero; what is in use is the sum above it', async () => {
  const ledger = await fewWeeks()
  expect(await work((tx) => standingsNow(tx, ledger.networkId))).toEqual({
    inUseMinor: 49n,
    above: 1n,
    below: 1n,
    atZero: 1n,
  })
})

test('what is kept is never changed, and no page may write it', async () => {
  const ledger = await fewWeeks()
  await keepDays({ db })
  const change = 'update ledger_day set transfers = 0'
  await expect(db.pool.query(change)).rejects.toMatchObject({ code: 'QA001' })
  const page = { role: 'app', networks: [ledger.networkId], organisations: [] } as const
  const insert = `insert into ledger_day values ('${ledger.networkId}', '2030-01-01', 9, 0, 0, 0, 0)`
  await expect(withConnection(db.pool, page, (client) => client.query(insert))).rejects.toMatchObject({ code: '42501' })
})

test('a hold that was posted for a trade was sold; one for a contribution moved, and sold nothing', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const cause = { causeKind: 'request' }
  const held = ledger.transfer('held', 'bakery', 'mill', 7n, { ...cause, kind: 'hold' })
  const posts = ledger.transfer('posts', 'bakery', 'mill', 7n, { ...cause, kind: 'hold_post', holdId: held.id })
  await ledger.post(ledger.posting('hold', [held], { bookedOn: '2026-01-05' }))
  await ledger.post(ledger.posting('post', [posts], { bookedOn: '2026-01-05' }))
  expect(await drawn(ledger, '2026-01-05', '2026-01-05', 'day')).toEqual(['2026-01-05: 1 moved, 0 - 0, 7 in use'])
})
