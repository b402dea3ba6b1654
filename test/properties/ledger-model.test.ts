/** ledger_post() against the plain ledger, call by call. What fails is shrunk, and told with its seed and path. */
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { databaseWithClock } from '../ledger/small-ledger.ts'
import { groupedAsks } from './grouped-asks.ts'
import { type Ground, replayable } from './model-ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await databaseWithClock()
})
afterAll(() => ground.end())

test('verdicts, balances, holds and versions are the model’s, however the asks are grouped into calls', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    groupedAsks(() => ground),
    replayable({ numRuns: 60, interruptAfterTimeLimit: 120_000 }),
  )
})
