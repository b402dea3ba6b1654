/** The one thing a member should do next: what holds up the rest comes first, and only what this person may do. */
import { expect, test } from 'vitest'
import { type NextFacts, nextAction } from '../../../src/web/pages/member/next-action.ts'

const calm: NextFacts = {
  base: '/members/mem_x',
  standing: 'admitted',
  seesBook: true,
  answers: true,
  connection: 'live',
  isMapped: true,
  parked: 0,
  proposals: 0,
  reversals: 0,
  previews: 0,
  discrepancies: 0,
}
const goes = (facts: Partial<NextFacts>) => nextAction({ ...calm, ...facts }).go?.href.replace('/members/mem_x/', '')

test('with nothing open nothing is asked', () => {
  expect(nextAction(calm)).toEqual({ says: 'Nothing waits for you.', go: null })
})

test('what holds up everything else comes first', () => {
  const all = { parked: 2, proposals: 1, reversals: 1, previews: 1, discrepancies: 3 }
  expect(goes({ ...all, connection: 'needs_sign_in' })).toBe('connection')
  expect(goes({ ...all, connection: 'mapping', isMapped: false })).toBe('mapping')
  expect(goes(all)).toBe('deliveries')
  expect(goes({ ...all, parked: 0 })).toBe('trades?waiting=answer')
  expect(goes({ ...all, parked: 0, proposals: 0 })).toBe('trades?waiting=reversal')
  expect(goes({ ...all, parked: 0, proposals: 0, reversals: 0 })).toBe('approvals')
  expect(goes({ discrepancies: 3 })).toBe('reconciliation')
})

test('an applicant connects its book while it waits for the convener', () => {
  expect(goes({ standing: 'applied', connection: null })).toBe('connection')
  expect(nextAction({ ...calm, standing: 'applied' }).says).toContain('The convener looks at your application')
})

test('staff is not sent to the book, a bookkeeper not to the trades', () => {
  expect(goes({ seesBook: false, connection: 'needs_sign_in', proposals: 1 })).toBe('trades?waiting=answer')
  expect(goes({ answers: false, proposals: 1, previews: 1 })).toBe('approvals')
  expect(goes({ seesBook: false, answers: false, parked: 1, proposals: 1 })).toBeUndefined()
})

test('a second network of the same book is mapped too', () => {
  expect(goes({ connection: 'live', isMapped: false })).toBe('mapping')
})
