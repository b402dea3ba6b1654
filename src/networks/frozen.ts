/**
 * May a member buy? One answer from three reasons: it is suspended, a convener froze it, or its legal form became a
 * restricted one while it owed. The answer is written on the account's row, where posting asks it.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'

/** Works the answer out anew under the account's lock. True when it was changed. */
export async function writeFrozen(tx: Tx, member: { networkId: Uuid; id: Uuid; accountId: Uuid }): Promise<boolean> {
  await tx.$queryRaw`
    select id from account where network_id = ${member.networkId}::uuid and id = ${member.accountId}::uuid for update`
  const changed = await tx.$executeRaw`
    update account a set frozen = w.frozen
    from (
      select m.standing = 'suspended'
          or (b.never_below_zero and b.balance_minor < 0)
          or coalesce((select l.to_minor = 1 from limit_change l
                       where l.network_id = m.network_id and l.member_id = m.id and l.what = 'frozen' and l.changed_by <> 'quits'
                       order by l.changed_at desc, l.id desc limit 1), false) as frozen
      from member m join account b on b.network_id = m.network_id and b.id = m.account_id
      where m.network_id = ${member.networkId}::uuid and m.id = ${member.id}::uuid
    ) w
    where a.network_id = ${member.networkId}::uuid and a.id = ${member.accountId}::uuid and a.frozen <> w.frozen`
  return changed > 0
}

/** Members whose legal form froze them and who have reached zero may buy again, from what they earn. A timed task. */
export async function thawAtZero(deps: { db: Db; clock: Clock }): Promise<number> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const rows = await tx.$queryRaw<{ networkId: Uuid; id: Uuid; accountId: Uuid }[]>`
      select m.network_id as "networkId", m.id, m.account_id as "accountId"
      from account a join member m on m.network_id = a.network_id and m.account_id = a.id
      where a.kind = 'member' and a.frozen and a.never_below_zero and a.balance_minor >= 0
      order by m.network_id, m.id`
    let thawed = 0
    for (const row of rows) if (await writeFrozen(tx, row)) thawed += 1
    return thawed
  })
}
