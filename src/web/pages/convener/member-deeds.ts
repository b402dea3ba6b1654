/** What the forms of a member's page at the convener's desk do, each by its address. */
import { z } from 'zod'
import { writeOff } from '../../../fees/write-off.ts'
import { idText } from '../../../kit/ids.ts'
import { admit, release, restore, startLeaving, suspend } from '../../../networks/admit.ts'
import { changeForm, reviewForm } from '../../../networks/change-form.ts'
import { cancelInvitation, invite, resend } from '../../../networks/invite.ts'
import { answerLimitAsk } from '../../../networks/limit-ask.ts'
import { setLimits } from '../../../networks/limits.ts'
import { email, idIn } from '../../api/shapes.ts'
import { Malformed } from '../../errors.ts'
import type { Shown, Visit } from '../../page.ts'
import { legalFormShape, shownForm } from '../legal-form-fields.tsx'
import { amountShape, maybe, maybeWords, reasonShape } from '../typed-form.tsx'
import { memberOfNetworkHere, worker } from '../whereabouts.ts'

type Here = Awaited<ReturnType<typeof memberOfNetworkHere>>

const withReason = z.object({ reason: reasonShape })

async function admitMember(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'admit_member')
  const amount = maybe(amountShape(here.network.scale))
  const given = visit.form(z.object({ creditLimit: amount, exposureLimit: amount, reason: maybeWords(400) }))
  await worker(visit, (tx) =>
    admit(tx, visit.deps.clock, {
      ...placeOf(here),
      creditLimitMinor: given.creditLimit,
      exposureLimitMinor: given.exposureLimit,
      reason: given.reason,
    }),
  )
  return back(here, `${here.member.organisation.name} is admitted.`)
}

const moves = {
  suspended: { deed: suspend, said: 'is suspended: it may sell, not buy' },
  admitted: { deed: restore, said: 'may buy and sell as before' },
  leaving: { deed: startLeaving, said: 'is leaving: its balance moves only towards zero' },
  left: { deed: release, said: 'is no member any more' },
} as const

async function changeStanding(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'change_standing')
  const given = visit.form(withReason.extend({ to: z.enum(['suspended', 'admitted', 'leaving', 'left']) }))
  const move = moves[given.to]
  await worker(visit, (tx) => move.deed(tx, visit.deps.clock, { ...placeOf(here), reason: given.reason }))
  return back(here, `${here.member.organisation.name} ${move.said}.`)
}

async function writeOffBalance(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'write_off')
  const given = visit.form(withReason)
  await writeOff(visit.deps, { ...placeOf(here), reason: given.reason })
  return back(here, 'The balance is written off against the network’s reserve.')
}

async function changeLimits(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'set_limits')
  const amount = maybe(amountShape(here.network.scale))
  const given = visit.form(withReason.extend({ creditLimit: amount, exposureLimit: amount }))
  if (given.creditLimit === undefined && given.exposureLimit === undefined)
    throw new Malformed('malformed', 'No limit was given; nothing was done.', 'Give one of the two limits.')
  await worker(visit, (tx) =>
    setLimits(tx, visit.deps.clock, {
      ...placeOf(here),
      creditLimitMinor: given.creditLimit,
      exposureLimitMinor: given.exposureLimit,
      reason: given.reason,
    }),
  )
  return back(here, 'The limits are set.')
}

async function freeze(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'set_limits')
  const given = visit.form(withReason.extend({ frozen: z.enum(['yes', 'no']) }))
  const frozen = given.frozen === 'yes'
  await worker(visit, (tx) => setLimits(tx, visit.deps.clock, { ...placeOf(here), frozen, reason: given.reason }))
  return back(here, frozen ? 'It may not buy any more.' : 'It may buy again, if nothing else stops it.')
}

async function answerAsk(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'set_limits')
  const given = visit.form(
    z.object({ ask: idIn('limitAsk'), answer: z.enum(['grant', 'refuse'], 'Choose yes or no.'), words: reasonShape }),
  )
  await worker(visit, (tx) =>
    answerLimitAsk(tx, visit.deps.clock, {
      networkId: here.networkId,
      askId: given.ask,
      grant: given.answer === 'grant',
      words: given.words,
      actor: here.actor.id,
    }),
  )
  return back(here, 'The request is answered; the member is told by mail.')
}

async function resendInvitation(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'invite_member')
  const given = visit.form(z.object({ email: maybe(email) }))
  await worker(visit, (tx) =>
    resend(tx, visit.deps.clock, {
      networkId: here.networkId,
      memberId: here.member.id,
      email: given.email,
      from: { id: here.actor.id, name: here.actor.name },
      publicUrl: visit.deps.config.publicUrl,
      seal: visit.deps.seal,
    }),
  )
  return back(here, 'A new link goes by mail; older ones work no more.')
}

/** A member that left comes back to the same place. */
async function inviteAgain(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'invite_member')
  const given = visit.form(z.object({ email }))
  await worker(visit, (tx) =>
    invite(tx, visit.deps.clock, {
      networkId: here.networkId,
      email: given.email,
      organisation: { organisationId: here.member.organisationId },
      from: { id: here.actor.id, name: here.actor.name },
      publicUrl: visit.deps.config.publicUrl,
      seal: visit.deps.seal,
    }),
  )
  return back(here, 'It is invited again; the link goes by mail.')
}

async function cancel(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'invite_member')
  await worker(visit, (tx) => cancelInvitation(tx, visit.deps.clock, placeOf(here)))
  return back(here, 'The invitation is cancelled.')
}

async function changeLegalForm(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'change_form')
  const form = shownForm(visit.form(z.object(legalFormShape)))
  if (!form) throw new Malformed('malformed', 'No legal form was given; nothing was done.', 'Choose the legal form.')
  const { organisationId } = here.member
  await worker(visit, (tx) => changeForm(tx, visit.deps.clock, { organisationId, form, actor: here.actor.id }))
  return back(here, 'The legal form is changed; look at its evidence.')
}

async function confirmForm(visit: Visit) {
  const here = await memberOfNetworkHere(visit, 'review_form')
  const { organisationId } = here.member
  await worker(visit, (tx) => reviewForm(tx, visit.deps.clock, { organisationId, actor: here.actor.id }))
  return back(here, 'The legal form is reviewed.')
}

export const memberDeeds: Record<string, (visit: Visit) => Promise<Shown>> = {
  admission: admitMember,
  standing: changeStanding,
  'write-off': writeOffBalance,
  limits: changeLimits,
  freeze,
  'limit-ask': answerAsk,
  'invitation/again': resendInvitation,
  'invitation/anew': inviteAgain,
  'invitation/cancelled': cancel,
  form: changeLegalForm,
  'form/reviewed': confirmForm,
}

function placeOf(here: Here) {
  return { networkId: here.networkId, memberId: here.member.id, actor: here.actor.id }
}

function back(here: Here, said: string): Shown {
  return { goTo: `/networks/${here.network.slug}/members/${idText('member', here.member.id)}`, said }
}
