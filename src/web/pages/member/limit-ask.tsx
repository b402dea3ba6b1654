/** A member's limits, how they came about, and its request for another credit limit. */
import { z } from 'zod'
import { askForLimit, limitAsksOf } from '../../../networks/limit-ask.ts'
import { limitHistory } from '../../../networks/limits.ts'
import { currentTerms } from '../../../networks/terms.ts'
import type { pages, Visit } from '../../page.ts'
import { Amount, Badge, Field, When } from '../../parts.tsx'
import { LimitHistory } from '../convener/limit-history.tsx'
import { amountShape, Form, formAt, LongField, reasonShape } from '../typed-form.tsx'
import { memberHere, namesOf, worker } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'

export function limitAskPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/limit-ask', show)
  serve.post('/members/:mem/limit-ask', ask, show)
}

async function ask(visit: Visit) {
  const here = await memberHere(visit, 'ask_for_limit')
  const given = visit.form(z.object({ to: amountShape(here.network.scale), why: reasonShape }))
  await worker(visit, (tx) =>
    askForLimit(tx, visit.deps.clock, {
      networkId: here.networkId,
      memberId: here.member.id,
      toMinor: given.to,
      why: given.why,
      actor: here.actor.id,
    }),
  )
  return { goTo: `${pathOf(here)}/limit-ask`, said: 'Asked. The convener answers; you are told by mail.' }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const { networkId, network, member } = here
  const facts = await worker(visit, async (tx) => {
    const asks = await limitAsksOf(tx, networkId, { memberId: member.id, limit: 20 })
    const changes = await limitHistory(tx, { networkId, memberId: member.id, limit: 50 })
    return {
      asks,
      changes,
      terms: await currentTerms(tx, networkId),
      nameOf: await namesOf(tx, [
        ...asks.flatMap((one) => [one.askedBy, one.answeredBy]),
        ...changes.map((one) => one.changedBy),
      ]),
    }
  })
  const form = formAt(visit, `${pathOf(here)}/limit-ask`)
  const staysInCredit = member.organisation.restricted || member.account.neverBelowZero
  const { creditLimitMinor, exposureLimitMinor } = member.account
  return memberPage(visit, here, {
    title: 'Limits',
    children: (
      <>
        <dl class="facts">
          <dt>Credit limit</dt>
          <dd>{creditLimitMinor === null ? 'none' : <Amount minor={creditLimitMinor} unit={network} />}</dd>
          <dt>Exposure limit</dt>
          <dd>{exposureLimitMinor === null ? 'none' : <Amount minor={exposureLimitMinor} unit={network} />}</dd>
        </dl>
        {staysInCredit && (
          <p>
            By its legal form this business stays in credit: it buys with what it has earned, without a credit limit.
          </p>
        )}
        {facts.asks.length > 0 && (
          <section aria-labelledby="asks">
            <h2 id="asks">Your requests</h2>
            {facts.asks.map((one) => (
              <div class="card" key={one.id}>
                <p>
                  <Amount minor={one.toMinor} unit={network} />{' '}
                  <Badge tone={one.state === 'granted' ? 'good' : one.state === 'open' ? 'wait' : 'calm'}>
                    {one.state}
                  </Badge>
                </p>
                <p>
                  {facts.nameOf(one.askedBy)}, <When at={one.askedAt} zone={network.timeZone} />: {one.why}
                </p>
                {one.answerWords && (
                  <p>
                    {facts.nameOf(one.answeredBy)}: {one.answerWords}
                  </p>
                )}
              </div>
            ))}
          </section>
        )}
        {here.mayDo('ask_for_limit') && !staysInCredit && member.standing === 'admitted' && (
          <section aria-labelledby="ask">
            <h2 id="ask">Ask for another credit limit</h2>
            <Form form={form} button="Ask the convener">
              <Field
                {...form.of('to')}
                label="Credit limit you wish"
                hint="Such as 2,500.00."
                required
                inputMode="decimal"
              />
              <p class="hint">
                The terms allow up to <Amount minor={facts.terms.maxCreditLimitMinor} unit={network} />.
              </p>
              <LongField {...form.of('why')} label="Why" required maxLength={400} />
            </Form>
          </section>
        )}
        <LimitHistory changes={facts.changes} network={network} nameOf={facts.nameOf} />
      </>
    ),
  })
}
