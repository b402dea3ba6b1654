/** A disagreement's evidence: what we promised beside what the book holds, fact by fact. */
import type { Discrepancy } from '../../../reconcile/discrepancy.ts'
import { Amount, OnDay, Table, type Unit } from '../../parts.tsx'

const factWords: Record<string, string> = {
  kind: 'Kind',
  state: 'State with us',
  status: 'State in the book',
  totalMinor: 'Total',
  vatMinor: 'VAT',
  openMinor: 'Still open',
  number: 'Number',
  datedOn: 'Day',
  contact: 'Contact',
  dropped: 'Dropped because',
  parked: 'Waits because',
  what: 'What it is',
}

export function Evidence({ evidence, unit, of }: { evidence: Discrepancy['evidence']; unit: Unit; of: string }) {
  const ours = evidence.ours ?? {}
  const theirs = evidence.theirs ?? {}
  const names = Object.keys(factWords).filter((name) => name in ours || name in theirs)
  const isLink = (text: string | undefined): text is string => text?.startsWith('https://') ?? false
  return (
    <Table caption={`Both sides of ${of}`}>
      <thead>
        <tr>
          <th scope="col">Fact</th>
          <th scope="col">Promised</th>
          <th scope="col">In the book</th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <tr key={name}>
            <th scope="row">{factWords[name]}</th>
            <td>{told(name, ours[name], unit)}</td>
            <td>{told(name, theirs[name], unit)}</td>
          </tr>
        ))}
        {isLink(theirs.link) && (
          <tr>
            <th scope="row">Link</th>
            <td />
            <td>
              <a href={theirs.link} rel="noreferrer">
                Open it in the book
              </a>
            </td>
          </tr>
        )}
      </tbody>
    </Table>
  )
}

function told(name: string, value: string | undefined, unit: Unit) {
  if (value === undefined) return '–'
  if (name.endsWith('Minor') && /^-?\d+$/.test(value)) return <Amount minor={BigInt(value)} unit={unit} />
  if (name === 'datedOn') return <OnDay day={value} />
  return value.replaceAll('_', ' ')
}
