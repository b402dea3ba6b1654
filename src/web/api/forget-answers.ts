/** Kept answers are forgotten after 30 days; a claim whose asker died, after an hour. */
import { asWorker, inTransaction } from '../../kit/db.ts'
import type { Deps } from '../deps.ts'

export async function forgetOldAnswers(deps: Pick<Deps, 'db'>): Promise<number> {
  return inTransaction(
    deps.db,
    asWorker,
    (tx) =>
      tx.$executeRaw`delete from answer where kept_at < quits_now() - interval '30 days' or (status is null and kept_at < quits_now() - interval '1 hour')`,
  )
}
