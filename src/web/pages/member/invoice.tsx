/**
 * The invoice of a trade with a VAT invoice's particulars, for either side to open and print.
 *
 * A linked invoice was issued from the seller's own book; then this is a copy, and says so.
 */
import { type Day, dayIn } from '../../../kit/clock.ts'
import { idText } from '../../../kit/ids.ts'
import { sum } from '../../../kit/money.ts'
import { Refusal } from '../../../kit/refusal.ts'
import type { Member } from '../../../networks/member.ts'
import type { Network } from '../../../networks/network.ts'
import type { Trade, TradeLine } from '../../../trades/trade.ts'
import { page } from '../../layout.tsx'
import type { pages, Visit } from '../../page.ts'
import { Amount, dayWords, OnDay, Table } from '../../parts.tsx'
import { treatmentWords } from '../state-words.ts'
import { tradeHere } from '../whereabouts.ts'
import { LinesTable } from './trade-told.tsx'

export function invoicePage(serve: ReturnType<typeof pages>): void {
  serve.get('/trades/:trd/invoice', show)
}

async function show(visit: Visit): Promise<string> {
  const { trade, network, seller, buyer, actor } = await tradeHere(visit, 'see_trade')
  const number = trade.invoiceNumber ?? trade.linkedInvoice?.number
  if (!number || !trade.decidedAt || !trade.bookedOn) throw new Refusal('not_found', { thing: 'invoice' })
  const chargesVat = seller.organisation.vat.registered && trade.lines.some((line) => line.treatment !== 'outside')
  const issuedOn = trade.linkedInvoice?.datedOn ?? dayIn(network.timeZone, trade.decidedAt)
  return page({
    deps: visit.deps,
    title: `${chargesVat ? 'VAT invoice' : 'Invoice'} ${number}`,
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: `/trades/${idText('trade', trade.id)}`, text: `Trade ${trade.reference}` },
    ],
    children: (
      <>
        {trade.linkedInvoice && (
          <p class="warn">The seller issued this invoice from its own book; this is a copy of what was agreed.</p>
        )}
        {trade.state === 'reversed' && (
          <p class="warn">This trade was reversed; a credit note {trade.reference}-SC goes with the invoice.</p>
        )}
        <div class="cards">
          <Party title="Seller" member={seller} />
          <Party title="Buyer" member={buyer} />
        </div>
        <dl class="facts">
          <dt>Invoice number</dt>
          <dd>{number}</dd>
          <dt>Issued</dt>
          <dd>
            <OnDay day={issuedOn} />
          </dd>
          <dt>Tax point</dt>
          <dd>
            <OnDay day={taxPointOf(trade, trade.bookedOn)} />
          </dd>
          {trade.buyerReference && (
            <>
              <dt>Your reference</dt>
              <dd>{trade.buyerReference}</dd>
            </>
          )}
          <dt>For</dt>
          <dd>{trade.description}</dd>
          <dt>Trade</dt>
          <dd>
            {trade.reference} in {network.name}
          </dd>
        </dl>
        <LinesTable lines={trade.lines} network={network} />
        {chargesVat && <VatByRate lines={trade.lines} network={network} />}
        {trade.lines.some((line) => line.treatment === 'reverse_charge') && (
          <p>
            Reverse charge: the customer is to account to HM Revenue and Customs for the VAT on the lines marked so.
          </p>
        )}
        <dl class="facts">
          <dt>Total without VAT</dt>
          <dd>
            <Amount minor={trade.netMinor} unit={network} />
          </dd>
          <dt>VAT</dt>
          <dd>
            <Amount minor={trade.vatMinor} unit={network} />
          </dd>
          <dt>Total</dt>
          <dd>
            <strong>
              <Amount minor={trade.totalMinor} unit={network} />
            </strong>
          </dd>
          <dt>Paid in credits</dt>
          <dd>
            <Amount minor={trade.creditMinor} unit={network} /> on {dayWords(trade.bookedOn)}
          </dd>
          <dt>To pay in money</dt>
          <dd>
            <Amount minor={trade.moneyMinor} unit={network} />
            {trade.moneyMinor > 0n && `, by ${dayWords(trade.dueOn)}`}
          </dd>
        </dl>
        {!seller.organisation.vat.registered && <p>The seller is not registered for VAT.</p>}
      </>
    ),
  })
}

/** Payment makes the tax point where it comes before the day of sale. */
function taxPointOf(trade: Trade, bookedOn: Day): Day {
  return trade.tradedOn < bookedOn ? trade.tradedOn : bookedOn
}

function Party({ title, member }: { title: string; member: Member }) {
  const { organisation } = member
  return (
    <div class="card">
      <h2>{title}</h2>
      <p>
        <strong>{organisation.name}</strong>
      </p>
      <p>{organisation.address ?? 'Address not given'}</p>
      {organisation.vat.registered && <p>VAT number {organisation.vat.number}</p>}
      {organisation.registrationNumber && <p>Registered number {organisation.registrationNumber}</p>}
    </div>
  )
}

function VatByRate({ lines, network }: { lines: TradeLine[]; network: Network }) {
  const kinds = [...new Set(lines.map((line) => line.treatment))]
  return (
    <Table caption="VAT by rate">
      <thead>
        <tr>
          <th scope="col">Rate</th>
          <th scope="col" class="amount">
            Net
          </th>
          <th scope="col" class="amount">
            VAT
          </th>
        </tr>
      </thead>
      <tbody>
        {kinds.map((kind) => {
          const group = lines.filter((line) => line.treatment === kind)
          return (
            <tr key={kind}>
              <td>{treatmentWords[kind]}</td>
              <td class="amount">
                <Amount minor={sum(group.map((line) => line.netMinor))} unit={network} />
              </td>
              <td class="amount">
                <Amount minor={sum(group.map((line) => line.vatMinor))} unit={network} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </Table>
  )
}
