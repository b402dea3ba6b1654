/**
 * One book that rang, looked at: what changed there since the last look, asked of the vendor anew.
 *
 * Keeps: live trades go first; a book with some at its door is looked at a little later.
 */
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'
import { sweepBook } from './sweep.ts'
import { isBusy, type Keep } from './sweep-read.ts'

/** False: not now. */
export async function lookAtBook(
  deps: OutboxDeps,
  book: { organisationId: Uuid; connectionId: Uuid },
  keep: Keep,
): Promise<boolean> {
  if (await inTransaction(deps.db, asWorker, (tx) => isBusy(tx, book))) return false
  try {
    await sweepBook(deps, { organisationId: book.organisationId, whole: false, keep })
  } catch (error) {
    // Its accounts are not chosen yet: nothing of ours can be in it.
    if (!(error instanceof Refusal && error.code === 'nothing_to_reconcile')) throw error
  }
  return true
}
