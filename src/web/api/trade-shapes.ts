/** How a trade looks in JSON, and how one is proposed. */
import { z } from 'zod'
import { shortName } from '../../kit/ids.ts'
import type { AnswerToKeep } from '../../trades/record-trade.ts'
import { type Trade, tradeStates } from '../../trades/trade.ts'
import { type KeptAnswer, keyShape } from './kept-answer.ts'
import { inCurrency } from './network-shapes.ts'
import {
  dayIn,
  dayOut,
  idIn,
  idOut,
  at as instant,
  instantOut,
  money,
  moneyIn,
  moneyOut,
  show,
  words,
} from './shapes.ts'

const sides = ['seller', 'buyer'] as const
export const side = z.enum(sides)
/** Which side is meant, for one who acts for both. */
export const asSide = side.optional().meta({ description: 'The side you act for, when you act for both' })

const treatments = ['standard', 'reduced', 'zero', 'exempt', 'outside', 'reverse_charge'] as const
const refusedTreatments = ['cis', 'margin_scheme', 'abroad'] as const

/** What a yes says beside the trade that it names. */
const yesShape = {
  as: asSide,
  confirmTreatment: z.boolean().default(false).meta({
    description: 'The seller’s yes to the VAT treatment, where `treatmentConfirmed` is false',
  }),
}
export const yesIn = z.strictObject(yesShape).meta({ examples: [{ confirmTreatment: true }] })

export const tradeParams = z.strictObject({ networkId: idIn('network'), tradeId: idIn('trade') })

const proposalShape = {
  sellerId: idIn('member'),
  buyerId: idIn('member'),
  as: asSide,
  description: words(500),
  lines: z
    .array(
      z.strictObject({
        description: words(500),
        net: moneyIn.meta({ description: 'Without VAT' }),
        treatment: z.enum([...treatments, ...refusedTreatments]).meta({
          description: `VAT treatment. ${refusedTreatments.join(', ')} are refused with the reason. A seller that is not registered uses outside (or exempt).`,
        }),
      }),
    )
    .min(1)
    .max(100),
  credit: moneyIn.optional().meta({ description: 'The part in credits; the rest is in money' }),
  creditBasisPoints: z.number().int().min(1).max(10_000).optional().meta({
    description: 'Or as a share of the whole net: 6000 is 60 %. Without either: as much as the terms allow.',
  }),
  money: moneyIn.optional().meta({ description: 'The part in money, when it should be checked' }),
  tradedOn: dayIn.optional().meta({ description: 'The day of sale; today when left out' }),
  dueOn: dayIn.optional().meta({ description: 'When the part in money is due; 30 days after the sale when left out' }),
  buyerReference: words(100).optional(),
  reserve: z.boolean().optional().meta({ description: 'A buyer who proposes may have the part in credits held' }),
}
/** What one side may have in its book already: it is read there, so one trade at a time. */
const linkShape = {
  linkInvoiceNumber: words(50).optional().meta({
    description: 'Of an approved invoice already in the seller’s book: it is paid instead of making one',
  }),
  linkBillNumber: words(50).optional().meta({
    description: 'Of a bill already in the buyer’s book: it is paid instead of making one',
  }),
}
const network = { networkId: idIn('network') }
const example = {
  sellerId: 'mem_01KA9Z6QJ8F2R4S6T8V0W2X4Y6',
  buyerId: 'mem_01KA9Z6QJ8F2R4S6T8V0W2X4Y7',
  description: 'Flour for November',
  lines: [{ description: 'Flour, 40 sacks', net: { amount: '100000', currency: 'GBP' }, treatment: 'standard' }],
  creditBasisPoints: 10000,
}
const exampleInNetwork = { networkId: 'net_01KA9Z6QJ8F2R4S6T8V0W2X4Y6', ...example }

export const proposalIn = z.strictObject({ ...proposalShape, ...linkShape }).meta({ examples: [example] })
export const proposalInNetwork = z
  .strictObject({ ...network, ...proposalShape, ...linkShape })
  .meta({ examples: [exampleInNetwork] })

/** The key of one ask among many. */
export const ownKey = z
  .string()
  .regex(keyShape, 'A key is 1 to 255 visible ASCII characters.')
  .meta({ description: 'What an Idempotency-Key is for one ask: the same key, the same trade' })
export const keyedProposalIn = z
  .strictObject({ ...network, key: ownKey, ...proposalShape })
  .meta({ examples: [{ key: 'order-4711', ...exampleInNetwork }] })
export const keyedYesIn = z.strictObject({ ...network, tradeId: idIn('trade'), key: ownKey, ...yesShape }).meta({
  examples: [{ key: 'yes-4711', networkId: exampleInNetwork.networkId, tradeId: 'trd_01KA9Z6QJ8F2R4S6T8V0W2X4Y8' }],
})

export function partFrom(given: z.output<typeof proposalIn>, currency: string) {
  const { credit, creditBasisPoints, money: inMoney } = given
  return {
    ...(credit ? { creditMinor: inCurrency(credit, currency) } : {}),
    ...(creditBasisPoints !== undefined ? { creditBasisPoints } : {}),
    ...(inMoney ? { moneyMinor: inCurrency(inMoney, currency) } : {}),
  }
}

