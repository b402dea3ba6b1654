/**
 * Transfers that are no trades, one or many in one call. Each has its own key and its own verdict: a bad one never spoils its
 * neighbours, and a repeated one hears its first answer.
 */
import { z } from 'zod'
import { postTransfers, transferIdFor } from '../../fees/post-transfers.ts'
import { openKinds } from '../../fees/transfer-rule.ts'
import type { Uuid } from '../../kit/ids.ts'
import { invariant } from '../../kit/invariant.ts'
import { plainError } from '../../kit/log.ts'
import { Refusal } from '../../kit/refusal.ts'
import { scopeFor } from '../../networks/person.ts'
import { type Actor, may, mustBeAllowed } from '../../networks/roles.ts'
import { type AnswerKept, type PromisedVerdict, yesOf } from '../../outbox/post-and-promise.ts'
import type { Deps } from '../deps.ts'
import { malformedFrom, problemOf, problemShape } from '../errors.ts'
import { guard } from '../guard.ts'
import { type KeptAnswer, keptUnder, keyShape, refusedOrBefore } from './kept-answer.ts'
import { atInstallation } from './place.ts'
import { answerUnder, placeOf } from './posted-answer.ts'
import { type Route, route } from './route.ts'
import { dayOut, idIn, idOut, instantOut, money, moneyIn, moneyOut, show, words } from './shapes.ts'

const tag = 'Transfers'
/** Most transfers in one call. */
const mostAtOnce = 1000
/** Where answers are kept, for one and for many. */
const door = { route: 'post /transfers', address: '/v1/transfers' }
const retryAfterSeconds = 1

const transferShape = {
  networkId: idIn('network'),
  kind: z.enum(openKinds).meta({
    description:
      'contribution: from a member to the network’s fees, sponsor or write-off reserve; settlement: between the network’s own accounts; gateway: the same, where one of them is a gateway',
  }),
  debitAccountId: idIn('account').meta({ description: 'The account that goes down' }),
  creditAccountId: idIn('account').meta({ description: 'The account that goes up' }),
  amount: moneyIn,
  description: words(200).meta({ description: 'Why: in the trail, and on the line of the member’s document' }),
}
const example = {
  networkId: 'net_01KA9Z6QJ8F2R4S6T8V0W2X4Y6',
  kind: 'contribution',
  debitAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y6',
  creditAccountId: 'acc_01KA9Z6QJ8F2R4S6T8V0W2X4Y7',
  amount: { amount: '2500', currency: 'GBP' },
  description: 'Levy for the reserve, November',
}
const transferIn = z.strictObject(transferShape).meta({ id: 'NewTransfer', examples: [example] })
const itsKey = z
  .string()
  .regex(keyShape, 'A key is 1 to 255 visible ASCII characters.')
  .meta({ description: 'Of this transfer alone, as an Idempotency-Key: the same one when it is repeated' })
const keyedIn = z
  .strictObject({ key: itsKey, ...transferShape })
  .meta({ id: 'KeyedTransfer', examples: [{ key: 'levy-2026-11-mill', ...example }] })

export const transferOut = z
  .object({
    id: idOut('transfer'),
    networkId: idOut('network'),
    kind: z.enum(openKinds),
    debitAccountId: idOut('account'),
    creditAccountId: idOut('account'),
    amount: moneyOut,
    description: z.string(),
    number: z.string().meta({ description: 'Its place in the order of the network’s ledger' }),
    bookedOn: dayOut,
    recordedAt: instantOut,
  })
  .meta({ id: 'Transfer' })

const verdictOut = z
  .object({
    key: z.string().nullable().meta({ description: 'As sent; null where none was' }),
    status: z.number().int().meta({ description: 'What this transfer alone would have been answered with' }),
    replayed: z.boolean(),
    transfer: transferOut.nullable(),
    problem: problemShape.nullable(),
    retryAfter: z.number().int().nullable().meta({ description: 'Seconds to wait before asking again, after a 503' }),
  })
  .meta({ id: 'TransferVerdict' })

