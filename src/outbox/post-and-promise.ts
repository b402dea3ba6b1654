/**
 * Postings that are no trades, and what they leave in the books and in the trail: many in one call and one commit, a lone one the
 * same way.
 *
 * Keeps: refused, nothing of it is promised or told; its neighbours stand.
 */
import { type Batch, batchOf } from '../kit/batch.ts'
import type { Db } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { isRefusalCode, Refusal, type RefusalCode } from '../kit/refusal.ts'
import { askWriter, type PostingAsk, type PostingVerdict, postingJson, refusalOf } from '../ledger/post.ts'
import type { DeedDone } from '../networks/record-deed.ts'
import type { Promised } from './delivery.ts'

/** What is kept under the asker's key: for a yes the template with `number`, `bookedOn` and `recordedAt`. */
export type AnswerUnderKey = {
  actor: string
  route: string
  key: string
  /** SHA-256 of the request, in hexadecimal. */
  bodyHash: string
  template: Record<string, unknown>
  status: number
}
export type PromisedPosting = {
  posting: PostingAsk
  promises?: Promised[]
  deed?: Pick<DeedDone, 'organisationId' | 'actor' | 'what' | 'facts'>
  answer?: AnswerUnderKey
  /** What is said when the posting's id stands already with other content. */
  idTaken?: RefusalCode
}
export type AnswerKept = { status: number; body: Record<string, unknown> }
type Posted = Extract<PostingVerdict, { ok: true }>
export type PromisedVerdict = PostingVerdict | { ok: true; replayed: true; kept: AnswerKept }

const mostInOneCall = 500
const waitingRoom = 20_000
const networksAtOnce = 3

export function promisedPostingsOf(db: Db): Batch<PromisedPosting, PromisedVerdict> {
  return batchOf({
    run: (networkId, asked) =>
      askWriter<PromisedVerdict>(
        db,
        networkId,
        'post_and_promise',
        asked.map((one) => ({ ...one, posting: postingJson(one.posting) })),
      ),
    most: mostInOneCall,
    waitingRoom,
    atOnce: networksAtOnce,
  })
}

/** One of them. Throws the refusal when a rule says no, or said so before under the same key. */
export async function postAndPromise(
  deps: { promisedPostings: Batch<PromisedPosting, PromisedVerdict> },
  networkId: Uuid,
  ask: PromisedPosting,
): Promise<Posted | { kept: AnswerKept }> {
  return yesOf(await deps.promisedPostings.add(networkId, ask))
}

/** A verdict that is a no, thrown. */
export function yesOf(verdict: PromisedVerdict): Posted | { kept: AnswerKept } {
  if (!verdict.ok) throw refusalOf(verdict)
  if ('kept' in verdict) {
    const { code, facts } = verdict.kept.body as { code?: string; facts?: Refusal['facts'] }
    if (verdict.kept.status >= 400 && code !== undefined && isRefusalCode(code)) throw new Refusal(code, facts ?? {})
  }
  return verdict
}
