/** Is this module the program that was started, by its own name or through a link to it, rather than imported? */
import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export function isStarted(moduleUrl: string, started = process.argv[1] ?? ''): boolean {
  return existsSync(started) && realpathSync(started) === fileURLToPath(moduleUrl)
}
