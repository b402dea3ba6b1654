/** What Prometheus reads: who may, what the figures count, and that nobody can be told from them. */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeConnector } from '../../connectors/fake/connector.ts'
import { watchConnector } from '../../src/books/watch-connector.ts'
import { readConfig } from '../../src/config.ts'
import { type Metrics, openMetrics } from '../../src/kit/metrics.ts'
import { watchBatch } from '../../src/kit/watch-batch.ts'
import type { Deps } from '../../src/web/deps.ts'
import { isLoopback } from '../../src/web/metrics.ts'
import { type ApiWorld, apiWorld, connectBook, saleOf, sell } from '../support/api-world.ts'
import { serveBeside } from './beside.ts'

const token = 'a-token-that-is-hard-to-guess'
let world: ApiWorld
let metrics: Metrics
beforeAll(async () => {
  world = await apiWorld()
  metrics = openMetrics()
  const { deps, books, url } = world.app
  // The house’s own batches and books, watched as main.ts has them watched.
  deps.acceptances = watchBatch(metrics, 'acceptances', deps.acceptances)
  deps.proposals = watchBatch(metrics, 'proposals', deps.proposals)
  deps.connectors.fake = watchConnector(fakeConnector(books, { redirectUri: `${url}/connect/fake/callback` }), metrics)
}, 60_000)
afterAll(async () => {
  metrics.close()
  await world.end()
})

function door(environment: Record<string, string> = {}, change: Partial<Deps> = {}, host?: string) {
  return serveBeside({ ...world.app.deps, config: readConfig(environment), metrics, ...change }, host)
}
async function scrape(environment: Record<string, string> = {}, change: Partial<Deps> = {}): Promise<string> {
  const answer = await fetch(`${await door(environment, change)}/metrics`)
  expect(answer.status).toBe(200)
  return answer.text()
}
/** The value of a series; labels in any order. */
function figureIn(text: string, name: string, labels: Record<string, string> = {}): number | null {
  for (const line of text.split('\n')) {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (found?.[1] === name && Object.entries(labels).every(([key, value]) => found[2]?.includes(`${key}="${value}"`)))
      return Number(found[3])
  }
  return null
}
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((done, failed) => {
    const { hostname, port } = new URL(url)
    request({ hostname, port, path: '/metrics', headers }, (answer) => {
      answer.resume()
      done(answer.statusCode ?? 0)
    })
      .on('error', failed)
      .end()
  })
}

test('without a token only a program on this machine that asks the service itself may read', async () => {
  const url = await door()
  expect(await statusOf(url)).toBe(200)
  for (const headers of [
    { 'x-forwarded-for': '203.0.113.9' },
    { forwarded: 'for=203.0.113.9' },
    { 'x-real-ip': '203.0.113.9' },
    { via: '1.1 proxy' },
    { host: 'quits.example' },
  ])
    expect([headers, await statusOf(url, headers as unknown as Record<string, string>)]).toEqual([headers, 404])
})

test('a service with a public address answers nobody without a token: a proxy need not say that it is one', async () => {
  expect(await statusOf(await door({ PUBLIC_URL: 'https://quits.example' }))).toBe(404)
})

test('an address of another machine is never taken for this one', () => {
  expect(['127.0.0.1', '::1', '::ffff:127.0.0.1', '[::1]', 'localhost'].map(isLoopback)).not.toContain(false)
  expect(
    ['10.0.0.1', '::ffff:10.0.0.1', '127.0.0.1.example', 'localhost.example', '', '0.0.0.0'].map(isLoopback),
  ).not.toContain(true)
})

test('with a token whoever shows it reads, behind a proxy too, and nobody else, this machine included', async () => {
  const url = await door({ PUBLIC_URL: 'https://quits.example', QUITS_METRICS_TOKEN: token })
  const shown = (word: string) => statusOf(url, { authorization: `Bearer ${word}`, 'x-forwarded-for': '203.0.113.9' })
  expect([await shown(token), await shown(`${token}x`), await shown(token.slice(1)), await statusOf(url)]).toEqual([
    200, 401, 401, 401,
  ])
  expect(() => readConfig({ QUITS_METRICS_TOKEN: 'short' })).toThrow(/QUITS_METRICS_TOKEN: must be 20 to 200/)
})

