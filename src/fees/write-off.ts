/**
 * A leaver's balance that nobody will settle is written off against the network's reserve: a transfer like any other,
 * with its reason in the trail, and money received or spent on the mutual-credit account of its book, against the
 * account that its bookkeeper names.
 *
 * Keeps: asked twice, it is done once; if the balance moved meanwhile, the leaver's limits of zero refuse it.
 */
import type { Batch } from '../kit/batch.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import { idOfCause, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { accountOf, networkAccountId } from '../ledger/account.ts'
import { memberOf } from '../networks/member.ts'
import { networkOf } from '../networks/network.ts'
import { type PromisedPosting, type PromisedVerdict, postAndPromise } from '../outbox/post-and-promise.ts'
import { moneyOnAccount } from './money-on-account.ts'

export async function writeOff(
  deps: { db: Db; promisedPostings: Batch<PromisedPosting, PromisedVerdict> },
  ask: { networkId: Uuid; memberId: Uuid; reason: string; actor: string },
): Promise<{ transferId: Uuid }> {
  if (ask.reason.trim() === '') throw new Refusal('reason_missing', {})
  const { member, account, network } = await inTransaction(deps.db, asWorker, async (tx) => {
    const member = await memberOf(tx, ask.networkId, ask.memberId)
    const network = await networkOf(tx, ask.networkId)
    return { member, network, account: await accountOf(tx, ask.networkId, member.accountId) }
  })
  if (member.standing !== 'leaving')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'written off' })
  const balance = account.balanceMinor
  if (balance === 0n) throw new Refusal('amount_must_be_positive', {})
  const isOverdrawn = balance < 0n
  const amountMinor = isOverdrawn ? -balance : balance
  const reserve = networkAccountId(ask.networkId, 'write_off_reserve')
  const [debit, credit] = isOverdrawn ? [reserve, account.id] : [account.id, reserve]
  // The account's version makes it one write-off of this very balance, however often it is asked.
  const cause = [ask.networkId, ask.memberId, String(account.version)]
  const id = idOfCause('transfer', 'write_off', ...cause)
  const transfer = {
    id,
    kind: 'write_off' as const,
    debit,
    credit,
    amountMinor,
    causeKind: 'member',
    causeId: ask.memberId,
  }
  await postAndPromise(deps, ask.networkId, {
    posting: { id: idOfCause('posting', 'write_off', ...cause), transfers: [transfer], mayBuyFrozen: true },
    // Overdrawn: what it owed is given up, so money comes in; in credit: what it gave up goes out.
    promises: moneyOnAccount(network, member.organisationId, {
      mark: 'W',
      transferId: id,
      what: isOverdrawn ? 'money_received' : 'money_spent',
      account: isOverdrawn ? 'other_income' : 'loss',
      amountMinor,
      words: `Balance of mutual credit written off on leaving ${network.name}`,
      note: `Balance of mutual credit written off on leaving ${network.name}`,
    }),
    deed: {
      organisationId: member.organisationId,
      actor: ask.actor,
      what: 'balance_written_off',
      facts: { balanceMinor: String(balance), reason: ask.reason.trim(), transfer: id },
    },
  })
  return { transferId: id }
}
