/**
 * Trades of the past from a CSV file, in order of their days: what a network has already, carried over.
 *
 * Columns: day, seller, buyer, amount, and optionally description, reference. The amount is the part in credits, in units
 * with a decimal point; seller and buyer by a member's id, invoice prefix or exact name. Ledger only: no fee, no document.
 * Keeps: ids follow from file name and line, so twice is once; the real run stops before the first line that is refused, and
 * goes on from there when the file is mended. accept_trades() is the judge of a dry run too, which is undone at its end.
 */
import type pg from 'pg'
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, withConnection } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { readCsv } from '../kit/read-csv.ts'
import { refusalOf } from '../ledger/post.ts'
import { type ImportAsk, type Imported, nothingYet, recordRun, whyRefused } from '../networks/import-run.ts'
import { type Member, membersOf } from '../networks/member.ts'
import { networkOf } from '../networks/network.ts'
import { currentTerms } from '../networks/terms.ts'
import {
  type Around,
  byEveryName,
  compared,
  isSame,
  type Judged,
  judge,
  otherContent,
  type Sale,
  type Standing,
  salesOf,
  tradeColumns,
} from './judge-rows.ts'
import { proposalOf } from './proposal.ts'
import type { AcceptanceAsk, AcceptanceVerdict } from './record-trade.ts'

export type TradesImported = Imported & {
  /** Of every member that the file names, as this run leaves them, or as a real run would. By name. */
  closing: { memberId: Uuid; name: string; balanceMinor: bigint }[]
}

type Deps = { db: Db; clock: Clock }
/** The members that the file names, by their accounts. */
type Named = Map<Uuid, Member>

/** Rows of one call and, in a real run, of one commit. */
const rowsAtOnce = 250
const idsAtOnce = 5_000
/** Far more members than any network has. */
const mostMembers = 100_000

class Undone extends Error {}

export async function importTrades(deps: Deps, ask: ImportAsk): Promise<TradesImported> {
  const { rows, refusal } = readCsv(ask.text, tradeColumns)
  const result: TradesImported = { ...nothingYet(ask.dryRun, rows.length), closing: [] }
  if (refusal) return { ...result, refusals: [refusal], stoppedAtLine: refusal.line }
  const around = await inTransaction(deps.db, asWorker, async (tx) => ({
    network: await networkOf(tx, ask.networkId),
    terms: await currentTerms(tx, ask.networkId),
    membersBy: byEveryName(await membersOf(tx, ask.networkId, { limit: mostMembers })),
  }))
  const judged = rows.map((row) => judge(around, ask, row))
  const fresh = await withoutKnown(deps, around, judged, result)
  const named = accountsNamed(judged)
  if (ask.dryRun) await tryAll(deps, ask, around, fresh, named, result)
  else await makeInTurn(deps, ask, around, fresh, named, result)
  result.refusals.sort((one, other) => one.line - other.line)
  return result
}

/** Leaves out what an earlier run of the same file has made; a line that stands with other content is refused. */
async function withoutKnown(deps: Deps, around: Around, judged: Judged[], result: Imported): Promise<Judged[]> {
  const ids = judged.flatMap((one) => ('sale' in one ? [one.sale.id] : []))
  const standing = new Map<Uuid, Standing>()
  for (let from = 0; from < ids.length; from += idsAtOnce) {
    const where = { networkId: around.network.id, id: { in: ids.slice(from, from + idsAtOnce) } }
    const rows = await inTransaction(deps.db, asWorker, (tx) => tx.trade.findMany({ where, select: compared }))
    for (const row of rows) standing.set(row.id, row)
  }
  const fresh: Judged[] = []
  for (const one of judged) {
    const stands = 'sale' in one ? standing.get(one.sale.id) : undefined
    if (!('sale' in one) || !stands) fresh.push(one)
    else if (isSame(one.sale, stands)) result.known += 1
    else fresh.push({ line: one.sale.row.line, why: otherContent(around, stands) })
  }
  return fresh
}

/** Chunk by chunk, each its own commit; a chunk with a refused row is undone and done again up to that row. */
async function makeInTurn(
  deps: Deps,
  ask: ImportAsk,
  around: Around,
  fresh: Judged[],
  named: Named,
  result: TradesImported,
): Promise<void> {
  const stopped = fresh.find((one) => !('sale' in one))
  const sales = salesOf(stopped ? fresh.slice(0, fresh.indexOf(stopped)) : fresh)
  if (stopped && 'why' in stopped) result.refusals.push(stopped)
  for (let from = 0; from < sales.length; from += rowsAtOnce) {
    const chunk = sales.slice(from, from + rowsAtOnce)
    const refused = await writeWhole(deps, ask, around, chunk, result)
    if (refused) {
      result.refusals = [refused.refusal]
      const again = await writeWhole(deps, ask, around, chunk.slice(0, refused.place), result)
      if (again) result.refusals = [again.refusal]
      break
    }
    ask.progress?.(result.known + result.done, result.rows)
  }
  result.stoppedAtLine = result.refusals[0]?.line ?? null
  await recordRun(deps, ask, 'trades', result)
  result.closing = await withConnection(deps.db.writer, writerOf(ask), (client) => closingOf(client, ask, named))
}

