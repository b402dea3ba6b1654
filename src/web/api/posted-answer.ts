/** An answer that is kept in the commit of its posting: what is known before, and where the ledger put it. */
import { instantOf } from '../../kit/clock.ts'
import type { AnswerUnderKey } from '../../outbox/post-and-promise.ts'
import type { KeptAnswer } from './kept-answer.ts'
import { at as instant } from './shapes.ts'

export function answerUnder(kept: KeptAnswer, template: Record<string, unknown>, status: number): AnswerUnderKey {
  const { actor, route, key } = kept
  return { actor, route, key, bodyHash: Buffer.from(kept.bodyHash).toString('hex'), template, status }
}

/** As the kept answer tells it. */
export function placeOf(posted: { bookedOn: string; recordedAt: string; transfers: { number: number | null }[] }) {
  return {
    number: String(posted.transfers[0]?.number),
    bookedOn: posted.bookedOn,
    recordedAt: instant(instantOf(posted.recordedAt)),
  }
}
