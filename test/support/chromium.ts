/** The Chromium that drives the browser tests; without one they fail and say what to install, and are never skipped. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'

function chromiumPath(): string {
  const script = fileURLToPath(new URL('../../scripts/chromium.mjs', import.meta.url))
  const answer = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  if (answer.status !== 0) throw new Error(answer.stderr.trim())
  return answer.stdout
}

/** As root Chromium has no sandbox of its own; it opens nothing but pages on this machine. */
export async function launchChromium(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0
  return await chromium.launch({ executablePath: chromiumPath(), args: isRoot ? ['--no-sandbox'] : [] })
}
