/** Which trades wait for a member: proposals of the other side, and reversals the other side asks for. */
import type { Tx } from '../../../kit/db.ts'
import type { AtMember } from '../../api/place.ts'

type Where = NonNullable<NonNullable<Parameters<Tx['trade']['findMany']>[0]>['where']>
type At = Pick<AtMember, 'networkId' | 'member'>

export function waitsForAnswer({ networkId, member }: At): Where {
  return {
    networkId,
    state: 'proposed',
    OR: [
      { sellerMemberId: member.id, proposedBy: 'buyer' },
      { buyerMemberId: member.id, proposedBy: 'seller' },
    ],
  }
}

export function waitsForReversal({ networkId, member }: At): Where {
  return {
    networkId,
    state: 'accepted',
    OR: [
      { sellerMemberId: member.id, reversalAskedBy: 'buyer' },
      { buyerMemberId: member.id, reversalAskedBy: 'seller' },
    ],
  }
}
