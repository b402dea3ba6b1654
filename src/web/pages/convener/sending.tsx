/**
 * What a network sends to its members' books: does it leave, or is it paused, by whom and why; and how each book does.
 *
 * Never: shows what stands in a member's book; only whether it is reached, and how much waits for it.
 */
import { z } from 'zod'
import { pauseSending, resumeSending, sendingPauseOf } from '../../../books/pause.ts'
import { idText } from '../../../kit/ids.ts'
import { addressesOf, type WebhookAddress } from '../../../outbox/webhook-address.ts'
import { wordsFor } from '../../../outbox/words.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Badge, Field, Table, When } from '../../parts.tsx'
import { connectionWords, spanWords } from '../state-words.ts'
import { Form, formAt, Refused, reasonShape } from '../typed-form.tsx'
import { namesOf, networkHere, worker } from '../whereabouts.ts'
import { membersAPage, membersWatched, type Watched } from './members-watched.ts'

export function sendingPages(serve: ReturnType<typeof pages>): void {
  serve.get('/networks/:slug/sending', show)
  serve.post('/networks/:slug/sending/pause', pauseIt, show)
  serve.post('/networks/:slug/sending/resume', goOn, show)
}

async function pauseIt(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'pause_sending')
  const { reason } = visit.form(z.object({ reason: reasonShape }))
  await worker(visit, (tx) => pauseSending(tx, visit.deps.clock, { networkId: network.id, reason, actor: actor.id }))
  return { goTo: `/networks/${network.slug}/sending`, said: 'Paused: nothing leaves for any book; trades go on.' }
}

async function goOn(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'pause_sending')
  await worker(visit, (tx) => resumeSending(tx, visit.deps.clock, { networkId: network.id, actor: actor.id }))
  return { goTo: `/networks/${network.slug}/sending`, said: 'It goes on: what waited leaves now.' }
}

async function show(visit: Visit): Promise<string> {
  const { network, actor, mayDo } = await networkHere(visit, 'see_health')
  const seen = await worker(visit, async (tx) => {
    const paused = await sendingPauseOf(tx, network.id)
    const watched = mayDo('see_members') ? (await membersWatched(tx, network.id)).list : []
    const unheard = (await addressesOf(tx, network.id)).filter(({ failingAt, offAt }) => failingAt ?? offAt)
    return { paused, watched, unheard, nameOf: await namesOf(tx, [paused?.by ?? null]) }
  })
  const base = `/networks/${network.slug}/sending`
  const pausing = formAt(visit, `${base}/pause`)
  const { paused } = seen
  return page({
    deps: visit.deps,
    title: 'What goes to the books',
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: `/networks/${network.slug}`, text: network.name },
    ],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        <section class="next" aria-labelledby="sending">
          <h2 id="sending">{paused ? 'Paused' : 'It leaves by itself'}</h2>
          {paused ? (
            <p>
              Paused by {seen.nameOf(paused.by) || 'somebody unknown'}
              {paused.at && (
                <>
                  , <When at={paused.at} zone={network.timeZone} />
                </>
              )}
              : {paused.reason}. Trades and promises go on; what is promised waits, and nothing is lost.
            </p>
          ) : (
            <p>
              What is promised leaves for each member’s book. Paused, nothing leaves and promises go on: another thing
              than pausing the network, which stops new trades.
            </p>
          )}
          {mayDo('pause_sending') &&
            (paused ? (
              <Form form={formAt(visit, `${base}/resume`)} button="Let it go on" />
            ) : (
              <Form form={pausing} button="Pause what goes to the books" tone="second">
                <Field {...pausing.of('reason')} label="Why" required maxLength={400} />
              </Form>
            ))}
        </section>
        <Unheard addresses={seen.unheard} watched={seen.watched} zone={network.timeZone} />
        {seen.watched.length > 0 && <Books watched={seen.watched} nowMs={visit.deps.clock.now().getTime()} />}
        {seen.watched.length === membersAPage && (
          <p class="small">The {membersAPage} that need you most; the rest are on the network’s page.</p>
        )}
      </>
    ),
  })
}

/** One line of the programs that do not hear; where a member's leads is the member's own. */
function Unheard({ addresses, watched, zone }: { addresses: WebhookAddress[]; watched: Watched[]; zone: string }) {
  if (addresses.length === 0) return null
  const whose = ({ organisationId, url }: WebhookAddress) =>
    organisationId === null
      ? new URL(url).host
      : `a program of ${watched.find(({ member }) => member.organisationId === organisationId)?.member.organisation.name ?? 'a member'}`
  return (
    <p id="unheard">
      Webhooks that do not arrive:{' '}
      {addresses.map((one, place) => (
        <>
          {place > 0 && '; '}
          {whose(one)} (
          {one.offAt ? (
            `switched off: ${one.offCause}`
          ) : (
            <>
              fails since <When at={one.failingAt ?? one.madeAt} zone={zone} />
            </>
          )}
          )
        </>
      ))}
      .
    </p>
  )
}

function Books({ watched, nowMs }: { watched: Watched[]; nowMs: number }) {
  return (
    <Table caption="The members’ books, worst first">
      <thead>
        <tr>
          <th scope="col">Member</th>
          <th scope="col">Connection</th>
          <th scope="col">Last good call</th>
          <th scope="col">Needs a person</th>
          <th scope="col">Oldest on its way</th>
        </tr>
      </thead>
      <tbody>
        {watched.map(({ member, health, parked, oldestWaitingAt }) => (
          <tr key={member.id}>
            <th scope="row" id={idText('member', member.id)}>
              {member.organisation.name}
            </th>
            <td>
              {health?.state ? (
                <Badge tone={connectionWords[health.state].tone}>{connectionWords[health.state].text}</Badge>
              ) : (
                'none'
              )}
              {health?.state === 'needs_sign_in' && health.lastCause && (
                <span class="small"> {wordsFor(health.lastCause).says}</span>
              )}
            </td>
            <td>{health?.lastGoodCallAt ? `${spanWords(health.lastGoodCallAt.getTime(), nowMs)} ago` : '–'}</td>
            <td>{parked === 0 ? '–' : parked}</td>
            <td>{oldestWaitingAt ? spanWords(oldestWaitingAt.getTime(), nowMs) : '–'}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
