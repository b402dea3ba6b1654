/**
 * What a trade must leave in the ledger and in each book. Pure: worked out when it is proposed, so that its acceptance reads
 * nothing of its own.
 *
 * Keeps: the documents' totals are the ledger's to the penny; each document has one reference in its book, for ever.
 */

import { idOfCause, type Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { formatAmount, portion, sum } from '../kit/money.ts'
import type { PostingAsk, TransferAsk } from '../ledger/post.ts'
import type { Fee } from '../networks/terms.ts'
import type { DeliveryKind, Promised, PromisedDocument, PromisedLine, PromisedPaper } from '../outbox/delivery.ts'
import { contactIn, deliveryId } from '../outbox/promise.ts'
import type { Linked, Side, TradeLine } from './trade.ts'

export type PartySide = { organisationId: Uuid; accountId: Uuid; vatRegistered: boolean }
export type TradeFacts = {
  networkId: Uuid
  networkName: string
  networkOrganisationId: Uuid
  feesAccountId: Uuid
  id: Uuid
  reference: string
  currency: string
  scale: number
  seller: PartySide
  buyer: PartySide
  tradedOn: string
  dueOn: string
  description: string
  documentLines: TradeLine[]
  vatMinor: bigint
  totalMinor: bigint
  creditMinor: bigint
  moneyMinor: bigint
  fees: Fee[]
  linkedInvoice: Linked | null
  linkedBill: Linked | null
  /** A buyer who proposed asked for the amount to be reserved. */
  holdId: Uuid | null
}

/** What acceptance promises, and on what it depends there: a fee may be left out of the posting and become a bill. */
export type TradePromise = Promised & { ifPosted?: Uuid; ifLeftOut?: Uuid }
/** What a reversal promises: only if what it undoes may stand in the book, and by whether our payment may stand there too. */
export type ReversalPromise = Promised & { after: Uuid; ifPaid?: Uuid; ifUnpaid?: Uuid }

const feeMark = { seller: 'S', buyer: 'B' } as const

// ─── The ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The trade first, so that a seller's fee is paid from what it has just earned. */
export function postingFor(trade: TradeFacts, owed: TradeFee[] = feesOf(trade)): PostingAsk {
  const id = transferId(trade, 'trade')
  const cause = { causeKind: 'trade', causeId: trade.id }
  const sale: TransferAsk = {
    id,
    kind: trade.holdId ? 'hold_post' : 'trade',
    debit: trade.buyer.accountId,
    credit: trade.seller.accountId,
    amountMinor: trade.creditMinor,
    ...cause,
    ...(trade.holdId ? { holdId: trade.holdId } : {}),
  }
  const fees = owed
    .filter((fee) => fee.mode === 'credits')
    .map(
      (fee): TransferAsk => ({
        id: fee.transferId,
        kind: 'fee',
        debit: trade[fee.side].accountId,
        credit: trade.feesAccountId,
        amountMinor: fee.amountMinor,
        ...cause,
      }),
    )
  return { id: idOfCause('posting', trade.networkId, trade.id, 'trade'), transfers: [sale, ...fees] }
}

/** Each transfer the other way round, the last first. reverse_trades() leaves out what was not posted. */
export function reversalPostingFor(
  trade: { networkId: Uuid; id: Uuid; posting: PostingAsk },
  feesBack: boolean,
): PostingAsk {
  const transfers = trade.posting.transfers
    .filter((transfer) => feesBack || transfer.kind !== 'fee')
    .map(
      (transfer): TransferAsk => ({
        id: idOfCause('transfer', transfer.id, 'reversal'),
        kind: 'reversal',
        debit: transfer.credit,
        credit: transfer.debit,
        amountMinor: transfer.amountMinor,
        causeKind: 'trade',
        causeId: trade.id,
        reversesId: transfer.id,
      }),
    )
    .reverse()
  return { id: idOfCause('posting', trade.networkId, trade.id, 'reversal'), transfers, mayBuyFrozen: true }
}

type TradeFee = Fee & { transferId: Uuid; suffix: string; amountMinor: bigint }

/** Of the part in credits, half up, plus the fixed part; what comes to nothing is no fee. Fees never bear fees. */
export function feesOf(trade: Pick<TradeFacts, 'networkId' | 'id' | 'fees' | 'creditMinor'>): TradeFee[] {
  const count: Record<Side, number> = { seller: 0, buyer: 0 }
  return trade.fees.flatMap((fee) => {
    const amountMinor = portion(trade.creditMinor, fee.basisPoints, 'half_up') + BigInt(fee.fixedMinor)
    if (amountMinor <= 0n) return []
    count[fee.side] += 1
    const number = count[fee.side] === 1 ? '' : String(count[fee.side])
    const part = `${feeMark[fee.side]}F${number}`
    return [{ ...fee, amountMinor, suffix: number, transferId: transferId(trade, part) }]
  })
}

function transferId(trade: Pick<TradeFacts, 'networkId' | 'id'>, part: string): Uuid {
  return idOfCause('transfer', trade.networkId, trade.id, part)
}

// ─── The books ────────────────────────────────────────────────────────────────────────────────────────────────────────

export function deliveriesFor(trade: TradeFacts, owed: TradeFee[] = feesOf(trade)): TradePromise[] {
  return [...saleIn('seller', trade), ...saleIn('buyer', trade), ...owed.flatMap((fee) => feeIn(fee, trade))]
}

/** Invoice and payment, or bill and payment; what the trade pays in money stays open on them. */
function saleIn(side: Side, trade: TradeFacts): TradePromise[] {
  const { owner, counterpart, role, linked } = around(side, trade)
  const [paper, payment] = side === 'seller' ? (['SI', 'SP'] as const) : (['BB', 'BP'] as const)
  const contact = contactIn(trade.networkId, owner, counterpart, role)
  const document: PromisedPaper = {
    what: side === 'seller' ? 'invoice' : 'bill',
    counterpartId: counterpart,
    // The seller's invoice number, given at acceptance; a linked invoice has its own, and the bill bears it too.
    number: trade.linkedInvoice?.number ?? null,
    datedOn: trade.linkedInvoice?.datedOn ?? trade.tradedOn,
    dueOn: trade.dueOn,
    currency: trade.currency,
    ...amountsIn(side, trade),
    creditMinor: trade.creditMinor.toString(),
    note: noteOf(trade),
    linkedId: linked?.id ?? null,
  }
  const paperPromise = promised(trade, owner, paper, document, [contact.id])
  const settles: PromisedDocument = {
    what: 'payment',
    of: paperPromise.id,
    counterpartId: counterpart,
    role,
    amountMinor: trade.creditMinor.toString(),
    datedOn: null,
    currency: trade.currency,
    note: noteOf(trade),
  }
  return [contact, paperPromise, promised(trade, owner, payment, settles, [paperPromise.id])]
}

/** In credits: money spent on the mutual-credit account. In money, or left out of the posting: an open bill from the network. */
function feeIn(fee: TradeFee, trade: TradeFacts): TradePromise[] {
  const owner = trade[fee.side].organisationId
  const reference = `${feeMark[fee.side]}F${fee.suffix}`
  const contact = contactIn(trade.networkId, owner, trade.networkOrganisationId, 'supplier')
  const lines = [plainLine(fee.words || 'Network fee', fee.amountMinor)]
  const shared = {
    counterpartId: trade.networkOrganisationId,
    lines,
    totalMinor: fee.amountMinor.toString(),
    currency: trade.currency,
  }
  const spent: PromisedDocument = { what: 'money_spent', account: 'fee', ...shared, datedOn: null, note: noteOf(trade) }
  const bill: PromisedDocument = {
    what: 'bill',
    ...shared,
    number: `${trade.reference}-${reference}`,
    datedOn: null,
    dueOn: null,
    vatMinor: '0',
    creditMinor: '0',
    note: noteOf(trade),
    linkedId: null,
    vatCharged: false,
    account: 'fee',
  }
  const asBill = promised(trade, owner, reference, bill, [contact.id])
  if (fee.mode === 'money') return [contact, asBill]
  const asSpent = promised(trade, owner, reference, spent, [contact.id])
  return [contact, { ...asSpent, ifPosted: fee.transferId }, { ...asBill, ifLeftOut: fee.transferId }]
}

/** What the reversal must leave in each book. `twoStep`: a refund there is an expense or deposit, then linked to its credit. */
export function reversalFor(
  trade: TradeFacts & { posting: PostingAsk },
  how: { feesBack: boolean; twoStep: Record<Side, boolean>; feesLeftOut: ReadonlySet<Uuid> },
): { posting: PostingAsk; promises: ReversalPromise[] } {
  return {
    posting: reversalPostingFor(trade, how.feesBack),
    promises: [
      ...reversalIn('seller', trade, how.twoStep.seller),
      ...reversalIn('buyer', trade, how.twoStep.buyer),
      ...(how.feesBack ? feesOf(trade).flatMap((fee) => feeBackIn(fee, trade, how.feesLeftOut)) : []),
    ],
  }
}

/**
 * A credit dated that day, set first against what is still open; then the part in credits comes back from the account.
 * Where our payment never reached the book, the credit is set against all of it.
 */
function reversalIn(side: Side, trade: TradeFacts, twoStep: boolean): ReversalPromise[] {
  const { owner, counterpart, role } = around(side, trade)
  const mark = side === 'seller' ? 'S' : 'B'
  const paper = deliveryId(trade.networkId, owner, `${trade.reference}-${side === 'seller' ? 'SI' : 'BB'}`)
  const payment = deliveryId(trade.networkId, owner, `${trade.reference}-${mark}P`)
  const contact = contactIn(trade.networkId, owner, counterpart, role)
  const shared = {
    counterpartId: counterpart,
    role,
    datedOn: null,
    currency: trade.currency,
    note: reversalNoteOf(trade),
  }
  const creditAfter = (creditMinor: bigint, needs: Uuid[]) =>
    promised(
      trade,
      owner,
      `${mark}C`,
      {
        what: side === 'seller' ? 'credit_note' : 'supplier_credit',
        counterpartId: counterpart,
        number: `${trade.reference}-SC`,
        datedOn: null,
        dueOn: null,
        currency: trade.currency,
        ...amountsIn(side, trade),
        creditMinor: creditMinor.toString(),
        note: reversalNoteOf(trade),
        linkedId: null,
      },
      [contact.id, ...needs],
    )
  const credit = creditAfter(trade.creditMinor, [paper, payment])
  const setOffAfter = (needs: Uuid[]) =>
    promised(
      trade,
      owner,
      `${mark}A`,
      { what: 'allocation', credit: credit.id, against: paper, amountMinor: 'open', minor: false, ...shared },
      [credit.id, ...needs],
    )
  const setOff = setOffAfter([paper, payment])
  const isPartInMoney = trade.moneyMinor > 0n
  const refund = promised(
    trade,
    owner,
    `${mark}R`,
    { what: 'refund', of: credit.id, amountMinor: trade.creditMinor.toString(), ...shared },
    isPartInMoney ? [credit.id, setOff.id] : [credit.id],
  )
  const link = promised(
    trade,
    owner,
    `${mark}L`,
    {
      what: 'allocation',
      credit: credit.id,
      against: refund.id,
      amountMinor: trade.creditMinor.toString(),
      minor: true,
      ...shared,
    },
    [credit.id, refund.id],
  )
  const paid = [credit, ...(isPartInMoney ? [setOff] : []), refund, ...(twoStep ? [link] : [])]
  const unpaid = [creditAfter(0n, [paper]), setOffAfter([paper])]
  return [
    ...paid.map((promise) => ({ ...promise, after: paper, ifPaid: payment })),
    ...unpaid.map((promise) => ({ ...promise, after: paper, ifUnpaid: payment })),
  ]
}

/** A fee in credits comes back as money received; one that was billed, as a credit that is set against its bill. */
function feeBackIn(fee: TradeFee, trade: TradeFacts, feesLeftOut: ReadonlySet<Uuid>): ReversalPromise[] {
  const owner = trade[fee.side].organisationId
  const mark = feeMark[fee.side]
  const charged = deliveryId(trade.networkId, owner, `${trade.reference}-${mark}F${fee.suffix}`)
  const contact = contactIn(trade.networkId, owner, trade.networkOrganisationId, 'supplier')
  const reference = `${mark}G${fee.suffix}`
  const shared = {
    counterpartId: trade.networkOrganisationId,
    datedOn: null,
    currency: trade.currency,
    note: reversalNoteOf(trade),
  }
  const amount = {
    lines: [plainLine(fee.words || 'Network fee', fee.amountMinor)],
    totalMinor: fee.amountMinor.toString(),
  }
  const after = (promise: Promised): ReversalPromise => ({ ...promise, after: charged })
  if (fee.mode !== 'money' && !feesLeftOut.has(fee.transferId)) {
    const received: PromisedDocument = { what: 'money_received', account: 'fee', ...shared, ...amount }
    return [after(promised(trade, owner, reference, received, [contact.id, charged]))]
  }
  const credit = promised(
    trade,
    owner,
    reference,
    {
      what: 'supplier_credit',
      ...shared,
      ...amount,
      number: `${trade.reference}-${reference}`,
      dueOn: null,
      vatMinor: '0',
      creditMinor: '0',
      linkedId: null,
      vatCharged: false,
      account: 'fee',
    },
    [contact.id, charged],
  )
  const setOff: PromisedDocument = {
    what: 'allocation',
    credit: credit.id,
    against: charged,
    role: 'supplier',
    amountMinor: 'open',
    minor: true,
    ...shared,
  }
  return [credit, promised(trade, owner, `${mark}H${fee.suffix}`, setOff, [credit.id, charged])].map(after)
}

// ─── What they share ──────────────────────────────────────────────────────────────────────────────────────────────────

function around(side: Side, trade: TradeFacts) {
  const isSeller = side === 'seller'
  return {
    owner: trade[side].organisationId,
    counterpart: (isSeller ? trade.buyer : trade.seller).organisationId,
    role: isSeller ? ('customer' as const) : ('supplier' as const),
    linked: isSeller ? trade.linkedInvoice : trade.linkedBill,
  }
}

/** A buyer without a registration reclaims nothing: its lines are gross. */
function amountsIn(
  side: Side,
  trade: TradeFacts,
): Pick<PromisedPaper, 'lines' | 'vatMinor' | 'totalMinor' | 'vatCharged'> {
  const isGross = side === 'buyer' && !trade.buyer.vatRegistered
  const lines = isGross
    ? trade.documentLines.map((line) => plainLine(line.description, line.netMinor + line.vatMinor))
    : trade.documentLines.map((line) => ({
        ...line,
        netMinor: line.netMinor.toString(),
        vatMinor: line.vatMinor.toString(),
      }))
  const shown = sum(lines.map((line) => BigInt(line.netMinor) + BigInt(line.vatMinor)))
  invariant(shown === trade.totalMinor, `trade ${trade.id}: lines ${shown}, total ${trade.totalMinor}`)
  return {
    lines,
    vatMinor: isGross ? '0' : trade.vatMinor.toString(),
    totalMinor: trade.totalMinor.toString(),
    vatCharged: trade.vatMinor > 0n || trade.documentLines.some((line) => line.treatment !== 'outside'),
  }
}

function plainLine(description: string, amountMinor: bigint): PromisedLine {
  return { description, netMinor: amountMinor.toString(), vatMinor: '0', treatment: 'outside', rateBasisPoints: 0 }
}

function promised(
  trade: Pick<TradeFacts, 'networkId' | 'id' | 'reference'>,
  owner: Uuid,
  part: string,
  document: PromisedDocument,
  dependsOn: Uuid[],
): Promised {
  const reference = `${trade.reference}-${part}`
  const kind: DeliveryKind = document.what
  return {
    id: deliveryId(trade.networkId, owner, reference),
    organisationId: owner,
    tradeId: trade.id,
    kind,
    reference,
    document,
    dependsOn,
    live: true,
  }
}

function noteOf(
  trade: Pick<TradeFacts, 'reference' | 'networkName' | 'description' | 'creditMinor' | 'scale' | 'currency'>,
): string {
  const credits = formatAmount(trade.creditMinor, trade.scale)
  return `Trade ${trade.reference} on ${trade.networkName}: ${trade.description} (${credits} in credits)`
}

function reversalNoteOf(trade: Parameters<typeof noteOf>[0]): string {
  return `Reversal of ${noteOf(trade).replace('Trade', 'trade')}`
}
