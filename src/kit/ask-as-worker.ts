/**
 * One call of an SQL function as the worker, in one trip: the statement is its own transaction. For what is asked so often that a
 * trip more would be felt: who asks with a key, and what it asks about.
 *
 * Never: writes the ledger; the worker may not.
 */
import type { Db } from './db.ts'
import { invariant } from './invariant.ts'

/** `$1` and so on in the call are the values. */
export async function askAsWorker<Answer>(
  { pool }: Pick<Db, 'pool'>,
  call: string,
  values: unknown[],
): Promise<Answer> {
  const { rows } = await pool.query<{ answer: Answer }>({
    name: call,
    // The condition reads what taking the role gives, and a function is asked of a row only after its conditions.
    text: `with scope as materialized (select set_config('role', 'quits_worker', true) as role)
      select ${call} as answer from scope where scope.role = 'quits_worker'`,
    values,
  })
  invariant(rows[0], `${call} gave no answer`)
  return rows[0].answer
}
