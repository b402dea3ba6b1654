import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../src/kit/db.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

/** As someone with the keys to the database might: past the triggers, in one session. */
async function tamper(ledger: SmallLedger, change: string): Promise<string[]> {
  const client = await db.pool.connect()
  try {
    await client.query("set session_replication_role = 'replica'")
    await client.query(change.replaceAll('$network', `'${ledger.networkId}'`))
    await client.query("set session_replication_role = 'origin'")
  } finally {
    client.release()
  }
  return ledger.brokenTruths()
}

async function twoSales(): Promise<SmallLedger> {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -1000n }, mill: {} })
  await ledger.sale('a', 'bakery', 'mill', 10n)
  await ledger.sale('b', 'bakery', 'mill', 20n)
  await ledger.sale('h', 'bakery', 'mill', 5n, { kind: 'hold' })
  expect(await ledger.brokenTruths()).toEqual([])
  return ledger
}

const tamperings: [string, string, string[]][] = [
  [
    'a balance typed over',
    "update account set balance_minor = balance_minor + 1 where network_id = $network and kind = 'fees'",
    ['sums_to_zero', 'balance_is_sum_of_entries'],
  ],
  [
    'an amount raised on all sides',
    'update transfer set amount_minor = amount_minor + 1 where network_id = $network and number = 1',
    ['two_entries_a_transfer', 'chain_is_whole'],
  ],
  [
    'a cause renamed',
    'update transfer set cause_id = posting_id where network_id = $network and number = 2',
    ['chain_is_whole'],
  ],
  [
    'an entry taken out',
    'delete from entry where network_id = $network and version = 1 and amount_minor < 0',
    ['balance_is_sum_of_entries', 'entries_are_linked', 'two_entries_a_transfer'],
  ],
  [
    'a transfer taken out',
    "delete from transfer where network_id = $network and kind = 'hold'",
    ['held_is_what_holds_hold', 'numbers_without_gaps', 'chain_is_whole'],
  ],
  [
    'an amount moved that nobody had',
    'update entry set after_minor = after_minor + 1 where network_id = $network and version = 1 and amount_minor > 0',
    ['entries_are_linked', 'rows_are_well_formed'],
  ],
  [
    'a sale that names a hold it does not end',
    'update transfer set hold_id = id where network_id = $network and number = 1',
    ['rows_are_well_formed', 'references_exist', 'chain_is_whole'],
  ],
  [
    'a hold forgotten on the account',
    'update account set held_out_minor = 0 where network_id = $network',
    ['held_is_what_holds_hold'],
  ],
  [
    'a restricted account below zero',
    'update account set never_below_zero = true where network_id = $network and balance_minor < 0',
    ['legal_floor_stands'],
  ],
  [
    'a limit that was passed',
    'update account set floor_minor = -25 where network_id = $network and balance_minor < 0',
    ['no_posting_crossed_a_limit'],
  ],
  [
    'a day moved back',
    "update transfer set booked_on = '2026-01-01' where network_id = $network and number = 2",
    ['days_run_forwards', 'chain_is_whole'],
  ],
  [
    'an account that never was',
    "update transfer set debit_account_id = '00000000-0000-4000-8000-000000000000' where network_id = $network and number = 1",
    ['two_entries_a_transfer', 'references_exist', 'chain_is_whole'],
  ],
  ['the head rewritten', "update ledger_head set hash = '\\x00' where network_id = $network", ['chain_is_whole']],
]

test.each(tamperings)('%s is found and named', async (_what, change, broken) => {
  expect(await tamper(await twoSales(), change)).toEqual(broken)
})

test('the ledger’s rows cannot be changed or taken away by those who work on it', async () => {
  const ledger = await twoSales()
  for (const text of [
    'update transfer set amount_minor = 1',
    'delete from entry',
    'truncate transfer',
    'delete from account',
  ])
    await expect(db.pool.query(text)).rejects.toMatchObject({ code: 'QA001' })
  expect(await ledger.brokenTruths()).toEqual([])
})
