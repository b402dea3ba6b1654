/**
 * A database that is played in again and again: what stood in it when it was built is kept beside it, and put back before each run.
 *
 * Keeps: tables are emptied as new ones are, never row by row, so that rows come to lie in each run where they lay in any other.
 */
import type pg from 'pg'

const beside = 'as_built'

/** To be called once, when nothing more is built. */
export async function keepAsBuilt(client: pg.Client): Promise<void> {
  await client.query(`create schema ${beside}`)
  for (const table of await tablesOf(client)) {
    // Nobody tidies up behind the planner's back: which plan is taken must not hang on the minute.
    await client.query(`alter table public.${table} set (autovacuum_enabled = false)`)
    await client.query(`create table ${beside}.${table} as table public.${table}`)
  }
}

/** The text that puts everything back, for a session that is nobody's but its own. */
export async function puttingBack(client: pg.Client): Promise<string> {
  const tables = await tablesOf(client)
  const { rows } = await client.query<{ name: string; columns: string }>(
    `select quote_ident(c.relname) as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by c.relname order by c.relname`,
  )
  const filled: string[] = []
  for (const { name, columns } of rows) {
    if (!tables.includes(name)) continue
    const some = await client.query(`select from ${beside}.${name} limit 1`)
    if (some.rowCount === 0) continue
    filled.push(
      `insert into public.${name} (${columns}) overriding system value select ${columns} from ${beside}.${name}`,
    )
  }
  return [
    'begin',
    "set local lock_timeout = '10s'",
    // What guards these tables, and what refers from one to another, has been judged when they were built.
    'set local session_replication_role = replica',
    `truncate ${tables.map((table) => `public.${table}`).join(', ')}`,
    ...filled,
    'commit',
  ].join(';\n')
}

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(relname) as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> '_prisma_migrations' order by relname`,
  )
  return rows.map((row) => row.name)
}
