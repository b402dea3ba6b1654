/**
 * A network's first page. The convener (and the auditor, reading) sees who needs something, worst first, and invites;
 * a member sees who it can trade with; an operator sees only whether the network is open.
 */
import { z } from 'zod'
import type { Tx } from '../../../kit/db.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { invite } from '../../../networks/invite.ts'
import { membersOf } from '../../../networks/member.ts'
import { moveNetwork, type Network } from '../../../networks/network.ts'
import { cursorOf, email, keyOf, words } from '../../api/shapes.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Amount, Badge, Field, Table, When } from '../../parts.tsx'
import { LegalFormFields, legalFormShape, shownForm } from '../legal-form-fields.tsx'
import { connectionWords, spanWords, standingWords } from '../state-words.ts'
import { Form, formAt, maybe, Refused, reasonShape } from '../typed-form.tsx'
import { networkHere, worker } from '../whereabouts.ts'
import { membersAPage, membersWatched, type Watched } from './members-watched.ts'

export function networkPages(serve: ReturnType<typeof pages>): void {
  serve.get('/networks/:slug', show)
  serve.post('/networks/:slug/invitations', sendInvitation, show)
  serve.post('/networks/:slug/state', move, show)
}

const invitationShape = z.object({
  email,
  name: words(200),
  ...legalFormShape,
  invoicePrefix: maybe(
    z
      .string()
      .trim()
      .regex(/^[A-Z0-9]{2,8}$/, 'A prefix has 2 to 8 capitals and digits.'),
  ),
})

async function sendInvitation(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'invite_member')
  const given = visit.form(invitationShape)
  const { member } = await worker(visit, (tx) =>
    invite(tx, visit.deps.clock, {
      networkId: network.id,
      email: given.email,
      organisation: { name: given.name, email: given.email, form: shownForm(given) },
      invoicePrefix: given.invoicePrefix,
      from: { id: actor.id, name: actor.name },
      publicUrl: visit.deps.config.publicUrl,
      seal: visit.deps.seal,
    }),
  )
  return { goTo: `/networks/${network.slug}`, said: `${member.organisation.name} is invited; the link goes by mail.` }
}

async function move(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'pause_network')
  const given = visit.form(z.object({ to: z.enum(['open', 'paused']), reason: reasonShape }))
  await worker(visit, (tx) =>
    moveNetwork(tx, visit.deps.clock, { networkId: network.id, to: given.to, reason: given.reason, actor: actor.id }),
  )
  return {
    goTo: `/networks/${network.slug}`,
    said: given.to === 'paused' ? 'The network is paused.' : 'The network goes on.',
  }
}

async function show(visit: Visit): Promise<string> {
  const { network, actor, mayDo } = await networkHere(visit, 'see_network')
  const seesMembers = mayDo('see_members')
  const after = keyOf(visit.query.after)?.id ?? null
  const seen = await worker(visit, async (tx) => ({
    watched: seesMembers ? await membersWatched(tx, network.id, after) : null,
    listed:
      !seesMembers && mayDo('see_directory')
        ? await membersOf(tx, network.id, { after, limit: membersAPage + 1, standings: ['admitted'] })
        : null,
    totals: mayDo('see_impact') ? await totalsOf(tx, network.id) : null,
    lastAudit: mayDo('see_ledger')
      ? await tx.auditRun.findFirst({ where: { networkId: network.id }, orderBy: { ranAt: 'desc' } })
      : null,
  }))
  const base = `/networks/${network.slug}`
  return page({
    deps: visit.deps,
    title: network.name,
    actor,
    crumbs: [{ href: '/', text: 'Your places' }],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        {network.state === 'paused' && (
          <p class="warn">This network is paused: nothing is traded, and nothing is lost.</p>
        )}
        <ul>
          <li>
            <a href={`${base}/terms`}>Terms</a>
          </li>
          {mayDo('see_ledger') && (
            <>
              <li>
                <a href={`${base}/trades`}>All trades</a>
              </li>
              <li>
                <a href={`${base}/ledger`}>Ledger, audit and what people did</a>
              </li>
            </>
          )}
          {mayDo('see_health') && (
            <li>
              <a href={`${base}/sending`}>What goes to the books</a>
            </li>
          )}
          {mayDo('import') && (
            <li>
              <a href={`${base}/import`}>Carry over the past from a file</a>
            </li>
          )}
        </ul>
        {seen.totals && <Totals totals={seen.totals} network={network} lastAudit={seen.lastAudit} />}
        {seen.watched && <Members watched={seen.watched.list} network={network} now={visit.deps.clock.now()} />}
        <NextMembers base={base} next={seen.watched?.next ?? null} />
        {seen.listed && (
          <section aria-labelledby="directory">
            <h2 id="directory">Members</h2>
            <ul>
              {seen.listed.slice(0, membersAPage).map((one) => (
                <li key={one.id}>{one.organisation.name}</li>
              ))}
            </ul>
            <NextMembers
              base={base}
              next={seen.listed.length > membersAPage ? (seen.listed[membersAPage - 1]?.id ?? null) : null}
            />
          </section>
        )}
        {mayDo('invite_member') && <InvitationForm visit={visit} base={base} />}
        {mayDo('pause_network') && network.state !== 'closed' && <StateForm visit={visit} network={network} />}
      </>
    ),
  })
}

