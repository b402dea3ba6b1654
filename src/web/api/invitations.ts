/** Invitations of one member: seen, sent again, cancelled. The link itself is only in the mail. */
import { z } from 'zod'
import { asWorker, databaseNow, inTransaction } from '../../kit/db.ts'
import { cancelInvitation, invitationsOf, resend } from '../../networks/invite.ts'
import { invitationOut, memberOut, memberParams, showInvitation, showMember } from './member-shapes.ts'
import { atMember } from './place.ts'
import { type Route, route } from './route.ts'
import { byId, email, keyOf, listOf, pageOf, pageQuery } from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Members' }
const path = '/networks/{networkId}/members/{memberId}/invitations'

export const invitationRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path,
    summary: 'The invitations of a member, newest first',
    deed: 'see_members',
    query: z.strictObject(pageQuery),
    answer: listOf(invitationOut),
    answers: async ({ deps, at, query }) =>
      inTransaction(deps.db, asWorker, async (tx) => {
        const now = await databaseNow(tx)
        const asked = { after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
        const rows = await invitationsOf(tx, at.networkId, at.member.id, asked)
        return pageOf(rows, query.limit, byId, (row) => showInvitation(row, now))
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/resend`,
    summary: 'Send a new link; older ones die',
    deed: 'invite_member',
    body: z.strictObject({ email: email.optional().meta({ description: 'Left out: where the last one went' }) }),
    answer: z.object({ member: memberOut, invitation: invitationOut }),
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const sent = await resend(tx, deps.clock, {
          networkId: at.networkId,
          memberId: at.member.id,
          email: body.email,
          from: actor,
          publicUrl: deps.config.publicUrl,
          seal: deps.seal,
        })
        return {
          member: showMember(sent.member, at.network.currency),
          invitation: showInvitation(sent.invitation, await databaseNow(tx)),
        }
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/cancel`,
    summary: 'Cancel the open link; one who was only invited is no member any more',
    deed: 'invite_member',
    answer: memberOut,
    answers: async ({ deps, actor, at, inTx }) =>
      inTx(asWorker, async (tx) => {
        const ask = { networkId: at.networkId, memberId: at.member.id, actor: actor.id }
        return showMember(await cancelInvitation(tx, deps.clock, ask), at.network.currency)
      }),
  }),
]
