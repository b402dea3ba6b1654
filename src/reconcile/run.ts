/**
 * One reconciliation of one book and one network: reads the book whole, compares it with what was promised, stores the
 * result line by line.
 *
 * Keeps: nothing is delivered to the book while it is read (its lane is held), so that both sides are of one moment.
 * Never: writes to the book. A run that is cut off leaves no half report.
 *
 * @path trade 7/7 says whether both books agree with the ledger
 * @path reconcile 2/6 reads ledger, promises and book
 */
import { type BookAccount, type BookDocument, BookError } from '../../connectors/port.ts'
import { withGrant } from '../books/grants.ts'
import { mappingShape } from '../books/mapping.ts'
import { profileFromJson } from '../books/profile.ts'
import { type Day, dateOf, dayIn, rest } from '../kit/clock.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { plainError } from '../kit/log.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Delivery, deliveryFrom } from '../outbox/delivery.ts'
import { giveBack, type Lease, stillOurs, takeLeaseOf } from '../outbox/lease.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'
import { type Compared, compare } from './compare.ts'
import { keepDiscrepancies } from './discrepancy.ts'

export type Reconciliation = {
  networkId: Uuid
  id: Uuid
  organisationId: Uuid
  state: 'running' | 'done' | 'failed'
  asOf: Day
  ledgerMinor: bigint | null
  bookMinor: bigint | null
  driftMinor: bigint | null
  matches: number | null
  discrepancies: number | null
  startedAt: Date
  endedAt: Date | null
  failure: { cause: string; said: string } | null
}

const minuteMs = 60_000
/** Less than a lease lasts, more than a vendor's minute. */
const longestWaitMs = 75_000
const mostWaits = 4
/** Each wait is at least twice the one before: a minute that slides gives its calls back one by one. */
const firstWaitMs = 4_000

export type ReconcileAsk = { networkId: Uuid; organisationId: Uuid; actor: string }

export async function reconcileBook(deps: OutboxDeps, ask: ReconcileAsk): Promise<Reconciliation> {
  const book = await openRun(deps, ask)
  const lease = await takeLeaseOf(deps, `${deps.worker}/reconcile`, ask.organisationId)
  try {
    const theirs = await patiently(deps, lease, () => readTheirs(deps, lease, book))
    const ours = await readOurs(deps, ask, book)
    return await closeRun(deps, ask, book, compare(ours, theirs))
  } catch (error) {
    await failRun(deps, ask, book, error)
    if (error instanceof BookError) throw new Refusal('book_does_not_answer', { cause: error.facts.cause })
    throw error
  } finally {
    await giveBack(deps.db, lease, lease.budget, 0)
  }
}

/** Every live book, in every network it is mapped for; one that fails does not stop the others. Gives how many runs ended well. */
export async function reconcileAll(deps: OutboxDeps, actor: string): Promise<{ done: number; failed: number }> {
  const due = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<{ network_id: Uuid; organisation_id: Uuid }[]>`
    select m.network_id, c.organisation_id from mapping m join connection c on c.id = m.connection_id
    where c.state = 'live' and m.confirmed_at is not null order by c.made_at, m.network_id`,
  )
  let failed = 0
  for (const one of due) {
    try {
      await reconcileBook(deps, { networkId: one.network_id, organisationId: one.organisation_id, actor })
    } catch (error) {
      failed += 1
      deps.log.error({ error: plainError(error), organisationId: one.organisation_id }, 'a reconciliation failed')
    }
  }
  return { done: due.length - failed, failed }
}

type OpenRun = { id: Uuid; connectionId: Uuid; account: BookAccount; asOf: Day; currency: string; startedAt: Date }

