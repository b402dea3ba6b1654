/** Holds: credits reserved and not yet moved. Listed, made, posted in all or part, released. */
import { z } from 'zod'
import { holdCredits, holdIdFor, type NewHold, postHeld, reasonsOfHolds, releaseHeld } from '../../fees/hold-credits.ts'
import { instantOf } from '../../kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import {
  holdOf,
  holdStates,
  type KnownHold,
  type OpenHold,
  openHolds,
  postHold,
  releaseHold,
} from '../../ledger/hold.ts'
import { type Network, networkOf } from '../../networks/network.ts'
import { may, mustBeAllowed } from '../../networks/roles.ts'
import { type PromisedVerdict, yesOf } from '../../outbox/post-and-promise.ts'
import { Malformed } from '../errors.ts'
import { inCurrency } from './network-shapes.ts'
import { networkParams } from './networks.ts'
import { atNetwork, type Finder, type Found } from './place.ts'
import { answerUnder, placeOf } from './posted-answer.ts'
import { type Ask, type Route, route } from './route.ts'
import {
  dayOut,
  idIn,
  idOut,
  at as instant,
  instantOut,
  listOf,
  money,
  moneyIn,
  moneyOut,
  pageQuery,
  reason,
  show,
  words,
} from './shapes.ts'

const tag = 'Holds'
const path = '/networks/{networkId}/holds'
const holdParams = z.strictObject({ networkId: idIn('network'), holdId: idIn('transfer') })

type AtHold = Found & { networkId: Uuid; network: Network; hold: KnownHold }

/** Seen by the network, and by the members at its two ends. */
const atHold: Finder<AtHold> = async ({ db }, params) => {
  const { networkId = '', holdId = '' } = params
  return inTransaction(db, asWorker, async (tx) => {
    const network = await networkOf(tx, networkId)
    const hold = await holdOf(tx, networkId, holdId)
    const where = { networkId, accountId: { in: [hold.debit, hold.credit] } }
    const members = await tx.member.findMany({ where, select: { organisationId: true } })
    const places = [{ networkId }, ...members.map(({ organisationId }) => ({ networkId, organisationId }))]
    return { networkId, network, hold, places, thing: 'hold' }
  })
}
const one = { params: holdParams, find: atHold, tag }

const holdOut = z
  .object({
    id: idOut('transfer'),
    state: z.enum(holdStates),
    debitAccountId: idOut('account'),
    creditAccountId: idOut('account'),
    amount: moneyOut,
    posted: moneyOut.nullable().meta({ description: 'What moved when it was posted; the rest was freed' }),
    expiresAt: instantOut.nullable(),
    promised: z.boolean().meta({ description: 'Another ledger relies on it: it never runs out' }),
    tradeId: idOut('trade').nullable().meta({ description: 'The proposed trade it belongs to, and ends with' }),
    reason: z.string().nullable(),
    number: z.string(),
    bookedOn: dayOut,
    recordedAt: instantOut,
    endedAt: instantOut.nullable(),
  })
  .meta({ id: 'Hold' })

const endedOut = z
  .object({
    holdId: idOut('transfer'),
    state: z.enum(['posted', 'released']),
    posted: moneyOut,
    freed: moneyOut,
    transferId: idOut('transfer').meta({ description: 'The transfer that ended it' }),
    number: z.string(),
    bookedOn: dayOut,
    recordedAt: instantOut,
  })
  .meta({ id: 'HoldEnded' })

