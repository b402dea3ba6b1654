/**
 * `npm run simulate -- kill [--point words] [--vendor xero|quickbooks] [--journey name] [--json]`: the real process killed at every commit and around every
 * vendor's call, started again, and the oracles after each.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { migrate } from '../../src/kit/migrate.ts'
import { killMatrix } from './kill/matrix.ts'
import { openKillScene } from './kill/scene.ts'

/** Each point takes one or two, twice where it was not met. */
const enoughNewcomers = 1_200

export async function run(args: string[]): Promise<number> {
  const { values: asked } = parseArgs({
    args,
    options: {
      point: { type: 'string' },
      vendor: { type: 'string' },
      journey: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const home = await mkdtemp(join(tmpdir(), 'quits-kill-home-'))
  const database = await startEmbeddedPostgres({ home, durable: false })
  try {
    await migrate(database.url)
    const scene = await openKillScene(database.url, enoughNewcomers)
    try {
      const matrix = await killMatrix(scene, {
        ...(asked.point ? { name: asked.point } : {}),
        ...(asked.vendor ? { vendor: asked.vendor } : {}),
        ...(asked.journey ? { journey: asked.journey } : {}),
        say: (line) => process.stderr.write(`${line}\n`),
      })
      const { points, notMet, broken, killed } = matrix
      process.stdout.write(
        asked.json
          ? `${JSON.stringify({ points, killed: killed.filter((one) => one.met).length, notMet, broken })}\n`
          : `${points} points, ${notMet.length} not met, ${broken.length} broken\n`,
      )
      return broken.length > 0 || notMet.length > 0 || points === 0 ? 1 : 0
    } finally {
      await scene.end()
    }
  } finally {
    await database.stop()
    await rm(database.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
}