async function openRun(deps: OutboxDeps, ask: ReconcileAsk): Promise<OpenRun> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const connection = await tx.connection.findFirst({ where: { organisationId: ask.organisationId, state: 'live' } })
    const mapping =
      connection &&
      (await tx.mapping.findUnique({
        where: { connectionId_networkId: { connectionId: connection.id, networkId: ask.networkId } },
      }))
    if (!connection || !mapping?.confirmedAt) throw new Refusal('nothing_to_reconcile', {})
    const network = await tx.network.findUniqueOrThrow({ where: { id: ask.networkId } })
    const { creditAccountId } = mappingShape.parse(mapping.body)
    const account = profileFromJson(connection.profile).accounts.find((one) => one.id === creditAccountId)
    if (!account) throw new Refusal('mapping_not_sound', { why: 'the mutual-credit account is not in the book' })
    const startedAt = deps.clock.now()
    const id = newId(startedAt)
    const asOf = dayIn(network.timeZone, startedAt)
    // A run that was cut off earlier (its process died) is closed here.
    await tx.reconciliation.updateMany({
      where: { networkId: ask.networkId, organisationId: ask.organisationId, state: 'running' },
      data: { state: 'failed', endedAt: startedAt, failure: { cause: 'cut_off', said: '' } },
    })
    await tx.reconciliation.create({
      data: {
        networkId: ask.networkId,
        id,
        connectionId: connection.id,
        organisationId: ask.organisationId,
        askedBy: ask.actor,
        startedAt,
        state: 'running',
        asOf: dateOf(asOf),
      },
    })
    return { id, connectionId: connection.id, account, asOf, currency: network.currency, startedAt }
  })
}

async function readTheirs(deps: OutboxDeps, lease: Lease, book: OpenRun) {
  return withGrant(deps, book.connectionId, async (grant, connector) => {
    const documents: BookDocument[] = []
    for await (const page of connector.changes(grant, null)) {
      documents.push(...page.documents)
      await keepLease(deps, lease)
    }
    const balance = await connector.balance(grant, book.account, book.asOf)
    return { documents: latest(documents), bookMinor: balance.amountMinor }
  })
}

/** A book whose minute is used up is waited for, and read anew; a longer wait is told to whoever asked. */
async function patiently<T>(deps: OutboxDeps, lease: Lease, read: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await read()
    } catch (error) {
      const isBusy = error instanceof BookError && error.kind === 'throttled' && !error.facts.untilTomorrow
      const waitMs = isBusy ? (error.facts.waitMs ?? minuteMs) : null
      if (waitMs === null || waitMs > longestWaitMs || waits === mostWaits) throw error
      await keepLease(deps, lease)
      await rest(deps.clock, Math.max(waitMs, firstWaitMs * 2 ** waits))
    }
  }
}

/** Ledger balance and promises in one statement, so that a trade accepted meanwhile is in both or in neither. */
async function readOurs(deps: OutboxDeps, ask: ReconcileAsk, book: OpenRun) {
  return inTransaction(
    deps.db,
    asWorker,
    async (tx) => {
      const rows = await tx.$queryRaw<{ ledger: bigint | null; ids: Uuid[] | null }[]>`
      select
        (select e.after_minor from entry e join member m on m.network_id = e.network_id and m.account_id = e.account_id
          where m.network_id = ${ask.networkId}::uuid and m.organisation_id = ${ask.organisationId}::uuid and e.booked_on <= ${book.asOf}::date
          order by e.version desc limit 1) as ledger,
        (select array_agg(d.id order by d.promised_at, d.id) from delivery d where d.network_id = ${ask.networkId}::uuid and d.organisation_id = ${ask.organisationId}::uuid) as ids`
      const found = rows[0]
      invariant(found, 'no answer')
      const deliveries: Delivery[] = []
      const ids = found.ids ?? []
      for (let from = 0; from < ids.length; from += 1000) {
        const page = await tx.delivery.findMany({
          where: { networkId: ask.networkId, id: { in: ids.slice(from, from + 1000) } },
          orderBy: [{ promisedAt: 'asc' }, { id: 'asc' }],
        })
        deliveries.push(...page.map(deliveryFrom))
      }
      const others = await tx.$queryRaw<{ place: string | null; reference: string }[]>`
        select (d.receipt ->> 'kind') || ':' || (d.receipt ->> 'id') as place, d.reference from delivery d
         where d.organisation_id = ${ask.organisationId}::uuid and d.network_id <> ${ask.networkId}::uuid and d.kind <> 'contact'
           and d.network_id in (select m.network_id from member m where m.organisation_id = ${ask.organisationId}::uuid)`
      const contacts = await tx.bookContact.findMany({ where: { connectionId: book.connectionId } })
      return {
        deliveries,
        ledgerMinor: found.ledger ?? 0n,
        asOf: book.asOf,
        currency: book.currency,
        creditAccountId: book.account.id,
        elsewhere: new Set(others.flatMap((one) => (one.place ? [one.place, one.reference] : [one.reference]))),
        contactIds: new Map(contacts.map((one) => [`${one.counterpartId} ${one.role}`, one.bookContactId])),
      }
    },
    60_000,
  )
}

