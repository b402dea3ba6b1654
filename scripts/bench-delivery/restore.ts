/**
 * A restore of a large installation: a million entries and four connected books in one backup, read back into a new embedded
 * database while the books have gone on. Then the sweep, and everything that waited goes: how long it took, and what is doubled.
 *
 * Keeps: the time is that of `quits restore --paused` as a whole, the making of its database, every chain and truth included.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type BookDocument, BookError } from '../../connectors/port.ts'
import { withGrant } from '../../src/books/grants.ts'
import { resume } from '../../src/books/pause.ts'
import { machineClock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { quits } from '../../src/quits.ts'
import { isLive } from '../../src/reconcile/compare.ts'
import { isMarker } from '../../src/reconcile/marker.ts'
import { sweepAll } from '../../src/reconcile/sweep.ts'
import { openSite } from '../bench/site.ts'
import type { Figures, Measuring } from './parts.ts'
import { depsOf, masterKey, openScene, publicUrl } from './scene.ts'
import { marketOf } from './trade-many.ts'

const accounts = 1_000
const lookMs = 100
const longestMs = 240_000

export async function measureRestore({ ground, closing, say, size }: Measuring): Promise<Figures> {
  const url = await ground.newDatabase('restore')
  const scene = await closing.add(
    openScene(url, [
      { seller: 'xero', buyer: 'quickbooks' },
      { seller: 'quickbooks', buyer: 'xero' },
    ]),
  )
  say(`a ledger of ${size.restored} entries is filled`)
  await openSite(url, { networks: 1, accounts, entries: size.restored }, say)
  const market = marketOf(scene.db, scene.networkId, machineClock)
  const trade = async () => {
    for (const pair of scene.pairs) await market.sellMany(pair, size.tradesAroundBackup)
  }
  await trade()
  await deliverAll(scene.deps())
  await trade()
  const file = join(ground.home, 'restore.backup')
  const backUpMinutes = await command(say, ['backup', '--out', file], { DATABASE_URL: url })
  await trade()
  await deliverAll(scene.deps())
  const held = await documentsOf(scene.deps())

  const home = join(ground.home, 'restored')
  const begunAt = performance.now()
  const restored = await closing.add(openRestored(home, say))
  await command(say, ['restore', '--paused', file], { QUITS_HOME: home })
  const minutes = (performance.now() - begunAt) / 60_000
  const deps = depsOf(restored.db, machineClock, { xero: scene.xero.url, quickbooks: scene.quickbooks.url })
  const swept = await sweepAll(deps, { whole: true })
  invariant(swept.failed === 0 && swept.done === scene.pairs.length * 2, 'a book was not swept')
  say(`swept: ${swept.adopted} taken over, ${swept.found} that the backup has never heard of`)
  await resumeAll(deps)
  await deliverAll(deps)
  const after = await documentsOf(deps)
  await rm(file, { force: true })
  return {
    restore_1m_min: minutes,
    // Whatever stands twice, and whatever came to what the books held already.
    restore_doubles: after.length - Math.min(new Set(after).size, held.length),
    restore_lost: held.filter((one) => !after.includes(one)).length,
    restore_adopted: swept.adopted,
    restore_listed: swept.found,
    backup_1m_min: backUpMinutes,
  }
}

/** Gives the minutes it took. */
async function command(say: (line: string) => void, args: string[], more: Record<string, string>): Promise<number> {
  const begunAt = performance.now()
  const said: string[] = []
  const exit = await quits(args, {
    out: (text) => said.push(text),
    err: (text) => said.push(text),
    environment: { ...more, QUITS_MASTER_KEY: Buffer.from(masterKey).toString('hex'), PUBLIC_URL: publicUrl },
  })
  invariant(exit === 0, `quits ${args[0]} ended with ${exit}: ${said.join('\n')}`)
  const minutes = (performance.now() - begunAt) / 60_000
  say(`quits ${args[0]}: ${minutes.toFixed(2)} minutes`)
  return minutes
}

/** Held until the end: the command finds it running and leaves it so. */
async function openRestored(home: string, say: (line: string) => void): Promise<{ db: Db; end(): Promise<void> }> {
  const server = await startEmbeddedPostgres({ home, log: say })
  const db = openDb(server.url)
  return {
    db,
    async end() {
      await db.close()
      await server.stop()
      await rm(server.dataFolder, { recursive: true, force: true })
    },
  }
}

async function resumeAll(deps: OutboxDeps): Promise<void> {
  await inTransaction(deps.db, asWorker, async (tx) => {
    for (const { id } of await tx.connection.findMany({ where: { state: 'paused' } }))
      await resume(tx, deps.clock, { connectionId: id, actor: 'quits' })
  })
}

/** At the vendors' own speed, until no book has anything waiting. */
async function deliverAll(deps: OutboxDeps): Promise<void> {
  const begunAt = performance.now()
  for (;;) {
    await deliverDue(deps, { limit: 50 })
    const { rows } = await deps.db.pool.query<{ open: string; parked: string }>(
      `select count(*) filter (where d.state <> 'parked') as open, count(*) filter (where d.state = 'parked') as parked
         from delivery d join connection c on c.organisation_id = d.organisation_id
        where d.live and d.state in ('waiting', 'sending', 'parked')`,
    )
    invariant(rows[0]?.parked === '0', `${rows[0]?.parked} deliveries are parked`)
    if (rows[0].open === '0') return
    invariant(performance.now() - begunAt < longestMs, `${rows[0].open} deliveries never arrive`)
    await pause(lookMs)
  }
}

/** Every living document of ours in all books, by its book, kind and mark: whatever stands twice is there twice. */
async function documentsOf(deps: OutboxDeps): Promise<string[]> {
  const connections = await inTransaction(deps.db, asWorker, (tx) => tx.connection.findMany({ orderBy: { id: 'asc' } }))
  const found: string[] = []
  for (const { id } of connections) {
    for (const one of await oursIn(deps, id)) if (isLive(one)) found.push(`${id} ${one.kind} ${one.reference}`)
  }
  return found
}

/** A reading of the bench's own stands in no budget, so a book may say that it is too fast: then it waits and begins anew. */
async function oursIn(deps: OutboxDeps, connectionId: Uuid): Promise<BookDocument[]> {
  const begunAt = performance.now()
  for (;;) {
    const documents = new Map<string, BookDocument>()
    try {
      await withGrant(deps, connectionId, async (grant, connector) => {
        for await (const page of connector.changes(grant, null))
          for (const one of page.documents) if (isMarker(one)) documents.set(`${one.kind} ${one.id}`, one)
      })
      return [...documents.values()]
    } catch (error) {
      const isTooFast = error instanceof BookError && error.kind === 'throttled'
      if (!isTooFast || performance.now() - begunAt > longestMs) throw error
      await pause(error.facts.waitMs ?? lookMs)
    }
  }
}
