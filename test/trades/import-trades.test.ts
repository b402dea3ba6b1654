import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idText } from '../../src/kit/ids.ts'
import { audit } from '../../src/ledger/audit.ts'
import { suspend } from '../../src/networks/admit.ts'
import { importMembers } from '../../src/networks/import-members.ts'
import { setLimits } from '../../src/networks/limits.ts'
import { type Member, memberOf } from '../../src/networks/member.ts'
import type { Network } from '../../src/networks/network.ts'
import { importTrades } from '../../src/trades/import-trades.ts'
import { convener, formOf, type SetUp, setUp } from '../networks/set-up.ts'
import { ledgerTable, table } from '../support/tables.ts'

let world: SetUp
beforeAll(async () => {
  world = await setUp()
})
afterAll(() => world.end())

const head = 'day,seller,buyer,amount,description,reference\n'

async function valley(limit = 100_000n) {
  const network = await world.network({ largestCreditShareBasisPoints: 5000, fees: [fee] })
  const mill = await world.member(network, 'Mill Lane Timber')
  const bakery = await world.member(network, 'Rosa’s Bakery')
  for (const member of [mill, bakery])
    await world.worker((tx) =>
      setLimits(tx, world.clock, {
        networkId: network.id,
        memberId: member.id,
        creditLimitMinor: limit,
        reason: 'agreed',
        actor: convener.id,
      }),
    )
  const run = (rows: string, more: { dryRun?: boolean; fileName?: string; columns?: string } = {}) =>
    importTrades(world, {
      networkId: network.id,
      fileName: more.fileName ?? 'past.csv',
      text: (more.columns ?? head) + rows,
      dryRun: more.dryRun ?? false,
      actor: convener.id,
    })
  const ledger = () => ledgerTable(world.db, network.id, { mill: mill.accountId, bakery: bakery.accountId })
  const holds = async () => (await world.worker((tx) => audit(tx, network.id))).holds
  return { network, mill, bakery, run, ledger, holds }
}
const fee = { side: 'seller', basisPoints: 100, fixedMinor: '0', mode: 'credits', words: 'Network fee' } as const

async function whyRefused(row: string): Promise<string> {
  const { run, ledger } = shared
  const tried = await run(`${row}\n`, { dryRun: true })
  const made = await run(`${row}\n`)
  expect(tried.refusals).toHaveLength(1)
  expect(made.refusals).toEqual(tried.refusals)
  expect(made).toMatchObject({ done: 0, stoppedAtLine: 2, refusals: [{ line: 2 }] })
  expect(await ledger()).toBe('no entries')
  return made.refusals[0]?.why ?? ''
}
let shared: Awaited<ReturnType<typeof valley>>
beforeAll(async () => {
  shared = await valley()
})

test('the past stands in the ledger on its own days, without fees, shares or documents', async () => {
  const { network, mill, run, ledger, holds } = await valley()
  const { id } = mill
  const rows = [
    `2019-04-01,${mill.invoicePrefix},Rosa’s Bakery,40.00,"Oak, sawn",A-17`,
    `2019-04-01,${idText('member', id)},Rosa’s Bakery,2.5,,`,
    '2021-12-31,Rosa’s Bakery,Mill Lane Timber,10,Bread,',
  ]
  const result = await run(`${rows.join('\n')}\n`)
  expect(result).toMatchObject({ rows: 3, done: 3, known: 0, totalMinor: 5250n, refusals: [], stoppedAtLine: null })
  expect(result.closing.map(({ name, balanceMinor }) => [name, balanceMinor])).toEqual([
    ['Mill Lane Timber', 3250n],
    ['Rosa’s Bakery', -3250n],
  ])
  expect(await ledger()).toBe(
    table`
    transfer  account  debit  credit  balance
    trade 1   bakery   40.00          -40.00
    trade 1   mill            40.00    40.00
    trade 2   bakery    2.50          -42.50
    trade 2   mill             2.50    42.50
    trade 3   mill     10.00           32.50
    trade 3   bakery          10.00   -32.50
  `.replaceAll(/ {2,}/g, '  '),
  )
  const trades = await world.worker((tx) =>
    tx.trade.findMany({ where: { networkId: network.id }, orderBy: { tradedOn: 'asc' } }),
  )
  expect(trades.map((one) => one.bookedOn?.toISOString().slice(0, 10))).toEqual([
    '2019-04-01',
    '2019-04-01',
    '2021-12-31',
  ])
  expect(trades.every((one) => one.ledgerOnly && one.source === 'import' && one.state === 'accepted')).toBe(true)
  expect(trades.filter((one) => one.buyerReference === 'A-17').map((one) => one.description)).toEqual(['Oak, sawn'])
  expect(trades.filter((one) => one.description === 'Carried over')).toHaveLength(1)
  expect(await world.worker((tx) => tx.delivery.count({ where: { networkId: network.id } }))).toBe(0)
  expect(await holds()).toBe(true)
})

