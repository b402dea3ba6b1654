/**
 * What a worker does for addresses that are told: gathers what is new, and beside it serves several addresses at once.
 *
 * Keeps: an address that does not answer keeps one of the turns busy, and neither the others nor the gathering.
 */
import { askAsWorker } from '../kit/ask-as-worker.ts'
import { type Round, roundsAtOnce } from './keep.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { sendNotices } from './send-notices.ts'

const addressesAtOnce = 4
const mostGathered = 2_000

export function noticeRounds(deps: OutboxDeps, { loopback }: { loopback: boolean }): Round[] {
  return [
    { name: 'notices', serve: () => gatherNotices(deps) },
    ...roundsAtOnce('addresses', addressesAtOnce, (place) =>
      sendNotices(deps, { loopback, worker: `${deps.worker}/${place}` }),
    ),
  ]
}

/** Makes notices of what is new. Gives how many. */
export function gatherNotices({ db }: OutboxDeps): Promise<number> {
  return askAsWorker<number>(db, 'gather_notices($1)', [mostGathered])
}
