/**
 * Many proposals, or many answers, in one call: each with its own key and its own verdict.
 *
 * Keeps: one that is not well formed, not allowed or refused never spoils its neighbours; an item's key is the same key at the door
 * for one. All are read in one call, judged one by one, and asked of the ledger together, so that they share its commits.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { invariant } from '../../kit/invariant.ts'
import { plainError } from '../../kit/log.ts'
import { Refusal } from '../../kit/refusal.ts'
import type { Ground, GroundAsk } from '../../trades/grounds.ts'
import { postProposal } from '../../trades/propose.ts'
import type { Deps } from '../deps.ts'
import { type Malformed, malformedFrom, type Problem, problemOf, problemShape } from '../errors.ts'
import { acceptanceOf, acceptTrade, atAnswer, keptYes } from './accept-trade.ts'
import { type KeptAnswer, keyShape, problemKept, refusedOrBefore, type Told } from './kept-answer.ts'
import { type Found, guardFound } from './place.ts'
import { atProposal, keptProposal, readyFrom, standOf, toldOf } from './propose-trade.ts'
import { openingRoute, type Route } from './route.ts'
import { keyedProposalIn, keyedYesIn, outcomeOut } from './trade-shapes.ts'

export const mostAtOnce = 1000
/** So many are parsed and judged in one go; then others have their turn. */
const atOneGo = 25
const retryAfterSeconds = 1

const verdictOut = z
  .object({
    key: z.string().nullable().meta({ description: 'As sent; null where none was' }),
    status: z.number().int().meta({ description: 'What this one alone would have been answered with' }),
    replayed: z.boolean().meta({ description: 'Answered before under this key, and now again' }),
    trade: outcomeOut.nullable(),
    problem: problemShape.nullable(),
    retryAfter: z.number().int().nullable().meta({ description: 'Seconds to wait before asking again, after a 503' }),
  })
  .meta({ id: 'TradeVerdict' })
type Verdict = z.input<typeof verdictOut>

/** One ask of the list: well formed, or why not. */
type Read<A> = { key: string | null; sent: unknown; asked: A | null; malformed: Malformed | null }
type AtList<A> = Found & { ground: Ground; read: Read<A>[] }
/** Throws what is not theirs; then, ready for the ledger or refused under its key. */
type Judge<A> = (
  deps: Deps,
  ground: Ground,
  asked: A,
  sent: object,
) => { kept: KeptAnswer; ready: () => () => Promise<Told> }

export const tradeBatchRoutes: Route[] = [
  batchRoute({
    list: 'trades',
    path: '/trades/batch',
    summary: 'Propose many trades, each answered by itself',
    who: 'Owner or staff of a side of each trade.',
    one: keyedProposalIn,
    named: (asked) => ({ proposals: asked, trades: [] }),
    judge: (deps, ground, { networkId, key, ...body }, sent) => {
      guardFound(ground.actor, 'propose_trade', atProposal(ground, networkId))
      const kept = keptProposal(ground.actor, networkId, key, sent)
      return {
        kept,
        ready: () => {
          const ready = readyFrom(deps, ground, standOf(ground, networkId, body), {
            actorId: ground.actor.id,
            body,
            kept,
          })
          return async () => toldOf(ready, await postProposal(deps, ready))
        },
      }
    },
  }),
  batchRoute({
    list: 'answers',
    path: '/trades/accept/batch',
    summary: 'Accept many proposals, each answered by itself',
    who: 'Owner or staff of the other side of each trade.',
    one: keyedYesIn,
    named: (asked) => ({ proposals: [], trades: asked }),
    judge: (deps, ground, { networkId, tradeId, key, ...body }, sent) => {
      const trade = ground.trade(networkId, tradeId)
      guardFound(ground.actor, 'answer_trade', atAnswer(trade))
      const kept = keptYes(ground.actor, { networkId, tradeId }, key, sent)
      return {
        kept,
        ready: () => {
          const ask = acceptanceOf(ground.actor, trade, body, kept)
          return () => acceptTrade(deps, ask)
        },
      }
    },
  }),
]

