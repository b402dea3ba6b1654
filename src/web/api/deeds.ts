/** The trail of what people did, in a network and for a member. */
import { z } from 'zod'
import { type Deed, deedsOf } from '../../networks/record-deed.ts'
import { memberParams } from './member-shapes.ts'
import { networkParams } from './networks.ts'
import { atMember, atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { idOut, at as instant, instantOut, keyOf, listOf, pageOf, pageQuery, show } from './shapes.ts'

const deedOut = z
  .object({
    id: idOut('deed'),
    actor: z.string().meta({ description: 'A person (per_…), a key (key_…) or quits itself' }),
    what: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    doneAt: instantOut,
  })
  .meta({ id: 'Deed' })

const page = { tag: 'Trail', query: z.strictObject(pageQuery), answer: listOf(deedOut) }

export const deedRoutes: Route[] = [
  route({
    ...page,
    params: networkParams,
    find: atNetwork,
    method: 'get',
    path: '/networks/{networkId}/deeds',
    summary: 'Who did what in this network, newest first',
    deed: 'see_deeds',
    answers: async ({ at, query, see }) => {
      const asked = { networkId: at.networkId, after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
      return pageOf(await see((tx) => deedsOf(tx, asked)), query.limit, keyOfDeed, showDeed)
    },
  }),
  route({
    ...page,
    params: memberParams,
    find: atMember,
    method: 'get',
    path: '/networks/{networkId}/members/{memberId}/deeds',
    summary: 'Who did what for this member, newest first',
    deed: 'see_member',
    answers: async ({ at, query, see }) => {
      const { organisationId } = at.member
      const asked = { organisationId, after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
      return pageOf(await see((tx) => deedsOf(tx, asked)), query.limit, keyOfDeed, showDeed)
    },
  }),
]

function keyOfDeed(deed: Deed) {
  return { at: instant(deed.doneAt), id: deed.id }
}

function showDeed(deed: Deed): z.input<typeof deedOut> {
  return {
    id: show.id('deed', deed.id),
    actor: deed.actor,
    what: deed.what,
    facts: deed.facts,
    doneAt: instant(deed.doneAt),
  }
}
