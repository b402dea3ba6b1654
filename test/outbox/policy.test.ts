/** What happens next, by the kind of error. */
import { expect, test } from 'vitest'
import { BookError, type BookErrorFacts, type BookErrorKind } from '../../connectors/port.ts'
import { backOffMs, type Next, nextAfter, patienceMs, probeMs } from '../../src/outbox/policy.ts'

const told = { fails: 0, downs: 0, ageMs: 0, looked: false, dice: 0.5 }
function next(kind: BookErrorKind, facts: Partial<BookErrorFacts> = {}, more: Partial<typeof told> = {}): Next {
  const error = new BookError(kind, {
    cause: 'a_cause',
    said: '',
    status: null,
    vendorCode: null,
    callId: null,
    ...facts,
  })
  return nextAfter(error, { ...told, ...more })
}

test('a throttled book waits as long as it was told; that is no failure', () => {
  expect(next('throttled', { waitMs: 9_000 })).toMatchObject({
    to: 'waiting',
    afterMs: 9_000,
    isFail: false,
    lanePausesMs: 9_000,
  })
})

test('a vendor that is away: the whole book waits, longer each time, and none of its documents by itself', () => {
  expect(next('unavailable')).toMatchObject({ to: 'waiting', lookFirst: false, isFail: false, afterMs: 0 })
  expect(next('unavailable', {}, { downs: 3 })).toMatchObject({ lanePausesMs: backOffMs(3, 0.5), afterMs: 0 })
  // Whatever it answers on writing, it speaks for all that would be written.
  expect(next('unclear', { status: 503 })).toMatchObject({ lookFirst: true, afterMs: 0, lanePausesMs: probeMs(0, 0.5) })
  expect(next('unclear', { status: 200, cause: 'no_word_of_it' })).toMatchObject({ lanePausesMs: null })
})

test('what was put twice without an answer waits by itself, longer each time: it may be the document', () => {
  expect(next('unclear', { status: 500 }, { fails: 4 })).toMatchObject({ afterMs: backOffMs(4, 0.5) })
})

test('a vendor that is away is probed at least every two minutes', () => {
  expect(probeMs(50, 0.999_999)).toBe(120_000)
})

test('an unknown outcome never leads straight to a second put', () => {
  expect(next('unclear')).toMatchObject({ to: 'waiting', lookFirst: true, newGeneration: false })
})

test('an error that the vendor remembers for a key goes out under a new one, after a look', () => {
  expect(next('unclear', { remembered: true })).toMatchObject({ lookFirst: true, newGeneration: true })
  expect(next('invalid', { remembered: true })).toMatchObject({ to: 'waiting', lookFirst: true, newGeneration: true })
})

test('after a day a person is asked', () => {
  expect(next('unclear', {}, { ageMs: patienceMs + 1 })).toEqual({ to: 'parked', cause: 'outcome_unknown' })
  expect(next('unavailable', {}, { ageMs: patienceMs + 1 })).toEqual({ to: 'parked', cause: 'keeps_failing' })
  expect(next('unclear', {}, { ageMs: patienceMs })).toMatchObject({ to: 'waiting' })
})

test('what is there under the same reference is looked at once, then shown to a person', () => {
  expect(next('conflicting', { cause: 'number_taken' })).toMatchObject({
    to: 'waiting',
    lookFirst: true,
    isFail: false,
  })
  expect(next('conflicting', { cause: 'number_taken' }, { looked: true })).toEqual({
    to: 'parked',
    cause: 'number_taken',
  })
})

test('what a rule of the book refuses is parked with its cause', () => {
  expect(next('invalid', { cause: 'account_archived' })).toEqual({ to: 'parked', cause: 'account_archived' })
  expect(next('period_locked')).toEqual({ to: 'parked', cause: 'period_locked' })
})

test('a version that moved on is read again, at most three times', () => {
  expect(next('stale', {}, { fails: 2 })).toMatchObject({ to: 'waiting', lookFirst: true })
  expect(next('stale', {}, { fails: 3 })).toEqual({ to: 'parked', cause: 'keeps_changing' })
})

test('without permission everything waits for the connection; it is nobody’s failure', () => {
  expect(next('unauthorized')).toMatchObject({ to: 'waiting', isFail: false, lanePausesMs: 0 })
})

test('waiting doubles, is spread by the dice, and never passes a quarter of an hour', () => {
  expect(backOffMs(0, 0)).toBe(1_000)
  expect(backOffMs(1, 0.999_999)).toBeCloseTo(10_000, -2)
  expect(backOffMs(50, 0.999_999)).toBeLessThanOrEqual(15 * 60_000)
})
