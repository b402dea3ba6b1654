/**
 * A standby has taken over, or a copy was rolled forward to a point in the past: the last commits may be gone, and with them what
 * was written into books. As after a restore, the books are not believed: everything is paused, looked for before it is put, and
 * new numbers are a new series. Who is signed in stays so.
 *
 * Keeps: until this is committed no lane is leased, so nothing leaves on what the lost commits would have forbidden.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import type { Log } from '../kit/log.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { distrustBooks } from './begin-anew.ts'

const reason = 'another server took over, and what it had not heard is gone'
/** Every delivery that waits is touched. */
const longestMs = 60_000

/** 1 when it had to be done; 0 when the server is the one it was. */
export async function takeOver({ db, clock, log }: { db: Db; clock: Clock; log: Log }): Promise<number> {
  return inTransaction(
    db,
    asWorker,
    async (tx) => {
      const changed = (text: string, values: unknown[] = []) => tx.$executeRawUnsafe(text, ...values)
      const isAnother = async () =>
        (await tx.$queryRaw<unknown[]>`select 1 from lane where history <> (select server_history()) limit 1`).length >
        0
      if (!(await isAnother())) return 0
      await tx.$queryRaw`select 1 from lane order by id for update`
      // Another process was quicker.
      if (!(await isAnother())) return 0
      const told = { ...(await distrustBooks(changed, reason)) }
      await recordDeed(tx, clock, { actor: 'quits', what: 'standby_took_over', facts: told })
      log.error(told, 'another database server has taken over: every book is paused until a sweep has been looked at')
      return 1
    },
    longestMs,
  )
}