/** All of these, or none and the first that was refused. */
async function writeWhole(
  deps: Deps,
  ask: ImportAsk,
  around: Around,
  sales: Sale[],
  result: Imported,
): Promise<{ place: number; refusal: { line: number; why: string } } | null> {
  if (sales.length === 0) return null
  let refused: { place: number; refusal: { line: number; why: string } } | null = null
  try {
    const verdicts = await withConnection(deps.db.writer, writerOf(ask), async (client) => {
      const asked = await accept(deps, client, ask, around, sales)
      const place = asked.findIndex((one) => 'why' in one)
      const first = asked[place]
      if (first && 'why' in first) {
        refused = { place, refusal: first }
        throw new Undone()
      }
      return asked
    })
    for (const [place, verdict] of verdicts.entries()) count(result, verdict, sales[place] as Sale)
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
  return refused
}

/** Every row in one transaction that is undone at its end; what is refused leaves its neighbours as they are. */
async function tryAll(
  deps: Deps,
  ask: ImportAsk,
  around: Around,
  fresh: Judged[],
  named: Named,
  result: TradesImported,
): Promise<void> {
  const sales = salesOf(fresh)
  for (const one of fresh) if ('why' in one) result.refusals.push(one)
  const work = withConnection(deps.db.writer, writerOf(ask), async (client) => {
    for (let from = 0; from < sales.length; from += rowsAtOnce) {
      const chunk = sales.slice(from, from + rowsAtOnce)
      const verdicts = await accept(deps, client, ask, around, chunk)
      for (const [place, verdict] of verdicts.entries()) {
        if ('why' in verdict) result.refusals.push(verdict)
        else count(result, verdict, chunk[place] as Sale)
      }
      ask.progress?.(result.known + result.done + result.refusals.length, result.rows)
    }
    result.closing = await closingOf(client, ask, named)
    throw new Undone()
  })
  await work.catch((error: unknown) => {
    if (!(error instanceof Undone)) throw error
  })
}

type Verdict = { replayed: boolean } | { line: number; why: string }

async function accept(
  { clock }: Deps,
  client: pg.PoolClient,
  ask: ImportAsk,
  around: Around,
  sales: Sale[],
): Promise<Verdict[]> {
  const asks: { place: number; ask: AcceptanceAsk }[] = []
  const verdicts: Verdict[] = new Array(sales.length)
  for (const [place, sale] of sales.entries()) {
    try {
      asks.push({ place, ask: acceptanceOf(around, ask, sale, clock.now()) })
    } catch (error) {
      verdicts[place] = { line: sale.row.line, why: whyRefused(error) }
    }
  }
  const { rows } = await client.query<{ verdicts: AcceptanceVerdict[] }>({
    name: 'accept_trades',
    text: 'select accept_trades($1, $2::jsonb) as verdicts',
    values: [ask.networkId, JSON.stringify(asks.map((one) => one.ask))],
  })
  const answered = rows[0]?.verdicts ?? []
  invariant(answered.length === asks.length, 'accept_trades answered another number of verdicts')
  for (const [at, { place }] of asks.entries()) {
    const verdict = answered[at] as AcceptanceVerdict
    const { row } = sales[place] as Sale
    const facts = { currency: around.network.currency }
    verdicts[place] = verdict.ok
      ? { replayed: verdict.replayed }
      : { line: row.line, why: whyRefused(refusalOf({ ...verdict, facts: { ...verdict.facts, ...facts } })) }
  }
  return verdicts
}

function acceptanceOf({ network, terms }: Around, ask: ImportAsk, sale: Sale, at: Date): AcceptanceAsk {
  const day = sale.row.fields.day ?? ''
  const { amountMinor, description } = sale
  const proposal = proposalOf(
    { network, terms, seller: sale.seller, buyer: sale.buyer },
    {
      networkId: network.id,
      id: sale.id,
      actor: ask.actor,
      proposedBy: 'seller',
      sellerMemberId: sale.seller.id,
      buyerMemberId: sale.buyer.id,
      currency: network.currency,
      lines: [{ description, netMinor: amountMinor, treatment: 'outside' }],
      part: { creditMinor: amountMinor },
      description,
      tradedOn: day,
      dueOn: day,
      buyerReference: sale.reference,
      source: 'import',
      ledgerOnly: true,
    },
    at,
  )
  return {
    networkId: network.id,
    tradeId: sale.id,
    actor: ask.actor,
    side: 'import',
    confirmTreatment: true,
    bookedOn: day,
    proposal,
  }
}

function count(result: Imported, verdict: Verdict, sale: Sale): void {
  if ('replayed' in verdict && verdict.replayed) result.known += 1
  else {
    result.done += 1
    result.totalMinor += sale.amountMinor
  }
}

async function closingOf(client: pg.PoolClient, ask: ImportAsk, named: Named): Promise<TradesImported['closing']> {
  const { rows } = await client.query<{ id: Uuid; balance: string }>(
    'select id, balance_minor as balance from account where network_id = $1 and id = any ($2)',
    [ask.networkId, [...named.keys()]],
  )
  return rows
    .flatMap(({ id, balance }) => {
      const member = named.get(id)
      return member ? [{ memberId: member.id, name: member.organisation.name, balanceMinor: BigInt(balance) }] : []
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

function accountsNamed(judged: Judged[]): Named {
  const named: Named = new Map()
  for (const { seller, buyer } of salesOf(judged)) named.set(seller.accountId, seller).set(buyer.accountId, buyer)
  return named
}

function writerOf(ask: ImportAsk) {
  return { role: 'writer', network: ask.networkId } as const
}
