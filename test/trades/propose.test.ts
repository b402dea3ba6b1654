import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expireHolds } from '../../src/ledger/hold.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { openDispute, resolveDispute, sayWord, wordsOf } from '../../src/trades/dispute.ts'
import { decline, lapseDue, withdraw } from '../../src/trades/propose.ts'
import { consentsOf, giveConsent, revokeConsent } from '../../src/trades/standing-consent.ts'
import { type Side, tradesOf } from '../../src/trades/trade.ts'
import { type SetUp, start } from '../networks/set-up.ts'
import { ground, type SmallWorld, smallWorld, today } from './small-world.ts'

let on: SetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const refused = (code: string) => expect.objectContaining({ code })
const closing = (world: SmallWorld, tradeId: string, side: Side) => ({
  networkId: world.network.id,
  tradeId,
  side,
  actor: `per_${side}`,
  reason: 'changed plans',
})

describe('a proposal', () => {
  test('is refused before it is written when a rule says no', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const ask = (more: object) => world.propose({ ...world.ask('mill', 'bakery'), ...more })
    await expect(ask({ buyerMemberId: world.member('mill').id })).rejects.toEqual(refused('trade_with_itself'))
    await expect(ask({ currency: 'EUR' })).rejects.toEqual(refused('currencies_differ'))
    await expect(ask({ description: '  ' })).rejects.toEqual(refused('text_does_not_fit'))
    await expect(ask({ tradedOn: '2026-02-30' })).rejects.toEqual(refused('day_not_real'))
    await expect(ask({ tradedOn: '2026-11-03' })).rejects.toEqual(refused('traded_in_future'))
    await expect(ask({ tradedOn: '2026-10-30', dueOn: '2026-10-29' })).rejects.toEqual(refused('due_before_sale'))
    const linked = { id: 'inv-1', number: 'A-1', datedOn: '2026-10-01', totalMinor: 120_000n, openMinor: 99_999n }
    await expect(ask({ linkedInvoice: linked })).rejects.toEqual(refused('invoice_does_not_fit'))
    await expect(ask({ linkedBill: { ...linked, openMinor: 120_000n, totalMinor: 120_001n } })).rejects.toEqual(
      refused('invoice_does_not_fit'),
    )
    await on.db.pool.query("update member set standing = 'suspended' where id = $1", [world.member('bakery').id])
    await expect(ask({})).rejects.toEqual(refused('member_may_not_buy'))
  })
  test('asked twice with one id is one trade, and the same id for another sale is refused', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const ask = world.ask('mill', 'bakery')
    const trade = await world.propose(ask)
    expect(await world.propose(ask)).toEqual(trade)
    await expect(
      world.propose({ ...ask, lines: [{ description: 'Rye', netMinor: 5n, treatment: 'standard' }] }),
    ).rejects.toEqual(refused('transfer_of_other_content'))
    expect(
      await on.worker((tx) =>
        tradesOf(tx, { networkId: world.network.id, memberId: world.member('mill').id, limit: 5 }),
      ),
    ).toEqual([trade])
  })
  test('keeps the terms under which it was made', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const trade = await world.propose(world.ask('mill', 'bakery'))
    await on.db.pool.query(
      'insert into network_terms select (jsonb_populate_record(t, jsonb_build_object(\'version\', 2, \'fees\', \'[{"side":"seller","basisPoints":1000,"fixedMinor":"0","mode":"credits","words":""}]\'::jsonb))).* from network_terms t where network_id = $1',
      [world.network.id],
    )
    await world.accept(trade)
    expect(await world.balance('mill')).toBe(100_000n)
    expect((await world.sale('mill', 'bakery')).termsVersion).toBe(2)
    expect(await world.balance('mill')).toBe(190_000n)
  })
  test('is declined by the other side only, withdrawn by its own only, once', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const trade = await world.propose(world.ask('mill', 'bakery'))
    await expect(decline(world, closing(world, trade.id, 'seller'))).rejects.toEqual(refused('not_yours_to_answer'))
    await expect(withdraw(world, closing(world, trade.id, 'buyer'))).rejects.toEqual(refused('not_yours_to_withdraw'))
    expect(await decline(world, closing(world, trade.id, 'buyer'))).toMatchObject({
      state: 'declined',
      decidedReason: 'changed plans',
    })
    await expect(withdraw(world, closing(world, trade.id, 'seller'))).rejects.toMatchObject({
      code: 'trade_not_open',
      facts: { state: 'declined' },
    })
    expect((await decline(world, closing(world, trade.id, 'buyer'))).state).toBe('declined')
    await expect(world.accept(trade)).rejects.toEqual(refused('trade_not_open'))
  })
  test('lapses at the end of its life, unless it is in dispute', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const [plain, disputed] = [
      await world.propose(world.ask('mill', 'bakery')),
      await world.propose(world.ask('mill', 'bakery')),
    ]
    const said = {
      networkId: world.network.id,
      tradeId: disputed.id,
      organisationId: null,
      words: 'Wait',
      actor: 'per_bakery',
    }
    await on.worker((tx) => openDispute(tx, on.clock, said))
    expect(await lapseDue(world)).toBe(0)
    await on.travelTo(new Date('2026-11-16T10:00:00Z'))
    await expect(world.accept(plain)).rejects.toEqual(refused('trade_lapsed'))
    expect(await lapseDue(world)).toBeGreaterThan(0) // Other tests' proposals lapse with it.
    expect([(await world.read(plain)).state, (await world.read(disputed)).state]).toEqual(['lapsed', 'proposed'])
    await on.travelTo(start)
  })
})

