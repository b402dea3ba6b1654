/**
 * Who writes the same transfers with the same promises (head row and accounts locked in order, the same id never twice, limits
 * with holds, two entries with running balances, hash chain, row-level security): our group commit, and one call of the same
 * function for each transfer.
 *
 * Keeps: the one that calls for each transfer pays no round trip that it can save: its connections have taken role and network
 * once, and a call is its own commit.
 */
import pg from 'pg'
import { type PostingVerdict, post, postingJson, postingsOf, refusalOf } from '../../src/ledger/post.ts'
import type { Ground } from './ground.ts'

export type Contender = {
  once(hot?: boolean): Promise<void>
  end(): Promise<void>
}

export function groupCommit(ground: Ground): Contender {
  const postings = postingsOf(ground.db)
  return {
    async once(hot) {
      await post({ postings }, ground.networkId, ground.nextAsk(hot))
    },
    end: () => postings.idle(),
  }
}

export async function callForEach(ground: Ground, connections: number): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: ground.db.url, max: connections, idleTimeoutMillis: 0 })
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()))
  for (const client of clients) {
    await client.query("select set_config('role', 'quits_writer', false), set_config('quits.networks', $1, false)", [
      ground.networkId,
    ])
    client.release()
  }
  return {
    async once() {
      const { rows } = await pool.query<{ verdicts: PostingVerdict[] }>({
        name: 'ledger_post',
        text: 'select ledger_post($1, $2::jsonb) as verdicts',
        values: [ground.networkId, JSON.stringify([postingJson(ground.nextAsk())])],
      })
      const verdict = rows[0]?.verdicts[0]
      if (!verdict) throw new Error('no verdict')
      if (!verdict.ok) throw refusalOf(verdict)
    },
    end: () => pool.end(),
  }
}
