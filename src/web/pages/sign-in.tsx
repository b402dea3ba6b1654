/** Sign-in by a one-time mail link: ask, look into the mail box, press the button in the same browser. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { askSignIn, confirmSignIn, endSession } from '../../networks/sign-in.ts'
import { email } from '../api/shapes.ts'
import { page } from '../layout.tsx'
import { type pages, saidOf, type Visit } from '../page.ts'
import { Field, Trouble } from '../parts.tsx'
import { browserMark, giveBrowserMark, giveSession, takeSession } from '../session.ts'

export function signInPages(serve: ReturnType<typeof pages>): void {
  serve.get('/sign-in', async (visit) => askPage(visit))
  serve.post('/sign-in', ask, async (visit) => askPage(visit))
  serve.get('/sign-in/sent', async (visit) => sentPage(visit))
  serve.get('/sign-in/:token', async (visit) => confirmPage(visit))
  serve.post('/sign-in/:token', confirm, async (visit) => confirmPage(visit))
  serve.post('/sign-out', signOut, null)
}

async function ask(visit: Visit) {
  const given = visit.form(z.object({ email, next: z.string().max(300).optional() }))
  const mark = browserMark(visit.ask) ?? randomBytes(32).toString('base64url')
  giveBrowserMark(visit.deps, visit.answer, mark)
  await askSignIn(
    { ...visit.deps, publicUrl: visit.deps.config.publicUrl },
    { email: given.email, browser: mark, from: visit.ask.ip ?? '', nextPath: given.next ?? null },
  )
  return { goTo: '/sign-in/sent' }
}

async function confirm(visit: Visit) {
  const signedIn = await confirmSignIn(visit.deps, {
    token: visit.params.token ?? '',
    browser: browserMark(visit.ask) ?? '',
    oldSession: visit.visitor?.token ?? null,
    browserName: visit.ask.get('user-agent') ?? null,
  })
  giveSession(visit.deps, visit.answer, signedIn.session)
  return { goTo: signedIn.nextPath ?? '/' }
}

async function signOut(visit: Visit) {
  if (visit.visitor) await endSession(visit.deps, visit.visitor.token)
  takeSession(visit.deps, visit.answer)
  return { goTo: '/', said: 'You are signed out.' }
}

function askPage(visit: Visit): string {
  return page({
    deps: visit.deps,
    title: 'Sign in',
    actor: visit.visitor?.actor ?? null,
    said: saidOf(visit),
    children: (
      <>
        <Trouble visit={visit} />
        <p>There are no passwords here. We send you a link; it works once, for fifteen minutes, in this browser.</p>
        <form method="post" action="/sign-in" class="stack">
          <Field
            name="email"
            type="email"
            label="Your e-mail address"
            value={visit.typed.email}
            required
            autocomplete="email"
          />
          {visit.query.next && <input type="hidden" name="next" value={visit.query.next} />}
          <div class="buttons">
            <button type="submit">Send me the link</button>
          </div>
        </form>
      </>
    ),
  })
}

function sentPage(visit: Visit): string {
  return page({
    deps: visit.deps,
    title: 'Look into your mail box',
    actor: null,
    children: (
      <>
        <p>If this address is known here, a link is on its way. Open it in this browser and press the button there.</p>
        {visit.deps.demo && (
          <p>
            <a class="button" href="/demo/mail">
              Open the demonstration’s mail box
            </a>
          </p>
        )}
      </>
    ),
  })
}

function confirmPage(visit: Visit): string {
  return page({
    deps: visit.deps,
    title: 'Sign in to Quits',
    actor: null,
    children: (
      <>
        <Trouble visit={visit} />
        <form method="post" action={`/sign-in/${visit.params.token ?? ''}`}>
          <button type="submit">Sign in</button>
        </form>
        <p class="small">Mail programs open links to look at them; only this button signs you in.</p>
      </>
    ),
  })
}
