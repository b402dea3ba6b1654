import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '../../src/kit/db.ts'
import { Refusal, refusalCodes } from '../../src/kit/refusal.ts'
import { openDispute } from '../../src/trades/dispute.ts'
import { proposalOf } from '../../src/trades/proposal.ts'
import { partiesOf } from '../../src/trades/propose.ts'
import { type AcceptanceAsk, acceptancesOf, recordTrade } from '../../src/trades/record-trade.ts'
import type { SetUp } from '../networks/set-up.ts'
import { table } from '../support/tables.ts'
import { ground, smallWorld, today } from './small-world.ts'

let on: SetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const fee = (side: 'seller' | 'buyer', mode: 'credits' | 'money' = 'credits') => ({
  side,
  basisPoints: 100,
  fixedMinor: '0',
  mode,
  words: 'Network fee',
})

test('an accepted sale is in the ledger and promised to both books, the net in credits and the VAT in money', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const trade = await world.propose(world.ask('mill', 'bakery'))
  expect(trade).toMatchObject({
    state: 'proposed',
    netMinor: 100_000n,
    vatMinor: 20_000n,
    creditMinor: 100_000n,
    moneyMinor: 20_000n,
  })
  expect(await world.ledgerTable()).toBe('no entries')
  expect(await world.bookTable('mill')).toBe('nothing')

  const accepted = await world.accept(trade)
  expect(accepted).toMatchObject({ replayed: false, bookedOn: today, invoiceNumber: 'MILL00001', warnings: [] })
  expect(await world.ledgerTable()).toBe(table`
    transfer  account  debit     credit    balance
    trade 1   bakery   1000.00             -1000.00
    trade 1   mill               1000.00    1000.00
  `)
  expect(await world.bookTable('mill')).toBe(table`
    mark  kind     amount   day         state
    SI    invoice  1200.00  2026-11-02  waiting
    SP    payment  1000.00  2026-11-02  waiting
  `)
  expect(await world.bookTable('bakery')).toBe(table`
    mark  kind     amount   day         state
    BB    bill     1200.00  2026-11-02  waiting
    BP    payment  1000.00  2026-11-02  waiting
  `)
  const invoice = (await world.deliveries('mill')).find((one) => one.kind === 'invoice')
  const bill = (await world.deliveries('bakery')).find((one) => one.kind === 'bill')
  expect([invoice, bill].map((one) => one?.document)).toMatchObject([
    { number: 'MILL00001', datedOn: today, vatMinor: '20000', vatCharged: true },
    { number: 'MILL00001', datedOn: today, vatMinor: '20000', vatCharged: true },
  ])
  expect(await world.brokenTruths()).toEqual([])
})

test('numbers of invoices run without a gap, and a new series has its letter', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const numbers = async () => (await world.sale('mill', 'bakery', { net: 100n })).invoiceNumber
  const got = [await numbers(), await numbers()]
  await on.db.pool.query('update member set invoice_series = 2, invoice_next = 99999 where id = $1', [
    world.member('mill').id,
  ])
  got.push(await numbers(), await numbers())
  await on.db.pool.query('update member set invoice_series = 27, invoice_next = 1 where id = $1', [
    world.member('mill').id,
  ])
  got.push(await numbers())
  expect(got).toEqual(['MILL00001', 'MILL00002', 'MILLB99999', 'MILLB100000', 'MILLAA00001'])
})

test('a sale of another day keeps its day on the papers, the payments bear the ledger’s', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  await world.sale('mill', 'bakery', { tradedOn: '2026-10-20', dueOn: '2026-11-20' })
  expect(await world.bookTable('mill')).toContain('SI  invoice  1200.00  2026-10-20')
  expect(await world.bookTable('mill')).toContain('SP  payment  1000.00  2026-11-02')
})

test('a buyer without a registration gets a gross bill that reclaims nothing', async () => {
  const world = await smallWorld(on, { mill: {}, cafe: { vat: false } })
  await world.sale('mill', 'cafe', {
    lines: [
      { description: 'Flour', netMinor: 1000n, treatment: 'standard' },
      { description: 'Bread', netMinor: 500n, treatment: 'zero' },
    ],
  })
  const bill = (await world.deliveries('cafe')).find((one) => one.kind === 'bill')
  expect(bill?.document).toMatchObject({
    vatMinor: '0',
    totalMinor: '1700',
    lines: [
      { netMinor: '1200', vatMinor: '0', treatment: 'outside' },
      { netMinor: '500', vatMinor: '0', treatment: 'outside' },
    ],
  })
})

