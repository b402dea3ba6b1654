/**
 * The long proofs of `npm run simulate -- ledger`, for under a minute: kills of writers and of Postgres under load, then two
 * writers on a hot account. The seed changes by the day and is told with what is broken.
 */
import { expect, test } from 'vitest'
import { type SimulationAsk, simulateLedger } from '../../scripts/simulate/ledger.ts'
import { machineClock } from '../../src/kit/clock.ts'

const seed = Number(process.env.QUITS_SEED ?? machineClock.now().toISOString().slice(0, 10).replaceAll('-', ''))
const quiet = () => undefined

async function simulated(ask: Partial<SimulationAsk>) {
  return simulateLedger({ seed, rounds: 6, minutes: 0, say: quiet, ...ask })
}

test('whatever is killed, nothing acknowledged is lost and nothing doubled; on a hot account no limit is crossed', {
  timeout: 400_000,
}, async () => {
  const done = await simulated({ rounds: 6, minutes: 0.2 })
  expect({ seed: done.seed, broken: done.broken }).toEqual({ seed, broken: [] })
  expect(Object.values(done.kills)).toEqual([1, 1, 1, 1, 1, 1])
  for (const count of [done.acknowledged, done.refused, done.unknown, done.askedAgain, done.snapshots])
    expect(count).toBeGreaterThan(0)
})

test('an answer that is given before it is durable is found by killing Postgres', { timeout: 400_000 }, async () => {
  const prepare = [
    'alter database quits set synchronous_commit = off',
    'alter system set wal_writer_delay = 5000',
    'select pg_reload_conf()',
  ]
  const done = await simulated({ rounds: 5, kinds: ['all of Postgres'], prepare })
  expect(done.broken.join('\n')).toMatch(/acknowledged, and lost/)
})
