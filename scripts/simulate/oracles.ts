/**
 * What must hold after any run, whatever went wrong in it: the six oracles, each a list of what speaks against it.
 *
 *   O1 the ledger's own truths: sums, balances, limits, what trades have left in it
 *   O2 each promised document stands once in its book with the right total, or its row is open and says why
 *   O3 no document of ours that nobody promised, none twice
 *   O4 the book's mutual-credit account is the ledger's balance, or each difference is listed, to the penny
 *   O5 the chain of transfers verifies; no secret stands in the database or in anything that was said
 *   O6 with the faults gone nothing is left to send, and no delivery took more tries than it should
 *
 * Keeps: books are read as whoever audits them would, document by document, not by what the service remembers.
 */
import type { BookConnector, BookDocument } from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { audit } from '../../src/ledger/audit.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { isMarker } from '../../src/reconcile/marker.ts'
import { reconcileBook } from '../../src/reconcile/run.ts'

export type Oracle = 'O1' | 'O2' | 'O3' | 'O4' | 'O5' | 'O6'
export type Broken = { oracle: Oracle; says: string }
export type ObservedBook = {
  name: string
  organisationId: Uuid
  /** What the book itself says stands on the mutual-credit account, asked past the connector. */
  creditMinor?: () => bigint
}
export type Observed = {
  /** To read with: nothing else may be at work on these books now. */
  deps: OutboxDeps
  networkId: Uuid
  books: readonly ObservedBook[]
  /** People changed the books, or gave something up: then a difference is no fault so long as it is listed. */
  isTouched?: boolean
  /** Secrets that must stand nowhere, and all that was said by the service: logs, answers, pages. */
  secrets?: readonly string[]
  said?: Iterable<string>
  /** More than that for one delivery is a loop. */
  mostAttempts?: number
}

const usualMostAttempts = 100

export async function brokenOracles(observed: Observed): Promise<Broken[]> {
  const broken = [...(await ofLedger(observed)), ...(await ofSecrets(observed)), ...(await ofQueue(observed))]
  for (const book of observed.books) broken.push(...(await ofBook(observed, book)))
  return broken
}

// ── O1, O5 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

async function ofLedger({ deps, networkId }: Observed): Promise<Broken[]> {
  const { truths } = await inTransaction(deps.db, asWorker, (tx) => audit(tx, networkId))
  return truths
    .filter((truth) => !truth.holds)
    .map(({ name, offenders }) => ({
      oracle: name.includes('chain') ? ('O5' as const) : ('O1' as const),
      says: `${name}: ${offenders.slice(0, 3).join('; ')}`,
    }))
}

async function ofSecrets({ deps, secrets = [], said = [] }: Observed): Promise<Broken[]> {
  if (secrets.length === 0) return []
  const broken: Broken[] = []
  for (const text of said)
    if (secrets.some((secret) => text.includes(secret)))
      broken.push({ oracle: 'O5', says: `a secret was said: ${withoutSecrets(text, secrets).slice(0, 200)}` })
  const tables = await deps.db.pool.query<{ name: string }>(
    "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  )
  const each = tables.rows.map(
    ({ name }) =>
      `select '${name}' as name where exists (select from ${name} t, unnest($1::text[]) s where strpos(t::text, s) > 0)`,
  )
  const open = await deps.db.pool.query<{ name: string }>(each.join(' union all '), [secrets])
  for (const { name } of open.rows) broken.push({ oracle: 'O5', says: `a secret stands open in the table ${name}` })
  return broken
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, '(secret)'), text)
}

