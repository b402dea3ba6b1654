/** What a transfer between a member and its network leaves in the member's book: one bank transaction on its mutual-credit account. */
import { shortName, type Uuid } from '../kit/ids.ts'
import type { Network } from '../networks/network.ts'
import type { Promised, PromisedMoney } from '../outbox/delivery.ts'
import { contactIn, deliveryId } from '../outbox/promise.ts'

export type MoneyOnAccount = {
  /** The first letter of its reference. */
  mark: 'W' | 'K'
  transferId: Uuid
  what: PromisedMoney['what']
  /** Which of the accounts that the bookkeeper named stands against it. */
  account: PromisedMoney['account']
  amountMinor: bigint
  /** On the line. */
  words: string
  note: string
}

/** The network is the contact, named in the usual way; the day is the ledger's, filled in when it is posted. */
export function moneyOnAccount(
  network: Pick<Network, 'id' | 'organisationId' | 'currency'>,
  owner: Uuid,
  money: MoneyOnAccount,
): Promised[] {
  const contact = contactIn(network.id, owner, network.organisationId, 'supplier')
  const reference = `${money.mark}${shortName(money.transferId)}`
  const amount = money.amountMinor.toString()
  return [
    contact,
    {
      id: deliveryId(network.id, owner, reference),
      organisationId: owner,
      tradeId: null,
      kind: money.what,
      reference,
      document: {
        what: money.what,
        counterpartId: network.organisationId,
        account: money.account,
        lines: [
          { description: money.words, netMinor: amount, vatMinor: '0', treatment: 'outside', rateBasisPoints: 0 },
        ],
        totalMinor: amount,
        datedOn: null,
        currency: network.currency,
        note: money.note,
      },
      dependsOn: [contact.id],
      live: true,
    },
  ]
}