test('the examples of docs/import.md are taken as they stand', async () => {
  const network = await world.network()
  const [members = '', trades = ''] = [
    ...readFileSync('docs/import.md', 'utf8').matchAll(/```csv\n([\s\S]*?)```/g),
  ].map(([, text = '']) => text)
  const ask = { networkId: network.id, dryRun: false, actor: convener.id }
  expect(await importMembers(world, { ...ask, fileName: 'members.csv', text: members })).toMatchObject({
    done: 3,
    refusals: [],
  })
  const made = await importTrades(world, { ...ask, fileName: 'past.csv', text: trades })
  expect(made).toMatchObject({ done: 3, refusals: [] })
  expect(made.closing.map(({ balanceMinor }) => balanceMinor)).toEqual([-56_050n, 52_050n, 4_000n])
})

test('twice is once, and the run and the deed are kept', async () => {
  const { network, run, ledger } = await valley()
  const rows = '2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,,\n2020-01-02,Mill Lane Timber,Rosa’s Bakery,2,,\n'
  await run(rows)
  const before = await ledger()
  expect(await run(rows)).toMatchObject({ done: 0, known: 2, totalMinor: 0n, stoppedAtLine: null })
  expect(await ledger()).toBe(before)
  const runs = await world.worker((tx) =>
    tx.importRun.findMany({ where: { networkId: network.id }, orderBy: { id: 'asc' } }),
  )
  expect(runs.map((one) => [one.what, one.fileName, one.rowsDone, one.totalMinor, one.ranBy])).toEqual([
    ['trades', 'past.csv', 2, 300n, convener.id],
    ['trades', 'past.csv', 0, 0n, convener.id],
  ])
  expect(await world.worker((tx) => tx.deed.count({ where: { networkId: network.id, what: 'trades_imported' } }))).toBe(
    2,
  )
})

test('a line that stands with other content is refused and says what it was', async () => {
  const { run, ledger } = await valley()
  await run('2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,,\n')
  const before = await ledger()
  for (const changed of [
    '2020-01-01,Mill Lane Timber,Rosa’s Bakery,1.01,,',
    '2020-01-02,Mill Lane Timber,Rosa’s Bakery,1,,',
    '2020-01-01,Rosa’s Bakery,Mill Lane Timber,1,,',
    '2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,other words,',
    '2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,,other',
  ]) {
    const { refusals } = await run(`${changed}\n`)
    expect(refusals).toEqual([
      {
        line: 2,
        why: expect.stringContaining(
          'imported before with other content (2020-01-01, Mill Lane Timber to Rosa’s Bakery, £1.00)',
        ),
      },
    ])
  }
  expect(await ledger()).toBe(before)
})

test('a dry run tells every refusal, the sum and the balances, and leaves nothing', async () => {
  const { network, run, ledger } = await valley(1_000n)
  const rows = [
    '2020-01-01,Mill Lane Timber,Rosa’s Bakery,9.00,,',
    '2020-01-02,Mill Lane Timber,Rosa’s Bakery,1.01,,',
    '2020-01-03,Mill Lane Timber,Nobody,1.00,,',
    '2020-01-04,Mill Lane Timber,Rosa’s Bakery,1.00,,',
  ]
  const result = await run(`${rows.join('\n')}\n`, { dryRun: true })
  expect(result).toMatchObject({ dryRun: true, rows: 4, done: 2, totalMinor: 1000n, stoppedAtLine: null })
  expect(result.refusals.map(({ line }) => line)).toEqual([3, 4])
  expect(result.closing.map(({ balanceMinor }) => balanceMinor)).toEqual([1000n, -1000n])
  expect(await ledger()).toBe('no entries')
  expect(await world.worker((tx) => tx.trade.count({ where: { networkId: network.id } }))).toBe(0)
  expect(await world.worker((tx) => tx.importRun.count({ where: { networkId: network.id } }))).toBe(0)
})

