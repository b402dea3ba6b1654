/**
 * ledger_post() against an independent model: a list of balances and plain ifs, written from the rules and not from the SQL.
 *
 * Whatever is asked, in whatever grouping into calls, both give the same verdicts and the same balances, and the audit holds.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDb } from '../../src/kit/db.ts'
import { idOfCause } from '../../src/kit/ids.ts'
import { type PostingAsk, postingsOf, type TransferAsk, type TransferKind } from '../../src/ledger/post.ts'
import { databaseWithClock, type SmallLedger, smallLedger } from '../ledger/small-ledger.ts'

let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
})
afterAll(() => ground.end())

const names = ['anna', 'bert', 'cleo', 'dora'] as const
type Name = (typeof names)[number]
type Limits = { floor: bigint | null; ceiling: bigint | null; frozen: boolean; never: boolean }

// ── the model ──

type Held = { from: Name; to: Name; amount: bigint }
type Moved = { from: Name; to: Name; amount: bigint; isReversal: boolean }
type Part = {
  name: string
  kind: TransferKind
  from: Name
  to: Name
  amount: bigint
  names: string | null
  optional: boolean
}
type Asked = { id: string; parts: Part[]; passCreditLimit: boolean; mayBuyFrozen: boolean }
type World = {
  balance: Map<Name, bigint>
  holds: Map<string, Held & { open: boolean }>
  moved: Map<string, Moved>
  reversed: Set<string>
  /** What each transfer id stood for, and in which posting. */
  content: Map<string, string>
}

const copyOf = (world: World): World => ({
  balance: new Map(world.balance),
  holds: new Map([...world.holds].map(([id, hold]) => [id, { ...hold }])),
  moved: new Map(world.moved),
  reversed: new Set(world.reversed),
  content: new Map(world.content),
})
const held = (world: World, name: Name, way: 'from' | 'to') =>
  [...world.holds.values()].reduce((total, hold) => (hold.open && hold[way] === name ? total + hold.amount : total), 0n)

function contentOf(asked: Asked, part: Part): string {
  const amount = part.kind === 'hold_release' ? 0n : part.amount
  return [asked.id, part.kind, part.from, part.to, amount, part.names].join(' ')
}

/** The world after it, or the code of the refusal. */
function expected(world: World, asked: Asked, limits: Map<Name, Limits>): World | string {
  const stands = asked.parts.filter((part) => world.content.has(part.name))
  if (stands.length > 0) {
    const isSame = asked.parts.every((part) => {
      const content = world.content.get(part.name)
      return content === undefined ? part.optional : content === contentOf(asked, part)
    })
    return isSame ? world : 'transfer_of_other_content'
  }
  const next = copyOf(world)
  for (const part of asked.parts) {
    if (next.content.has(part.name)) return 'transfer_of_other_content'
    if (part.from === part.to) return 'accounts_must_differ'
    if (part.amount <= 0n && part.kind !== 'hold_release') return 'amount_must_be_positive'
    const code = step(next, asked, part, limits)
    if (code === 'left out') continue
    if (code !== null) return code
    next.content.set(part.name, contentOf(asked, part))
  }
  return next
}

function step(world: World, asked: Asked, part: Part, limits: Map<Name, Limits>): string | null {
  const { from, to, amount } = part
  const move = (isReversal: boolean) => {
    world.balance.set(from, (world.balance.get(from) ?? 0n) - amount)
    world.balance.set(to, (world.balance.get(to) ?? 0n) + amount)
    world.moved.set(part.name, { from, to, amount, isReversal })
  }
  const hold = world.holds.get(part.names ?? '')
  if (part.kind === 'hold_post' || part.kind === 'hold_release') {
    if (!hold || hold.from !== from || hold.to !== to) return 'hold_unknown'
    if (!hold.open) return 'hold_closed'
    if (part.kind === 'hold_post') {
      if (amount > hold.amount) return 'hold_exceeded'
      if (limits.get(from)?.never && (world.balance.get(from) ?? 0n) - amount < 0n)
        return part.optional ? 'left out' : 'legal_floor'
      move(false)
    }
    hold.open = false
    return null
  }
  if (part.kind === 'reversal') {
    const first = world.moved.get(part.names ?? '')
    if (!first || first.isReversal || first.from !== to || first.to !== from || first.amount !== amount)
      return 'transfer_unknown'
    if (world.reversed.has(part.names ?? '')) return 'transfer_already_reversed'
  }
  const code = limitsSay(world, asked, part, limits)
  if (code !== null) return part.optional ? 'left out' : code
  if (part.kind === 'hold') world.holds.set(part.name, { from, to, amount, open: true })
  else move(part.kind === 'reversal')
  if (part.kind === 'reversal') world.reversed.add(part.names ?? '')
  return null
}