export const transferRoutes: Route[] = [
  route({
    tag,
    find: atInstallation,
    method: 'post',
    path: '/transfers',
    summary: 'Post a transfer that is no trade',
    description: 'Convener or operator of the network named. A contribution leaves money spent in the member’s book.',
    deed: null,
    status: 201,
    keepsItself: true,
    body: transferIn,
    answer: transferOut,
    answers: async ({ deps, actor, body, kept }) => {
      invariant(kept, 'a transfer is posted')
      const [verdict] = await postEach(deps, actor, [{ kept, transfer: body }])
      invariant(verdict, 'a transfer was answered by nothing')
      if ('error' in verdict) throw verdict.error
      return verdict.transfer
    },
  }),
  {
    ...route({
      tag,
      find: atInstallation,
      method: 'post',
      path: '/transfers/batch',
      summary: 'Post many transfers, each answered by itself',
      description: `Up to ${mostAtOnce} transfers, of one network or several; each has its own key, which counts as the Idempotency-Key of that transfer alone.`,
      deed: null,
      // Each is looked at by itself, so that a malformed one spoils nobody.
      body: z.strictObject({ transfers: z.array(z.unknown()).min(1).max(mostAtOnce) }),
      answer: z.object({ list: z.array(verdictOut) }),
      answers: async ({ deps, actor, body, traceId }) => ({
        list: await answerEach(deps, actor, body.transfers, traceId),
      }),
    }),
    keysInBody: true,
    bodyShown: z.strictObject({ transfers: z.array(keyedIn).min(1).max(mostAtOnce) }),
  },
]

type Keyed = { kept: KeptAnswer; transfer: z.output<typeof transferIn> }
type Told = { replayed: boolean; transfer: z.output<typeof transferOut> }
/** A refusal that was kept is told again as well. */
type Outcome = Told | { replayed: boolean; error: unknown }
type Verdict = z.input<typeof verdictOut>

async function answerEach(deps: Deps, actor: Actor, sent: unknown[], traceId: string): Promise<Verdict[]> {
  const verdicts: Verdict[] = new Array(sent.length)
  const sound: { place: number; asked: Keyed }[] = []
  const refuse = (place: number, error: unknown, replayed = false) => {
    const problem = problemOf(deps, error, traceId)
    const { status } = problem
    if (status === 500) deps.log.error({ error: plainError(error), traceId }, 'a transfer among many failed')
    const retryAfter = status === 503 ? retryAfterSeconds : null
    verdicts[place] = { key: keyIn(sent[place]), status, replayed, transfer: null, problem, retryAfter }
  }
  sent.forEach((one, place) => {
    const parsed = keyedIn.safeParse(one)
    if (parsed.success) {
      const { key, ...transfer } = parsed.data
      const { key: _key, ...body } = one as { key: unknown }
      // As the door for one takes it: the body without the key.
      sound.push({ place, asked: { kept: keptUnder(door, actor, key, body), transfer } })
    } else refuse(place, malformedFrom(parsed.error, `/body/transfers/${place}`))
  })
  const answers = await postEach(
    deps,
    actor,
    sound.map(({ asked }) => asked),
  )
  answers.forEach((answer, at) => {
    const { place, asked } = sound[at] as (typeof sound)[number]
    if ('error' in answer) refuse(place, answer.error, answer.replayed)
    else verdicts[place] = { key: asked.kept.key, status: 201, ...answer, problem: null, retryAfter: null }
  })
  return verdicts
}

/** Each guarded, then posted or told again, those of each network together; in the order asked. */
async function postEach(deps: Deps, actor: Actor, asked: Keyed[]): Promise<Outcome[]> {
  const mustBeTheirs = await mayPost(
    deps,
    actor,
    asked.map(({ transfer }) => transfer.networkId),
  )
  const answers: Outcome[] = []
  const lanes = new Map<Uuid, number[]>()
  const networkOfKey = new Map<string, Uuid>()
  asked.forEach(({ kept, transfer: { networkId } }, place) => {
    try {
      mustBeTheirs(networkId)
      // Two networks are two commits: neither could see that the other has the key.
      if ((networkOfKey.get(kept.key) ?? networkId) !== networkId) throw new Refusal('key_of_other_body', {})
      networkOfKey.set(kept.key, networkId)
      lanes.set(networkId, [...(lanes.get(networkId) ?? []), place])
    } catch (error) {
      answers[place] = { replayed: false, error }
    }
  })
  await Promise.all(
    [...lanes].map(async ([networkId, places]) => {
      const here = places.map((place) => asked[place] as Keyed)
      const told = await postLane(deps, actor, networkId, here)
      told.forEach((answer, at) => {
        answers[places[at] as number] = answer
      })
    }),
  )
  return answers
}

