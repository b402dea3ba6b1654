import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction } from '../../src/kit/db.ts'
import { balanceChart } from '../../src/ledger/balance-chart.ts'
import { type StepSize, stepsOf } from '../../src/ledger/steps.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

async function drawn(ledger: SmallLedger, name: string, from: string, to: string, by: StepSize) {
  const steps = stepsOf(from, to, by) ?? []
  const points = await inTransaction(db, asWorker, (tx) =>
    balanceChart(tx, { networkId: ledger.networkId, accountId: ledger.account(name), steps }),
  )
  return points.map((point) => `${point.to} ${point.balanceMinor}`)
}

test('each point is the balance at the end of its step, and days without entries keep the balance before them', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  await ledger.sale('a', 'bakery', 'mill', 10n, {}, { bookedOn: '2026-01-30' })
  await ledger.sale('b', 'bakery', 'mill', 20n, {}, { bookedOn: '2026-02-01' })
  await ledger.sale('c', 'mill', 'bakery', 50n, {}, { bookedOn: '2026-02-01' })
  expect(await drawn(ledger, 'mill', '2026-01-29', '2026-02-02', 'day')).toEqual([
    '2026-01-29 0',
    '2026-01-30 10',
    '2026-01-31 10',
    '2026-02-01 -20',
    '2026-02-02 -20',
  ])
  expect(await drawn(ledger, 'bakery', '2026-01-01', '2026-03-01', 'month')).toEqual([
    '2026-01-31 -10',
    '2026-02-28 20',
    '2026-03-01 20',
  ])
})

test('an account that nothing moved yet stands at zero all along', async () => {
  const ledger = await smallLedger(db, { mill: {} })
  expect(await drawn(ledger, 'mill', '2026-02-02', '2026-02-15', 'week')).toEqual(['2026-02-08 0', '2026-02-15 0'])
})

test('what is posted late in the evening belongs to the day of the network’s own zone', async () => {
  // 31 January, half past eleven at night in London, is Sunday 1 February already in Paris and far on in Auckland.
  await ground.setClock(new Date('2026-01-31T23:30:00.000Z'))
  const chart = async (zone: string) => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} }, zone)
    await ledger.sale('a', 'bakery', 'mill', 10n)
    return [
      await drawn(ledger, 'mill', '2026-01-01', '2026-02-01', 'month'),
      await drawn(ledger, 'mill', '2026-01-31', '2026-02-01', 'day'),
    ]
  }
  expect(await chart('Europe/London')).toEqual([
    ['2026-01-31 10', '2026-02-01 10'],
    ['2026-01-31 10', '2026-02-01 10'],
  ])
  expect(await chart('Europe/Paris')).toEqual([
    ['2026-01-31 0', '2026-02-01 10'],
    ['2026-01-31 0', '2026-02-01 10'],
  ])
})
