/** What stands in a book against what was promised: verdicts one by one, and lines that add up to the drift whatever was done. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BookDocument, Receipt } from '../../connectors/port.ts'
import { sum } from '../../src/kit/money.ts'
import type { Delivery } from '../../src/outbox/delivery.ts'
import { compare, type Ours, type Theirs } from '../../src/reconcile/compare.ts'

const asOf = '2026-11-02'
const nothing = { version: null, number: null, status: null, deepLink: null, warnings: [], callId: null }

function payment(id: string, amountMinor: bigint, more: Partial<Delivery> = {}): Delivery {
  const receipt: Receipt = {
    ...nothing,
    kind: 'payment',
    id: `pay-${id}`,
    totalMinor: amountMinor,
    openMinor: null,
    datedOn: asOf,
  }
  return {
    networkId: 'n',
    id,
    organisationId: 'o',
    tradeId: null,
    kind: 'payment',
    reference: `T${id}-SP`,
    document: {
      what: 'payment',
      of: `paper-${id}`,
      amountMinor: amountMinor.toString(),
      counterpartId: 'c',
      role: 'customer',
      datedOn: asOf,
      currency: 'GBP',
      note: '',
    },
    dependsOn: [],
    live: true,
    state: 'delivered',
    generation: 1,
    attempts: 1,
    fails: 0,
    lookFirst: false,
    dueAt: new Date(0),
    parkedCause: null,
    parkedFacts: null,
    receipt,
    warnings: [],
    droppedReason: null,
    promisedAt: new Date(0),
    settledAt: null,
    trace: null,
    ...more,
  }
}

function held(id: string, amountMinor: bigint, more: Partial<BookDocument> = {}): BookDocument {
  return {
    kind: 'payment',
    id: `pay-${id}`,
    version: null,
    number: null,
    reference: `T${id}-SP`,
    contactId: 'contact',
    contactName: 'Bakery',
    datedOn: asOf,
    dueOn: null,
    status: 'paid',
    currency: 'GBP',
    totalMinor: amountMinor,
    vatMinor: 0n,
    openMinor: 0n,
    moves: [{ accountId: 'mc', amountMinor }],
    of: [],
    updatedAt: '2026-11-02T10:00:00Z',
    deepLink: null,
    ...more,
  }
}

function ours(deliveries: Delivery[], ledgerMinor: bigint, more: Partial<Ours> = {}): Ours {
  return {
    deliveries,
    ledgerMinor,
    asOf,
    currency: 'GBP',
    creditAccountId: 'mc',
    contactIds: new Map([['c customer', 'contact']]),
    elsewhere: new Set(),
    ...more,
  }
}
const verdicts = (mine: Ours, theirs: Theirs) =>
  compare(mine, theirs).lines.map((line) => `${line.verdict} ${line.ledgerMinor} ${line.bookMinor}`)

test('a payment that a person edits by deleting it and making it again under our reference agrees', () => {
  const documents = [held('1', 500n, { status: 'deleted' }), held('1', 500n, { id: 'pay-new' })]
  expect(verdicts(ours([payment('1', 500n)], 500n), { documents, bookMinor: 500n })).toEqual(['match 500 500'])
})

test('one made again with another amount differs, and is no entry of a stranger', () => {
  const documents = [held('1', 500n, { status: 'deleted' }), held('1', 480n, { id: 'pay-new' })]
  expect(verdicts(ours([payment('1', 500n)], 500n), { documents, bookMinor: 480n })).toEqual(['amount_differs 500 480'])
})

test('a second payment under our reference is doubled', () => {
  const documents = [held('1', 500n), held('1', 500n, { id: 'pay-again' })]
  expect(verdicts(ours([payment('1', 500n)], 500n), { documents, bookMinor: 1_000n })).toEqual([
    'match 500 500',
    'doubled 0 500',
  ])
})

test('what is parked for want of an answer, and is there all the same, stands on one line', () => {
  const parked = payment('1', 500n, { state: 'parked', receipt: null })
  expect(verdicts(ours([parked], 500n), { documents: [held('1', 500n)], bookMinor: 500n })).toEqual([
    'on_its_way 500 500',
  ])
})

test('a bill that another network of the same member has put there is not doubled', () => {
  const paper = { kind: 'bill' as const, totalMinor: 900n, moves: [], number: 'B-1' }
  const bill = payment('1', 0n, {
    kind: 'bill',
    reference: 'T1-BB',
    receipt: { ...nothing, kind: 'bill', id: 'bill-1', totalMinor: 900n, openMinor: 0n, datedOn: asOf },
    document: {
      what: 'bill',
      counterpartId: 'c',
      number: 'A-1',
      datedOn: asOf,
      dueOn: asOf,
      currency: 'GBP',
      lines: [],
      vatMinor: '0',
      totalMinor: '900',
      creditMinor: '900',
      note: '',
      linkedId: null,
      vatCharged: false,
    },
  })
  const contactIds = new Map([['c supplier', 'contact']])
  const documents = [
    held('1', 0n, { ...paper, id: 'bill-1', reference: 'T1-BB', number: 'A-1' }),
    held('2', 0n, { ...paper, id: 'bill-2', reference: 'T2-BB' }),
  ]
  const alone = ours([bill], 0n, { contactIds })
  expect(verdicts(alone, { documents, bookMinor: 0n })).toEqual(['match 0 0', 'doubled 0 0'])
  const beside = { ...alone, elsewhere: new Set(['bill:bill-2']) }
  expect(verdicts(beside, { documents, bookMinor: 0n })).toEqual(['match 0 0'])
})

test('what is dated ahead is named whether the book counts it already or not', () => {
  const documents = [held('9', 700n, { datedOn: '2026-12-24', reference: null })]
  expect(verdicts(ours([], 0n), { documents, bookMinor: 0n })).toEqual(['dated_ahead 0 0'])
  expect(verdicts(ours([], 0n), { documents, bookMinor: 700n })).toEqual(['dated_ahead 0 700'])
})

const minor = fc.bigInt({ min: 1n, max: 9_999n })
const status = fc.constantFrom(
  'paid' as const,
  'open' as const,
  'voided' as const,
  'deleted' as const,
  'draft' as const,
)
const day = fc.constantFrom('2026-10-30', asOf, '2026-11-03')

test('whatever was promised, delivered, edited, doubled or added, the lines add up to the drift on both sides', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          amountMinor: minor,
          state: fc.constantFrom('waiting' as const, 'parked' as const, 'delivered' as const, 'dropped' as const),
          copies: fc.array(fc.record({ amountMinor: minor, status, datedOn: day, isMc: fc.boolean() }), {
            maxLength: 3,
          }),
        }),
        { maxLength: 6 },
      ),
      fc.array(fc.record({ amountMinor: minor, status, datedOn: day }), { maxLength: 4 }),
      fc.bigInt({ min: -50_000n, max: 50_000n }),
      fc.bigInt({ min: -50_000n, max: 50_000n }),
      (promises, strangers, ledgerMinor, bookMinor) => {
        const deliveries = promises.map(({ amountMinor, state }, at) =>
          payment(String(at), amountMinor, { state, ...(state === 'delivered' ? {} : { receipt: null }) }),
        )
        const documents = [
          ...promises.flatMap(({ copies }, at) =>
            copies.map(({ amountMinor, isMc, ...more }, copy) =>
              held(String(at), amountMinor, {
                ...more,
                id: copy === 0 ? `pay-${at}` : `pay-${at}-${copy}`,
                moves: [{ accountId: isMc ? 'mc' : 'other', amountMinor }],
              }),
            ),
          ),
          ...strangers.map(({ amountMinor, ...more }, at) => held(`x${at}`, amountMinor, { ...more, reference: null })),
        ]
        const { lines, driftMinor } = compare(ours(deliveries, ledgerMinor), { documents, bookMinor })
        expect(sum(lines.map((line) => line.ledgerMinor))).toBe(ledgerMinor)
        expect(sum(lines.map((line) => line.bookMinor))).toBe(bookMinor)
        expect(sum(lines.map((line) => line.ledgerMinor - line.bookMinor))).toBe(driftMinor)
        expect(new Set(lines.map((line) => line.mark)).size).toBe(lines.length)
      },
    ),
  )
})
