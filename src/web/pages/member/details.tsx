/** Who a business is: its legal form with evidence, and its VAT status, which a person confirms. */
import { z } from 'zod'
import { changeForm } from '../../../networks/change-form.ts'
import { recordVat } from '../../../networks/organisation.ts'
import { dayIn } from '../../api/shapes.ts'
import { Malformed } from '../../errors.ts'
import type { pages, Visit } from '../../page.ts'
import { Choose, dayWords, Field, When } from '../../parts.tsx'
import { formWords } from '../join.tsx'
import { LegalFormFields, legalFormShape, shownForm } from '../legal-form-fields.tsx'
import { Form, formAt, maybe, maybeWords } from '../typed-form.tsx'
import { memberHere, worker } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'

export function detailPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/details', show)
  serve.post('/members/:mem/details/vat', saveVat, show)
  serve.post('/members/:mem/details/form', saveForm, show)
}

async function saveVat(visit: Visit) {
  const here = await memberHere(visit, 'record_vat')
  const given = visit.form(
    z.object({
      registered: z.enum(['yes', 'no']),
      number: maybeWords(20),
      fromOn: maybe(dayIn),
      scheme: z.enum(['accrual', 'cash', 'flat_rate', 'unknown']).default('unknown'),
    }),
  )
  const registered = given.registered === 'yes'
  await worker(visit, (tx) =>
    recordVat(tx, visit.deps.clock, {
      organisationId: here.member.organisationId,
      registered,
      number: given.number ?? null,
      fromOn: given.fromOn ?? null,
      scheme: given.scheme,
      confirmedBy: here.actor.personId,
      actor: here.actor.id,
    }),
  )
  return { goTo: `${pathOf(here)}/details`, said: 'The VAT status is recorded. Trades agreed before keep theirs.' }
}

async function saveForm(visit: Visit) {
  const here = await memberHere(visit, 'change_form')
  const form = shownForm(visit.form(z.object(legalFormShape)))
  if (!form) throw new Malformed('malformed', 'No legal form was given; nothing was done.', 'Choose the legal form.')
  const { organisationId } = here.member
  await worker(visit, (tx) => changeForm(tx, visit.deps.clock, { organisationId, form, actor: here.actor.id }))
  return { goTo: `${pathOf(here)}/details`, said: 'The legal form is changed; the convener looks at its evidence.' }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const { organisation } = here.member
  const { vat } = organisation
  const base = pathOf(here)
  const vatForm = formAt(visit, `${base}/details/vat`)
  const legal = formAt(visit, `${base}/details/form`)
  return memberPage(visit, here, {
    title: 'Legal form and VAT',
    children: (
      <>
        <dl class="facts">
          <dt>Legal form</dt>
          <dd>
            {organisation.evidence
              ? `${formWords[organisation.legalForm]}: ${organisation.evidence.text}`
              : 'not shown yet'}
          </dd>
          {organisation.reviewDueAt && (
            <>
              <dt>Review</dt>
              <dd>
                waits for the convener since <When at={organisation.reviewDueAt} zone={here.network.timeZone} />
              </dd>
            </>
          )}
          <dt>VAT</dt>
          <dd>
            {vat.registered
              ? `registered, ${vat.number}${vat.fromOn ? ` from ${dayWords(vat.fromOn)}` : ''}`
              : 'not registered'}
            {vat.confirmedAt ? ', confirmed by a person' : ', not confirmed by a person yet'}
          </dd>
          <dt>Address</dt>
          <dd>{organisation.address ?? 'not given'}</dd>
        </dl>
        {here.mayDo('record_vat') && (
          <section aria-labelledby="vat">
            <h2 id="vat">VAT status</h2>
            <Form form={vatForm} button="Confirm the VAT status">
              <Choose
                {...vatForm.of('registered', vat.registered ? 'yes' : 'no')}
                label="Registered for VAT"
                required
                choices={[
                  { value: 'no', text: 'No' },
                  { value: 'yes', text: 'Yes' },
                ]}
              />
              <Field {...vatForm.of('number', vat.number ?? '')} label="VAT number" />
              <Field {...vatForm.of('fromOn', vat.fromOn ?? '')} type="date" label="Registered from" />
              <Choose
                {...vatForm.of('scheme', vat.scheme ?? 'unknown')}
                label="Scheme"
                required
                choices={[
                  { value: 'unknown', text: 'I am not sure' },
                  { value: 'accrual', text: 'Standard (invoice) accounting' },
                  { value: 'cash', text: 'Cash accounting' },
                  { value: 'flat_rate', text: 'Flat rate' },
                ]}
              />
            </Form>
          </section>
        )}
        {here.mayDo('change_form') && (
          <section aria-labelledby="form">
            <h2 id="form">The legal form has changed</h2>
            <details open={legal.refused}>
              <summary>Show the new form</summary>
              <Form form={legal} button="Send it to the convener">
                <LegalFormFields form={legal} required />
              </Form>
            </details>
          </section>
        )}
      </>
    ),
  })
}
