/** Who this key is and where it may act: the first thing a program asks. */
import { z } from 'zod'
import { membershipsOf } from '../../networks/member.ts'
import { memberRoles, networkRoles } from '../../networks/roles.ts'
import { atInstallation } from './place.ts'
import { type Route, route } from './route.ts'
import { idOut, show } from './shapes.ts'

export const meRoutes: Route[] = [
  route({
    method: 'get',
    path: '/me',
    tag: 'Keys',
    summary: 'Who this key is, and the networks and members it may act for',
    description: 'Start here: the answer names the ids that the other paths want.',
    deed: null,
    find: atInstallation,
    answer: z.object({
      id: z.string(),
      name: z.string(),
      mayWrite: z.boolean(),
      isOperator: z.boolean(),
      serves: z.array(z.object({ networkId: idOut('network'), role: z.enum(networkRoles) })),
      actsFor: z.array(
        z.object({
          organisationId: idOut('organisation'),
          role: z.enum(memberRoles),
          members: z.array(z.object({ networkId: idOut('network'), memberId: idOut('member'), standing: z.string() })),
        }),
      ),
    }),
    answers: async ({ actor, see }) => ({
      id: actor.id,
      name: actor.name,
      mayWrite: actor.mayWrite,
      isOperator: actor.isOperator,
      serves: actor.serves.map((one) => ({ networkId: show.id('network', one.networkId), role: one.role })),
      actsFor: await see((tx) =>
        Promise.all(
          actor.actsFor.map(async ({ organisationId, role }) => ({
            organisationId: show.id('organisation', organisationId),
            role,
            members: (await membershipsOf(tx, organisationId)).map((member) => ({
              networkId: show.id('network', member.networkId),
              memberId: show.id('member', member.id),
              standing: member.standing,
            })),
          })),
        ),
      ),
    }),
  }),
]
