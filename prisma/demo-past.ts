/**
 * Nine months of invented trades, the same at every start, that no limit would refuse. Pure.
 *
 * Keeps: the two businesses with a book end at zero, so that their books begin where the ledger stands.
 */
import { addDays, type Day } from '../src/kit/clock.ts'

export type PastMember = {
  name: string
  creditLimitMinor: bigint
  exposureLimitMinor: bigint
  sells: string[]
  endsAtZero: boolean
}
export type PastTrade = { seller: string; buyer: string; amountMinor: bigint; description: string; on: Day }

const months = 9
const count = 260
const leastMinor = 1_800
const mostMinor = 26_000
const mostTries = 400

export function pastTrades(members: PastMember[], lastDay: Day): PastTrade[] {
  const dice = diceFrom(20_251_104)
  const balances = new Map(members.map((one) => [one.name, 0n]))
  const trades: PastTrade[] = []
  const days = months * 30
  const pick = <T>(from: readonly T[]): T => from[dice(from.length)] as T
  const may = (seller: PastMember, buyer: PastMember, amountMinor: bigint) =>
    (balances.get(buyer.name) ?? 0n) - amountMinor >= -buyer.creditLimitMinor &&
    (balances.get(seller.name) ?? 0n) + amountMinor <= seller.exposureLimitMinor
  const book = (seller: PastMember, buyer: PastMember, amountMinor: bigint, on: Day) => {
    balances.set(seller.name, (balances.get(seller.name) ?? 0n) + amountMinor)
    balances.set(buyer.name, (balances.get(buyer.name) ?? 0n) - amountMinor)
    trades.push({ seller: seller.name, buyer: buyer.name, amountMinor, description: pick(seller.sells), on })
  }
  for (let tries = 0; trades.length < count && tries < count * 4; tries += 1) {
    const [seller, buyer] = [pick(members), pick(members)]
    const amountMinor = BigInt(leastMinor + dice(mostMinor - leastMinor))
    const on = addDays(lastDay, -days + Math.floor((trades.length * days) / count))
    if (seller !== buyer && may(seller, buyer, amountMinor)) book(seller, buyer, amountMinor, on)
  }
  for (const member of members.filter((one) => one.endsAtZero)) {
    for (let tries = 0; tries < mostTries && balances.get(member.name) !== 0n; tries += 1) {
      const balance = balances.get(member.name) ?? 0n
      const other = pick(members.filter((one) => !one.endsAtZero))
      const rest = balance < 0n ? -balance : balance
      const amountMinor = rest < BigInt(mostMinor) ? rest : BigInt(mostMinor)
      const [seller, buyer] = balance < 0n ? [member, other] : [other, member]
      if (may(seller, buyer, amountMinor)) book(seller, buyer, amountMinor, lastDay)
    }
  }
  return trades
}

/** Numbers that look thrown and are always the same. Gives a whole number below `sides`. */
function diceFrom(seed: number): (sides: number) => number {
  let state = seed >>> 0
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}
