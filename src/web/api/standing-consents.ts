/** Standing consents: whom a member accepts without being asked, and up to how much a month. */
import { z } from 'zod'
import { asWorker } from '../../kit/db.ts'
import { consentsOf, giveConsent, revokeConsent, type StandingConsent } from '../../trades/standing-consent.ts'
import { memberParams } from './member-shapes.ts'
import { inCurrency } from './network-shapes.ts'
import { atMember } from './place.ts'
import { type Route, route } from './route.ts'
import {
  byId,
  idIn,
  idOut,
  at as instant,
  instantOut,
  keyOf,
  listOf,
  money,
  moneyIn,
  moneyOut,
  pageOf,
  pageQuery,
  show,
} from './shapes.ts'
import { side } from './trade-shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Trades' }
const path = '/networks/{networkId}/members/{memberId}/standing-consents'

const consentOut = z
  .object({
    id: idOut('standingConsent'),
    memberId: idOut('member'),
    fromMemberId: idOut('member'),
    side,
    aMonth: moneyOut,
    givenBy: z.string(),
    givenAt: instantOut,
  })
  .meta({ id: 'StandingConsent' })

export const standingConsentRoutes: Route[] = [
  route({
    ...one,
    method: 'post',
    path,
    summary: 'Accept proposals of one other member by themselves, up to an amount in credits a calendar month',
    deed: 'give_standing_consent',
    status: 201,
    body: z.strictObject({
      fromMemberId: idIn('member').meta({ description: 'Whose proposals are accepted' }),
      side: side.meta({ description: 'The side on which this member accepts' }),
      aMonth: moneyIn,
    }),
    answer: consentOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { currency } = at.network
        const given = await giveConsent(tx, deps.clock, {
          networkId: at.networkId,
          memberId: at.member.id,
          fromMemberId: body.fromMemberId,
          side: body.side,
          aMonthMinor: inCurrency(body.aMonth, currency),
          actor: actor.id,
        })
        return showConsent(given, currency)
      }),
  }),
  route({
    ...one,
    method: 'get',
    path,
    summary: 'The standing consents that this member has given',
    deed: 'see_member',
    query: z.strictObject(pageQuery),
    answer: listOf(consentOut),
    answers: async ({ at, query, see }) => {
      const asked = { after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
      const rows = await see((tx) => consentsOf(tx, at.networkId, at.member.id, asked))
      return pageOf(rows, query.limit, byId, (row) => showConsent(row, at.network.currency))
    },
  }),
  route({
    ...one,
    params: memberParams.extend({ standingConsentId: idIn('standingConsent') }),
    method: 'post',
    path: `${path}/{standingConsentId}/revoke`,
    summary: 'Revoke a standing consent',
    deed: 'give_standing_consent',
    answer: z.object({ id: idOut('standingConsent'), revoked: z.boolean() }),
    answers: async ({ deps, actor, at, params, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { networkId, member } = at
        const ask = { networkId, memberId: member.id, consentId: params.standingConsentId, actor: actor.id }
        await revokeConsent(tx, deps.clock, ask)
        return { id: show.id('standingConsent', params.standingConsentId), revoked: true }
      }),
  }),
]

function showConsent(consent: StandingConsent, currency: string): z.input<typeof consentOut> {
  return {
    id: show.id('standingConsent', consent.id),
    memberId: show.id('member', consent.memberId),
    fromMemberId: show.id('member', consent.fromMemberId),
    side: consent.side,
    aMonth: money(consent.aMonthMinor, currency),
    givenBy: consent.givenBy,
    givenAt: instant(consent.givenAt),
  }
}
