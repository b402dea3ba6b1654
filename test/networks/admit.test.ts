import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeOff } from '../../src/fees/write-off.ts'
import { idOfCause, newId } from '../../src/kit/ids.ts'
import { post } from '../../src/ledger/post.ts'
import { admit, release, restore, startLeaving, suspend } from '../../src/networks/admit.ts'
import { changeForm, reviewForm } from '../../src/networks/change-form.ts'
import { thawAtZero } from '../../src/networks/frozen.ts'
import { answerLimitAsk, askForLimit } from '../../src/networks/limit-ask.ts'
import { limitHistory, setLimits } from '../../src/networks/limits.ts'
import { type Member, memberOf, type Standing, standingMoves, standings } from '../../src/networks/member.ts'
import type { Network } from '../../src/networks/network.ts'
import { newTerms } from '../../src/networks/terms.ts'
import { formOf, type SetUp, setUp } from './set-up.ts'

let world: SetUp
let network: Network
let mill: Member
beforeAll(async () => {
  world = await setUp()
  network = await world.network()
  mill = await world.member(network, 'Mill')
})
afterAll(() => world.end())

const read = (member: Member) => world.worker((tx) => memberOf(tx, network.id, member.id))
const pay = (buyer: Member, seller: Member, amountMinor: bigint) => {
  const id = newId(world.clock.now())
  const [debit, credit] = [buyer.accountId, seller.accountId]
  const transfer = { id, kind: 'trade' as const, debit, credit, amountMinor, causeKind: 'trade', causeId: id }
  return post(world, network.id, { id: idOfCause('posting', id), transfers: [transfer] })
}
const by = (member: Member, reason = 'as agreed') => ({
  networkId: network.id,
  memberId: member.id,
  reason,
  actor: 'per_convener',
})
const limits = (member: Member, change: object) =>
  world.worker((tx) => setLimits(tx, world.clock, { ...by(member), ...change }))
const leave = (member: Member) => world.worker((tx) => startLeaving(tx, world.clock, by(member)))

test('admission gives the usual limits of the terms and their warning lines, and says so by mail', async () => {
  const bakery = await world.member(network, 'Bakery')
  expect(bakery).toMatchObject({
    standing: 'admitted',
    account: {
      creditLimitMinor: 100_000n,
      exposureLimitMinor: 500_000n,
      softCreditLimitMinor: 80_000n,
      softExposureLimitMinor: 400_000n,
      frozen: false,
      neverBelowZero: false,
    },
  })
  const history = await world.worker((tx) =>
    limitHistory(tx, { networkId: network.id, memberId: bakery.id, limit: 10 }),
  )
  expect(history.map(({ what, fromMinor, toMinor }) => [what, fromMinor, toMinor]).sort()).toEqual([
    ['credit_limit', 0n, 100_000n],
    ['exposure_limit', 0n, 500_000n],
  ])
  expect((await world.mails('admitted')).at(-1)?.body).toContain('£5,000.00')
})

test('a restricted member is admitted without credit, and gets none later', async () => {
  const baker = await world.member(network, 'Sole Baker', formOf('sole_trader'))
  expect(baker.account).toMatchObject({ creditLimitMinor: 0n, exposureLimitMinor: 500_000n, neverBelowZero: true })
  await expect(limits(baker, { creditLimitMinor: 1n })).rejects.toMatchObject({ code: 'restricted_has_no_credit' })
  await expect(pay(baker, mill, 1n)).rejects.toMatchObject({ code: 'legal_floor' })
})

test('limits move within the terms, with a reason, and every change is kept', async () => {
  const joiner = await world.member(network, 'Joiner')
  await expect(limits(joiner, { creditLimitMinor: 1n, reason: ' ' })).rejects.toMatchObject({ code: 'reason_missing' })
  const most = { code: 'limit_above_terms', facts: { mostMinor: '2500000' } }
  await expect(limits(joiner, { creditLimitMinor: 2_500_001n })).rejects.toMatchObject(most)
  await expect(limits(joiner, { exposureLimitMinor: -1n })).rejects.toMatchObject({ code: 'limit_above_terms' })
  const after = await limits(joiner, { creditLimitMinor: 20_000n })
  expect(after.account).toMatchObject({
    creditLimitMinor: 20_000n,
    softCreditLimitMinor: 16_000n,
    exposureLimitMinor: 500_000n,
  })
  await expect(pay(joiner, mill, 20_001n)).rejects.toMatchObject({ code: 'credit_limit_exceeded' })
  const history = await world.worker((tx) => limitHistory(tx, { networkId: network.id, memberId: joiner.id, limit: 1 }))
  expect(history).toMatchObject([{ what: 'credit_limit', fromMinor: 100_000n, toMinor: 20_000n, reason: 'as agreed' }])
})

