/**
 * GET /metrics, for Prometheus: what this process counted, and what the database has now, read at most every ten seconds.
 *
 * Keeps: never public by accident. With QUITS_METRICS_TOKEN set, whoever shows it may read, from anywhere. Without it, only a
 * program on this machine that asks the service itself: a proxy on this machine comes from loopback too, and need not say for
 * whom it asks, so a service with a public address answers nobody without the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Express, Request } from 'express'
import { type Figures, figuresOf } from '../insight/figures.ts'
import { plainError } from '../kit/log.ts'
import type { Metrics } from '../kit/metrics.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Deps } from './deps.ts'

const readEveryMs = 10_000

export function serveMetrics(app: Express, deps: Deps): void {
  const { metrics } = deps
  if (!metrics) return
  let reading: Promise<void> | null = null
  let readAtMs = Number.NEGATIVE_INFINITY

  /** Those who ask in the meantime share one reading. */
  function fresh(): Promise<void> {
    if (!reading && performance.now() - readAtMs >= readEveryMs)
      reading = readInto(deps, metrics as Metrics).finally(() => {
        readAtMs = performance.now()
        reading = null
      })
    return reading ?? Promise.resolve()
  }

  app.get('/metrics', async (ask, answer) => {
    if (!mayRead(deps, ask)) {
      // Without a token set, there is no such page.
      if (!deps.config.metricsToken) throw new Refusal('not_found', { thing: 'page' })
      return void answer
        .status(401)
        .set('WWW-Authenticate', 'Bearer')
        .type('text')
        .send('Show the token of QUITS_METRICS_TOKEN.\n')
    }
    await fresh()
    answer.set('Cache-Control', 'no-store')
    answer.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}

function mayRead(deps: Deps, ask: Request): boolean {
  const { metricsToken, publicUrl } = deps.config
  if (metricsToken) {
    const shown = /^Bearer (\S{1,200})$/.exec(ask.get('authorization') ?? '')?.[1]
    return shown !== undefined && isSame(shown, metricsToken)
  }
  const isHere = isLoopback(ask.socket.remoteAddress ?? '') && isLoopback(hostOf(ask.get('host') ?? ''))
  return isHere && !isForwarded(ask) && isLoopback(new URL(publicUrl).hostname)
}

/** Compared as digests, so that neither length nor place of a difference can be timed. */
function isSame(shown: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(shown), digest(token))
}

function isForwarded(ask: Request): boolean {
  return ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'].some(
    (name) => ask.headers[name] !== undefined,
  )
}

function hostOf(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.exec(host)?.[1] ?? ''
}

export function isLoopback(address: string): boolean {
  const plain = address
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/i, '')
    .toLowerCase()
  if (isIP(plain) === 4) return plain.startsWith('127.')
  return plain === '::1' || plain === 'localhost'
}

/** What cannot be read now is told as that, and the rest is told all the same: an outage is just when somebody looks. */
async function readInto(deps: Deps, metrics: Metrics): Promise<void> {
  metrics.draining.set(deps.ready() ? 0 : 1)
  if (deps.workerAlive) metrics.workerAlive.set(deps.workerAlive() ? 1 : 0)
  await readDisk(deps, metrics)
  try {
    layOut(metrics, await figuresOf(deps.db))
    metrics.databaseUp.set(1)
  } catch (error) {
    metrics.databaseUp.set(0)
    deps.log.warn({ error: plainError(error) }, 'the figures could not be read')
  }
}

async function readDisk(deps: Deps, metrics: Metrics): Promise<void> {
  if (!deps.dataFolder) return
  const disk = await statfs(deps.dataFolder).catch(() => null)
  if (!disk) return
  metrics.diskFree.set(disk.bavail * disk.bsize)
  metrics.diskSize.set(disk.blocks * disk.bsize)
}

function layOut(metrics: Metrics, figures: Figures): void {
  const oldest = new Map<string, number>(
    ['waiting', 'sending', 'held', 'asked_for', 'parked'].map((state) => [state, 0]),
  )
  metrics.deliveries.reset()
  for (const { state, kind, age, count, oldestSeconds } of figures.deliveries) {
    metrics.deliveries.set({ state, kind, age }, count)
    oldest.set(state, Math.max(oldest.get(state) ?? 0, oldestSeconds))
  }
  for (const [state, seconds] of oldest) metrics.deliveriesOldest.set({ state }, seconds)
  metrics.connections.reset()
  for (const { vendor, state, count } of figures.connections) metrics.connections.set({ vendor, state }, count)
  metrics.discrepancies.reset()
  for (const { kind, count } of figures.discrepancies) metrics.discrepancies.set({ kind }, count)
  metrics.driftingBooks.set(figures.driftingBooks)
  metrics.reconciliationOldest.set(figures.reconciliationOldestSeconds)
  metrics.auditsBroken.set(figures.auditsBroken)
  metrics.bellsWaiting.set(figures.bells.waiting)
  metrics.bellsOldest.set(figures.bells.oldestSeconds)
  metrics.bellsSilent.reset()
  for (const { vendor, seconds } of figures.silent) metrics.bellsSilent.set({ vendor }, seconds)
  metrics.mailWaiting.set(figures.mail.waiting)
  metrics.mailOldest.set(figures.mail.oldestSeconds)
  for (const { name, lastSuccessAt } of figures.tasks) metrics.taskLastSuccess.set({ task: name }, lastSuccessAt)
}
