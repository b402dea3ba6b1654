/**
 * A leaver's balance that nobody will settle is written off against the network's reserve: a transfer like any other,
 * with its reason in the trail, and money received or spent on the mutual-credit account of its book, against the
 * account that its bookkeeper names.
 *
 * Keeps: asked twice, it is done once; if the balance moved meanwhile, the leaver's limits of zero refuse it.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import { idOfCause, shortName, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { accountOf, networkAccountId } from '../ledger/account.ts'
import { type Member, memberOf } from '../networks/member.ts'
import { type Network, networkOf } from '../networks/network.ts'
import { recordDeed } from '../networks/record-deed.ts'
import type { Promised } from '../outbox/delivery.ts'
import { postAndPromise } from '../outbox/post-and-promise.ts'
import { contactIn, deliveryId } from '../outbox/promise.ts'

export async function writeOff(
  deps: { db: Db; clock: Clock },
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
  await postAndPromise(deps.db, ask.networkId, posting, promisesOf(network, member, transfer.id, balance))
  await inTransaction(deps.db, asWorker, (tx) =>
    recordDeed(tx, deps.clock, {
      networkId: ask.networkId,
      organisationId: member.organisationId,
      actor: ask.actor,
      what: 'balance_written_off',
      facts: { balanceMinor: String(balance), reason: ask.reason.trim(), transfer: transfer.id },
    }),
  )
  return { transferId: transfer.id }
}

/** Overdrawn: what it owed is given up, so money comes in; in credit: what it gave up goes out. */
function promisesOf(network: Network, member: Member, transferId: Uuid, balanceMinor: bigint): Promised[] {
  const owner = member.organisationId
  const contact = contactIn(network.id, owner, network.organisationId, 'supplier')
  const reference = `W${shortName(transferId)}`
  const amount = (balanceMinor < 0n ? -balanceMinor : balanceMinor).toString()
  const what = balanceMinor < 0n ? ('money_received' as const) : ('money_spent' as const)
  const words = `Balance of mutual credit written off on leaving ${network.name}`
  return [
    contact,
    {
      id: deliveryId(network.id, owner, reference),
      organisationId: owner,
      tradeId: null,
      kind: what,
      reference,
      document: {
        what,
        counterpartId: network.organisationId,
        account: balanceMinor < 0n ? 'other_income' : 'loss',
        lines: [{ description: words, netMinor: amount, vatMinor: '0', treatment: 'outside', rateBasisPoints: 0 }],
        totalMinor: amount,
        datedOn: null,
        currency: network.currency,
        note: words,
      },
      dependsOn: [contact.id],
      live: true,
    },
  ]
}
