/**
 * Holds outside a trade: reserved for a request, then posted in all or part, or released.
 *
 * Keeps: what may be held is what may be posted, so a hold on a member's account leaves its document when it is posted.
 * Never: touches the hold of a proposed trade, which ends with its trade.
 */
import type { Batch } from '../kit/batch.ts'
import { asWorker, type Db, databaseNow, inTransaction, type Tx } from '../kit/db.ts'
import { idOfCause, idText, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Hold, holdTransfer, postHold, releaseHold } from '../ledger/hold.ts'
import { networkOf } from '../networks/network.ts'
import type { AnswerUnderKey, PromisedPosting, PromisedVerdict } from '../outbox/post-and-promise.ts'
import { endsOf } from './ends.ts'
import { kindBetween, mustBeMember, promisesOf } from './transfer-rule.ts'

type Deps = { db: Db; promisedPostings: Batch<PromisedPosting, PromisedVerdict> }

export type NewHold = {
  networkId: Uuid
  debitAccountId: Uuid
  creditAccountId: Uuid
  amountMinor: bigint
  currency: string
  /** Null for a promised one, which does not run out. */
  expiresAt: Date | null
  promised: boolean
  reason: string
  actor: string
  /** The same key is the same hold. */
  key: string
  answer?: AnswerUnderKey
}

export function holdIdFor(networkId: Uuid, actor: string, key: string): Uuid {
  return idOfCause('transfer', 'hold', networkId, actor, key)
}

export async function holdCredits(deps: Deps, ask: NewHold): Promise<PromisedVerdict> {
  const { network, ends, now } = await inTransaction(deps.db, asWorker, async (tx) => ({
    network: await networkOf(tx, ask.networkId),
    ends: await endsOf(tx, ask.networkId, [ask.debitAccountId, ask.creditAccountId]),
    now: await databaseNow(tx),
  }))
  if (ask.currency !== network.currency)
    throw new Refusal('currencies_differ', { wanted: network.currency, currency: ask.currency })
  const [debit, credit] = [ends(ask.debitAccountId), ends(ask.creditAccountId)]
  kindBetween(debit.account, credit.account)
  mustBeMember(debit)
  if (ask.expiresAt && ask.expiresAt <= now) throw new Refusal('hold_ends_in_past', {})
  const id = holdIdFor(network.id, ask.actor, ask.key)
  const postingId = idOfCause('posting', 'hold', network.id, ask.actor, ask.key)
  const hold: Hold = {
    id,
    debit: debit.account.id,
    credit: credit.account.id,
    amountMinor: ask.amountMinor,
    causeKind: 'request',
    causeId: postingId,
  }
  const { expiresAt, promised, reason } = ask
  const facts = { hold: idText('transfer', id), amountMinor: String(ask.amountMinor), promised, reason }
  return deps.promisedPostings.add(network.id, {
    posting: { id: postingId, transfers: [holdTransfer(hold, { expiresAt, promised })] },
    deed: { organisationId: debit.member?.organisationId ?? null, actor: ask.actor, what: 'credits_held', facts },
    idTaken: 'key_of_other_body',
    ...(ask.answer ? { answer: ask.answer } : {}),
  })
}

type Ending = { networkId: Uuid; hold: Hold; actor: string; answer?: AnswerUnderKey }

/** Moves all or part of what is held and frees the rest; `words` are told on the line of the member's document. */
export async function postHeld(
  deps: Deps,
  ask: Ending & { amountMinor: bigint; words: string | null },
): Promise<PromisedVerdict> {
  const { hold, amountMinor } = ask
  mustBeOfARequest(hold)
  const { network, ends, reason } = await inTransaction(deps.db, asWorker, async (tx) => ({
    network: await networkOf(tx, ask.networkId),
    ends: await endsOf(tx, ask.networkId, [hold.debit, hold.credit]),
    reason: (await reasonsOfHolds(tx, ask.networkId, [hold.id])).get(hold.id),
  }))
  const transfer = postHold(hold, amountMinor)
  const between = { debit: ends(hold.debit), credit: ends(hold.credit) }
  const words = ask.words ?? reason ?? 'Contribution'
  return end(deps, ask, {
    posting: { id: idOfCause('posting', hold.id, 'hold_post'), transfers: [transfer] },
    promises: promisesOf(network, between, { id: transfer.id, amountMinor, words }),
    deed: {
      organisationId: between.debit.member?.organisationId ?? null,
      actor: ask.actor,
      what: 'hold_posted',
      facts: { hold: idText('transfer', hold.id), amountMinor: String(amountMinor), reason: words },
    },
  })
}

export async function releaseHeld(deps: Deps, ask: Ending & { reason: string }): Promise<PromisedVerdict> {
  const { hold } = ask
  mustBeOfARequest(hold)
  return end(deps, ask, {
    posting: { id: idOfCause('posting', hold.id, 'hold_release'), transfers: [releaseHold(hold)] },
    deed: {
      actor: ask.actor,
      what: 'hold_released',
      facts: { hold: idText('transfer', hold.id), reason: ask.reason },
    },
  })
}

/** What each was held for, as it was told in the trail; a trade's hold says nothing there. */
export async function reasonsOfHolds(tx: Tx, networkId: Uuid, holdIds: readonly Uuid[]): Promise<Map<Uuid, string>> {
  const idOf = new Map(holdIds.map((id) => [idText('transfer', id), id]))
  const rows = await tx.$queryRaw<{ hold: string; reason: string }[]>`
    select facts ->> 'hold' as hold, facts ->> 'reason' as reason from deed
     where network_id = ${networkId}::uuid and facts ? 'hold' and facts ->> 'hold' = any (${[...idOf.keys()]}) and what = 'credits_held'`
  return new Map(rows.flatMap(({ hold, reason }) => (idOf.has(hold) ? [[idOf.get(hold) as Uuid, reason]] : [])))
}

function end(deps: Deps, ask: Ending, ending: PromisedPosting): Promise<PromisedVerdict> {
  const answer = ask.answer ? { answer: ask.answer } : {}
  return deps.promisedPostings.add(ask.networkId, { ...ending, ...answer, idTaken: 'hold_closed' })
}

function mustBeOfARequest(hold: Hold): void {
  if (hold.causeKind === 'trade') throw new Refusal('hold_belongs_to_trade', {})
}
