/** From a file alone, read with nothing of ours, the ledger can be rebuilt and its chain worked out again. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asWorker, type Db } from '../../src/kit/db.ts'
import { inSnapshot } from '../../src/kit/snapshot.ts'
import { exportLedger } from '../../src/ledger/export/export-ledger.ts'
import { balancesOf, exported, hostileNames, richLedger } from './export-ground.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

// ── A reader that knows the page docs/exports.md and nothing else ──

type Row = Record<string, string>

function fromCsv(text: string): Row[] {
  const rows: string[][] = [['']]
  let quoted = false
  for (let place = 0; place < text.length; place += 1) {
    const sign = text.charAt(place)
    const row = rows.at(-1) as string[]
    if (quoted && sign === '"' && text[place + 1] === '"') {
      row.push(`${row.pop()}"`)
      place += 1
    } else if (sign === '"') quoted = !quoted
    else if (!quoted && sign === ',') row.push('')
    else if (!quoted && sign === '\r' && text[place + 1] === '\n') {
      rows.push([''])
      place += 1
    } else row.push(`${row.pop()}${sign}`)
  }
  const [head = [], ...body] = rows.filter((row) => row.length > 1)
  return body.map((row) => Object.fromEntries(head.map((name, place) => [name, row[place] ?? ''])))
}

/** The same words as the columns of the CSV, so that one check serves both. */
function fromJsonLines(text: string): Row[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { network, before, last, ...flat } = JSON.parse(line)
      const told = {
        ...flat,
        ...(network ? { networkId: network.id, ...before } : {}),
        ...last,
        ...(flat.record === 'account' ? { accountId: flat.id } : {}),
        ...(flat.record === 'transfer' ? { holdPromised: flat.holdPromised ? 'promised' : '' } : {}),
        ...('balanceMinor' in flat ? { amountMinor: flat.balanceMinor } : {}),
      }
      return Object.fromEntries(
        Object.entries(told).map(([name, value]) => [
          name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
          value === null ? '' : String(value),
        ]),
      )
    })
}

/** Works the chain and every balance out again; what does not fit is told. */
function faultsOf(rows: Row[]): string[] {
  const faults: string[] = []
  const [ledger] = rows
  const of = (record: string) => rows.filter((row) => row.record === record)
  const transfers = of('transfer')
  let hash: Buffer = Buffer.from(ledger?.hash ?? '', 'hex')
  let number = BigInt(ledger?.number ?? '')
  const start = createHash('sha256').update(`quits ledger ${ledger?.network_id}`).digest()
  if (number === 0n && !hash.equals(start)) faults.push('the chain does not begin with the network')
  const balances = new Map(of('account').map((row) => [row.account_id ?? '', 0n]))
  for (const row of of('opening')) balances.set(row.account_id ?? '', BigInt(row.amount_minor ?? ''))
  for (const row of transfers) {
    number += 1n
    const text = [
      ...[ledger?.network_id, number, row.id, row.posting_id, row.kind, row.debit_account_id, row.credit_account_id],
      ...[row.amount_minor, row.cause_kind, row.cause_id, row.reverses_id || '-', row.hold_id || '-'],
      ...[row.hold_expires_at ? Date.parse(row.hold_expires_at) : '-', row.hold_promised || '-', row.booked_on],
      Date.parse(row.recorded_at ?? ''),
    ].join('|')
    hash = createHash('sha256').update(hash).update(text, 'utf8').digest()
    if (row.number !== String(number)) faults.push(`number ${row.number} where ${number} should stand`)
    if (row.hash !== hash.toString('hex')) faults.push(`transfer ${row.number}: another hash`)
    if (['hold', 'hold_release', 'hold_expire'].includes(row.kind ?? '')) continue
    for (const [side, sign] of [
      ['debit_account_id', -1n],
      ['credit_account_id', 1n],
    ] as const) {
      const before = balances.get(row[side] ?? '')
      if (before === undefined) faults.push(`transfer ${row.number}: ${side} was never introduced`)
      balances.set(row[side] ?? '', (before ?? 0n) + sign * BigInt(row.amount_minor ?? ''))
    }
  }
  for (const row of of('balance'))
    if (balances.get(row.account_id ?? '') !== BigInt(row.amount_minor ?? ''))
      faults.push(`balance of ${row.account_id}`)
  if (of('balance').length !== balances.size) faults.push('not every account has a balance')
  if ([...balances.values()].reduce((total, one) => total + one, 0n) !== 0n) faults.push('does not sum to zero')
  const end = rows.at(-1)
  if (end?.record !== 'end' || end.transfers !== String(transfers.length) || end.hash !== hash.toString('hex'))
    faults.push('not whole')
  return faults
}

