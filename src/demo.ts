/**
 * The door of the demonstration: database, two stand-in books, the service and a network with a past, in one command.
 *
 * `--once` does the main job without a browser and says whether everything agrees; `--json` says it for machines.
 */
import { parseArgs } from 'node:util'
import { ConfigMistakes } from './config.ts'
import { runOnce } from './demo/once.ts'
import { progress } from './demo/progress.ts'
import { stay } from './demo/stay.ts'
import { plainError } from './kit/log.ts'

const usage = 'npm run demo [-- --once [--json]]'

async function open(): Promise<void> {
  const told = progress()
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean' }, json: { type: 'boolean' } } })
    if (values.json && !values.once) throw new TypeError('--json goes with --once')
    if (!values.once) return await stay(told)
    process.exitCode = (await runOnce({ json: values.json ?? false, say: told.say, log: 'warn' })) ? 0 : 1
    told.stop()
  } catch (error) {
    process.stderr.write(`${words(error)}\n`)
    process.exit(1)
  }
}

function words(error: unknown): string {
  if (error instanceof ConfigMistakes) return error.message
  if (error instanceof TypeError && /--json|option/i.test(error.message)) return `${error.message}\n${usage}`
  const { message, stack } = plainError(error)
  return `The demonstration could not start: ${message}\n${stack ?? ''}`
}

await open()
