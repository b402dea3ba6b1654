/**
 * Programs that the bench starts: the built service exactly as `npm start` runs it, and the Prisma contender. Each has a
 * process of its own, is asked for its memory from outside, and is gone when the bench is.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { invariant } from '../../src/kit/invariant.ts'
import { freePort } from '../../src/kit/system.ts'

export type Child = {
  port: number
  pid: number
  startedAt: number
  memoryMb(): number
  end(): Promise<void>
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const upWithinMs = 60_000
const downWithinMs = 10_000

export function build(say: (line: string) => void): void {
  say('building the service')
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  invariant(built.status === 0, 'the service could not be built')
}

/** With the flags of package.json's `start`, so that what is measured is what is run. */
export function startService(url: string, home: string, run: string): Promise<Child> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [program, ...args] = scripts.start.split(' ')
  invariant(program === 'node', '`start` runs something else than node')
  const key = randomBytes(32).toString('hex')
  return start(args, { DATABASE_URL: url, QUITS_MASTER_KEY: key, QUITS_HOME: home, QUITS_RUN: run })
}

export function startPrismaRoute(url: string): Promise<Child> {
  return start(['--import', 'tsx', join('scripts', 'bench', 'prisma-route.ts'), url], {})
}

async function start(args: string[], settings: Record<string, string>): Promise<Child> {
  const port = await freePort()
  const { PATH = '', HOME = '', SystemRoot = '' } = process.env
  const env = { PATH, HOME, SystemRoot, ...settings, PORT: String(port) }
  const said: string[] = []
  const child = spawn(process.execPath, [...args, String(port)], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.stderr?.on('data', (bytes: Buffer) => said.push(bytes.toString()))
  const startedAt = performance.now()
  const end = () => ended(child)
  try {
    await isUp(child, port, () => said.join('').slice(-2_000))
  } catch (error) {
    await end()
    throw error
  }
  const pid = child.pid ?? 0
  return { port, pid, startedAt, memoryMb: () => memoryOf(pid), end }
}

async function isUp(child: ChildProcess, port: number, said: () => string): Promise<void> {
  const until = performance.now() + upWithinMs
  while (performance.now() < until) {
    invariant(child.exitCode === null, `a program ended at once: ${said()}`)
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null)
    if (answer?.ok) return
    await pause(50)
  }
  throw new Error(`a program is not up after ${upWithinMs} ms: ${said()}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), downWithinMs)
  await gone
  clearTimeout(timer)
}

/** What the process has in memory now, by the system's own count; nothing once it is gone. */
function memoryOf(pid: number): number {
  try {
    const kilobytes =
      process.platform === 'linux'
        ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return Number(kilobytes ?? 0) / 1024
  } catch {
    return 0
  }
}
