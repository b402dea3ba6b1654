/** The bench of delivery from end to end at the size of a toy: every part runs, every promised figure is there. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { promised } from '../../scripts/bench-delivery/parts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const longestMs = 240_000

function run(options: string[]): Promise<{ code: number | null; out: string; said: string }> {
  return new Promise((done) => {
    const args = ['--import', 'tsx', 'scripts/bench-delivery.ts', ...options]
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
  'it prints one object with every promised figure; those that no machine can spoil are kept even by a toy',
  async () => {
    const { code, out, said } = await run(['--toy', '--json'])
    expect(code, said).toBe(0)
    const told = JSON.parse(out) as Record<string, number>
    for (const key of Object.keys(promised)) expect(told[key], key).toBeTypeOf('number')
    for (const key of [
      'calls_lone_writes',
      'calls_lone_reads',
      'calls_backlog_xero',
      'calls_backlog_quickbooks',
      'backlog_429',
      'restore_doubles',
    ])
      expect(told[key], key).toBeLessThanOrEqual(promised[key]?.most ?? 0)
    expect(told.real_time_429).toBe(0)
    // In each of four books: an invoice or bill and its payment for each of two trades, waiting at the backup, and made after it.
    expect(told).toMatchObject({ restore_lost: 0, restore_adopted: 16, restore_listed: 16 })
  },
  longestMs,
)