function limitsSay(world: World, asked: Asked, part: Part, limits: Map<Name, Limits>): string | null {
  const buyer = limits.get(part.from)
  const seller = limits.get(part.to)
  const low = (world.balance.get(part.from) ?? 0n) - held(world, part.from, 'from') - part.amount
  const high = (world.balance.get(part.to) ?? 0n) + held(world, part.to, 'to') + part.amount
  if (buyer?.never && low < 0n) return 'legal_floor'
  if (buyer?.frozen && !asked.mayBuyFrozen) return 'account_frozen'
  const mayPass = part.kind === 'reversal' && asked.passCreditLimit
  if (buyer && buyer.floor !== null && low < buyer.floor && !mayPass) return 'credit_limit_exceeded'
  if (seller && seller.ceiling !== null && high > seller.ceiling && part.kind !== 'reversal')
    return 'exposure_limit_exceeded'
  return null
}

// ── what may be asked ──

const name = fc.constantFrom(...names)
const ids = fc.integer({ min: 0, max: 13 }).map((number) => `t${number}`)
const kind = fc.constantFrom<TransferKind>(
  'trade',
  'trade',
  'trade',
  'trade',
  'fee',
  'hold',
  'hold',
  'hold_post',
  'hold_release',
  'reversal',
  'reversal',
)
type Loose = {
  pick: number
  kind: TransferKind
  from: Name
  to: Name
  amount: number
  names: string
  name: string
  optional: boolean
}
const loose: fc.Arbitrary<Loose> = fc.record({
  pick: fc.integer({ min: 0, max: 9 }),
  kind,
  from: name,
  to: name,
  amount: fc.integer({ min: 0, max: 60 }),
  names: ids,
  name: ids,
  optional: fc.boolean(),
})
const posting = fc.record({
  what: fc.constant('post' as const),
  id: fc.integer({ min: 0, max: 30 }),
  parts: fc.array(loose, { minLength: 1, maxLength: 3 }),
  passCreditLimit: fc.boolean(),
  mayBuyFrozen: fc.boolean(),
})
const limit = fc.record({
  what: fc.constant('limit' as const),
  name,
  floor: fc.option(fc.integer({ min: -80, max: 0 })),
  ceiling: fc.option(fc.integer({ min: 0, max: 80 })),
  frozen: fc.boolean(),
  never: fc.boolean(),
})
const again = fc.record({ what: fc.constant('again' as const), back: fc.integer({ min: 1, max: 6 }) })
const steps = fc.array(
  fc.oneof({ weight: 8, arbitrary: posting }, { weight: 1, arbitrary: limit }, { weight: 2, arbitrary: again }),
  { minLength: 5, maxLength: 40 },
)
const callSizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 })

/** Most reversals and ends of holds are aimed at something that stands, so that the rules behind the first are reached. */
function aimed(part: Loose, world: World): Part {
  const { kind, from, to, name, optional } = part
  const amount = BigInt(part.amount)
  const isReversal = kind === 'reversal'
  const namesSomething = isReversal || kind === 'hold_post' || kind === 'hold_release'
  if (!namesSomething) return { name, kind, from, to, amount, names: null, optional }
  const targets = isReversal ? [...world.moved] : [...world.holds]
  const target = part.pick < 8 ? targets[part.pick % Math.max(targets.length, 1)] : undefined
  if (!target) return { name, kind, from, to, amount, names: part.names, optional }
  const [id, { from: buyer, to: seller, amount: whole }] = target
  if (isReversal) return { name, kind, from: seller, to: buyer, amount: whole, names: id, optional }
  return { name, kind, from: buyer, to: seller, amount: part.pick === 7 ? amount : whole, names: id, optional }
}

function askOf(ledger: SmallLedger, asked: Asked): PostingAsk {
  const transfers = asked.parts.map((part): TransferAsk => {
    const target = part.names === null ? null : idOfCause('transfer', ledger.networkId, part.names)
    const names = target === null ? {} : part.kind === 'reversal' ? { reversesId: target } : { holdId: target }
    const cause = { causeId: idOfCause('cause', ledger.networkId) }
    return ledger.transfer(part.name, part.from, part.to, part.amount, {
      kind: part.kind,
      optional: part.optional,
      ...names,
      ...cause,
    })
  })
  return ledger.posting(asked.id, transfers, {
    passCreditLimit: asked.passCreditLimit,
    mayBuyFrozen: asked.mayBuyFrozen,
  })
}

