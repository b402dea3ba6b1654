/**
 * The real Express app on a port of its own, over a database of its own and books in memory, with keys of every role.
 * The test owns the clock.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeConnector } from '../../connectors/fake/connector.ts'
import { FakeBooks } from '../../connectors/fake/knobs.ts'
import { readConfig } from '../../src/config.ts'
import type { Clock } from '../../src/kit/clock.ts'
import { asWorker, inTransaction, openDb, type Tx } from '../../src/kit/db.ts'
import { openLog } from '../../src/kit/log.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { makeKey, type NewKey } from '../../src/networks/api-key.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { promisedPostingsOf } from '../../src/outbox/post-and-promise.ts'
import { groundsOf } from '../../src/trades/grounds.ts'
import { proposalsOf } from '../../src/trades/propose.ts'
import { acceptancesOf } from '../../src/trades/record-trade.ts'
import { webApp } from '../../src/web/app.ts'
import type { Deps } from '../../src/web/deps.ts'
import { freshDatabase, setDatabaseClock } from './db.ts'

export const firstDay = new Date('2026-11-02T10:00:00Z')

export type Said = {
  method?: string
  body?: unknown
  /** Sent as it is, whatever it is. */
  raw?: string
  /** Null: none is sent. Left out: a new one for each POST. */
  idempotencyKey?: string | null
  headers?: Record<string, string>
}
// biome-ignore lint/suspicious/noExplicitAny: what a stranger reads of JSON has no type
export type Answered = { status: number; type: string; headers: Headers; body: any; text: string }
export type Client = (methodAndPath: string, said?: Said) => Promise<Answered>

export type App = Awaited<ReturnType<typeof openApp>>

export async function openApp(
  settings: { environment?: Record<string, string>; connectors?: Deps['connectors']; log?: Deps['log'] } = {},
) {
  const fresh = await freshDatabase()
  const db = openDb(fresh.url, { connections: 8 })
  let at = firstDay
  const clock: Clock = { now: () => at }
  await setDatabaseClock(fresh.url, at)
  const books = new FakeBooks(() => at)
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const deps: Deps & OutboxDeps = {
    config: readConfig({ PUBLIC_URL: url, LOG_LEVEL: 'silent', ...settings.environment }),
    db,
    clock,
    log: settings.log ?? openLog('silent'),
    seal: sealWith([new Uint8Array(32).fill(9)]),
    connectors: {
      fake: fakeConnector(books, { redirectUri: `${url}/connect/fake/callback` }),
      ...settings.connectors,
    },
    postings: postingsOf(db),
    promisedPostings: promisedPostingsOf(db),
    acceptances: acceptancesOf(db),
    proposals: proposalsOf(db),
    grounds: groundsOf(db),
    demo: false,
    ready: () => true,
    worker: 'test',
    dice: () => 0.5,
  }
  server.on('request', webApp(deps))
  const worker = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(db, asWorker, work)
  return {
    url,
    db,
    deps,
    books,
    clock,
    worker,
    /** A key's secret. */
    async key(ask: Pick<NewKey, 'role' | 'networkId' | 'organisationId'> & { mayWrite?: boolean }): Promise<string> {
      const { mayWrite = true, ...rest } = ask
      const made = await worker((tx) =>
        makeKey(tx, clock, { ...rest, name: ask.role, mayWrite, livesDays: 30, actor: 'quits' }),
      )
      return made.secret
    },
    /** Speaks with one key; without one when it is null. */
    client(secret: string | null): Client {
      return (methodAndPath, said = {}) => call(url, secret, methodAndPath, said)
    },
    async deliver(): Promise<void> {
      for (let round = 0; round < 20; round += 1) if ((await deliverDue(deps)) === 0) return
    },
    async travelTo(next: Date): Promise<void> {
      at = next
      await setDatabaseClock(fresh.url, at)
    },
    async end(): Promise<void> {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
      await Promise.all([
        deps.postings.idle(),
        deps.promisedPostings.idle(),
        deps.acceptances.idle(),
        deps.proposals.idle(),
      ])
      await db.close()
      await fresh.drop()
    },
  }
}

async function call(url: string, secret: string | null, methodAndPath: string, said: Said): Promise<Answered> {
  const [method = 'GET', path = ''] = methodAndPath.split(' ')
  const sent = said.raw ?? (said.body === undefined ? null : JSON.stringify(said.body))
  const key = said.idempotencyKey === undefined ? randomUUID() : said.idempotencyKey
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(secret ? { authorization: `Bearer ${secret}` } : {}),
      ...(method === 'POST' && key !== null ? { 'idempotency-key': key } : {}),
      ...(sent === null ? {} : { 'content-type': 'application/json' }),
      ...said.headers,
    },
    ...(sent === null ? {} : { body: sent }),
    redirect: 'manual',
  })
  const text = await answer.text()
  const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? ''
  return {
    status: answer.status,
    type,
    headers: answer.headers,
    text,
    body: type.endsWith('json') ? JSON.parse(text) : null,
  }
}
