/**
 * Transfers that are no trades: what members contribute, and what moves between the network's own accounts.
 *
 * Keeps: the transfer, the document that it leaves in a member's book, its reason in the trail and the answer for the asker's
 * key stand in one commit; each of many is judged by itself.
 */
import type { Batch } from '../kit/batch.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import { idOfCause, idText, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Network, networkOf } from '../networks/network.ts'
import type { AnswerUnderKey, PromisedPosting, PromisedVerdict } from '../outbox/post-and-promise.ts'
import { type Ends, endsOf } from './ends.ts'
import { mustBeKind, mustBeMember, type OpenKind, promisesOf } from './transfer-rule.ts'

export type NewTransfer = {
  kind: OpenKind
  debitAccountId: Uuid
  creditAccountId: Uuid
  amountMinor: bigint
  currency: string
  /** Why: in the trail, and on the line of the document. */
  description: string
  actor: string
  /** The same key is the same transfer. */
  key: string
  answer?: AnswerUnderKey
}

export function transferIdFor(networkId: Uuid, actor: string, key: string): Uuid {
  return idOfCause('transfer', 'request', networkId, actor, key)
}

/** In the order asked: a verdict of the ledger, or the refusal of a rule that stands before it. */
export async function postTransfers(
  deps: { db: Db; promisedPostings: Batch<PromisedPosting, PromisedVerdict> },
  networkId: Uuid,
  asks: readonly NewTransfer[],
): Promise<PromiseSettledResult<PromisedVerdict>[]> {
  const { network, ends } = await inTransaction(deps.db, asWorker, async (tx) => ({
    network: await networkOf(tx, networkId),
    ends: await endsOf(
      tx,
      networkId,
      asks.flatMap((ask) => [ask.debitAccountId, ask.creditAccountId]),
    ),
  }))
  return Promise.allSettled(
    asks.map(async (ask) => deps.promisedPostings.add(networkId, promisedPosting(network, ends, ask))),
  )
}

function promisedPosting(network: Network, ends: Ends, ask: NewTransfer): PromisedPosting {
  if (ask.currency !== network.currency)
    throw new Refusal('currencies_differ', { wanted: network.currency, currency: ask.currency })
  const [debit, credit] = [ends(ask.debitAccountId), ends(ask.creditAccountId)]
  mustBeKind(ask.kind, debit.account, credit.account)
  mustBeMember(debit)
  const { amountMinor, kind, actor, key } = ask
  const id = transferIdFor(network.id, actor, key)
  const postingId = idOfCause('posting', 'request', network.id, actor, key)
  const transfer = {
    id,
    kind,
    debit: debit.account.id,
    credit: credit.account.id,
    amountMinor,
    causeKind: 'request',
    causeId: postingId,
  }
  return {
    posting: { id: postingId, transfers: [transfer] },
    promises: promisesOf(network, { debit, credit }, { id, amountMinor, words: ask.description }),
    deed: {
      organisationId: debit.member?.organisationId ?? null,
      actor,
      what: 'transfer_posted',
      facts: { transfer: idText('transfer', id), kind, amountMinor: String(amountMinor), reason: ask.description },
    },
    idTaken: 'key_of_other_body',
    ...(ask.answer ? { answer: ask.answer } : {}),
  }
}
