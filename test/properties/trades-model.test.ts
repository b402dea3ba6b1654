/** Many trades accepted in one call against a plain model, and against the same trades one by one: accepted-trades.ts tells how. */
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { type SetUp, setUp } from '../networks/set-up.ts'
import { acceptedTrades } from './accepted-trades.ts'
import { replayable } from './model-ground.ts'

let on: SetUp
beforeAll(async () => {
  on = await setUp()
})
afterAll(() => on.end())

test('trades accepted in calls of any size are the model’s, and leave what the same trades leave one by one', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    acceptedTrades(() => on),
    replayable({ numRuns: 8, interruptAfterTimeLimit: 60_000 }),
  )
})
