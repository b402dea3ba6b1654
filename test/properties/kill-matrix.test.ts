/**
 * The real process killed at every commit and around every vendor's call, a third of the points each time: by the day, or QUITS_TURN.
 * `npm run simulate -- kill` kills at all of them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { killMatrix } from '../../scripts/simulate/kill/matrix.ts'
import { type KillScene, openKillScene } from '../../scripts/simulate/kill/scene.ts'
import { type FreshDatabase, freshDatabase } from '../support/db.ts'

const dayMs = 86_400_000
const turn = Number(process.env.QUITS_TURN ?? Math.floor(Date.now() / dayMs)) % 3
const newcomers = 240

let fresh: FreshDatabase
let scene: KillScene
beforeAll(async () => {
  fresh = await freshDatabase()
  scene = await openKillScene(fresh.url, newcomers)
}, 120_000)
afterAll(async () => {
  await scene?.end()
  await fresh.drop()
}, 30_000)

test(`killed at every point of a third (QUITS_TURN=${turn}) and started again, it has lost nothing and doubled nothing`, async () => {
  const said: string[] = []
  const matrix = await killMatrix(scene, {
    isEachOnce: true,
    share: { turn, of: 3 },
    say: (line) => said.push(line),
  })
  expect(matrix.broken).toEqual([])
  expect(matrix.notMet).toEqual([])
  expect(matrix.points).toBeGreaterThan(30)
}, 600_000)