test('verdicts and balances are the model’s, however the asks are grouped into calls', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(steps, callSizes, async (todo, sizes) => {
      const ledger = await smallLedger(ground.db, Object.fromEntries(names.map((one) => [one, {}])))
      const limits = new Map<Name, Limits>(
        names.map((one) => [one, { floor: null, ceiling: null, frozen: false, never: false }]),
      )
      let world: World = {
        balance: new Map(names.map((one) => [one, 0n])),
        holds: new Map(),
        moved: new Map(),
        reversed: new Set(),
        content: new Map(),
      }
      const before: Asked[] = []
      let waiting: { ask: PostingAsk; wanted: string | true }[] = []
      let calls = 0
      const send = async () => {
        if (waiting.length === 0) return
        const verdicts = await ledger.together(waiting.map((one) => one.ask))
        expect(verdicts.map((verdict) => verdict.ok || verdict.code)).toEqual(waiting.map((one) => one.wanted))
        waiting = []
        calls += 1
      }
      for (const step of todo) {
        if (step.what === 'limit') {
          await send()
          const floor = step.floor === null ? null : BigInt(step.floor)
          const ceiling = step.ceiling === null ? null : BigInt(step.ceiling)
          limits.set(step.name, { floor, ceiling, frozen: step.frozen, never: step.never })
          await ledger.setLimits(step.name, {
            floor_minor: floor,
            ceiling_minor: ceiling,
            frozen: step.frozen,
            never_below_zero: step.never,
          })
          continue
        }
        const earlier = step.what === 'again' ? before.at(-step.back) : undefined
        if (step.what === 'again' && !earlier) continue
        const asked: Asked =
          earlier ??
          (step.what === 'post'
            ? { ...step, id: `p${step.id}`, parts: step.parts.map((part) => aimed(part, world)) }
            : (undefined as never))
        before.push(asked)
        const result = expected(world, asked, limits)
        if (typeof result !== 'string') world = result
        waiting.push({ ask: askOf(ledger, asked), wanted: typeof result === 'string' ? result : true })
        if (waiting.length >= (sizes[calls % sizes.length] as number)) await send()
      }
      await send()
      for (const one of names) {
        const account = await ledger.read(one)
        expect([account.balanceMinor, account.heldOutMinor, account.heldInMinor]).toEqual([
          world.balance.get(one),
          held(world, one, 'from'),
          held(world, one, 'to'),
        ])
      }
      // Limits are moved here without a record of the change, and a form may change below zero: those two truths say so.
      const broken = (await ledger.brokenTruths()).filter(
        (truth) => truth !== 'no_posting_crossed_a_limit' && truth !== 'legal_floor_stands',
      )
      expect(broken).toEqual([])
    }),
    { numRuns: 60 },
  )
})

test('many writers at once: whatever the order, no limit is passed, nothing is doubled, and the ledger adds up', {
  timeout: 120_000,
}, async () => {
  const other = openDb(ground.db.url, { connections: 2, writers: 2 })
  const sales = fc.array(
    fc.record({ id: fc.integer({ min: 0, max: 60 }), from: name, to: name, amount: fc.integer({ min: 1, max: 40 }) }),
    { minLength: 40, maxLength: 120 },
  )
  await fc.assert(
    fc.asyncProperty(sales, async (todo) => {
      const ledger = await smallLedger(
        ground.db,
        Object.fromEntries(names.map((one) => [one, { floorMinor: -100n, ceilingMinor: 100n }])),
      )
      const lanes = [ledger.postings, postingsOf(other)]
      const accepted = new Map<string, bigint>()
      await Promise.all(
        todo.map(async (sale, place) => {
          const id = `s${sale.id}`
          const lane = lanes[place % 2] as (typeof lanes)[0]
          const verdict = await lane.add(
            ledger.networkId,
            ledger.posting(id, [ledger.transfer(id, sale.from, sale.to, BigInt(sale.amount))]),
          )
          if (!verdict.ok) return
          // Two contents under one id: only one of them may ever be told yes.
          const content = accepted.get(id)
          expect(content === undefined || content === BigInt(sale.amount)).toBe(true)
          accepted.set(id, BigInt(sale.amount))
        }),
      )
      for (const one of names) {
        const { balanceMinor } = await ledger.read(one)
        expect(balanceMinor >= -100n && balanceMinor <= 100n).toBe(true)
      }
      expect((await ledger.audit()).head.number).toBe(BigInt(accepted.size))
      expect(await ledger.brokenTruths()).toEqual([])
    }),
    { numRuns: 8 },
  )
  await other.close()
})
