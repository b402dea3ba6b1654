/**
 * `npm run simulate -- bugs`: the simulator's teeth. Every planted bug must be found by some seed; `--only word` plants those whose
 * name has it, `--seeds n` plays at most so many for each (40), `--json`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { progress } from '../../src/demo/progress.ts'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { migrate } from '../../src/kit/migrate.ts'
import { type Hunted, hunt, plantedBugs } from './planted-bugs.ts'

/** Gives the exit code: 1 when a bug was not found. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: '' },
      seeds: { type: 'string', default: '40' },
      json: { type: 'boolean' },
    },
  })
  const { say, stop } = progress()
  const home = await mkdtemp(join(tmpdir(), 'quits-bugs-'))
  const server = await startEmbeddedPostgres({ home, durable: false, log: say })
  const hunted: Hunted[] = []
  try {
    await migrate(server.url)
    const clusterUrl = new URL(server.url)
    clusterUrl.pathname = '/postgres'
    const place = { clusterUrl: clusterUrl.href, migrated: 'quits' }
    for (const bug of (await plantedBugs()).filter(({ name }) => name.includes(values.only))) {
      const done = await hunt(bug, place, Number(values.seeds))
      hunted.push(done)
      say(lineOf(done))
    }
  } finally {
    stop()
    await server.stop()
    await rm(server.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
  const left = hunted.filter(({ found }) => !found)
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ holds: left.length === 0, planted: hunted.length, found: hunted.length - left.length, bugs: hunted.map(({ name, found, by, why }) => ({ name, found, seed: by?.seed ?? null, oracle: by?.oracle ?? null, why })) })}\n`
      : `${hunted.map(lineOf).join('\n')}\n${hunted.length - left.length} of ${hunted.length} planted bugs found.\n`,
  )
  return left.length === 0 && hunted.length > 0 ? 0 : 1
}

function lineOf({ name, found, by, why }: Hunted): string {
  return found ? `${name}: found by seed ${by?.seed}, ${by?.oracle} ${by?.says}` : `${name}: NOT found, ${why}`
}
