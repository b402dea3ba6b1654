/** The forms of a member's page at the convener's desk: only what its standing and the reader's role allow. */
import { idText } from '../../../kit/ids.ts'
import { formatAmount, showAmount } from '../../../kit/money.ts'
import type { Member } from '../../../networks/member.ts'
import type { Network } from '../../../networks/network.ts'
import type { DeedName } from '../../../networks/roles.ts'
import type { Visit } from '../../page.ts'
import { Amount, Badge, Choose, Field, When } from '../../parts.tsx'
import { LegalFormFields } from '../legal-form-fields.tsx'
import { Form, formAt } from '../typed-form.tsx'
import type { DeskFacts } from './member-desk.tsx'

export type Desk = {
  visit: Visit
  network: Network
  member: Member
  facts: DeskFacts
  base: string
  mayDo(deed: DeedName): boolean
}

export function StandingForms(desk: Desk) {
  const { member, mayDo } = desk
  const { standing, account } = member
  return (
    <>
      {(standing === 'applied' || standing === 'invited') && mayDo('admit_member') && <Admission {...desk} />}
      {member.organisation.reviewDueAt && mayDo('review_form') && <FormReview {...desk} />}
      {mayDo('change_standing') && (
        <section aria-labelledby="standing">
          <h2 id="standing">Standing</h2>
          {standing === 'admitted' && <Move {...desk} to="suspended" summary="Suspend: it may sell, not buy" />}
          {(standing === 'suspended' || standing === 'leaving') && (
            <Move {...desk} to="admitted" summary="Restore: buy and sell as before" />
          )}
          {(standing === 'admitted' || standing === 'suspended') && (
            <Move {...desk} to="leaving" summary="Let it leave: its balance moves only towards zero" />
          )}
          {standing === 'leaving' && account.balanceMinor !== 0n && mayDo('write_off') && <WriteOff {...desk} />}
          {(standing === 'invited' ||
            standing === 'applied' ||
            (standing === 'leaving' && account.balanceMinor === 0n)) && (
            <Move {...desk} to="left" summary={standing === 'leaving' ? 'Release it for good' : 'Do not admit it'} />
          )}
          {standing === 'left' && mayDo('invite_member') && <InviteAgain {...desk} />}
        </section>
      )}
    </>
  )
}

function Admission({ visit, base, network, member, facts }: Desk) {
  const form = formAt(visit, `${base}/admission`)
  const { restricted, evidence } = member.organisation
  const usual = (minor: bigint) => formatAmount(minor, network.scale)
  if (!evidence)
    return (
      <p class="next">It has not shown its legal form yet. It does so behind its invitation; then you can admit it.</p>
    )
  return (
    <section aria-labelledby="admission" class="card">
      <h2 id="admission">Admit it</h2>
      {restricted && <p>By its legal form it stays in credit, so it gets no credit limit.</p>}
      <Form form={form} button="Admit">
        {!restricted && (
          <Field
            {...form.of('creditLimit', usual(facts.terms.defaultCreditLimitMinor))}
            label="Credit limit"
            hint={`How far below zero it may go; at most ${showAmount(facts.terms.maxCreditLimitMinor, network.currency, network.scale)}.`}
            inputMode="decimal"
          />
        )}
        <Field
          {...form.of('exposureLimit', usual(facts.terms.defaultExposureLimitMinor))}
          label="Exposure limit"
          hint={`How far above zero it may go; at most ${showAmount(facts.terms.maxExposureLimitMinor, network.currency, network.scale)}.`}
          inputMode="decimal"
        />
        <Field {...form.of('reason')} label="Reason for these limits" maxLength={400} />
      </Form>
    </section>
  )
}

function FormReview({ visit, base }: Desk) {
  return (
    <section aria-labelledby="review" class="card">
      <h2 id="review">Its legal form was changed</h2>
      <p>Look at the evidence below. Until you have, the stricter rule stands.</p>
      <Form form={formAt(visit, `${base}/form/reviewed`)} button="The evidence is in order" />
    </section>
  )
}

function Move({ visit, base, to, summary }: Desk & { to: string; summary: string }) {
  const form = formAt(visit, `${base}/standing`)
  const isThis = form.refused && visit.typed.to === to
  const reason = isThis ? form.of('reason') : { name: 'reason' }
  return (
    <details open={isThis}>
      <summary>{summary}</summary>
      <Form form={form} button={summary.split(':')[0] ?? summary} tone={to === 'admitted' ? 'first' : 'danger'}>
        <input type="hidden" name="to" value={to} />
        <Field {...reason} label="Reason" hint="The member is told it." required maxLength={400} />
      </Form>
    </details>
  )
}

function InviteAgain({ visit, base, member }: Desk) {
  const form = formAt(visit, `${base}/invitation/anew`)
  return (
    <details open={form.refused}>
      <summary>Invite it again</summary>
      <p>It comes back to the same account and history.</p>
      <Form form={form} button="Send the invitation">
        <Field {...form.of('email', member.organisation.email ?? '')} type="email" label="E-mail address" required />
      </Form>
    </details>
  )
}

function WriteOff({ visit, base, network, member }: Desk) {
  const form = formAt(visit, `${base}/write-off`)
  return (
    <details open={form.refused}>
      <summary>Write its balance off</summary>
      <p>
        <Amount minor={member.account.balanceMinor} unit={network} /> goes against the network’s reserve: the other
        members carry it. Better first: trade it to zero, or settle it.
      </p>
      <Form form={form} button="Write it off" tone="danger">
        <Field {...form.of('reason')} label="Reason" required maxLength={400} />
      </Form>
    </details>
  )
}

