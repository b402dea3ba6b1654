/**
 * `npm run bench`: how fast the ledger is, as ratios measured side by side in one run on a database of its own with fsync on.
 * `--json` prints one object, `--quick` takes three shorter rounds instead of five, `--full` adds the whole grid of callers,
 * accounts and entries; `--toy` only shows that every part runs. Progress is on standard error. docs/BENCH.md tells more.
 */
import { parseArgs } from 'node:util'
import { progress } from '../src/demo/progress.ts'
import { closingList } from './bench/closing.ts'
import { runGrid } from './bench/grid.ts'
import { runBench } from './bench/run.ts'
import { settingsFor } from './bench/settings.ts'
import { asJson, asText } from './bench/told.ts'

const { values: asked } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    toy: { type: 'boolean' },
  },
})
const settings = settingsFor(asked)
const { say } = progress()
const closing = closingList()
let isEnding = false
function end(code: number, last: () => void): void {
  if (isEnding) return
  isEnding = true
  say('ending')
  closing.all().then(
    () => {
      last()
      process.exit(code)
    },
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(130, () => undefined))
// However it fails, and whatever fails only because all is being closed.
process.on('uncaughtException', (error) => end(1, () => console.error(error)))

/** Once all is being closed, the run goes no step further. */
function tell(line: string): void {
  if (isEnding) throw new Error('the bench is ending')
  say(line)
}

async function run(): Promise<void> {
  const measured = await runBench(settings, tell, closing)
  if (asked.full) measured.information.grid = await runGrid(settings, tell, closing)
  end(0, () => process.stdout.write(asked.json ? `${JSON.stringify(asJson(measured))}\n` : asText(measured)))
}
run().catch((error: unknown) => end(1, () => console.error(error)))