// ── O6 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Only what waits behind something that was parked, or given up, by name may still wait. */
async function ofQueue({ deps, networkId, books, mostAttempts = usualMostAttempts }: Observed): Promise<Broken[]> {
  const organisations = books.map((one) => one.organisationId)
  const open = await deps.db.pool.query<{ reference: string; kind: string; state: string }>(
    `with recursive stuck as (
       select id from delivery where network_id = $1 and organisation_id = any ($2::uuid[]) and state in ('parked', 'dropped', 'undone')
       union select d.id from delivery d join stuck on stuck.id = any (d.depends_on) where d.network_id = $1)
     select reference, kind, state from delivery d where network_id = $1 and organisation_id = any ($2::uuid[])
        and state in ('waiting', 'sending') and d.id not in (select id from stuck)`,
    [networkId, organisations],
  )
  const nameless = await deps.db.pool.query<{ reference: string }>(
    `select reference from delivery where network_id = $1 and organisation_id = any ($2::uuid[]) and state = 'parked' and parked_cause is null`,
    [networkId, organisations],
  )
  const loops = await deps.db.pool.query<{ reference: string; attempts: number }>(
    'select reference, attempts from delivery where network_id = $1 and organisation_id = any ($2::uuid[]) and attempts > $3',
    [networkId, organisations, mostAttempts],
  )
  return [
    ...open.rows.map((row) => `${row.kind} ${row.reference} is still ${row.state}`),
    ...nameless.rows.map((row) => `${row.reference} is parked without a cause`),
    ...loops.rows.map((row) => `${row.reference} took ${row.attempts} tries`),
  ].map((says) => ({ oracle: 'O6' as const, says }))
}

// ── O2, O3, O4 ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Promised = {
  id: Uuid
  reference: string
  kind: string
  state: string
  receiptId: string | null
  totalMinor: string | null
  linkedId: string | null
}

async function ofBook(observed: Observed, book: ObservedBook): Promise<Broken[]> {
  const { deps, networkId } = observed
  const connection = await inTransaction(deps.db, asWorker, (tx) =>
    tx.connection.findFirst({
      where: { organisationId: book.organisationId, state: 'live' },
      select: { id: true },
    }),
  )
  if (!connection) return [{ oracle: 'O6', says: `${book.name}: its connection is not live` }]
  const { rows: promises } = await deps.db.pool.query<Promised>(
    `select id, reference, kind, state, receipt ->> 'id' as "receiptId", document ->> 'linkedId' as "linkedId",
            coalesce(document ->> 'totalMinor', document ->> 'amountMinor') as "totalMinor"
       from delivery where network_id = $1 and organisation_id = $2`,
    [networkId, book.organisationId],
  )
  const read = new Map<string, BookDocument>()
  const run = await reconcileBook(overheard(deps, read), {
    networkId,
    organisationId: book.organisationId,
    actor: 'quits',
  })
  const documents = [...read.values()]
  const { rows: lines } = await deps.db.pool.query<Line>(
    `select verdict, delivery_id as "deliveryId", reference, ledger_minor - book_minor as "differsMinor"
       from reconciliation_line where network_id = $1 and reconciliation_id = $2`,
    [networkId, run.id],
  )
  const told: Told = { book, documents, promises, lines, isTouched: observed.isTouched ?? false }
  return [...ofDocuments(told), ...ofStrangers(told), ...(await ofBalance(observed, told, run))]
}

type Line = { verdict: string; deliveryId: Uuid | null; reference: string | null; differsMinor: string }
type Told = { book: ObservedBook; documents: BookDocument[]; promises: Promised[]; lines: Line[]; isTouched: boolean }

/** Whatever is read of a book on the way, judged here by its own rules: one reading of the whole book serves both. */
function overheard(deps: OutboxDeps, read: Map<string, BookDocument>): OutboxDeps {
  const listening = (connector: BookConnector): BookConnector => ({
    ...connector,
    async *changes(grant, since) {
      for await (const page of connector.changes(grant, since)) {
        for (const document of page.documents) read.set(`${document.kind}:${document.id}`, document)
        yield page
      }
    },
  })
  const connectors = Object.entries(deps.connectors).map(([kind, one]) => [kind, listening(one)])
  return { ...deps, connectors: Object.fromEntries(connectors) }
}

