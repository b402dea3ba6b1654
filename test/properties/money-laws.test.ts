import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divide, formatAmount, parseAmount, portion, sum } from '../../src/kit/money.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { deliveriesFor, feesOf, postingFor, reversalFor, type TradeFacts } from '../../src/trades/documents.ts'
import { type LineAsk, type PartAsk, priceOf, rates } from '../../src/trades/price.ts'

const amount = fc.bigInt({ min: 1n, max: 9_999_999n })
const treatments = ['standard', 'reduced', 'zero', 'exempt', 'outside', 'reverse_charge'] as const
const lines: fc.Arbitrary<LineAsk[]> = fc.array(
  fc.record({
    description: fc.constantFrom('Oats', 'Rye'),
    netMinor: amount,
    treatment: fc.constantFrom(...treatments),
  }),
  { minLength: 1, maxLength: 8 },
)
const part: fc.Arbitrary<PartAsk> = fc.oneof(
  fc.constant({}),
  fc.record({ creditBasisPoints: fc.integer({ min: 1, max: 10_000 }) }),
  fc.record({ creditMinor: amount }),
)
const terms = fc.record({
  vatIn: fc.constantFrom('money' as const, 'credits' as const),
  largestCreditShareBasisPoints: fc.integer({ min: 1, max: 10_000 }),
})

