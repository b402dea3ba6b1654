/** Limits: as they stand, as they were changed, as a member asks for them. */
import { z } from 'zod'
import { asWorker } from '../../kit/db.ts'
import { answerLimitAsk, askForLimit, type LimitAsk, limitAsksOf } from '../../networks/limit-ask.ts'
import { limitHistory, setLimits } from '../../networks/limits.ts'
import { lockMember, type Member, memberOf } from '../../networks/member.ts'
import { accountOut, memberParams, showAccount } from './member-shapes.ts'
import { inCurrency } from './network-shapes.ts'
import { networkParams } from './networks.ts'
import { atMember, atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import {
  idIn,
  idOut,
  at as instant,
  instantFrom,
  instantOut,
  keyOf,
  listOf,
  money,
  moneyIn,
  moneyOut,
  pageOf,
  pageQuery,
  reason,
  show,
  words,
} from './shapes.ts'
import { etag, mustMatch } from './versions.ts'

const one = { params: memberParams, find: atMember, tag: 'Limits' }
const path = '/networks/{networkId}/members/{memberId}'

const changeOut = z.object({
  id: idOut('limitChange'),
  what: z.enum(['credit_limit', 'exposure_limit', 'frozen', 'legal_floor']),
  from: moneyOut.nullable(),
  to: moneyOut.nullable().meta({ description: 'frozen and legal_floor are told as 1 (yes) and 0 (no)' }),
  reason: z.string(),
  changedBy: z.string(),
  changedAt: instantOut,
})
const askOut = z
  .object({
    id: idOut('limitAsk'),
    memberId: idOut('member'),
    to: moneyOut,
    why: z.string(),
    state: z.enum(['open', 'granted', 'refused']),
    askedBy: z.string(),
    askedAt: instantOut,
    answeredBy: z.string().nullable(),
    answeredAt: instantOut.nullable(),
    answerWords: z.string().nullable(),
  })
  .meta({ id: 'LimitAsk' })

export const limitRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path: `${path}/limits`,
    summary: 'The limits as posting asks them',
    deed: 'see_member',
    versioned: true,
    answer: accountOut,
    answers: async ({ at, see, header }) => {
      const member = await see((tx) => memberOf(tx, at.networkId, at.member.id))
      header('ETag', etag(versionOf(member)))
      return showAccount(member.account, at.network.currency)
    },
  }),
  route({
    ...one,
    method: 'put',
    path: `${path}/limits`,
    summary: 'Set limits, with a reason',
    deed: 'set_limits',
    versioned: true,
    body: z
      .strictObject({
        creditLimit: moneyIn.optional(),
        exposureLimit: moneyIn.optional(),
        frozen: z.boolean().optional().meta({ description: 'Stop the member from buying, or let it buy again' }),
        reason,
      })
      .meta({ examples: [{ creditLimit: { amount: '250000', currency: 'GBP' }, reason: 'two good years' }] }),
    answer: accountOut,
    answers: async ({ deps, actor, at, body, ifMatch, inTx, header }) => {
      const { currency } = at.network
      const ask = {
        networkId: at.networkId,
        memberId: at.member.id,
        creditLimitMinor: body.creditLimit && inCurrency(body.creditLimit, currency),
        exposureLimitMinor: body.exposureLimit && inCurrency(body.exposureLimit, currency),
        frozen: body.frozen,
        reason: body.reason,
        actor: actor.id,
      }
      const member = await inTx(asWorker, async (tx) => {
        mustMatch(ifMatch, versionOf(await lockMember(tx, at.networkId, at.member.id)))
        return setLimits(tx, deps.clock, ask)
      })
      header('ETag', etag(versionOf(member)))
      return showAccount(member.account, currency)
    },
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/limits/changes`,
    summary: 'Every change of the limits: who, when, why, from, to',
    deed: 'see_member',
    query: z.strictObject(pageQuery),
    answer: listOf(changeOut),
    answers: async ({ at, query, see }) => {
      const { networkId, member } = at
      const asked = { networkId, memberId: member.id, limit: query.limit + 1, after: keyOf(query.after)?.id ?? null }
      const amount = (minor: bigint | null) => (minor === null ? null : money(minor, at.network.currency))
      const rows = await see((tx) => limitHistory(tx, asked))
      return pageOf(
        rows,
        query.limit,
        (row) => ({ at: '', id: row.id }),
        (row) => ({
          id: show.id('limitChange', row.id),
          what: row.what,
          from: amount(row.fromMinor),
          to: amount(row.toMinor),
          reason: row.reason,
          changedBy: row.changedBy,
          changedAt: instant(row.changedAt),
        }),
      )
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/limit-asks`,
    summary: 'Ask the convener for another credit limit',
    deed: 'ask_for_limit',
    status: 201,
    body: z.strictObject({ to: moneyIn, why: words(500) }),
    answer: askOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const toMinor = inCurrency(body.to, at.network.currency)
        const ask = { networkId: at.networkId, memberId: at.member.id, toMinor, why: body.why, actor: actor.id }
        return showAsk(await askForLimit(tx, deps.clock, ask), at.network.currency)
      }),
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/limit-asks`,
    summary: 'What this member has asked for',
    deed: 'see_member',
    query: z.strictObject(pageQuery),
    answer: listOf(askOut),
    answers: async ({ at, query, see }) => {
      const asked = { memberId: at.member.id, after: askAfter(query.after), limit: query.limit + 1 }
      const rows = await see((tx) => limitAsksOf(tx, at.networkId, asked))
      return pageOf(rows, query.limit, keyOfAsk, (row) => showAsk(row, at.network.currency))
    },
  }),
  route({
    params: networkParams,
    find: atNetwork,
    tag: 'Limits',
    method: 'get',
    path: '/networks/{networkId}/limit-asks',
    summary: 'What members have asked for: open ones first',
    deed: 'see_members',
    query: z.strictObject(pageQuery),
    answer: listOf(askOut),
    answers: async ({ at, query, see }) => {
      const asked = { after: askAfter(query.after), limit: query.limit + 1 }
      const rows = await see((tx) => limitAsksOf(tx, at.networkId, asked))
      return pageOf(rows, query.limit, keyOfAsk, (row) => showAsk(row, at.network.currency))
    },
  }),
  route({
    params: networkParams.extend({ askId: idIn('limitAsk') }),
    find: atNetwork,
    tag: 'Limits',
    method: 'post',
    path: '/networks/{networkId}/limit-asks/{askId}/answer',
    summary: 'Grant what a member asked for, or say why not',
    deed: 'set_limits',
    body: z.strictObject({ grant: z.boolean(), words: reason }),
    answer: askOut,
    answers: async ({ deps, actor, at, params, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const ask = { networkId: at.networkId, askId: params.askId, actor: actor.id, ...body }
        return showAsk(await answerLimitAsk(tx, deps.clock, ask), at.network.currency)
      }),
  }),
]

/** Two readings of the same limits are the same version. */
function versionOf({ account, standing }: Member): string {
  const { creditLimitMinor, exposureLimitMinor, frozen, neverBelowZero } = account
  return [standing, creditLimitMinor, exposureLimitMinor, frozen, neverBelowZero].join('.')
}

/** One that is still open has no instant in its cursor. */
function keyOfAsk(ask: LimitAsk) {
  return { at: instant(ask.answeredAt) ?? '', id: ask.id }
}

function askAfter(cursor: string | undefined) {
  const key = keyOf(cursor)
  return key && { answeredAt: key.at === '' ? null : instantFrom(key.at), id: key.id }
}

function showAsk(ask: LimitAsk, currency: string): z.input<typeof askOut> {
  return {
    id: show.id('limitAsk', ask.id),
    memberId: show.id('member', ask.memberId),
    to: money(ask.toMinor, currency),
    why: ask.why,
    state: ask.state,
    askedBy: ask.askedBy,
    askedAt: instant(ask.askedAt),
    answeredBy: ask.answeredBy,
    answeredAt: instant(ask.answeredAt),
    answerWords: ask.answerWords,
  }
}
