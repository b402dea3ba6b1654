/**
 * The database: one pool for reads and decisions (Prisma on top of it), a few connections for the posting functions.
 *
 * Keeps: every transaction opens by naming its role and its networks, and holds them for that transaction only.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { isTornApart } from './database-trouble.ts'
import type { Uuid } from './ids.ts'
import { invariant } from './invariant.ts'
import type { Log } from './log.ts'
import { type Prisma, PrismaClient } from './prisma-client/client.ts'

export type Tx = Prisma.TransactionClient
export type Db = {
  prisma: PrismaClient
  /** For SQL functions of the posting path and for the few statements Prisma cannot say. */
  pool: pg.Pool
  writer: pg.Pool
  /** A connection for each network whose posting functions are being asked. */
  lines: Lines
  /** Two connections for the rare transaction that waits for the outside (the refresh of a grant): it holds up nobody else. */
  apart: pg.Pool
  url: string
  close(): Promise<void>
}

/**
 * Who works in a transaction. `app`: pages and API, sees the networks and organisations of who asks. `writer`: the
 * posting functions, one network. `worker`: lanes, timed tasks, sign-in: sees all, may not write the ledger.
 */
export type Scope =
  | { role: 'app'; networks: readonly Uuid[]; organisations: readonly Uuid[] }
  | { role: 'writer'; network: Uuid }
  | { role: 'worker' }

export const asWorker: Scope = { role: 'worker' }

type Line = { client: Promise<pg.PoolClient>; underWay: number; isLost: boolean }
type Lines = Map<string, Line>

/** More than all lanes of all batches that may be at work at once, each of which keeps one while it is busy; opened as needed. */
const mostWriters = 16
/** For the posting path, whose callers wait for each other. */
const longestStatementMs = 120_000

/** Whoever waits longer for a connection than this is told so, and asks again. */
const longestWaitMs = 10_000

export function openDb(
  url: string,
  settings: { log?: Log; connections?: number; writers?: number; waitMs?: number } = {},
): Db {
  const connectionTimeoutMillis = settings.waitMs ?? longestWaitMs
  const pool = new pg.Pool({ connectionString: url, max: settings.connections ?? 10, connectionTimeoutMillis })
  const writer = new pg.Pool({
    connectionString: url,
    max: settings.writers ?? mostWriters,
    // What is asked of one connection is on its way while the one before it is still worked on, and answered in the order asked.
    pipeline: true,
    // A lone statement is its own transaction, so its limit cannot be set inside it.
    onConnect: async (client) => void (await client.query(`set statement_timeout = ${longestStatementMs}`)),
  })
  const apart = new pg.Pool({ connectionString: url, max: 2 })
  // An idle connection that the server closed is no reason to fall; the pool opens another.
  for (const one of [pool, writer, apart]) {
    one.on('error', (error) => settings.log?.warn({ error }, 'an idle database connection was lost'))
    // One that is lost at work tells whoever works on it; told to nobody else, it would end the whole program.
    one.on('connect', (client) => client.on('error', () => undefined))
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  return {
    prisma,
    pool,
    writer,
    lines: new Map(),
    apart,
    url,
    async close() {
      await prisma.$disconnect()
      await Promise.all([pool.end(), writer.end(), apart.end()])
    },
  }
}

/**
 * Work in one transaction as somebody. Anything thrown undoes all of it; one that a deadlock tore apart is done again, whole.
 * `one_moment`: every statement sees the database as it was at the first one, whatever others commit meanwhile; for what is
 * compared across statements. No statement outlives `limitMs`: the database gives up with us, and what it had locked is free.
 */
export async function inTransaction<T>(
  db: Db,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
  limitMs = 15_000,
  sees: 'each_moment' | 'one_moment' = 'each_moment',
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(db, scope, work, limitMs, sees)
    } catch (error) {
      // Whoever it met is done by now, and nothing of ours stands.
      if (!isTornApart(error) || tries === mostTries) throw error
    }
  }
}