describe('fees', () => {
  test('go from seller and buyer to the network in the same posting, and never bear fees', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees: [fee('seller'), fee('buyer')] })
    await world.sale('mill', 'bakery')
    expect(await world.ledgerTable()).toBe(table`
      transfer  account  debit    credit   balance
      trade 1   bakery   1000.00           -1000.00
      trade 1   mill              1000.00   1000.00
      fee 1     mill     10.00              990.00
      fee 1     fees              10.00     10.00
      fee 2     bakery   10.00             -1010.00
      fee 2     fees              10.00     20.00
    `)
    expect(await world.bookTable('mill')).toContain('SF  money_spent  10.00  2026-11-02')
    expect(await world.bookTable('bakery')).toContain('BF  money_spent  10.00  2026-11-02')
  })
  test('a restricted member’s fee never pushes it below zero: it becomes a bill in money', async () => {
    const world = await smallWorld(
      on,
      { mill: {}, joiner: { form: 'sole_trader', vat: false } },
      { fees: [fee('buyer')] },
    )
    await world.sale('joiner', 'mill', { net: 10_000n })
    await world.sale('mill', 'joiner', { net: 10_000n })
    expect(await world.balance('joiner')).toBe(0n)
    expect(await world.bookTable('joiner')).toContain('BF  bill  1.00  2026-11-02')
    expect(await world.brokenTruths()).toEqual([])
  })
  test('a fee in money is a bill and no transfer', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees: [fee('seller', 'money')] })
    await world.sale('mill', 'bakery')
    expect(await world.balance('mill')).toBe(100_000n)
    expect(await world.bookTable('mill')).toContain('SF  bill  10.00')
  })
})

describe('refusals, in the order they are asked', () => {
  const refused = (code: string) => expect.objectContaining({ code })
  test('each rule is asked at acceptance, and leaves no entries', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 10_000n } })
    const trade = await world.propose(world.ask('mill', 'bakery', { proposedBy: 'buyer', net: 10_001n }))
    const accept = (more: Partial<AcceptanceAsk> = {}) => world.accept(trade, { side: 'seller', ...more })
    const set = (text: string, value: unknown, id: string) => on.db.pool.query(text, [value, id])

    await expect(world.accept({ id: world.id('none') })).rejects.toEqual(refused('not_found'))
    await set('update network set state = $1 where id = $2', 'paused', world.network.id)
    await set('update member set standing = $1 where id = $2', 'left', world.member('mill').id)
    await expect(accept()).rejects.toEqual(refused('network_paused'))
    await set('update network set state = $1 where id = $2', 'open', world.network.id)
    await expect(accept()).rejects.toMatchObject({ code: 'member_not_admitted', facts: { member: 'The mill' } })
    await set('update member set standing = $1 where id = $2', 'suspended', world.member('mill').id) // May sell, not buy.
    await set('update member set standing = $1 where id = $2', 'suspended', world.member('bakery').id)
    await expect(accept()).rejects.toMatchObject({ code: 'member_may_not_buy', facts: { member: 'The bakery' } })
    await set('update member set standing = $1 where id = $2', 'admitted', world.member('bakery').id)
    await on.worker((tx) =>
      openDispute(tx, on.clock, {
        networkId: world.network.id,
        tradeId: trade.id,
        organisationId: null,
        words: 'Not what I ordered',
        actor: 'per_bakery',
      }),
    )
    const life = await world.read(trade)
    await set('update trade set lapses_at = $1 where id = $2', '2026-11-02T10:00:00Z', trade.id)
    await expect(accept()).rejects.toEqual(refused('trade_lapsed'))
    await set('update trade set lapses_at = $1 where id = $2', life.lapsesAt, trade.id)
    await expect(accept({ side: 'buyer', confirmTreatment: false })).rejects.toEqual(refused('not_yours_to_answer'))
    await expect(accept({ side: 'convener' })).rejects.toEqual(refused('not_yours_to_answer'))
    await expect(accept({ confirmTreatment: false })).rejects.toEqual(refused('treatment_not_confirmed'))
    await expect(accept()).rejects.toEqual(refused('trade_disputed'))
    await set('update trade set disputed = $1 where id = $2', false, trade.id)
    await expect(accept()).rejects.toMatchObject({
      code: 'credit_limit_exceeded',
      facts: { afterMinor: '-10001', limitMinor: '-10000' },
    })
    expect(await world.ledgerTable()).toBe('no entries')
    expect(await world.bookTable('mill')).toBe('nothing')
    expect(await world.read(trade)).toMatchObject({ state: 'proposed', invoiceNumber: null })
  })
  test('an answered trade is not answered again by another; the same one is told what it did', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const trade = await world.sale('mill', 'bakery')
    await expect(world.accept(trade, { actor: 'per_stranger' })).rejects.toMatchObject({
      code: 'trade_not_open',
      facts: { state: 'accepted' },
    })
    expect(await world.accept(trade)).toMatchObject({ replayed: true, invoiceNumber: trade.invoiceNumber })
    expect(await world.balance('mill')).toBe(100_000n)
  })
  test('the status that SQL keeps for a refusal is the one that people see', async () => {
    const { rows } = await on.db.pool.query<{ code: string; status: number }>(
      'select code, refusal_status(code) as status from unnest($1::text[]) code',
      [refusalCodes],
    )
    const asked = new Set([
      'key_of_other_body',
      'not_found',
      'network_paused',
      'member_not_admitted',
      'member_may_not_buy',
      'trade_not_open',
      'trade_lapsed',
      'not_yours_to_answer',
      'not_yours_to_withdraw',
      'treatment_not_confirmed',
      'trade_disputed',
      'trade_not_accepted',
      'trade_already_reversed',
      'reversal_needs_both',
      'reason_missing',
      'consent_used_up',
    ])
    const ledger = refusalCodes.slice(
      refusalCodes.indexOf('transfer_of_other_content'),
      refusalCodes.indexOf('slug_taken'),
    )
    for (const { code, status } of rows)
      if (asked.has(code) || (ledger as string[]).includes(code))
        expect([code, status]).toEqual([code, new Refusal(code as never, {}).status])
  })
})

