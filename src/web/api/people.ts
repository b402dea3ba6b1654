/** People and their roles, in a network and for a member. */
import { z } from 'zod'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import {
  nameRole,
  type Person,
  type RoleAt,
  removeRole,
  rolesOfNetwork,
  rolesOfOrganisation,
} from '../../networks/person.ts'
import { memberRoles, networkRoles } from '../../networks/roles.ts'
import type { Deps } from '../deps.ts'
import { memberParams } from './member-shapes.ts'
import { networkParams } from './networks.ts'
import { atMember, atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { email, idIn, idOut, at as instant, instantOut, listOf, show, words } from './shapes.ts'

const tag = 'People'
const inNetwork = { params: networkParams, find: atNetwork, tag }
const ofMember = { params: memberParams, find: atMember, tag }
const member = '/networks/{networkId}/members/{memberId}'

const roleOut = z
  .object({
    personId: idOut('person'),
    email: z.string(),
    name: z.string().nullable(),
    role: z.enum([...networkRoles, ...memberRoles]),
    since: instantOut.nullable(),
  })
  .meta({ id: 'RoleHeld' })
const named = { email, name: words(100).optional() }
const removed = z.object({ personId: idOut('person'), role: z.string(), removed: z.boolean() })

export const peopleRoutes: Route[] = [
  route({
    ...inNetwork,
    method: 'get',
    path: '/networks/{networkId}/people',
    summary: 'Who serves this network',
    deed: 'see_members',
    answer: listOf(roleOut),
    answers: async ({ deps, at }) => listed(deps, (tx) => rolesOfNetwork(tx, at.networkId)),
  }),
  route({
    ...inNetwork,
    method: 'post',
    path: '/networks/{networkId}/people',
    summary: 'Name a convener, an auditor or a sponsor by mail address',
    deed: 'name_network_role',
    status: 201,
    body: z.strictObject({ ...named, role: z.enum(networkRoles) }),
    answer: roleOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, (tx) => name(tx, deps, { networkId: at.networkId, role: body.role }, body, actor.id)),
  }),
  route({
    ...inNetwork,
    method: 'post',
    path: '/networks/{networkId}/people/remove',
    summary: 'Take a role of this network away',
    deed: 'name_network_role',
    body: z.strictObject({ personId: idIn('person'), role: z.enum(networkRoles) }),
    answer: removed,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, (tx) => remove(tx, deps, { networkId: at.networkId, role: body.role }, body.personId, actor.id)),
  }),
  route({
    ...ofMember,
    method: 'get',
    path: `${member}/people`,
    summary: 'Who acts for this member',
    deed: 'see_member',
    answer: listOf(roleOut),
    answers: async ({ deps, at }) => listed(deps, (tx) => rolesOfOrganisation(tx, at.member.organisationId)),
  }),
  route({
    ...ofMember,
    method: 'post',
    path: `${member}/people`,
    summary: 'Name an owner, staff or a bookkeeper of this member by mail address',
    deed: 'name_member_role',
    status: 201,
    body: z.strictObject({ ...named, role: z.enum(memberRoles) }),
    answer: roleOut,
    answers: async ({ deps, actor, at, body, inTx }) => {
      const role = { organisationId: at.member.organisationId, role: body.role }
      return inTx(asWorker, (tx) => name(tx, deps, role, body, actor.id))
    },
  }),
  route({
    ...ofMember,
    method: 'post',
    path: `${member}/people/remove`,
    summary: 'Take a role of this member away; one owner stays',
    deed: 'name_member_role',
    body: z.strictObject({ personId: idIn('person'), role: z.enum(memberRoles) }),
    answer: removed,
    answers: async ({ deps, actor, at, body, inTx }) => {
      const role = { organisationId: at.member.organisationId, role: body.role }
      return inTx(asWorker, (tx) => remove(tx, deps, role, body.personId, actor.id))
    },
  }),
]

type Held = { person: Person; role: z.input<typeof roleOut>['role']; sinceAt: Date | null }

async function listed(deps: Deps, read: (tx: Tx) => Promise<Held[]>) {
  const rows = await inTransaction(deps.db, asWorker, read)
  return { list: rows.map(showRole), next: null }
}

async function name(
  tx: Tx,
  deps: Deps,
  role: RoleAt,
  given: { email: string; name?: string | undefined },
  actor: string,
): Promise<z.input<typeof roleOut>> {
  const person = await nameRole(tx, deps.clock, { ...role, email: given.email, name: given.name ?? null, actor })
  return showRole({ person, role: role.role, sinceAt: deps.clock.now() })
}

async function remove(tx: Tx, deps: Deps, role: RoleAt, personId: Uuid, actor: string) {
  await removeRole(tx, deps.clock, { ...role, personId, actor })
  return { personId: show.id('person', personId), role: role.role, removed: true }
}

function showRole({ person, role, sinceAt }: Held): z.input<typeof roleOut> {
  return {
    personId: show.id('person', person.id),
    email: person.email,
    name: person.name,
    role,
    since: instant(sinceAt),
  }
}
