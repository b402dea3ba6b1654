/** What may be asked of a ledger: drawn by fast-check, most of it aimed at something that stands. */
import fc from 'fast-check'
import type { TransferKind } from '../../src/ledger/post.ts'
import { type Asked, balanceOf, heldOf, noRules, openHolds, type Part, type Rules, type World } from './plain-ledger.ts'

export const names = ['anna', 'bert', 'cleo', 'dora'] as const

export type LooseAsk = {
  what: 'ask'
  id: number
  parts: LoosePart[]
  day: number | null
  passCreditLimit: boolean
  mayBuyFrozen: boolean
}
type LoosePart = {
  pick: number
  kind: TransferKind
  from: string
  to: string
  amount: number
  large: number
  names: number
  name: number
  hours: number | null
  promised: boolean
  optional: boolean
}
export type Again = { what: 'again'; back: number }
export type LimitStep = { what: 'limits'; name: string } & Omit<
  Rules,
  'floor' | 'ceiling' | 'softFloor' | 'softCeiling'
> & {
    floor: number | null
    ceiling: number | null
    soft: number | null
  }
export type ClockStep = { what: 'clock'; hours: number }

const someone = fc.constantFrom<string>(...names)
const kind = fc.constantFrom<TransferKind>(
  ...([
    'trade',
    'trade',
    'trade',
    'trade',
    'fee',
    'hold',
    'hold',
    'hold_post',
    'hold_post',
    'hold_release',
    'hold_expire',
  ] as const),
  ...(['reversal', 'reversal'] as const),
)
const part: fc.Arbitrary<LoosePart> = fc.record({
  pick: fc.nat(9),
  kind,
  from: fc.oneof({ weight: 40, arbitrary: someone }, { weight: 1, arbitrary: fc.constant('nobody') }),
  to: someone,
  amount: fc.nat(60),
  large: fc.nat(60),
  names: fc.nat(20),
  name: fc.nat(24),
  hours: fc.option(fc.integer({ min: -6, max: 8 }), { freq: 6 }),
  promised: fc.boolean(),
  optional: fc.boolean(),
})
export const ask: fc.Arbitrary<LooseAsk> = fc.record({
  what: fc.constant('ask' as const),
  id: fc.nat(40),
  parts: fc.oneof(
    { weight: 3, arbitrary: fc.array(part, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(part, { minLength: 2, maxLength: 4 }) },
  ),
  day: fc.option(fc.integer({ min: -2, max: 2 }), { freq: 6 }),
  passCreditLimit: fc.boolean(),
  mayBuyFrozen: fc.boolean(),
})
export const again: fc.Arbitrary<Again> = fc.record({
  what: fc.constant('again' as const),
  back: fc.integer({ min: 1, max: 8 }),
})
export const limits: fc.Arbitrary<LimitStep> = fc.record({
  what: fc.constant('limits' as const),
  name: someone,
  floor: fc.option(fc.integer({ min: -80, max: 0 })),
  ceiling: fc.option(fc.nat(80)),
  soft: fc.option(fc.nat(40)),
  frozen: fc.boolean(),
  never: fc.boolean(),
})
/** Forwards over days, and now and then backwards, as a clock may. */
export const clock: fc.Arbitrary<ClockStep> = fc.record({
  what: fc.constant('clock' as const),
  hours: fc.integer({ min: -3, max: 60 }),
})

const hourMs = 3_600_000

/** Most reversals and ends of holds are aimed at something that stands, so that the rules behind the first are reached. */
export function aimed(loose: LooseAsk, world: World): Asked {
  const { id, passCreditLimit, mayBuyFrozen } = loose
  return {
    id: `p${id}`,
    parts: loose.parts.map((one) => aimedPart(one, world)),
    day:
      loose.day === null ? null : new Date(Date.parse(world.day) + loose.day * 24 * hourMs).toISOString().slice(0, 10),
    passCreditLimit,
    mayBuyFrozen,
  }
}

function aimedPart(loose: LoosePart, world: World): Part {
  const { kind, from, to, optional, promised } = loose
  const name = `t${loose.name}`
  const amount = amountOf(loose, world)
  const plain = { name, kind, from, to, amount, names: null, expires: null, promised: false, optional }
  if (kind === 'hold')
    return { ...plain, promised, expires: loose.hours === null ? null : world.now + loose.hours * hourMs }
  const isReversal = kind === 'reversal'
  if (!isReversal && !kind.startsWith('hold_')) return plain
  const open = openHolds(world.stood)
  const targets = isReversal ? world.stood.filter((one) => one.kind !== 'hold') : open.length > 0 ? open : world.stood
  const target = loose.pick < 8 ? targets[(loose.pick * 7 + loose.names) % Math.max(targets.length, 1)] : undefined
  if (!target) return { ...plain, names: `t${loose.names}` }
  if (isReversal) return { ...plain, from: target.to, to: target.from, amount: target.amount, names: target.name }
  const part = loose.pick > 5 ? amount : target.amount
  return { ...plain, from: target.from, to: target.to, amount: part, names: target.name }
}

/** A limit that is set; a form that falls under the law while below zero is frozen, as networks do. */
export function rulesOf(step: LimitStep, balance: bigint): Rules {
  const minor = (value: number | null) => (value === null ? null : BigInt(value))
  return {
    floor: minor(step.floor),
    ceiling: minor(step.ceiling),
    softFloor: step.soft === null ? null : -BigInt(step.soft),
    softCeiling: minor(step.soft),
    frozen: step.frozen || (step.never && balance < 0n),
    never: step.never,
  }
}

/** Often what is left before a limit to the penny, or a penny more; rarely more than the ledger takes. */
function amountOf({ from, to, amount, large }: LoosePart, { stood, rules }: World): bigint {
  if (large === 60) return 1_000_000_000_000n
  const buyer = rules.get(from) ?? noRules
  const seller = rules.get(to) ?? noRules
  const floor = buyer.never ? 0n : buyer.floor
  const penny = BigInt(large % 2)
  if (large < 20 && floor !== null) return balanceOf(stood, from) - heldOf(stood, from, 'from') - floor + penny
  if (large < 30 && seller.ceiling !== null)
    return seller.ceiling - balanceOf(stood, to) - heldOf(stood, to, 'to') + penny
  return BigInt(amount)
}
