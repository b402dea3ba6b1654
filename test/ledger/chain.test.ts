import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db, Tx } from '../../src/kit/db.ts'
import { idOfCause } from '../../src/kit/ids.ts'
import { firstHash } from '../../src/ledger/account.ts'
import { audit, type Truth } from '../../src/ledger/audit.ts'
import { agreesWith, firstBreak, nextHash } from '../../src/ledger/chain.ts'
import { replayable } from '../properties/model-ground.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

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

const length = 24

/** Sales, holds with and without an end, what ends them, and reversals, so that every chained column has something in it. */
async function chained(): Promise<SmallLedger> {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const ends = { holdExpiresAt: new Date('2026-03-09T00:00:00.123Z'), holdPromised: true }
  for (let place = 1; place <= length / 4; place += 1) {
    const named = (what: string) => idOfCause('transfer', ledger.networkId, `${what} ${place}`)
    const amount = BigInt(place)
    await ledger.sale(`sale ${place}`, 'bakery', 'mill', amount)
    await ledger.sale(`hold ${place}`, 'bakery', 'mill', amount, { kind: 'hold', ...(place % 2 === 0 ? ends : {}) })
    await ledger.sale(`part ${place}`, 'bakery', 'mill', amount, { kind: 'hold_post', holdId: named('hold') })
    await ledger.sale(`back ${place}`, 'mill', 'bakery', amount, { kind: 'reversal', reversesId: named('sale') })
  }
  return ledger
}

class Undone extends Error {}

/** What is found after a change past all triggers; the change is undone. */
async function after<T>(changes: string[], look: (tx: Tx) => Promise<T>): Promise<T> {
  let found: { value: T } | null = null
  await db.prisma
    .$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe("set local session_replication_role = 'replica'")
        for (const change of changes) await tx.$executeRawUnsafe(change)
        found = { value: await look(tx) }
        throw new Undone()
      },
      { timeout: 60_000 },
    )
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  if (!found) throw new Error('nothing was looked at')
  return (found as { value: T }).value
}

async function chainIn(tx: Tx, ledger: SmallLedger): Promise<Truth | undefined> {
  return (await audit(tx, ledger.networkId)).truths.find((truth) => truth.name === 'chain_is_whole')
}

/** Each chained column with one byte, bit or step of it changed. */
const oneChange: Record<string, string> = {
  id: otherUuid('id'),
  posting_id: otherUuid('posting_id'),
  debit_account_id: otherUuid('debit_account_id'),
  credit_account_id: otherUuid('credit_account_id'),
  cause_id: otherUuid('cause_id'),
  reverses_id: `case when reverses_id is null then md5(id::text)::uuid else ${otherUuid('reverses_id')} end`,
  hold_id: `case when hold_id is null then md5(id::text)::uuid else ${otherUuid('hold_id')} end`,
  kind: "case when kind = 'fee' then 'payroll' else 'fee' end",
  amount_minor: 'amount_minor + 1',
  cause_kind: 'overlay(cause_kind placing chr(ascii(cause_kind) # 1) from 1 for 1)',
  hold_expires_at: "coalesce(hold_expires_at + interval '1 millisecond', '2026-03-09')",
  hold_promised: 'not hold_promised',
  booked_on: 'booked_on + 1',
  recorded_at: "recorded_at + interval '1 millisecond'",
  hash: 'set_byte(hash, $byte, get_byte(hash, $byte) # (1 << $bit))',
}

function otherUuid(column: string): string {
  return `encode(set_byte(uuid_send(${column}), $byte % 16, get_byte(uuid_send(${column}), $byte % 16) # (1 << $bit)), 'hex')::uuid`
}

test('every column that the table has is chained, but for the network and the number, which order it', async () => {
  const { rows } = await db.pool.query(
    "select column_name as name from information_schema.columns where table_name = 'transfer'",
  )
  expect(rows.map((row) => row.name).sort()).toEqual([...Object.keys(oneChange), 'network_id', 'number'].sort())
})

test('one changed byte in any column of any row is found, and located at its number', {
  timeout: 120_000,
}, async () => {
  const ledger = await chained()
  const change = fc.record({
    number: fc.integer({ min: 1, max: length }),
    column: fc.constantFrom(...Object.keys(oneChange)),
    byte: fc.nat(31),
    bit: fc.nat(7),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ number, column, byte, bit }) => {
      const value = oneChange[column]?.replaceAll('$byte', String(byte)).replaceAll('$bit', String(bit))
      const text = `update transfer set ${column} = ${value} where network_id = '${ledger.networkId}' and number = ${number}`
      const found = await after([text], (tx) => firstBreak(tx, ledger.networkId))
      expect(found.brokenAt).toBe(BigInt(number))
    }),
    replayable({ numRuns: 120, interruptAfterTimeLimit: 60_000 }),
  )
})

test('a row taken out is found where it was missing, and the last one at the head', async () => {
  const ledger = await chained()
  for (const number of [1, 2, length - 1]) {
    const taken = `delete from transfer where network_id = '${ledger.networkId}' and number = ${number}`
    expect(await after([taken], (tx) => chainIn(tx, ledger))).toMatchObject({
      offenders: [`transfer number ${number + 1}`],
    })
  }
  const last = `delete from transfer where network_id = '${ledger.networkId}' and number = ${length}`
  expect(await after([last], (tx) => chainIn(tx, ledger))).toMatchObject({ offenders: ['the head row'] })
})

test('two rows that changed places are found at the first of them', async () => {
  const ledger = await chained()
  const move = (from: number, to: number) =>
    `update transfer set number = ${to} where network_id = '${ledger.networkId}' and number = ${from}`
  const found = await after([move(7, 999), move(15, 7), move(999, 15)], (tx) => firstBreak(tx, ledger.networkId))
  expect(found.brokenAt).toBe(7n)
})

test('a tail rewritten with fresh hashes is whole in itself, and a head kept outside betrays it', async () => {
  const ledger = await chained()
  const kept = (await ledger.audit()).head
  const rows = await db.prisma.transfer.findMany({ where: { networkId: ledger.networkId }, orderBy: { number: 'asc' } })
  let hash: Uint8Array = firstHash(ledger.networkId)
  const changes: string[] = []
  for (const row of rows) {
    // From the twentieth on each is another cause, and each hash is made to fit.
    const forged = row.number < 20n ? row : { ...row, causeId: row.postingId }
    hash = nextHash(hash, forged)
    const hex = Buffer.from(hash).toString('hex')
    changes.push(
      `update transfer set cause_id = '${forged.causeId}', hash = '\\x${hex}' where network_id = '${ledger.networkId}' and number = ${row.number}`,
    )
  }
  changes.push(
    `update ledger_head set hash = '\\x${Buffer.from(hash).toString('hex')}' where network_id = '${ledger.networkId}'`,
  )
  const found = await after(changes, async (tx) => ({
    chain: await chainIn(tx, ledger),
    agrees: await agreesWith(tx, ledger.networkId, kept),
    earlier: await agreesWith(tx, ledger.networkId, { number: 19n, hash: rows[18]?.hash ?? new Uint8Array() }),
  }))
  expect(found.chain).toMatchObject({ holds: true })
  expect(found).toMatchObject({ agrees: false, earlier: true })
  expect(await after([], (tx) => agreesWith(tx, ledger.networkId, kept))).toBe(true)
  expect(await after([], (tx) => agreesWith(tx, ledger.networkId, { ...kept, number: 999n }))).toBe(false)
})