const isStanding = ({ status }: BookDocument) => status !== 'voided' && status !== 'deleted'

/** What is said to be in the book is there, as promised; or the page of differences says so. */
function ofDocuments({ book, documents, promises, lines, isTouched }: Told): Broken[] {
  const listed = new Set(lines.filter((line) => line.verdict !== 'match').map((line) => line.deliveryId))
  return promises.flatMap((promise): Broken[] => {
    if (promise.state !== 'delivered' || promise.kind === 'contact' || promise.kind === 'allocation') return []
    const broken = (says: string): Broken[] =>
      isTouched && listed.has(promise.id)
        ? []
        : [{ oracle: 'O2', says: `${book.name}: ${promise.kind} ${promise.reference} ${says}` }]
    const standing = documents.filter(isStanding)
    const document =
      standing.find((one) => one.id === promise.receiptId) ??
      // Who changes a paid invoice by hand takes its payment off and enters it anew.
      (isTouched
        ? standing.find(({ kind, reference }) => kind === promise.kind && reference === promise.reference)
        : undefined)
    if (!document) return broken('is not there')
    if (promise.linkedId === null && document.reference !== promise.reference)
      return broken('does not bear its reference')
    if (promise.totalMinor !== null && document.totalMinor !== BigInt(promise.totalMinor))
      return broken(`is of ${document.totalMinor}, promised ${promise.totalMinor}`)
    return []
  })
}

/** Every document that bears a mark of ours was promised, and stands once. */
function ofStrangers({ book, documents, promises }: Told): Broken[] {
  const promised = new Set(promises.map((one) => one.reference))
  const kinds = new Map<string, BookDocument[]>()
  for (const document of documents) {
    const { reference } = document
    if (reference === null || !isStanding(document)) continue
    kinds.set(`${document.kind} ${reference}`, [...(kinds.get(`${document.kind} ${reference}`) ?? []), document])
  }
  return [...kinds].flatMap(([name, standing]): Broken[] => {
    const [first] = standing
    if (!first || first.reference === null) return []
    if (!promised.has(first.reference))
      return isMarker(first) ? [{ oracle: 'O3', says: `${book.name}: nobody promised ${name}` }] : []
    return standing.length > 1 ? [{ oracle: 'O3', says: `${book.name}: ${name} stands ${standing.length} times` }] : []
  })
}

async function ofBalance(
  { deps, networkId }: Observed,
  { book, lines, isTouched }: Told,
  run: { driftMinor: bigint | null; bookMinor: bigint | null; discrepancies: number | null },
): Promise<Broken[]> {
  const { rows } = await deps.db.pool.query<{ balance: string }>(
    `select coalesce(sum(e.amount_minor), 0) as balance from member m
       left join entry e on e.network_id = m.network_id and e.account_id = m.account_id
      where m.network_id = $1 and m.organisation_id = $2`,
    [networkId, book.organisationId],
  )
  const bookMinor = book.creditMinor?.() ?? run.bookMinor ?? 0n
  const driftMinor = BigInt(rows[0]?.balance ?? 0) - bookMinor
  const broken = (says: string): Broken => ({ oracle: 'O4', says: `${book.name}: ${says}` })
  const found: Broken[] = []
  if (run.driftMinor !== driftMinor) found.push(broken(`drift is said to be ${run.driftMinor} and is ${driftMinor}`))
  const listedMinor = lines.reduce((sum, line) => sum + (line.verdict === 'match' ? 0n : BigInt(line.differsMinor)), 0n)
  if (listedMinor !== driftMinor) found.push(broken(`drift is ${driftMinor}, differences of ${listedMinor} are listed`))
  if (!isTouched)
    for (const line of lines.filter((one) => one.verdict !== 'match'))
      found.push(broken(`${line.verdict} ${line.reference ?? ''}`))
  return found
}
