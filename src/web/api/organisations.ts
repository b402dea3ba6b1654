/** What a member is: its legal form with evidence, the convener's look at it, its VAT status. */
import { asWorker } from '../../kit/db.ts'
import { changeForm, reviewForm } from '../../networks/change-form.ts'
import { recordVat } from '../../networks/organisation.ts'
import { memberParams, organisationOut, showOrganisation } from './member-shapes.ts'
import { formAsk, formIn, vatAsk, vatIn } from './network-shapes.ts'
import { atMember } from './place.ts'
import { type Route, route } from './route.ts'

const one = { params: memberParams, find: atMember, tag: 'Members' }
const path = '/networks/{networkId}/members/{memberId}'

export const organisationRoutes: Route[] = [
  route({
    ...one,
    method: 'post',
    path: `${path}/legal-form`,
    summary: 'Change the legal form, with its evidence',
    description: 'A restricted form acts at once in every network; a free one waits for the convener’s look.',
    deed: 'change_form',
    body: formIn,
    answer: organisationOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const ask = { organisationId: at.member.organisationId, form: formAsk(body), actor: actor.id }
        return showOrganisation(await changeForm(tx, deps.clock, ask))
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/legal-form/review`,
    summary: 'A convener has looked at the evidence of the legal form',
    deed: 'review_form',
    answer: organisationOut,
    answers: async ({ deps, actor, at, inTx }) =>
      inTx(asWorker, async (tx) => {
        const ask = { organisationId: at.member.organisationId, actor: actor.id }
        return showOrganisation(await reviewForm(tx, deps.clock, ask))
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/vat`,
    summary: 'Record the VAT status',
    deed: 'record_vat',
    body: vatIn,
    answer: organisationOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const ask = { organisationId: at.member.organisationId, confirmedBy: actor.personId, actor: actor.id }
        return showOrganisation(await recordVat(tx, deps.clock, { ...vatAsk(body), ...ask }))
      }),
  }),
]
