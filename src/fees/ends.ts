/** The two ends of many transfers: accounts and the members behind them, read at once. */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Account, AccountKind } from '../ledger/account.ts'
import type { Standing } from '../networks/member.ts'
import type { End } from './transfer-rule.ts'

export type Ends = (accountId: Uuid) => End

/** An account that is not there is refused when it is asked for, so that its neighbours are served. */
export async function endsOf(tx: Tx, networkId: Uuid, accountIds: readonly Uuid[]): Promise<Ends> {
  const ids = [...new Set(accountIds)]
  const accounts = await tx.account.findMany({ where: { networkId, id: { in: ids } } })
  const members = await tx.member.findMany({
    where: { networkId, accountId: { in: ids } },
    select: { accountId: true, organisationId: true, standing: true },
  })
  const memberAt = new Map(members.map(({ accountId, ...member }) => [accountId, member]))
  const ends = new Map(
    accounts.map((row) => {
      const account: Account = { ...row, kind: row.kind as AccountKind }
      const member = memberAt.get(row.id)
      return [row.id, { account, member: member ? { ...member, standing: member.standing as Standing } : null }]
    }),
  )
  return (accountId) => {
    const end = ends.get(accountId)
    if (!end) throw new Refusal('account_unknown', { accountId })
    return end
  }
}
