/** After consent: which of the organisations that were opened is this business's book. Asked even when there is only one. */
import { z } from 'zod'
import { chooseBook, offeredBy } from '../../../books/connect.ts'
import { idFromText, type Uuid } from '../../../kit/ids.ts'
import { Refusal } from '../../../kit/refusal.ts'
import { askBook } from '../../api/ask-book.ts'
import type { AtMember } from '../../api/place.ts'
import { words } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { pathOf } from '../member/member-frame.tsx'
import { type Here, memberHere, worker } from '../whereabouts.ts'
import { bookPage } from './book-frame.tsx'

export function chooseBookPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/connection/choose', show)
  serve.post('/members/:mem/connection/choose', choose, show)
}

async function choose(visit: Visit) {
  const here = await memberHere(visit, 'connect_book')
  const { book } = visit.form(z.object({ book: words(200), consent: z.string() }))
  const consentId = await consentHere(visit, here)
  const ask = { consentId, bookId: book, networkId: here.networkId, actor: here.actor.id }
  const connection = await askBook(() => chooseBook(visit.deps, ask))
  const base = pathOf(here)
  if (connection.state === 'mapping')
    return { goTo: `${base}/connection/mapping`, said: `${connection.bookName} is connected. One page more.` }
  const { networkId, member } = here
  const waiting = await worker(visit, (tx) =>
    tx.delivery.count({ where: { networkId, organisationId: member.organisationId, state: 'waiting' } }),
  )
  return {
    goTo: `${base}/connection`,
    said: `${connection.bookName} is connected again. ${waiting === 0 ? 'Nothing was waiting.' : `${waiting} waiting documents go on by themselves.`}`,
  }
}

/** Only a consent that was begun for this very business by this very person. */
async function consentHere(visit: Visit, here: Here<AtMember>): Promise<Uuid> {
  const id = idFromText('consent', visit.typed.consent ?? visit.query.consent ?? '')
  const consent = id ? await worker(visit, (tx) => tx.consent.findUnique({ where: { id } })) : null
  if (!consent || consent.organisationId !== here.member.organisationId || consent.begunBy !== here.actor.id)
    throw new Refusal('not_found', { thing: 'consent' })
  return consent.id
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'connect_book')
  const consentId = await consentHere(visit, here)
  const offered = await askBook(() => offeredBy(visit.deps, { consentId, actor: here.actor.id }))
  const consent = visit.typed.consent ?? visit.query.consent ?? ''
  return bookPage(visit, here, {
    title: 'Which organisation is it?',
    children: (
      <>
        <p>
          One business keeps one book. Choose the organisation that holds the accounts of{' '}
          <strong>{here.member.organisation.name}</strong>; its currency must be {here.network.currency}.
        </p>
        <form method="post" action={`${pathOf(here)}/connection/choose`} class="stack">
          <input type="hidden" name="consent" value={consent} />
          <fieldset>
            <legend>Organisations you opened to us</legend>
            {offered.map((one) => (
              <label class="check" key={one.bookId}>
                <input
                  type="radio"
                  name="book"
                  value={one.bookId}
                  required
                  checked={visit.typed.book ? visit.typed.book === one.bookId : offered.length === 1}
                />{' '}
                <span>
                  {one.bookName}
                  <span class="hint">
                    {' '}
                    {[one.country, one.currency].filter(Boolean).join(', ') ||
                      'its country and currency could not be read'}
                  </span>
                </span>
              </label>
            ))}
          </fieldset>
          <div class="buttons">
            <button type="submit">Connect this one</button>
            <a class="button second" href={`${pathOf(here)}/connection`}>
              Not now
            </a>
          </div>
        </form>
      </>
    ),
  })
}
