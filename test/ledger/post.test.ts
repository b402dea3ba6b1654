import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import { idOfCause } from '../../src/kit/ids.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { accountOf } from '../../src/ledger/account.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { table } from '../support/tables.ts'
import { databaseWithClock, firstInstant, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

const refusal = (code: string, facts?: object) => (facts ? { code, facts: expect.objectContaining(facts) } : { code })

test('a sale debits the buyer, credits the seller and leaves a chain that can be worked out again', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const posted = await ledger.sale('flour', 'bakery', 'mill', 4000n)
  expect(posted).toMatchObject({ replayed: false, bookedOn: '2026-03-02', recordedAt: firstInstant, warnings: [] })
  expect(posted.transfers).toMatchObject([{ number: 1, leftOut: false }])
  expect(await ledger.table()).toBe(table`
    transfer  account  debit  credit  balance
    trade 1   bakery   40.00          -40.00
    trade 1   mill            40.00    40.00
  `)
  expect(await ledger.brokenTruths()).toEqual([])
})

test('the same posting again gets the first answer, in the same call and in a later one', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const ask = ledger.posting('flour', [ledger.transfer('flour', 'bakery', 'mill', 4000n)])
  const answers = await ledger.together([ask, ask, ask])
  await ground.setClock(new Date('2026-03-05T09:00:00.000Z'))
  answers.push(...(await ledger.together([ask])))
  await ground.setClock(firstInstant)
  expect(answers.map((answer) => answer.ok && answer.replayed)).toEqual([false, true, true, true])
  expect(new Set(answers.map((answer) => answer.ok && `${answer.bookedOn} ${answer.recordedAt}`)).size).toBe(1)
  expect(answers.map((answer) => answer.ok && answer.transfers)).toEqual(
    Array(4).fill([{ id: ask.transfers[0]?.id, number: 1, leftOut: false }]),
  )
  expect(await ledger.balance('mill')).toBe(4000n)
})

describe('the same id with other content is refused', () => {
  const others: [string, (ledger: SmallLedger) => Promise<unknown>][] = [
    ['another amount', (ledger) => ledger.sale('flour', 'bakery', 'mill', 4001n)],
    ['another way', (ledger) => ledger.sale('flour', 'mill', 'bakery', 4000n)],
    ['another kind', (ledger) => ledger.sale('flour', 'bakery', 'mill', 4000n, { kind: 'fee' })],
    ['another cause', (ledger) => ledger.sale('flour', 'bakery', 'mill', 4000n, { causeId: idOfCause('other') })],
    ['another day', (ledger) => ledger.sale('flour', 'bakery', 'mill', 4000n, {}, { bookedOn: '2026-03-01' })],
    ['another posting', (ledger) => ledger.sale('flour', 'bakery', 'mill', 4000n, {}, { id: idOfCause('other') })],
    [
      'a second transfer beside it',
      (ledger) =>
        ledger.post(
          ledger.posting('flour', [
            ledger.transfer('flour', 'bakery', 'mill', 4000n),
            ledger.transfer('fee', 'mill', 'fees', 10n),
          ]),
        ),
    ],
  ]
  test.each(others)('%s', async (_what, again) => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    await ledger.sale('flour', 'bakery', 'mill', 4000n)
    await expect(again(ledger)).rejects.toMatchObject(refusal('transfer_of_other_content'))
    expect(await ledger.balance('mill')).toBe(4000n)
  })
})

test('two contents under one id in one call: the first stands, the second is refused', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const first = ledger.posting('flour', [ledger.transfer('flour', 'bakery', 'mill', 4000n)])
  const second = ledger.posting('flour', [ledger.transfer('flour', 'bakery', 'mill', 5000n)])
  const doubled = ledger.posting('eggs', [
    ledger.transfer('eggs', 'bakery', 'mill', 100n),
    ledger.transfer('eggs', 'bakery', 'mill', 100n),
  ])
  expect(await ledger.together([first, second, doubled])).toMatchObject([
    { ok: true },
    { ok: false, code: 'transfer_of_other_content' },
    { ok: false, code: 'transfer_of_other_content' },
  ])
  expect(await ledger.balance('mill')).toBe(4000n)
})