test('deliveries are counted by state, kind and age: held, then parked, then none', async () => {
  const { app, avon, bakery, mill } = world
  await sell(avon.path, mill, bakery, '4000')
  const held = await scrape()
  expect(figureIn(held, 'quits_deliveries', { state: 'held', kind: 'invoice', age: 'under_1m' })).toBe(1)
  expect(figureIn(held, 'quits_deliveries_oldest_seconds', { state: 'waiting' })).toBe(0)

  await connectBook(app, mill, 'mill-book')
  await app.worker((tx) => tx.connection.updateMany({ data: { askFirst: 0 } }))
  app.books.book('mill-book').lockPeriod('2026-12-31')
  const waiting = await scrape()
  expect(figureIn(waiting, 'quits_deliveries', { state: 'waiting', kind: 'invoice' })).toBe(1)
  expect(figureIn(waiting, 'quits_connections', { vendor: 'fake', state: 'live' })).toBe(1)

  await app.deliver()
  const parked = await scrape()
  expect(figureIn(parked, 'quits_deliveries', { state: 'parked', kind: 'invoice' })).toBe(1)
  expect(figureIn(parked, 'quits_deliveries', { state: 'waiting', kind: 'invoice' })).toBeNull()
  expect(figureIn(parked, 'quits_vendor_calls_total', { vendor: 'fake', verb: 'putDocuments', outcome: 'ok' })).toBe(1)
  expect(figureIn(parked, 'quits_vendor_things_total', { verb: 'putDocuments', outcome: 'period_locked' })).toBe(1)
})

test('what was asked of the ledger is counted by its verdict, and how many shared a call', async () => {
  const { avon, bakery, mill } = world
  const refused = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '90000000') })
  await bakery.owner(`POST ${avon.path}/trades/${refused.body.id}/accept`, { body: {} })
  const text = await scrape()
  expect(figureIn(text, 'quits_postings_total', { door: 'acceptances', verdict: 'ok' })).toBe(1)
  expect(figureIn(text, 'quits_postings_total', { door: 'acceptances', verdict: 'credit_limit_exceeded' })).toBe(1)
  expect(figureIn(text, 'quits_batch_size_count', { door: 'acceptances' })).toBe(2)
  expect(figureIn(text, 'quits_batch_size_sum', { door: 'acceptances' })).toBe(2)
  expect(figureIn(text, 'quits_batch_waiting', { door: 'acceptances' })).toBe(0)
})

test('those that share a call are counted as one call', async () => {
  const own = openMetrics()
  let answer: (() => void) | null = null
  const together = new Promise<void>((done) => {
    answer = done
  })
  const verdict = { ok: true as const }
  const batch = watchBatch(own, 'acceptances', { add: () => together.then(() => verdict), idle: async () => {} })
  const three = Promise.all([batch.add('a', 1), batch.add('a', 2), batch.add('b', 3)])
  const during = await own.registry.metrics()
  ;(answer as (() => void) | null)?.()
  await three
  const after = await own.registry.metrics()
  own.close()
  expect(figureIn(during, 'quits_batch_waiting', { door: 'acceptances' })).toBe(2)
  expect([figureIn(after, 'quits_batch_size_count'), figureIn(after, 'quits_batch_size_sum')]).toEqual([1, 3])
})

test('a refresh that the vendor refuses for good is counted as that', async () => {
  const own = openMetrics()
  const { books, url } = world.app
  const book = books.addBook({ id: 'refresh-book', name: 'Refresh' })
  const connector = watchConnector(fakeConnector(books, { redirectUri: `${url}/c` }), own)
  const grant = book.issueGrant()
  await connector.refresh(grant)
  book.revokeConsent()
  await expect(connector.refresh(grant)).rejects.toMatchObject({ kind: 'unauthorized' })
  for await (const _page of connector.changes(book.issueGrant(), null)) break
  const text = await own.registry.metrics()
  own.close()
  expect(figureIn(text, 'quits_refreshes_total', { vendor: 'fake', outcome: 'ok' })).toBe(1)
  expect(figureIn(text, 'quits_refreshes_total', { vendor: 'fake', outcome: 'unauthorized' })).toBe(1)
  expect(figureIn(text, 'quits_vendor_calls_total', { verb: 'changes', outcome: 'ok' })).toBe(1)
})

