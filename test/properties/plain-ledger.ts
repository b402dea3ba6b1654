/**
 * A ledger in plain words: a list of what stands, and the rules of the domain read over it from the beginning each time.
 * Written from the rules and not from the SQL; slow, and simple enough to be believed.
 */
import type { Day } from '../../src/kit/clock.ts'
import type { TransferKind } from '../../src/ledger/post.ts'

export type Part = {
  name: string
  kind: TransferKind
  from: string
  to: string
  amount: bigint
  /** What it reverses, or the hold that it ends. */
  names: string | null
  expires: number | null
  promised: boolean
  optional: boolean
}
export type Asked = { id: string; parts: Part[]; day: Day | null; passCreditLimit: boolean; mayBuyFrozen: boolean }
export type Rules = {
  floor: bigint | null
  ceiling: bigint | null
  softFloor: bigint | null
  softCeiling: bigint | null
  frozen: boolean
  never: boolean
}
export type Stood = Part & { posting: string; day: Day }
export type World = {
  now: number
  today: Day
  /** The ledger's own day and instant: they never run backwards. */
  day: Day
  instant: number
  rules: Map<string, Rules>
  stood: readonly Stood[]
}
export type Heard =
  | { ok: true; replayed: boolean; leftOut: boolean[]; day: Day; warnings: string[] }
  | { ok: false; code: string }
export type Judged = { heard: Heard; next: World }

const largest = 999_999_999_999n
const movesNothing = (kind: TransferKind) => kind === 'hold' || kind === 'hold_release' || kind === 'hold_expire'
const endsAHold = (kind: TransferKind) => kind === 'hold_post' || kind === 'hold_release' || kind === 'hold_expire'
const later = <T extends number | string>(one: T, other: T): T => (one > other ? one : other)

export const noRules: Rules = {
  floor: null,
  ceiling: null,
  softFloor: null,
  softCeiling: null,
  frozen: false,
  never: false,
}

export function balanceOf(stood: readonly Stood[], name: string): bigint {
  let balance = 0n
  for (const one of stood) {
    if (movesNothing(one.kind)) continue
    if (one.from === name) balance -= one.amount
    if (one.to === name) balance += one.amount
  }
  return balance
}

export function entriesOf(stood: readonly Stood[], name: string): number {
  return stood.filter((one) => !movesNothing(one.kind) && (one.from === name || one.to === name)).length
}

export function openHolds(stood: readonly Stood[]): Stood[] {
  return stood.filter(
    (hold) => hold.kind === 'hold' && !stood.some((one) => endsAHold(one.kind) && one.names === hold.name),
  )
}

export function heldOf(stood: readonly Stood[], name: string, side: 'from' | 'to'): bigint {
  return openHolds(stood).reduce((total, hold) => (hold[side] === name ? total + hold.amount : total), 0n)
}

/** What is heard, and the world after it; a refusal leaves the world as it was. */
export function judge(world: World, asked: Asked): Judged {
  const known = asked.parts.some((part) => world.stood.some((one) => one.name === part.name))
  if (known) return { heard: heardAgain(world, asked), next: world }
  const day = asked.day ?? later(world.today, world.day)
  const leftOut: boolean[] = []
  let stood = world.stood
  for (const part of asked.parts) {
    const no = refusal({ ...world, stood, day: stood === world.stood ? world.day : day }, asked, part)
    if (no !== null && !(no.isOfTheAccounts && mayBeLeftOut(world, part)))
      return { heard: { ok: false, code: no.code }, next: world }
    leftOut.push(no !== null)
    if (no === null) stood = [...stood, { ...part, amount: amountOf(part), posting: asked.id, day }]
  }
  const warnings = warningsAt(world, stood)
  const heard = { ok: true, replayed: false, leftOut, day, warnings } as const
  if (stood === world.stood) return { heard, next: world }
  return { heard, next: { ...world, stood, day, instant: later(world.now, world.instant) } }
}

/** A fee never pushes a business that may not owe: it becomes a bill in money. */
function mayBeLeftOut({ rules }: World, part: Part): boolean {
  return part.optional || (part.kind === 'fee' && (rules.get(part.from)?.never ?? false))
}

/** Any id that stands decides: then all of it must stand with this content, but for what may be left out. */
function heardAgain(world: World, asked: Asked): Heard {
  const leftOut: boolean[] = []
  let day = ''
  for (const part of asked.parts) {
    const one = world.stood.find((earlier) => earlier.name === part.name)
    if (!one && !part.optional && part.kind !== 'fee') return { ok: false, code: 'transfer_of_other_content' }
    if (one && !isSame(one, asked, part)) return { ok: false, code: 'transfer_of_other_content' }
    leftOut.push(!one)
    if (one) day = one.day
  }
  return { ok: true, replayed: true, leftOut, day, warnings: [] }
}

