/** What happens to a ledger by itself: holds run out, and every night it is proven whole. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/kit/ids.ts'
import { openLog } from '../../src/kit/log.ts'
import { auditAll } from '../../src/ledger/audit.ts'
import { expireHolds, holdTransfer, openHolds } from '../../src/ledger/hold.ts'
import { post } from '../../src/ledger/post.ts'
import { type SetUp, setUp } from '../networks/set-up.ts'

let world: SetUp
beforeAll(async () => {
  world = await setUp()
})
afterAll(() => world.end())

test('a hold ends when its time has come and frees what it held; a promised one waits', async () => {
  const network = await world.network()
  const [buyer, seller] = [await world.member(network, 'Bakery'), await world.member(network, 'Mill')]
  const start = world.clock.now()
  for (const promised of [false, true]) {
    const hold = {
      id: newId(start),
      debit: buyer.accountId,
      credit: seller.accountId,
      amountMinor: 1_000n,
      causeKind: 'trade',
      causeId: newId(start),
    }
    const expiresAt = new Date(start.getTime() + 60_000)
    await post(world, network.id, { id: newId(start), transfers: [holdTransfer(hold, { expiresAt, promised })] })
  }
  expect(await expireHolds(world)).toBe(0)

  await world.travelTo(new Date(start.getTime() + 61_000))

  expect(await expireHolds(world)).toBe(1)
  expect(await expireHolds(world)).toBe(0)
  const left = await world.worker((tx) => openHolds(tx, network.id, 10))
  expect(left.map((one) => one.promised)).toEqual([true])
})

test('the nightly audit keeps a run for every network and names those that do not hold', async () => {
  const network = await world.network()
  const before = await auditAll({ ...world, log: openLog('silent') })
  expect(before.broken).toEqual([])

  const member = await world.member(network, 'Smith')
  await world.db.pool.query('update account set balance_minor = 5 where id = $1', [member.accountId])
  const after = await auditAll({ ...world, log: openLog('silent') })

  expect(after.broken).toEqual([network.id])
  const runs = await world.worker((tx) =>
    tx.auditRun.findMany({ where: { networkId: network.id }, orderBy: { id: 'asc' } }),
  )
  expect(runs.map((run) => run.holds)).toEqual([true, false])
})
