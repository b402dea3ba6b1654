/**
 * A whole trade under a standing consent as one Prisma interactive transaction: proposed and accepted by the same rules as in
 * accept_trades(), its transfers and entries in the chain, invoice number, the month of the consent, promised deliveries, the
 * line in the trail of deeds, and the answer kept under the caller's key. What is pure (price, transfers, documents) is the
 * product's own code, so that nobody wins by writing another trade.
 *
 * Keeps: what may be read beforehand is read before the head is locked; what is decided is read under its lock.
 */
import { randomUUID } from 'node:crypto'
import { type Day, dateOf, instantOf } from '../../src/kit/clock.ts'
import type { Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import type { PostingAsk } from '../../src/ledger/post.ts'
import type { TradePromise } from '../../src/trades/documents.ts'
import { type Proposal, proposalOf, type TradeAsk } from '../../src/trades/proposal.ts'
import { partiesOf } from '../../src/trades/propose.ts'
import { consentFor } from '../../src/trades/standing-consent.ts'
import { lockHead, type PostedByPrisma, writePosting } from './prisma-posting.ts'

export type AnswerKey = { actor: string; route: string; key: string; bodyHash: Uint8Array<ArrayBuffer> }
export type TradeAnswer = {
  id: Uuid
  reference: string
  state: 'accepted'
  invoiceNumber: string
  bookedOn: Day
  acceptedAt: string
}
type Written = Proposal & {
  reference: string
  seller_member_id: Uuid
  buyer_member_id: Uuid
  posting: Record<string, unknown>
  promises: TradePromise[]
}

export async function tradeByPrisma(
  tx: Tx,
  ask: TradeAsk,
  kept: AnswerKey,
  at: Date,
): Promise<{ status: number; body: TradeAnswer }> {
  const { actor, route, key, bodyHash } = kept
  const earlier = await tx.answer.findUnique({ where: { actor_route_key: { actor, route, key } } })
  if (earlier) {
    if (Buffer.compare(earlier.bodyHash, bodyHash) !== 0) throw new Refusal('key_of_other_body', {})
    return { status: earlier.status ?? 0, body: earlier.body as unknown as TradeAnswer }
  }
  const parties = await partiesOf(tx, ask)
  const consentId = await consentFor(tx, ask)
  if (consentId === null) throw new Refusal('consent_used_up', { leftMinor: '0' })
  const trade = proposalOf(parties, ask, at) as Written
  const { networkId } = ask
  const creditMinor = BigInt(String(trade.credit_minor))

  const head = await lockHead(tx, networkId)
  if (await tx.trade.findUnique({ where: { networkId_id: { networkId, id: ask.id } }, select: { id: true } }))
    throw new Refusal('trade_not_open', { state: 'accepted' })
  await mustStillTrade(tx, ask)
  await useConsent(tx, networkId, { consentId, creditMinor, today: head.bookedOn })
  const posted = await writePosting(tx, networkId, head, await postingOf(tx, networkId, trade))
  const invoiceNumber = await nextInvoiceNumber(tx, networkId, trade.seller_member_id)
  const acceptedAt = posted.recordedAt.toISOString()
  const facts = { tradeId: ask.id, invoiceNumber, creditMinor: creditMinor.toString(), consentId }
  await tx.trade.create({
    data: rowOf(trade, { posted, invoiceNumber, consentId }),
    select: { id: true },
  })
  await promise(tx, networkId, trade, { posted, invoiceNumber })
  const buyer = parties.buyer.organisationId
  const deeds = [
    { organisationId: buyer, what: 'trade_accepted', facts },
    ...posted.warnings.flatMap(({ accountId, kind, balanceMinor }) => {
      const member = [parties.seller, parties.buyer].find((one) => one.accountId === accountId)
      if (!member) return []
      const told = { memberId: member.id, balanceMinor, tradeId: ask.id }
      return [{ organisationId: member.organisationId, what: `${kind}_passed`, facts: told }]
    }),
  ]
  await tx.deed.createMany({
    data: deeds.map((deed) => ({ ...deed, id: randomUUID(), networkId, actor: 'quits', doneAt: posted.recordedAt })),
  })
  const body: TradeAnswer = {
    id: ask.id,
    reference: trade.reference,
    state: 'accepted',
    invoiceNumber,
    bookedOn: posted.bookedOn,
    acceptedAt,
  }
  await tx.answer.create({ data: { actor, route, key, bodyHash, status: 201, body, keptAt: posted.recordedAt } })
  return { status: 201, body }
}

/** A standing may have changed since it was read; both rows are locked in the order of their ids. */
async function mustStillTrade(tx: Tx, ask: TradeAsk): Promise<void> {
  const sides = [ask.sellerMemberId, ask.buyerMemberId]
  const rows = await tx.$queryRaw<{ id: Uuid; standing: string }[]>`
    select id, standing from member where network_id = ${ask.networkId}::uuid and id = any (${sides}::uuid[])
     order by id for no key update`
  const standing = (id: Uuid) => rows.find((row) => row.id === id)?.standing ?? ''
  if (!['admitted', 'suspended', 'leaving'].includes(standing(ask.sellerMemberId)))
    throw new Refusal('member_not_admitted', {})
  if (standing(ask.buyerMemberId) === 'suspended') throw new Refusal('member_may_not_buy', {})
  if (!['admitted', 'leaving'].includes(standing(ask.buyerMemberId))) throw new Refusal('member_not_admitted', {})
}

async function useConsent(
  tx: Tx,
  networkId: Uuid,
  use: { consentId: Uuid; creditMinor: bigint; today: Day },
): Promise<void> {
  const { consentId, creditMinor, today } = use
  const consent = await tx.standingConsent.findUnique({ where: { networkId_id: { networkId, id: consentId } } })
  const month = dateOf(`${today.slice(0, 7)}-01`)
  const where = { networkId_consentId_month: { networkId, consentId, month } }
  const used = await tx.standingConsentMonth.findUnique({ where })
  const leftMinor = consent && !consent.revokedAt ? consent.aMonthMinor - (used?.usedMinor ?? 0n) : 0n
  if (creditMinor > leftMinor) throw new Refusal('consent_used_up', { leftMinor: leftMinor.toString() })
  await tx.standingConsentMonth.upsert({
    where,
    create: { networkId, consentId, month, usedMinor: creditMinor },
    update: { usedMinor: { increment: creditMinor } },
    select: { consentId: true },
  })
}

/** A fee never pushes a restricted member below zero: there it may be left out. */
async function postingOf(tx: Tx, networkId: Uuid, trade: Written): Promise<PostingAsk> {
  const posting = trade.posting as unknown as PostingAsk
  const transfers = posting.transfers.map((part) => ({ ...part, amountMinor: BigInt(part.amountMinor) }))
  const payers = transfers.filter((part) => part.kind === 'fee').map((part) => part.debit)
  const restricted =
    payers.length === 0
      ? []
      : await tx.account.findMany({
          where: { networkId, id: { in: payers }, neverBelowZero: true },
          select: { id: true },
        })
  const isRestricted = (id: Uuid) => restricted.some((account) => account.id === id)
  return {
    ...posting,
    transfers: transfers.map((part) =>
      part.kind === 'fee' && isRestricted(part.debit) ? { ...part, optional: true } : part,
    ),
  }
}

async function nextInvoiceNumber(tx: Tx, networkId: Uuid, memberId: Uuid): Promise<string> {
  const seller = await tx.member.update({
    where: { networkId_id: { networkId, id: memberId } },
    data: { invoiceNext: { increment: 1 } },
    select: { invoicePrefix: true, invoiceSeries: true, invoiceNext: true },
  })
  invariant(seller.invoiceSeries === 1, 'the bench knows members of the first series only')
  return `${seller.invoicePrefix}${String(seller.invoiceNext - 1).padStart(5, '0')}`
}

async function promise(
  tx: Tx,
  networkId: Uuid,
  trade: Written,
  decided: { posted: PostedByPrisma; invoiceNumber: string },
): Promise<void> {
  const { bookedOn, recordedAt, leftOut } = decided.posted
  const due = trade.promises.filter((one) => {
    const feeId = one.ifPosted ?? one.ifLeftOut
    return feeId === undefined || (one.ifLeftOut !== undefined) === leftOut.includes(feeId)
  })
  await tx.delivery.createMany({
    data: due.map(({ id, organisationId, tradeId, kind, reference, document, dependsOn, live }) => ({
      networkId,
      id,
      organisationId,
      tradeId,
      kind,
      reference,
      document: dated(document as Record<string, unknown>, kind, bookedOn, decided.invoiceNumber) as never,
      dependsOn,
      live,
      state: 'waiting',
      dueAt: recordedAt,
      promisedAt: recordedAt,
    })),
    // A contact that an earlier trade needed is there already.
    skipDuplicates: true,
  })
  const lanes = [...new Set(due.map((one) => one.organisationId))]
  await tx.$queryRaw`select wake_lane(o.id)::text from unnest(${lanes}::uuid[]) o(id)`
}

function dated(
  document: Record<string, unknown>,
  kind: string,
  bookedOn: Day,
  number: string,
): Record<string, unknown> {
  const isPaper = kind === 'invoice' || kind === 'bill'
  const given = typeof document.datedOn === 'string' ? document.datedOn : bookedOn
  const datedOn = isPaper && given > bookedOn ? bookedOn : given
  return {
    ...document,
    ...('number' in document && document.number === null ? { number } : {}),
    ...('datedOn' in document ? { datedOn } : {}),
    ...(isPaper
      ? { dueOn: typeof document.dueOn === 'string' && document.dueOn > datedOn ? document.dueOn : datedOn }
      : {}),
  }
}

function rowOf(
  trade: Written,
  decided: { posted: PostedByPrisma; invoiceNumber: string; consentId: Uuid },
): Parameters<Tx['trade']['create']>[0]['data'] {
  const text = (name: string) => String(trade[name])
  const amount = (name: string) => BigInt(text(name))
  const json = (name: string) => trade[name] as never
  return {
    networkId: trade.network_id,
    id: trade.id,
    reference: trade.reference,
    sellerMemberId: trade.seller_member_id,
    buyerMemberId: trade.buyer_member_id,
    proposedBy: text('proposed_by'),
    state: 'accepted',
    termsVersion: Number(trade.terms_version),
    tradedOn: dateOf(text('traded_on')),
    dueOn: dateOf(text('due_on')),
    description: text('description'),
    currency: text('currency'),
    netMinor: amount('net_minor'),
    vatMinor: amount('vat_minor'),
    totalMinor: amount('total_minor'),
    creditMinor: amount('credit_minor'),
    moneyMinor: amount('money_minor'),
    lines: json('lines'),
    treatmentConfirmed: true,
    posting: json('posting'),
    promises: json('promises'),
    source: text('source'),
    lapsesAt: instantOf(text('lapses_at')),
    invoiceNumber: decided.invoiceNumber,
    bookedOn: dateOf(decided.posted.bookedOn),
    proposedByActor: text('proposed_by_actor'),
    recordedAt: instantOf(text('recorded_at')),
    decidedAt: decided.posted.recordedAt,
    decidedBy: 'quits',
    consentId: decided.consentId,
    changedAt: decided.posted.recordedAt,
  }
}