describe('a buyer who proposes may have the part in credits reserved', () => {
  const reserved = async () => {
    const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 100_000n } })
    const trade = await world.propose(world.ask('mill', 'bakery', { proposedBy: 'buyer', reserve: true }))
    return { world, trade }
  }
  const headroom = async (world: SmallWorld) =>
    (await world.sale('mill', 'bakery', { net: 1n }).catch((error) => error.code)) as unknown
  test('which acceptance posts, whatever the limit has become', async () => {
    const { world, trade } = await reserved()
    expect(await headroom(world)).toBe('credit_limit_exceeded')
    await on.db.pool.query('update account set floor_minor = 0 where id = $1', [world.member('bakery').accountId])
    await world.accept(trade, { side: 'seller' })
    expect(await world.balance('bakery')).toBe(-100_000n)
    await world.reverse(trade)
    expect(await world.balance('bakery')).toBe(0n)
    expect(await world.brokenTruths()).toEqual([])
  })
  test('and it lapses even when the hold has run out a moment before', async () => {
    const { world, trade } = await reserved()
    const postings = postingsOf(on.db)
    await on.travelTo(new Date('2026-11-16T10:00:00Z'))
    expect(await expireHolds({ db: on.db, postings })).toBeGreaterThan(0)
    await lapseDue(world)
    expect((await world.read(trade)).state).toBe('lapsed')
    await on.travelTo(start)
  })

  test.each(['decline', 'withdraw', 'lapse'] as const)('and %s frees it', async (how) => {
    const { world, trade } = await reserved()
    if (how === 'decline') await decline(world, closing(world, trade.id, 'seller'))
    if (how === 'withdraw') await withdraw(world, closing(world, trade.id, 'buyer'))
    if (how === 'lapse') {
      await on.travelTo(new Date('2026-11-16T10:00:00Z'))
      await lapseDue(world)
      await on.travelTo(start)
    }
    expect(await headroom(world)).toMatchObject({ state: 'accepted' })
    expect(await world.brokenTruths()).toEqual([])
  })
  test('and it is refused when there is no headroom, leaving no trade', async () => {
    const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 10n } })
    const ask = world.ask('mill', 'bakery', { proposedBy: 'buyer', reserve: true })
    await expect(world.propose(ask)).rejects.toEqual(refused('credit_limit_exceeded'))
    await expect(world.read(ask)).rejects.toEqual(refused('not_found'))
  })
})

