import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../src/kit/db.ts'
import { databaseWithClock, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

test('the hash of a transfer is what chain.ts says it is, spelled out by hand', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const ask = ledger.transfer('h', 'bakery', 'mill', 5n, {
    kind: 'hold',
    holdExpiresAt: new Date('2026-03-09T00:00:00.123Z'),
    holdPromised: true,
  })
  await ledger.post(ledger.posting('h', [ask]))
  const first = createHash('sha256').update(`quits ledger ${ledger.networkId}`).digest()
  const text = [
    ledger.networkId,
    1,
    ask.id,
    ledger.posting('h', []).id,
    'hold',
    ask.debit,
    ask.credit,
    5,
    'trade',
    ask.causeId,
  ].join('|')
  const rest = [
    '-',
    '-',
    Date.parse('2026-03-09T00:00:00.123Z'),
    'promised',
    '2026-03-02',
    Date.parse('2026-03-02T09:00:00.000Z'),
  ].join('|')
  const { rows } = await db.pool.query('select hash from ledger_head where network_id = $1', [ledger.networkId])
  expect(rows[0].hash.toString('hex')).toBe(createHash('sha256').update(first).update(`${text}|${rest}`).digest('hex'))
})
