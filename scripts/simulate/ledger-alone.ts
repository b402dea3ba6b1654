/**
 * `npm run simulate -- ledger`: the ledger killed and pressed for as long as one likes, on a database of its own with fsync on.
 * `--seed n`, `--rounds n` of kills, `--minutes n` of two writers on a hot account, `--json`.
 */
import { parseArgs } from 'node:util'
import { progress } from '../../src/demo/progress.ts'
import { machineClock } from '../../src/kit/clock.ts'
import { type Simulated, simulateLedger } from './ledger.ts'

/** Gives the exit code: 1 when something is broken, and it says what, with the seed. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      rounds: { type: 'string', default: '200' },
      minutes: { type: 'string', default: '10' },
      json: { type: 'boolean' },
    },
  })
  const seed = Number(values.seed ?? machineClock.now().getTime() % 1_000_000_007)
  const [rounds, minutes] = [Number(values.rounds), Number(values.minutes)]
  if (![seed, rounds, minutes].every((number) => Number.isFinite(number) && number >= 0)) {
    process.stderr.write('Seed, rounds and minutes are numbers.\n')
    return 1
  }
  const { say, stop } = progress()
  say(`seed ${seed}`)
  const done = await simulateLedger({
    seed,
    rounds,
    minutes,
    say,
    onOpen: (end) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => void end().finally(() => process.exit(130)))
    },
  })
  stop()
  process.stdout.write(values.json ? `${JSON.stringify({ holds: done.broken.length === 0, ...done })}\n` : asText(done))
  return done.broken.length === 0 ? 0 : 1
}

function asText(told: Simulated): string {
  const kills = Object.entries(told.kills).map(([kind, count]) => `  ${kind}: ${count}`)
  const lines = [
    `asked ${told.asked}, acknowledged ${told.acknowledged}, refused ${told.refused}`,
    `unknown ${told.unknown}, asked again ${told.askedAgain}`,
    `${told.rounds} kills`,
    ...kills,
    `${told.minutes} minutes on a hot account: ${told.snapshots} snapshots, ${told.atTheLimit} entries at a limit to the penny`,
  ]
  const verdict =
    told.broken.length === 0
      ? ['Nothing acknowledged was lost, nothing was doubled, no limit was crossed, every truth held.']
      : [`BROKEN, with seed ${told.seed}:`, ...told.broken.map((one) => `  ${one}`)]
  return `${[...lines, ...verdict].join('\n')}\n`
}
