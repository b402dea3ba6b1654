import { expect, test } from 'vitest'
import { headroom } from '../../src/ledger/rules.ts'

const account = {
  balanceMinor: -30n,
  heldOutMinor: 10n,
  heldInMinor: 5n,
  floorMinor: -100n,
  ceilingMinor: 100n,
  frozen: false,
  neverBelowZero: false,
}

test('headroom counts what is held on both sides', () => {
  expect(headroom(account)).toEqual({ toBuyMinor: 60n, toSellMinor: 125n })
})
test('a lowered limit leaves nothing, and no limit says so', () => {
  expect(headroom({ ...account, floorMinor: -20n, ceilingMinor: -40n })).toEqual({ toBuyMinor: 0n, toSellMinor: 0n })
  expect(headroom({ ...account, floorMinor: null, ceilingMinor: null })).toEqual({
    toBuyMinor: null,
    toSellMinor: null,
  })
})
test('the legal floor counts before the credit limit, and a frozen account buys nothing', () => {
  expect(headroom({ ...account, balanceMinor: 50n, neverBelowZero: true }).toBuyMinor).toBe(40n)
  expect(headroom({ ...account, frozen: true }).toBuyMinor).toBe(0n)
})
