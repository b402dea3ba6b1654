/**
 * `npm run simulate -- kill [--point words] [--vendor xero|quickbooks] [--journey name] [--planted word] [--json]`: the real
 * process killed at every commit and around every vendor's call, started again, and the oracles after each. With a planted bug: that
 * some oracle finds it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { migrate } from '../../src/kit/migrate.ts'
import { killMatrix, type Matrix } from './kill/matrix.ts'
import { type Planted, plant } from './kill/planted.ts'
import { openKillScene } from './kill/scene.ts'

/** Each point takes one at most, twice where it was not met; an import takes two. */
const enoughNewcomers = 420

export async function run(args: string[]): Promise<number> {
  const { values: asked } = parseArgs({
    args,
    options: {
      point: { type: 'string' },
      vendor: { type: 'string' },
      journey: { type: 'string' },
      planted: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const home = await mkdtemp(join(tmpdir(), 'quits-kill-home-'))
  const database = await startEmbeddedPostgres({ home, durable: false })
  try {
    await migrate(database.url)
    const scene = await openKillScene(database.url, enoughNewcomers)
    const planted = asked.planted ? await plant(asked.planted) : null
    try {
      if (planted) await scene.useSource(planted.root)
      const matrix = await killMatrix(scene, {
        ...(asked.point ? { name: asked.point } : {}),
        ...(asked.vendor ? { vendor: asked.vendor } : {}),
        ...(asked.journey ? { journey: asked.journey } : {}),
        untilBroken: planted !== null,
        say: (line) => process.stderr.write(`${line}\n`),
      })
      process.stdout.write(`${asked.json ? JSON.stringify(toldOf(matrix)) : wordsOf(matrix, planted)}\n`)
      const holds = matrix.broken.length === 0 && matrix.notMet.length === 0 && matrix.points > 0
      return (planted ? matrix.broken.length > 0 : holds) ? 0 : 1
    } finally {
      await planted?.end()
      await scene.end()
    }
  } finally {
    await database.stop()
    await rm(database.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
}

function toldOf({ known, points, killed, notMet, broken }: Matrix) {
  return { known, points, held: heldOf(killed), notMet, broken }
}

function wordsOf({ known, points, killed, notMet, broken }: Matrix, planted: Planted | null): string {
  if (planted) return `${planted.name}: ${broken[0] ? `found ${broken[0]}` : `NOT found at ${points} points`}`
  return `${heldOf(killed)} of ${points} points held (${known} known), ${notMet.length} not met, ${broken.length} broken`
}

const heldOf = (killed: Matrix['killed']) => killed.filter((one) => one.met && one.broken.length === 0).length