test('an id refused in a call stands free for another posting of the same call', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: {} })
  const shared = ledger.transfer('shared', 'bakery', 'mill', 10n)
  const verdicts = await ledger.together([
    ledger.posting('a', [shared, ledger.transfer('too much', 'bakery', 'mill', 91n)]),
    ledger.posting('b', [shared]),
  ])
  expect(verdicts).toMatchObject([
    { ok: false, code: 'credit_limit_exceeded' },
    { ok: true, transfers: [{ number: 1 }] },
  ])
  expect(await ledger.brokenTruths()).toEqual([])
})

test('a refused id may be asked again, and stands once the limit allows it', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: {} })
  await expect(ledger.sale('flour', 'bakery', 'mill', 101n)).rejects.toMatchObject(refusal('credit_limit_exceeded'))
  await ledger.setLimits('bakery', { floor_minor: -200 })
  await ledger.sale('flour', 'bakery', 'mill', 101n)
  expect(await ledger.balance('bakery')).toBe(-101n)
})

describe('refusals, in the order they are asked', () => {
  test('a transfer needs two accounts', async () => {
    const ledger = await smallLedger(db, { bakery: {} })
    await expect(ledger.sale('a', 'bakery', 'bakery', 0n)).rejects.toMatchObject(refusal('accounts_must_differ'))
  })
  test('fault 61: the amount is above zero', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    await expect(ledger.sale('a', 'bakery', 'mill', 0n)).rejects.toMatchObject(refusal('amount_must_be_positive'))
    await expect(ledger.sale('b', 'bakery', 'mill', -1n)).rejects.toMatchObject(refusal('amount_must_be_positive'))
  })
  test('fault 61: the amount is at most the largest', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    await expect(ledger.sale('a', 'bakery', 'mill', 10n ** 30n)).rejects.toMatchObject(refusal('amount_too_large'))
    await expect(ledger.sale('b', 'bakery', 'mill', 1_000_000_000_000n)).rejects.toMatchObject(
      refusal('amount_too_large'),
    )
    await ledger.sale('c', 'bakery', 'mill', 999_999_999_999n)
  })
  test('both accounts are of this network', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    const elsewhere = await smallLedger(db, { baker: {} })
    const stranger = elsewhere.account('baker')
    await expect(ledger.sale('a', 'bakery', 'mill', 5n, { credit: stranger })).rejects.toMatchObject(
      refusal('account_unknown', { accountId: stranger }),
    )
  })
  test('a day before the ledger’s is refused, and so is one that has not come', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    await ledger.sale('a', 'bakery', 'mill', 5n, {}, { bookedOn: '2025-12-31' })
    await expect(ledger.sale('b', 'bakery', 'mill', 5n, {}, { bookedOn: '2025-12-30' })).rejects.toMatchObject(
      refusal('day_runs_backwards', { bookedOn: '2025-12-31', askedOn: '2025-12-30' }),
    )
    await expect(ledger.sale('c', 'bakery', 'mill', 5n, {}, { bookedOn: '2026-03-03' })).rejects.toMatchObject(
      refusal('day_in_future'),
    )
    expect((await ledger.sale('d', 'bakery', 'mill', 5n)).bookedOn).toBe('2026-03-02')
  })
  test('the legal floor yields to nothing, before freeze and limit', async () => {
    const ledger = await smallLedger(db, {
      trader: { neverBelowZero: true, frozen: true, floorMinor: -1000n },
      mill: { ceilingMinor: 0n },
    })
    await expect(ledger.sale('a', 'trader', 'mill', 1n)).rejects.toMatchObject(
      refusal('legal_floor', { afterMinor: '-1' }),
    )
    await expect(
      ledger.sale('b', 'trader', 'mill', 1n, {}, { passCreditLimit: true, mayBuyFrozen: true }),
    ).rejects.toMatchObject(refusal('legal_floor'))
  })
  test('a frozen account may not be debited but may sell', async () => {
    const ledger = await smallLedger(db, { bakery: { frozen: true, floorMinor: 0n }, mill: {} })
    await expect(ledger.sale('a', 'bakery', 'mill', 1n)).rejects.toMatchObject(refusal('account_frozen'))
    await ledger.sale('b', 'mill', 'bakery', 1n)
    await ledger.sale('c', 'bakery', 'mill', 1n, {}, { mayBuyFrozen: true })
  })
  test('one penny past the credit limit is refused with the numbers, before the seller’s limit', async () => {
    const ledger = await smallLedger(db, { bakery: { floorMinor: -10_000n }, mill: { ceilingMinor: 5n } })
    await expect(ledger.sale('a', 'bakery', 'mill', 10_001n)).rejects.toMatchObject(
      refusal('credit_limit_exceeded', { afterMinor: '-10001', limitMinor: '-10000', headroomMinor: '10000' }),
    )
    expect(await ledger.table()).toBe('no entries')
  })
  test('one penny past the exposure limit is refused, the limit itself is not', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: { ceilingMinor: 500n } })
    await expect(ledger.sale('a', 'bakery', 'mill', 501n)).rejects.toMatchObject(
      refusal('exposure_limit_exceeded', { afterMinor: '501', limitMinor: '500' }),
    )
    await ledger.sale('b', 'bakery', 'mill', 500n)
  })
})