test('a limit breach in the middle stops the run before its line, with the numbers, and the mended file goes on', async () => {
  const { run, ledger, holds } = await valley(1_000n)
  const rows = (third: string) =>
    ['1', '2', third, '1']
      .map((amount, place) => `2020-01-0${place + 1},Mill Lane Timber,Rosa’s Bakery,${amount},,\n`)
      .join('')
  const stopped = await run(rows('7.01'))
  expect(stopped).toMatchObject({ done: 2, totalMinor: 300n, stoppedAtLine: 4 })
  expect(stopped.refusals).toEqual([
    { line: 4, why: expect.stringContaining('would bring the buyer to −£10.01; the limit is −£10.00') },
  ])
  expect((await ledger()).split('\n')).toHaveLength(5)
  const mended = await run(rows('6'))
  expect(mended).toMatchObject({ done: 2, known: 2, totalMinor: 700n, refusals: [], stoppedAtLine: null })
  expect(mended.closing.map(({ balanceMinor }) => balanceMinor)).toEqual([1000n, -1000n])
  expect(await holds()).toBe(true)
})

test('a refused row in a later chunk leaves all rows before it and none after', async () => {
  const { network, run } = await valley(100_000n)
  const lines = Array.from(
    { length: 600 },
    (_, place) => `2020-01-01,Mill Lane Timber,Rosa’s Bakery,${place === 400 ? '9999' : '0.01'},,\n`,
  )
  const seen: number[] = []
  const stopped = await importTrades(world, {
    networkId: network.id,
    fileName: 'long.csv',
    text: head + lines.join(''),
    dryRun: false,
    actor: convener.id,
    progress: (done) => seen.push(done),
  })
  expect(stopped).toMatchObject({ done: 400, stoppedAtLine: 402 })
  expect(seen).toEqual([250])
  lines[400] = '2020-01-01,Mill Lane Timber,Rosa’s Bakery,0.02,,\n'
  expect(await run(lines.join(''), { fileName: 'long.csv' })).toMatchObject({ done: 200, known: 400, totalMinor: 201n })
})

test('a row before the ledger’s day or after today is refused with its line', async () => {
  const { run } = await valley()
  const two = await run(
    '2020-05-02,Mill Lane Timber,Rosa’s Bakery,1,,\n2020-05-01,Mill Lane Timber,Rosa’s Bakery,1,,\n',
  )
  expect(two).toMatchObject({ done: 1, stoppedAtLine: 3 })
  expect(two.refusals[0]?.why).toContain('The ledger stands at 2020-05-02; 2020-05-01 lies before it.')
  expect(await whyRefused('2026-11-03,Mill Lane Timber,Rosa’s Bakery,1,,')).toContain('has not come yet')
})

test.each([
  ['2020-02-30,Mill Lane Timber,Rosa’s Bakery,1,,', 'no day of the calendar'],
  ['31/03/2020,Mill Lane Timber,Rosa’s Bakery,1,,', 'YYYY-MM-DD'],
  [',Mill Lane Timber,Rosa’s Bakery,1,,', 'no day of the calendar'],
  ['2020-01-01,,Rosa’s Bakery,1,,', 'The seller is missing'],
  ['2020-01-01,mill lane timber,Rosa’s Bakery,1,,', 'exact name "mill lane timber" (seller)'],
  ['2020-01-01,Mill Lane Timber,mem_01ARZ3NDEKTSV4RRFFQ69G5FAV,1,,', '(buyer)'],
  ['2020-01-01,Mill Lane Timber,Mill Lane Timber,1,,', 'the same member'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,0,,', 'above zero'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,-5.00,,', 'above zero'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,1.005,,', 'at most 2 decimals'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,"1,50",,', 'decimal point'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,50,,', '7 fields'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,10000000000.00,,', 'larger than a trade can be'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,99999999999999999999,,', 'not an amount'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,1e3,,', 'not an amount'],
  ['2020-01-01,Mill Lane Timber,Rosa’s Bakery,"1,"2",,', 'quotation mark'],
  [`2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,${'x'.repeat(501)},`, 'longer than 500'],
  [`2020-01-01,Mill Lane Timber,Rosa’s Bakery,1,,${'x'.repeat(101)}`, 'longer than 100'],
])('"%s" is refused: %s', async (row, why) => {
  expect(await whyRefused(row)).toContain(why)
})

