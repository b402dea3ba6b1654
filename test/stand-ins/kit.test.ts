import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Books, UnbalancedJournal } from '../../stand-ins/kit/books.ts'
import { StandInClock } from '../../stand-ins/kit/clock.ts'
import {
  divideHalfUp,
  formatMinor,
  placesOf,
  toJsonNumber,
  toMinor,
  toMinorExact,
} from '../../stand-ins/kit/decimals.ts'
import { Faults } from '../../stand-ins/kit/faults.ts'

describe('decimals', () => {
  test.each([
    ['12.345', 2, 1235n],
    ['-12.345', 2, -1235n],
    ['12.344', 2, 1234n],
    [0.1, 2, 10n],
    [1e-7, 2, 0n],
    [1e21, 2, 100000000000000000000000n],
    [1.25e-1, 3, 125n],
    ['.5', 0, 1n],
    ['1.', 2, 100n],
  ])('%s with scale %i is %s', (value, scale, minor) => {
    expect(toMinor(value, scale)).toBe(minor)
  })

  test('what is no decimal, or too fine, is refused', () => {
    for (const bad of ['', '.', '1,5', 'abc', '1e', 'NaN']) expect(() => toMinor(bad)).toThrow()
    expect(() => toMinorExact('1.005')).toThrow()
    expect(placesOf(1.5)).toBe(1)
  })

  test('any amount of pence survives text and JSON', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), (minor) => {
        expect(toMinorExact(formatMinor(minor))).toBe(minor)
        expect(toMinorExact(JSON.parse(JSON.stringify(toJsonNumber(minor))))).toBe(minor)
      }),
    )
  })

  test('halves are divided away from zero', () => {
    expect([divideHalfUp(5n, 2n), divideHalfUp(-5n, 2n), divideHalfUp(4n, 3n)]).toEqual([3n, -3n, 1n])
  })
})

describe('books', () => {
  const source = { kind: 'paper', id: '1' }

  test('a journal that does not sum to zero is refused', () => {
    const lines = [{ accountId: 'a', amountMinor: 1n }]
    expect(() => new Books().journal('2026-01-01', lines, source)).toThrow(UnbalancedJournal)
  })

  test('undoing posts the opposite on the same day, once', () => {
    const books = new Books()
    const lines = [
      { accountId: 'a', amountMinor: 5n },
      { accountId: 'b', amountMinor: -5n },
    ]
    const id = books.journal('2026-01-05', lines, source)
    books.undo(id)
    books.undoSource('paper', '1')
    expect([books.balanceOf('a'), books.balanceOf('a', '2026-01-04'), books.journals().length]).toEqual([0n, 0n, 2])
  })

  test('balances stop at a day and movements lie between two', () => {
    const books = new Books()
    for (const [on, amountMinor] of [
      ['2026-01-31', 5n],
      ['2026-02-01', 7n],
    ] as const) {
      books.journal(
        on,
        [
          { accountId: 'a', amountMinor },
          { accountId: 'b', amountMinor: -amountMinor },
        ],
        source,
      )
    }
    expect(books.balanceOf('a', '2026-01-31')).toBe(5n)
    expect(books.movementOf('a', '2026-02-01', '2026-02-28')).toBe(7n)
  })
})

describe('faults and clock', () => {
  test('a fault fits its method and path, is used up, and an unknown knob is refused', () => {
    const faults = new Faults()
    faults.add({ knob: 'loseReply', match: { method: 'put', path: '/Inv' }, times: 2 })
    const asked = { method: 'PUT', path: '/Invoices' }
    expect(faults.take('loseReply', { ...asked, method: 'GET' })).toBeUndefined()
    expect(
      [faults.take('loseReply', asked), faults.take('loseReply', asked), faults.take('loseReply', asked)].map(Boolean),
    ).toEqual([true, true, false])
    expect(() => faults.add({ knob: 'noSuchKnob' })).toThrow()
  })

  test('the clock moves only when told', () => {
    const clock = new StandInClock()
    clock.set('2030-01-01T00:00:00Z')
    expect(clock.now().toISOString().slice(0, 10)).toBe('2030-01-01')
    expect(() => clock.set('yesterday')).toThrow()
  })
})
