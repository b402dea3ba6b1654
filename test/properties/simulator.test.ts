/**
 * Seeds over the whole service: random trades, people, time, deaths of workers and faults of vendors and network, over a real Postgres
 * and the stand-ins, then the six oracles. Every seed that ever failed is played again each time, and fresh ones whose beginning the
 * day decides. `QUITS_SEED=n` plays that one alone and shows all of it.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Command, commandsOf } from '../../scripts/simulate/commands.ts'
import { doCommand } from '../../scripts/simulate/do-command.ts'
import { failureText } from '../../scripts/simulate/failure-text.ts'
import { brokenOracles } from '../../scripts/simulate/oracles.ts'
import { shrink } from '../../scripts/simulate/shrink.ts'
import { type Played, simulate } from '../../scripts/simulate/simulate-seed.ts'
import { buildTown, type Town } from '../../scripts/simulate/town.ts'
import { openWorld } from '../../scripts/simulate/world.ts'
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
}, 240_000)
afterAll(() => town.end())

test('whatever goes wrong, every document stands once, every difference is listed, and nothing is left to send', {
  timeout: 1_200_000,
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

test('a seed is the same run each time, call for call', { timeout: 240_000 }, async () => {
  const [one, again] = [await simulate(town, 7), await simulate(town, 7)]
  expect(one.log).toEqual(again.log)
  expect(one.log.filter((line) => line.startsWith('    ')).length).toBeGreaterThan(20)
})

test('the oracles see a document that nobody promised, and one that is not there', { timeout: 240_000 }, async () => {
  const world = await openWorld(town, 1)
  try {
    const sale = {
      do: 'trade',
      seller: 0,
      buyer: 1,
      by: 'seller',
      nets: [5_000],
      treatment: 2,
      reserve: false,
    } satisfies Partial<Command>
    await doCommand(world, { ...sale, creditBasisPoints: null, answer: 'accept' })
    await doCommand(world, { do: 'deliver', worker: 0, books: 4 })
    const { deps } = world.worker(0)
    const seen = async () => {
      const { networkId, firms: books } = town
      return (await brokenOracles({ deps, networkId, books })).map(({ oracle, says }) => `${oracle} ${says}`)
    }
    expect(await seen()).toEqual([])
    await world.query(`update delivery set reference = 'OTHER' where kind = 'invoice'`)
    expect(await seen()).toContainEqual(expect.stringMatching(/^O3 Alder Bakery: nobody promised invoice \w{10}-SI$/))
    await world.query(`update delivery set receipt = jsonb_set(receipt, '{id}', '"gone"') where kind = 'bill'`)
    expect(await seen()).toContainEqual(expect.stringMatching(/^O2 Birch Mill: bill \w{10}-BB is not there$/))
  } finally {
    await world.end()
  }
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
