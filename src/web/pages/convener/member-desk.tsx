/**
 * One member at the convener's desk: who it is and how that is shown, where it stands, what it may owe, and the moves
 * that its standing allows, each with a reason. Deeds: member-deeds.ts.
 */
import type { Tx } from '../../../kit/db.ts'
import { idText } from '../../../kit/ids.ts'
import { formChangesOf } from '../../../networks/change-form.ts'
import { invitationsOf } from '../../../networks/invite.ts'
import { limitAsksOf } from '../../../networks/limit-ask.ts'
import { limitHistory } from '../../../networks/limits.ts'
import type { Member } from '../../../networks/member.ts'
import type { Network } from '../../../networks/network.ts'
import { rolesOfOrganisation } from '../../../networks/person.ts'
import { currentTerms } from '../../../networks/terms.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Amount, Badge, dayWords, When } from '../../parts.tsx'
import { formWords } from '../join.tsx'
import { standingWords } from '../state-words.ts'
import { Refused } from '../typed-form.tsx'
import { memberOfNetworkHere, namesOf, worker } from '../whereabouts.ts'
import { LimitHistory } from './limit-history.tsx'
import { memberDeeds } from './member-deeds.ts'
import { Invitations, LimitAsks, LimitForms, StandingForms } from './member-forms.tsx'

export const memberPath = '/networks/:slug/members/:mem'

export function memberDeskPages(serve: ReturnType<typeof pages>): void {
  serve.get(memberPath, show)
  for (const [path, deed] of Object.entries(memberDeeds)) serve.post(`${memberPath}/${path}`, deed, show)
}

async function read(tx: Tx, member: Member) {
  const { networkId, id: memberId, organisationId } = member
  const changes = await limitHistory(tx, { networkId, memberId, limit: 50 })
  const asks = await limitAsksOf(tx, networkId, { memberId, limit: 20 })
  return {
    terms: await currentTerms(tx, networkId),
    changes,
    asks,
    invitations: await invitationsOf(tx, networkId, memberId),
    people: await rolesOfOrganisation(tx, organisationId),
    formChanges: await formChangesOf(tx, organisationId),
    nameOf: await namesOf(tx, [
      ...changes.map((one) => one.changedBy),
      ...asks.flatMap((one) => [one.askedBy, one.answeredBy]),
    ]),
  }
}
export type DeskFacts = Awaited<ReturnType<typeof read>>

async function show(visit: Visit): Promise<string> {
  const { network, member, actor, mayDo } = await memberOfNetworkHere(visit, 'see_members')
  const facts = await worker(visit, (tx) => read(tx, member))
  const base = `/networks/${network.slug}/members/${idText('member', member.id)}`
  const desk = { visit, network, member, facts, base, mayDo }
  const standing = standingWords[member.standing]
  return page({
    deps: visit.deps,
    title: member.organisation.name,
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: `/networks/${network.slug}`, text: network.name },
    ],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        <p>
          <Badge tone={standing.tone}>{standing.text}</Badge>
          {member.standingReason && <span> {member.standingReason}</span>}
        </p>
        <p>
          <a href={`/members/${idText('member', member.id)}/statement`}>Statement</a> ·{' '}
          <a href={`/members/${idText('member', member.id)}/trades`}>Trades</a>
        </p>
        <StandingForms {...desk} />
        <LimitAsks {...desk} />
        <Balance member={member} network={network} />
        <Who member={member} facts={facts} />
        <LimitForms {...desk} />
        <LimitHistory changes={facts.changes} network={network} nameOf={facts.nameOf} />
        <Invitations {...desk} />
        <People facts={facts} />
      </>
    ),
  })
}

function Balance({ member, network }: { member: Member; network: Network }) {
  const { account } = member
  return (
    <section aria-labelledby="balance">
      <h2 id="balance">Balance and limits</h2>
      <p class="figure">
        <Amount minor={account.balanceMinor} unit={network} />
      </p>
      <dl class="facts">
        <dt>Credit limit</dt>
        <dd>
          {account.creditLimitMinor === null ? 'none' : <Amount minor={account.creditLimitMinor} unit={network} />}
        </dd>
        <dt>Exposure limit</dt>
        <dd>
          {account.exposureLimitMinor === null ? 'none' : <Amount minor={account.exposureLimitMinor} unit={network} />}
        </dd>
        <dt>May buy</dt>
        <dd>
          {account.frozen ? 'no, frozen' : account.neverBelowZero ? 'with what it has earned' : 'up to its limit'}
        </dd>
      </dl>
    </section>
  )
}

function Who({ member, facts }: { member: Member; facts: DeskFacts }) {
  const { organisation } = member
  return (
    <section aria-labelledby="who">
      <h2 id="who">Who it is</h2>
      <dl class="facts">
        <dt>Legal form</dt>
        <dd>
          {organisation.evidence ? formWords[organisation.legalForm] : 'not shown yet'}
          {organisation.partners !== null && `, ${organisation.partners} partners`}
          {organisation.evidence && organisation.restricted && <Badge tone="calm">stays in credit by law</Badge>}
        </dd>
        <dt>Evidence</dt>
        <dd>
          {organisation.evidence
            ? `${organisation.evidence.kind === 'statement' ? 'Statement' : 'Number'}: ${organisation.evidence.text} (${dayWords(organisation.evidence.on)})`
            : 'none yet'}
        </dd>
        <dt>VAT</dt>
        <dd>
          {organisation.vat.registered
            ? `registered, ${organisation.vat.number}${organisation.vat.fromOn ? ` from ${dayWords(organisation.vat.fromOn)}` : ''}, ${(organisation.vat.scheme ?? 'unknown').replace('_', ' ')} scheme`
            : 'not registered'}
          {organisation.vat.confirmedAt ? ', confirmed by a person' : ''}
        </dd>
        <dt>Address</dt>
        <dd>{organisation.address ?? 'not given'}</dd>
        <dt>E-mail</dt>
        <dd>{organisation.email ?? 'not given'}</dd>
        <dt>Invoice prefix</dt>
        <dd>{member.invoicePrefix}</dd>
        <dt>Terms agreed</dt>
        <dd>
          {member.termsAgreedVersion === null
            ? 'none yet'
            : `version ${member.termsAgreedVersion} (now ${facts.terms.version})`}
        </dd>
        {facts.formChanges.length > 0 && (
          <>
            <dt>Changes of form</dt>
            <dd>
              {facts.formChanges
                .map(
                  (one) =>
                    `${one.fromForm.replaceAll('_', ' ')} to ${one.toForm.replaceAll('_', ' ')} (${one.evidenceText})`,
                )
                .join('; ')}
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}

function People({ facts }: { facts: DeskFacts }) {
  return (
    <section aria-labelledby="people">
      <h2 id="people">People who act for it</h2>
      {facts.people.length === 0 ? (
        <p>Nobody yet.</p>
      ) : (
        <ul>
          {facts.people.map((one) => (
            <li key={one.person.id}>
              {one.person.name ?? one.person.email} ({one.role}), since <When at={one.sinceAt} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
