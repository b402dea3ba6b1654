/**
 * A proposal: everything about a trade that is known before anybody says yes, worked out once. Pure.
 *
 * Keeps: the terms of its day, the transfers and the documents stand on the row, so that acceptance reads nothing of its own.
 */
import { addDays, type Day, dayIn, isDay } from '../kit/clock.ts'
import { idOfCause, shortName, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { networkAccountId } from '../ledger/account.ts'
import { holdTransfer } from '../ledger/hold.ts'
import { type PostingAsk, postingJson } from '../ledger/post.ts'
import type { Member } from '../networks/member.ts'
import type { Network } from '../networks/network.ts'
import type { Organisation } from '../networks/organisation.ts'
import type { Fee, Terms } from '../networks/terms.ts'
import { deliveriesFor, feesOf, postingFor, type TradeFacts } from './documents.ts'
import { type LineAsk, longestDescription, type PartAsk, type Price, priceOf } from './price.ts'
import type { Linked, Side, Trade, TradeLine } from './trade.ts'

/** What a proposal is judged on: of each side, no more than that needs. */
export type Party = Pick<Member, 'networkId' | 'id' | 'organisationId' | 'accountId' | 'standing'> & {
  organisation: Pick<Organisation, 'name'> & { vat: Pick<Organisation['vat'], 'registered'> }
}
export type TradingNetwork = Omit<Network, 'slug' | 'createdAt'>
export type Parties = { network: TradingNetwork; terms: Terms; seller: Party; buyer: Party }

export type TradeAsk = {
  networkId: Uuid
  /** Made from the caller's key, so that the same ask is the same trade. */
  id: Uuid
  actor: string
  proposedBy: Side
  sellerMemberId: Uuid
  buyerMemberId: Uuid
  currency: string
  lines: LineAsk[]
  part: PartAsk
  description: string
  tradedOn: Day
  dueOn?: Day
  buyerReference?: string | null
  linkedInvoice?: Linked | null
  linkedBill?: Linked | null
  /** Only a buyer who proposes: the part in credits is held until the seller answers. */
  reserve?: boolean
  source: Trade['source']
  /** A past carried over: no documents, no fees, no share to keep to, no invoice number unless it had one. */
  ledgerOnly?: boolean
  invoiceNumber?: string | null
}

/** A row of the table trade, as JSON. */
export type Proposal = { network_id: Uuid; id: Uuid; hold_id: Uuid | null } & Record<string, unknown>

const usualDaysToPay = 30
const longestBuyerReference = 100

export function proposalOf(parties: Parties, ask: TradeAsk, at: Date): Proposal {
  const { network, terms, seller, buyer } = parties
  mustBeTwoMembers(parties, ask)
  if (ask.currency !== network.currency)
    throw new Refusal('currencies_differ', { wanted: network.currency, currency: ask.currency })
  mustFit('description', ask.description, longestDescription)
  if (ask.buyerReference) mustFit('buyer’s reference', ask.buyerReference, longestBuyerReference)
  const price = priceOf(ask, {
    sellerRegistered: seller.organisation.vat.registered,
    buyerRegistered: buyer.organisation.vat.registered,
    scale: network.scale,
    terms: ask.ledgerOnly ? null : terms,
    linkedTotalMinor: ask.linkedInvoice?.totalMinor ?? null,
  })
  const dueOn =
    ask.dueOn ?? (price.moneyMinor > 0n && isDay(ask.tradedOn) ? addDays(ask.tradedOn, usualDaysToPay) : ask.tradedOn)
  mustBeDays(ask.tradedOn, dueOn, dayIn(network.timeZone, at))
  mustFitBooks(ask, price)
  const holdId = ask.reserve && ask.proposedBy === 'buyer' ? idOfCause('transfer', network.id, ask.id, 'hold') : null
  const facts = factsFrom({ parties, fees: ask.ledgerOnly ? [] : terms.fees }, { ...ask, ...price, dueOn, holdId })
  const fees = feesOf(facts)
  return {
    network_id: network.id,
    id: ask.id,
    reference: facts.reference,
    seller_member_id: seller.id,
    buyer_member_id: buyer.id,
    proposed_by: ask.proposedBy,
    state: 'proposed',
    terms_version: terms.version,
    traded_on: ask.tradedOn,
    due_on: dueOn,
    description: facts.description,
    buyer_reference: ask.buyerReference ?? null,
    currency: ask.currency,
    net_minor: price.netMinor.toString(),
    vat_minor: price.vatMinor.toString(),
    total_minor: price.totalMinor.toString(),
    credit_minor: price.creditMinor.toString(),
    money_minor: price.moneyMinor.toString(),
    lines: price.lines.map(lineJson),
    // A seller without a registration charges no VAT: there is nothing to confirm.
    treatment_confirmed: ask.proposedBy === 'seller' || !seller.organisation.vat.registered,
    linked_invoice: linkedJson(ask.linkedInvoice),
    linked_bill: linkedJson(ask.linkedBill),
    posting: postingJson(postingFor(facts, fees)),
    promises: ask.ledgerOnly ? [] : deliveriesFor(facts, fees),
    hold_id: holdId,
    ledger_only: ask.ledgerOnly ?? false,
    source: ask.source,
    lapses_at: lapsesAt(at, terms).toISOString(),
    invoice_number: ask.ledgerOnly ? (ask.invoiceNumber ?? null) : null,
    proposed_by_actor: ask.actor,
    recorded_at: at.toISOString(),
    disputed: false,
    changed_at: at.toISOString(),
  }
}

/** What reserves the part in credits until the proposal is answered. */
export function holdPostingFor(parties: Parties, proposal: Proposal, at: Date): PostingAsk | null {
  if (proposal.hold_id === null) return null
  const { network, seller, buyer, terms } = parties
  const hold = {
    id: proposal.hold_id,
    debit: buyer.accountId,
    credit: seller.accountId,
    amountMinor: BigInt(String(proposal.credit_minor)),
    causeKind: 'trade',
    causeId: proposal.id,
  }
  const transfer = holdTransfer(hold, { expiresAt: lapsesAt(at, terms), promised: false })
  return { id: idOfCause('posting', network.id, proposal.id, 'hold'), transfers: [transfer] }
}

/** The facts of a trade for documents.ts, from an ask or from the row that it became. */
export function factsFrom(
  around: { parties: Parties; fees: Fee[] },
  trade: Pick<
    Trade,
    'id' | 'currency' | 'tradedOn' | 'dueOn' | 'description' | 'vatMinor' | 'totalMinor' | 'creditMinor' | 'moneyMinor'
  > & {
    documentLines: TradeLine[]
    linkedInvoice?: Linked | null
    linkedBill?: Linked | null
    holdId: Uuid | null
  },
): TradeFacts {
  const { network, seller, buyer } = around.parties
  const side = (member: Party) => ({
    organisationId: member.organisationId,
    accountId: member.accountId,
    vatRegistered: member.organisation.vat.registered,
  })
  return {
    networkId: network.id,
    networkName: network.name,
    networkOrganisationId: network.organisationId,
    feesAccountId: networkAccountId(network.id, 'fees'),
    id: trade.id,
    reference: shortName(trade.id),
    currency: trade.currency,
    scale: network.scale,
    seller: side(seller),
    buyer: side(buyer),
    tradedOn: trade.tradedOn,
    dueOn: trade.dueOn,
    description: trade.description.trim(),
    documentLines: trade.documentLines,
    vatMinor: trade.vatMinor,
    totalMinor: trade.totalMinor,
    creditMinor: trade.creditMinor,
    moneyMinor: trade.moneyMinor,
    fees: around.fees,
    linkedInvoice: trade.linkedInvoice ?? null,
    linkedBill: trade.linkedBill ?? null,
    holdId: trade.holdId,
  }
}

function mustBeTwoMembers({ network, seller, buyer }: Parties, ask: TradeAsk): void {
  if (seller.id === buyer.id) throw new Refusal('trade_with_itself', {})
  if (network.state !== 'open') throw new Refusal('network_paused', {})
  const maySell = ['admitted', 'suspended', 'leaving'].includes(seller.standing)
  if (!maySell) throw new Refusal('member_not_admitted', { member: seller.organisation.name })
  if (buyer.standing === 'suspended' && !ask.ledgerOnly)
    throw new Refusal('member_may_not_buy', { member: buyer.organisation.name })
  if (!['admitted', 'leaving', 'suspended'].includes(buyer.standing))
    throw new Refusal('member_not_admitted', { member: buyer.organisation.name })
}

function mustFit(what: string, text: string, most: number): void {
  const length = text.trim().length
  if (length === 0 || text.length > most) throw new Refusal('text_does_not_fit', { what, most })
}

function mustBeDays(tradedOn: Day, dueOn: Day, today: Day): void {
  for (const day of [tradedOn, dueOn]) if (!isDay(day)) throw new Refusal('day_not_real', { day })
  if (tradedOn > today) throw new Refusal('traded_in_future', { tradedOn, today })
  if (dueOn < tradedOn) throw new Refusal('due_before_sale', { tradedOn, dueOn })
}

/** An invoice is open for at least the part in credits; a bill already in the buyer's book has this very total. */
function mustFitBooks(ask: TradeAsk, price: Price): void {
  const { linkedInvoice, linkedBill } = ask
  for (const linked of [linkedInvoice, linkedBill])
    if (linked && linked.openMinor < price.creditMinor)
      throw new Refusal('invoice_does_not_fit', {
        why: 'less than the part in credits is still open on it',
        openMinor: linked.openMinor.toString(),
        creditMinor: price.creditMinor.toString(),
      })
  if (linkedBill && linkedBill.totalMinor !== price.totalMinor)
    throw new Refusal('invoice_does_not_fit', {
      why: 'its total is not the trade’s',
      totalMinor: linkedBill.totalMinor.toString(),
      wantedMinor: price.totalMinor.toString(),
    })
}

function lapsesAt(at: Date, terms: Terms): Date {
  const lapses = new Date(at)
  lapses.setUTCDate(lapses.getUTCDate() + terms.proposalLifeDays)
  return lapses
}

function lineJson(line: TradeLine): Record<string, unknown> {
  return { ...line, netMinor: line.netMinor.toString(), vatMinor: line.vatMinor.toString() }
}

function linkedJson(linked: Linked | null | undefined): Record<string, unknown> | null {
  if (!linked) return null
  return { ...linked, totalMinor: linked.totalMinor.toString(), openMinor: linked.openMinor.toString() }
}
