/** Which of those that are ready leave together. */
import { expect, test } from 'vitest'
import { quickbooksLimits } from '../../connectors/quickbooks/limits.ts'
import { xeroLimits } from '../../connectors/xero/limits.ts'
import type { DeliveryKind } from '../../src/outbox/delivery.ts'
import { groupsOf, type Ready } from '../../src/outbox/ready.ts'

let last = 0
function ready(kind: DeliveryKind, more: Partial<Ready> = {}): Ready {
  last += 1
  return { network_id: 'network', id: `${kind} ${last}`, kind, live: true, looks: false, fails: 0, ...more }
}
const many = (count: number, kind: DeliveryKind, more: Partial<Ready> = {}) =>
  Array.from({ length: count }, () => ready(kind, more))
const told = (groups: Ready[][]) => groups.map((group) => `${group.length} ${group[0]?.kind}`).join(', ')

test('as many as a call takes leave together, and several calls at once where the book allows it', () => {
  expect(told(groupsOf(many(120, 'invoice'), xeroLimits, 2))).toBe('50 invoice, 50 invoice')
  expect(told(groupsOf(many(120, 'bill'), quickbooksLimits, 4))).toBe('30 bill, 30 bill, 30 bill, 30 bill')
  expect(told(groupsOf(many(1, 'invoice'), xeroLimits, 2))).toBe('1 invoice')
})

test('what has an address of its own goes by a call of its own, unless the vendor mixes kinds', () => {
  const mixed = [...many(3, 'invoice'), ...many(2, 'money_spent'), ...many(2, 'bill'), ...many(1, 'credit_note')]
  expect(told(groupsOf(mixed, xeroLimits, 9))).toBe('5 invoice, 2 money_spent, 1 credit_note')
  expect(told(groupsOf(mixed, quickbooksLimits, 9))).toBe('8 invoice')
})

test('live trades go before what is carried over, and never in one call with it', () => {
  const carried = many(60, 'invoice', { live: false })
  const live = many(1, 'payment')
  // As the database gives them: live first.
  expect(told(groupsOf([...live, ...carried], xeroLimits, 9))).toBe('1 payment, 50 invoice, 10 invoice')
  const contact = many(1, 'contact', { live: false })
  expect(told(groupsOf([...live, ...contact, ...carried], xeroLimits, 1))).toBe('1 payment')
})

test('among what waits together, full calls leave before half-empty ones', () => {
  const scattered = [...many(3, 'payment'), ...many(120, 'invoice')]
  expect(told(groupsOf(scattered, xeroLimits, 2))).toBe('50 invoice, 50 invoice')
  expect(told(groupsOf([...many(3, 'payment'), ...many(40, 'invoice')], xeroLimits, 2))).toBe('3 payment, 40 invoice')
})

test('contacts, and what must be looked at, go by themselves', () => {
  expect(told(groupsOf([...many(2, 'invoice'), ...many(1, 'contact')], xeroLimits, 9))).toBe('1 contact')
  expect(told(groupsOf([...many(3, 'invoice', { looks: true }), ...many(2, 'invoice')], xeroLimits, 9))).toBe(
    '3 invoice',
  )
})

test('networks never share a call', () => {
  const two = [...many(1, 'invoice'), ...many(1, 'invoice', { network_id: 'other' })]
  expect(told(groupsOf(two, xeroLimits, 9))).toBe('1 invoice, 1 invoice')
})

test('each thing that takes a call of its own leaves with few others', () => {
  expect(told(groupsOf(many(12, 'allocation'), xeroLimits, 2))).toBe('5 allocation, 5 allocation')
})

test('what was put again and again without an answer goes in ever smaller company', () => {
  const sizes = [1, 2, 3, 4].map(
    (fails) => groupsOf(many(50, 'invoice', { fails, looks: true }), xeroLimits, 1)[0]?.length,
  )
  expect(sizes).toEqual([50, 12, 3, 1])
})
