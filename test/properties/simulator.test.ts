/**
 * Seeds over the whole service: random trades, people, time, deaths of workers and faults of vendors and network, over a real Postgres
 * and the stand-ins, then the six oracles. Every seed that ever failed is played again each time, and fresh ones whose beginning the
 * day decides. `QUITS_SEED=n` plays that one alone and shows all of it.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { commandsOf } from '../../scripts/simulate/commands.ts'
import { failureText } from '../../scripts/simulate/failure-text.ts'
import { shrink } from '../../scripts/simulate/shrink.ts'
import { type Played, simulate } from '../../scripts/simulate/simulate-seed.ts'
import { buildTown, type Town } from '../../scripts/simulate/town.ts'
import { machineClock } from '../../src/kit/clock.ts'
import { TEMPLATE } from '../support/db.ts'

type Kept = { fixed: { from: number; to: number }[]; failed: { seed: number; on: string; found: string }[] }
const kept = JSON.parse(readFileSync(new URL('./seeds.json', import.meta.url), 'utf8')) as Kept
const fixed = kept.fixed.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, place) => from + place))
const known = [...new Set([...kept.failed.map((one) => one.seed), ...fixed])]
const today = 1_000 * Number(machineClock.now().toISOString().slice(0, 10).replaceAll('-', ''))
const asked = process.env.QUITS_SEED
const seeds = asked ? [Number(asked)] : [...known, ...Array.from({ length: 20 }, (_, place) => today + place)]

let town: Town
beforeAll(async () => {
  town = await buildTown({ clusterUrl: inject('clusterUrl'), migrated: TEMPLATE })
}, 60_000)
afterAll(() => town.end())

test('whatever goes wrong, every document stands once, every difference is listed, and nothing is left to send', {
  timeout: 600_000,
}, async () => {
  for (const seed of seeds) {
    const played = await simulate(town, seed)
    if (asked) process.stderr.write(`${played.log.join('\n')}\n`)
    if (played.broken.length > 0) {
      const shortest = await shrink((commands) => simulate(town, seed, commands), played, 25)
      throw new Error(failureText({ seed, ...shortest }))
    }
  }
})

test('a seed is the same run each time, call for call', { timeout: 60_000 }, async () => {
  const [one, again] = [await simulate(town, 7), await simulate(town, 7)]
  expect(one.log).toEqual(again.log)
  expect(one.log.filter((line) => line.startsWith('    ')).length).toBeGreaterThan(20)
})

test('a failing list is shortened to what breaks it', async () => {
  const commands = commandsOf(3)
  const culprit = commands.at(5)
  const play = async (some: typeof commands): Promise<Played> => ({
    ...{ seed: 3, commands: some, log: [] },
    broken: culprit && some.includes(culprit) ? [{ oracle: 'O3', says: 'twice' }] : [],
  })
  const { commands: left } = await shrink(play, await play(commands))
  expect(left).toEqual([culprit])
})
