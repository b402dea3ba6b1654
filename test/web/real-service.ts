/**
 * The real service as a process of its own over a small network, with a Xero book behind a line that the test can hold: the vendor has
 * done what it was asked, and its answer waits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { BookDocument } from '../../connectors/port.ts'
import { xeroConnector } from '../../connectors/xero/connector.ts'
import { openGrant } from '../../src/books/sealed-grant.ts'
import { booksInConfig, startBooks } from '../../src/demo/stand-in-books.ts'
import { giveConsent } from '../../src/demo/visitor.ts'
import { freePort } from '../../src/kit/system.ts'
import { openNetwork, saleOf } from '../support/api-world.ts'
import { openApp } from '../support/app.ts'
import { setDatabaseClock } from '../support/db.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const firm = 'Mill Lane Timber Ltd'
const longestStartMs = 40_000

export type Running = {
  url: string
  pid: number
  stop(signal?: NodeJS.Signals): void
  ended: Promise<number | null>
  output(): string
}
export type RealService = Awaited<ReturnType<typeof realService>>

export async function realService() {
  const books = await startBooks(null)
  const line = await openLine(books.url.xero)
  const vendor = booksInConfig(books.url).xero
  if (!vendor) throw new Error('the demonstration has no Xero app')
  const at = { now: new Date() }
  const app = await openApp({
    connectors: {
      xero: xeroConnector({ ...vendor, redirectUri: 'http://localhost/connect/xero/callback', now: () => at.now }),
    },
  })
  await app.travelTo(at.now)
  const operator = app.client(await app.key({ role: 'operator' }))
  const avon = await openNetwork(app, operator, 'avon')
  const [mill, bakery] = [await avon.member('Mill'), await avon.member('Bakery')]
  const path = `${mill.path}/connection`
  const begun = await mill.owner(`POST ${path}/consents`, { body: { kind: 'xero' } })
  const finished = await mill.owner(`POST ${path}/consents/finish`, {
    body: { url: await giveConsent(begun.body.consentUrl, firm) },
  })
  const { bookId } = finished.body.offered.find((one: { bookName: string }) => one.bookName === firm)
  await mill.owner(`POST ${path}/consents/${finished.body.consentId}/choose`, { body: { bookId } })
  await mill.owner(`POST ${path}/credit-account`, { body: { kind: 'bank' } })
  const proposal = await mill.owner(`GET ${path}/mapping`)
  const mapped = await mill.owner(`PUT ${path}/mapping`, {
    body: proposal.body.mapping,
    headers: { 'if-match': proposal.headers.get('etag') ?? '' },
  })
  if (mapped.status !== 200) throw new Error(mapped.text)
  await app.worker((tx) => tx.connection.updateMany({ data: { askFirst: 0 } }))
  await setDatabaseClock(app.db.url, null)

  const environment = {
    DATABASE_URL: app.db.url,
    QUITS_MASTER_KEY: Buffer.alloc(32, 9).toString('hex'),
    QUITS_RUN: 'web,worker',
    XERO_CLIENT_ID: vendor.clientId,
    XERO_CLIENT_SECRET: vendor.clientSecret,
    XERO_IDENTITY_URL: books.url.xero,
    XERO_API_URL: line.url,
  }
  const children = new Set<ChildProcess>()
  return {
    app,
    line,
    mill,
    bakery,
    sell: async (amount: string) => {
      const sold = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, amount) })
      const yes = await bakery.owner(`POST ${avon.path}/trades/${sold.body.id}/accept`, { body: {} })
      if (yes.status !== 200) throw new Error(yes.text)
    },
    saleBody: (amount: string) => ({
      path: `/v1${avon.path.replace(/^\/v1/, '')}/trades`,
      body: JSON.stringify(saleOf(mill, bakery, amount)),
    }),
    async start(more: Record<string, string> = {}): Promise<Running> {
      const port = await freePort()
      const { child, running } = startProcess(
        { ...environment, PORT: String(port), ...more },
        `http://127.0.0.1:${port}`,
      )
      children.add(child)
      await isReady(running)
      return running
    },
    /** All that the vendor’s book holds of ours. */
    async inBook(): Promise<BookDocument[]> {
      const { deps } = app
      const grant = await app.worker((tx) => tx.bookGrant.findFirstOrThrow())
      const connector = xeroConnector({
        ...vendor,
        redirectUri: 'http://localhost/connect/xero/callback',
        now: () => new Date(),
      })
      const found: BookDocument[] = []
      const opened = openGrant(deps.seal, grant.connectionId, 'sealed', grant.sealed)
      for await (const page of connector.changes(opened, null)) found.push(...page.documents)
      return found
    },
    async end(): Promise<void> {
      line.letGo()
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
      await line.close()
      await app.end()
      await books.close()
    },
  }
}

export function startProcess(
  environment: Record<string, string>,
  url: string,
): { child: ChildProcess; running: Running } {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout?.on('data', (chunk) => (output += String(chunk)))
  child.stderr?.on('data', (chunk) => (output += String(chunk)))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => void child.kill(signal)
  return { child, running: { url, pid: child.pid ?? 0, stop, ended, output: () => output } }
}

async function isReady(running: Running): Promise<void> {
  const until = performance.now() + longestStartMs
  while (performance.now() < until) {
    const answer = await fetch(`${running.url}/readyz`).catch(() => null)
    if (answer?.status === 200) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`the service did not become ready:\n${running.output()}`)
}

/** A line to the vendor. While it is held, what is written arrives, and the answer does not come back. */
async function openLine(target: string) {
  let release: () => void = () => {}
  let gate: Promise<void> | null = null
  let told: () => void = () => {}
  let isWritten = new Promise<void>((done) => {
    told = done
  })
  const server = createServer((ask, answer) => {
    const { hostname, port } = new URL(target)
    const onward = request(
      { hostname, port, path: ask.url, method: ask.method, headers: ask.headers },
      async (back) => {
        const body = await whole(back)
        if (gate && ask.method !== 'GET' && /\/Invoices/.test(ask.url ?? '')) {
          told()
          await gate
        }
        answer.writeHead(back.statusCode ?? 500, back.headers).end(body)
      },
    )
    onward.on('error', () => answer.destroy())
    ask.pipe(onward)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves once a document has been written whose answer is held. */
    hold(): Promise<void> {
      isWritten = new Promise<void>((done) => {
        told = done
      })
      gate = new Promise<void>((done) => {
        release = done
      })
      return isWritten
    },
    letGo(): void {
      gate = null
      release()
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

async function whole(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