function NextMembers({ base, next }: { base: string; next: Uuid | null }) {
  if (next === null) return null
  return (
    <p>
      <a href={`${base}?after=${cursorOf({ at: '', id: next })}#members`}>The next members</a>
    </p>
  )
}

type NetworkTotals = { admitted: bigint; owedMinor: bigint; trades: bigint; tradedMinor: bigint }

/** What the network owes its members now, and what was traded in the last thirty days. */
async function totalsOf(tx: Tx, networkId: Uuid): Promise<NetworkTotals> {
  const rows = await tx.$queryRaw<NetworkTotals[]>`
    select (select count(*) from member where network_id = ${networkId}::uuid and standing in ('admitted', 'suspended', 'leaving')) as admitted,
           (select coalesce(sum(balance_minor), 0)::bigint from account where network_id = ${networkId}::uuid and balance_minor > 0) as "owedMinor",
           count(*) as trades, coalesce(sum(credit_minor), 0)::bigint as "tradedMinor"
    from trade where network_id = ${networkId}::uuid and state = 'accepted' and booked_on > (quits_now() - interval '30 days')::date`
  return rows[0] ?? { admitted: 0n, owedMinor: 0n, trades: 0n, tradedMinor: 0n }
}

function Totals({
  totals,
  network,
  lastAudit,
}: {
  totals: NetworkTotals
  network: Network
  lastAudit: { ranAt: Date; holds: boolean } | null
}) {
  return (
    <section aria-labelledby="totals">
      <h2 id="totals">The network</h2>
      <dl class="facts">
        <dt>Members</dt>
        <dd>{String(totals.admitted)}</dd>
        <dt>Credits in use</dt>
        <dd>
          <Amount minor={totals.owedMinor} unit={network} />{' '}
          <span class="small">the sum of all balances above zero</span>
        </dd>
        <dt>Traded in thirty days</dt>
        <dd>
          <Amount minor={totals.tradedMinor} unit={network} /> in credits, in {String(totals.trades)} trades
        </dd>
        <dt>Last audit</dt>
        <dd>
          {lastAudit ? (
            <>
              <Badge tone={lastAudit.holds ? 'good' : 'bad'}>{lastAudit.holds ? 'all holds' : 'does not hold'}</Badge>{' '}
              <When at={lastAudit.ranAt} zone={network.timeZone} />
            </>
          ) : (
            'none yet'
          )}
        </dd>
      </dl>
    </section>
  )
}

function Members({ watched, network, now }: { watched: Watched[]; network: Network; now: Date }) {
  if (watched.length === 0) return <p class="next">Nobody is here yet. Invite the first member below.</p>
  return (
    <section aria-labelledby="members">
      <h2 id="members">Members</h2>
      <Table caption="Whoever needs something comes first">
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col">Standing</th>
            <th scope="col" class="amount">
              Balance
            </th>
            <th scope="col" class="amount">
              Credit limit
            </th>
            <th scope="col" class="amount">
              Exposure limit
            </th>
            <th scope="col">Book</th>
            <th scope="col">Oldest waiting</th>
          </tr>
        </thead>
        <tbody>
          {watched.map((one) => (
            <MemberRow key={one.member.id} one={one} network={network} now={now} />
          ))}
        </tbody>
      </Table>
    </section>
  )
}

