/**
 * A ledger with a past, written by COPY: transfers with their chain, entries with running balances and versions, accounts and
 * head as ledger_post() would have left them. Indexes and triggers stay in force; nobody's rights are widened for it but that
 * the login which made the tables writes them.
 */
import pg from 'pg'
import { instantOf } from '../../src/kit/clock.ts'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'
import { firstHash } from '../../src/ledger/account.ts'
import { type ChainedTransfer, nextHash } from '../../src/ledger/chain.ts'
import { copyIn } from './copy-in.ts'
import { steadyDice } from './measure.ts'

const transferColumns = [
  'network_id',
  'id',
  'number',
  'posting_id',
  'kind',
  'debit_account_id',
  'credit_account_id',
  'amount_minor',
  'cause_kind',
  'cause_id',
  'booked_on',
  'recorded_at',
  'hash',
] as const
const entryColumns = [
  'network_id',
  'account_id',
  'version',
  'transfer_id',
  'number',
  'amount_minor',
  'before_minor',
  'after_minor',
  'booked_on',
] as const
/** One commit, and what we hold in memory at once. */
const transfersInACopy = 20_000
/** Three years of business, over the day before yesterday at the latest. */
const pastDays = 1_095
const dayMs = 86_400_000
const largestMinor = 50_000

/** A network whose ledger is empty and whose accounts are there gets so many transfers between them. */
export async function fillLedger(
  url: string,
  networkId: Uuid,
  accounts: readonly Uuid[],
  transfers: number,
  say: (line: string) => void,
): Promise<void> {
  const clients = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })] as const
  const [forTransfers, forEntries] = clients
  await Promise.all(clients.map((client) => client.connect()))
  try {
    const { rows } = await forTransfers.query<{ now: Date }>('select quits_now() as now')
    const past = pastOf(networkId, accounts, transfers, (rows[0]?.now ?? instantOf(0)).getTime())
    let underWay: Promise<unknown> = Promise.resolve()
    for (let done = 0; done < transfers; done += transfersInACopy) {
      const page = past.page(Math.min(transfersInACopy, transfers - done))
      await underWay
      underWay = Promise.all([
        copyIn(forTransfers, 'transfer', transferColumns, page.transfers),
        copyIn(forEntries, 'entry', entryColumns, page.entries),
      ])
      // Told of when it is awaited; without this line a refusal in between would end the program.
      underWay.catch(() => undefined)
      if (done > 0 && done % (transfersInACopy * 10) === 0) say(`  ${done * 2} of ${transfers * 2} entries`)
    }
    await underWay
    const { ids, balances, versions, number, hash, bookedOn, recordedAt } = past.end()
    await forTransfers.query('begin')
    await forTransfers.query(
      `update account a set balance_minor = s.balance, version = s.version
         from unnest($2::uuid[], $3::bigint[], $4::bigint[]) s(id, balance, version)
        where a.network_id = $1 and a.id = s.id`,
      [networkId, ids, balances, versions],
    )
    await forTransfers.query(
      'update ledger_head set number = $2, hash = $3, booked_on = $4, recorded_at = $5 where network_id = $1',
      [networkId, number, Buffer.from(hash), bookedOn, recordedAt],
    )
    await forTransfers.query('commit')
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

type Account = { id: Uuid; balance: bigint; version: bigint }

/** The past from its first day on, page by page. */
function pastOf(networkId: Uuid, ids: readonly Uuid[], transfers: number, now: number) {
  const accounts = ids.map((id): Account => ({ id, balance: 0n, version: 0n }))
  const dice = steadyDice(3)
  const beganAt = now - (pastDays + 2) * dayMs
  const stepMs = (pastDays * dayMs) / Math.max(transfers, 1)
  let hash: Uint8Array = firstHash(networkId)
  let written = 0
  let recordedAt = instantOf(beganAt)
  let day = recordedAt.toISOString().slice(0, 10)

  function oneMore(): { transfer: string; entries: string } {
    const place = dice(accounts.length)
    const debit = accounts[place] as Account
    const credit = accounts[(place + 1 + dice(accounts.length - 1)) % accounts.length] as Account
    const amountMinor = BigInt(1 + dice(largestMinor))
    recordedAt = instantOf(Math.floor(beganAt + written * stepMs))
    written += 1
    const number = BigInt(written)
    day = recordedAt.toISOString().slice(0, 10)
    const id = idOfCause('past', networkId, String(written))
    const postingId = idOfCause('past posting', networkId, String(written))
    const transfer: ChainedTransfer = {
      networkId,
      id,
      number,
      postingId,
      kind: 'trade',
      debitAccountId: debit.id,
      creditAccountId: credit.id,
      amountMinor,
      causeKind: 'bench',
      causeId: postingId,
      reversesId: null,
      holdId: null,
      holdExpiresAt: null,
      holdPromised: false,
      bookedOn: recordedAt,
      recordedAt,
      hash,
    }
    hash = nextHash(hash, transfer)
    const entry = (account: Account, amount: bigint) => {
      const before = account.balance
      account.balance += amount
      account.version += 1n
      return `${networkId},${account.id},${account.version},${id},${number},${amount},${before},${account.balance},${day}\n`
    }
    return {
      transfer: `${networkId},${id},${number},${postingId},trade,${debit.id},${credit.id},${amountMinor},bench,${postingId},${day},${recordedAt.toISOString()},\\x${Buffer.from(hash).toString('hex')}\n`,
      entries: entry(debit, -amountMinor) + entry(credit, amountMinor),
    }
  }

  return {
    page(size: number): { transfers: string; entries: string } {
      const rows = Array.from({ length: size }, oneMore)
      return { transfers: rows.map((row) => row.transfer).join(''), entries: rows.map((row) => row.entries).join('') }
    },
    end: () => ({
      ids,
      balances: accounts.map((account) => account.balance.toString()),
      versions: accounts.map((account) => account.version.toString()),
      number: String(written),
      hash,
      bookedOn: day,
      recordedAt,
    }),
  }
}
