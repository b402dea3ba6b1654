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
import { takeOver } from './backup/take-over.ts'
import { refreshIdleGrants } from './books/grants.ts'
import { checkMappings } from './books/mapping.ts'
import { forgetUnchosen } from './books/waiting-consent.ts'
import { watchConnector } from './books/watch-connector.ts'
import { type Config, ConfigMistakes, masterKeyPath, readConfig, secretsOf } from './config.ts'
import { answerBells, forgetBells } from './inbox/answer-bells.ts'
import { machineClock } from './kit/clock.ts'
import { openDb } from './kit/db.ts'
import { startEmbeddedPostgres } from './kit/embedded-postgres.ts'
import { openLog, plainError } from './kit/log.ts'
import { type Metrics, openMetrics } from './kit/metrics.ts'
import { migrate, pendingMigrations } from './kit/migrate.ts'
import { sealWith } from './kit/seal.ts'
import { isStarted } from './kit/started.ts'
import { watchBatch } from './kit/watch-batch.ts'
import { auditAll } from './ledger/audit.ts'
import { expireHolds } from './ledger/hold.ts'
import { keepDays } from './ledger/keep-days.ts'
import { postingsOf } from './ledger/post.ts'
import { thawAtZero } from './networks/frozen.ts'
import { forgetOldSessions } from './networks/sign-in.ts'
import { callsSeen } from './outbox/calls-seen.ts'
import { keepPromises, roundsAtOnce, type Worker } from './outbox/keep.ts'
import { tellOfParked } from './outbox/mail-parked.ts'
import { forgetNotices } from './outbox/notice.ts'
import { noticeRounds } from './outbox/notice-rounds.ts'
import type { OutboxDeps } from './outbox/outbox-deps.ts'
import { promisedPostingsOf } from './outbox/post-and-promise.ts'
import { shownMailer, smtpMailer } from './outbox/send-mail.ts'
import { lookAtBook } from './reconcile/look-at-book.ts'
import { reconcileAll } from './reconcile/run.ts'
import { sweepAll } from './reconcile/sweep.ts'
import { keepSchedule, type Schedule, type TimedTask } from './schedule.ts'
import { groundsOf } from './trades/grounds.ts'
import { lapseDue, proposalsOf } from './trades/propose.ts'
import { acceptancesOf } from './trades/record-trade.ts'
import { forgetOldAnswers } from './web/api/forget-answers.ts'
import { webApp } from './web/app.ts'
import type { Deps } from './web/deps.ts'

const hardStopMs = 25_000
/** Together less than that: what does not end in its time is left, and is safe to be left. */
const drainMs = { work: 14_000, requests: 6_000, postings: 2_000, connections: 1_000 }
/** A book of a thousand changes keeps one of these busy, and not the bells of the others. */
const booksLookedAtAtOnce = 3

export type House = {
  deps: Deps & OutboxDeps
  /** Where it listens; null when this process serves no pages. */
  url: string | null
  close(): Promise<void>
}

export type HouseSettings = { demo?: boolean; say?: (line: string) => void }

