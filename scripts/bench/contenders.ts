/**
 * Who writes the same transfers with the same promises (head row and accounts locked in order, the same id never twice, limits
 * with holds, the freeze and the legal floor, two entries with running balances and versions, hash chain, row-level security):
 * our group commit, one call of the same function for each transfer, and a Prisma interactive transaction for each.
 *
 * Keeps: none pays a round trip that it can save. Whoever calls for each transfer has taken role and network once for each of
 * its connections, and a call is its own commit.
 */
import pg from 'pg'
import { inTransaction, openDb } from '../../src/kit/db.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { type PostingVerdict, post, postingJson, postingsOf, refusalOf } from '../../src/ledger/post.ts'
import { lockHead, writePosting } from './prisma-posting.ts'
import type { Dealer, Site } from './site.ts'

export type Contender = {
  once(hot: boolean): Promise<void>
  end(): Promise<void>
}
export type Opens = (site: Site, deal: Dealer) => Promise<Contender>

/** Of everyone but us, who needs one; more callers wait in the pool. */
export const connections = 32
const patientMs = 60_000

/** As the service opens it. */
export const groupCommit: Opens = async (site, deal) => {
  const db = openDb(site.url)
  const postings = postingsOf(db)
  return {
    async once(hot) {
      const { networkId, ask } = deal(hot)
      await post({ postings }, networkId, ask)
    },
    async end() {
      await postings.idle()
      await db.close()
    },
  }
}

export const callForEach: Opens = (site, deal) => eachCalls('ledger_post', site, deal)
export const callWithoutChain: Opens = (site, deal) => eachCalls('ledger_post_without_chain', site, deal)

async function eachCalls(name: string, site: Site, deal: Dealer): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: site.url, max: connections, idleTimeoutMillis: 0 })
  pool.on('error', () => undefined)
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()))
  const networks = site.networks.map(({ id }) => id).join(',')
  for (const client of clients) {
    await client.query("select set_config('role', 'quits_writer', false), set_config('quits.networks', $1, false)", [
      networks,
    ])
    client.release()
  }
  return {
    async once(hot) {
      const { networkId, ask } = deal(hot)
      const { rows } = await pool.query<{ verdicts: PostingVerdict[] }>({
        name,
        text: `select ${name}($1, $2::jsonb) as verdicts`,
        values: [networkId, JSON.stringify([postingJson(ask)])],
      })
      const verdict = rows[0]?.verdicts[0]
      invariant(verdict, 'no verdict')
      if (!verdict.ok) throw refusalOf(verdict)
    },
    end: () => pool.end(),
  }
}

export const prismaTransaction: Opens = async (site, deal) => {
  const db = openDb(site.url, { connections })
  return {
    async once(hot) {
      const { networkId, ask } = deal(hot)
      const work = inTransaction(
        db,
        { role: 'writer', network: networkId },
        async (tx) => writePosting(tx, networkId, await lockHead(tx, networkId), ask),
        patientMs,
      )
      await work
    },
    end: () => db.close(),
  }
}

/** The smallest durable commit there is: one row, one index, no rule. */
export const oneRow: Opens = async (site) => {
  const pool = new pg.Pool({ connectionString: site.url, max: connections, idleTimeoutMillis: 0 })
  pool.on('error', () => undefined)
  return {
    async once() {
      await pool.query({ name: 'one_row', text: 'insert into bench_row (amount_minor) values ($1)', values: [1] })
    },
    end: () => pool.end(),
  }
}

export const rowsInACommit = 1_000

/** The same with many rows in a commit. */
export const manyRows: Opens = async (site) => {
  const pool = new pg.Pool({ connectionString: site.url, max: 1 })
  pool.on('error', () => undefined)
  return {
    async once() {
      const text = 'insert into bench_row (amount_minor) select n from generate_series(1, $1) n'
      await pool.query({ name: 'many_rows', text, values: [rowsInACommit] })
    },
    end: () => pool.end(),
  }
}

export const floorTable =
  'create table bench_row (id bigint generated always as identity primary key, amount_minor bigint not null)'