function isSame(one: Stood, asked: Asked, part: Part): boolean {
  return (
    one.posting === asked.id &&
    one.kind === part.kind &&
    one.from === part.from &&
    one.to === part.to &&
    one.amount === amountOf(part) &&
    one.names === part.names &&
    one.expires === part.expires &&
    one.promised === part.promised &&
    (asked.day === null || asked.day === one.day)
  )
}

type No = { code: string; isOfTheAccounts: boolean }

function refusal(world: World, asked: Asked, part: Part): No | null {
  const code = ofItself(world, part) ?? ofWhatItNames(world, part) ?? ofTheDay(world, asked)
  if (code !== null) return { code, isOfTheAccounts: false }
  const rule = ofTheAccounts(world, asked, part)
  return rule === null ? null : { code: rule, isOfTheAccounts: true }
}

function ofItself({ stood, rules }: World, part: Part): string | null {
  if (stood.some((one) => one.name === part.name)) return 'transfer_of_other_content'
  if (part.from === part.to) return 'accounts_must_differ'
  if (amountOf(part) <= 0n && part.kind !== 'hold_release' && part.kind !== 'hold_expire')
    return 'amount_must_be_positive'
  if (amountOf(part) > largest) return 'amount_too_large'
  if (!rules.has(part.from) || !rules.has(part.to)) return 'account_unknown'
  return null
}

function ofWhatItNames(world: World, part: Part): string | null {
  const { stood } = world
  const named = stood.find((one) => one.name === part.names)
  if (part.kind === 'reversal') {
    if (!named || movesNothing(named.kind) || named.kind === 'reversal') return 'transfer_unknown'
    if (named.from !== part.to || named.to !== part.from || named.amount !== part.amount) return 'transfer_unknown'
    if (stood.some((one) => one.kind === 'reversal' && one.names === part.names)) return 'transfer_already_reversed'
  }
  if (endsAHold(part.kind)) {
    if (named?.kind !== 'hold' || named.from !== part.from || named.to !== part.to) return 'hold_unknown'
    if (!openHolds(stood).includes(named)) return 'hold_closed'
    const hasRunOut = named.expires !== null && named.expires <= later(world.now, world.instant)
    if (part.kind === 'hold_expire' && (named.promised || !hasRunOut)) return 'hold_not_expired'
    if (part.kind === 'hold_post' && part.amount > named.amount) return 'hold_exceeded'
  }
  return null
}

function ofTheDay(world: World, asked: Asked): string | null {
  if (asked.day === null) return null
  if (asked.day < world.day) return 'day_runs_backwards'
  return asked.day > later(world.today, world.day) ? 'day_in_future' : null
}

function ofTheAccounts({ stood, rules }: World, asked: Asked, part: Part): string | null {
  if (part.kind === 'hold_release' || part.kind === 'hold_expire') return null
  const buyer = rules.get(part.from) ?? noRules
  const seller = rules.get(part.to) ?? noRules
  const balance = balanceOf(stood, part.from)
  // What is held was asked when it was held; only the law may have come in between.
  if (part.kind === 'hold_post') return buyer.never && balance < part.amount ? 'legal_floor' : null
  const low = balance - heldOf(stood, part.from, 'from') - part.amount
  if (buyer.never && low < 0n) return 'legal_floor'
  if (buyer.frozen && !asked.mayBuyFrozen) return 'account_frozen'
  const mayPass = part.kind === 'reversal' && asked.passCreditLimit
  if (buyer.floor !== null && low < buyer.floor && !mayPass) return 'credit_limit_exceeded'
  const high = balanceOf(stood, part.to) + heldOf(stood, part.to, 'to') + part.amount
  if (seller.ceiling !== null && high > seller.ceiling && part.kind !== 'reversal') return 'exposure_limit_exceeded'
  return null
}

/** A soft limit is told once for each deepening. */
function warningsAt(before: World, stood: readonly Stood[]): string[] {
  return [...before.rules].flatMap(([name, rules]) => {
    const [was, is] = [balanceOf(before.stood, name), balanceOf(stood, name)]
    const low = rules.softFloor !== null && is < rules.softFloor && is < was
    const high = rules.softCeiling !== null && is > rules.softCeiling && is > was
    return [...(low ? [`${name} soft_floor ${is}`] : []), ...(high ? [`${name} soft_ceiling ${is}`] : [])]
  })
}

function amountOf(part: Part): bigint {
  return part.kind === 'hold_release' || part.kind === 'hold_expire' ? 0n : part.amount
}
