/**
 * For information: ledger_post() without the chain, to show what the chain costs whoever calls once for each transfer. A copy
 * of its text with other words in these few places, put into the bench's own database only.
 *
 * Never: is left standing when the text has become another; then a place is not found and the bench says which.
 */
import { readFile } from 'node:fs/promises'
import type pg from 'pg'
import { invariant } from '../../src/kit/invariant.ts'

/** Without the lock on the head, numbers come from a sequence; nothing is hashed, and the head stays as it was. */
const changes: readonly [what: string, was: RegExp, becomes: string][] = [
  ['the name', /function ledger_post\(/, 'function ledger_post_without_chain('],
  ['the lock on the head', /(into head from ledger_head where network_id = p_network) for update;/, '$1;'],
  ['the number', /head\.number := head\.number \+ 1;/, "head.number := nextval('bench_number');"],
  ['the hash', /head\.hash := sha256\([\s\S]*?'UTF8'\)\);/, ''],
  ['the new head', /update ledger_head set [\s\S]*?where network_id = p_network;/, ''],
]

export async function addPostWithoutChain(pool: pg.Pool): Promise<void> {
  let text = await readFile(new URL('../../src/ledger/post.sql', import.meta.url), 'utf8')
  for (const [what, was, becomes] of changes) {
    const found = text.match(new RegExp(was, 'g'))?.length ?? 0
    invariant(found === 1, `post.sql has ${what} ${found} times, so it cannot be measured without its chain`)
    text = text.replace(was, becomes)
  }
  await pool.query(
    'create sequence bench_number start 1000000000; grant usage on sequence bench_number to quits_writer',
  )
  await pool.query(text)
}