/** What comes after it is written with more than four figures for the year, which no database takes. */
const lastInstant = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
const newHold = z
  .strictObject({
    debitAccountId: idIn('account').meta({ description: 'The account that would go down' }),
    creditAccountId: idIn('account').meta({ description: 'The account that would go up' }),
    amount: moneyIn,
    expiresAt: z.iso
      .datetime({ offset: true, error: 'An instant is written as in RFC 3339.' })
      .refine((text) => !(instantOf(text).getTime() > lastInstant), 'The last instant is 9999-12-31T23:59:59Z.')
      .optional()
      .meta({ description: 'When it runs out by itself; needed unless it is promised' }),
    promised: z
      .boolean()
      .default(false)
      .meta({ description: 'Another ledger was told yes on the strength of it: never runs out. Conveners only' }),
    reason,
  })
  .refine((given) => given.promised === (given.expiresAt === undefined), {
    path: ['expiresAt'],
    message: 'A hold has an end, unless it is promised: then it has none.',
  })
  .meta({
    id: 'NewHold',
    examples: [
      {
        debitAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y6',
        creditAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y7',
        amount: { amount: '5000', currency: 'GBP' },
        expiresAt: '2027-01-31T12:00:00Z',
        reason: 'levy of the winter term',
      },
    ],
  })

