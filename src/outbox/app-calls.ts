/** The calls that all books of one vendor share: one row for all processes, asked before a round leaves. */
import type { BookConnector } from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Asked } from './budget.ts'
import type { OutboxDeps } from './outbox-deps.ts'

/** How long the round must wait, in milliseconds; 0 when its calls are taken. */
export async function takeAppCalls(
  deps: Pick<OutboxDeps, 'db'>,
  { kind, limits }: Pick<BookConnector, 'kind' | 'limits'>,
  { calls, live }: Required<Asked>,
): Promise<number> {
  const { appAMinute } = limits
  if (appAMinute === null) return 0
  const rows = await inTransaction(
    deps.db,
    asWorker,
    (tx) =>
      tx.$queryRaw<{ wait: number }[]>`
        select take_app_calls(${kind}, ${calls}::integer, ${appAMinute}::integer, ${live}) as wait`,
  )
  return rows[0]?.wait ?? 0
}
