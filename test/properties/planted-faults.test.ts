/**
 * The proofs prove something: each fault in planted/ is put into the functions of a database of its own, and the named property
 * must find it. A fault whose place is no longer in the function's text fails here, and is planted anew by hand.
 */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databaseWithClock } from '../ledger/small-ledger.ts'
import { type SetUp, setUp } from '../networks/set-up.ts'
import { acceptedTrades } from './accepted-trades.ts'
import { groupedAsks } from './grouped-asks.ts'
import type { Ground } from './model-ground.ts'
import { openWriters, severalWriters, type Writers } from './several-writers.ts'

type Fault = {
  says: string
  function: string
  edits: { find: string; replace: string }[]
  foundBy: keyof typeof look
}

const folder = new URL('planted/', import.meta.url)
const faults = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name): [string, Fault] => [name.slice(0, -5), JSON.parse(readFileSync(new URL(name, folder), 'utf8'))])

let ground: Ground
let writers: Writers
let on: SetUp
let sound = new Map<string, string>()
beforeAll(async () => {
  ground = await databaseWithClock()
  writers = await openWriters(ground)
  on = await setUp()
  sound = new Map(
    await Promise.all(
      [...new Set(faults.map(([, { function: name }]) => name))].map(
        async (name) => [name, await textOf(name)] as const,
      ),
    ),
  )
})
afterAll(async () => {
  await writers.end()
  await Promise.all([ground.end(), on.end()])
})

async function textOf(name: string): Promise<string> {
  const { rows } = await ground.db.pool.query(
    'select pg_get_functiondef(oid) as text from pg_proc where proname = $1',
    [name],
  )
  expect(rows.length, `functions named ${name}`).toBe(1)
  return rows[0].text
}

const settings = { numRuns: 150, endOnFailure: true, seed: 20260302, interruptAfterTimeLimit: 90_000 }
const look = {
  'grouped asks': () =>
    fc.check(
      groupedAsks(() => ground),
      settings,
    ),
  'several writers': () =>
    fc.check(
      severalWriters(() => writers),
      settings,
    ),
  'accepted trades': () =>
    fc.check(
      acceptedTrades(() => on),
      settings,
    ),
}

test.each(faults)('%s is found', { timeout: 120_000 }, async (_name, fault) => {
  const text = sound.get(fault.function) ?? ''
  const { pool } = fault.foundBy === 'accepted trades' ? on.db : ground.db
  await pool.query(
    fault.edits.reduce((changed, { find, replace }) => {
      expect(changed.split(find).length - 1, `places of ${JSON.stringify(find)}`).toBe(1)
      return changed.replace(find, () => replace)
    }, text),
  )
  try {
    const run = await look[fault.foundBy]()
    expect(run.failed, 'nothing was found').toBe(true)
    expect(run.counterexample, 'it only ran out of time').not.toBeNull()
    // A slip of ours in planting it is no find.
    expect(String((run.errorInstance as { code?: unknown } | null)?.code ?? '')).not.toMatch(/^42/)
  } finally {
    await pool.query(text)
  }
})

test('at least five are planted', () => {
  expect(faults.length).toBeGreaterThanOrEqual(5)
})