test('a limit lowered under the balance stops only the way on', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -1000n }, mill: {} })
  await ledger.sale('a', 'bakery', 'mill', 900n)
  await ledger.setLimits('bakery', { floor_minor: -100 })
  await expect(ledger.sale('b', 'bakery', 'mill', 1n)).rejects.toMatchObject(refusal('credit_limit_exceeded'))
  await ledger.sale('c', 'mill', 'bakery', 500n)
  expect(await ledger.balance('bakery')).toBe(-400n)
  expect(await ledger.brokenTruths()).toEqual(['no_posting_crossed_a_limit']) // No change of the limit is on record here.
})

describe('a posting stands or falls whole', () => {
  test('a trade falls with its fee', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: { floorMinor: 0n } })
    const ask = ledger.posting('flour', [
      ledger.transfer('flour', 'bakery', 'mill', 100n),
      ledger.transfer('fee', 'mill', 'fees', 101n),
    ])
    await expect(ledger.post(ask)).rejects.toMatchObject(refusal('credit_limit_exceeded'))
    expect(await ledger.table()).toBe('no entries')
    expect(await ledger.read('mill')).toMatchObject({ version: 0n, balanceMinor: 0n })
  })
  test('a part marked optional is left out when refused, and the answer says so again', async () => {
    const ledger = await smallLedger(db, { trader: { neverBelowZero: true }, mill: {} })
    await ledger.sale('start', 'mill', 'trader', 1000n)
    const ask = ledger.posting('flour', [
      ledger.transfer('flour', 'trader', 'mill', 1000n),
      ledger.transfer('fee', 'trader', 'fees', 10n, { kind: 'fee', optional: true }),
    ])
    const first = await ledger.post(ask)
    expect(first.transfers).toMatchObject([
      { number: 2, leftOut: false },
      { number: null, leftOut: true },
    ])
    expect(await ledger.post(ask)).toMatchObject({ replayed: true, transfers: first.transfers })
    expect(await ledger.balance('trader')).toBe(0n)
    expect(await ledger.brokenTruths()).toEqual([])
  })
  test('a bad one between two good ones changes nothing for them', async () => {
    const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: {}, farm: {} })
    const verdicts = await ledger.together([
      ledger.posting('a', [ledger.transfer('a', 'bakery', 'mill', 60n)]),
      ledger.posting('b', [ledger.transfer('b1', 'mill', 'farm', 10n), ledger.transfer('b2', 'bakery', 'mill', 60n)]),
      ledger.posting('c', [ledger.transfer('c', 'bakery', 'mill', 40n)]),
    ])
    expect(verdicts.map((verdict) => (verdict.ok ? verdict.transfers[0]?.number : verdict.code))).toEqual([
      1,
      'credit_limit_exceeded',
      2,
    ])
    expect(await ledger.brokenTruths()).toEqual([])
    expect(await ledger.balance('farm')).toBe(0n)
  })
  test('something that no rule foresees fails its own caller alone', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    const verdicts = await Promise.allSettled([
      ledger.sale('a', 'bakery', 'mill', 1n),
      ledger.sale('b', 'bakery', 'mill', 1n, { kind: 'gift' as 'trade' }),
      ledger.sale('c', 'bakery', 'mill', 1n),
    ])
    expect(verdicts.map((verdict) => verdict.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((verdicts[1] as PromiseRejectedResult).reason).not.toBeInstanceOf(Refusal)
    expect(await ledger.balance('mill')).toBe(2n)
  })
})

