/** Standing consents: whose proposals a member accepts without being asked, and up to how much a month. */
import { z } from 'zod'
import { dateOf, dayIn } from '../../../kit/clock.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { membersOf } from '../../../networks/member.ts'
import { consentsOf, giveConsent, revokeConsent } from '../../../trades/standing-consent.ts'
import { idIn } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { Amount, Choose, Field, When } from '../../parts.tsx'
import { amountShape, Form, formAt } from '../typed-form.tsx'
import { memberHere, see, worker } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'
import { memberNames } from './trade-table.tsx'

export function consentPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/consents', show)
  serve.post('/members/:mem/consents', give, show)
  serve.post('/members/:mem/consents/revoked', revoke, show)
}

async function give(visit: Visit) {
  const here = await memberHere(visit, 'give_standing_consent')
  const given = visit.form(
    z.object({
      from: idIn('member'),
      side: z.enum(['seller', 'buyer']),
      aMonth: amountShape(here.network.scale, 1n),
    }),
  )
  await worker(visit, (tx) =>
    giveConsent(tx, visit.deps.clock, {
      networkId: here.networkId,
      memberId: here.member.id,
      fromMemberId: given.from,
      side: given.side,
      aMonthMinor: given.aMonth,
      actor: here.actor.id,
    }),
  )
  return { goTo: `${pathOf(here)}/consents`, said: 'The consent stands until you revoke it.' }
}

async function revoke(visit: Visit) {
  const here = await memberHere(visit, 'give_standing_consent')
  const given = visit.form(z.object({ consent: idIn('standingConsent') }))
  await worker(visit, (tx) =>
    revokeConsent(tx, visit.deps.clock, {
      networkId: here.networkId,
      memberId: here.member.id,
      consentId: given.consent,
      actor: here.actor.id,
    }),
  )
  return { goTo: `${pathOf(here)}/consents`, said: 'Revoked: you are asked again from now on.' }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const { networkId, network, member } = here
  const month = `${dayIn(network.timeZone, visit.deps.clock.now()).slice(0, 7)}-01`
  const mayGive = here.mayDo('give_standing_consent')
  const facts = await see(visit, async (tx) => {
    const consents = await consentsOf(tx, networkId, member.id)
    const used = await tx.standingConsentMonth.findMany({
      where: { networkId, month: dateOf(month), consentId: { in: consents.map((one) => one.id) } },
    })
    return {
      consents,
      usedBy: new Map<Uuid, bigint>(used.map((one) => [one.consentId, one.usedMinor])),
      names: await memberNames(
        tx,
        networkId,
        consents.map((one) => one.fromMemberId),
      ),
      others: mayGive
        ? (await membersOf(tx, networkId, { limit: 500, standings: ['admitted', 'suspended', 'leaving'] })).filter(
            (one) => one.id !== member.id,
          )
        : [],
    }
  })
  const path = `${pathOf(here)}/consents`
  const form = formAt(visit, path)
  return memberPage(visit, here, {
    title: 'Standing consents',
    children: (
      <>
        <p>
          A standing consent accepts proposals of one other member by itself, up to an amount of credits a calendar
          month. What is beyond it waits for you as usual.
        </p>
        {facts.consents.length === 0 && <p>There are none.</p>}
        {facts.consents.map((one) => (
          <div class="card" key={one.id}>
            <p>
              <strong>{facts.names.get(one.fromMemberId)}</strong>: you{' '}
              {one.side === 'buyer' ? 'buy from it' : 'sell to it'} for up to{' '}
              <Amount minor={one.aMonthMinor} unit={network} /> a month; used this month:{' '}
              <Amount minor={facts.usedBy.get(one.id) ?? 0n} unit={network} />
            </p>
            <p class="small">
              Since <When at={one.givenAt} zone={network.timeZone} />
            </p>
            {mayGive && (
              <form method="post" action={`${path}/revoked`}>
                <input type="hidden" name="consent" value={idText('standingConsent', one.id)} />
                <button
                  type="submit"
                  class="danger"
                  aria-label={`Revoke the consent for ${facts.names.get(one.fromMemberId)}`}
                >
                  Revoke
                </button>
              </form>
            )}
          </div>
        ))}
        {mayGive && facts.others.length > 0 && (
          <section aria-labelledby="give">
            <h2 id="give">Give a consent</h2>
            <Form form={form} button="Give it">
              <Choose
                {...form.of('from')}
                label="For proposals of"
                required
                choices={facts.others.map((one) => ({ value: idText('member', one.id), text: one.organisation.name }))}
              />
              <Choose
                {...form.of('side')}
                label="When"
                required
                choices={[
                  { value: 'buyer', text: 'it sells to us' },
                  { value: 'seller', text: 'it buys from us' },
                ]}
              />
              <Field
                {...form.of('aMonth')}
                label="Up to this much in credits a month"
                hint="Such as 500.00."
                required
                inputMode="decimal"
              />
            </Form>
          </section>
        )}
      </>
    ),
  })
}
