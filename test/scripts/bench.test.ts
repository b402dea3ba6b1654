/** The bench from end to end at the size of a toy: every contender runs, everything is proven, every figure is there. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { contests, goals } from '../../scripts/bench/told.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const longestMs = 240_000

type Ran = { code: number | null; out: string; said: string }

/** `until`: once it has said so, it is interrupted. */
function run(options: string[], until?: string): Promise<Ran> {
  return new Promise((done) => {
    const args = ['--import', 'tsx', 'scripts/bench.ts', ...options]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, said] = ['', '']
    let isInterrupted = false
    child.stdout.on('data', (bytes) => {
      out += bytes
    })
    child.stderr.on('data', (bytes) => {
      said += bytes
      if (until && said.includes(until) && !isInterrupted) {
        isInterrupted = true
        child.kill('SIGINT')
      }
    })
    child.on('close', (code) => done({ code, out, said }))
  })
}

test(
  'it prints one object with every promised figure, made of numbers above zero',
  async () => {
    const { code, out, said } = await run(['--toy', '--json'])
    expect(code, said).toBe(0)
    const told = JSON.parse(out) as Record<string, unknown>
    for (const key of Object.keys(goals)) expect(told[key], key).toBeGreaterThan(0)
    const perSecond = told.per_second as Record<string, number>
    for (const contest of contests) expect(perSecond[contest], contest).toBeGreaterThan(0)
    expect(told.rounds).toBe(1)
    expect(said).toContain('the trades are all there')
  },
  longestMs,
)

test(
  'interrupted while it measures, it leaves no program and no folder behind, and prints nothing',
  async () => {
    const { code, out, said } = await run(['--toy', '--json'], 'round 1 of 1: ours_32')
    expect(code, said).toBe(130)
    expect(out).toBe('')
    const [, home, dataFolder] = /working in (.+), data in (.+)/.exec(said) ?? []
    const programs = [...said.matchAll(/a program is up: process (\d+)/g)].map(([, pid]) => Number(pid))
    expect(programs.length).toBeGreaterThanOrEqual(3)
    expect([home, dataFolder].map((folder) => existsSync(folder ?? '/'))).toEqual([false, false])
    for (const pid of programs) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  },
  longestMs,
)