async function closeRun(deps: OutboxDeps, ask: ReconcileAsk, book: OpenRun, result: Compared): Promise<Reconciliation> {
  const endedAt = deps.clock.now()
  const figures = {
    ledgerMinor: result.ledgerMinor,
    bookMinor: result.bookMinor,
    driftMinor: result.driftMinor,
    matches: result.lines.filter((line) => line.verdict === 'match').length,
    discrepancies: result.lines.filter((line) => line.verdict !== 'match').length,
  }
  await inTransaction(
    deps.db,
    asWorker,
    async (tx) => {
      await tx.reconciliationLine.createMany({
        data: result.lines.map((line, position) => ({
          networkId: ask.networkId,
          reconciliationId: book.id,
          position,
          verdict: line.verdict,
          deliveryId: line.delivery?.id ?? null,
          reference: line.delivery?.reference ?? line.document?.reference ?? null,
          bookKind: line.document?.kind ?? null,
          bookDocumentId: line.document?.id ?? null,
          ledgerMinor: line.ledgerMinor,
          bookMinor: line.bookMinor,
          ...(line.ours ? { ours: line.ours } : {}),
          ...(line.theirs ? { theirs: line.theirs } : {}),
        })),
      })
      await keepDiscrepancies(tx, {
        networkId: ask.networkId,
        organisationId: ask.organisationId,
        connectionId: book.connectionId,
        lines: result.lines,
        at: endedAt,
      })
      await tx.reconciliation.update({
        where: { networkId_id: { networkId: ask.networkId, id: book.id } },
        data: { state: 'done', endedAt, ...figures },
      })
    },
    120_000,
  )
  return {
    networkId: ask.networkId,
    id: book.id,
    organisationId: ask.organisationId,
    state: 'done',
    asOf: book.asOf,
    startedAt: book.startedAt,
    endedAt,
    failure: null,
    ...figures,
  }
}

async function failRun(deps: OutboxDeps, ask: ReconcileAsk, book: OpenRun, error: unknown): Promise<void> {
  const failure =
    error instanceof BookError ? { cause: error.facts.cause, said: error.facts.said } : { cause: 'our_fault', said: '' }
  await inTransaction(deps.db, asWorker, (tx) =>
    tx.reconciliation.update({
      where: { networkId_id: { networkId: ask.networkId, id: book.id } },
      data: { state: 'failed', endedAt: deps.clock.now(), failure },
    }),
  )
}

async function keepLease(deps: OutboxDeps, lease: Lease): Promise<void> {
  const ours = await inTransaction(deps.db, asWorker, (tx) => stillOurs(tx, lease))
  invariant(ours, 'the book’s lane was lost while it was read')
}

/** Pages may show a document twice when rows shift while they are read: the newest state counts. */
function latest(documents: BookDocument[]): BookDocument[] {
  const byId = new Map<string, BookDocument>()
  for (const document of documents) {
    const key = `${document.kind}:${document.id}`
    const known = byId.get(key)
    if (!known || known.updatedAt <= document.updatedAt) byId.set(key, document)
  }
  return [...byId.values()]
}
