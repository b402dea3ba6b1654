/** Installs Debian packages where that can be done unasked: on Debian, as root. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

export function mayInstall() {
  return existsSync('/etc/debian_version') && process.getuid?.() === 0
}

export async function aptInstall(...packages) {
  await apt('update')
  await apt('install', '-y', '--no-install-recommends', ...packages)
}

/** Not spawnSync: whoever holds the lock of this folder must be able to say that it lives. */
function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn('apt-get', args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  return new Promise((resolve) => {
    const report = (why) => resolve(process.stderr.write(`apt-get ${args.join(' ')}: ${why}\n`))
    child.on('error', (error) => report(error.message))
    child.on('close', (code) => (code === 0 ? resolve() : report(said.trim())))
  })
}