/** Opens the database, builds every room and starts what `config.run` names. */
export async function openHouse(config: Config, settings: HouseSettings = {}): Promise<House> {
  const log = openLog(config.logLevel, undefined, secretsOf(config))
  const metrics = openMetrics()
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
  let keeper: Worker | null = null
  const clock = machineClock
  const calls = callsSeen()
  const deps: Deps & OutboxDeps = {
    calls,
    config,
    db,
    clock,
    log,
    worker,
    seal: sealWith(config.masterKeys ?? [masterKeyIn(masterKeyPath(config.home))]),
    connectors: connectorsFor(config, metrics, (vendor, seen) => {
      calls.note(seen)
      if (seen.status === 429) metrics.vendorThrottled.inc({ vendor })
      log.debug({ vendor, call: seen }, 'a call to a book')
    }),
    postings: watchBatch(metrics, 'postings', postingsOf(db)),
    promisedPostings: watchBatch(metrics, 'promised_postings', promisedPostingsOf(db)),
    acceptances: watchBatch(metrics, 'acceptances', acceptancesOf(db)),
    proposals: watchBatch(metrics, 'proposals', proposalsOf(db)),
    grounds: groundsOf(db),
    demo: settings.demo ?? false,
    dice: Math.random,
    ready: () => ready,
    isStopping: () => !ready,
    metrics,
    ...(embedded ? { dataFolder: embedded.dataFolder } : {}),
    ...(config.run.worker ? { workerAlive: () => keeper?.isAlive() ?? true } : {}),
  }
  const mailer = config.mailUrl ? smtpMailer(config.mailUrl, config.mailFrom) : shownMailer
  const server = config.run.web ? await listen(deps) : null
  keeper = config.run.worker
    ? await keepPromises(deps, mailer, {
        rounds: [
          { name: 'take over', serve: () => takeOver(deps) },
          ...roundsAtOnce('bells', booksLookedAtAtOnce, () =>
            answerBells(deps, (book, keep) => lookAtBook(deps, book, keep)),
          ),
          ...noticeRounds(deps, { loopback: config.webhooksToLoopback }),
        ],
      })
    : null
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
      // Red first, so that nobody sends more; what runs ends; then the connections. It still listens meanwhile, so that /readyz
      // can say why. A call that does not end is left: its attempt stands, and who takes the lane next looks before it repeats.
      ready = false
      const left: string[] = []
      const ends = async (name: keyof typeof drainMs, work: Promise<unknown>) => {
        if (!(await endsIn(drainMs[name], work))) left.push(name)
      }
      await ends('work', Promise.all([schedule?.stop(), keeper?.stop()]))
      if (server) await ends('requests', closed(server))
      server?.closeAllConnections()
      const batches = [deps.postings, deps.promisedPostings, deps.acceptances, deps.proposals]
      await ends('postings', Promise.all(batches.map((batch) => batch.idle())))
      await ends('connections', db.close())
      metrics.close()
      await embedded?.stop()
      log.info({ left }, 'Quits has stopped')
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
    {
      name: 'sweep_books',
      when: '40 * * * *',
      what: async () => JSON.stringify(await sweepAll(deps, { whole: false })),
    },
    {
      name: 'sweep_books_whole',
      when: '25 1 * * *',
      what: async () => JSON.stringify(await sweepAll(deps, { whole: true })),
    },
    { name: 'thaw_at_zero', when: '* * * * *', what: async () => `${await thawAtZero(deps)} may buy again` },
    { name: 'forget_unchosen', when: '*/10 * * * *', what: async () => `${await forgetUnchosen(deps)} wiped` },
    { name: 'forget_sessions', when: '55 3 * * *', what: async () => `${await forgetOldSessions(deps)} forgotten` },
    { name: 'tell_of_parked', when: '35 * * * *', what: async () => `${await tellOfParked(deps)} letters` },
    { name: 'check_mappings', when: '40 4 * * *', what: async () => `${await checkMappings(deps)} checked` },
    { name: 'refresh_grants', when: '20 4 * * *', what: async () => `${await refreshIdleGrants(deps)} refreshed` },
    { name: 'audit_ledgers', when: '5 2 * * *', what: async () => JSON.stringify(await auditAll(deps)) },
    { name: 'keep_days', when: '10 * * * *', what: async () => `${await keepDays(deps)} days kept` },
    { name: 'forget_bells', when: '45 3 * * *', what: async () => `${await forgetBells(deps)} forgotten` },
    { name: 'forget_notices', when: '47 3 * * *', what: async () => `${await forgetNotices(deps)} forgotten` },
    { name: 'forget_answers', when: '50 3 * * *', what: async () => `${await forgetOldAnswers(deps)} forgotten` },
  ]
}

function connectorsFor(
  config: Config,
  metrics: Metrics,
  onCall: (vendor: BookKind, seen: CallSeen) => void,
): Partial<Record<BookKind, BookConnector>> {
  const now = () => machineClock.now()
  const watched = (connector: BookConnector) => watchConnector(connector, metrics)
  return {
    ...(config.xero
      ? {
          xero: watched(
            xeroConnector({
              ...config.xero,
              redirectUri: `${config.publicUrl}/connect/xero/callback`,
              onCall: (seen) => onCall('xero', seen),
              now,
            }),
          ),
        }
      : {}),
    ...(config.quickbooks
      ? {
          quickbooks: watched(
            quickbooksConnector({
              ...config.quickbooks,
              redirectUri: `${config.publicUrl}/connect/quickbooks/callback`,
              onCall: (seen) => onCall('quickbooks', seen),
              now,
            }),
          ),
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

/** Running requests end; who only keeps a connection open is cut off. */
function closed(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done())
    server.closeIdleConnections()
  })
}

/** False when it did not end in time; it goes on, and nobody waits for it any more. */
async function endsIn(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), ms)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
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
  // As Node tells an error by itself, it shows all that hangs on it: a client with its password, a request with its headers.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`Quits has to stop: ${JSON.stringify(plainError(error))}\n`)
    process.exit(1)
  })
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
