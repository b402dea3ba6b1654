/** `quits export`: the same files from the command line, under their name only when they are whole. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quits } from '../../src/quits.ts'
import { exported, richLedger } from './export-ground.ts'
import { databaseWithClock } from './small-ledger.ts'

let ground: Awaited<ReturnType<typeof databaseWithClock>>
let ledger: Awaited<ReturnType<typeof richLedger>>
let slug: string
let folder: string
beforeAll(async () => {
  ground = await databaseWithClock()
  ledger = await richLedger(ground.db)
  const { rows } = await ground.db.pool.query('select slug from network where id = $1', [ledger.networkId])
  slug = rows[0].slug
  folder = mkdtempSync(join(tmpdir(), 'quits-export-'))
})
afterAll(async () => {
  await ground.end()
  rmSync(folder, { recursive: true, force: true })
})

async function ask(...args: string[]) {
  const said: string[] = []
  const err: string[] = []
  const environment = {
    DATABASE_URL: ground.db.url,
    QUITS_MASTER_KEY: '07'.repeat(32),
    PUBLIC_URL: 'https://quits.example',
  }
  const terminal = { out: (text: string) => said.push(`${text}\n`), err: (text: string) => err.push(text), environment }
  const exit = await quits(['export', '--network', slug, ...args], terminal)
  return { exit, out: said.join(''), err: err.join('\n') }
}

test('what it prints and what it writes is the export, byte for byte', async () => {
  for (const format of ['csv', 'jsonl', 'hledger', 'beancount'] as const) {
    const whole = await exported(ledger, { format })
    expect(await ask('--format', format)).toMatchObject({ exit: 0, out: whole })
    const path = join(folder, format)
    const told = await ask('--format', format, '--out', path)
    expect(told).toMatchObject({ exit: 0, out: expect.stringContaining('10 transfers, up to 10 ') })
    expect(readFileSync(path, 'utf8')).toBe(whole)
    expect(existsSync(`${path}.half`)).toBe(false)
  }
})

test('a period and one member’s account can be asked for', async () => {
  const accountId = ledger.account('mill')
  const period = { from: '2026-01-31', to: '2026-02-01' }
  const some = await exported(ledger, { format: 'jsonl', accountId, ...period })
  const args = ['--member', 'AB1', '--from', period.from, '--to', period.to, '--format', 'jsonl']
  expect(await ask(...args)).toMatchObject({ exit: 0, out: some })
})

test('bad use is told, and writes nothing', async () => {
  const path = join(folder, 'none')
  for (const args of [
    ['--format', 'xml', '--out', path],
    ['--out', path],
    ['--format', 'csv', '--from', '2026-02-30', '--out', path],
    ['--format', 'csv', '--from', '2026-03-02', '--to', '2026-03-01', '--out', path],
    ['--format', 'csv', '--json'],
    ['--format', 'csv', '--out', join(folder, 'no', 'such', 'folder')],
  ])
    expect(await ask(...args), args.join(' ')).toMatchObject({ exit: 1 })
  expect(existsSync(path)).toBe(false)
})

test('a file that failed is not there, and an older one of that name still is', async () => {
  const path = join(folder, 'kept')
  await ask('--format', 'csv', '--out', path)
  const before = readFileSync(path, 'utf8')
  const spoil = (by: string) =>
    ground.db.pool.query(`update account set balance_minor = balance_minor ${by} 1 where id = $1`, [
      ledger.account('ada'),
    ])
  await spoil('+')
  const failed = await ask('--format', 'csv', '--out', path)
  const printed = await ask('--format', 'csv')
  await spoil('-')
  expect([failed.exit, printed.exit, printed.out]).toEqual([1, 1, ''])
  expect(readFileSync(path, 'utf8')).toBe(before)
  expect(existsSync(`${path}.half`)).toBe(false)
})
