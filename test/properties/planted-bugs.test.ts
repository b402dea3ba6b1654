/**
 * The simulator finds what it is there to find: three of the planted bugs a day, by turns, each in a copy of the source, by the seed that
 * found it before or the few after it. All of them: `npm run simulate -- bugs`.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { hunt, plantedBugs } from '../../scripts/simulate/planted-bugs.ts'
import { machineClock } from '../../src/kit/clock.ts'
import { TEMPLATE } from '../support/db.ts'

const dayMs = 86_400_000
const aDay = 3
const bugs = await plantedBugs()
const today = Math.floor(machineClock.now().getTime() / dayMs)
const turn = Array.from({ length: aDay }, (_, place) => bugs[(today * aDay + place) % bugs.length]).flatMap(
  (bug) => bug ?? [],
)

test.each(turn.map((bug) => [bug.name, bug] as const))(
  'planted bug %s is found',
  { timeout: 120_000 },
  async (_, bug) => {
    const hunted = await hunt(bug, { clusterUrl: inject('clusterUrl'), migrated: TEMPLATE }, 3)
    expect(hunted).toMatchObject({ found: true, why: '' })
    expect(hunted.by?.oracle).toMatch(/^O[1-6]$/)
  },
)

test('each of them still fits the source', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const fits = ({ path }: { path: string }) =>
    spawnSync('git', ['apply', '--check', path], { cwd: root, encoding: 'utf8' })
  for (const bug of bugs) expect(fits(bug).stderr, bug.name).toBe('')
})

test('at least thirteen bugs are planted, and each says what it breaks', () => {
  expect(bugs.length).toBeGreaterThanOrEqual(13)
  expect(bugs.filter(({ says }) => !/^[A-Z].{20,}\.$/.test(says))).toEqual([])
})
