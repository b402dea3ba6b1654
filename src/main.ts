/**
 * The door: builds everything and starts it. The only file that knows every room and every connector.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { BookConnector, BookKind, CallSeen } from '../connectors/port.ts'
import { quickbooksConnector } from '../connectors/quickbooks/connector.ts'
import { xeroConnector } from '../connectors/xero/connector.ts'
import { refreshIdleGrants } from './books/grants.ts'
import { checkMappings } from './books/mapping.ts'
import { forgetUnchosen } from './books/waiting-consent.ts'
import { type Config, ConfigMistakes, masterKeyPath, readConfig } from './config.ts'
import { machineClock } from './kit/clock.ts'
import { openDb } from './kit/db.ts'
import { startEmbeddedPostgres } from './kit/embedded-postgres.ts'
import { openLog, plainError } from './kit/log.ts'
import { migrate, pendingMigrations } from './kit/migrate.ts'
import { sealWith } from './kit/seal.ts'
import { isStarted } from './kit/started.ts'
import { auditAll } from './ledger/audit.ts'
import { expireHolds } from './ledger/hold.ts'
import { keepDays } from './ledger/keep-days.ts'
import { postingsOf } from './ledger/post.ts'
import { thawAtZero } from './networks/frozen.ts'
import { forgetOldSessions } from './networks/sign-in.ts'
import { keepPromises, type Worker } from './outbox/keep.ts'
import type { OutboxDeps } from './outbox/outbox-deps.ts'
import { promisedPostingsOf } from './outbox/post-and-promise.ts'
import { shownMailer, smtpMailer } from './outbox/send-mail.ts'
import { reconcileAll } from './reconcile/run.ts'
import { keepSchedule, type Schedule, type TimedTask } from './schedule.ts'
import { groundsOf } from './trades/grounds.ts'
import { lapseDue, proposalsOf } from './trades/propose.ts'
import { acceptancesOf } from './trades/record-trade.ts'
import { forgetOldAnswers } from './web/api/forget-answers.ts'
import { webApp } from './web/app.ts'
import type { Deps } from './web/deps.ts'

const hardStopMs = 25_000

export type House = {
  deps: Deps & OutboxDeps
  /** Where it listens; null when this process serves no pages. */
  url: string | null
  close(): Promise<void>
}

export type HouseSettings = { demo?: boolean; say?: (line: string) => void }

/** Opens the database, builds every room and starts what `config.run` names. */
export async function openHouse(config: Config, settings: HouseSettings = {}): Promise<House> {
  const log = openLog(config.logLevel)
  const say = settings.say ?? (() => {})
  const embedded = config.databaseUrl ? null : await startEmbeddedPostgres({ home: config.home, log: say })
  const url = config.databaseUrl ?? embedded?.url ?? ''
  try {
    await readySchema(url, embedded !== null, say)
  } catch (error) {
    await embedded?.stop()
    throw error
  }
  const db = openDb(url, { log })
  const worker = `${hostname()}/${process.pid}/${randomBytes(3).toString('hex')}`
  let ready = true
  const clock = machineClock
  const deps: Deps & OutboxDeps = {
    config,
    db,
    clock,
    log,
    worker,
    seal: sealWith(config.masterKeys ?? [masterKeyIn(masterKeyPath(config.home))]),
    connectors: connectorsFor(config, (seen) => log.debug({ call: seen }, 'a call to a book')),
    postings: postingsOf(db),
    promisedPostings: promisedPostingsOf(db),
    acceptances: acceptancesOf(db),
    proposals: proposalsOf(db),
    grounds: groundsOf(db),
    demo: settings.demo ?? false,
    dice: Math.random,
    ready: () => ready,
  }
  const mailer = config.mailUrl ? smtpMailer(config.mailUrl, config.mailFrom) : shownMailer
  const server = config.run.web ? await listen(deps) : null
  const keeper: Worker | null = config.run.worker ? await keepPromises(deps, mailer) : null
  const schedule: Schedule | null = config.run.schedule ? keepSchedule(deps, timedTasks(deps)) : null
  const address = server?.address()
  return {
    deps,
    url:
      address && typeof address === 'object'
        ? config.port === 0
          ? `http://localhost:${address.port}`
          : config.publicUrl
        : null,
    async close() {
      // Red first, so that nobody sends more; then what runs ends; then the connections.
      ready = false
      await schedule?.stop()
      await keeper?.stop()
      await (server && closed(server))
      await Promise.all([
        deps.postings.idle(),
        deps.promisedPostings.idle(),
        deps.acceptances.idle(),
        deps.proposals.idle(),
      ])
      await db.close()
      await embedded?.stop()
    },
  }
}

