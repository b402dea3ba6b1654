/** Holds are found among a hundred thousand transfers without reading those: rows are counted, never time. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction, type Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { dueHolds, holdOf, openHolds } from '../../src/ledger/hold.ts'
import { databaseWithClock, firstInstant, smallLedger } from './small-ledger.ts'

const transfers = 100_000
const holds = 500
/** Every other one has run out by now; every tenth is still open. */
const openOnes = holds / 10

let db: Db
let networkId: Uuid
let end: () => Promise<void>
beforeAll(async () => {
  const ground = await databaseWithClock()
  end = ground.end
  db = ground.db
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  networkId = ledger.networkId
  const id = (kind: number) => `('00000000-0000-7000-800${kind}-' || lpad(to_hex(n), 12, '0'))::uuid`
  const [network, debit, credit] = [networkId, ledger.account('bakery'), ledger.account('mill')].map(
    (one) => `'${one}'::uuid`,
  )
  const at = `timestamptz '${firstInstant.toISOString()}'`
  await db.pool.query(`
    insert into transfer (network_id, id, number, posting_id, kind, debit_account_id, credit_account_id, amount_minor, cause_kind, cause_id,
        hold_id, hold_expires_at, booked_on, recorded_at, hash)
      select ${network}, ${id(3)}, n, ${id(4)}, case part when 1 then 'hold' when 2 then 'hold_release' else 'trade' end, ${debit}, ${credit},
             case part when 2 then 0 else 100 end, 'request', ${id(5)},
             case part when 2 then ('00000000-0000-7000-8003-' || lpad(to_hex(n - 1), 12, '0'))::uuid end,
             case part when 1 then ${at} + (case n / 200 % 2 when 0 then -1 else 1 end) * interval '1 hour' end, ${at}::date, ${at}, ''
        from generate_series(1, ${transfers} + 1) n,
             lateral (select case when n % 200 = 0 then 1 when n % 200 = 1 and n > 1 and (n / 200) % 10 not in (1, 2) then 2 else 0 end as part) p`)
}, 60_000)
afterAll(() => end())

/** What was read of the table of transfers. */
async function readBy(reading: (tx: Tx) => Promise<{ length: number }>) {
  return inTransaction(db, asWorker, async (tx) => {
    const counted = () => tx.$queryRaw<{ whole: bigint; fetched: bigint }[]>`
      select seq_tup_read as whole, coalesce(idx_tup_fetch, 0) as fetched from pg_stat_xact_user_tables where relname = 'transfer'`
    const [before] = await counted()
    const found = (await reading(tx)).length
    const [after] = await counted()
    if (!before || !after) throw new Error('the table is not counted')
    return { found, whole: Number(after.whole - before.whole), fetched: Number(after.fetched - before.fetched) }
  })
}

test.each(['before the table was analysed', 'and after'])(
  'due and open holds are found through their own indexes, %s',
  async (when) => {
    if (when === 'and after') await db.pool.query('analyze transfer')
    const due = await readBy(dueHolds)
    expect(due.found).toBe(openOnes)
    const open = await readBy((tx) => openHolds(tx, networkId, 50))
    expect(open.found).toBe(50)
    const rest = await readBy((tx) => openHolds(tx, networkId, 50, { after: 60_000n }))
    const one = await readBy(async (tx) => [await holdOf(tx, networkId, '00000000-0000-7000-8003-0000000000c8')])
    for (const { whole, fetched } of [due, open, rest, one]) {
      expect(whole).toBe(0)
      // Each hold, and what ended it.
      expect(fetched).toBeLessThanOrEqual(2 * holds)
    }
    expect(one.fetched).toBeLessThanOrEqual(4)
  },
)
