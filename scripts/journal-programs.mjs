/**
 * Finds hledger and beancount, which read our exports in the tests, and installs them where that can be done unasked.
 *
 * Never: skips in silence; without them it says what to install.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { aptInstall, mayInstall } from './apt.mjs'

const programs = ['hledger', 'bean-check', 'bean-query']

export function missingPrograms(env = process.env) {
  const ending = process.platform === 'win32' ? '.exe' : ''
  const folders = (env.PATH ?? env.Path ?? '').split(delimiter).filter((folder) => folder !== '')
  return programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name + ending))))
}

export async function installPrograms() {
  if (mayInstall()) await aptInstall('hledger', 'beancount')
  const complaint = programsComplaint(missingPrograms())
  if (complaint) throw new Error(complaint)
}

export function programsComplaint(missing) {
  if (missing.length === 0) return null
  return `The tests let hledger and beancount read our exports, and found no ${missing.join(' and no ')}: install hledger and beancount 2 (Debian: \`sudo apt-get install hledger beancount\`; elsewhere \`brew install hledger\` and \`pip install 'beancount<3'\`).`
}
