/** Several writers against the plain ledger, with lines that break before and after the commit. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databaseWithClock } from '../ledger/small-ledger.ts'
import { type Ground, replayable } from './model-ground.ts'
import { openWriters, severalWriters, type Writers } from './several-writers.ts'

let ground: Ground
let writers: Writers
beforeAll(async () => {
  ground = await databaseWithClock()
  writers = await openWriters(ground)
})
afterAll(async () => {
  await writers.end()
  await ground.end()
})

test('whoever asks, in whatever order and over lines that break, what stands and what is heard is the model’s', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    severalWriters(() => writers),
    replayable({ numRuns: 40, interruptAfterTimeLimit: 120_000 }),
  )
  expect(writers.all.some(({ line }) => line.broken() > 0)).toBe(true)
})