/** What happens by itself, and when (UTC). */
function timedTasks(deps: Deps & OutboxDeps): TimedTask[] {
  return [
    { name: 'lapse_proposals', when: '* * * * *', what: async () => `${await lapseDue(deps)} lapsed` },
    { name: 'expire_holds', when: '* * * * *', what: async () => `${await expireHolds(deps)} expired` },
    {
      name: 'reconcile_books',
      when: '15 * * * *',
      what: async () => JSON.stringify(await reconcileAll(deps, 'quits')),
    },
    { name: 'thaw_at_zero', when: '* * * * *', what: async () => `${await thawAtZero(deps)} may buy again` },
    { name: 'forget_unchosen', when: '*/10 * * * *', what: async () => `${await forgetUnchosen(deps)} wiped` },
    { name: 'forget_sessions', when: '55 3 * * *', what: async () => `${await forgetOldSessions(deps)} forgotten` },
    { name: 'check_mappings', when: '40 4 * * *', what: async () => `${await checkMappings(deps)} checked` },
    { name: 'refresh_grants', when: '20 4 * * *', what: async () => `${await refreshIdleGrants(deps)} refreshed` },
    { name: 'audit_ledgers', when: '5 2 * * *', what: async () => JSON.stringify(await auditAll(deps)) },
    { name: 'keep_days', when: '10 * * * *', what: async () => `${await keepDays(deps)} days kept` },
    { name: 'forget_answers', when: '50 3 * * *', what: async () => `${await forgetOldAnswers(deps)} forgotten` },
  ]
}

function connectorsFor(config: Config, onCall: (seen: CallSeen) => void): Partial<Record<BookKind, BookConnector>> {
  const now = () => machineClock.now()
  return {
    ...(config.xero
      ? {
          xero: xeroConnector({
            ...config.xero,
            redirectUri: `${config.publicUrl}/connect/xero/callback`,
            onCall,
            now,
          }),
        }
      : {}),
    ...(config.quickbooks
      ? {
          quickbooks: quickbooksConnector({
            ...config.quickbooks,
            redirectUri: `${config.publicUrl}/connect/quickbooks/callback`,
            onCall,
            now,
          }),
        }
      : {}),
  }
}

/** The embedded database migrates itself; any other one is migrated by its keeper, and we do not start on another schema. */
async function readySchema(url: string, isEmbedded: boolean, say: (line: string) => void): Promise<void> {
  if (isEmbedded) {
    await migrate(url, { log: say })
    return
  }
  const pending = await pendingMigrations(url)
  if (pending.length > 0)
    throw new ConfigMistakes([
      `DATABASE_URL: the database lacks ${pending.length} migration${pending.length === 1 ? '' : 's'}; run: npm run migrate`,
    ])
}

/** With the embedded database the key is made at the first start and kept beside the data, readable by nobody else. */
function masterKeyIn(path: string): Uint8Array {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
  }
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
}

async function listen(deps: Deps): Promise<Server> {
  const server = createServer(webApp(deps))
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(deps.config.port, deps.config.host, done)
  })
  return server
}

function closed(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done())
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), 10_000).unref()
  })
}

/** Stops once, in order, at the first signal; a second one, or 25 seconds, ends it hard. */
export function stopOnSignals(close: () => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      setTimeout(() => process.exit(1), hardStopMs).unref()
      close().then(
        () => process.exit(0),
        () => process.exit(1),
      )
    })
  }
}

async function start(): Promise<void> {
  try {
    const house = await openHouse(readConfig(), { say: (line) => process.stderr.write(`${line}\n`) })
    stopOnSignals(() => house.close())
    house.deps.log.info({ url: house.url, worker: house.deps.worker }, 'Quits is up')
  } catch (error) {
    process.stderr.write(
      error instanceof ConfigMistakes
        ? `${error.message}\n`
        : `Quits could not start: ${JSON.stringify(plainError(error))}\n`,
    )
    process.exitCode = 1
  }
}

if (isStarted(import.meta.url)) void start()
