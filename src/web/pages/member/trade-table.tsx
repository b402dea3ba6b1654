/** Trades from one member's side: what it sold or bought, with whom, and (if asked) what its own book holds of each. */
import type { Tx } from '../../../kit/db.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import type { Network } from '../../../networks/network.ts'
import type { Trade } from '../../../trades/trade.ts'
import { Amount, Badge, OnDay, Table } from '../../parts.tsx'
import { tradeWords } from '../state-words.ts'
import type { OwnSide } from './own-side.ts'

/** Names by member id, of everyone these trades are with. */
export async function counterpartNames(
  tx: Tx,
  networkId: Uuid,
  trades: Pick<Trade, 'sellerMemberId' | 'buyerMemberId'>[],
): Promise<Map<Uuid, string>> {
  return memberNames(tx, networkId, [...new Set(trades.flatMap((one) => [one.sellerMemberId, one.buyerMemberId]))])
}

export async function memberNames(tx: Tx, networkId: Uuid, ids: Uuid[]): Promise<Map<Uuid, string>> {
  const members = await tx.member.findMany({
    where: { networkId, id: { in: ids } },
    select: { id: true, organisationId: true },
  })
  const organisations = await tx.organisation.findMany({
    where: { id: { in: members.map((one) => one.organisationId) } },
    select: { id: true, name: true },
  })
  const names = new Map(organisations.map((one) => [one.id, one.name]))
  return new Map(members.map((one) => [one.id, names.get(one.organisationId) ?? '']))
}

export function TradeTable({
  trades,
  memberId,
  names,
  network,
  caption,
  sides,
}: {
  trades: Trade[]
  memberId: Uuid
  names: Map<Uuid, string>
  network: Network
  caption: string
  sides?: { of(tradeId: Uuid): OwnSide | null }
}) {
  return (
    <Table caption={caption}>
      <thead>
        <tr>
          <th scope="col">Trade</th>
          <th scope="col">Day of sale</th>
          <th scope="col">With</th>
          <th scope="col">For</th>
          <th scope="col" class="amount">
            In credits
          </th>
          <th scope="col" class="amount">
            In money
          </th>
          <th scope="col">State</th>
          {sides && <th scope="col">Your book</th>}
        </tr>
      </thead>
      <tbody>
        {trades.map((trade) => {
          const isSeller = trade.sellerMemberId === memberId
          const side = sides?.of(trade.id)
          return (
            <tr key={trade.id}>
              <th scope="row">
                <a href={`/trades/${idText('trade', trade.id)}`}>
                  {isSeller ? 'Sale' : 'Purchase'} {trade.invoiceNumber ?? trade.reference}
                </a>
              </th>
              <td>
                <OnDay day={trade.tradedOn} />
              </td>
              <td>{names.get(isSeller ? trade.buyerMemberId : trade.sellerMemberId)}</td>
              <td>{trade.description}</td>
              <td class="amount">
                <Amount minor={isSeller ? trade.creditMinor : -trade.creditMinor} unit={network} />
              </td>
              <td class="amount">
                <Amount minor={trade.moneyMinor} unit={network} />
              </td>
              <td>
                <Badge tone={tradeWords[trade.state].tone}>{tradeWords[trade.state].text}</Badge>
                {trade.disputed && <Badge tone="bad">in dispute</Badge>}
                {trade.state === 'accepted' && trade.reversalAskedBy && <Badge tone="warn">reversal asked</Badge>}
              </td>
              {sides && (
                <td>
                  {side ? (
                    <Badge tone={side.state.tone}>{side.state.text}</Badge>
                  ) : (
                    <span class="small">{trade.ledgerOnly ? 'ledger only' : 'nothing yet'}</span>
                  )}
                </td>
              )}
            </tr>
          )
        })}
      </tbody>
    </Table>
  )
}