const linkedOut = z.object({ id: z.string(), number: z.string(), datedOn: dayOut, total: moneyOut, open: moneyOut })
export const tradeOut = z
  .object({
    id: idOut('trade'),
    reference: z.string().meta({ description: 'Names the trade in every book' }),
    sellerId: idOut('member'),
    buyerId: idOut('member'),
    proposedBy: side,
    state: z.enum(tradeStates),
    disputed: z.boolean(),
    description: z.string(),
    buyerReference: z.string().nullable(),
    tradedOn: dayOut,
    dueOn: dayOut,
    lines: z.array(
      z.object({
        description: z.string(),
        net: moneyOut,
        vat: moneyOut,
        treatment: z.string(),
        rateBasisPoints: z.number().int(),
      }),
    ),
    net: moneyOut,
    vat: moneyOut,
    total: moneyOut,
    credit: moneyOut,
    money: moneyOut,
    termsVersion: z.number().int(),
    treatmentConfirmed: z.boolean().meta({ description: 'False: the seller confirms the VAT when it accepts' }),
    linkedInvoice: linkedOut.nullable(),
    linkedBill: linkedOut.nullable(),
    invoiceNumber: z.string().nullable(),
    bookedOn: dayOut.nullable().meta({ description: 'The ledger day; null until it is accepted' }),
    source: z.string(),
    ledgerOnly: z.boolean(),
    recordedAt: instantOut,
    lapsesAt: instantOut,
    decidedAt: instantOut.nullable(),
    decidedReason: z.string().nullable(),
    reversalAskedBy: side.nullable(),
    reversalAskedAt: instantOut.nullable(),
    reversalReason: z.string().nullable(),
    reversedAt: instantOut.nullable(),
    changedAt: instantOut,
  })
  .meta({ id: 'Trade' })

export function showTrade(trade: Trade): z.input<typeof tradeOut> {
  const amount = (minor: bigint) => money(minor, trade.currency)
  const linked = (one: Trade['linkedInvoice']) =>
    one && {
      id: one.id,
      number: one.number,
      datedOn: one.datedOn,
      total: amount(one.totalMinor),
      open: amount(one.openMinor),
    }
  return {
    id: show.id('trade', trade.id),
    reference: trade.reference,
    sellerId: show.id('member', trade.sellerMemberId),
    buyerId: show.id('member', trade.buyerMemberId),
    proposedBy: trade.proposedBy,
    state: trade.state,
    disputed: trade.disputed,
    description: trade.description,
    buyerReference: trade.buyerReference,
    tradedOn: trade.tradedOn,
    dueOn: trade.dueOn,
    lines: trade.lines.map((line) => ({
      description: line.description,
      net: amount(line.netMinor),
      vat: amount(line.vatMinor),
      treatment: line.treatment,
      rateBasisPoints: line.rateBasisPoints,
    })),
    net: amount(trade.netMinor),
    vat: amount(trade.vatMinor),
    total: amount(trade.totalMinor),
    credit: amount(trade.creditMinor),
    money: amount(trade.moneyMinor),
    termsVersion: trade.termsVersion,
    treatmentConfirmed: trade.treatmentConfirmed,
    linkedInvoice: linked(trade.linkedInvoice),
    linkedBill: linked(trade.linkedBill),
    invoiceNumber: trade.invoiceNumber ?? trade.linkedInvoice?.number ?? null,
    bookedOn: trade.bookedOn,
    source: trade.source,
    ledgerOnly: trade.ledgerOnly,
    recordedAt: instant(trade.recordedAt),
    lapsesAt: instant(trade.lapsesAt),
    decidedAt: instant(trade.decidedAt),
    decidedReason: trade.decidedReason,
    reversalAskedBy: trade.reversalAskedBy,
    reversalAskedAt: instant(trade.reversalAskedAt),
    reversalReason: trade.reversalReason,
    reversedAt: instant(trade.reversedAt),
    changedAt: instant(trade.changedAt),
  }
}

/** What a move of a trade answers: small, since it is kept in the very commit of the move. GET the trade for the rest. */
export const outcomeOut = z
  .object({
    id: idOut('trade'),
    reference: z.string(),
    state: z.enum(tradeStates),
    invoiceNumber: z.string().nullable(),
    bookedOn: dayOut.nullable(),
    acceptedAt: instantOut.nullable(),
    reversedAt: instantOut.nullable(),
  })
  .meta({ id: 'TradeOutcome' })
export type Outcome = z.input<typeof outcomeOut>

export function showOutcome(trade: Trade): Outcome {
  const isAccepted = trade.state === 'accepted' || trade.state === 'reversed'
  return {
    id: show.id('trade', trade.id),
    reference: trade.reference,
    state: trade.state,
    invoiceNumber: trade.invoiceNumber ?? trade.linkedInvoice?.number ?? null,
    bookedOn: trade.bookedOn,
    acceptedAt: isAccepted ? instant(trade.decidedAt) : null,
    reversedAt: instant(trade.reversedAt),
  }
}

/** Before a proposal stands, all that is known of its answer. */
export function outcomeOfNew(tradeId: string): Outcome {
  const nothing = { invoiceNumber: null, bookedOn: null, acceptedAt: null, reversedAt: null }
  return { id: show.id('trade', tradeId), reference: shortName(tradeId), state: 'proposed', ...nothing }
}

/** Where the deciding SQL function keeps the answer. */
export function answerFor(kept: KeptAnswer | null, template: Outcome, status: number): { answer?: AnswerToKeep } {
  if (!kept) return {}
  const { actor, route, key } = kept
  const bodyHash = Buffer.from(kept.bodyHash).toString('hex')
  return { answer: { actor, route, key, bodyHash, template, status } }
}
