/**
 * What the rules on an account leave: for previews, pages and proposals. The judge is ledger_post().
 *
 * Keeps: the same arithmetic as post.sql, with holds counted against both limits.
 */
import type { Account } from './account.ts'

type Limits = Pick<
  Account,
  'balanceMinor' | 'heldOutMinor' | 'heldInMinor' | 'floorMinor' | 'ceilingMinor' | 'frozen' | 'neverBelowZero'
>

export type Headroom = {
  /** What may still leave; null when nothing limits it. */
  toBuyMinor: bigint | null
  /** What may still come; null when nothing limits it. */
  toSellMinor: bigint | null
}

export function headroom(account: Limits): Headroom {
  return { toBuyMinor: leftToBuy(account), toSellMinor: leftToSell(account) }
}

function leftToBuy(account: Limits): bigint | null {
  if (account.frozen) return 0n
  const floors = [account.floorMinor, account.neverBelowZero ? 0n : null].filter((floor) => floor !== null)
  if (floors.length === 0) return null
  const highest = floors.reduce((one, other) => (one > other ? one : other))
  return atLeastZero(account.balanceMinor - account.heldOutMinor - highest)
}

function leftToSell(account: Limits): bigint | null {
  if (account.ceilingMinor === null) return null
  return atLeastZero(account.ceilingMinor - account.balanceMinor - account.heldInMinor)
}

/** A limit lowered under the balance leaves nothing, not less than nothing. */
function atLeastZero(minor: bigint): bigint {
  return minor > 0n ? minor : 0n
}
