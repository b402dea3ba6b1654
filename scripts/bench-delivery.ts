/**
 * `npm run bench:delivery`: how soon and in how few calls trades reach the books, against stand-ins that enforce every published
 * limit. `--json` prints one object, `--toy` only shows that every part runs; `--soak [--minutes 60]` is the long run under faults.
 * Progress is on standard error. docs/BENCH.md tells more.
 */
import { parseArgs } from 'node:util'
import { progress } from '../src/demo/progress.ts'
import { closingList } from './bench/closing.ts'
import { openGround } from './bench/ground.ts'
import { asJson, asText, type Figures, parts, sizes } from './bench-delivery/parts.ts'
import { soak } from './bench-delivery/soak.ts'

const { values: asked } = parseArgs({
  options: {
    json: { type: 'boolean' },
    toy: { type: 'boolean' },
    soak: { type: 'boolean' },
    minutes: { type: 'string', default: '60' },
    only: { type: 'string' },
  },
})
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

async function run(): Promise<void> {
  const ground = await closing.add(openGround(say))
  const measuring = { ground, closing, say, size: sizes[asked.toy ? 'toy' : 'whole'] }
  const figures: Figures = {}
  const measured = asked.soak
    ? [(told: typeof measuring) => soak(told, Number(asked.minutes))]
    : parts.filter((part) => !asked.only || part.name === asked.only)
  for (const part of measured) Object.assign(figures, await part(measuring))
  end(0, () => process.stdout.write(asked.json ? `${JSON.stringify(asJson(figures))}\n` : asText(figures)))
}
run().catch((error: unknown) => end(1, () => console.error(error)))
