/**
 * A member's connection to its book: what it is, when it last worked, and the one thing to do next.
 *
 * Keeps: the connect button is hidden once connected, and a disconnect stands in its place; health is the last call that
 * worked, never a stored word.
 *
 * @path connect 1/6 the page where a person begins
 */
import { z } from 'zod'
import { beginConsent } from '../../../books/connect.ts'
import { type Connection, connectionsOf, missingIn, setAskFirst } from '../../../books/connection.ts'
import { disconnect } from '../../../books/disconnect.ts'
import { pause, resume } from '../../../books/pause.ts'
import { vendorName } from '../../../books/vendor-name.ts'
import { instantOf } from '../../../kit/clock.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { askBook } from '../../api/ask-book.ts'
import { bookKinds } from '../../api/connection-shapes.ts'
import type { AtMember } from '../../api/place.ts'
import type { pages, Visit } from '../../page.ts'
import { Badge, Choose, dayWords, Field, When } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { connectionWords, spanWords } from '../state-words.ts'
import { Form, formAt, maybe, reasonShape } from '../typed-form.tsx'
import { type Here, memberHere, worker } from '../whereabouts.ts'
import { bookPage, connectionHere } from './book-frame.tsx'
import { type BookNext, bookNext } from './book-next.ts'
import { PausedNote, pausesOver } from './paused-note.tsx'

/** A notice of something renamed is no reason to map anew. */
function isMisfit(problem: unknown): boolean {
  return Array.isArray(problem) && problem.some((one: { isNotice?: true }) => !one.isNotice)
}

export function connectionPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/connection', show)
  serve.post('/members/:mem/connection', begin, show)
  serve.post('/members/:mem/connection/pause', pauseIt, show)
  serve.post('/members/:mem/connection/resume', goOn, show)
  serve.post('/members/:mem/connection/disconnect', end, show)
  serve.post('/members/:mem/connection/ask-first', askFirst, show)
}

/** Bound to this web session: nobody else can bring the answer back. */
async function begin(visit: Visit) {
  const here = await memberHere(visit, 'connect_book')
  const { kind } = visit.form(z.object({ kind: z.enum(bookKinds, 'Choose one of the accounting systems.') }))
  const { networkId, member, actor } = here
  const sessionHash = visit.visitor?.sessionHash ?? null
  const ask = { networkId, organisationId: member.organisationId, kind, actor: actor.id, sessionHash }
  const { url } = await askBook(() => beginConsent(visit.deps, ask))
  return { goTo: url }
}

async function pauseIt(visit: Visit) {
  const here = await memberHere(visit, 'connect_book')
  const { reason } = visit.form(z.object({ reason: reasonShape }))
  await worker(visit, async (tx) => {
    const { id } = await connectionHere(tx, here)
    await pause(tx, visit.deps.clock, { connectionId: id, reason, actor: here.actor.id })
  })
  return { goTo: `${pathOf(here)}/connection`, said: 'Paused: what is promised waits, nothing is lost.' }
}

async function goOn(visit: Visit) {
  const here = await memberHere(visit, 'connect_book')
  await worker(visit, async (tx) => {
    const { id } = await connectionHere(tx, here)
    await resume(tx, visit.deps.clock, { connectionId: id, actor: here.actor.id })
  })
  return { goTo: `${pathOf(here)}/connection`, said: 'It goes on.' }
}

async function end(visit: Visit) {
  const here = await memberHere(visit, 'connect_book')
  const { id } = await worker(visit, (tx) => connectionHere(tx, here))
  const { connection, revoked, stays } = await disconnect(visit.deps, { connectionId: id, actor: here.actor.id })
  const vendor = vendorName(connection.kind)
  const cut = revoked ? `${vendor} confirmed it` : `cut it on ${vendor}’s own page too; it did not answer`
  return {
    goTo: `${pathOf(here)}/connection`,
    said: `Disconnected; ${cut}. Your books keep everything; we keep ${stays.contacts} contacts and the mapping for the day you come back.`,
  }
}

const askShape = z.object({
  ask: z.enum(['always', 'next', 'never']),
  trades: maybe(z.coerce.number('Give a whole number of trades.').int().min(1).max(1000)),
})

async function askFirst(visit: Visit) {
  const here = await memberHere(visit, 'connect_book')
  const given = visit.form(askShape)
  await worker(visit, async (tx) => {
    const { id, yesGiven } = await connectionHere(tx, here)
    const wanted = given.ask === 'always' ? null : given.ask === 'never' ? 0 : yesGiven + (given.trades ?? 5)
    await setAskFirst(tx, visit.deps.clock, { connectionId: id, askFirst: wanted, actor: here.actor.id })
  })
  return { goTo: `${pathOf(here)}/connection`, said: 'Changed.' }
}

type Facts = {
  connection: Connection | null
  before: Connection | null
  signInEndsAt: Date | null
  consentId: Uuid | null
  next: BookNext
} & Awaited<ReturnType<typeof pausesOver>>