test('requests are counted by the pattern of their route, so that no path makes a series', async () => {
  const url = await door()
  for (const path of ['/v1/networks/net_1', '/v1/networks/net_2', '/no/such/page', '/no/other', '/healthz'])
    await fetch(`${url}${path}`)
  const text = await (await fetch(`${url}/metrics`)).text()
  expect(
    figureIn(text, 'quits_http_requests_total', { route: '/v1/networks/:networkId', method: 'GET', status: '4xx' }),
  ).toBe(2)
  expect(figureIn(text, 'quits_http_requests_total', { route: '/healthz', status: '2xx' })).toBe(1)
  expect(text).not.toMatch(/net_1|no\/such|no\/other/)
})

test('mail, bells, tasks, audits and drift are read from the tables', async () => {
  const { app } = world
  const now = app.clock.now()
  await app.worker(async (tx) => {
    await tx.bell.create({
      data: { kind: 'xero', id: 'one', bookId: 'canary-book', what: 'invoice', rungAt: now, receivedAt: now },
    })
    await tx.timedTask.create({
      data: { name: 'audit_ledgers', dueAt: now, claimedBy: 'x', claimedAt: now, endedAt: now, outcome: 'done' },
    })
    const later = new Date(now.getTime() + 60_000)
    await tx.timedTask.create({
      data: {
        name: 'audit_ledgers',
        dueAt: later,
        claimedBy: 'x',
        claimedAt: later,
        endedAt: later,
        outcome: 'failed: Error',
      },
    })
    const connection = await tx.connection.findFirstOrThrow()
    const mapping = await tx.mapping.findFirstOrThrow({ where: { connectionId: connection.id } })
    await tx.reconciliation.create({
      data: {
        networkId: mapping.networkId,
        id: crypto.randomUUID(),
        connectionId: connection.id,
        organisationId: connection.organisationId,
        askedBy: 'quits',
        startedAt: now,
        endedAt: now,
        state: 'done',
        asOf: now,
        driftMinor: 700n,
      },
    })
    await tx.auditRun.create({
      data: {
        networkId: mapping.networkId,
        id: crypto.randomUUID(),
        ranAt: now,
        holds: false,
        truths: [],
        headNumber: 1n,
        headHash: new Uint8Array(32),
      },
    })
  })
  const text = await scrape()
  expect(figureIn(text, 'quits_bells_waiting')).toBe(1)
  expect(figureIn(text, 'quits_timed_task_last_success_timestamp_seconds', { task: 'audit_ledgers' })).toBe(
    now.getTime() / 1000,
  )
  expect(figureIn(text, 'quits_drifting_books')).toBe(1)
  expect(figureIn(text, 'quits_reconciliation_oldest_seconds')).toBe(0)
  expect(figureIn(text, 'quits_audits_broken')).toBe(1)
  expect(figureIn(text, 'quits_mail_waiting')).toBeGreaterThan(0)
  expect([figureIn(text, 'quits_disk_free_bytes'), figureIn(text, 'quits_worker_alive')]).toEqual([null, null])
  const embedded = await scrape({}, { dataFolder: '.', workerAlive: () => false })
  expect(figureIn(embedded, 'quits_disk_free_bytes')).toBeGreaterThan(0)
  expect(figureIn(embedded, 'quits_worker_alive')).toBe(0)
  // Nobody can be told from it.
  expect(text).not.toMatch(/canary-book|mill|bakery|avon|net_|org_|trd_/i)
})

test('when the database is away the figures of the process are told all the same, and that it is away', async () => {
  const { deps } = world.app
  const pool = { connect: () => Promise.reject(new Error('away')) } as never
  const text = await scrape({}, { db: { ...deps.db, pool } })
  expect(figureIn(text, 'quits_database_up')).toBe(0)
  expect(figureIn(text, 'process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(figureIn(text, 'quits_event_loop_lag_seconds', { quantile: '0.99' })).not.toBeNull()
})

test('many who ask at once share one reading of the database', async () => {
  const { deps } = world.app
  let readings = 0
  const pool = new Proxy(deps.db.pool, {
    get(target, name) {
      if (name === 'connect') readings += 1
      const found: unknown = Reflect.get(target, name)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
  const url = await door({}, { db: { ...deps.db, pool } })
  await Promise.all(Array.from({ length: 5 }, () => statusOf(url)))
  await statusOf(url)
  expect(readings).toBe(1)
})