/** Those of one network. What fails for all of them is each one's own answer. */
async function postLane(deps: Deps, actor: Actor, networkId: Uuid, asked: Keyed[]): Promise<Outcome[]> {
  const templates = asked.map((one) => templateOf(actor, one))
  const verdicts = await postTransfers(
    deps,
    networkId,
    asked.map(({ kept, transfer }, at) => {
      const { kind, debitAccountId, creditAccountId, amount, description } = transfer
      const answer = answerUnder(kept, templates[at] as object as Record<string, unknown>, 201)
      const ends = { debitAccountId, creditAccountId }
      return { kind, ...ends, ...amount, description, actor: actor.id, key: kept.key, answer }
    }),
  ).catch((reason: unknown) => asked.map(() => ({ status: 'rejected' as const, reason })))
  // A rule that stands before the ledger said no: an earlier answer under the key stands before that.
  const refused = verdicts.flatMap((verdict, at) =>
    verdict.status === 'rejected' && verdict.reason instanceof Refusal
      ? [{ at, kept: (asked[at] as Keyed).kept, refusal: verdict.reason }]
      : [],
  )
  const before = await refusedOrBefore(deps, refused)
  const earlierAt = new Map(refused.map(({ at }, place) => [at, before[place]]))
  return verdicts.map((verdict, at): Outcome => {
    const earlier = earlierAt.get(at)
    if (earlier instanceof Refusal) return { replayed: false, error: earlier }
    if (earlier) return outcomeOf({ ok: true, replayed: true, kept: earlier as AnswerKept }, {})
    if (verdict.status === 'rejected') return { replayed: false, error: verdict.reason }
    return outcomeOf(verdict.value, templates[at] as object)
  })
}

/** All of the answer that is known before the ledger has given it a place. */
function templateOf(actor: Actor, { kept, transfer }: Keyed) {
  const { networkId, kind, debitAccountId, creditAccountId, amount, description } = transfer
  return {
    id: show.id('transfer', transferIdFor(networkId, actor.id, kept.key)),
    networkId: show.id('network', networkId),
    kind,
    debitAccountId: show.id('account', debitAccountId),
    creditAccountId: show.id('account', creditAccountId),
    amount: money(amount.amountMinor, amount.currency),
    description,
  }
}

function outcomeOf(verdict: PromisedVerdict, template: object): Outcome {
  try {
    const yes = yesOf(verdict)
    if ('kept' in yes) return { replayed: true, transfer: transferOut.parse(yes.kept.body) }
    return { replayed: yes.replayed, transfer: transferOut.parse({ ...template, ...placeOf(yes) }) }
  } catch (error) {
    return { replayed: verdict.ok, error }
  }
}

/** A member knows that its network is there; to whoever has nothing to do with it, it is not. */
async function mayPost(deps: Deps, actor: Actor, networkIds: Uuid[]): Promise<(networkId: Uuid) => void> {
  const isStranger = networkIds.some((networkId) => !may(actor, 'post_transfer', { networkId }))
  const seen = isStranger ? await scopeFor(deps.db, actor) : null
  return (networkId) => {
    if (seen?.role === 'app' && seen.networks.includes(networkId)) mustBeAllowed(actor, 'post_transfer', { networkId })
    guard(actor, 'post_transfer', { networkId }, 'network')
  }
}

function keyIn(sent: unknown): string | null {
  const key = sent && typeof sent === 'object' && 'key' in sent ? sent.key : null
  return typeof key === 'string' ? key.slice(0, 255) : null
}
