/**
 * Exports a network's ledger, or one account of it, in a format that outlives this program.
 *
 * Keeps: read in one moment of the database, page by page in the order of the numbers, so that neither trades that go on nor
 * a long ledger matter. The balances in the file are the ledger's, or the file is never finished.
 */
import type pg from 'pg'
import { addDays, type Day, dayOf } from '../../kit/clock.ts'
import type { Db, Scope } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import { Refusal } from '../../kit/refusal.ts'
import { inSnapshot } from '../../kit/snapshot.ts'
import { firstHash } from '../account.ts'
import { beancount } from './beancount.ts'
import { csv } from './csv.ts'
import { hledger } from './hledger.ts'
import { jsonLines } from './json-lines.ts'
import { type Balance, type End, type ExportedAccount, type Format, isMove, type Part } from './part.ts'
import { accountsOf, lastNumberBefore, transfersAfter } from './read-part.ts'

export const exportFormats = { csv, jsonl: jsonLines, hledger, beancount } as const satisfies Record<string, Format>
export type ExportFormat = keyof typeof exportFormats
export const formatNames = Object.keys(exportFormats) as ExportFormat[]

export type ExportAsk = {
  networkId: Uuid
  /** Its transfers alone; null: everybody's. */
  accountId: Uuid | null
  from: Day | null
  to: Day | null
  format: ExportFormat
}
/** Takes whole lines, and is waited for. */
export type Sink = (lines: string) => Promise<void>

const rowsAPage = 1_000
/** Balances are stated again at a day's end once so many transfers have been told since. */
const transfersBetweenBalances = 200
const longestPiece = 64 * 1024

export async function exportLedger(
  db: Db,
  scope: Scope,
  ask: ExportAsk,
  sink: Sink,
  pageSize = rowsAPage,
): Promise<End> {
  return inSnapshot(db, scope, async (client) => {
    const accounts = await accountsOf(client, ask)
    const part = await partOf(client, ask, accounts)
    const poured = pouring(sink)
    const told = tellingOf(exportFormats[ask.format], part, accounts)
    await poured.take(told.begin())
    const last = ask.to === null ? part.head.number : await lastNumberBefore(client, ask.networkId, addDays(ask.to, 1))
    let after = part.before.number
    for (;;) {
      const page = await transfersAfter(client, { ...ask, after, last, limit: pageSize, accounts })
      for (const transfer of page) await poured.take(told.transfer(transfer))
      after = page.at(-1)?.number ?? after
      if (page.length < pageSize) break
    }
    const { end, lines } = told.end(last)
    await poured.take(lines)
    await poured.rest()
    return end
  })
}

async function partOf(client: pg.PoolClient, ask: ExportAsk, accounts: Map<Uuid, ExportedAccount>): Promise<Part> {
  const { networkId, accountId, from, to } = ask
  const { rows } = await client.query(
    `select n.id, n.slug, n.name, n.currency, n.scale, n.time_zone, h.number::text, encode(h.hash, 'hex') as hash,
            h.booked_on::text, h.recorded_at
       from network n join ledger_head h on h.network_id = n.id where n.id = $1`,
    [networkId],
  )
  const row = rows[0]
  if (!row) throw new Refusal('not_found', { thing: 'network' })
  const own = accountId === null ? null : accounts.get(accountId)
  if (own === undefined) throw new Refusal('account_unknown', { accountId })
  const number = from === null ? 0n : await lastNumberBefore(client, networkId, from)
  const edges = await client.query(
    `select number::text, encode(hash, 'hex') as hash, booked_on::text from transfer
      where network_id = $1 and number between $2::bigint and $2::bigint + 1`,
    [networkId, String(number)],
  )
  const at = (place: bigint) => edges.rows.find((one) => BigInt(one.number) === place)
  return {
    network: {
      ...{
        id: row.id,
        slug: row.slug,
        name: row.name,
        currency: row.currency,
        scale: row.scale,
        timeZone: row.time_zone,
      },
    },
    ...{ own, from, to },
    before: { number, hash: at(number)?.hash ?? Buffer.from(firstHash(networkId)).toString('hex') },
    head: { number: BigInt(row.number), hash: row.hash, bookedOn: row.booked_on, recordedAt: row.recorded_at },
    dayBefore: addDays(from ?? at(number + 1n)?.booked_on ?? row.booked_on ?? dayOf(row.recorded_at), -1),
  }
}

/** Tells the part in one format, and adds up on its own what it told. */
function tellingOf(format: Format, part: Part, accounts: Map<Uuid, ExportedAccount>) {
  const balances = new Map<ExportedAccount, bigint>()
  const moved = new Set<ExportedAccount>()
  let sinceBalances = 0
  let day = part.dayBefore
  const end: End = { transfers: 0n, last: part.before }
  // Of others than the account's own only what passed between the two is known.
  const isTrue = (account: ExportedAccount) => part.own === null || account === part.own
  const of = (some: Iterable<ExportedAccount>): Balance[] =>
    [...some].filter(isTrue).map((account) => ({ account, minor: balances.get(account) ?? 0n }))

  function* meet(account: ExportedAccount): Iterable<string> {
    if (balances.has(account)) return
    balances.set(account, isTrue(account) ? account.openingMinor : 0n)
    yield* format.account(account, part)
  }
  return {
    *begin(): Iterable<string> {
      yield* format.begin(part)
      for (const account of part.own ? [part.own] : accounts.values()) yield* meet(account)
      if (part.from) yield* format.opening(of(balances.keys()), part)
    },
    *transfer(transfer: Parameters<Format['transfer']>[0]): Iterable<string> {
      const { debit, credit, amountMinor, number, hash } = transfer
      if (transfer.bookedOn !== day && sinceBalances >= transfersBetweenBalances) {
        yield* format.balances(day, of(moved), part, false)
        moved.clear()
        sinceBalances = 0
      }
      day = transfer.bookedOn
      yield* meet(debit)
      yield* meet(credit)
      yield* format.transfer(transfer, part)
      if (isMove(transfer.kind)) {
        balances.set(debit, (balances.get(debit) ?? 0n) - amountMinor)
        balances.set(credit, (balances.get(credit) ?? 0n) + amountMinor)
        moved.add(debit).add(credit)
        sinceBalances += 1
      }
      end.transfers += 1n
      end.last = { number, hash }
    },
    end(last: bigint): { end: End; lines: Iterable<string> } {
      const all = of(balances.keys())
      for (const { account, minor } of all)
        invariant(
          minor === account.closingMinor,
          `account ${account.id}: told ${minor}, stands at ${account.closingMinor}`,
        )
      if (part.own === null)
        invariant(
          end.transfers === last - part.before.number && end.last.number === last,
          `told ${end.transfers} transfers up to ${end.last.number}, not up to ${last}`,
        )
      const lines = function* () {
        yield* format.balances(day, all, part, true)
        yield* format.end(end, part)
      }
      return { end, lines: lines() }
    },
  }
}

/** Gathers lines into pieces, so that neither a line is a call nor a file a text in memory. */
function pouring(sink: Sink) {
  let lines: string[] = []
  let length = 0
  const rest = async () => {
    if (length > 0) await sink(lines.join(''))
    lines = []
    length = 0
  }
  return {
    rest,
    async take(some: Iterable<string>): Promise<void> {
      for (const line of some) {
        lines.push(line)
        length += line.length
        if (length >= longestPiece && line.endsWith('\n')) await rest()
      }
    },
  }
}
