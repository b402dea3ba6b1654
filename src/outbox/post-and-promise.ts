/** A posting that is no trade, and what it leaves in the books, in one commit. Throws the refusal when a rule says no. */
import { type Db, withConnection } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { type PostingAsk, type PostingVerdict, postingJson, refusalOf } from '../ledger/post.ts'
import type { Promised } from './delivery.ts'

export async function postAndPromise(
  db: Db,
  networkId: Uuid,
  posting: PostingAsk,
  promises: Promised[],
): Promise<Extract<PostingVerdict, { ok: true }>> {
  const verdict = await withConnection(db.writer, { role: 'writer', network: networkId }, async (client) => {
    const { rows } = await client.query<{ verdict: PostingVerdict }>(
      'select post_and_promise($1, $2::jsonb, $3::jsonb) as verdict',
      [networkId, JSON.stringify(postingJson(posting)), JSON.stringify(promises)],
    )
    return rows[0]?.verdict
  })
  invariant(verdict, 'post_and_promise gave no verdict')
  if (!verdict.ok) throw refusalOf(verdict)
  return verdict
}