function priced(
  asked: { lines: LineAsk[]; part: PartAsk },
  of: { vatIn: 'money' | 'credits'; largestCreditShareBasisPoints: number },
) {
  try {
    return priceOf(asked, { sellerRegistered: true, buyerRegistered: true, scale: 2, terms: of })
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}

test('the parts of a price are its whole, and each rate bears the VAT of its sum', () => {
  fc.assert(
    fc.property(lines, part, terms, (asked, of, under) => {
      const price = priced({ lines: asked, part: of }, under)
      if (!price) return
      expect(price.netMinor + price.vatMinor).toBe(price.totalMinor)
      expect(price.creditMinor + price.moneyMinor).toBe(price.totalMinor)
      expect(price.creditMinor > 0n && price.moneyMinor >= 0n).toBe(true)
      const whole = under.vatIn === 'money' ? price.netMinor : price.totalMinor
      expect(price.creditMinor * 20_000n <= whole * BigInt(under.largestCreditShareBasisPoints) * 2n + 10_000n).toBe(
        true,
      )
      for (const treatment of treatments) {
        const netMinor = sum(asked.filter((line) => line.treatment === treatment).map((line) => line.netMinor))
        const wanted = (netMinor * BigInt(rates[treatment]) + 5000n) / 10_000n
        for (const kind of ['lines', 'documentLines'] as const) {
          const group = price[kind].filter((line) => line.treatment === treatment)
          expect(sum(group.map((line) => line.vatMinor))).toBe(wanted)
          expect(sum(group.map((line) => line.netMinor))).toBe(netMinor)
        }
        // A book that rounds line by line comes to the very same sum.
        const byLine = sum(
          price.documentLines
            .filter((line) => line.treatment === treatment)
            .map((line) => portion(line.netMinor, rates[treatment], 'half_up')),
        )
        expect(byLine).toBe(wanted)
      }
    }),
    { numRuns: 500 },
  )
})

const fee = fc.record({
  side: fc.constantFrom('seller' as const, 'buyer' as const),
  basisPoints: fc.integer({ min: 0, max: 500 }),
  fixedMinor: fc.bigInt({ min: 0n, max: 300n }).map(String),
  mode: fc.constantFrom('credits' as const, 'money' as const),
  words: fc.constant('Fee'),
})
const facts = fc.record({ lines, part, terms, fees: fc.array(fee, { maxLength: 4 }), buyerRegistered: fc.boolean() })

function factsOf(given: typeof facts extends fc.Arbitrary<infer T> ? T : never): TradeFacts | null {
  const price = priced(given, given.terms)
  if (!price) return null
  return {
    ...price,
    networkId: '00000000-0000-7000-8000-000000000001',
    networkName: 'Valley',
    networkOrganisationId: '00000000-0000-7000-8000-000000000002',
    feesAccountId: '00000000-0000-7000-8000-000000000003',
    id: '00000000-0000-7000-8000-000000000004',
    reference: 'ABCDEFGH12',
    currency: 'GBP',
    scale: 2,
    seller: {
      organisationId: '00000000-0000-7000-8000-000000000005',
      accountId: '00000000-0000-7000-8000-000000000006',
      vatRegistered: true,
    },
    buyer: {
      organisationId: '00000000-0000-7000-8000-000000000007',
      accountId: '00000000-0000-7000-8000-000000000008',
      vatRegistered: given.buyerRegistered,
    },
    tradedOn: '2026-11-02',
    dueOn: '2026-12-02',
    description: 'Flour',
    fees: given.fees,
    linkedInvoice: null,
    linkedBill: null,
    holdId: null,
  }
}

test('papers carry the ledger’s totals to the penny, payments move on each account what the ledger moves', () => {
  fc.assert(
    fc.property(facts, (given) => {
      const trade = factsOf(given)
      if (!trade) return
      const posting = postingFor(trade)
      const promises = deliveriesFor(trade)
      for (const { document } of promises) {
        if (!('lines' in document)) continue
        const total = sum(document.lines.map((line) => BigInt(line.netMinor) + BigInt(line.vatMinor)))
        expect(total.toString()).toBe(document.totalMinor)
      }
      for (const side of ['seller', 'buyer'] as const) {
        const { organisationId, accountId } = trade[side]
        const inLedger = sum(
          posting.transfers.map((one) =>
            one.credit === accountId ? one.amountMinor : one.debit === accountId ? -one.amountMinor : 0n,
          ),
        )
        const inBook = sum(
          promises
            .filter((one) => one.organisationId === organisationId && !one.ifLeftOut)
            .map(({ document }) => {
              if (document.what === 'payment') return BigInt(document.amountMinor) * (side === 'seller' ? 1n : -1n)
              return document.what === 'money_spent' ? -BigInt(document.totalMinor) : 0n
            }),
        )
        expect(inBook).toBe(inLedger)
      }
    }),
    { numRuns: 300 },
  )
})

test('references fit every book’s shortest field, are of one kind in their book, and depend only on what is promised', () => {
  fc.assert(
    fc.property(facts, fc.boolean(), (given, twoStep) => {
      const trade = factsOf(given)
      if (!trade) return
      const posting = postingFor(trade)
      const back = reversalFor(
        { ...trade, posting },
        { feesBack: true, twoStep: { seller: twoStep, buyer: twoStep }, feesLeftOut: new Set() },
      )
      const promises = [...deliveriesFor(trade), ...back.promises]
      const seen = new Map<string, string>()
      for (const { reference, organisationId, kind, id } of promises) {
        expect(reference.length).toBeLessThanOrEqual(21)
        const earlier = seen.get(`${organisationId} ${reference}`)
        expect(earlier === undefined || kind === 'contact' || reference.includes('F')).toBe(true)
        seen.set(`${organisationId} ${reference}`, id)
      }
      const ids = new Set(promises.map((one) => one.id))
      for (const { dependsOn, id } of promises) expect(dependsOn.every((one) => ids.has(one) && one !== id)).toBe(true)
      // A reversal undoes each transfer: the sum on every account is zero.
      const on = new Map<string, bigint>()
      for (const { debit, credit, amountMinor } of [...posting.transfers, ...back.posting.transfers]) {
        on.set(debit, (on.get(debit) ?? 0n) - amountMinor)
        on.set(credit, (on.get(credit) ?? 0n) + amountMinor)
      }
      expect([...on.values()].every((minor) => minor === 0n)).toBe(true)
      expect(feesOf(trade).every((one) => one.amountMinor > 0n)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('an amount survives being written and read, at every scale', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), fc.integer({ min: 0, max: 3 }), (minor, scale) => {
      expect(parseAmount(formatAmount(minor, scale), scale)).toBe(minor)
    }),
  )
})

test('a division is off by less than one, in the direction it names', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
      fc.bigInt({ min: 1n, max: 10n ** 6n }),
      (top, bottom) => {
        const size = (minor: bigint) => (minor < 0n ? -minor : minor)
        const [up, down, half] = [
          divide(top, bottom, 'up'),
          divide(top, bottom, 'down'),
          divide(top, bottom, 'half_up'),
        ]
        expect(size(down) * bottom <= size(top) && size(top) - size(down) * bottom < bottom).toBe(true)
        expect(size(up) * bottom >= size(top) && size(up) * bottom - size(top) < bottom).toBe(true)
        expect(size(half * bottom - top) * 2n <= bottom).toBe(true)
      },
    ),
  )
})
