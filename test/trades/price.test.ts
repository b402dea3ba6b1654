import { describe, expect, test } from 'vitest'
import { type LineAsk, type PartAsk, priceOf } from '../../src/trades/price.ts'

const terms = { vatIn: 'money' as const, largestCreditShareBasisPoints: 10_000 }
const around = { sellerRegistered: true, buyerRegistered: true, scale: 2, terms }
const line = (netMinor: bigint, treatment = 'standard', description = 'Flour'): LineAsk => ({
  description,
  netMinor,
  treatment,
})
const price = (lines: LineAsk[], part: PartAsk = {}, more: Partial<Parameters<typeof priceOf>[1]> = {}) =>
  priceOf({ lines, part }, { ...around, ...more })

describe('VAT', () => {
  test('is worked out on the sum of a rate’s lines, half up', () => {
    // Three lines of 3.33 bear 0.67 each, 2.01 in all; their sum of 9.99 bears 2.00.
    const three = price([
      line(333n, 'standard', 'Oats'),
      line(333n, 'standard', 'Rye'),
      line(333n, 'standard', 'Spelt'),
    ])
    expect(three).toMatchObject({ netMinor: 999n, vatMinor: 200n, totalMinor: 1199n })
    expect(three.lines.map((one) => one.vatMinor)).toEqual([66n, 67n, 67n])
    expect(three.documentLines).toEqual([
      {
        description: 'Oats (3.33); Rye (3.33); Spelt (3.33)',
        netMinor: 999n,
        vatMinor: 200n,
        treatment: 'standard',
        rateBasisPoints: 2000,
      },
    ])
  })
  test('leaves lines alone where rounding agrees, rate by rate', () => {
    const mixed = price([line(1000n), line(2000n), line(101n, 'reduced'), line(109n, 'reduced'), line(700n, 'zero')])
    // 5 % of 2.10 is 0.105, half up 0.11; line by line 0.05 and 0.05.
    expect(mixed.documentLines.map((one) => [one.treatment, one.netMinor, one.vatMinor])).toEqual([
      ['standard', 1000n, 200n],
      ['standard', 2000n, 400n],
      ['reduced', 210n, 11n],
      ['zero', 700n, 0n],
    ])
    expect(mixed.vatMinor).toBe(611n)
  })
  test('half a penny goes up', () => {
    expect(price([line(10n, 'reduced')]).vatMinor).toBe(1n)
    expect(price([line(9n, 'reduced')]).vatMinor).toBe(0n)
  })
  test('a linked invoice keeps its own VAT where it differs by pennies, and is refused beyond', () => {
    const linked = price([line(333n), line(333n), line(333n)], {}, { linkedTotalMinor: 1200n })
    expect(linked).toMatchObject({ vatMinor: 201n, totalMinor: 1200n })
    expect(() => price([line(333n)], {}, { linkedTotalMinor: 402n })).toThrow(
      expect.objectContaining({ code: 'invoice_does_not_fit' }),
    )
  })
  test('the text of a merged line stays short', () => {
    const long = Array.from({ length: 40 }, (_none, place) => line(3n, 'standard', `${place} ${'x'.repeat(100)}`))
    expect(price(long).documentLines[0]?.description).toMatch(/; and \d+ more$/)
    expect(price(long).documentLines[0]?.description.length).toBeLessThan(2100)
  })
})

describe('the parts', () => {
  test.each<[string, PartAsk, Partial<typeof terms> | { vatIn: 'credits' }, bigint, bigint]>([
    ['nothing named: all of the net when VAT goes in money', {}, {}, 100_000n, 20_000n],
    ['nothing named: all of it when VAT goes in credits', {}, { vatIn: 'credits' }, 120_000n, 0n],
    ['an amount', { creditMinor: 60_000n }, {}, 60_000n, 60_000n],
    ['a percentage is of the whole net', { creditBasisPoints: 6000 }, {}, 60_000n, 60_000n],
    [
      'a percentage is of the net even when VAT goes in credits',
      { creditBasisPoints: 10_000 },
      { vatIn: 'credits' },
      100_000n,
      20_000n,
    ],
    ['the money part alone', { moneyMinor: 30_000n }, {}, 90_000n, 30_000n],
    ['both, adding up', { creditMinor: 1n, moneyMinor: 119_999n }, {}, 1n, 119_999n],
  ])('%s', (_what, part, more, creditMinor, moneyMinor) => {
    expect(price([line(100_000n)], part, { terms: { ...terms, ...more } })).toMatchObject({ creditMinor, moneyMinor })
  })
  test('a percentage rounds half up', () => {
    expect(price([line(101n)], { creditBasisPoints: 5000 }).creditMinor).toBe(51n)
  })
})

describe('refusals, in the order they are asked', () => {
  const cases: [string, () => unknown][] = [
    ['lines_missing', () => price([])],
    ['lines_missing', () => price([line(0n)])],
    ['lines_missing', () => price([line(-5n), line(10n)])],
    ['too_many_lines', () => price(Array.from({ length: 101 }, () => line(1n)))],
    ['text_does_not_fit', () => price([line(1n, 'standard', ' ')])],
    ['treatment_not_taken', () => price([line(1n, 'cis')], {}, { sellerRegistered: false })],
    ['treatment_not_taken', () => price([line(1n, 'margin_scheme')])],
    ['treatment_not_taken', () => price([line(1n, 'abroad')])],
    ['seller_not_registered', () => price([line(1n, 'reduced')], {}, { sellerRegistered: false })],
    ['treatment_not_taken', () => price([line(1n, 'reverse_charge')], {}, { buyerRegistered: false })],
    ['rate_unknown', () => price([line(1n, 'luxury')])],
    ['rate_unknown', () => price([line(1n, 'constructor')])],
    ['amount_too_large', () => price([line(999_999_999_999n)])],
    ['parts_do_not_add_up', () => price([line(100n)], { creditMinor: 100n, moneyMinor: 19n })],
    ['parts_do_not_add_up', () => price([line(100n)], { creditMinor: 121n })],
    ['credit_share_too_large', () => price([line(100n)], { creditMinor: 101n })],
    [
      'credit_share_too_large',
      () =>
        price(
          [line(10_000n)],
          { creditBasisPoints: 6001 },
          { terms: { ...terms, largestCreditShareBasisPoints: 6000 } },
        ),
    ],
    ['credit_part_missing', () => price([line(100n)], { creditMinor: 0n })],
    ['credit_part_missing', () => price([line(1n)], { creditBasisPoints: 1 })],
  ]
  test.each(cases)('%s', (code, work) => {
    expect(work).toThrow(expect.objectContaining({ code }))
  })
  test('the reverse charge bears no VAT between two registered members', () => {
    expect(price([line(1000n, 'reverse_charge')])).toMatchObject({ vatMinor: 0n, totalMinor: 1000n })
  })
  test('a seller without a registration charges none', () => {
    expect(price([line(1000n, 'outside')], {}, { sellerRegistered: false })).toMatchObject({ vatMinor: 0n })
  })
})