const readers = [
  { format: 'csv', rowsOf: fromCsv },
  { format: 'jsonl', rowsOf: fromJsonLines },
] as const

describe.each(readers)('$format', ({ format, rowsOf }) => {
  test('holds enough to work out the chain and every balance again', async () => {
    const ledger = await richLedger(db)
    const rows = rowsOf(await exported(ledger, { format }))
    expect(faultsOf(rows)).toEqual([])
    const told = rows.filter((row) => row.record === 'balance' && row.amount_minor !== '0')
    expect(Object.fromEntries(told.map((row) => [row.account_id, row.amount ?? row.balance]))).toEqual(
      await balancesOf(ledger),
    )
    const { rows: heads } = await db.pool.query(
      "select number::text, encode(hash, 'hex') as hash from ledger_head where network_id = $1",
      [ledger.networkId],
    )
    expect(rows.at(-1)).toMatchObject(heads[0])
    expect(rows.filter((row) => row.record === 'transfer').map((row) => row.kind)).toEqual([
      ...['trade', 'trade', 'fee', 'reversal', 'hold', 'hold', 'hold_post', 'hold_release', 'write_off', 'trade'],
    ])
  })

  test('tells of a changed byte, a missing line and a file that was cut off', async () => {
    const text = await exported(await richLedger(db), { format })
    const lines = text.split('\n')
    const without = (place: number) => lines.toSpliced(place, 1).join('\n')
    const lineOf = (kind: string) => lines.findIndex((line) => line.includes(kind))
    expect(faultsOf(rowsOf(text.replace('12345', '12344')))).toContain('transfer 1: another hash')
    expect(faultsOf(rowsOf(text.replace('2026-01-31', '2026-01-30'))).length).toBeGreaterThan(0)
    expect(faultsOf(rowsOf(without(lineOf('hold_release'))))).toContain('number 9 where 8 should stand')
    expect(faultsOf(rowsOf(lines.slice(0, -2).join('\n')))).toContain('not whole')
  })

  test('a period goes on from the hash before it, with its opening balances', async () => {
    const ledger = await richLedger(db)
    for (const period of [
      { from: '2026-02-01', to: '2026-02-10' },
      { from: '2026-03-01', to: null },
      { from: null, to: '2026-02-11' },
      { from: '2026-04-01', to: null },
    ]) {
      const rows = rowsOf(await exported(ledger, { format, ...period }))
      expect(faultsOf(rows), JSON.stringify(period)).toEqual([])
      const days = rows.filter((row) => row.record === 'transfer').map((row) => row.booked_on ?? '')
      expect(days.filter((day) => day < (period.from ?? '') || day > (period.to ?? '9'))).toEqual([])
    }
  })

  test('one account’s file holds its transfers and no other', async () => {
    const ledger = await richLedger(db)
    const accountId = ledger.account('barn')
    const rows = rowsOf(await exported(ledger, { format, accountId }))
    const transfers = rows.filter((row) => row.record === 'transfer')
    expect(transfers.map((row) => row.number)).toEqual(['5', '6', '7', '8', '10'])
    expect(rows.filter((row) => row.record === 'balance')).toMatchObject([
      { account_id: accountId, amount_minor: '-95001' },
    ])
    expect(rows.filter((row) => row.record === 'account')).toHaveLength(3)
    expect(rows.at(-1)).toMatchObject({ record: 'end', transfers: '5' })
  })
})

test('a name can be no formula, no line and no cell of its own', async () => {
  const ledger = await richLedger(db)
  const rows = fromCsv(await exported(ledger, { format: 'csv' }))
  const names = rows.filter((row) => row.record === 'account' && row.kind === 'member').map((row) => row.name ?? '')
  expect(names).toHaveLength(Object.keys(hostileNames).length)
  expect(names.filter((name) => /^[=+\-@\t\r]|[\r\n]/.test(name))).toEqual([])
  expect(names).toContain("'=1+1")
  const lines = fromJsonLines(await exported(ledger, { format: 'jsonl' }))
  const whole = lines.filter((row) => row.record === 'account' && row.kind === 'member').map((row) => row.name)
  expect(whole.sort()).toEqual(Object.values(hostileNames).sort())
})

