/**
 * `npm run simulate`: seeds over the whole service. `--seed n` plays one and tells all of it, `--seeds n` so many from a fresh
 * beginning or `--seeds 1..40` these, `--hours h` as many as fit, `--json`. A seed that breaks an oracle is told with the shortest
 * list of commands that still breaks it; `--as-found`: with all of them, at once.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { progress } from '../../src/demo/progress.ts'
import { machineClock } from '../../src/kit/clock.ts'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { migrate } from '../../src/kit/migrate.ts'
import type { Command } from './commands.ts'
import { failureText } from './failure-text.ts'
import { type Shrunk, shrink } from './shrink.ts'
import { simulate } from './simulate-seed.ts'
import { buildTown, type Town } from './town.ts'

const hourMs = 3_600_000
const mostFailures = 5

/** Gives the exit code: 1 when an oracle was broken. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '20' },
      hours: { type: 'string' },
      'as-found': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  })
  const seeds = seedsIn(values)
  if (!seeds) {
    process.stderr.write('A seed is a number, seeds a number or 1..40, hours a number.\n')
    return 1
  }
  const { say, stop } = progress()
  const endsAt =
    values.hours === undefined ? Number.POSITIVE_INFINITY : performance.now() + Number(values.hours) * hourMs
  const failures: (Shrunk & { seed: number })[] = []
  let played = 0
  await inTown(say, async (town) => {
    for (const seed of seeds) {
      if (performance.now() > endsAt || failures.length >= mostFailures) break
      const done = await simulate(town, seed)
      played += 1
      if (values.seed !== undefined && !values.json) process.stderr.write(`${done.log.join('\n')}\n`)
      if (done.broken.length === 0) say(`seed ${seed} holds, ${played} played`)
      else {
        say(`SEED=${seed} ${done.broken[0]?.oracle} ${done.broken[0]?.says}`)
        const again = (commands: Command[]) => simulate(town, seed, commands)
        failures.push({
          seed,
          ...(values['as-found'] ? { broken: done.broken, commands: done.commands } : await shrink(again, done)),
        })
      }
    }
  })
  stop()
  process.stdout.write(
    values.json ? `${JSON.stringify({ holds: failures.length === 0, played, failures })}\n` : asText(played, failures),
  )
  return failures.length === 0 ? 0 : 1
}

function seedsIn({ seed, seeds, hours }: { seed?: string; seeds: string; hours?: string }): Iterable<number> | null {
  const range = /^(\d+)\.\.(\d+)$/.exec(seeds)
  const isSound =
    [seed ?? '0', hours ?? '0'].every((text) => /^\d+(\.\d+)?$/.test(text)) && (range || /^\d+$/.test(seeds))
  if (!isSound) return null
  if (seed !== undefined) return [Number(seed)]
  if (range) return from(Number(range[1]), Number(range[2]))
  const first = 1 + (machineClock.now().getTime() % 1_000_000_007)
  return from(first, hours === undefined ? first + Number(seeds) - 1 : Number.MAX_SAFE_INTEGER)
}

function* from(first: number, last: number): Generator<number> {
  for (let seed = first; seed <= last; seed += 1) yield seed
}

export async function inTown(say: (line: string) => void, work: (town: Town) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'quits-seeds-'))
  const server = await startEmbeddedPostgres({ home, durable: false, log: say })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void server.stop().finally(() => process.exit(130)))
  try {
    await migrate(server.url)
    const clusterUrl = new URL(server.url)
    clusterUrl.pathname = '/postgres'
    const town = await buildTown({ clusterUrl: clusterUrl.href, migrated: 'quits' })
    try {
      await work(town)
    } finally {
      await town.end()
    }
  } finally {
    await server.stop()
    await rm(server.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
}

function asText(played: number, failures: (Shrunk & { seed: number })[]): string {
  if (failures.length === 0) return `${played} seeds, and every oracle held.\n`
  return `${failures.map(failureText).join('\n')}\n`
}