async function read(visit: Visit, here: Here<AtMember>): Promise<Facts> {
  const { networkId, member, actor } = here
  const place = { networkId, organisationId: member.organisationId }
  return worker(visit, async (tx) => {
    const all = await connectionsOf(tx, member.organisationId)
    const connection = all.find((one) => one.state !== 'ended') ?? null
    const grant = connection ? await tx.bookGrant.findUnique({ where: { connectionId: connection.id } }) : null
    const ends = [grant?.refreshEndsAt, grant?.hardEndsAt].flatMap((at) => (at ? [at.getTime()] : []))
    const since = visit.deps.clock.now().getTime() - 3_600_000
    // A consent that came back and waits for the choice of its book.
    const consents = await tx.consent.findMany({
      where: { organisationId: member.organisationId, begunBy: actor.id, chosenAt: null, grantsSealed: { not: null } },
      orderBy: { madeAt: 'desc' },
      take: 1,
    })
    const consent = consents.find((one) => (one.usedAt?.getTime() ?? 0) > since)
    const mapped = connection
      ? await tx.mapping.findUnique({
          where: { connectionId_networkId: { connectionId: connection.id, networkId } },
          select: { confirmedAt: true, problem: true },
        })
      : null
    const goesByItself = connection?.askFirst != null && connection.yesGiven >= connection.askFirst
    return {
      connection,
      before: all.find((one) => one.state === 'ended') ?? null,
      signInEndsAt: ends.length > 0 && !grant?.deadAt ? instantOf(Math.min(...ends)) : null,
      consentId: consent?.id ?? null,
      ...(await pausesOver(tx, here)),
      next: bookNext({
        base: pathOf(here),
        connection: connection?.state ?? null,
        vendor: connection ? vendorName(connection.kind) : '',
        consent: consent ? idText('consent', consent.id) : null,
        isMapped: mapped?.confirmedAt != null,
        hasMappingProblem: isMisfit(mapped?.problem),
        waiting: await tx.delivery.count({ where: { ...place, state: { in: ['waiting', 'sending'] } } }),
        parked: await tx.delivery.count({ where: { ...place, state: 'parked' } }),
        waitForYes: goesByItself ? 0 : await unapproved(tx, place),
      }),
    }
  })
}

async function unapproved(
  tx: Parameters<typeof connectionsOf>[0],
  place: { networkId: Uuid; organisationId: Uuid },
): Promise<number> {
  const rows = await tx.$queryRaw<{ trades: bigint }[]>`
    select count(distinct d.trade_id) as trades from delivery d
    where d.network_id = ${place.networkId}::uuid and d.organisation_id = ${place.organisationId}::uuid and d.state = 'waiting'
      and d.trade_id is not null and not exists (
        select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id)`
  return Number(rows[0]?.trades ?? 0n)
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_book')
  const facts = await read(visit, here)
  const { connection, before, next } = facts
  const base = `${pathOf(here)}/connection`
  return bookPage(visit, here, {
    title: `The book of ${here.member.organisation.name}`,
    children: (
      <>
        <section class="next" aria-labelledby="next">
          <h2 id="next">Next</h2>
          <p>{next.says}</p>
          {next.connect && (
            <ConnectButtons visit={visit} base={base} kind={connection?.kind ?? null} word={next.connect} />
          )}
          {next.go && (
            <p>
              <a class="button" href={next.go.href}>
                {next.go.text}
              </a>
            </p>
          )}
          {next.resume && <Form form={formAt(visit, `${base}/resume`)} button="Let it go on" />}
        </section>
        <PausedNote here={here} pauses={facts.pauses} nameOf={facts.nameOf} />
        {connection && <Told visit={visit} here={here} connection={connection} signInEndsAt={facts.signInEndsAt} />}
        {connection && !next.connect && missingIn(connection.lastError).length > 0 && (
          <section aria-labelledby="not-granted">
            <h2 id="not-granted">Not granted</h2>
            <p>
              The consent does not cover {missingIn(connection.lastError).join(', ')}. What it covers goes on. Sign in
              again, choose the same organisation and grant all that is asked.
            </p>
            <ConnectButtons visit={visit} base={base} kind={connection.kind} word="sign_in_again" />
          </section>
        )}
        {!connection && before && (
          <p>
            Before, “{before.bookName}” was connected here. Choose the same organisation again and everything goes on
            where it stood.
          </p>
        )}
        {!connection && (
          <p class="small">
            You are sent to the accounting system’s own page, sign in there and say which organisation it is. We ask to
            read its settings, accounts and VAT codes, to write the contacts, invoices, bills, payments and money
            entries of your trades, and to read them back. We never see your password, and we change or delete nothing
            that you made.
          </p>
        )}
        {connection && <Settings visit={visit} base={base} connection={connection} />}
      </>
    ),
  })
}

