/**
 * The real service, src/main.ts in one file, as a process of its own behind gates: to its database and to both vendors. At most one
 * point is armed; there the process is killed, and nothing of what it said or was about to hear passes any more.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { invariant } from '../../../src/kit/invariant.ts'
import { freePort } from '../../../src/kit/system.ts'
import type { Bundle } from './bundle.ts'
import { openPostgresGate } from './postgres-gate.ts'
import { openVendorGate } from './vendor-gate.ts'

export type Point = { phase: 'before' | 'after'; label: string; nth: number }
export type Service = {
  url: string
  /** Where it finds each vendor. */
  gates: Record<'xero' | 'quickbooks', string>
  /** What has passed since recording began. */
  record(): Point[]
  recorded(): Point[]
  arm(point: Point | null): void
  wasKilled(): boolean
  start(more?: Record<string, string>): Promise<void>
  /** What is started from now on. */
  use(bundle: Bundle): void
  kill(): Promise<void>
  tell(aheadMs: number): void
  /** What was compiled until now serves all later starts. */
  keepCompiled(): Promise<void>
  said(): string
  close(): Promise<void>
}
type Settings = {
  bundle: Bundle
  databaseUrl: string
  xero: string
  quickbooks: string
  environment: Record<string, string>
}

const starter = fileURLToPath(new URL('./start-bundle.cjs', import.meta.url))
/** A life of a second or two: nothing is worth compiling twice, or cleaning up. */
const flags = ['--max-semi-space-size=32', '--liftoff-only']
const startsWithinMs = 60_000

export async function openService(settings: Settings): Promise<Service> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let { bundle } = settings
  let child: ChildProcess | null = null
  let armed: Point | null = null
  let killed = false
  let passed: Point[] = []
  let counts = new Map<string, number>()
  let output = ''
  let aheadMs = 0

  const watch = async (phase: Point['phase'], label: string): Promise<boolean> => {
    if (killed) return false
    const name = `${phase} ${label}`
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    passed.push({ phase, label, nth })
    if (!armed || armed.phase !== phase || armed.label !== label || armed.nth !== nth) return true
    killed = true
    await end()
    return false
  }
  const database = await openPostgresGate(settings.databaseUrl, watch)
  const xero = await openVendorGate('xero', settings.xero, watch)
  const quickbooks = await openVendorGate('quickbooks', settings.quickbooks, watch)

  async function end(): Promise<void> {
    const dying = child
    child = null
    if (dying && dying.exitCode === null && dying.signalCode === null) {
      const gone = once(dying, 'exit')
      dying.kill('SIGKILL')
      await gone
    }
    for (const gate of [database, xero, quickbooks]) gate.cutAll()
  }

  return {
    url,
    gates: { xero: xero.url, quickbooks: quickbooks.url },
    record() {
      const before = passed
      passed = []
      counts = new Map()
      return before
    },
    recorded: () => passed,
    arm(point) {
      armed = point
      counts = new Map()
    },
    wasKilled: () => killed,
    async start(more = {}) {
      await end()
      killed = false
      const environment = {
        PATH: process.env.PATH ?? '',
        HOST: '127.0.0.1',
        PORT: String(port),
        PUBLIC_URL: 'http://localhost:4600',
        DATABASE_URL: database.url,
        QUITS_RUN: 'web,worker',
        LOG_LEVEL: 'warn',
        XERO_IDENTITY_URL: xero.url,
        XERO_API_URL: xero.url,
        QUICKBOOKS_DISCOVERY_URL: `${quickbooks.url}/.well-known/openid_configuration`,
        QUICKBOOKS_API_URL: quickbooks.url,
        SIMULATED_AHEAD_MS: String(aheadMs),
        ...settings.environment,
        ...more,
      }
      const started = spawn(process.execPath, [...flags, starter, bundle.path, join(bundle.root, 'src', 'main.ts')], {
        cwd: bundle.root,
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      })
      child = started
      output = ''
      for (const stream of [started.stdout, started.stderr]) stream?.on('data', (chunk) => (output += String(chunk)))
      const until = performance.now() + startsWithinMs
      while (!killed) {
        const answer = await fetch(`${url}/readyz`).catch(() => null)
        await answer?.body?.cancel()
        if (answer?.status === 200) return
        invariant(
          killed || (started.exitCode === null && performance.now() < until),
          `the service does not start:\n${output}`,
        )
        await pause(15)
      }
    },
    use(next) {
      bundle = next
    },
    kill: end,
    tell(nowAheadMs) {
      aheadMs = nowAheadMs
      child?.send({ aheadMs })
    },
    async keepCompiled() {
      const asked = child
      if (!asked) return
      const kept = once(asked, 'message')
      asked.send({ keepCompiled: true })
      await kept
    },
    said: () => output,
    async close() {
      killed = true
      await end()
      await Promise.all([database.close(), xero.close(), quickbooks.close()])
    },
  }
}
