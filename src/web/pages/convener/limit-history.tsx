/** Every change of a member's limits: who, when, why, from, to. */
import type { LimitChange } from '../../../networks/limits.ts'
import type { Network } from '../../../networks/network.ts'
import { Amount, Table, When } from '../../parts.tsx'

const kinds: Record<LimitChange['what'], string> = {
  credit_limit: 'Credit limit',
  exposure_limit: 'Exposure limit',
  frozen: 'Frozen against buying',
  legal_floor: 'Stays in credit by law',
}

export function LimitHistory({
  changes,
  network,
  nameOf,
}: {
  changes: LimitChange[]
  network: Network
  nameOf: (actor: string | null) => string
}) {
  if (changes.length === 0) return null
  return (
    <section aria-labelledby="limit-history">
      <h2 id="limit-history">How the limits came about</h2>
      <Table caption="Newest first">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Why</th>
            <th scope="col">Who</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((one) => (
            <tr key={one.id}>
              <td>
                <When at={one.changedAt} zone={network.timeZone} />
              </td>
              <td>{kinds[one.what]}</td>
              <td>
                <Told change={one} minor={one.fromMinor} network={network} />
              </td>
              <td>
                <Told change={one} minor={one.toMinor} network={network} />
              </td>
              <td>{one.reason}</td>
              <td>{nameOf(one.changedBy)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}

function Told({ change, minor, network }: { change: LimitChange; minor: bigint | null; network: Network }) {
  if (minor === null) return <span>none</span>
  if (change.what === 'frozen' || change.what === 'legal_floor') return <span>{minor === 1n ? 'yes' : 'no'}</span>
  return <Amount minor={minor} unit={network} />
}
