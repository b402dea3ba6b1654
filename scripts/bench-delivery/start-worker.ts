/** Starts a worker as a program of its own, and ends it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { invariant } from '../../src/kit/invariant.ts'
import type { Scene } from './scene.ts'
import type { Memory, WorkerAsk } from './worker.ts'

export type StartedWorker = { memory(): Promise<Memory>; end(): Promise<void> }

const program = fileURLToPath(new URL('./worker.ts', import.meta.url))
const stopsWithinMs = 30_000

export async function startWorker(scene: Scene, atOnce: number): Promise<StartedWorker> {
  const ask: WorkerAsk = { url: scene.url, vendors: { xero: scene.xero.url, quickbooks: scene.quickbooks.url }, atOnce }
  const child = fork(program, [JSON.stringify(ask)], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [word] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  invariant(word === 'ready', 'a worker did not start')
  return {
    async memory() {
      child.send('memory')
      const [memory] = (await once(child, 'message')) as [Memory]
      return memory
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.send('stop')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopsWithinMs)
      await gone
      clearTimeout(timer)
    },
  }
}
