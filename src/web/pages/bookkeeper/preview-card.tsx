/** One trade as it will stand in the book: its documents in the book's own words, and their double entry. */
import type { ComponentChildren } from 'preact'
import { idText } from '../../../kit/ids.ts'
import type { PreviewDocument, PreviewTrade } from '../../../outbox/preview.ts'
import { Amount, dayWords, OnDay, Table, type Unit } from '../../parts.tsx'
import { documentWords } from './document-words.ts'

export function PreviewCard({
  trade,
  unit,
  base,
  children,
}: {
  trade: PreviewTrade
  unit: Unit
  /** /members/mem_… */
  base: string
  children?: ComponentChildren
}) {
  const id = idText('trade', trade.tradeId)
  const first = trade.documents[0]
  return (
    <article class="card" aria-labelledby={id}>
      <h2 id={id}>
        <a href={`/trades/${id}`}>Trade {first?.reference.split('-')[0]}</a> with {first?.contact}
      </h2>
      {trade.documents.map((document) => (
        <DocumentShown key={document.deliveryId} document={document} unit={unit} base={base} />
      ))}
      {children}
    </article>
  )
}

function DocumentShown({ document, unit, base }: { document: PreviewDocument; unit: Unit; base: string }) {
  return (
    <div>
      <h3>
        {documentWords[document.kind]} {document.number ?? ''}
      </h3>
      {document.trouble && (
        <p class="warn">
          {document.trouble.says} {document.trouble.fix}{' '}
          {document.trouble.button === 'mapping' && <a href={`${base}/connection/mapping`}>To the mapping</a>}
        </p>
      )}
      <dl class="facts">
        <dt>Contact</dt>
        <dd>
          {document.contact}
          {document.isNewContact && <span class="hint"> (not known in the book yet: looked for, else made)</span>}
        </dd>
        {document.datedOn && (
          <>
            <dt>Dated</dt>
            <dd>
              <OnDay day={document.datedOn} />
            </dd>
          </>
        )}
        {document.dueOn && document.openMinor !== null && document.openMinor > 0n && (
          <>
            <dt>Stays open</dt>
            <dd>
              <Amount minor={document.openMinor} unit={unit} />, due {dayWords(document.dueOn)}
            </dd>
          </>
        )}
        <dt>Total</dt>
        <dd>
          <Amount minor={document.totalMinor} unit={unit} />
          {document.account && <> through {document.account}</>}
        </dd>
        {document.note && (
          <>
            <dt>Text</dt>
            <dd>{document.note}</dd>
          </>
        )}
      </dl>
      {document.isLinked && <p>It stands in the book already: it is used as it is, and no second one is made.</p>}
      {document.lines.length > 0 && (
        <Table caption={`Lines of ${document.reference}`}>
          <thead>
            <tr>
              <th scope="col">Text</th>
              <th scope="col">Account</th>
              <th scope="col">VAT code</th>
              <th scope="col" class="amount">
                Net
              </th>
              <th scope="col" class="amount">
                VAT
              </th>
            </tr>
          </thead>
          <tbody>
            {document.lines.map((line, place) => (
              <tr key={`${line.description} ${place}`}>
                <td>{line.description}</td>
                <td>{line.account ?? '–'}</td>
                <td>{line.taxCode ?? '–'}</td>
                <td class="amount">
                  <Amount minor={line.netMinor} unit={unit} />
                </td>
                <td class="amount">
                  <Amount minor={line.vatMinor} unit={unit} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {document.entries.length > 0 && (
        <Table caption={`Double entry of ${document.reference}`}>
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col" class="amount">
                Debit
              </th>
              <th scope="col" class="amount">
                Credit
              </th>
            </tr>
          </thead>
          <tbody>
            {document.entries.map((entry) => (
              <tr key={`${entry.account} ${entry.debitMinor > 0n}`}>
                <td>{entry.account}</td>
                <td class="amount">{entry.debitMinor > 0n && <Amount minor={entry.debitMinor} unit={unit} />}</td>
                <td class="amount">{entry.creditMinor > 0n && <Amount minor={entry.creditMinor} unit={unit} />}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {document.remarks.map((remark) => (
        <p class="small" key={remark}>
          {remark}
        </p>
      ))}
    </div>
  )
}