test('a new warning percentage moves the warning lines and no limit', async () => {
  const other = await world.network()
  const member = await world.member(other, 'Weaver')
  await world.worker((tx) =>
    newTerms(tx, world.clock, { networkId: other.id, change: { softLimitBasisPoints: 5_000 }, actor: 'per_x' }),
  )
  const { account } = await world.worker((tx) => memberOf(tx, other.id, member.id))
  expect(account).toMatchObject({
    creditLimitMinor: 100_000n,
    softCreditLimitMinor: 50_000n,
    softExposureLimitMinor: 250_000n,
  })
})

test('a suspended member sells but does not buy; restored, it buys again unless a convener froze it besides', async () => {
  const smith = await world.member(network, 'Smith')
  await world.worker((tx) => suspend(tx, world.clock, by(smith)))
  await expect(pay(smith, mill, 10n)).rejects.toMatchObject({ code: 'account_frozen' })
  await pay(mill, smith, 10n)
  await limits(smith, { frozen: true })
  await world.worker((tx) => restore(tx, world.clock, by(smith)))
  expect(await read(smith)).toMatchObject({ standing: 'admitted', account: { frozen: true } })
  await limits(smith, { frozen: false })
  await pay(smith, mill, 10n)
})

test('a member that becomes restricted while it owes is frozen until it is at zero, and told so', async () => {
  const partners = await world.member(network, 'Four Partners', formOf('partnership', 4))
  await pay(partners, mill, 5_000n)
  const fewer = { organisationId: partners.organisationId, form: formOf('partnership', 3), actor: 'per_owner' }
  const changed = await world.worker((tx) => changeForm(tx, world.clock, fewer))
  expect(changed).toMatchObject({ restricted: true, partners: 3 })
  expect(changed.reviewDueAt).not.toBeNull()
  expect((await read(partners)).account).toMatchObject({ creditLimitMinor: 0n, neverBelowZero: true, frozen: true })
  const mail = (await world.mails('frozen_by_form')).at(-1)
  expect(mail?.body).toContain('−£50.00')
  const history = await world.worker((tx) =>
    limitHistory(tx, { networkId: network.id, memberId: partners.id, limit: 3 }),
  )
  expect(history.map((one) => one.what).sort()).toEqual(['credit_limit', 'frozen', 'legal_floor'])

  await expect(pay(partners, mill, 1n)).rejects.toThrow()
  await pay(mill, partners, 4_999n)
  await thawAtZero(world)
  expect((await read(partners)).account.frozen).toBe(true)
  await pay(mill, partners, 51n)
  expect(await thawAtZero(world)).toBe(1)
  expect((await read(partners)).account).toMatchObject({ frozen: false, neverBelowZero: true })
  await pay(partners, mill, 50n)
  await expect(pay(partners, mill, 1n)).rejects.toMatchObject({ code: 'legal_floor' })
})

test('a member that becomes free keeps its legal floor until a convener has looked', async () => {
  const trader = await world.member(network, 'Founder', formOf('sole_trader'))
  const founded = { organisationId: trader.organisationId, form: formOf('company'), actor: 'per_owner' }
  await world.worker((tx) => changeForm(tx, world.clock, founded))
  expect((await read(trader)).account.neverBelowZero).toBe(true)
  await expect(limits(trader, { creditLimitMinor: 1n })).rejects.toMatchObject({ code: 'restricted_has_no_credit' })
  await world.worker((tx) =>
    reviewForm(tx, world.clock, { organisationId: trader.organisationId, actor: 'per_convener' }),
  )
  const reviewed = await read(trader)
  expect(reviewed.account.neverBelowZero).toBe(false)
  expect(reviewed.organisation.reviewDueAt).toBeNull()
  expect((await limits(trader, { creditLimitMinor: 1_000n })).account.creditLimitMinor).toBe(1_000n)
})

