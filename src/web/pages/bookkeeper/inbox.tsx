/** Everything that needs the signed-in person, over all businesses they keep books for: worst first, each with one button. */
import { z } from 'zod'
import { idText } from '../../../kit/ids.ts'
import { may, mustBeAllowed } from '../../../networks/roles.ts'
import { placesParkedFor, retryAll } from '../../../outbox/retry-all.ts'
import { words } from '../../api/shapes.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Badge, Table } from '../../parts.tsx'
import { spanWords } from '../state-words.ts'
import { namesOf, worker } from '../whereabouts.ts'
import { inboxOf, kindsOf, type Need } from './inbox-needs.ts'

export function inboxPage(serve: ReturnType<typeof pages>): void {
  serve.get('/inbox', show)
  serve.post('/inbox/retry', retryKind, show)
}

/** In every book that this person may act for. */
async function retryKind(visit: Visit) {
  const actor = visit.actor()
  const { cause } = visit.form(z.object({ cause: words(100) }))
  const organisationIds = actor.actsFor
    .map((one) => one.organisationId)
    .filter((organisationId) => may(actor, 'move_delivery', { organisationId }))
  if (organisationIds.length === 0) mustBeAllowed(actor, 'move_delivery')
  const places = await worker(visit, (tx) => placesParkedFor(tx, { cause, organisationIds }))
  const retried = await retryAll(visit.deps, { places, cause, actor: actor.id })
  return { goTo: '/inbox', said: `${retried === 1 ? 'One is' : `${retried} are`} tried again now.` }
}

async function show(visit: Visit): Promise<string> {
  const actor = visit.actor()
  const organisations = actor.actsFor.filter((one) => one.role !== 'staff').map((one) => one.organisationId)
  const { needs, nameOf } = await worker(visit, async (tx) => {
    const found = await inboxOf(tx, organisations)
    return {
      needs: found,
      nameOf: await namesOf(
        tx,
        found.map((one) => one.owner),
      ),
    }
  })
  return page({
    deps: visit.deps,
    title: 'What needs you',
    actor,
    crumbs: [{ href: '/', text: 'Your places' }],
    said: saidOf(visit),
    children:
      needs.length === 0 ? (
        <p>
          {organisations.length === 0 ? 'You keep no books here.' : 'Nothing needs you. Whatever does, comes here.'}
        </p>
      ) : (
        <>
          <Needs visit={visit} needs={needs} nameOf={nameOf} />
          {kindsOf(needs).map(({ cause, count, books, says }) => (
            <form method="post" action="/inbox/retry" class="card" key={cause}>
              <p>
                {count} in {books} books wait for the same cause: {says}
              </p>
              <input type="hidden" name="cause" value={cause} />
              <button type="submit" class="second">
                Try all {count} again
              </button>
            </form>
          ))}
        </>
      ),
  })
}

function Needs({ visit, needs, nameOf }: { visit: Visit; needs: Need[]; nameOf(actor: string | null): string }) {
  const now = visit.deps.clock.now().getTime()
  return (
    <Table caption="Worst first, then oldest">
      <thead>
        <tr>
          <th scope="col">Business</th>
          <th scope="col">What</th>
          <th scope="col">Age</th>
          <th scope="col">Owner</th>
          <th scope="col">Do</th>
        </tr>
      </thead>
      <tbody>
        {needs.map((need) => (
          <tr key={`${need.memberId} ${need.kind} ${need.says}`}>
            <th scope="row">
              <a href={`/members/${idText('member', need.memberId)}`}>{need.business}</a>
              <span class="small"> {need.network}</span>
            </th>
            <td>
              <Badge tone={need.tone}>{need.count}</Badge> {need.says}
            </td>
            <td>{spanWords(need.since.getTime(), now)}</td>
            <td>{need.owner ? nameOf(need.owner) : 'nobody yet'}</td>
            <td>
              <a
                class="button second"
                href={`/members/${idText('member', need.memberId)}/${need.go.page}`}
                aria-label={`${need.go.text}: ${need.business}`}
              >
                {need.go.text}
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
