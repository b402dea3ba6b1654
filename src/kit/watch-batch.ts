/**
 * Counts what passes through a batch: verdicts by their code, how many shared a call, how many wait. Changes nothing of it.
 */
import type { Batch } from './batch.ts'
import type { Metrics } from './metrics.ts'
import { Refusal } from './refusal.ts'

type Verdict = { ok: true; replayed?: boolean } | { ok: false; code: string }

export function watchBatch<Asked, V extends Verdict>(
  metrics: Metrics,
  door: string,
  batch: Batch<Asked, V>,
): Batch<Asked, V> {
  const lanes = new Map<string, number>()
  metrics.batchWaiting.set({ door }, 0)
  let together = 0

  /** All verdicts of one call come in the same turn; what is asked for then runs after the last of them. */
  function answered(): void {
    together += 1
    if (together > 1) return
    queueMicrotask(() => {
      metrics.batchSize.observe({ door }, together)
      together = 0
    })
  }

  function enter(lane: string, step: 1 | -1): void {
    const now = (lanes.get(lane) ?? 0) + step
    if (now > 0) lanes.set(lane, now)
    else lanes.delete(lane)
  }

  const fullest = () => Math.max(0, ...lanes.values())

  return {
    async add(lane, asked) {
      enter(lane, 1)
      metrics.batchWaiting.set({ door }, fullest())
      try {
        const verdict = await batch.add(lane, asked)
        answered()
        metrics.postings.inc({ door, verdict: verdict.ok ? (verdict.replayed ? 'replayed' : 'ok') : verdict.code })
        return verdict
      } catch (error) {
        metrics.postings.inc({ door, verdict: error instanceof Refusal ? error.code : 'failed' })
        throw error
      } finally {
        enter(lane, -1)
        metrics.batchWaiting.set({ door }, fullest())
      }
    },
    idle: () => batch.idle(),
  }
}
