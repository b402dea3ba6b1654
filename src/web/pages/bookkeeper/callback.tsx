/**
 * Where the accounting systems send the browser back to. Always answered by a redirect, so that no address with a code in
 * it is ever shown, kept in the history of a page, or told to anybody else.
 */
import { finishConsent } from '../../../books/connect.ts'
import { idText } from '../../../kit/ids.ts'
import { isRefusalCode, Refusal } from '../../../kit/refusal.ts'
import { membershipsOf } from '../../../networks/member.ts'
import { askBook } from '../../api/ask-book.ts'
import { page } from '../../layout.tsx'
import type { pages, Visit } from '../../page.ts'
import { worker } from '../whereabouts.ts'

export function callbackPages(serve: ReturnType<typeof pages>): void {
  for (const vendor of ['xero', 'quickbooks', 'fake']) serve.get(`/connect/${vendor}/callback`, takeAnswer)
  serve.get('/connect/refused', showRefused)
  serve.get('/connect/cut', showCut)
}

async function takeAnswer(visit: Visit) {
  if (!visit.visitor) return { goTo: '/sign-in', said: 'Sign in, then begin again from your connection page.' }
  const { actor, sessionHash } = visit.visitor
  const url = `${visit.deps.config.publicUrl}${visit.ask.originalUrl}`
  try {
    const { consentId, networkId, organisationId } = await askBook(() =>
      finishConsent(visit.deps, { url, actor: actor.id, sessionHash }),
    )
    const member = await worker(visit, (tx) =>
      tx.member.findUniqueOrThrow({ where: { networkId_organisationId: { networkId, organisationId } } }),
    )
    const base = `/members/${idText('member', member.id)}/connection`
    return { goTo: `${base}/choose?consent=${idText('consent', consentId)}` }
  } catch (error) {
    if (error instanceof Refusal) return { goTo: `/connect/refused?code=${error.code}` }
    throw error
  }
}

/** The words of the refusal, on an address that holds nothing of the answer. */
async function showRefused(visit: Visit): Promise<string> {
  const actor = visit.actor()
  const code = visit.query.code ?? ''
  const refusal = new Refusal(isRefusalCode(code) && code.startsWith('consent_') ? code : 'consent_failed', {
    cause: 'no reason given',
  })
  const members = await worker(visit, async (tx) =>
    (await Promise.all(actor.actsFor.map((one) => membershipsOf(tx, one.organisationId)))).flat(),
  )
  return page({
    deps: visit.deps,
    title: 'Nothing was connected',
    actor,
    children: (
      <>
        <div class="alert" role="alert">
          <p>{refusal.says}</p>
          <p>{refusal.fix}</p>
        </div>
        <ul>
          {members.map((member) => (
            <li key={member.id}>
              <a href={`/members/${idText('member', member.id)}/connection`}>
                Connection of {member.organisation.name}
              </a>
            </li>
          ))}
        </ul>
      </>
    ),
  })
}

/** Where an accounting system sends a person who cut the link there; it may say which book, and we repeat none of it. */
async function showCut(visit: Visit): Promise<string> {
  return page({
    deps: visit.deps,
    title: 'The link to your book is cut',
    actor: visit.visitor?.actor ?? null,
    children: (
      <>
        <p>
          Quits can no longer read or write that book. What stands in it stays; what is promised to it waits, and
          nothing is lost.
        </p>
        <p>To connect it again, open the connection page of your business and choose the same organisation.</p>
        <p>
          <a class="button" href="/">
            To your places
          </a>
        </p>
      </>
    ),
  })
}
