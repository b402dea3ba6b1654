/** What the bench makes of its numbers. */
import { expect, test } from 'vitest'
import { p99, perSecond, ratio, spread, steadyDice, turned, turnOf } from '../../scripts/bench/measure.ts'
import { asJson, asText, contests, figuresOf, goals, type Measured } from '../../scripts/bench/told.ts'

test('the middle of an odd number of rounds is the one in the middle, of an even number half way between two', () => {
  expect(spread([9, 1, 5])).toEqual({ middle: 5, low: 1, high: 9 })
  expect(spread([4, 1, 2, 9])).toEqual({ middle: 3, low: 1, high: 9 })
})

test('a ratio is made within each round before the middle is taken', () => {
  // Of the middles it would be 20 ÷ 10.
  expect(ratio([10, 20, 90], [10, 5, 30])).toEqual({ middle: 3, low: 1, high: 4 })
})

test('nothing measured is no figure', () => {
  expect(spread([]).middle).toBeNaN()
  expect(ratio([1], []).middle).toBeNaN()
})

test('p99 is a time that was measured, and all but one in a hundred kept to it', () => {
  const times = Array.from({ length: 200 }, (_, place) => 200 - place)
  expect(p99(times)).toBe(198)
  expect(p99([7])).toBe(7)
  expect(p99([])).toBeNaN()
})

test('a second holds as many as were done in it', () => {
  expect(perSecond(300, 1_500)).toBe(200)
})

test('each caller asks again as soon as it is answered, and every answer is counted once', async () => {
  const asked: number[] = []
  const turn = await turnOf(3, 20, async (caller) => {
    asked.push(caller)
    await new Promise((done) => setImmediate(done))
  })
  expect(new Set(asked)).toEqual(new Set([0, 1, 2]))
  expect(turn.done).toBe(asked.length)
  expect(turn.p99Ms).toBeGreaterThan(0)
})

test('a caller that is refused ends the turn', async () => {
  await expect(turnOf(2, 1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('each round begins with another contender', () => {
  expect(turned(['a', 'b', 'c'], 1)).toEqual(['b', 'c', 'a'])
  expect(turned(['a', 'b', 'c'], 3)).toEqual(['a', 'b', 'c'])
})

test('the dice fall alike in each run', () => {
  const [one, other] = [steadyDice(4), steadyDice(4)]
  const thrown = Array.from({ length: 50 }, () => one(6))
  expect(Array.from({ length: 50 }, () => other(6))).toEqual(thrown)
  expect(Math.max(...thrown)).toBeLessThan(6)
})

/** Every contender is as fast as its place in the list, each round by one more. */
function measured(): Measured {
  const turnsOf = (place: number) =>
    [1, 2, 3].map((round) => ({ perSecond: (place + 1) * 100 + round, p99Ms: place + round, done: 10 }))
  return {
    rounds: 3,
    roundMs: 1_000,
    turns: Object.fromEntries(contests.map((name, place) => [name, turnsOf(place)])) as Measured['turns'],
    idleMb: [120, 140],
    loadMb: [180, 210, 190],
    information: { large_entries: 5_000_000 },
  }
}

test('of memory the highest is told', () => {
  const { rss_idle_mb, rss_load_mb } = figuresOf(measured())
  expect(rss_idle_mb).toEqual({ middle: 140, low: 120, high: 140 })
  expect(rss_load_mb).toEqual({ middle: 210, low: 180, high: 210 })
})

test('the object holds the promised keys, their spread, the speeds and nothing beside but information', () => {
  const told = asJson(measured())
  expect(Object.keys(told)).toEqual([...Object.keys(goals), 'spread', 'per_second', 'rounds', 'information'])
  expect(Object.keys(told.spread as object)).toEqual(Object.keys(goals))
  expect(Object.keys(told.per_second as object)).toEqual([...contests])
  expect(told.p99_32_vs_function).toBe(0.4)
  expect(JSON.parse(JSON.stringify(told))).toEqual(told)
})

test('the text names each figure with what is to be reached', () => {
  const text = asText(measured())
  for (const key of Object.keys(goals)) expect(text).toContain(key)
  expect(text).toMatch(/rss_idle_mb +140 +\(120 to 140\) +at most 150/)
})
