/**
 * Idempotency: the answer to a POST, kept under the caller's key and given again for thirty days.
 *
 * Keeps: one key, one request; a yes and a refusal by a rule are kept, nothing else is.
 */
import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { askAsWorker } from '../../kit/ask-as-worker.ts'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import { isRefusalCode, Refusal } from '../../kit/refusal.ts'
import type { Actor } from '../../networks/roles.ts'
import type { Deps } from '../deps.ts'
import { Malformed, type Problem, problemOf, sendProblem } from '../errors.ts'
import { traceOf } from '../trace.ts'

export type KeptAnswer = {
  actor: string
  route: string
  key: string
  bodyHash: Uint8Array
  /** Of the request that is answered. */
  trace?: string
}
export type Earlier = { status: number; body: unknown }
/** An answer as it is kept, and whether it was given before. */
export type Told = Earlier & { replayed: boolean }

/** `shaped` puts the fields in the order in which they were told first. */
export function replay(
  deps: Deps,
  answer: Response,
  earlier: Earlier,
  traceId: string,
  shaped: (body: unknown) => unknown,
): void {
  answer.set('Idempotency-Replayed', 'true')
  if (earlier.status < 400) {
    answer
      .status(earlier.status)
      .type('application/json')
      .send(JSON.stringify(shaped(earlier.body)))
    return
  }
  sendProblem(answer, problemKept(deps, earlier.body, traceId))
}

/** A refusal that an SQL function kept is its code and facts; the words are added here. */
export function problemKept(deps: Deps, body: unknown, traceId: string): Problem {
  const { code, facts, type } = body as { code: string; facts?: Refusal['facts']; type?: string }
  if (type !== undefined || !isRefusalCode(code)) return body as Problem
  return problemOf(deps, new Refusal(code, facts ?? {}), traceId)
}

export const keyShape = /^[\x21-\x7e]{1,255}$/

export function keptAnswerOf(one: { method: string; path: string }, actor: Actor, request: Request): KeptAnswer {
  const key = request
    .get('idempotency-key')
    ?.trim()
    .replace(/^"(.*)"$/, '$1')
  if (!key)
    throw new Malformed(
      'idempotency_key_missing',
      'A POST needs the header Idempotency-Key; nothing was done.',
      'Send a new random key, and the same one when you repeat this very request.',
    )
  if (!keyShape.test(key))
    throw new Malformed(
      'idempotency_key_malformed',
      'The Idempotency-Key must be 1 to 255 visible ASCII characters.',
      'Send a shorter key without spaces.',
    )
  const door = { route: `${one.method} ${one.path}`, address: request.originalUrl }
  return { ...keptUnder(door, actor, key, request.body), ...(request.res ? { trace: traceOf(request.res) } : {}) }
}

/** For what the request leaves in the books. */
export function tracedAs({ trace }: KeptAnswer): { trace?: string } {
  return trace === undefined ? {} : { trace }
}

/** `sent` is what was sent there, as it was sent: under one key, the same words to the same address are the same request. */
export function keptUnder(
  door: { route: string; address: string },
  actor: Pick<Actor, 'id'>,
  key: string,
  sent: unknown,
): KeptAnswer {
  const bodyHash = createHash('sha256')
    .update(door.address)
    .update('\n')
    .update(typeof sent === 'string' ? sent : JSON.stringify(sent ?? null))
    .digest()
  return { actor: actor.id, route: door.route, key, bodyHash }
}

export async function claim(deps: Deps, kept: KeptAnswer): Promise<Earlier | null> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const made = await tx.$executeRaw`
      insert into answer (actor, route, key, body_hash, status, body, kept_at)
      values (${kept.actor}, ${kept.route}, ${kept.key}, ${kept.bodyHash}, null, null, quits_now())
      on conflict (actor, route, key) do update set kept_at = quits_now()
        where answer.status is null and answer.body_hash = excluded.body_hash and answer.kept_at < quits_now() - interval '60 seconds'`
    if (made === 1) return null
    const earlier = await readKept(tx, kept)
    if (!earlier) throw new Refusal('key_in_use', {})
    return earlier
  })
}

