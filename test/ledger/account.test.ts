import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction, withConnection } from '../../src/kit/db.ts'
import { idOfCause, newId } from '../../src/kit/ids.ts'
import { accountOf, networkAccountId, openLedger } from '../../src/ledger/account.ts'
import { databaseWithClock, firstInstant, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

test('a new ledger has its own accounts and a head before all days', async () => {
  const ledger = await smallLedger(db, {})
  const { head } = await ledger.audit()
  expect(head).toMatchObject({ number: 0n, bookedOn: '1900-01-01' })
  const kinds = await inTransaction(db, asWorker, (tx) =>
    tx.account.findMany({ where: { networkId: ledger.networkId }, orderBy: { kind: 'asc' } }),
  )
  expect(kinds.map((account) => account.kind)).toEqual(['fees', 'settlement', 'sponsor', 'write_off_reserve'])
  expect(networkAccountId(ledger.networkId, 'fees')).toBe(idOfCause('account', ledger.networkId, 'fees'))
})

test('a time zone that is none is refused', async () => {
  const opening = inTransaction(db, asWorker, (tx) => openLedger(tx, newId(firstInstant), 'Mars/Olympus'))
  await expect(opening).rejects.toMatchObject({ code: 'terms_not_sound' })
})

test('an account of another network is not seen', async () => {
  const ledger = await smallLedger(db, { bakery: {} })
  const other = await smallLedger(db, {})
  const reading = inTransaction(db, { role: 'app', networks: [other.networkId], organisations: [] }, (tx) =>
    accountOf(tx, ledger.networkId, ledger.account('bakery')),
  )
  await expect(reading).rejects.toMatchObject({ code: 'account_unknown' })
})

test('neither pages nor workers may write a transfer, an entry or a balance', async () => {
  const ledger = await smallLedger(db, { bakery: {} })
  const app = { role: 'app', networks: [ledger.networkId], organisations: [] } as const
  for (const scope of [app, asWorker])
    for (const text of [
      'insert into transfer default values',
      'insert into entry default values',
      'update account set balance_minor = 1',
      'update ledger_head set number = 1',
    ])
      await expect(
        withConnection(db.pool, scope, (client) => client.query(text)),
        text,
      ).rejects.toMatchObject({ code: '42501' })
  await expect(
    withConnection(db.pool, app, (client) => client.query("select ledger_post($1, '[]')", [ledger.networkId])),
  ).rejects.toMatchObject({ code: '42501' })
})
