/** The forms of a trade's page: only those that its state and this person's side or role allow. */
import { may } from '../../../networks/roles.ts'
import { otherSide, type Side } from '../../../trades/trade.ts'
import type { AtTrade } from '../../api/place.ts'
import type { Visit } from '../../page.ts'
import { Field } from '../../parts.tsx'
import { Form, formAt, LongField } from '../typed-form.tsx'
import type { Here } from '../whereabouts.ts'

type Asked = { visit: Visit; here: Here<AtTrade>; base: string }

export function TradeForms(asked: Asked) {
  const { here, visit, base } = asked
  const { trade, actor } = here
  const stands = (side: Side) => may(actor, 'answer_trade', { organisationId: here[side].organisationId })
  if (trade.state === 'proposed')
    return (
      <>
        {stands(otherSide(trade.proposedBy)) && <Answer {...asked} />}
        {stands(trade.proposedBy) && (
          <section aria-labelledby="withdraw">
            <h2 id="withdraw">Your proposal</h2>
            <p>It waits for {here[otherSide(trade.proposedBy)].organisation.name}.</p>
            <Form form={formAt(visit, `${base}/withdrawal`)} button="Withdraw it" tone="danger" />
          </section>
        )}
      </>
    )
  if (trade.state !== 'accepted') return null
  const isConvener = may(actor, 'trade_as_convener', { networkId: here.networkId })
  return (
    <>
      {(stands('seller') || stands('buyer')) && <Reversal {...asked} stands={stands} />}
      {isConvener && <ConvenersReversal {...asked} />}
    </>
  )
}

function Answer({ visit, here, base }: Asked) {
  const { trade } = here
  const needsTreatment = trade.proposedBy === 'buyer' && !trade.treatmentConfirmed
  const yes = formAt(visit, `${base}/acceptance`)
  const no = formAt(visit, `${base}/refusal`)
  return (
    <section aria-labelledby="answer" class="card">
      <h2 id="answer">Your answer</h2>
      {trade.disputed && <p class="warn">It is in dispute; it can be accepted once that is resolved.</p>}
      <Form form={yes} button="Accept">
        {needsTreatment && (
          <label class="check">
            <input type="checkbox" name="confirm" value="yes" required />{' '}
            <span>The VAT treatment of each line is right, and the invoice may be issued in our name.</span>
          </label>
        )}
      </Form>
      <details open={no.refused}>
        <summary>Decline</summary>
        <Form form={no} button="Decline" tone="danger">
          <Field {...no.of('reason')} label="Reason" hint="The other side reads it." maxLength={400} />
        </Form>
      </details>
    </section>
  )
}

function Reversal({ visit, here, base, stands }: Asked & { stands(side: Side): boolean }) {
  const { trade } = here
  const form = formAt(visit, `${base}/reversal`)
  const asked = trade.reversalAskedBy
  const isMine = form.refused && visit.typed.as === 'side'
  if (asked && !stands(otherSide(asked)))
    return <p class="next">You asked for a reversal. It waits for {here[otherSide(asked)].organisation.name}.</p>
  return (
    <section aria-labelledby="reversal" class={asked ? 'card' : undefined}>
      <h2 id="reversal">{asked ? 'The other side asks to reverse this trade' : 'Reverse this trade'}</h2>
      {asked && <p>{trade.reversalReason}</p>}
      <details open={asked !== null || isMine}>
        <summary>{asked ? 'Say yes' : 'Ask the other side for a reversal'}</summary>
        <p>
          A reversal makes credit notes in both books and moves the credits back. Nothing is deleted. What was paid in
          money stays a credit in money between you.
        </p>
        <Form form={form} button={asked ? 'Yes, reverse it' : 'Ask for a reversal'} tone="danger">
          <input type="hidden" name="as" value="side" />
          <Field {...(isMine ? form.of('reason') : { name: 'reason' })} label="Reason" required maxLength={400} />
        </Form>
      </details>
    </section>
  )
}

function ConvenersReversal({ visit, base }: Asked) {
  const form = formAt(visit, `${base}/reversal`)
  const isMine = form.refused && visit.typed.as === 'convener'
  return (
    <section aria-labelledby="convener">
      <h2 id="convener">As convener</h2>
      <details open={isMine}>
        <summary>Reverse this trade without the sides</summary>
        <Form form={form} button="Reverse it" tone="danger">
          <input type="hidden" name="as" value="convener" />
          <Field
            {...(isMine ? form.of('reason') : { name: 'reason' })}
            label="Reason"
            hint="It stays in the trail for good."
            required
            maxLength={400}
          />
        </Form>
      </details>
    </section>
  )
}

export function WordForms({ visit, here, base }: Asked) {
  const { trade, mayDo } = here
  const form = formAt(visit, `${base}/words`)
  const mayDispute = mayDo('dispute_trade') && !trade.disputed && ['proposed', 'accepted'].includes(trade.state)
  const maySpeak = mayDo('dispute_trade') || mayDo('resolve_dispute')
  if (!maySpeak) return null
  const kinds = [
    { what: 'word', summary: 'Say something about it', button: 'Say it', may: true },
    { what: 'dispute', summary: 'Dispute this trade', button: 'Dispute it', may: mayDispute },
    {
      what: 'resolved',
      summary: 'Resolve the dispute',
      button: 'Resolve it',
      may: trade.disputed && mayDo('resolve_dispute'),
    },
  ]
  return (
    <section aria-labelledby="words">
      <h2 id="words">Words about this trade</h2>
      {kinds
        .filter((kind) => kind.may)
        .map((kind) => {
          const isThis = form.refused && visit.typed.what === kind.what
          return (
            <details key={kind.what} open={isThis}>
              <summary>{kind.summary}</summary>
              {kind.what === 'dispute' && <p>While it is in dispute no automatic step is taken.</p>}
              <Form form={form} button={kind.button} tone={kind.what === 'dispute' ? 'danger' : 'second'}>
                <input type="hidden" name="what" value={kind.what} />
                <LongField
                  {...(isThis ? form.of('words') : { name: 'words' })}
                  label="Your words"
                  required
                  maxLength={2000}
                />
              </Form>
            </details>
          )
        })}
    </section>
  )
}