describe('a reversal', () => {
  const undo = (ledger: SmallLedger, amount = 4000n, more = {}) =>
    ledger.sale(
      'undo',
      'mill',
      'bakery',
      amount,
      { kind: 'reversal', reversesId: idOfCause('transfer', ledger.networkId, 'flour') },
      more,
    )
  test('restores both balances and keeps both transfers; once', async () => {
    const ledger = await smallLedger(db, { bakery: { ceilingMinor: 0n }, mill: {} })
    await ledger.sale('flour', 'bakery', 'mill', 4000n)
    await undo(ledger)
    expect(await ledger.table()).toBe(table`
      transfer    account  debit  credit  balance
      trade 1     bakery   40.00          -40.00
      trade 1     mill            40.00    40.00
      reversal 1  mill     40.00            0.00
      reversal 1  bakery          40.00     0.00
    `)
    const again = ledger.sale('again', 'mill', 'bakery', 4000n, {
      kind: 'reversal',
      reversesId: idOfCause('transfer', ledger.networkId, 'flour'),
    })
    await expect(again).rejects.toMatchObject(refusal('transfer_already_reversed'))
    expect(await ledger.brokenTruths()).toEqual([])
  })
  test('must mirror what it names, and names something that moved', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    await expect(undo(ledger)).rejects.toMatchObject(refusal('transfer_unknown'))
    await ledger.sale('flour', 'bakery', 'mill', 4000n)
    await expect(undo(ledger, 3999n)).rejects.toMatchObject(refusal('transfer_unknown'))
    await undo(ledger)
    const back = ledger.sale('back', 'bakery', 'mill', 4000n, {
      kind: 'reversal',
      reversesId: idOfCause('transfer', ledger.networkId, 'undo'),
    })
    await expect(back).rejects.toMatchObject(refusal('transfer_unknown'))
  })
  test('names what it reverses, and what ends a hold names the hold', async () => {
    const ledger = await smallLedger(db, { bakery: { floorMinor: 0n }, mill: {} })
    const nameless = (kind: 'reversal' | 'hold_post') => ledger.sale(kind, 'bakery', 'mill', 4000n, { kind })
    await expect(nameless('reversal')).rejects.toMatchObject(refusal('transfer_unknown'))
    await expect(nameless('hold_post')).rejects.toMatchObject(refusal('hold_unknown'))
  })
  test('is the only kind that names what it reverses, as only what ends a hold names one', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    await ledger.sale('flour', 'bakery', 'mill', 4000n)
    const id = idOfCause('transfer', ledger.networkId, 'flour')
    for (const odd of [{ reversesId: id }, { holdId: id }])
      await expect(ledger.sale('odd', 'bakery', 'mill', 1n, odd)).rejects.toThrow(
        'a trade names what its kind does not',
      )
  })
  test('of a transfer of the same call, twice in it', async () => {
    const ledger = await smallLedger(db, { bakery: {}, mill: {} })
    const reversesId = idOfCause('transfer', ledger.networkId, 'flour')
    const verdicts = await ledger.together([
      ledger.posting('flour', [ledger.transfer('flour', 'bakery', 'mill', 5n)]),
      ledger.posting('one', [ledger.transfer('one', 'mill', 'bakery', 5n, { kind: 'reversal', reversesId })]),
      ledger.posting('two', [ledger.transfer('two', 'mill', 'bakery', 5n, { kind: 'reversal', reversesId })]),
    ])
    expect(verdicts).toMatchObject([{ ok: true }, { ok: true }, { ok: false, code: 'transfer_already_reversed' }])
  })
  test('is stopped by the seller’s credit limit unless the convener lets it pass, and never by a ceiling', async () => {
    const ledger = await smallLedger(db, {
      bakery: { ceilingMinor: 0n },
      mill: { floorMinor: 0n, frozen: true },
      farm: {},
    })
    await ledger.sale('flour', 'bakery', 'mill', 4000n)
    await ledger.setLimits('mill', { frozen: false })
    await ledger.sale('seed', 'mill', 'farm', 4000n)
    await ledger.sale('bread', 'farm', 'bakery', 4000n)
    await expect(undo(ledger)).rejects.toMatchObject(refusal('credit_limit_exceeded'))
    await undo(ledger, 4000n, { passCreditLimit: true })
    expect([await ledger.balance('mill'), await ledger.balance('bakery')]).toEqual([-4000n, 4000n])
  })
})