export function keptBefore(deps: Deps, kept: KeptAnswer): Promise<Earlier | null> {
  return inTransaction(deps.db, asWorker, (tx) => readKept(tx, kept))
}

/** Null while there is none, or while the first asking still runs. */
export async function readKept(tx: Tx, kept: KeptAnswer): Promise<Earlier | null> {
  const rows = await tx.$queryRaw<{ body_hash: Uint8Array; status: number | null; body: unknown }[]>`
    select body_hash, status, body from answer where actor = ${kept.actor} and route = ${kept.route} and key = ${kept.key}`
  const earlier = rows[0]
  if (!earlier) return null
  if (Buffer.compare(Buffer.from(earlier.body_hash), Buffer.from(kept.bodyHash)) !== 0)
    throw new Refusal('key_of_other_body', {})
  return earlier.status === null ? null : { status: earlier.status, body: earlier.body }
}

/**
 * What is judged before the ledger is asked: made ready for it, or told as it was under this key before. A refusal that was not
 * told before is kept, where it is an answer, and thrown.
 */
export async function judgedFirst<T>(
  deps: Deps,
  kept: KeptAnswer,
  judge: () => T | Promise<T>,
): Promise<{ ready: T } | { told: Told }> {
  try {
    return { ready: await judge() }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const [heard] = await refusedOrBefore(deps, [{ kept, refusal: error }])
    if (!heard || heard instanceof Refusal) throw heard ?? error
    return { told: heard }
  }
}

/**
 * Refusals that were found before anything was asked of the database, each under its key: an earlier answer stands before them, and
 * those that are answers (409, 422) are kept. What the caller hears, in the order asked.
 */
export async function refusedOrBefore(
  deps: Deps,
  refused: { kept: KeptAnswer; refusal: Refusal }[],
): Promise<(Told | Refusal)[]> {
  if (refused.length === 0) return []
  const rows = refused.map(({ kept: { bodyHash, trace: _trace, ...kept }, refusal }) => ({
    ...kept,
    bodyHash: Buffer.from(bodyHash).toString('hex'),
    status: refusal.status,
    body: { code: refusal.code, facts: refusal.facts },
  }))
  const told = await askAsWorker<((Earlier & { isOther: boolean }) | null)[]>(deps.db, 'keep_refusals($1::jsonb)', [
    JSON.stringify(rows),
  ])
  return refused.map(({ refusal }, place) => {
    const earlier = told[place]
    if (!earlier) return refusal
    return earlier.isOther ? new Refusal('key_of_other_body', {}) : { ...earlier, replayed: true }
  })
}

/** For what was decided outside the SQL function: what that has kept stands. */
export async function keepLate(tx: Tx, kept: KeptAnswer, status: number, body: unknown): Promise<void> {
  await tx.$executeRaw`
    insert into answer (actor, route, key, body_hash, status, body, kept_at)
    values (${kept.actor}, ${kept.route}, ${kept.key}, ${kept.bodyHash}, ${status}, ${JSON.stringify(body)}::jsonb, quits_now())
    on conflict (actor, route, key) do nothing`
}

export async function keep(tx: Tx, kept: KeptAnswer, status: number, body: unknown): Promise<void> {
  await tx.$executeRaw`
    update answer set status = ${status}, body = ${JSON.stringify(body)}::jsonb, kept_at = quits_now()
    where actor = ${kept.actor} and route = ${kept.route} and key = ${kept.key}`
}

export async function forget(tx: Tx, kept: KeptAnswer): Promise<void> {
  await tx.$executeRaw`delete from answer where actor = ${kept.actor} and route = ${kept.route} and key = ${kept.key} and status is null`
}
