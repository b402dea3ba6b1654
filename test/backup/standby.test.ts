/**
 * A standby takes over, and the last commits are gone: what was promised and delivered after them stands in the books and in no row.
 * Nothing leaves before every book is begun anew, and then as after a restore.
 */
import { expect, test } from 'vitest'
import { takeOver } from '../../src/backup/take-over.ts'
import { resume } from '../../src/books/pause.ts'
import { sweepBook } from '../../src/reconcile/sweep.ts'
import { standInGround, type Vendor } from './stand-in-ground.ts'

const vendors: Vendor[] = ['xero', 'quickbooks']

test('fault 56: a standby that lacks the last commits: nothing leaves until every book is paused, then the sweep takes over what is there and lists what we forgot; none doubled', async () => {
  const made = await standInGround()
  await made.forgetKeys()
  const holds = async () => {
    const all = await Promise.all(vendors.map((vendor) => made.documents(vendor)))
    return all.map((documents) => documents.map(({ kind, reference }) => `${kind} ${reference}`).sort())
  }
  await made.sell(10_000n)
  await made.deliver()
  await made.sell(2_500n)
  const standby = await made.standby()
  // All of this the standby never hears of: one delivery of a promise that it knows, and one trade.
  await made.deliver()
  const forgotten = await made.sell(700n)
  await made.deliver()
  const before = await holds()

  made.moveTo(standby)
  const { pool } = made.deps.db
  // As in the server that has been promoted: Postgres tells another history from then on.
  await pool.query("update lane set history = '000000F0'")
  const tries = async () => (await pool.query('select count(*) from attempt')).rows
  const tried = await tries()
  await expect(made.deliver()).rejects.toThrow('never come to rest')
  expect(await tries()).toEqual(tried)
  expect(await holds()).toEqual(before)

  expect([await takeOver(made.deps), await takeOver(made.deps)]).toEqual([1, 0])
  const { rows: connections } = await pool.query<{ id: string; state: string; paused_by: string }>(
    'select id, state, paused_by from connection',
  )
  expect(connections.map(({ state, paused_by }) => [state, paused_by])).toEqual(Array(2).fill(['paused', 'quits']))
  for (const vendor of vendors) {
    const swept = await sweepBook(made.deps, { organisationId: made.members[vendor].organisationId, whole: false })
    expect([swept.mode, ...swept.adopted.map(({ document }) => document.totalMinor)]).toEqual(['whole', 2_500n, 2_500n])
    expect(swept.found.map(({ what, line }) => [what, line.document?.totalMinor])).toEqual(
      Array(2).fill(['foreign', 700n]),
    )
  }
  for (const { id } of connections)
    await made.worker((tx) => resume(tx, made.deps.clock, { connectionId: id, actor: 'per_bea' }))
  await made.deliver()
  expect(await holds()).toEqual(before)

  // No number is given twice, though the one that was forgotten would have come next.
  const number = await made.sell(900n)
  expect(number).not.toBe(forgotten)
  await made.deliver()
  const after = await holds()
  expect(after.map((documents, place) => documents.length - (before[place]?.length ?? 0))).toEqual([2, 2])
  for (const documents of after) expect(new Set(documents).size).toBe(documents.length)
}, 120_000)

test('what waited is looked for before it is put, without a sweep too', async () => {
  const made = await standInGround()
  await made.forgetKeys()
  await made.sell(2_500n)
  const standby = await made.standby()
  await made.deliver()
  const held = await made.documents('quickbooks')
  made.moveTo(standby)
  await made.deps.db.pool.query("update lane set history = '000000F0'")
  await takeOver(made.deps)
  await made.deps.db.pool.query("update connection set state = 'live'")
  await made.deliver()
  expect(await made.documents('quickbooks')).toEqual(held)
}, 120_000)