function batchRoute<A extends { key: string }>(told: {
  list: string
  path: string
  summary: string
  who: string
  one: z.ZodType<A>
  /** What must be read before they can be judged. */
  named: (asked: A[]) => Omit<GroundAsk, 'secret'>
  judge: Judge<A>
}): Route {
  const { list, path, summary, who, one, named, judge } = told
  return openingRoute({
    tag: 'Trades',
    path,
    summary,
    description: `Up to ${mostAtOnce} in one call, of one network or of several. Each has its own \`key\`, which is what an Idempotency-Key is for one alone, so this call takes no such header; each has its own verdict, in the order asked. A key that stands twice is one ask: the same content is told the same, other content is refused. ${who}`,
    deed: null,
    keysInBody: true,
    body: listIn(list, z.unknown()),
    bodyShown: listIn(list, one),
    answer: z.object({ list: z.array(verdictOut) }),
    opens: async (deps, secret, { body }) => {
      const sent = body?.[list] ?? []
      const read = await readEach(list, one, sent)
      const asked = read.flatMap((each) => each.asked ?? [])
      const ground = await deps.grounds.ask({ secret, ...named(asked) })
      if (!ground) return null
      return { actor: ground.actor, at: body && (() => ({ places: [], thing: 'list', ground, read })) }
    },
    answers: async ({ deps, at, traceId }) => {
      return { status: 200, body: { list: await answerEach(deps, at, judge, traceId) }, replayed: false }
    },
  })
}

function listIn<T extends z.ZodType>(list: string, one: T) {
  return z.strictObject({ [list]: z.array(one).min(1).max(mostAtOnce) })
}

/** Each in its shape, or what is wrong with it; others have their turn in between. */
async function readEach<A extends { key: string }>(
  list: string,
  one: z.ZodType<A>,
  sent: unknown[],
): Promise<Read<A>[]> {
  const read: Read<A>[] = []
  for (const [place, each] of sent.entries()) {
    const parsed = one.safeParse(each)
    const malformed = parsed.success ? null : malformedFrom(parsed.error, `/body/${list}/${place}`)
    read.push({ key: keyIn(each), sent: each, asked: parsed.data ?? null, malformed })
    if (place % atOneGo === atOneGo - 1) await nextTurn()
  }
  return read
}

async function answerEach<A extends { key: string }>(
  deps: Deps,
  { ground, read }: AtList<A>,
  judge: Judge<A>,
  traceId: string,
): Promise<Verdict[]> {
  const heard: (Told | Error)[] = new Array(read.length)
  const refused: { place: number; kept: KeptAnswer; refusal: Refusal }[] = []
  const posts: { place: number; post: () => Promise<Told> }[] = []
  for (const [place, { asked, sent, malformed }] of read.entries()) {
    if (place % atOneGo === atOneGo - 1) await nextTurn()
    let kept: KeptAnswer | null = null
    try {
      if (malformed) throw malformed
      invariant(asked, 'what is well formed was read')
      const judged = judge(deps, ground, asked, sent as object)
      kept = judged.kept
      kept.trace = traceId
      posts.push({ place, post: judged.ready() })
    } catch (error) {
      if (kept && error instanceof Refusal) refused.push({ place, kept, refusal: error })
      else heard[place] = asError(error)
    }
  }
  // Added in the same instant, so that they share calls and commits.
  const [answers, earlier] = await Promise.all([
    Promise.allSettled(posts.map(({ post }) => post())),
    refusedOrBefore(deps, refused),
  ])
  answers.forEach((answer, at) => {
    const { place } = posts[at] as (typeof posts)[number]
    heard[place] = answer.status === 'fulfilled' ? answer.value : asError(answer.reason)
  })
  earlier.forEach((one, at) => {
    heard[(refused[at] as (typeof refused)[number]).place] = one
  })
  return read.map(({ key }, place) => verdictOf(deps, key, heard[place] as Told | Error, traceId))
}

function verdictOf(deps: Deps, key: string | null, heard: Told | Error, traceId: string): Verdict {
  if (heard instanceof Error) {
    const problem = problemOf(deps, heard, traceId)
    if (problem.code === 'our_fault') deps.log.error({ error: plainError(heard), traceId }, 'one of many asks failed')
    return problemVerdict(key, problem, false)
  }
  if (heard.status >= 400) return problemVerdict(key, problemKept(deps, heard.body, traceId), heard.replayed)
  const trade = heard.body as Verdict['trade']
  return { key, status: heard.status, replayed: heard.replayed, trade, problem: null, retryAfter: null }
}

function problemVerdict(key: string | null, problem: Problem, replayed: boolean): Verdict {
  const { status } = problem
  return { key, status, replayed, trade: null, problem, retryAfter: status === 503 ? retryAfterSeconds : null }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('something else than an error was thrown')
}

/** The key as sent, where one was. */
function keyIn(sent: unknown): string | null {
  const key = typeof sent === 'object' && sent !== null && 'key' in sent ? sent.key : null
  return typeof key === 'string' && keyShape.test(key) ? key : null
}