const mostTries = 4

async function once<T>(
  db: Db,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
  limitMs: number,
  sees: 'each_moment' | 'one_moment',
): Promise<T> {
  const { role, networks, organisations } = named(scope)
  return db.prisma.$transaction(
    async (tx) => {
      await tx.$queryRaw`
        select set_config('role', ${role}, true), set_config('quits.networks', ${networks}, true),
               set_config('quits.organisations', ${organisations}, true), set_config('statement_timeout', ${String(limitMs)}, true)`
      return work(tx)
    },
    {
      timeout: limitMs,
      maxWait: 10_000,
      ...(sees === 'one_moment' ? { isolationLevel: 'RepeatableRead' as const } : {}),
    },
  )
}

/** The same through plain `pg`: for the posting path, which Prisma's cost per call would slow. */
export async function withConnection<T>(
  pool: pg.Pool,
  scope: Scope,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const { role, networks, organisations } = named(scope)
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    await client.query(
      "select set_config('role', $1, true), set_config('quits.networks', $2, true), set_config('quits.organisations', $3, true), set_config('statement_timeout', $4, true)",
      [role, networks, organisations, String(longestStatementMs)],
    )
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((lost: unknown) => {
      broken = lost instanceof Error ? lost : new Error('rollback failed')
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/**
 * One call of an SQL function that is a whole transaction: a single statement, which takes role and networks first. `$1` and so on
 * in the call are the values. Calls for the same networks are worked on in the order in which they were made.
 */
export async function callAlone<Answer>(db: Db, scope: Scope, call: string, values: unknown[]): Promise<Answer> {
  const { role, networks, organisations } = named(scope)
  const [a, b, c] = [1, 2, 3].map((place) => `$${values.length + place}`)
  return onLineOf(db, networks, async (client) => {
    const { rows } = await client.query<{ answer: Answer }>({
      name: call,
      // The condition reads what taking the role gives, and a function is asked of a row only after its conditions.
      text: `with scope as materialized (
          select set_config('role', ${a}, true) as role, set_config('quits.networks', ${b}, true), set_config('quits.organisations', ${c}, true))
        select ${call} as answer from scope where scope.role = ${a}`,
      values: [...values, role, networks, organisations],
    })
    invariant(rows[0], `${call} gave no answer`)
    return rows[0].answer
  })
}

/** The same connection for as long as any call of these networks is under way. */
async function onLineOf<T>(
  { writer, lines }: Db,
  networks: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const line = lines.get(networks) ?? { client: writer.connect(), underWay: 0, isLost: false }
  lines.set(networks, line)
  line.underWay += 1
  try {
    return await work(await line.client)
  } catch (error) {
    // What Postgres itself refuses is undone, and the connection is as it was.
    if ((error as { severity?: unknown } | null)?.severity !== 'ERROR') {
      line.isLost = true
      if (lines.get(networks) === line) lines.delete(networks)
    }
    throw error
  } finally {
    line.underWay -= 1
    if (line.underWay === 0) {
      if (lines.get(networks) === line) lines.delete(networks)
      line.client.then(
        (client) => client.release(line.isLost),
        () => undefined,
      )
    }
  }
}

/** The database's own instant, for what two processes compare. */
export async function databaseNow(tx: Tx): Promise<Date> {
  const rows = await tx.$queryRaw<{ now: Date }[]>`select quits_now() as now`
  invariant(rows[0], 'the database told no time')
  return rows[0].now
}

function named(scope: Scope): { role: string; networks: string; organisations: string } {
  if (scope.role === 'app')
    return { role: 'quits_app', networks: scope.networks.join(','), organisations: scope.organisations.join(',') }
  if (scope.role === 'writer') return { role: 'quits_writer', networks: scope.network, organisations: '' }
  return { role: 'quits_worker', networks: '', organisations: '' }
}
