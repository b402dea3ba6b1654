/** Writers as processes: started, killed hard, started again with the same journal, and asked to end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Mix } from './asks.ts'
import { readJournal, type Story } from './journal.ts'
import type { Scene } from './scene.ts'
import type { WriterSetting } from './writer.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = fileURLToPath(new URL('./writer.ts', import.meta.url))
const progressWithinMs = 60_000
const endsWithinMs = 90_000

export type Writer = {
  name: string
  start(url: string): void
  isRunning(): boolean
  /** What it said last, when it ended without being killed or asked to: never right. */
  endedByItself(): string | null
  /** Every byte it had told the operating system stays; nothing else does. */
  kill(): Promise<void>
  /** Until it has acknowledged more than before. Throws when it does not. */
  untilProgress(): Promise<void>
  end(): Promise<void>
  story(): Story
}

export function writerOf(
  folder: string,
  scene: Scene,
  about: { name: string; seed: number; mix: Mix; callers: number },
): Writer {
  const journal = join(folder, `${scene.networkId}-${about.name}.jsonl`)
  let child: ChildProcess | null = null
  /** The one that we ended. */
  let ended: ChildProcess | null = null
  let said = ''
  const lastWords = () =>
    `writer ${about.name} ended by itself: ${story().nonsense.at(-1) ?? (said || 'it said nothing')}`
  const isRunning = () => child !== null && child.exitCode === null && child.signalCode === null
  const exited = (one: ChildProcess) =>
    one.exitCode !== null || one.signalCode !== null
      ? Promise.resolve()
      : new Promise<void>((done) => one.once('exit', () => done()))
  const story = () => readJournal(journal)
  return {
    name: about.name,
    isRunning,
    endedByItself: () => (child && !isRunning() && child !== ended ? lastWords() : null),
    story,
    start(url) {
      const setting: WriterSetting = { url, scene, journal, ...about }
      said = ''
      child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(setting)], {
        cwd: root,
        // It ends when this line to it does, however we ended.
        stdio: ['pipe', 'ignore', 'pipe'],
      })
      child.stderr?.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString('utf8')}`.slice(-2_000)
      })
    },
    async kill() {
      if (!child || !isRunning()) return
      ended = child
      child.kill('SIGKILL')
      await exited(child)
    },
    async untilProgress() {
      const before = story().counts.acknowledged
      const end = performance.now() + progressWithinMs
      while (story().counts.acknowledged === before) {
        if (!isRunning()) throw new Error(lastWords())
        if (performance.now() > end)
          throw new Error(`writer ${about.name} has acknowledged nothing for ${progressWithinMs} ms`)
        await pause(20)
      }
    },
    async end() {
      if (!child || !isRunning()) return
      ended = child
      child.kill('SIGTERM')
      await Promise.race([exited(child), pause(endsWithinMs, null, { ref: false })])
      if (isRunning()) {
        child.kill('SIGKILL')
        throw new Error(`writer ${about.name} does not end`)
      }
      if (child.exitCode !== 0) throw new Error(`writer ${about.name} failed: ${story().nonsense.at(-1) ?? said}`)
    },
  }
}