describe('many at once', () => {
  test('a bad one never spoils its neighbours, and the same trade twice in one call is accepted once', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 10_000n } })
    const asks = [6000n, 5000n, 4000n].map((net) => world.ask('mill', 'bakery', { net }))
    const trades = []
    for (const ask of asks) trades.push(await world.propose(ask))
    const [first, second, third] = trades as [(typeof trades)[0], (typeof trades)[0], (typeof trades)[0]]
    const results = await Promise.allSettled([first, second, first, third].map((trade) => world.accept(trade)))
    expect(results.map((one) => (one.status === 'fulfilled' ? one.value.invoiceNumber : one.reason.code))).toEqual([
      'MILL00001',
      'credit_limit_exceeded',
      'MILL00001',
      'MILL00002',
    ])
    expect(await world.balance('bakery')).toBe(-10_000n)
    expect(await world.brokenTruths()).toEqual([])
  })
  test('fault 59: two processes racing for the last credit never pass the limit, and numbers are given once', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 10_000n } })
    const other = openDb(on.db.url, { connections: 2, writers: 2 })
    const lanes = [world.acceptances, acceptancesOf(other)]
    const trades = []
    for (let turn = 0; turn < 16; turn += 1)
      trades.push(await world.propose(world.ask('mill', 'bakery', { net: 1000n })))
    const results = await Promise.allSettled(
      [...trades, ...trades].map((trade, place) =>
        recordTrade(
          { acceptances: lanes[place % 2] as (typeof lanes)[0] },
          {
            networkId: world.network.id,
            tradeId: trade.id,
            actor: 'per_other',
            side: 'buyer',
            confirmTreatment: false,
          },
        ),
      ),
    )
    await other.close()
    const done = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const fresh = done.filter((one) => !one.replayed)
    expect(fresh.length).toBe(10)
    expect(new Set(fresh.map((one) => one.invoiceNumber)).size).toBe(10)
    expect(await world.balance('bakery')).toBe(-10_000n)
    expect(await world.brokenTruths()).toEqual([])
  })
})

