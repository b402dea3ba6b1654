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
import { dateOf, dayOf, isDay } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, withConnection } from '../kit/db.ts'
import { idFromText, idOfCause, newId, type Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { largestAmountMinor, showAmount } from '../kit/money.ts'
import { amountIn, type CsvRow, readCsv } from '../kit/read-csv.ts'
import { Refusal } from '../kit/refusal.ts'
import { refusalOf } from '../ledger/post.ts'
import type { ImportAsk, Imported } from '../networks/import-members.ts'
import { type Member, membersOf } from '../networks/member.ts'
import { type Network, networkOf } from '../networks/network.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { currentTerms, type Terms } from '../networks/terms.ts'
import { longestDescription } from './price.ts'
import { proposalOf } from './proposal.ts'
import type { AcceptanceAsk, AcceptanceVerdict } from './record-trade.ts'

export const tradeColumns = {
  needed: ['day', 'seller', 'buyer', 'amount'],
  optional: ['description', 'reference'],
} as const

export type TradesImported = Imported & {
  /** Of every member that the file names, as this run leaves them, or as a real run would. By name. */
  closing: { memberId: Uuid; name: string; balanceMinor: bigint }[]
}

type Deps = { db: Db; clock: Clock }
type Sale = {
  row: CsvRow
  id: Uuid
  seller: Member
  buyer: Member
  amountMinor: bigint
  description: string
  reference: string | null
}
type Judged = { sale: Sale } | { line: number; why: string }
/** The members that the file names, by their accounts. */
type Named = Map<Uuid, Member>
type Around = { network: Network; terms: Terms; membersBy: Map<string, Member[]> }

/** Rows of one call and, in a real run, of one commit. */
const rowsAtOnce = 250
const idsAtOnce = 5_000
/** Far more members than any network has. */
const mostMembers = 100_000
const longestReference = 100
const usualDescription = 'Carried over'

class Undone extends Error {}

export async function importTrades(deps: Deps, ask: ImportAsk): Promise<TradesImported> {
  const { rows, refusal } = readCsv(ask.text, tradeColumns)
  const result: TradesImported = {
    dryRun: ask.dryRun,
    rows: rows.length,
    done: 0,
    known: 0,
    totalMinor: 0n,
    refusals: [],
    stoppedAtLine: null,
    closing: [],
  }
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

/** A member is named by its id, its invoice prefix or its exact name; a name may be borne by several. */
function byEveryName(members: Member[]): Map<string, Member[]> {
  const found = new Map<string, Member[]>()
  for (const member of members)
    for (const name of new Set([member.id, member.invoicePrefix, member.organisation.name]))
      found.set(name, [...(found.get(name) ?? []), member])
  return found
}

/** All that a row alone can be refused for. Pure. */
function judge({ network, membersBy }: Around, ask: ImportAsk, row: CsvRow): Judged {
  const get = (name: string) => row.fields[name] ?? ''
  const no = (why: string) => ({ line: row.line, why })
  if (!isDay(get('day'))) return no(`"${get('day')}" is no day of the calendar; write it as YYYY-MM-DD.`)
  const parties: Member[] = []
  for (const side of ['seller', 'buyer'] as const) {
    const name = get(side)
    const named = membersBy.get(idFromText('member', name) ?? name) ?? []
    if (name === '') return no(`The ${side} is missing.`)
    if (named.length === 0) return no(`No member has the id, invoice prefix or exact name "${name}" (${side}).`)
    if (named.length > 1) return no(`${named.length} members answer to "${name}" (${side}); name it by its id.`)
    parties.push(...named)
  }
  const [seller, buyer] = parties
  invariant(seller && buyer, 'a row lost a side')
  if (seller.id === buyer.id) return no('Seller and buyer are the same member.')
  const amount = amountIn(get('amount'), network.scale)
  if ('why' in amount) return no(amount.why)
  if (amount.minor <= 0n) return no(`The amount ${get('amount')} must be above zero; a sale back is a row of its own.`)
  if (amount.minor > largestAmountMinor) {
    const most = showAmount(largestAmountMinor, network.currency, network.scale)
    return no(`The amount ${get('amount')} is larger than a trade can be (${most}).`)
  }
  const description = get('description') || usualDescription
  if (description.length > longestDescription)
    return no(`The description is longer than ${longestDescription} characters.`)
  if (get('reference').length > longestReference)
    return no(`The reference is longer than ${longestReference} characters.`)
  const id = idOfCause('import', ask.networkId, ask.fileName, String(row.line))
  const sale = { row, id, seller, buyer, amountMinor: amount.minor, description, reference: get('reference') || null }
  return { sale }
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

const compared = {
  id: true,
  sellerMemberId: true,
  buyerMemberId: true,
  creditMinor: true,
  tradedOn: true,
  description: true,
  buyerReference: true,
} as const
type Standing = {
  id: Uuid
  sellerMemberId: Uuid
  buyerMemberId: Uuid
  creditMinor: bigint
  tradedOn: Date
  description: string
  buyerReference: string | null
}

function isSame(sale: Sale, stands: Standing): boolean {
  return (
    sale.seller.id === stands.sellerMemberId &&
    sale.buyer.id === stands.buyerMemberId &&
    sale.amountMinor === stands.creditMinor &&
    dateOf(sale.row.fields.day ?? '').getTime() === stands.tradedOn.getTime() &&
    sale.description === stands.description &&
    sale.reference === stands.buyerReference
  )
}

function otherContent({ network, membersBy }: Around, stands: Standing): string {
  const name = (id: Uuid) => membersBy.get(id)?.[0]?.organisation.name ?? id
  const amount = showAmount(stands.creditMinor, network.currency, network.scale)
  const was = `${dayOf(stands.tradedOn)}, ${name(stands.sellerMemberId)} to ${name(stands.buyerMemberId)}, ${amount}`
  return `This line of this file was imported before with other content (${was}). What stands stays: put this line back as it was, and new rows after it; a mistake is reversed as a trade.`
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
  await recordRun(deps, ask, result)
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

function whyRefused(error: unknown): string {
  if (error instanceof Refusal) return `${error.says} ${error.fix}`
  throw error
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

function salesOf(judged: Judged[]): Sale[] {
  return judged.flatMap((one) => ('sale' in one ? [one.sale] : []))
}

function writerOf(ask: ImportAsk) {
  return { role: 'writer', network: ask.networkId } as const
}

async function recordRun(deps: Deps, ask: ImportAsk, result: Imported): Promise<void> {
  await inTransaction(deps.db, asWorker, async (tx) => {
    const ranAt = deps.clock.now()
    const stopped = result.refusals[0]
    await tx.importRun.create({
      data: {
        networkId: ask.networkId,
        id: newId(ranAt),
        what: 'trades',
        fileName: ask.fileName,
        rowsDone: result.done,
        totalMinor: result.totalMinor,
        stoppedAtLine: stopped?.line ?? null,
        stoppedBecause: stopped?.why ?? null,
        ranBy: ask.actor,
        ranAt,
      },
    })
    const facts = { fileName: ask.fileName, done: result.done, totalMinor: result.totalMinor.toString() }
    await recordDeed(tx, deps.clock, { networkId: ask.networkId, actor: ask.actor, what: 'trades_imported', facts })
  })
}
