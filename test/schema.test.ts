/** The models in schema.prisma and the migrated database say the same, column for column, both ways. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshDatabase, freshDatabase } from './support/db.ts'

const columnTypes: Record<string, string> = {
  String: 'text',
  'String @db.Uuid': 'uuid',
  'String @db.Char': 'bpchar',
  Boolean: 'bool',
  Int: 'int4',
  BigInt: 'int8',
  Json: 'jsonb',
  Bytes: 'bytea',
  'DateTime @db.Date': 'date',
  'DateTime @db.Timestamptz': 'timestamptz',
}
const schema = readFileSync(new URL('../prisma/schema.prisma', import.meta.url), 'utf8')
const models = [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name = '', body = '']) => ({
  table: /@@map\("(\w+)"\)/.exec(body)?.[1] ?? name,
  body,
  fields: body.split('\n').flatMap((line) => {
    const field = /^\s+(\w+)\s+(\w+)(\[\]|\?)?(.*)$/.exec(line)
    return field ? [{ name: field[1] ?? '', type: field[2] ?? '', mark: field[3], rest: field[4] ?? '' }] : []
  }),
}))
const columnOf = (field: { name: string; rest: string }) => /@map\("(\w+)"\)/.exec(field.rest)?.[1] ?? field.name

let database: FreshDatabase
let client: pg.Client

beforeAll(async () => {
  database = await freshDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})

afterAll(async () => {
  await client?.end()
  await database?.drop()
})

test('every column of the database is a field of its model with the same type and nullability, and the reverse', async () => {
  const { rows } = await client.query<{ said: string }>(
    `select concat_ws(' ', table_name || '.' || column_name, udt_name, is_nullable, column_default is not null) as said
       from information_schema.columns
      where table_schema = 'public' and table_name not in ('_prisma_migrations', 'quits_test_clock')`,
  )
  const modelled = models.flatMap(({ table, fields }) =>
    fields.map((field) => {
      const native = /@db\.\w+/.exec(field.rest)?.[0]
      const type =
        columnTypes[[field.type, native].filter(Boolean).join(' ')] ?? `unknown ${field.type} ${native ?? ''}`
      const udt = field.mark === '[]' ? `_${type}` : type
      const hasDefault = field.rest.includes('@default') ? 't' : 'f'
      return `${table}.${columnOf(field)} ${udt} ${field.mark === '?' ? 'YES' : 'NO'} ${hasDefault}`
    }),
  )
  expect(modelled.sort()).toEqual(rows.map((row) => row.said).sort())
})

test('every primary key and every whole unique key of the database is the model’s, and the reverse', async () => {
  const { rows } = await client.query<{ said: string }>(
    `select c.relname || ' ' || case when i.indisprimary then 'id' else 'unique' end || ' ' || string_agg(a.attname, ',' order by k.place) as said
       from pg_index i
       join pg_class c on c.oid = i.indrelid
       join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      cross join unnest(i.indkey) with ordinality k (attnum, place)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where i.indisunique and i.indpred is null and c.relname <> '_prisma_migrations'
      group by i.indexrelid, c.relname, i.indisprimary`,
  )
  const modelled = models.flatMap(({ table, body, fields }) => {
    const column = (name: string) => columnOf(fields.find((field) => field.name === name) ?? { name, rest: '' })
    const alone = fields.flatMap((field) => {
      const kind = /@(id|unique)\b/.exec(field.rest)?.[1]
      return kind ? [`${table} ${kind} ${columnOf(field)}`] : []
    })
    const together = [...body.matchAll(/@@(id|unique)\(\[(.+?)\]\)/g)].map(
      ([, kind, names = '']) => `${table} ${kind} ${names.split(', ').map(column).join(',')}`,
    )
    return [...alone, ...together]
  })
  expect(modelled.sort()).toEqual(rows.map((row) => row.said).sort())
})

test('every model says which truth it keeps', () => {
  const silent = [...schema.matchAll(/^(.*)\nmodel (\w+)/gm)].filter(([, above = '']) => !/^\/\/\/ \S/.test(above))
  expect(models.length).toBeGreaterThan(0)
  expect(silent.map(([, , name]) => name)).toEqual([])
})