export function LimitAsks({ visit, base, network, facts, mayDo }: Desk) {
  if (facts.asks.length === 0) return null
  const form = formAt(visit, `${base}/limit-ask`)
  return (
    <section aria-labelledby="asks">
      <h2 id="asks">Requests for a credit limit</h2>
      {facts.asks.map((ask) => {
        const id = idText('limitAsk', ask.id)
        return (
          <div class="card" key={ask.id}>
            <p>
              <Amount minor={ask.toMinor} unit={network} /> asked by {facts.nameOf(ask.askedBy)},{' '}
              <When at={ask.askedAt} zone={network.timeZone} />: {ask.why}
            </p>
            {ask.state !== 'open' && (
              <p>
                <Badge tone={ask.state === 'granted' ? 'good' : 'calm'}>{ask.state}</Badge> by{' '}
                {facts.nameOf(ask.answeredBy)}: {ask.answerWords}
              </p>
            )}
            {ask.state === 'open' && mayDo('set_limits') && (
              <Form form={form} button="Answer">
                <input type="hidden" name="ask" value={id} />
                <Choose
                  {...(visit.typed.ask === id ? form.of('answer') : { name: 'answer' })}
                  label="Answer"
                  required
                  choices={[
                    { value: 'grant', text: 'Yes, set this limit' },
                    { value: 'refuse', text: 'No' },
                  ]}
                />
                <Field
                  {...(visit.typed.ask === id ? form.of('words') : { name: 'words' })}
                  label="Why"
                  hint="The member is told it."
                  required
                  maxLength={400}
                />
              </Form>
            )}
          </div>
        )
      })}
    </section>
  )
}

export function LimitForms({ visit, base, network, member, mayDo }: Desk) {
  const { account, standing } = member
  const limits = formAt(visit, `${base}/limits`)
  const frozen = formAt(visit, `${base}/freeze`)
  const legal = formAt(visit, `${base}/form`)
  const shown = (minor: bigint | null) => (minor === null ? '' : formatAmount(minor, network.scale))
  const isIn = standing === 'admitted' || standing === 'suspended'
  return (
    <>
      {isIn && mayDo('set_limits') && (
        <section aria-labelledby="set-limits">
          <h2 id="set-limits">Set its limits</h2>
          <details open={limits.refused}>
            <summary>Change a limit</summary>
            <Form form={limits} button="Set the limits">
              <Field
                {...limits.of('creditLimit', shown(account.creditLimitMinor))}
                label="Credit limit"
                inputMode="decimal"
              />
              <Field
                {...limits.of('exposureLimit', shown(account.exposureLimitMinor))}
                label="Exposure limit"
                inputMode="decimal"
              />
              <Field {...limits.of('reason')} label="Reason" required maxLength={400} />
            </Form>
          </details>
          <details open={frozen.refused}>
            <summary>{account.frozen ? 'Let it buy again' : 'Stop it from buying'}</summary>
            <Form form={frozen} button={account.frozen ? 'Let it buy' : 'Freeze'} tone="danger">
              <input type="hidden" name="frozen" value={account.frozen ? 'no' : 'yes'} />
              <Field {...frozen.of('reason')} label="Reason" required maxLength={400} />
            </Form>
          </details>
        </section>
      )}
      {mayDo('change_form') && member.organisation.evidence && (
        <section aria-labelledby="change-form">
          <h2 id="change-form">Its legal form has changed</h2>
          <details open={legal.refused}>
            <summary>Record the new form</summary>
            <Form form={legal} button="Record it">
              <LegalFormFields form={legal} required />
            </Form>
          </details>
        </section>
      )}
    </>
  )
}

export function Invitations({ visit, base, network, facts, member, mayDo }: Desk) {
  const last = facts.invitations[0]
  const isOpen =
    last !== undefined &&
    !last.usedAt &&
    !last.cancelledAt &&
    last.expiresAt.getTime() > visit.deps.clock.now().getTime()
  const again = formAt(visit, `${base}/invitation/again`)
  const mayResend = mayDo('invite_member') && !last?.usedAt && member.standing !== 'left'
  return (
    <section aria-labelledby="invitations">
      <h2 id="invitations">Invitation</h2>
      {facts.invitations.length === 0 && <p>None was sent.</p>}
      <ul>
        {facts.invitations.map((one) => (
          <li key={one.id}>
            {one.email}, sent <When at={one.madeAt} zone={network.timeZone} />:{' '}
            {one.usedAt
              ? 'accepted'
              : one.cancelledAt
                ? 'cancelled or replaced'
                : one === last && isOpen
                  ? 'open'
                  : 'run out'}
          </li>
        ))}
      </ul>
      {mayResend && (
        <details open={again.refused}>
          <summary>Send a new link</summary>
          <Form form={again} button="Send it" tone="second">
            <Field {...again.of('email', last?.email ?? '')} type="email" label="E-mail address" />
          </Form>
        </details>
      )}
      {isOpen && mayDo('invite_member') && (
        <Form form={formAt(visit, `${base}/invitation/cancelled`)} button="Cancel the invitation" tone="danger" />
      )}
    </section>
  )
}