test('the soft limit is told once per deepening', async () => {
  const ledger = await smallLedger(db, { bakery: { softFloorMinor: -100n }, mill: { softCeilingMinor: 150n } })
  const kinds = async (name: string, from: string, to: string, amount: bigint) =>
    (await ledger.sale(name, from, to, amount)).warnings.map((warning) => `${warning.kind} ${warning.balanceMinor}`)
  expect(await kinds('a', 'bakery', 'mill', 100n)).toEqual([])
  expect(await kinds('b', 'bakery', 'mill', 1n)).toEqual(['soft_floor -101'])
  expect(await kinds('c', 'bakery', 'mill', 50n)).toEqual(['soft_floor -151', 'soft_ceiling 151'])
  expect(await kinds('d', 'mill', 'bakery', 10n)).toEqual([])
  const twice = [ledger.transfer('e', 'bakery', 'mill', 5n), ledger.transfer('f', 'bakery', 'mill', 10n)]
  expect((await ledger.post(ledger.posting('e', twice))).warnings).toMatchObject([
    { kind: 'soft_floor', balanceMinor: '-156' },
    { kind: 'soft_ceiling', balanceMinor: '156' },
  ])
})

test('fault 53: the ledger day is the network’s, and neither it nor the instant runs backwards with the clock', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} }, 'Pacific/Auckland')
  await ground.setClock(new Date('2026-03-02T12:30:00.000Z'))
  const first = await ledger.sale('a', 'bakery', 'mill', 1n)
  await ground.setClock(new Date('2026-03-01T00:00:00.000Z'))
  const second = await ledger.sale('b', 'bakery', 'mill', 1n)
  await ground.setClock(firstInstant)
  expect([first.bookedOn, second.bookedOn]).toEqual(['2026-03-03', '2026-03-03'])
  expect(second.recordedAt).toEqual(first.recordedAt)
})

test('thirty-two callers through two processes never cross a limit, and the numbers have no gap', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -1000n }, mill: {}, farm: { floorMinor: -1000n } })
  const other = openDb(db.url, { connections: 2, writers: 2 })
  const lanes = [ledger.postings, postingsOf(other)]
  const callers = Array.from({ length: 32 }, async (_none, caller) => {
    let accepted = 0
    for (let turn = 0; turn < 10; turn += 1) {
      const buyer = (caller + turn) % 2 === 0 ? 'bakery' : 'farm'
      const name = `${caller} ${turn}`
      const ask = ledger.posting(name, [ledger.transfer(name, buyer, 'mill', 7n)])
      const verdict = await (lanes[caller % 2] as (typeof lanes)[0]).add(ledger.networkId, ask)
      if (verdict.ok) accepted += 1
    }
    return accepted
  })
  const accepted = (await Promise.all(callers)).reduce((one, two) => one + two, 0)
  await other.close()
  expect(accepted).toBe(284) // 142 times 7 fit into 1000, for each of two buyers.
  expect(await ledger.balance('mill')).toBe(284n * 7n)
  expect(await ledger.brokenTruths()).toEqual([])
  const floor = await inTransaction(db, asWorker, (tx) => accountOf(tx, ledger.networkId, ledger.account('bakery')))
  expect(floor.balanceMinor).toBe(-994n)
})