async function filled(many: number): Promise<SmallLedger> {
  const ledger = await smallLedger(db, { ada: {}, mill: {} })
  const names = Array.from({ length: many }, (_, place) => `sale ${place}`)
  await ledger.together(names.map((name) => ledger.posting(name, [ledger.transfer(name, 'ada', 'mill', 100n)])))
  return ledger
}
const whole = (ledger: SmallLedger) =>
  ({ networkId: ledger.networkId, accountId: null, from: null, to: null, format: 'jsonl' }) as const

test('whatever the size of its pages, it is the same file', async () => {
  const ledger = await filled(23)
  const one = await exported(ledger, { format: 'jsonl' }, 1_000)
  for (const size of [1, 2, 5, 23, 24]) expect(await exported(ledger, { format: 'jsonl' }, size)).toBe(one)
})

test('a piece is handed on and waited for, however large the page it came from', async () => {
  const ledger = await filled(600)
  const seen = { pieces: 0, longest: 0, atOnce: 0, most: 0 }
  await exportLedger(db, asWorker, whole(ledger), async (lines) => {
    seen.atOnce += 1
    seen.most = Math.max(seen.most, seen.atOnce)
    await new Promise((done) => setImmediate(done))
    seen.pieces += 1
    seen.longest = Math.max(seen.longest, lines.length)
    seen.atOnce -= 1
  })
  expect(seen.pieces).toBeGreaterThan(5)
  expect(seen.longest).toBeLessThan(68_000)
  expect(seen.most).toBe(1)
})

test('what is read in a snapshot is of one moment, and nothing is written there', async () => {
  const ledger = await filled(2)
  const count = 'select count(*)::int as many from transfer where network_id = $1'
  await inSnapshot(db, asWorker, async (client) => {
    const many = async () => (await client.query(count, [ledger.networkId])).rows[0].many
    expect(await many()).toBe(2)
    await ledger.sale('meanwhile', 'mill', 'ada', 7n)
    expect(await many()).toBe(2)
    await expect(client.query('update member set standing = standing')).rejects.toMatchObject({ code: '25006' })
    // The refused statement has ended it.
    await client.query('rollback')
  })
  expect(
    await inSnapshot(db, asWorker, async (client) => (await client.query(count, [ledger.networkId])).rows[0].many),
  ).toBe(3)
})

test('trades that go on meanwhile are not seen, and the balances still add up', async () => {
  const ledger = await filled(300)
  const pieces: string[] = []
  await exportLedger(
    db,
    asWorker,
    whole(ledger),
    async (lines) => {
      pieces.push(lines)
      await ledger.sale(`meanwhile ${pieces.length}`, 'mill', 'ada', 7n)
    },
    20,
  )
  expect(pieces.length).toBeGreaterThan(2)
  const rows = fromJsonLines(pieces.join(''))
  expect(faultsOf(rows)).toEqual([])
  expect(rows.at(-1)).toMatchObject({ transfers: '300' })
})

test('a ledger whose balances are not the sum of its transfers is never exported whole', async () => {
  const ledger = await filled(2)
  const client = await db.pool.connect()
  await client.query('update account set balance_minor = balance_minor + 1 where network_id = $1 and id = $2', [
    ledger.networkId,
    ledger.account('ada'),
  ])
  client.release()
  const pieces: string[] = []
  const failed = exportLedger(db, asWorker, whole(ledger), async (lines) => void pieces.push(lines))
  await expect(failed).rejects.toThrow('told -200, stands at -199')
  expect(pieces.join('')).not.toContain('"end"')
})

test('a sink that fails ends it, and leaves no connection behind', async () => {
  const ledger = await filled(2)
  await expect(
    exportLedger(db, asWorker, whole(ledger), async () => {
      throw new Error('the reader is gone')
    }),
  ).rejects.toThrow('the reader is gone')
  const { rows } = await db.pool.query(
    "select count(*)::int as open from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
  )
  expect(rows[0].open).toBe(0)
})