function MemberRow({ one, network, now }: { one: Watched; network: Network; now: Date }) {
  const { member, health } = one
  const { account } = member
  const standing = standingWords[member.standing]
  return (
    <tr>
      <th scope="row">
        <a href={`/networks/${network.slug}/members/${idText('member', member.id)}`}>{member.organisation.name}</a>
      </th>
      <td>
        <Badge tone={standing.tone}>{standing.text}</Badge>
        {member.organisation.reviewDueAt && <Badge tone="warn">legal form to review</Badge>}
        {one.openLimitAsks > 0 && <Badge tone="wait">asks for a limit</Badge>}
        {account.frozen && member.standing !== 'suspended' && <Badge tone="bad">frozen</Badge>}
      </td>
      <td class="amount">
        <Amount minor={account.balanceMinor} unit={network} />
      </td>
      <td class="amount">
        {account.creditLimitMinor === null ? 'none' : <Amount minor={account.creditLimitMinor} unit={network} />}
      </td>
      <td class="amount">
        {account.exposureLimitMinor === null ? 'none' : <Amount minor={account.exposureLimitMinor} unit={network} />}
      </td>
      <td>
        <BookState health={health} now={now} />
      </td>
      <td>
        {one.oldestWaitingAt ? spanWords(one.oldestWaitingAt.getTime(), now.getTime()) : 'nothing waits'}
        {one.parked > 0 && <Badge tone="bad">{`${one.parked} need${one.parked === 1 ? 's' : ''} a person`}</Badge>}
      </td>
    </tr>
  )
}

/** Health is the last call that worked, so its age stands beside the state. */
function BookState({ health, now }: { health: Watched['health']; now: Date }) {
  if (!health?.state) return <span class="small">not connected</span>
  const state = connectionWords[health.state]
  const endsInMs = health.signInEndsAt ? health.signInEndsAt.getTime() - now.getTime() : null
  return (
    <>
      <Badge tone={state.tone}>{state.text}</Badge>{' '}
      <span class="small">
        {health.lastGoodCallAt
          ? `reached ${spanWords(health.lastGoodCallAt.getTime(), now.getTime())} ago`
          : 'never reached'}
        {endsInMs !== null && endsInMs < 14 * 86_400_000 && `; sign-in ends in ${spanWords(0, endsInMs)}`}
      </span>
    </>
  )
}

function InvitationForm({ visit, base }: { visit: Visit; base: string }) {
  const form = formAt(visit, `${base}/invitations`)
  return (
    <section aria-labelledby="invite">
      <h2 id="invite">Invite a business</h2>
      <details open={form.refused}>
        <summary>Send an invitation</summary>
        <Form form={form} button="Send the invitation">
          <Field {...form.of('email')} type="email" label="E-mail address" required />
          <Field {...form.of('name')} label="Name of the business" required maxLength={200} />
          <Field
            {...form.of('invoicePrefix')}
            label="Prefix of its invoice numbers"
            hint="Left out, one is made from the name."
          />
          <p class="hint">If you know the legal form already, give it; else the business shows it itself.</p>
          <LegalFormFields form={form} />
        </Form>
      </details>
    </section>
  )
}

function StateForm({ visit, network }: { visit: Visit; network: Network }) {
  const form = formAt(visit, `/networks/${network.slug}/state`)
  const isOpen = network.state === 'open'
  return (
    <section aria-labelledby="state">
      <h2 id="state">{isOpen ? 'Pause the network' : 'Let the network go on'}</h2>
      <details open={form.refused}>
        <summary>{isOpen ? 'Stop all trading for a while' : 'Allow trading again'}</summary>
        <Form form={form} button={isOpen ? 'Pause' : 'Go on'} tone={isOpen ? 'danger' : 'first'}>
          <input type="hidden" name="to" value={isOpen ? 'paused' : 'open'} />
          <Field {...form.of('reason')} label="Reason" required maxLength={400} />
        </Form>
      </details>
    </section>
  )
}
