import { afterAll, beforeEach, expect, test } from 'vitest'
import { openLog } from '../../src/kit/log.ts'
import { auditAll, auditNetwork } from '../../src/ledger/audit.ts'
import { databaseWithClock, firstInstant, smallLedger } from './small-ledger.ts'

type Ground = Awaited<ReturnType<typeof databaseWithClock>>
const grounds: Ground[] = []
let ground: Ground
beforeEach(async () => {
  ground = await databaseWithClock()
  grounds.push(ground)
})
afterAll(() => Promise.all(grounds.map((one) => one.end())))

function watched() {
  const told: { level: string; networkId: string; head: { number: string; hash: string }; untrue: string[] }[] = []
  const log = openLog('silent')
  for (const level of ['info', 'error'] as const)
    log[level] = ((facts: (typeof told)[number]) => void told.push({ ...facts, level })) as never
  return { told, deps: { db: ground.db, clock: { now: () => firstInstant }, log } }
}

test('every network is audited, kept, and its head told to the log', async () => {
  const { told, deps } = watched()
  const one = await smallLedger(ground.db, { bakery: {}, mill: {} })
  const two = await smallLedger(ground.db, { farm: {}, shop: {} })
  await one.sale('a', 'bakery', 'mill', 10n)
  expect(await auditAll(deps)).toEqual({ audited: 2, broken: [] })

  const runs = (await ground.db.pool.query('select network_id, holds, head_number, head_hash from audit_run')).rows
  expect(runs.map((row) => [row.network_id, row.holds, row.head_number]).sort()).toEqual(
    [
      [one.networkId, true, '1'],
      [two.networkId, true, '0'],
    ].sort(),
  )
  const head = (await ground.db.pool.query('select hash from ledger_head where network_id = $1', [one.networkId]))
    .rows[0]
  expect(told.every(({ level }) => level === 'info')).toBe(true)
  expect(told.find(({ networkId }) => networkId === one.networkId)?.head).toEqual({
    number: '1',
    hash: head.hash.toString('hex'),
  })
})

test('a broken truth is an alarm, and the other networks are audited all the same', async () => {
  const { told, deps } = watched()
  const bad = await smallLedger(ground.db, { bakery: {}, mill: {} })
  const good = await smallLedger(ground.db, { farm: {}, shop: {} })
  for (const name of ['a', 'b', 'c']) await bad.sale(name, 'bakery', 'mill', 10n)
  const client = await ground.db.pool.connect()
  await client.query("set session_replication_role = 'replica'")
  // One byte of one hash.
  await client.query(
    'update transfer set hash = set_byte(hash, 3, get_byte(hash, 3) # 1) where network_id = $1 and number = 2',
    [bad.networkId],
  )
  await client.query("set session_replication_role = 'origin'")
  client.release()

  expect(await auditAll(deps)).toEqual({ audited: 2, broken: [bad.networkId] })
  expect(told.find(({ networkId }) => networkId === bad.networkId)).toMatchObject({
    level: 'error',
    untrue: ['chain_is_whole'],
  })
  expect(told.find(({ networkId }) => networkId === good.networkId)).toMatchObject({ level: 'info', untrue: [] })
  const kept = (await ground.db.pool.query('select truths from audit_run where network_id = $1', [bad.networkId]))
    .rows[0]
  const chain = kept.truths.find((truth: { name: string }) => truth.name === 'chain_is_whole')
  expect(chain).toMatchObject({ holds: false, offenders: ['transfer number 2'] })
})

test('trades that are accepted while it runs are no false alarm', async () => {
  const ledger = await smallLedger(ground.db, { bakery: {}, mill: {} })
  await ledger.sale('first', 'bakery', 'mill', 1n)
  const { deps } = watched()
  let going = true
  const trading = (async () => {
    for (let place = 0; going; place += 1) await ledger.sale(`sale ${place}`, 'bakery', 'mill', 1n)
  })()
  const audits = []
  for (let place = 0; place < 15; place += 1) audits.push(await auditNetwork(deps, ledger.networkId))
  going = false
  await trading
  expect(audits.flatMap((one) => one.truths.filter((truth) => !truth.holds).map((truth) => truth.name))).toEqual([])
  expect(new Set(audits.map((one) => one.head.number)).size).toBeGreaterThan(1)
})
