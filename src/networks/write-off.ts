/**
 * A leaver's balance that nobody will settle is written off against the network's reserve: a transfer like any other,
 * with its reason in the trail.
 *
 * Keeps: asked twice, it is done once; if the balance moved meanwhile, the leaver's limits of zero refuse it.
 */
import type { Batch } from '../kit/batch.ts'
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import { idOfCause, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { accountOf, networkAccountId } from '../ledger/account.ts'
import { type Posted, type PostingAsk, type PostingVerdict, post } from '../ledger/post.ts'
import { memberOf } from './member.ts'
import { recordDeed } from './record-deed.ts'

export async function writeOff(
  deps: { db: Db; clock: Clock; postings: Batch<PostingAsk, PostingVerdict> },
  ask: { networkId: Uuid; memberId: Uuid; reason: string; actor: string },
): Promise<Posted> {
  if (ask.reason.trim() === '') throw new Refusal('reason_missing', {})
  const { member, account } = await inTransaction(deps.db, asWorker, async (tx) => {
    const member = await memberOf(tx, ask.networkId, ask.memberId)
    return { member, account: await accountOf(tx, ask.networkId, member.accountId) }
  })
  if (member.standing !== 'leaving')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'written off' })
  const balance = account.balanceMinor
  if (balance === 0n) throw new Refusal('amount_must_be_positive', {})
  const reserve = networkAccountId(ask.networkId, 'write_off_reserve')
  const [debit, credit] = balance < 0n ? [reserve, account.id] : [account.id, reserve]
  // The account's version makes it one write-off of this very balance, however often it is asked.
  const cause = [ask.networkId, ask.memberId, String(account.version)]
  const transfer = {
    id: idOfCause('transfer', 'write_off', ...cause),
    kind: 'write_off' as const,
    debit,
    credit,
    amountMinor: balance < 0n ? -balance : balance,
    causeKind: 'member',
    causeId: ask.memberId,
  }
  const posting = { id: idOfCause('posting', 'write_off', ...cause), transfers: [transfer], mayBuyFrozen: true }
  const posted = await post(deps, ask.networkId, posting)
  await inTransaction(deps.db, asWorker, (tx) =>
    recordDeed(tx, deps.clock, {
      networkId: ask.networkId,
      organisationId: member.organisationId,
      actor: ask.actor,
      what: 'balance_written_off',
      facts: { balanceMinor: String(balance), reason: ask.reason.trim(), transfer: transfer.id },
    }),
  )
  return posted
}
