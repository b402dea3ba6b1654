/** The ledger as a file through the API and the pages: who may, under what name, and never half of it for the whole. */
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText, idOfCause } from '../../../src/kit/ids.ts'
import { post } from '../../../src/ledger/post.ts'
import { isStreamedFile, type StreamedFile, streamFile } from '../../../src/web/stream-file.ts'
import { type ApiWorld, apiWorld } from '../../support/api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
  const { avon, mill, bakery } = world
  const accountOf = async (memberId: string) => {
    const id = idFromText('member', memberId)
    const { rows } = await world.app.db.pool.query('select account_id from member where id = $1', [id])
    return rows[0].account_id as string
  }
  const [debit, credit] = [await accountOf(bakery.memberId), await accountOf(mill.memberId)]
  for (const amountMinor of [120n, 240n, 360n]) {
    const id = idOfCause('transfer', String(amountMinor))
    const transfer = { id, kind: 'trade' as const, debit, credit, amountMinor, causeKind: 'trade', causeId: id }
    await post(world.app.deps, avon.uuid, { id: idOfCause('posting', id), transfers: [transfer] })
  }
})
afterAll(() => world.end())

const formats = [
  ['csv', 'text/csv', 'csv'],
  ['jsonl', 'application/jsonl', 'jsonl'],
  ['hledger', 'text/plain', 'journal'],
  ['beancount', 'text/plain', 'beancount'],
] as const

test.each(formats)('the whole ledger as %s has its type, its name and its last line', async (format, type, ending) => {
  const { avon, operator } = world
  for (const speak of [avon.convener, operator]) {
    const answer = await speak(`GET ${avon.path}/ledger/export/${format}`)
    expect([answer.status, answer.type], answer.text).toEqual([200, type])
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename=avon-ledger.${ending}`)
    expect(answer.text.trimEnd().split('\n').at(-1)).toMatch(/^(end,|\{"record":"end"|; whole: )/)
    expect(answer.text).toContain('Bakery')
  }
})

test('a member’s own people keep its account; nobody else’s people do', async () => {
  const { avon, mill, bakery, forge } = world
  const path = `${mill.path}/export/jsonl?from=2026-11-01&to=2026-11-30`
  const own = await mill.owner(`GET ${path}`)
  expect(own.status, own.text).toBe(200)
  expect(own.headers.get('content-disposition')).toBe(
    `attachment; filename=avon-${mill.memberId}-2026-11-01-2026-11-30.jsonl`,
  )
  const records = own.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(records.filter((one) => one.record === 'balance')).toMatchObject([{ balance: '7.20' }])
  expect(records.find((one) => one.record === 'account')).toMatchObject({ name: 'Mill' })
  expect((await avon.convener(`GET ${path}`)).status).toBe(200)
  expect((await bakery.owner(`GET ${path}`)).status).toBe(404)
  expect((await forge.owner(`GET ${path}`)).status).toBe(404)
  expect((await mill.owner(`GET ${avon.path}/ledger/export/jsonl`)).status).toBe(403)
  expect((await forge.owner(`GET ${avon.path}/ledger/export/jsonl`)).status).toBe(404)
  expect((await world.tamar.convener(`GET ${avon.path}/ledger/export/csv`)).status).toBe(404)
})

test('a period that runs backwards, or is none, is told in words', async () => {
  const { avon } = world
  const wrong = await avon.convener(`GET ${avon.path}/ledger/export/csv?from=2026-11-03&to=2026-11-02`)
  expect(wrong).toMatchObject({ status: 400, type: 'application/problem+json' })
  expect((await avon.convener(`GET ${avon.path}/ledger/export/csv?from=2026-02-30`)).status).toBe(400)
})

test('a file that cannot be begun is a problem in words, and leaves no name of a file behind', async () => {
  const { app, avon } = world
  const spoil = (by: string) =>
    app.db.pool.query(
      `update account set balance_minor = balance_minor ${by} 1 where network_id = $1 and kind = 'fees'`,
      [avon.uuid],
    )
  await spoil('+')
  const answer = await avon.convener(`GET ${avon.path}/ledger/export/jsonl`)
  await spoil('-')
  expect(answer).toMatchObject({ status: 500, type: 'application/problem+json' })
  expect(answer.headers.get('content-disposition')).toBeNull()
})

// ── The stream alone ──

async function serving(file: StreamedFile, waitMs?: number): Promise<{ url: string; server: Server; told: unknown[] }> {
  const told: unknown[] = []
  const app: Express = express()
  app.get('/file', (_ask, answer) => {
    streamFile(answer, file, waitMs).catch((error: unknown) => {
      told.push(error)
      answer.destroy()
    })
  })
  const server = createServer(app)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, server, told }
}
const made = (into: StreamedFile['into']): StreamedFile => ({ fileName: 'ledger.csv', contentType: 'text/csv', into })
const closed = (server: Server) => {
  server.closeAllConnections()
  return new Promise<void>((done) => server.close(() => done()))
}

test('what fails on the way breaks the connection, so that no reader takes half a file for a whole one', async () => {
  const file = made(async (write) => {
    await write('first line\n')
    throw new Error('the database went away')
  })
  expect(isStreamedFile(file)).toBe(true)
  const { url, server, told } = await serving(file)
  const answer = await fetch(url)
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
  expect(told).toMatchObject([{ message: 'the database went away' }])
  await closed(server)
})

test('a reader who goes away, or takes nothing for too long, ends the making', async () => {
  let ended = 0
  const endless = made(async (write) => {
    try {
      for (;;) await write('x'.repeat(100_000))
    } finally {
      ended += 1
    }
  })
  for (const goesAway of [true, false]) {
    const { url, server, told } = await serving(endless, goesAway ? 60_000 : 50)
    const before = ended
    // One goes as soon as it hears something; the other stays and never reads.
    const asked = request(url, () => void (goesAway && asked.destroy()))
    asked.on('error', () => {}).end()
    await expect.poll(() => ended).toBe(before + 1)
    asked.destroy()
    await closed(server)
    expect(told).toEqual([])
  }
})

test('only two are made at once; the third is asked to come again', async () => {
  const release: (() => void)[] = []
  const waiting = made(async (write) => {
    await write('line\n')
    await new Promise<void>((done) => release.push(done))
  })
  const { url, server, told } = await serving(waiting)
  const [one, two] = [await fetch(url), await fetch(url)]
  await fetch(url).catch(() => null)
  expect(told).toMatchObject([{ code: 'try_again_soon' }])
  for (const go of release) go()
  expect([await one.text(), await two.text()]).toEqual(['line\n', 'line\n'])
  await closed(server)
})
