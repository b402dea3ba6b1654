/**
 * The tables that are ours, with their columns, parents before children. What is ours stands behind row-level security,
 * all of it (the second wall); what others keep in the same database does not, and neither does Prisma's own history.
 */
import type pg from 'pg'
import { invariant } from './invariant.ts'

export type OwnTable = { name: string; columns: string[] }

export async function ownTables(client: pg.Client): Promise<OwnTable[]> {
  const { rows } = await client.query<{ name: string; columns: string[]; parents: string[] }>(`
    select c.relname as name,
           array(select a.attname::text from pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns,
           array(select distinct p.relname::text from pg_constraint k join pg_class p on p.oid = k.confrelid
                  where k.conrelid = c.oid and k.contype = 'f' and p.oid <> c.oid order by 1) as parents
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relrowsecurity
     order by c.relname`)
  const ordered: OwnTable[] = []
  let left = rows
  while (left.length > 0) {
    const free = left.filter(({ parents }) => parents.every((parent) => !left.some(({ name }) => name === parent)))
    invariant(free.length > 0, `the tables ${left.map(({ name }) => name).join(', ')} name each other in a ring`)
    ordered.push(...free.map(({ name, columns }) => ({ name, columns })))
    left = left.filter((one) => !free.includes(one))
  }
  return ordered
}
