/** Members: brought in by a link, admitted, suspended, restored, let go. */
import { z } from 'zod'
import { writeOff } from '../../fees/write-off.ts'
import { asWorker, databaseNow, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { admit, release, restore, startLeaving, suspend } from '../../networks/admit.ts'
import { invite, isAnOwners } from '../../networks/invite.ts'
import { type Member, memberOf, membersOf, standings } from '../../networks/member.ts'
import { organisationOf } from '../../networks/organisation.ts'
import type { DeedName } from '../../networks/roles.ts'
import {
  invitationOut,
  listedOut,
  memberOut,
  memberParams,
  showInvitation,
  showListed,
  showMember,
} from './member-shapes.ts'
import { inCurrency, organisationAsk, organisationIn } from './network-shapes.ts'
import { networkParams } from './networks.ts'
import { atMember, atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { email, idIn, idOut, keyOf, listOf, moneyIn, pageOf, pageQuery, reason, show } from './shapes.ts'

const tag = 'Members'
const inNetwork = { params: networkParams, find: atNetwork, tag }
const one = { params: memberParams, find: atMember, tag }
const path = '/networks/{networkId}/members/{memberId}'

export const memberRoutes: Route[] = [
  route({
    ...inNetwork,
    method: 'post',
    path: '/networks/{networkId}/members',
    summary: 'Invite a business: it gets a link by mail, good once and for seven days',
    description:
      'With the legal form and its evidence given here, the member can be admitted at once (…/admit), before the link is used.',
    deed: 'invite_member',
    status: 201,
    body: z
      .strictObject({
        email: email.meta({ description: 'Where the link goes' }),
        organisation: z.union([organisationIn, z.strictObject({ organisationId: idIn('organisation') })]),
        invoicePrefix: z
          .string()
          .regex(/^[A-Z0-9]{2,8}$/, '2 to 8 capitals and digits.')
          .nullish()
          .meta({ description: 'Of the invoices issued in its name; made from its name when left out' }),
      })
      .meta({
        examples: [
          {
            email: 'owner@bakery.example',
            organisation: {
              name: 'Bakery Ltd',
              form: { legalForm: 'company', evidence: { kind: 'registration_number', number: '01234567' } },
              vat: { registered: true, number: 'GB123456789', scheme: 'accrual' },
            },
          },
        ],
      }),
    answer: z.object({ member: memberOut, invitation: invitationOut }),
    answers: async ({ deps, actor, at, body, see, inTx }) => {
      const { organisation } = body
      // Whoever names an organisation that is known already must be able to see it, or know the address of its owner.
      if ('organisationId' in organisation && !actor.isOperator) {
        const { organisationId } = organisation
        const isAsked = await inTransaction(deps.db, asWorker, (tx) => isAnOwners(tx, organisationId, body.email))
        if (!isAsked) await see((tx) => organisationOf(tx, organisationId))
      }
      return inTx(asWorker, async (tx) => {
        const invited = await invite(tx, deps.clock, {
          networkId: at.networkId,
          email: body.email,
          organisation: 'organisationId' in organisation ? organisation : organisationAsk(organisation),
          invoicePrefix: body.invoicePrefix,
          from: actor,
          publicUrl: deps.config.publicUrl,
          seal: deps.seal,
        })
        return {
          member: showMember(invited.member, at.network.currency),
          invitation: showInvitation(invited.invitation, await databaseNow(tx)),
        }
      })
    },
  }),
  route({
    ...inNetwork,
    method: 'get',
    path: '/networks/{networkId}/members',
    summary: 'All members, in order of invitation',
    deed: 'see_members',
    query: z.strictObject({ ...pageQuery, standing: z.enum(standings).optional() }),
    answer: listOf(memberOut),
    answers: async ({ at, query, see }) => {
      const after = keyOf(query.after)?.id ?? null
      const wanted = query.standing ? { standings: [query.standing] } : {}
      const rows = await see((tx) => membersOf(tx, at.networkId, { after, limit: query.limit + 1, ...wanted }))
      return pageOf(rows, query.limit, keyOfMember, (member) => showMember(member, at.network.currency))
    },
  }),
  route({
    ...inNetwork,
    method: 'get',
    path: '/networks/{networkId}/directory',
    summary: 'The members one can trade with: their ids and names',
    deed: 'see_directory',
    query: z.strictObject(pageQuery),
    answer: listOf(listedOut),
    answers: async ({ at, query, see }) => {
      const asked = {
        after: keyOf(query.after)?.id ?? null,
        limit: query.limit + 1,
        standings: ['admitted', 'suspended', 'leaving'] as const,
      }
      return pageOf(await see((tx) => membersOf(tx, at.networkId, asked)), query.limit, keyOfMember, showListed)
    },
  }),
  route({
    ...one,
    method: 'get',
    path,
    summary: 'One member: its standing, legal form, limits and balance',
    deed: 'see_member',
    answer: memberOut,
    answers: async ({ at, see }) =>
      showMember(await see((tx) => memberOf(tx, at.networkId, at.member.id)), at.network.currency),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/admit`,
    summary: 'Admit a member; limits left out are the usual ones of the terms',
    deed: 'admit_member',
    body: z.strictObject({
      creditLimit: moneyIn.optional(),
      exposureLimit: moneyIn.optional(),
      reason: reason.optional(),
    }),
    answer: memberOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { currency } = at.network
        const admitted = await admit(tx, deps.clock, {
          networkId: at.networkId,
          memberId: at.member.id,
          actor: actor.id,
          creditLimitMinor: body.creditLimit && inCurrency(body.creditLimit, currency),
          exposureLimitMinor: body.exposureLimit && inCurrency(body.exposureLimit, currency),
          reason: body.reason,
        })
        return showMember(admitted, currency)
      }),
  }),
  standingRoute('suspend', 'change_standing', suspend, 'Suspend a member: it may sell, not buy'),
  standingRoute('restore', 'change_standing', restore, 'Take a member back from suspension or from leaving'),
  standingRoute('leave', 'start_leaving', startLeaving, 'Begin to leave: the balance may only move towards zero'),
  standingRoute('release', 'change_standing', release, 'Let a member with a balance of zero go for good'),
  route({
    ...one,
    method: 'post',
    path: `${path}/write-off`,
    summary: 'Write a leaver’s balance off against the network’s reserve',
    deed: 'write_off',
    body: z.strictObject({ reason }),
    answer: z.object({ transferId: idOut('transfer'), member: memberOut }),
    answers: async ({ deps, actor, at, body }) => {
      const posted = await writeOff(deps, {
        networkId: at.networkId,
        memberId: at.member.id,
        reason: body.reason,
        actor: actor.id,
      })
      const member = await inTransaction(deps.db, asWorker, (tx) => memberOf(tx, at.networkId, at.member.id))
      return {
        transferId: show.id('transfer', posted.transferId),
        member: showMember(member, at.network.currency),
      }
    },
  }),
]

type Ask = { networkId: Uuid; memberId: Uuid; reason: string; actor: string }
type Move = (tx: Tx, clock: Parameters<typeof suspend>[1], ask: Ask) => Promise<Member>

function standingRoute(verb: string, deed: DeedName, move: Move, summary: string): Route {
  return route({
    ...one,
    method: 'post',
    path: `${path}/${verb}`,
    summary,
    deed,
    body: z.strictObject({ reason }),
    answer: memberOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const ask = { networkId: at.networkId, memberId: at.member.id, reason: body.reason, actor: actor.id }
        return showMember(await move(tx, deps.clock, ask), at.network.currency)
      }),
  })
}

function keyOfMember(member: Member) {
  return { at: '', id: member.id }
}
