/** What was agreed: lines with their VAT, the total, and its parts in credits and in money. Shown before and after a yes. */
import type { Network } from '../../../networks/network.ts'
import type { Trade } from '../../../trades/trade.ts'
import { Amount, dayWords, OnDay, Table } from '../../parts.tsx'
import { treatmentWords } from '../state-words.ts'

export type Agreed = Pick<
  Trade,
  'lines' | 'netMinor' | 'vatMinor' | 'totalMinor' | 'creditMinor' | 'moneyMinor' | 'tradedOn' | 'dueOn' | 'description'
>

export function TradeTold({ agreed, network }: { agreed: Agreed; network: Network }) {
  return (
    <>
      <LinesTable lines={agreed.lines} network={network} />
      <dl class="facts">
        <dt>For</dt>
        <dd>{agreed.description}</dd>
        <dt>Day of sale</dt>
        <dd>
          <OnDay day={agreed.tradedOn} />
        </dd>
        <dt>Net</dt>
        <dd>
          <Amount minor={agreed.netMinor} unit={network} />
        </dd>
        <dt>VAT</dt>
        <dd>
          <Amount minor={agreed.vatMinor} unit={network} />
        </dd>
        <dt>Total</dt>
        <dd>
          <strong>
            <Amount minor={agreed.totalMinor} unit={network} />
          </strong>
        </dd>
        <dt>Of it in credits</dt>
        <dd>
          <Amount minor={agreed.creditMinor} unit={network} />
        </dd>
        <dt>Of it in money</dt>
        <dd>
          <Amount minor={agreed.moneyMinor} unit={network} />
          {agreed.moneyMinor > 0n && `, due ${dayWords(agreed.dueOn)}`}
        </dd>
      </dl>
    </>
  )
}

export function LinesTable({ lines, network }: { lines: Agreed['lines']; network: Network }) {
  return (
    <Table caption="Lines">
      <thead>
        <tr>
          <th scope="col">Description</th>
          <th scope="col">VAT treatment</th>
          <th scope="col" class="amount">
            Net
          </th>
          <th scope="col" class="amount">
            VAT
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line, place) => (
          <tr key={place}>
            <td>{line.description}</td>
            <td>{treatmentWords[line.treatment]}</td>
            <td class="amount">
              <Amount minor={line.netMinor} unit={network} />
            </td>
            <td class="amount">
              <Amount minor={line.vatMinor} unit={network} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
