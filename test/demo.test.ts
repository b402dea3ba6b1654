/** The demonstration as a person starts it: the main job once, the first start, the second, two at once, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Outcome } from '../src/demo/main-job.ts'
import { startEmbeddedPostgres } from '../src/kit/embedded-postgres.ts'
import { freePort } from '../src/kit/system.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const line = /^Quits is at (http:\/\/localhost:\d+)\. Sign in as (.+); the mail box is at \/demo\/mail\.\n$/
const slowestMs = 150_000

let home = ''
const running = new Set<Demo>()

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'quits-demo-'))
})
afterEach(async () => {
  await Promise.all([...running].map((demo) => demo.end('SIGKILL')))
})
afterAll(async () => {
  const database = await startEmbeddedPostgres({ home })
  await database.stop()
  await rm(database.dataFolder, { recursive: true, force: true })
  await rm(home, { recursive: true, force: true })
})

class Demo {
  readonly #child: ChildProcess
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  out = ''
  said = ''

  constructor(args: string[], environment: Record<string, string> = {}) {
    const { DATABASE_URL: _theirs, ...own } = process.env
    this.#child = spawn(process.execPath, ['--import', 'tsx', 'src/demo.ts', ...args], {
      cwd: root,
      env: { ...own, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.out += part
    })
    this.#child.stderr?.on('data', (part: Buffer) => {
      this.said += part
    })
    this.#ended = new Promise((done) => this.#child.on('close', (code, signal) => done({ code, signal })))
    running.add(this)
    void this.#ended.then(() => running.delete(this))
  }

  async end(signal?: NodeJS.Signals) {
    if (signal) this.#child.kill(signal)
    return this.#ended
  }

  /** The one line on standard output; throws with all that was said when it ends without. */
  async isUp(): Promise<{ url: string; people: string }> {
    const up = new Promise<void>((done) => {
      const look = () => void (this.out.endsWith('\n') && done())
      this.#child.stdout?.on('data', look)
      look()
    })
    const ended = this.#ended.then(({ code }) => {
      throw new Error(`it ended with ${code}:\n${this.said}`)
    })
    await Promise.race([up, ended])
    const [, url = '', people = ''] = line.exec(this.out) ?? []
    if (!url) throw new Error(`it said instead: ${this.out}\n${this.said}`)
    return { url, people }
  }
}

async function demo(): Promise<Demo> {
  return new Demo([], { QUITS_HOME: home, PORT: String(await freePort()) })
}

async function countOf(what: string): Promise<number> {
  const database = await startEmbeddedPostgres({ home })
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    return Number((await client.query(`select count(*) from ${what}`)).rows[0].count)
  } finally {
    await client.end()
    await database.stop()
  }
}

test(
  'the main job once: two vendors’ books, eight trades, and everything agrees to the penny',
  async () => {
    const once = new Demo(['--once', '--json'])
    const { code } = await once.end()

    expect(code, once.said).toBe(0)
    expect(once.out.trim().split('\n')).toHaveLength(1)
    const outcome = JSON.parse(once.out) as Outcome
    expect(outcome).toMatchObject({
      ok: true,
      parked: [],
      ledgerHolds: true,
      violations: { xero: [], quickbooks: [] },
    })
    expect(outcome.trades.map((one) => [one.trade, one.sellersBook, one.buyersBook, one.difference])).toEqual([
      ['all of the net in credits', '1000.00', '-1000.00', '0.00'],
      ['part in money', '300.00', '-300.00', '0.00'],
      ['buyer without VAT', '250.00', '-250.00', '0.00'],
      ['three odd lines', '9.99', '-9.99', '0.00'],
      ['the other way', '80.00', '-80.00', '0.00'],
      ['seller without VAT', '45.50', '-45.50', '0.00'],
      ['reversed after payment', '0.00', '0.00', '0.00'],
      ['with a fee', '148.50', '-150.00', '0.00'],
    ])
    expect(outcome.books.map((one) => [one.kind, one.ledger, one.bookSays, one.drift])).toEqual([
      ['xero', '1329.99', '1329.99', '0.00'],
      ['quickbooks', '-1126.99', '-1126.99', '0.00'],
      ['xero', '-204.50', '-204.50', '0.00'],
    ])
  },
  slowestMs,
)

test('an option it does not know is told, with those it does', async () => {
  const wrong = new Demo(['--json'])

  expect(await wrong.end()).toMatchObject({ code: 1 })
  expect(wrong.said).toContain('npm run demo [-- --once [--json]]')
  expect(wrong.out).toBe('')
})

test(
  'the first start ends with one line; stopped, killed and doubled it comes back with the same network',
  async () => {
    const first = await demo()
    const { url, people } = await first.isUp()
    expect(people).toContain('convener@demo.example')
    expect((await fetch(url)).status).toBe(200)
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const trades = await countOf('trade')
    expect(trades).toBeGreaterThan(200)

    const second = await demo()
    await second.isUp()
    expect(second.said).not.toContain('the first time only')
    expect(await second.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })

    const [third, fourth] = [await demo(), await demo()]
    const urls = [(await third.isUp()).url, (await fourth.isUp()).url]
    expect(new Set(urls).size).toBe(2)
    for (const each of urls) expect((await fetch(`${each}/demo/mail`)).status).toBe(200)
    expect(await third.end('SIGINT')).toEqual({ code: 0, signal: null })
    expect(await fourth.end('SIGINT')).toEqual({ code: 0, signal: null })

    expect(await countOf('network')).toBe(1)
    expect(await countOf('trade')).toBe(trades)
  },
  slowestMs * 2,
)
