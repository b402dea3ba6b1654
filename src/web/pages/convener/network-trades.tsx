/** Every trade of a network, newest first. What each side's book holds of it stays with that side. */
import { idText } from '../../../kit/ids.ts'
import { type TradeState, tradeStates, tradesOf } from '../../../trades/trade.ts'
import { cursorOf, instantFrom, keyOf } from '../../api/shapes.ts'
import { page } from '../../layout.tsx'
import type { pages, Visit } from '../../page.ts'
import { Amount, Badge, Choose, OnDay, Table } from '../../parts.tsx'
import { tradeWords } from '../state-words.ts'
import { networkHere, see } from '../whereabouts.ts'

const tradesAPage = 50

export function networkTradesPage(serve: ReturnType<typeof pages>): void {
  serve.get('/networks/:slug/trades', show)
}

async function show(visit: Visit): Promise<string> {
  const { network, actor } = await networkHere(visit, 'see_ledger')
  const key = keyOf(visit.query.after)
  const state = tradeStates.find((one) => one === visit.query.state)
  const isDisputed = visit.query.state === 'disputed'
  const { trades, nameById } = await see(visit, async (tx) => {
    const found = await tradesOf(tx, {
      networkId: network.id,
      ...(state ? { state } : {}),
      ...(isDisputed ? { disputed: true } : {}),
      after: key ? { recordedAt: instantFrom(key.at), id: key.id } : null,
      limit: tradesAPage + 1,
    })
    const ids = [...new Set(found.flatMap((one) => [one.sellerMemberId, one.buyerMemberId]))]
    const members = await tx.member.findMany({ where: { networkId: network.id, id: { in: ids } } })
    const organisations = await tx.organisation.findMany({
      where: { id: { in: members.map((one) => one.organisationId) } },
      select: { id: true, name: true },
    })
    const names = new Map(organisations.map((one) => [one.id, one.name]))
    return { trades: found, nameById: new Map(members.map((one) => [one.id, names.get(one.organisationId) ?? ''])) }
  })
  const shown = trades.slice(0, tradesAPage)
  const last = shown.at(-1)
  const path = `/networks/${network.slug}/trades`
  const filter = state ?? (isDisputed ? 'disputed' : '')
  return page({
    deps: visit.deps,
    title: 'Trades',
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: `/networks/${network.slug}`, text: network.name },
    ],
    children: (
      <>
        <form method="get" action={path} class="row">
          <Choose
            name="state"
            label="Show"
            value={filter}
            choices={[...tradeStates, 'disputed' as const].map((one) => ({ value: one, text: wordsOf(one) }))}
          />
          <button type="submit" class="second">
            Show
          </button>
        </form>
        {shown.length === 0 ? (
          <p>There are none.</p>
        ) : (
          <Table caption="Newest first">
            <thead>
              <tr>
                <th scope="col">Trade</th>
                <th scope="col">Day of sale</th>
                <th scope="col">Seller</th>
                <th scope="col">Buyer</th>
                <th scope="col">For</th>
                <th scope="col" class="amount">
                  In credits
                </th>
                <th scope="col" class="amount">
                  Total
                </th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((trade) => (
                <tr key={trade.id}>
                  <th scope="row">
                    <a href={`/trades/${idText('trade', trade.id)}`}>{trade.reference}</a>
                  </th>
                  <td>
                    <OnDay day={trade.tradedOn} />
                  </td>
                  <td>{nameById.get(trade.sellerMemberId)}</td>
                  <td>{nameById.get(trade.buyerMemberId)}</td>
                  <td>{trade.description}</td>
                  <td class="amount">
                    <Amount minor={trade.creditMinor} unit={network} />
                  </td>
                  <td class="amount">
                    <Amount minor={trade.totalMinor} unit={network} />
                  </td>
                  <td>
                    <Badge tone={tradeWords[trade.state].tone}>{tradeWords[trade.state].text}</Badge>
                    {trade.disputed && <Badge tone="bad">in dispute</Badge>}
                  </td>
                </tr>
              ))}
            </tbody>
          </Table>
        )}
        {trades.length > tradesAPage && last && (
          <p>
            <a href={`${path}?state=${filter}&after=${cursorOf({ at: last.recordedAt.toISOString(), id: last.id })}`}>
              Older ones
            </a>
          </p>
        )}
      </>
    ),
  })
}

function wordsOf(state: TradeState | 'disputed'): string {
  return state === 'disputed' ? 'in dispute' : tradeWords[state].text
}
