/**
 * What a transfer outside a trade may be, from the accounts at its two ends, and what it leaves in a member's book. Pure.
 *
 * Keeps: no member's balance changes without a document in its book.
 * Never: guesses an account of a book; it names one of those that the bookkeeper chose.
 */
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Account, AccountKind } from '../ledger/account.ts'
import type { Standing } from '../networks/member.ts'
import type { Network } from '../networks/network.ts'
import type { Promised, PromisedMoney } from '../outbox/delivery.ts'
import { moneyOnAccount } from './money-on-account.ts'

/** The kinds that a caller may post. */
export const openKinds = ['contribution', 'settlement', 'gateway'] as const
export type OpenKind = (typeof openKinds)[number]

export type End = { account: Account; member: { organisationId: Uuid; standing: Standing } | null }

const networksOwn: readonly AccountKind[] = ['fees', 'sponsor', 'write_off_reserve', 'settlement', 'gateway']
/** Where a member's contribution may go, and the account of its book that stands against it: a levy is a loss, the rest a fee. */
const contributions: Partial<Record<AccountKind, PromisedMoney['account']>> = {
  fees: 'fee',
  sponsor: 'fee',
  write_off_reserve: 'loss',
}
const mayContribute: readonly Standing[] = ['admitted', 'suspended', 'leaving']

export function kindBetween(debit: Account, credit: Account): OpenKind {
  if (debit.id === credit.id) throw new Refusal('accounts_must_differ', {})
  if (debit.kind === 'member' && contributions[credit.kind]) return 'contribution'
  if (networksOwn.includes(debit.kind) && networksOwn.includes(credit.kind))
    return debit.kind === 'gateway' || credit.kind === 'gateway' ? 'gateway' : 'settlement'
  throw new Refusal('transfer_leaves_no_document', { from: named(debit.kind), to: named(credit.kind) })
}

export function mustBeKind(kind: OpenKind, debit: Account, credit: Account): void {
  const wanted = kindBetween(debit, credit)
  if (kind !== wanted) throw new Refusal('transfer_kind_does_not_fit', { kind, wanted })
}

/** Whoever contributes is a member; one that is only invited has no book to write in. */
export function mustBeMember({ account, member }: End): void {
  if (account.kind !== 'member') return
  invariant(member, `account ${account.id} is a member’s, and there is no such member`)
  if (!mayContribute.includes(member.standing))
    throw new Refusal('member_not_admitted', { member: 'the member that would pay' })
}

/** Money spent on its mutual-credit account, to the network; nothing for a transfer between the network's own accounts. */
export function promisesOf(
  network: Network,
  ends: { debit: End; credit: End },
  transfer: { id: Uuid; amountMinor: bigint; words: string },
): Promised[] {
  const { debit, credit } = ends
  const account = contributions[credit.account.kind]
  if (!debit.member || !account) return []
  return moneyOnAccount(network, debit.member.organisationId, {
    mark: 'K',
    transferId: transfer.id,
    what: 'money_spent',
    account,
    amountMinor: transfer.amountMinor,
    words: transfer.words,
    note: `Contribution to ${network.name}: ${transfer.words}`,
  })
}

function named(kind: AccountKind): string {
  const ofMembers: readonly AccountKind[] = ['member', 'staff', 'staff_pool']
  return ofMembers.includes(kind)
    ? `a ${kind.replaceAll('_', ' ')} account`
    : `the ${kind.replaceAll('_', ' ')} account`
}
