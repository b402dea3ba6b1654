/** The bench from end to end at the size of a toy: every contender runs, everything is proven, every figure is there. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { contests, goals } from '../../scripts/bench/told.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const longestMs = 240_000

function run(...options: string[]): Promise<{ code: number | null; out: string; said: string }> {
  return new Promise((done) => {
    const args = ['--import', 'tsx', 'scripts/bench.ts', ...options]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, said] = ['', '']
    child.stdout.on('data', (bytes) => {
      out += bytes
    })
    child.stderr.on('data', (bytes) => {
      said += bytes
    })
    child.on('close', (code) => done({ code, out, said }))
  })
}

test(
  'it prints one object with every promised figure, made of numbers above zero',
  async () => {
    const { code, out, said } = await run('--toy', '--json')
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
