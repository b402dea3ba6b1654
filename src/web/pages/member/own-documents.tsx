/** What one side's own book holds of a trade: each document with its state, its way out, and the link into the book. */
import type { Network } from '../../../networks/network.ts'
import type { Delivery, PromisedDocument } from '../../../outbox/delivery.ts'
import { Amount, Badge, Table } from '../../parts.tsx'
import type { OwnSide, Told } from './own-side.ts'

const documentWords: Record<PromisedDocument['what'], string> = {
  contact: 'Contact',
  invoice: 'Invoice',
  bill: 'Bill',
  credit_note: 'Credit note',
  supplier_credit: 'Credit note from the supplier',
  payment: 'Payment in credits',
  refund: 'Refund in credits',
  allocation: 'Set against what is open',
  money_spent: 'Fee paid in credits',
  money_received: 'Fee given back',
}

export function OwnDocuments({
  name,
  memberPath,
  side,
  wordsOf,
  network,
  seesBook,
  isLedgerOnly,
}: {
  name: string
  memberPath: string
  side: OwnSide | null
  wordsOf(delivery: Delivery): Told
  network: Network
  seesBook: boolean
  isLedgerOnly: boolean
}) {
  const heading = `In the book of ${name}`
  if (!side)
    return isLedgerOnly ? (
      <section>
        <h2>{heading}</h2>
        <p>Ledger only: nothing of this trade goes into a book.</p>
      </section>
    ) : null
  return (
    <section>
      <h2>{heading}</h2>
      <p>
        <Badge tone={side.state.tone}>{side.state.text}</Badge>
      </p>
      {seesBook && (
        <>
          <Table caption={`Only ${name} sees this`}>
            <thead>
              <tr>
                <th scope="col">Document</th>
                <th scope="col">Reference</th>
                <th scope="col" class="amount">
                  Amount
                </th>
                <th scope="col">State</th>
                <th scope="col">In the book</th>
              </tr>
            </thead>
            <tbody>
              {side.deliveries.map((delivery) => {
                const told = wordsOf(delivery)
                const minor = amountOf(delivery.document)
                return (
                  <tr key={delivery.id}>
                    <td>{documentWords[delivery.document.what]}</td>
                    <td>{delivery.reference}</td>
                    <td class="amount">{minor === null ? '' : <Amount minor={minor} unit={network} />}</td>
                    <td>
                      <Badge tone={told.tone}>{told.text.split(':')[0]}</Badge>{' '}
                      {told.text.includes(':') && <span class="small">{told.text.replace(/^[^:]*: /, '')}</span>}
                      {delivery.warnings.map((warning) => (
                        <p class="small" key={warning}>
                          {warning}
                        </p>
                      ))}
                    </td>
                    <td>
                      {delivery.receipt?.deepLink ? (
                        <a href={delivery.receipt.deepLink} rel="noreferrer">
                          Open {delivery.receipt.number ?? delivery.reference}
                        </a>
                      ) : (
                        ''
                      )}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </Table>
          <p>
            <a href={`${memberPath}/deliveries`}>All deliveries to this book</a>
          </p>
        </>
      )}
    </section>
  )
}

function amountOf(document: PromisedDocument): bigint | null {
  if ('totalMinor' in document) return BigInt(document.totalMinor)
  if ('amountMinor' in document && document.amountMinor !== 'open') return BigInt(document.amountMinor)
  return null
}
