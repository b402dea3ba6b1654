/**
 * Where the service is killed: a network with one firm for each vendor whose book is really connected, and newcomers without a book, so
 * that each trade can be the first with its other side. Database, stand-ins and service share a clock that is moved ahead.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { machineClock } from '../../../src/kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../../../src/kit/db.ts'
import { idText, type Uuid } from '../../../src/kit/ids.ts'
import { invariant } from '../../../src/kit/invariant.ts'
import { makeKey } from '../../../src/networks/api-key.ts'
import { giveConsent } from '../../../src/trades/standing-consent.ts'
import {
  apps,
  type Scene as Books,
  type Firm,
  masterKey,
  openScene as openBooks,
  type Vendor,
} from '../../bench-delivery/scene.ts'
import { brokenOracles } from '../oracles.ts'
import { bundleInto } from './bundle.ts'
import { openService, type Service } from './service.ts'

export type KillScene = {
  books: Books
  service: Service
  firm(vendor: Vendor): Firm
  key(ask: { role: 'owner'; organisationId: Uuid } | { role: 'convener' }): Promise<string>
  /** A member without a book, that has traded with nobody. */
  newcomer(): { memberId: Uuid; organisationId: Uuid }
  worker<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  now(): Date
  /** All clocks at once. */
  travel(ms: number): Promise<void>
  /** Nothing is left to do for either book. */
  isQuiet(): Promise<boolean>
  /** No worker has a book in its hands, and none is due: nothing more happens until the clock moves on. */
  isIdle(): Promise<boolean>
  /** Whoever has no book is not looked at in vain: many newcomers would cost every round. */
  restBookless(): Promise<void>
  broken(): Promise<string[]>
  /** The service is made of another source from now on. */
  useSource(root: string): Promise<void>
  end(): Promise<void>
}

export const webhookKeys = { xero: 'xero-bell-key', quickbooks: 'quickbooks-bell-key' } as const
const aMonthMinor = 900_000_000_000n

/** Each journey takes one or two of the newcomers. */
export async function openKillScene(databaseUrl: string, newcomers: number): Promise<KillScene> {
  const folder = await mkdtemp(join(tmpdir(), 'quits-kill-'))
  const bundle = await bundleInto(folder)
  const books = await openBooks(databaseUrl, [{ seller: 'xero', buyer: 'quickbooks' }], newcomers)
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  await makeMovable(client)
  let aheadMs = 0
  const clock = { now: () => new Date(machineClock.now().getTime() + aheadMs) }
  const { db, networkId } = books
  const worker = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(db, asWorker, work)
  const [pair] = books.pairs
  invariant(pair, 'no firm has a book')
  const waiting = [...books.others]
  const service = await openService({
    bundle,
    databaseUrl,
    xero: books.xero.url,
    quickbooks: books.quickbooks.url,
    environment: {
      QUITS_MASTER_KEY: Buffer.from(masterKey).toString('hex'),
      XERO_CLIENT_ID: apps.xero.clientId,
      XERO_CLIENT_SECRET: apps.xero.clientSecret,
      XERO_WEBHOOK_KEY: webhookKeys.xero,
      QUICKBOOKS_CLIENT_ID: apps.quickbooks.clientId,
      QUICKBOOKS_CLIENT_SECRET: apps.quickbooks.clientSecret,
      QUICKBOOKS_WEBHOOK_VERIFIER: webhookKeys.quickbooks,
    },
  })
  const firms = [pair.seller, pair.buyer]
  return {
    books,
    service,
    firm: (vendor) => (vendor === 'xero' ? pair.seller : pair.buyer),
    async key(ask) {
      const whose = ask.role === 'convener' ? { role: ask.role, networkId } : ask
      const made = { ...whose, name: 'kill', mayWrite: true, livesDays: 300, actor: 'quits' }
      return (await worker((tx) => makeKey(tx, clock, made))).secret
    },
    newcomer() {
      const next = waiting.pop()
      invariant(next, 'no newcomer is left')
      return { memberId: next.memberId, organisationId: next.organisationId }
    },
    worker,
    now: clock.now,
    async travel(ms) {
      aheadMs += ms
      for (const standIn of [books.xero, books.quickbooks]) standIn.clock.advance(ms)
      await client.query('update kill_clock set ahead = make_interval(secs => $1)', [aheadMs / 1000])
      service.tell(aheadMs)
      await client.query('notify quits_lane')
    },
    async isQuiet() {
      const { rows } = await client.query<{ left: string }>(
        `select (select count(*) from delivery where state in ('waiting', 'sending') and organisation_id = any ($1::uuid[]))
              + (select count(*) from lane where id = any ($1::uuid[]) and leased_by is not null) as left`,
        [firms.map((one) => one.organisationId)],
      )
      return rows[0]?.left === '0'
    },
    async isIdle() {
      const { rows } = await client.query<{ held: string }>(
        "select count(*) as held from lane where leased_by is not null or (kind = 'book' and due_at <= quits_now())",
      )
      return rows[0]?.held === '0'
    },
    async restBookless() {
      await client.query(`
        update lane set due_at = 'infinity' where kind = 'book' and leased_by is null and due_at <> 'infinity'
           and not exists (select 1 from connection c where c.organisation_id = lane.id and c.state = 'live')`)
    },
    async broken() {
      const seen = firms.flatMap((one) =>
        one.bookId ? [{ name: one.vendor ?? '', organisationId: one.organisationId }] : [],
      )
      const broken = await brokenOracles({ deps: books.deps(clock), networkId, books: seen })
      return broken.map(({ oracle, says }) => `${oracle} ${says}`)
    },
    async useSource(root) {
      service.use(await bundleInto(await mkdtemp(join(folder, 'other-')), root))
    },
    async end() {
      await service.close()
      await client.end()
      await books.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export async function consentTo(scene: KillScene, buyer: Uuid, seller: Uuid): Promise<void> {
  await scene.worker((tx) =>
    giveConsent(
      tx,
      { now: scene.now },
      {
        networkId: scene.books.networkId,
        memberId: buyer,
        fromMemberId: seller,
        side: 'buyer',
        aMonthMinor,
        actor: 'quits',
      },
    ),
  )
}

/** quits_now() runs ahead of the machine's time from now on, by what a row says. */
async function makeMovable(client: pg.Client): Promise<void> {
  await client.query(`
    create table kill_clock (ahead interval not null);
    insert into kill_clock values (interval '0');
    grant select on kill_clock to public;
    create or replace function public.quits_now() returns timestamptz language sql stable
      as 'select pg_catalog.clock_timestamp() + ahead from public.kill_clock'`)
}

export const memberText = (id: Uuid) => idText('member', id)