test('a leaver’s balance moves only towards zero, is written off once, and then it has left', async () => {
  const leaver = await world.member(network, 'Leaver')
  await pay(leaver, mill, 300n)
  await leave(leaver)
  await expect(pay(leaver, mill, 1n)).rejects.toMatchObject({ code: 'credit_limit_exceeded' })
  await expect(pay(mill, leaver, 301n)).rejects.toMatchObject({ code: 'exposure_limit_exceeded' })
  await pay(mill, leaver, 100n)
  const released = () => world.worker((tx) => release(tx, world.clock, by(leaver)))
  await expect(released()).rejects.toMatchObject({ code: 'balance_not_zero', facts: { balanceMinor: '-200' } })
  await writeOff(world, by(leaver, 'insolvent'))
  expect((await read(leaver)).account.balanceMinor).toBe(0n)
  await expect(writeOff(world, by(leaver))).rejects.toMatchObject({ code: 'amount_must_be_positive' })
  expect(await released()).toMatchObject({ standing: 'left' })
  const sums = await world.worker((tx) => tx.account.findMany({ where: { networkId: network.id } }))
  expect(sums.reduce((sum, one) => sum + one.balanceMinor, 0n)).toBe(0n)
})

test('credit left behind is written off into the reserve, though the leaver is frozen', async () => {
  const leaver = await world.member(network, 'Rich Leaver')
  await pay(mill, leaver, 70n)
  await limits(leaver, { frozen: true })
  await leave(leaver)
  await writeOff(world, by(leaver, 'given up'))
  expect((await read(leaver)).account.balanceMinor).toBe(0n)
})

test('only a leaver’s balance is written off', async () => {
  const member = await world.member(network, 'Stayer')
  await pay(member, mill, 5n)
  await expect(writeOff(world, by(member))).rejects.toMatchObject({ code: 'standing_does_not_allow' })
})

test('who stays after all gets the limits back that leaving took', async () => {
  const member = await world.member(network, 'Waverer')
  await limits(member, { creditLimitMinor: 33_000n })
  await leave(member)
  await expect(limits(member, { creditLimitMinor: 1n })).rejects.toMatchObject({ code: 'standing_does_not_allow' })
  await world.worker((tx) => restore(tx, world.clock, by(member)))
  expect((await read(member)).account).toMatchObject({ creditLimitMinor: 33_000n, exposureLimitMinor: 500_000n })
})

test('no other move of a standing is made than the table’s', async () => {
  const moves: Partial<Record<Standing, (member: Member) => Promise<Member>>> = {
    admitted: (member) => world.worker((tx) => restore(tx, world.clock, by(member))),
    suspended: (member) => world.worker((tx) => suspend(tx, world.clock, by(member))),
    leaving: leave,
    left: (member) => world.worker((tx) => release(tx, world.clock, by(member))),
  }
  const member = await world.member(network, 'Mover')
  for (const from of standings)
    for (const [to, move] of Object.entries(moves) as [Standing, (member: Member) => Promise<Member>][]) {
      await world.worker((tx) =>
        tx.member.update({
          where: { networkId_id: { networkId: network.id, id: member.id } },
          data: { standing: from },
        }),
      )
      const allowed = (standingMoves[from] as readonly Standing[]).includes(to)
      // Admission is a move of its own; restore is only for those who were members.
      const isRestore = to !== 'admitted' || from === 'suspended' || from === 'leaving'
      const outcome = await move(member).then(
        () => true,
        (error) => {
          expect(error).toMatchObject({ code: 'standing_does_not_allow' })
          return false
        },
      )
      expect([from, to, outcome]).toEqual([from, to, allowed && isRestore])
    }
  await world.worker((tx) =>
    tx.member.update({
      where: { networkId_id: { networkId: network.id, id: member.id } },
      data: { standing: 'admitted' },
    }),
  )
  await expect(world.worker((tx) => admit(tx, world.clock, by(member)))).rejects.toMatchObject({
    code: 'standing_does_not_allow',
  })
})

test('a member asks for more; the convener grants once, with words, and the limit follows', async () => {
  const asker = await world.member(network, 'Asker')
  const ask = { networkId: network.id, memberId: asker.id, toMinor: 150_000n, why: 'a big order', actor: 'per_owner' }
  const tooMuch = world.worker((tx) => askForLimit(tx, world.clock, { ...ask, toMinor: 9_000_000n }))
  await expect(tooMuch).rejects.toMatchObject({ code: 'limit_above_terms' })
  const asked = await world.worker((tx) => askForLimit(tx, world.clock, ask))
  const answer = {
    networkId: network.id,
    askId: asked.id,
    grant: true,
    words: 'sales are steady',
    actor: 'per_convener',
  }
  expect(await world.worker((tx) => answerLimitAsk(tx, world.clock, answer))).toMatchObject({ state: 'granted' })
  expect((await read(asker)).account.creditLimitMinor).toBe(150_000n)
  expect((await world.mails('limit_answered')).at(-1)?.subject).toContain('£1,500.00')
  await expect(world.worker((tx) => answerLimitAsk(tx, world.clock, answer))).rejects.toMatchObject({
    code: 'limit_ask_closed',
  })
})