test('several members of one name are told apart by id or prefix only', async () => {
  const { network, mill, run } = await valley()
  const twin = await world.member(network, 'Mill Lane Timber')
  const row = (seller: string) => `2020-01-01,${seller},Rosa’s Bakery,1,,\n`
  expect((await run(row('Mill Lane Timber'))).refusals[0]?.why).toContain(
    '2 members answer to "Mill Lane Timber" (seller)',
  )
  expect(await run(row(twin.invoicePrefix))).toMatchObject({ done: 1 })
  expect(await run(row(idText('member', mill.id)), { fileName: 'other.csv' })).toMatchObject({ done: 1 })
})

test('a member of a restricted form never goes below zero, and a suspended one does not buy, in the past either', async () => {
  const { network, run } = await valley()
  await world.member(network, 'Tom Reed', formOf('sole_trader'))
  const lazy = await world.member(network, 'Lazy Ltd')
  await world.worker((tx) =>
    suspend(tx, world.clock, { networkId: network.id, memberId: lazy.id, reason: 'late', actor: convener.id }),
  )
  expect((await run('2020-01-01,Mill Lane Timber,Tom Reed,0.01,,\n')).refusals[0]?.why).toContain('never go below zero')
  expect((await run('2020-01-01,Mill Lane Timber,Lazy Ltd,0.01,,\n')).refusals[0]?.why).toContain(
    'may sell but not buy',
  )
})

test('10,000 random rows: balances are those of an independent calculation, the audit holds', async () => {
  const network = await world.network({ maxCreditLimitMinor: 10_000_000_00n, maxExposureLimitMinor: 10_000_000_00n })
  const members = await members40(network)
  const { text, expected, total } = randomPast(members, 10_000)
  const dry = await importTrades(world, {
    networkId: network.id,
    fileName: 'all.csv',
    text,
    dryRun: true,
    actor: convener.id,
  })
  const made = await importTrades(world, {
    networkId: network.id,
    fileName: 'all.csv',
    text,
    dryRun: false,
    actor: convener.id,
  })
  expect(made).toMatchObject({ rows: 10_000, done: 10_000, totalMinor: total, refusals: [] })
  expect({ ...dry, dryRun: false }).toEqual(made)
  expect(Object.fromEntries(made.closing.map(({ name, balanceMinor }) => [name, balanceMinor]))).toEqual(expected)
  for (const member of members.slice(0, 5)) {
    const { account } = await world.worker((tx) => memberOf(tx, network.id, member.id))
    expect(account.balanceMinor).toBe(expected[member.organisation.name])
  }
  expect((await world.worker((tx) => audit(tx, network.id))).truths.filter((truth) => !truth.holds)).toEqual([])
}, 600_000)

async function members40(network: Network): Promise<Member[]> {
  const members: Member[] = []
  for (let place = 0; place < 40; place += 1) {
    const member = await world.member(network, `Firm ${String.fromCharCode(97 + (place % 26))}${place}`)
    const limits = { creditLimitMinor: 10_000_000_00n, exposureLimitMinor: 10_000_000_00n }
    await world.worker((tx) =>
      setLimits(tx, world.clock, {
        networkId: network.id,
        memberId: member.id,
        ...limits,
        reason: 'past',
        actor: convener.id,
      }),
    )
    members.push(member)
  }
  return members
}

/** A past from a fixed seed, added up beside it without anything of ours. */
function randomPast(
  members: Member[],
  rows: number,
): { text: string; expected: Record<string, bigint>; total: bigint } {
  let seed = 20261102
  const next = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return (seed >>> 8) % below
  }
  const expected: Record<string, bigint> = {}
  let total = 0n
  let text = head
  for (let row = 0; row < rows; row += 1) {
    const seller = members[next(40)] as Member
    const others = members.filter((one) => one !== seller)
    const buyer = others[next(39)] as Member
    const pence = BigInt(1 + next(200_000))
    const day = new Date(Date.UTC(2015, 0, 1 + Math.floor((row * 3650) / rows))).toISOString().slice(0, 10)
    text += `${day},${seller.organisation.name},${buyer.invoicePrefix},${pence / 100n}.${String(pence % 100n).padStart(2, '0')},"Sale, no. ${row}",\n`
    expected[seller.organisation.name] = (expected[seller.organisation.name] ?? 0n) + pence
    expected[buyer.organisation.name] = (expected[buyer.organisation.name] ?? 0n) - pence
    total += pence
  }
  return { text, expected, total }
}
