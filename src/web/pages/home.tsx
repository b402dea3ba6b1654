/** The start page: where each person's places are, and what needs them. A stranger reads what this is. */
import { asWorker, inTransaction } from '../../kit/db.ts'
import { idText, type Uuid } from '../../kit/ids.ts'
import { membershipsOf } from '../../networks/member.ts'
import { networkOf, networksSeen } from '../../networks/network.ts'
import { page } from '../layout.tsx'
import { type pages, saidOf, type Visit } from '../page.ts'
import { Amount, Badge } from '../parts.tsx'

export function homePage(serve: ReturnType<typeof pages>): void {
  serve.get('/', (visit) => (visit.visitor ? places(visit) : Promise.resolve(welcome(visit))))
}

function welcome(visit: Visit): string {
  return page({
    deps: visit.deps,
    title: 'Trade on mutual credit, and keep your own books',
    actor: null,
    said: saidOf(visit),
    children: (
      <>
        <p>
          Businesses of a network sell to each other on credit lines instead of cash. Each trade becomes, by itself, an
          invoice and its payment in the seller’s Xero or QuickBooks, and a bill and its payment in the buyer’s.
        </p>
        <p>
          <a class="button" href="/sign-in">
            Sign in
          </a>
        </p>
        <p class="small">Members come in by an invitation from their network’s convener.</p>
      </>
    ),
  })
}

async function places(visit: Visit): Promise<string> {
  const actor = visit.actor()
  const { networks, members, openByOrganisation } = await inTransaction(visit.deps.db, asWorker, async (tx) => {
    const members = (await Promise.all(actor.actsFor.map((one) => membershipsOf(tx, one.organisationId)))).flat()
    const networks = actor.isOperator
      ? await networksSeen(tx)
      : await Promise.all([...new Set(actor.serves.map((one) => one.networkId))].map((id) => networkOf(tx, id)))
    const units = new Map(
      await Promise.all(
        members.map(async (member) => [member.networkId, await networkOf(tx, member.networkId)] as const),
      ),
    )
    const parked = await tx.delivery.groupBy({
      by: ['organisationId'],
      where: { state: 'parked', organisationId: { in: members.map((one) => one.organisationId) } },
      _count: true,
    })
    return {
      networks,
      members: members.map((member) => ({ member, network: units.get(member.networkId) })),
      openByOrganisation: new Map<Uuid, number>(parked.map((one) => [one.organisationId, one._count])),
    }
  })
  return page({
    deps: visit.deps,
    title: 'Your places',
    actor,
    said: saidOf(visit),
    children: (
      <>
        {members.length > 0 && (
          <section aria-labelledby="members">
            <h2 id="members">Businesses you act for</h2>
            <div class="cards">
              {members.map(({ member, network }) => {
                const needs = openByOrganisation.get(member.organisationId) ?? 0
                return (
                  <div class="card" key={member.id}>
                    <h3>
                      <a href={`/members/${idText('member', member.id)}`}>{member.organisation.name}</a>
                    </h3>
                    <p>{network?.name}</p>
                    {network && (
                      <p class="figure">
                        <Amount minor={member.account.balanceMinor} unit={network} />
                      </p>
                    )}
                    <p>
                      {needs > 0 ? (
                        <Badge tone="bad">{`${needs} need${needs === 1 ? 's' : ''} you`}</Badge>
                      ) : (
                        <Badge tone="good">nothing waits for you</Badge>
                      )}
                    </p>
                  </div>
                )
              })}
            </div>
            <p>
              <a href="/inbox">Everything that needs you, over all your businesses</a>
            </p>
          </section>
        )}
        {networks.length > 0 && (
          <section aria-labelledby="networks">
            <h2 id="networks">Networks</h2>
            <ul>
              {networks.map((network) => (
                <li key={network.id}>
                  <a href={`/networks/${network.slug}`}>{network.name}</a>{' '}
                  {network.state !== 'open' && <Badge tone="warn">{network.state}</Badge>}
                </li>
              ))}
            </ul>
          </section>
        )}
        {actor.isOperator && (
          <p>
            <a class="button" href="/networks/new">
              Make a network
            </a>
          </p>
        )}
        {members.length === 0 && networks.length === 0 && !actor.isOperator && (
          <p>No business or network has named you yet. Ask your convener for an invitation.</p>
        )}
      </>
    ),
  })
}
