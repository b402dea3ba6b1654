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
const { say, stop } = progress()
const closing = closingList()
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isInterrupted = true
    say('ending')
    void closing.all().finally(() => process.exit(130))
  })
try {
  const measured = await runBench(settings, say, closing)
  if (asked.full) measured.information.grid = await runGrid(settings, say, closing)
  await closing.all()
  process.stdout.write(asked.json ? `${JSON.stringify(asJson(measured))}\n` : asText(measured))
} catch (error) {
  // What fails while all is being closed fails because of that.
  if (!isInterrupted) throw error
} finally {
  if (!isInterrupted) await closing.all()
  stop()
}
