/**
 * `npm run simulate`: seeds over the whole service. `--seed n` plays one and tells all of it, `--seeds n` so many from a fresh
 * beginning or `--seeds 1..40` these, `--hours h` as many as fit, `--processes n` by so many at once, `--json`. A seed that breaks an
 * oracle is told with the shortest list of commands that still breaks it; `--as-found`: with all of them, at once.
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
import { playInProcesses } from './several-processes.ts'
import { type Shrunk, shrink } from './shrink.ts'
import { simulate } from './simulate-seed.ts'
import { buildTown, type Town } from './town.ts'

export type Failed = Shrunk & { seed: number }
export type Told = { holds: boolean; played: number; failures: Failed[] }
type Span = { first: number; last: number; step: number }

const hourMs = 3_600_000
const mostFailures = 5
/** So often it is told how far it has come. */
const tellsEveryMs = 10_000

/** Gives the exit code: 1 when an oracle was broken. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '20' },
      step: { type: 'string', default: '1' },
      hours: { type: 'string' },
      processes: { type: 'string', default: '1' },
      'as-found': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const span = spanOf(values)
  const processes = Number(values.processes)
  if (!span || !(processes >= 1 && processes <= 64)) {
    process.stderr.write('A seed is a number, seeds a number or 1..40, hours a number, processes 1 to 64.\n')
    return 1
  }
  const hours = values.hours === undefined ? null : Number(values.hours)
  const asFound = values['as-found']
  const told =
    processes > 1 && values.seed === undefined
      ? await playInProcesses({ ...span, processes, hours, asFound })
      : await playHere({ ...span, hours, asFound, isLoud: values.seed !== undefined && !values.json })
  process.stdout.write(values.json ? `${JSON.stringify(told)}\n` : asText(told))
  return told.holds ? 0 : 1
}

async function playHere(ask: Span & { hours: number | null; asFound: boolean; isLoud: boolean }): Promise<Told> {
  const { say, stop } = progress()
  const endsAt = ask.hours === null ? Number.POSITIVE_INFINITY : performance.now() + ask.hours * hourMs
  const failures: Failed[] = []
  let played = 0
  let toldAt = performance.now()
  try {
    await inTown(say, async (town) => {
      for (let seed = ask.first; seed <= ask.last; seed += ask.step) {
        if (performance.now() > endsAt || failures.length >= mostFailures) break
        const done = await simulate(town, seed)
        played += 1
        if (ask.isLoud) process.stderr.write(`${done.log.join('\n')}\n`)
        if (done.broken.length > 0) {
          say(`SEED=${seed} ${done.broken[0]?.oracle} ${done.broken[0]?.says}`)
          const again = (commands: Command[]) => simulate(town, seed, commands)
          const told = ask.asFound ? { broken: done.broken, commands: done.commands } : await shrink(again, done)
          failures.push({ seed, ...told })
          say(failureText({ seed, ...told }))
        } else if (performance.now() - toldAt >= tellsEveryMs) {
          toldAt = performance.now()
          say(`seed ${seed} holds, ${played} played`)
        }
      }
    })
  } finally {
    stop()
  }
  return { holds: failures.length === 0, played, failures }
}

function spanOf(ask: { seed?: string; seeds: string; step: string; hours?: string }): Span | null {
  const { seed, seeds, step, hours } = ask
  const range = /^(\d+)\.\.(\d+)$/.exec(seeds)
  const isSound =
    [seed ?? '0', hours ?? '0'].every((text) => /^\d+(\.\d+)?$/.test(text)) &&
    (range || /^\d+$/.test(seeds)) &&
    /^[1-9]\d*$/.test(step)
  if (!isSound) return null
  if (seed !== undefined) return { first: Number(seed), last: Number(seed), step: 1 }
  if (range) return { first: Number(range[1]), last: Number(range[2]), step: Number(step) }
  const first = 1 + (machineClock.now().getTime() % 1_000_000_007)
  const last = hours === undefined ? first + Number(seeds) - 1 : Number.MAX_SAFE_INTEGER
  return { first, last, step: Number(step) }
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

function asText({ played, failures }: Told): string {
  if (failures.length === 0) return `${played} seeds, and every oracle held.\n`
  return `${failures.map(failureText).join('\n')}\n`
}
