/**
 * Answers kept under keys of one's own within a call for many.
 *
 * Keeps: a key of one of many is as good as an Idempotency-Key: a yes, and a refusal by a rule, are kept; nothing else is.
 */
import { instantOf } from '../../kit/clock.ts'
import { asWorker, inTransaction } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import type { AnswerKept, AnswerUnderKey } from '../../outbox/post-and-promise.ts'
import type { Deps } from '../deps.ts'
import type { KeptAnswer } from './kept-answer.ts'
import { at as instant } from './shapes.ts'

type Place = { actor: string; route: string }
type Keyed = { key: string; hash: string }

/** What was answered before, by key. */
export async function keptUnderEach(
  deps: Deps,
  { actor, route }: Place,
  asked: Keyed[],
): Promise<Map<string, { hash: string; kept: AnswerKept }>> {
  const keys = [...new Set(asked.map(({ key }) => key))]
  if (keys.length === 0) return new Map()
  const rows = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<{ key: string; hash: string; status: number; body: AnswerKept['body'] }[]>`
      select key, encode(body_hash, 'hex') as hash, status, body from answer
       where actor = ${actor} and route = ${route} and key = any (${keys}) and status is not null`,
  )
  return new Map(rows.map(({ key, hash, status, body }) => [key, { hash, kept: { status, body } }]))
}

/** Refusals by rules that stand before the ledger; what SQL has kept stands. */
export async function keepRefusals(
  deps: Deps,
  { actor, route }: Place,
  asked: Keyed[],
  answers: PromiseSettledResult<unknown>[],
): Promise<void> {
  const refused = answers.flatMap((answer, place) => {
    const one = asked[place]
    const reason: unknown = answer.status === 'rejected' ? answer.reason : null
    return one && reason instanceof Refusal && isKept(reason) ? [{ ...one, reason }] : []
  })
  if (refused.length === 0) return
  const keys = refused.map(({ key }) => key)
  const hashes = refused.map(({ hash }) => hash)
  const statuses = refused.map(({ reason }) => reason.status)
  const bodies = refused.map(({ reason: { code, facts } }) => JSON.stringify({ code, facts }))
  await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$executeRaw`
      insert into answer (actor, route, key, body_hash, status, body, kept_at)
      select ${actor}, ${route}, r.key, decode(r.hash, 'hex'), r.status, r.body::jsonb, quits_now()
        from unnest(${keys}::text[], ${hashes}::text[], ${statuses}::integer[], ${bodies}::text[]) r(key, hash, status, body)
      on conflict (actor, route, key) do nothing`,
  )
}

function isKept({ status, code }: Refusal): boolean {
  return (status === 409 || status === 422) && code !== 'key_of_other_body'
}

/** For a function that keeps the answer in its own commit. */
export function answerUnder(kept: KeptAnswer, template: Record<string, unknown>, status: number): AnswerUnderKey {
  const { actor, route, key } = kept
  return { actor, route, key, bodyHash: Buffer.from(kept.bodyHash).toString('hex'), template, status }
}

/** Where the ledger put it, as the kept answer tells it. */
export function placeOf(posted: { bookedOn: string; recordedAt: string; transfers: { number: number | null }[] }) {
  return {
    number: String(posted.transfers[0]?.number),
    bookedOn: posted.bookedOn,
    recordedAt: instant(instantOf(posted.recordedAt)),
  }
}