export const holdRoutes: Route[] = [
  route({
    tag,
    params: networkParams,
    find: atNetwork,
    method: 'get',
    path,
    summary: 'Open holds, oldest first; a member sees its own',
    deed: 'see_hold',
    query: z.strictObject(pageQuery),
    answer: listOf(holdOut),
    answers: async ({ deps, actor, at, query }) =>
      inTransaction(deps.db, asWorker, async (tx) => {
        const seesAll = may(actor, 'see_hold', { networkId: at.networkId })
        const accountIds = seesAll ? {} : { accountIds: at.own.map((member) => member.accountId) }
        const asked = { after: numberAfter(query.after), ...accountIds }
        const rows = await openHolds(tx, at.networkId, query.limit + 1, asked)
        const list = rows.slice(0, query.limit)
        const last = rows.length > query.limit ? list.at(-1) : undefined
        return { list: await showHolds(tx, at.network, list), next: last ? String(last.number) : null }
      }),
  }),
  route({
    ...one,
    method: 'get',
    path: `${path}/{holdId}`,
    summary: 'One hold, and what became of it',
    deed: 'see_hold',
    answer: holdOut,
    answers: async ({ deps, at }) =>
      inTransaction(deps.db, asWorker, async (tx) => (await showHolds(tx, at.network, [at.hold]))[0] as HoldTold),
  }),
  route({
    tag,
    params: networkParams,
    find: atNetwork,
    method: 'post',
    path,
    summary: 'Hold credits: they count in both limits and move nothing yet',
    description:
      'Between the accounts that a transfer may join. A buyer’s own proposal is held by `reserve` on the trade instead.',
    deed: 'hold_credits',
    status: 201,
    keepsItself: true,
    body: newHold,
    answer: holdOut,
    answers: async ({ deps, actor, at, body, kept }) => {
      invariant(kept, 'a hold is posted')
      const { networkId } = at
      if (body.promised) mustBeAllowed(actor, 'promise_hold', { networkId })
      const { debitAccountId, creditAccountId, amount, promised, reason } = body
      const expiresAt = body.expiresAt === undefined ? null : new Date(body.expiresAt)
      const template = {
        id: show.id('transfer', holdIdFor(networkId, actor.id, kept.key)),
        state: 'open' as const,
        debitAccountId: show.id('account', debitAccountId),
        creditAccountId: show.id('account', creditAccountId),
        amount: money(amount.amountMinor, amount.currency),
        posted: null,
        expiresAt: instant(expiresAt),
        promised,
        tradeId: null,
        reason,
        endedAt: null,
      }
      const ask: NewHold = {
        ...{ networkId, debitAccountId, creditAccountId, ...amount, expiresAt, promised, reason },
        ...{ actor: actor.id, key: kept.key, answer: answerUnder(kept, template, 201) },
      }
      return told(await holdCredits(deps, ask), template)
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/{holdId}/post`,
    summary: 'Move all or part of what is held; the rest is freed',
    description: 'No limit refuses what is held. From a member’s account it leaves money spent in the member’s book.',
    deed: 'hold_credits',
    keepsItself: true,
    body: z
      .strictObject({
        amount: moneyIn.optional().meta({ description: 'All of it when left out' }),
        description: words(200).optional().meta({ description: 'On the line of the member’s document' }),
      })
      .meta({ examples: [{ amount: { amount: '3000', currency: 'GBP' } }] }),
    answer: endedOut,
    answers: async ({ deps, actor, at, body, kept }) => {
      mustBeAllowedToEnd({ actor, at })
      const { hold, network, networkId } = at
      const amountMinor = body.amount ? inCurrency(body.amount, network.currency) : hold.amountMinor
      const template = endedTemplate(at, 'posted', amountMinor)
      const answer = kept ? { answer: answerUnder(kept, template, 200) } : {}
      const ask = { networkId, hold, amountMinor, words: body.description ?? null, actor: actor.id, ...answer }
      return told(await postHeld(deps, ask), template)
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/{holdId}/release`,
    summary: 'Free all of it; nothing moves',
    deed: 'hold_credits',
    keepsItself: true,
    body: z.strictObject({ reason }),
    answer: endedOut,
    answers: async ({ deps, actor, at, body, kept }) => {
      mustBeAllowedToEnd({ actor, at })
      const { hold, networkId } = at
      const template = endedTemplate(at, 'released', 0n)
      const answer = kept ? { answer: answerUnder(kept, template, 200) } : {}
      const ask = { networkId, hold, reason: body.reason, actor: actor.id, ...answer }
      return told(await releaseHeld(deps, ask), template)
    },
  }),
]

type HoldTold = z.input<typeof holdOut>

/** Whoever could not have promised it does not end it either. */
function mustBeAllowedToEnd({ actor, at }: Pick<Ask<unknown, unknown, unknown, AtHold>, 'actor' | 'at'>): void {
  if (at.hold.promised) mustBeAllowed(actor, 'promise_hold', { networkId: at.networkId })
}

function endedTemplate({ hold, network }: AtHold, state: 'posted' | 'released', postedMinor: bigint) {
  const ending = state === 'posted' ? postHold(hold, postedMinor) : releaseHold(hold)
  const freedMinor = hold.amountMinor - postedMinor
  return {
    holdId: show.id('transfer', hold.id),
    state,
    posted: money(postedMinor, network.currency),
    freed: money(freedMinor, network.currency),
    transferId: show.id('transfer', ending.id),
  }
}

type Placed = { number: string; bookedOn: string; recordedAt: string }

function told<T extends object>(verdict: PromisedVerdict, template: T): T & Placed {
  const yes = yesOf(verdict)
  if ('kept' in yes) return yes.kept.body as T & Placed
  return { ...template, ...placeOf(yes) }
}

async function showHolds(tx: Tx, network: Network, holds: (OpenHold | KnownHold)[]): Promise<HoldTold[]> {
  const ids = holds.map(({ id }) => id)
  const reasons = await reasonsOfHolds(tx, network.id, ids)
  return holds.map((hold) => {
    const ended = 'state' in hold ? hold : { state: 'open' as const, postedMinor: null, endedAt: null }
    return {
      id: show.id('transfer', hold.id),
      state: ended.state,
      debitAccountId: show.id('account', hold.debit),
      creditAccountId: show.id('account', hold.credit),
      amount: money(hold.amountMinor, network.currency),
      posted: ended.postedMinor === null ? null : money(ended.postedMinor, network.currency),
      expiresAt: instant(hold.expiresAt),
      promised: hold.promised,
      tradeId: hold.causeKind === 'trade' ? show.id('trade', hold.causeId) : null,
      reason: reasons.get(hold.id) ?? null,
      number: String(hold.number),
      bookedOn: hold.bookedOn,
      recordedAt: instant(hold.recordedAt),
      endedAt: instant(ended.endedAt),
    }
  })
}

function numberAfter(cursor: string | undefined): bigint | null {
  if (cursor === undefined) return null
  if (/^\d{1,18}$/.test(cursor)) return BigInt(cursor)
  const errors = [{ pointer: '/query/after', detail: 'This cursor was not given by us.' }]
  throw new Malformed('malformed', 'The request is not well formed.', 'Take `next` of the page before.', errors)
}