/** The vendor of a connection that needs a sign-in, else each that this installation knows. */
function ConnectButtons({
  visit,
  base,
  kind,
  word,
}: {
  visit: Visit
  base: string
  kind: Connection['kind'] | null
  word: 'connect' | 'sign_in_again'
}) {
  const kinds = kind ? [kind] : bookKinds.filter((one) => visit.deps.connectors[one])
  if (kinds.length === 0) return <p>This installation has no accounting system set up. Its operator can add one.</p>
  return (
    <form method="post" action={base}>
      <div class="buttons">
        {kinds.map((one) => (
          <button type="submit" name="kind" value={one} key={one}>
            {word === 'connect' ? `Connect to ${vendorName(one)}` : `Sign in to ${vendorName(one)} again`}
          </button>
        ))}
      </div>
    </form>
  )
}

function Told({
  visit,
  here,
  connection,
  signInEndsAt,
}: {
  visit: Visit
  here: Here<AtMember>
  connection: Connection
  signInEndsAt: Date | null
}) {
  const now = visit.deps.clock.now().getTime()
  const { profile } = connection
  const zone = here.network.timeZone
  const state = connectionWords[connection.state]
  return (
    <section aria-labelledby="connected">
      <h2 id="connected">
        {connection.bookName} in {vendorName(connection.kind)}
      </h2>
      <dl class="facts">
        <dt>State</dt>
        <dd>
          <Badge tone={state.tone}>{state.text}</Badge>
        </dd>
        <dt>Organisation</dt>
        <dd>
          {connection.bookName}, {profile.country}, {profile.currency}
        </dd>
        <dt>Last call that worked</dt>
        <dd>
          {connection.lastGoodCallAt ? (
            <>
              <When at={connection.lastGoodCallAt} zone={zone} />, {spanWords(connection.lastGoodCallAt.getTime(), now)}{' '}
              ago
            </>
          ) : (
            'none yet'
          )}
        </dd>
        {signInEndsAt && (
          <>
            <dt>Permission lasts</dt>
            <dd>
              {spanWords(now, signInEndsAt.getTime())} more, if nobody uses it; each use renews it where{' '}
              {vendorName(connection.kind)} allows
            </dd>
          </>
        )}
        <dt>VAT in the book</dt>
        <dd>
          {profile.vat.registered
            ? `registered${profile.vat.number ? `, ${profile.vat.number}` : ''}`
            : 'not registered'}
        </dd>
        <dt>Closed period</dt>
        <dd>{profile.lockedThrough ? `up to ${dayWords(profile.lockedThrough)}` : 'none'}</dd>
        {!profile.writable && (
          <>
            <dt>Plan</dt>
            <dd>
              <Badge tone="bad">takes no new documents</Badge>
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}

function Settings({ visit, base, connection }: { visit: Visit; base: string; connection: Connection }) {
  const ask = formAt(visit, `${base}/ask-first`)
  const pausing = formAt(visit, `${base}/pause`)
  const left = connection.askFirst === null ? null : Math.max(0, connection.askFirst - connection.yesGiven)
  const chosen = left === null ? 'always' : left === 0 ? 'never' : 'next'
  const vendor = vendorName(connection.kind)
  return (
    <>
      <section aria-labelledby="ask">
        <h2 id="ask">Look before anything is written</h2>
        <p>{whenAsked(left)}</p>
        <Form form={ask} button="Change" tone="second">
          <Choose
            {...ask.of('ask', chosen)}
            label="Ask first"
            required
            choices={[
              { value: 'always', text: 'Always' },
              { value: 'next', text: 'For the next so many trades' },
              { value: 'never', text: 'Never' },
            ]}
          />
          <Field
            {...ask.of('trades', left ? String(left) : '5')}
            label="So many trades"
            hint="Only for the second choice."
            inputMode="numeric"
          />
        </Form>
      </section>
      <section aria-labelledby="stop">
        <h2 id="stop">Pause or end it</h2>
        {connection.state === 'live' && (
          <Form form={pausing} button="Pause" tone="second">
            <p>Nothing is sent until you let it go on; what is promised waits.</p>
            <Field {...pausing.of('reason')} label="Why it is paused" required maxLength={400} />
          </Form>
        )}
        <details>
          <summary>Disconnect from {vendor}</summary>
          <p>
            {vendor} is told, and our permission is wiped. Everything that stands in your book stays there. What is
            promised after that waits until you connect the same organisation again.
          </p>
          <Form form={formAt(visit, `${base}/disconnect`)} button={`Disconnect from ${vendor}`} tone="danger" />
        </details>
      </section>
    </>
  )
}

function whenAsked(left: number | null): string {
  if (left === null) return 'Every trade waits for a yes after a preview.'
  if (left === 0) return 'Trades go to the book by themselves.'
  const which = left === 1 ? 'The next trade waits' : `The next ${left} trades wait`
  return `${which} for a yes after a preview; then they go by themselves.`
}
