/**
 * What a restored copy must not take for granted: the world went on after the backup was made.
 *
 * Keeps: no number that a book may hold is given twice (a new series), nothing is put into a book without a look first,
 * nothing is sent before somebody says so (connections paused), nobody is still signed in, no lease and no timed task is
 * believed. Runs in the transaction that read the rows.
 */
import type pg from 'pg'
import { newId } from '../kit/ids.ts'

export type Anew = { pausedConnections: number; members: number; lookedForFirst: number }

export async function beginAnew(
  client: pg.Client,
  told: { at: Date; madeAt: string; columns: ReadonlySet<string> },
): Promise<Anew> {
  const { at, madeAt, columns } = told
  const reason = `restored from the backup of ${madeAt.slice(0, 16).replace('T', ' ')} UTC`
  const changed = async (text: string, values: unknown[] = []) => (await client.query(text, values)).rowCount ?? 0

  const { pausedConnections, members, lookedForFirst } = await distrustBooks(changed, reason, columns)
  await changed('delete from timed_task')
  await changed('update web_session set ended_at = quits_now() where ended_at is null')
  await changed('update sign_in_link set used_at = quits_now() where used_at is null')
  await changed(
    'update consent set expires_at = least(expires_at, quits_now()), grants_sealed = null where chosen_at is null',
  )
  await changed("update mail set failed = 'its link has ended', body = '' where sent_at is null and kind = 'sign_in'")
  // The first asking runs nowhere any more; the next one is the first.
  await changed('delete from answer where status is null')
  // Who listened hears of what is real, and this may be a drill.
  if (columns.has('webhook_address.id'))
    await changed('update webhook_address set off_at = quits_now(), off_cause = $1 where off_at is null', [reason])
  await changed('insert into deed (id, actor, what, facts, done_at) values ($1, $2, $3, $4, quits_now())', [
    newId(at),
    'quits',
    'backup_restored',
    { madeAt, pausedConnections, lookedForFirst },
  ])
  return { pausedConnections, members, lookedForFirst }
}

type Changed = (text: string, values?: unknown[]) => Promise<number>

/** What the books hold is no longer what the rows say: `columns` of an older schema may lack some. */
export async function distrustBooks(
  changed: Changed,
  reason: string,
  columns: { has(column: string): boolean } = { has: () => true },
): Promise<Anew> {
  const pausedConnections = await changed("update connection set state = 'paused' where state = 'live'")
  // After the sign-in it is where it was; that was before.
  await changed(`
    update connection set last_error = jsonb_set(last_error, '{was}', '"paused"')
     where state = 'needs_sign_in' and last_error ->> 'was' = 'live'`)
  if (columns.has('connection.pause_reason'))
    await changed(
      "update connection set paused_by = 'quits', paused_at = quits_now(), pause_reason = $1 where state = 'paused' and paused_at is null",
      [reason],
    )
  const members = await changed('update member set invoice_series = invoice_series + 1, invoice_next = 1')
  // A minute ago: what was put before shows in every book's searches by now.
  const lookedForFirst = await changed(`
    update delivery set look_first = true, fence = null, due_at = quits_now() - interval '1 minute',
           state = case when state = 'sending' then 'waiting' else state end
     where state in ('waiting', 'sending', 'parked', 'dropped')`)
  // Another fence: whoever held a lane is late by now.
  await changed(
    "update lane set leased_by = null, leased_until = null, fence = fence + 1, budget = '{}', due_at = quits_now()",
  )
  if (columns.has('lane.history')) await changed('update lane set history = server_history()')
  // Every book is read whole before its changes are.
  if (columns.has('sweep.connection_id')) await changed('delete from sweep')
  return { pausedConnections, members, lookedForFirst }
}
