/** hledger and beancount themselves read what we export: they accept it, and their balances are ours. */
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Db } from '../../src/kit/db.ts'
import { idText } from '../../src/kit/ids.ts'
import { balancesOf, exported, read, richLedger } from './export-ground.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

type Program = {
  format: 'hledger' | 'beancount'
  accepts(text: string): Promise<unknown>
  /** By account id in text, as decimals; those of nought left out. */
  balances(text: string): Promise<Record<string, string>>
}

const hledger: Program = {
  format: 'hledger',
  accepts: (text) =>
    read('hledger', text, (path) => ['check', '--strict', 'ordereddates', 'uniqueleafnames', '-f', path]),
  async balances(text) {
    const said = await read('hledger', text, (path) => ['balance', '-N', '--flat', '-O', 'csv', '-f', path])
    const rows: { account: string; balance: string }[] = parse(said, { columns: true })
    return byId(rows.map((row) => [row.account, row.balance.split(' ')[0] ?? '']))
  },
}

const beancount: Program = {
  format: 'beancount',
  accepts: (text) => read('bean-check', text, (path) => ['--no-cache', path]),
  async balances(text) {
    const query = "select account, sum(number) as total where account ~ '^Assets' group by account"
    const said = await read('bean-query', text, (path) => ['-f', 'csv', path, query])
    const rows: Record<string, string>[] = parse(said, { columns: true, trim: true })
    return byId(rows.map((row) => [row.account ?? '', row.total ?? '']))
  },
}

function byId(rows: [string, string][]): Record<string, string> {
  const told = rows.flatMap(([account, balance]) => {
    const id = /([0-7][0-9A-HJKMNP-TV-Z]{25})$/.exec(account)?.[1]
    return id && /[1-9]/.test(balance) ? [[id, balance]] : []
  })
  return Object.fromEntries(told)
}

async function ours(ledger: Parameters<typeof balancesOf>[0], to?: string): Promise<Record<string, string>> {
  const told = Object.entries(await balancesOf(ledger, to))
  return Object.fromEntries(told.map(([id, balance]) => [idText('account', id).slice(4), balance]))
}

/** With one amount changed, and surely changed. */
function wrongByOne(text: string, from: string, to: string): string {
  const wrong = text.replace(from, to)
  expect(wrong).not.toBe(text)
  return wrong
}

describe.each([hledger, beancount])('$format', (program) => {
  const { format } = program

  test('accepts a ledger with everything in it and hostile names, and its balances are ours', async () => {
    const ledger = await richLedger(db)
    const text = await exported(ledger, { format })
    await program.accepts(text)
    expect(await program.balances(text)).toEqual(await ours(ledger))
    expect(Object.keys(await ours(ledger))).toHaveLength(8)
  })

  test.each([
    { currency: 'JPY', scale: 0 },
    { currency: 'KWD', scale: 3 },
  ])('keeps the places of $currency', async (unit) => {
    const ledger = await richLedger(db, unit)
    const text = await exported(ledger, { format })
    await program.accepts(text)
    expect(await program.balances(text)).toEqual(await ours(ledger))
    expect(text).toContain(unit.scale === 0 ? ' 12345 JPY' : ' 12.345 KWD')
  })

  test('begins a period with the balances before it, so that those after it are ours', async () => {
    const ledger = await richLedger(db)
    for (const period of [
      { from: '2026-02-01', to: '2026-02-11' },
      { from: '2026-02-02', to: null },
      { from: null, to: '2026-01-31' },
      { from: '2027-01-01', to: null },
      { from: '2025-01-01', to: '2025-12-31' },
    ]) {
      const text = await exported(ledger, { format, ...period })
      await program.accepts(text)
      expect(await program.balances(text), JSON.stringify(period)).toEqual(await ours(ledger, period.to ?? undefined))
    }
  })

  test('takes one member’s account alone, with its own balance asserted', async () => {
    const ledger = await richLedger(db)
    for (const from of [null, '2026-02-01']) {
      const accountId = ledger.account('barn')
      const text = await exported(ledger, { format, accountId, from })
      await program.accepts(text)
      const id = idText('account', accountId).slice(4)
      expect((await program.balances(text))[id]).toBe((await ours(ledger))[id])
      expect(text).not.toContain(idText('account', ledger.account('ada')).slice(4))
    }
  })

  test('takes a ledger in which nothing has happened', async () => {
    const ledger = { ...(await smallLedger(db, { ada: {} })), unit: { currency: 'GBP', scale: 2 } }
    const text = await exported(ledger, { format })
    await program.accepts(text)
    expect(await program.balances(text)).toEqual({})
  })

  test('finds one penny that is not ours', async () => {
    const text = await exported(await richLedger(db), { format })
    const wrong = wrongByOne(wrongByOne(text, '  -123.45 GBP', '  -123.46 GBP'), '  123.45 GBP', '  123.46 GBP')
    await expect(program.accepts(wrong)).rejects.toThrow(/[Bb]alance/)
  })

  test('ends with a line that tells that it is whole', async () => {
    const ledger = await richLedger(db)
    const { rows } = await db.pool.query("select encode(hash, 'hex') as hash from ledger_head where network_id = $1", [
      ledger.networkId,
    ])
    const [last] = (await exported(ledger, { format })).trimEnd().split('\n').slice(-1)
    expect(last).toBe(`; whole: 10 transfers, last 10 ${rows[0].hash}, head 10 ${rows[0].hash}`)
  })

  test('tells holds as comments, and posts what was posted', async () => {
    const ledger = await richLedger(db)
    const text = await exported(ledger, { format })
    const told = text.split('\n').filter((line) => /^; 2026-\S+ \(\d+\) hold/.test(line))
    expect(told.map((line) => line.split(' ').slice(2, 4).join(' '))).toEqual([
      '(5) hold',
      '(6) hold',
      '(8) hold_release',
    ])
    expect(text).toMatch(/49\.99 GBP/)
    expect(text).not.toMatch(/^ .*60\.00 GBP/m)
  })
})

/** Many small sales on three days, in few calls. */
async function busyLedger(): Promise<SmallLedger & { unit: { currency: string; scale: number } }> {
  const ledger = await smallLedger(db, { ada: {}, mill: {} })
  for (const day of ['2026-01-01', '2026-01-02', '2026-01-03'])
    await ledger.together(
      Array.from({ length: 210 }, (_, place) => {
        const name = `${day} ${place}`
        return ledger.posting(name, [ledger.transfer(name, 'ada', 'mill', BigInt(place + 1))], { bookedOn: day })
      }),
    )
  return { ...ledger, unit: { currency: 'GBP', scale: 2 } }
}

test('a penny that goes astray and comes back is found by both programs on the way', async () => {
  const ledger = await busyLedger()
  for (const program of [hledger, beancount]) {
    const text = await exported(ledger, { format: program.format })
    await program.accepts(text)
    const there = wrongByOne(wrongByOne(text, '  -2.10 GBP', '  -2.11 GBP'), '  2.10 GBP', '  2.11 GBP')
    const third = there.lastIndexOf('  -2.10 GBP')
    const back = wrongByOne(there.slice(third), '  -2.10 GBP', '  -2.09 GBP').replace('  2.10 GBP', '  2.09 GBP')
    await expect(program.accepts(there.slice(0, third) + back)).rejects.toThrow(/[Bb]alance/)
  }
})
