/** What was measured is also right, whoever wrote it: proven before a figure is told. */
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { audit, truths } from '../../src/ledger/audit.ts'
import { isSame, nextHash } from '../../src/ledger/chain.ts'

const patientMs = 3_600_000

/** Every truth of the audit, the whole chain among them. */
export async function proveLedgers(url: string, networks: readonly Uuid[]): Promise<void> {
  await opened(url, async (db) => {
    for (const networkId of networks) {
      const found = await inTransaction(db, asWorker, (tx) => audit(tx, networkId), patientMs)
      const broken = found.truths.filter((truth) => !truth.holds)
      invariant(found.holds, `the ledger is not right: ${broken.map((truth) => truth.name).join(', ')}`)
    }
  })
}

/** For a large ledger in little time: each truth that reads it once, and the newest part of its chain up to the head. */
const cheapTruths = ['sums_to_zero', 'balance_is_sum_of_entries', 'numbers_without_gaps']
const newest = 20_000

export async function proveCheaply(url: string, networkId: Uuid): Promise<void> {
  await opened(url, async (db) => {
    const chosen = truths.filter((truth) => cheapTruths.includes(truth.name))
    invariant(chosen.length === cheapTruths.length, 'a truth of the audit has another name now')
    await inTransaction(
      db,
      asWorker,
      async (tx) => {
        for (const { name, offenders } of chosen) {
          const found = await tx.$queryRawUnsafe<unknown[]>(`select * from (${offenders}) o limit 1`, networkId)
          invariant(found.length === 0, `the ledger is not right: ${name}`)
        }
        const head = await tx.ledgerHead.findUniqueOrThrow({ where: { networkId } })
        const where = { networkId, number: { gte: head.number - BigInt(newest) } }
        const rows = await tx.transfer.findMany({ where, orderBy: { number: 'asc' } })
        let hash: Uint8Array = rows[0]?.hash ?? head.hash
        for (const row of rows.slice(1)) {
          hash = nextHash(hash, row)
          invariant(isSame(hash, row.hash), `the chain is broken at transfer number ${row.number}`)
        }
        invariant(isSame(hash, head.hash), 'the chain does not end at the head')
      },
      patientMs,
    )
  })
}

/** Each trade that was told yes is there once, accepted, with its invoice, bill, two payments, fee, deed and kept answer. */
export async function proveTrades(url: string, networkId: Uuid, acknowledged: number): Promise<void> {
  await opened(url, async ({ pool }) => {
    const { rows } = await pool.query<Record<string, string>>(
      `select count(*) as trades, count(*) filter (where t.state <> 'accepted') as "not accepted",
              count(*) filter (where d.papers is distinct from 4) as "without their four deliveries",
              count(*) filter (where d.fees is distinct from 1) as "without a fee delivered",
              count(*) filter (where f.transfers is distinct from 2) as "without two transfers"
         from trade t
         left join (select trade_id, count(*) filter (where kind in ('invoice', 'bill', 'payment')) as papers,
                           count(*) filter (where kind = 'money_spent') as fees
                      from delivery where network_id = $1 group by trade_id) d on d.trade_id = t.id
         left join (select cause_id, count(*) as transfers from transfer where network_id = $1 group by cause_id) f on f.cause_id = t.id
        where t.network_id = $1`,
      [networkId],
    )
    const { trades, ...wrong } = rows[0] ?? {}
    invariant(Number(trades) === acknowledged, `${acknowledged} trades were told yes, ${trades} are there`)
    for (const [what, count] of Object.entries(wrong)) invariant(Number(count) === 0, `${count} trades are ${what}`)
    await equals(
      pool,
      acknowledged,
      'deeds',
      "select count(*) from deed where network_id = $1 and what = 'trade_accepted'",
      [networkId],
    )
    await equals(pool, acknowledged, 'kept answers', 'select count(*) from answer where status < 300', [])
  })
  await proveLedgers(url, [networkId])
}

async function equals(pool: Db['pool'], wanted: number, what: string, text: string, values: Uuid[]): Promise<void> {
  const { rows } = await pool.query<{ count: string }>(text, values)
  invariant(
    Number(rows[0]?.count) === wanted,
    `${wanted} trades were told yes, and there are ${rows[0]?.count} ${what}`,
  )
}

async function opened(url: string, work: (db: Db) => Promise<void>): Promise<void> {
  const db = openDb(url)
  try {
    await work(db)
  } finally {
    await db.close()
  }
}