describe('the answer is kept in the same commit', () => {
  const kept = (key: string, hash = 'ab') => ({
    actor: 'key_1',
    route: 'post /trades/{id}/accept',
    key,
    bodyHash: hash,
    template: { id: 'trd_x' },
    status: 200,
  })
  const stored = async (key: string) =>
    (await on.db.pool.query('select status, body from answer where key = $1', [key])).rows[0]
  test('a yes with its template; the same key again is told the same', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const trade = await world.propose(world.ask('mill', 'bakery'))
    const answer = kept(trade.id)
    const first = await world.accept(trade, { answer })
    expect(await stored(trade.id)).toMatchObject({
      status: 200,
      body: { id: 'trd_x', state: 'accepted', invoiceNumber: 'MILL00001', bookedOn: today },
    })
    expect(await world.accept(trade, { answer })).toMatchObject({
      replayed: true,
      acceptedAt: first.acceptedAt,
      invoiceNumber: 'MILL00001',
    })
    await expect(world.accept(trade, { answer: kept(trade.id, 'cd') })).rejects.toMatchObject({
      code: 'key_of_other_body',
    })
  })
  test('a no by a rule is kept, with its numbers, even when the rule would now say yes; a 403 is not', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 10n } })
    const trade = await world.propose(world.ask('mill', 'bakery'))
    await expect(world.accept(trade, { side: 'seller', answer: kept(`${trade.id} 403`) })).rejects.toMatchObject({
      code: 'not_yours_to_answer',
    })
    expect(await stored(`${trade.id} 403`)).toBeUndefined()
    const asking = () => world.accept(trade, { answer: kept(trade.id) })
    await expect(asking()).rejects.toMatchObject({ code: 'credit_limit_exceeded' })
    await on.db.pool.query('update account set floor_minor = null where id = $1', [world.member('bakery').accountId])
    await expect(asking()).rejects.toMatchObject({ code: 'credit_limit_exceeded', facts: { limitMinor: '-10' } })
    expect((await stored(trade.id)).status).toBe(409)
    await world.accept(trade)
  })
})

test('a past carried over has its own ledger day, no papers and no run of numbers; twice is once', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} }, { fees: [fee('seller')] })
  const row = async (net: bigint, bookedOn: string, invoiceNumber: string | null = null) => {
    const ask = world.ask('mill', 'bakery', {
      id: world.id(`line ${net}`),
      net,
      tradedOn: bookedOn,
      source: 'import',
      ledgerOnly: true,
      invoiceNumber,
    })
    const parties = await on.worker((tx) => partiesOf(tx, ask))
    const proposal = proposalOf(parties, ask, on.clock.now())
    return recordTrade(world, {
      networkId: world.network.id,
      tradeId: ask.id,
      actor: 'per_convener',
      side: 'import',
      confirmTreatment: true,
      bookedOn,
      proposal,
    })
  }
  expect(await row(1000n, '2025-01-05')).toMatchObject({ bookedOn: '2025-01-05', invoiceNumber: null, replayed: false })
  expect(await row(2000n, '2025-02-05', 'OLD-7')).toMatchObject({ invoiceNumber: 'OLD-7' })
  expect(await row(1000n, '2025-01-05')).toMatchObject({ replayed: true, bookedOn: '2025-01-05' })
  await expect(row(3000n, '2025-02-04')).rejects.toMatchObject({ code: 'day_runs_backwards' })
  await expect(row(900_000_000n, '2025-03-01')).rejects.toMatchObject({ code: 'credit_limit_exceeded' })
  expect(await world.balance('mill')).toBe(3600n) // Net and VAT, all in credits.
  expect(await world.bookTable('mill')).toBe('nothing')
  const { rows } = await on.db.pool.query('select count(*)::int as trades from trade where network_id = $1', [
    world.network.id,
  ])
  expect(rows[0].trades).toBe(2)
})

test('a soft limit passed is told in the answer and stands in the trail', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 10_000n } })
  const trade = await world.propose(world.ask('mill', 'bakery', { net: 9000n }))
  expect((await world.accept(trade)).warnings).toMatchObject([{ kind: 'soft_floor', balanceMinor: '-9000' }])
  const { rows } = await on.db.pool.query(
    "select what from deed where network_id = $1 and facts ->> 'tradeId' = $2 order by what",
    [world.network.id, trade.id],
  )
  expect(rows.map((row) => row.what)).toEqual(['soft_floor_passed', 'trade_accepted', 'trade_proposed'])
})

test('an invoice that one trade has linked is not paid a second time by another', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const linkedInvoice = {
    id: '12',
    number: 'M-12',
    datedOn: '2026-10-12',
    totalMinor: 120_000n,
    openMinor: 120_000n,
  }
  const part = { creditMinor: 40_000n }
  const first = await world.sale('mill', 'bakery', { linkedInvoice, part })
  await expect(world.sale('mill', 'bakery', { linkedInvoice, part })).rejects.toMatchObject({
    code: 'invoice_does_not_fit',
  })
  await world.reverse(first)
  await world.sale('mill', 'bakery', { linkedInvoice, part })
  expect(await world.balance('mill')).toBe(40_000n)
})