describe('a standing consent', () => {
  const consenting = async (aMonthMinor: bigint) => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const [memberId, fromMemberId] = [world.member('bakery').id, world.member('mill').id]
    const consent = await on.worker((tx) =>
      giveConsent(tx, on.clock, {
        networkId: world.network.id,
        memberId,
        fromMemberId,
        side: 'buyer',
        aMonthMinor,
        actor: 'per_bakery',
      }),
    )
    return { world, consent }
  }
  const state = async (world: SmallWorld, net: bigint) =>
    (await world.propose(world.ask('mill', 'bakery', { net }))).state
  test('accepts at once up to its sum of the month, then the proposal waits', async () => {
    const { world, consent } = await consenting(1000n)
    expect(await state(world, 600n)).toBe('accepted')
    expect(await state(world, 401n)).toBe('proposed')
    expect(await state(world, 400n)).toBe('accepted')
    expect(await state(world, 1n)).toBe('proposed')
    await on.travelTo(new Date('2026-12-01T10:00:00Z'))
    expect(await state(world, 1000n)).toBe('accepted')
    await on.travelTo(start)
    const [last] = await on.worker((tx) => tradesOf(tx, { networkId: world.network.id, state: 'accepted', limit: 1 }))
    expect(last).toMatchObject({ consentId: consent.id, decidedBy: 'quits' })
  })
  test('is for one direction, and ends when it is revoked', async () => {
    const { world, consent } = await consenting(1000n)
    expect((await world.propose(world.ask('bakery', 'mill', { net: 5n }))).state).toBe('proposed')
    const ask = { networkId: world.network.id, memberId: consent.memberId, consentId: consent.id, actor: 'per_bakery' }
    await on.worker((tx) => revokeConsent(tx, on.clock, ask))
    expect(await state(world, 5n)).toBe('proposed')
    expect(await on.worker((tx) => consentsOf(tx, world.network.id, consent.memberId))).toEqual([])
  })
  test('several at once never pass its sum', async () => {
    const { world } = await consenting(1000n)
    const states = await Promise.all(Array.from({ length: 8 }, () => state(world, 300n)))
    expect(states.filter((one) => one === 'accepted').length).toBe(3)
    expect(await world.balance('bakery')).toBe(-900n)
  })
  test('a limit refused under it leaves a proposal that waits for a person', async () => {
    const { world } = await consenting(10_000_000n)
    expect(await state(world, 1_000_001n)).toBe('proposed')
    expect(await world.balance('bakery')).toBe(0n)
  })
  test('keeps the caller’s answer with its yes', async () => {
    const { world } = await consenting(1000n)
    const ask = world.ask('mill', 'bakery', { net: 10n })
    const answer = {
      actor: 'key_9',
      route: 'post /trades',
      key: ask.id,
      bodyHash: 'ab',
      template: { id: 'trd_y' },
      status: 201,
    }
    const trade = await world.propose({ ...ask, answer } as never)
    const { rows } = await on.db.pool.query('select status, body from answer where key = $1', [ask.id])
    expect(rows).toMatchObject([{ status: 201, body: { id: 'trd_y', state: 'accepted' } }])
    expect(await world.propose({ ...ask, answer } as never)).toEqual(trade)
  })
})

test('words in a dispute are kept in order, and resolving it opens the trade again', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const trade = await world.propose(world.ask('mill', 'bakery'))
  const said = (words: string) => ({
    networkId: world.network.id,
    tradeId: trade.id,
    organisationId: world.member('bakery').organisationId,
    words,
    actor: 'per_bakery',
  })
  await on.worker((tx) => openDispute(tx, on.clock, said('Half is missing')))
  await on.travelTo(new Date(start.getTime() + 1000))
  await on.worker((tx) => sayWord(tx, on.clock, said('Sent today')))
  await expect(world.accept(trade)).rejects.toEqual(refused('trade_disputed'))
  await on.travelTo(new Date(start.getTime() + 2000))
  expect(await on.worker((tx) => resolveDispute(tx, on.clock, said('All there')))).toMatchObject({ disputed: false })
  await world.accept(trade)
  expect((await on.worker((tx) => wordsOf(tx, world.network.id, trade.id))).map((word) => word.what)).toEqual([
    'dispute',
    'word',
    'resolved',
  ])
  await expect(on.worker((tx) => sayWord(tx, on.clock, said(' ')))).rejects.toEqual(refused('text_does_not_fit'))
  await on.travelTo(start)
  expect(today).toBe('2026-11-02')
})
