/** A backup read back is the same ledger, proven; what is damaged, strange or sealed with another key leaves the database empty. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { backUp } from '../../src/backup/back-up.ts'
import { restore } from '../../src/backup/restore.ts'
import { readArchive, rowsOf } from '../../src/kit/archive.ts'
import { readMigrations } from '../../src/kit/migrate.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { emptyDatabase, freshDatabase } from '../support/db.ts'
import { type World, world } from '../support/world.ts'

const seal = sealWith([new Uint8Array(32).fill(7)])
const say = () => undefined
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quits-backup-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
async function twoSales() {
  const made = await world({ bakery: { creditLimit: '500.00' }, mill: {} })
  await made.mill.sellsTo(made.bakery, '40.00')
  await made.deliver()
  await made.mill.sellsTo(made.bakery, '2.50')
  return made
}
async function backedUp(from: Pick<World<never>, 'ground'>) {
  files += 1
  const file = join(folder, `${files}.backup`)
  const { clock, db } = from.ground
  return { file, told: await backUp({ url: db.url, file, version: '0.1.0', clock, say }) }
}
async function empty() {
  const database = await emptyDatabase()
  onTestFinished(() => database.drop())
  return database.url
}
async function ask<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}
async function rowsIn(url: string): Promise<number> {
  const tables = await ask<{ name: string }>(
    url,
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity",
  )
  let all = 0
  for (const { name } of tables)
    all += Number((await ask<{ n: string }>(url, `select count(*) as n from "${name}"`))[0]?.n)
  return all
}
const at = (made: Pick<World<never>, 'ground'>, url: string, file: string) => ({
  url,
  file,
  seal,
  clock: made.ground.clock,
  say,
})

test('what is read back is what was there: every table, row for row, but for what begins anew', async () => {
  const made = await twoSales()
  const { file, told } = await backedUp(made)
  const url = await empty()

  const restored = await restore(at(made, url, file))

  const { ledgers } = told.manifest
  expect(restored.manifest.ledgers).toEqual(ledgers)
  expect(ledgers).toMatchObject([{ slug: 'calder-valley', number: '2' }])
  const begunAnew = [
    'connection',
    'member',
    'delivery',
    'lane',
    'timed_task',
    'deed',
    'sign_in_link',
    'web_session',
    'consent',
    'mail',
  ]
  for (const { table } of told.manifest.parts) {
    if (begunAnew.includes(table)) continue
    const all = `select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]') as rows from "${table}" t`
    expect(await ask(url, all), table).toEqual(await ask(made.ground.db.url, all))
  }
  expect(told.rows).toBeGreaterThan(30n)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a backup holds every table of the schema', async () => {
  const made = await twoSales()
  const { told } = await backedUp(made)
  const tables = await ask<{ name: string }>(
    made.ground.db.url,
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('_prisma_migrations', 'quits_test_clock')`,
  )
  expect(told.manifest.parts.map(({ table }) => table).sort()).toEqual(tables.map(({ name }) => name).sort())
})

test('a restored copy begins anew: paused, a new series, a look before each put, nobody signed in', async () => {
  const made = await twoSales()
  const { db, network } = made.ground
  await db.pool.query(`insert into person (id, email, created_at) values ('0190c000-0000-7000-8000-000000000009', 'olga@example.org', now());
    insert into web_session (id_hash, person_id, made_at, seen_at, expires_at) values ('\\x01', '0190c000-0000-7000-8000-000000000009', now(), now(), now() + interval '1 day');
    insert into sign_in_link (token_hash, person_id, made_at, expires_at) values ('\\x02', '0190c000-0000-7000-8000-000000000009', now(), now() + interval '1 day');
    insert into timed_task (name, due_at, claimed_by, claimed_at) values ('reconcile_books', now(), 'them', now());
    insert into answer (actor, route, key, body_hash, kept_at) values ('key_1', 'POST /v1/trades', 'half', '\\x03', now());
    update lane set leased_by = 'them', leased_until = now() + interval '1 minute', budget = '{"tokens":0}'`)
  await db.pool.query("update delivery set state = 'sending', fence = 4 where state = 'waiting' and kind = 'invoice'")
  const { file } = await backedUp(made)
  const url = await empty()

  const { anew } = await restore(at(made, url, file))

  expect(anew).toEqual({ pausedConnections: 2, members: 2, lookedForFirst: 4 })
  expect(await ask(url, 'select distinct state from connection')).toEqual([{ state: 'paused' }])
  expect(await ask(url, 'select distinct invoice_series, invoice_next from member')).toEqual([
    { invoice_series: 2, invoice_next: 1 },
  ])
  expect(
    await ask(
      url,
      "select distinct state, look_first, fence, due_at < now() as due from delivery where state <> 'delivered'",
    ),
  ).toEqual([{ state: 'waiting', look_first: true, fence: null, due: true }])
  expect(await ask(url, 'select 1 from timed_task union all select 1 from web_session where ended_at is null')).toEqual(
    [],
  )
  expect(await ask(url, 'select 1 from sign_in_link where used_at is null union all select 1 from answer')).toEqual([])
  expect(
    await ask(url, "select 1 from lane where leased_by is not null or leased_until is not null or budget <> '{}'"),
  ).toEqual([])
  expect(await ask(url, 'select what from deed where network_id is null order by id desc limit 1')).toEqual([
    { what: 'backup_restored' },
  ])
  expect(await ask(url, 'select relname from pg_class where relrowsecurity and not relforcerowsecurity')).toEqual([])
  expect(network.slug).toBe('calder-valley')
})

test('a backup is one moment: of what is written while it is made, nothing is in it', async () => {
  const made = await twoSales()
  const { db, clock } = made.ground
  const file = join(folder, 'moment.backup')
  const holder = new pg.Client({ connectionString: db.url })
  await holder.connect()
  await holder.query('begin; lock table bell in access exclusive mode')
  let atAccounts: (() => void) | undefined
  const accountsRead = new Promise<void>((done) => {
    atAccounts = done
  })
  const saysWhere = (line: string) => (line.startsWith('account:') ? atAccounts?.() : undefined)
  const making = backUp({ url: db.url, file, version: '0.1.0', clock, say: saysWhere })
  // The accounts stand in the file, the bells are waited for, and the ledger comes after them.
  await accountsRead
  await made.mill.sellsTo(made.bakery, '1.00')
  await holder.query('rollback')
  await holder.end()
  expect((await making).manifest.ledgers).toMatchObject([{ number: '2' }])
  const url = await empty()
  await restore(at(made, url, file))
  expect(await ask(url, 'select number::text from ledger_head')).toEqual([{ number: '2' }])
})

test('one byte that changed, anywhere, is found, and nothing is used', async () => {
  const made = await twoSales()
  const { file } = await backedUp(made)
  const whole = readFileSync(file)
  const url = await empty()
  const step = Math.max(1, Math.floor(whole.length / 60))
  for (let place = 0; place < whole.length; place += step) {
    const flipped = Buffer.from(whole)
    flipped[place] = (flipped[place] ?? 0) ^ 1
    const other = join(folder, 'flipped.backup')
    writeFileSync(other, flipped)
    await expect(readArchive(other), `byte ${place}`).rejects.toMatchObject({ name: 'Refusal' })
  }
  const cut = join(folder, 'cut.backup')
  writeFileSync(cut, whole.subarray(0, whole.length - 1))
  await expect(restore(at(made, url, cut))).rejects.toMatchObject({
    code: 'backup_damaged',
    says: expect.stringContaining('cut off'),
  })
  writeFileSync(cut, whole.subarray(0, 9))
  await expect(restore(at(made, url, cut))).rejects.toMatchObject({ code: 'backup_file_unusable' })
  expect(await ask(url, "select 1 from pg_class where relname = 'network'")).toEqual([])
})

test('another format and a newer schema are refused in words', async () => {
  const made = await twoSales()
  const { file } = await backedUp(made)
  const whole = readFileSync(file)
  const url = await empty()
  const other = join(folder, 'other.backup')
  writeFileSync(other, Buffer.concat([Buffer.from('quits-backup 2\n'), whole.subarray(15)]))
  await expect(restore(at(made, url, other))).rejects.toMatchObject({ code: 'backup_of_other_version' })
  const client = new pg.Client({ connectionString: made.ground.db.url })
  await client.connect()
  await client.query(
    "insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('x', 'x', '29990101000000_later', now())",
  )
  await client.end()
  const later = await backedUp(made)
  await expect(restore(at(made, url, later.file))).rejects.toMatchObject({
    code: 'backup_of_other_version',
    says: expect.stringContaining('29990101000000_later'),
  })
  expect(await ask(url, "select 1 from pg_class where relname = 'network'")).toEqual([])
})

test('another master key is refused by name before anything is read; none is needed where nothing is sealed', async () => {
  const made = await twoSales()
  const { file } = await backedUp(made)
  const url = await empty()
  const strange = sealWith([new Uint8Array(32).fill(8)])
  for (const wrong of [strange, null])
    await expect(restore({ ...at(made, url, file), seal: wrong })).rejects.toMatchObject({
      code: 'backup_needs_key',
      says: expect.stringContaining(seal.keyIds[0] ?? '-'),
    })
  expect(await ask(url, "select 1 from pg_class where relname = 'network'")).toEqual([])
})

test('a grant that its key does not open (moved to another row) is found, and the database stays empty', async () => {
  const made = await twoSales()
  await made.ground.db.pool.query(
    'update book_grant set sealed = (select sealed from book_grant order by connection_id limit 1)',
  )
  const { file } = await backedUp(made)
  const url = await empty()
  await expect(restore(at(made, url, file))).rejects.toMatchObject({ code: 'backup_needs_key' })
  expect(await rowsIn(url)).toBe(0)
})

test('a ledger that was changed from outside is found by its chain, and the database stays empty', async () => {
  const made = await twoSales()
  await made.ground.db.pool.query(`alter table transfer disable trigger user;
    update transfer set kind = 'contribution' where number = 1; alter table transfer enable trigger user`)
  const { file } = await backedUp(made)
  const url = await empty()
  await expect(restore(at(made, url, file))).rejects.toMatchObject({
    code: 'backup_not_true',
    says: expect.stringContaining('transfer number 1'),
  })
  expect(await rowsIn(url)).toBe(0)
})

test('a truth that does not hold is named, and the database stays empty', async () => {
  const made = await twoSales()
  await made.ground.db.pool.query(`update account set balance_minor = balance_minor + 1 where kind = 'member'`)
  const { file } = await backedUp(made)
  const url = await empty()
  await expect(restore(at(made, url, file))).rejects.toMatchObject({
    code: 'backup_not_true',
    says: expect.stringContaining('All balances of the network sum to zero.'),
  })
  expect(await rowsIn(url)).toBe(0)
})

test('a database that has rows, or a later schema, is refused and keeps what it has', async () => {
  const made = await twoSales()
  const { file } = await backedUp(made)
  await expect(restore(at(made, made.ground.db.url, file))).rejects.toMatchObject({
    code: 'backup_needs_empty_database',
  })
  expect(await made.audit()).toBe('holds')
  expect(await made.ledgerTable()).toContain('40.00')
  const older = readMigrations().at(-2)?.name
  await made.ground.db.pool.query('delete from _prisma_migrations where migration_name > $1', [older])
  const told = await backedUp(made)
  expect(told.told.manifest.schemaVersion).toBe(older)
  const newer = await freshDatabase()
  onTestFinished(() => newer.drop())
  await expect(restore(at(made, newer.url, told.file))).rejects.toMatchObject({ code: 'backup_needs_empty_database' })
})

test('a login that is no superuser backs up all rows and reads all of them back, the second wall standing again after it', async () => {
  const made = await twoSales()
  const { file, told } = await backedUp(made)
  const keeper = `keeper_${randomBytes(4).toString('hex')}`
  const admin = made.ground.db.url
  await ask(admin, `create role ${keeper} login password 'plain'`)
  onTestFinished(async () => void (await ask(admin, `drop role ${keeper}`)))
  await ask(admin, `grant quits_app, quits_writer, quits_worker to ${keeper} with admin option`)
  const owned = async () => {
    const database = await emptyDatabase()
    // Dropped before its owner is: what was asked for last ends first.
    onTestFinished(() => database.drop())
    const url = new URL(database.url)
    await ask(admin, `alter database ${url.pathname.slice(1)} owner to ${keeper}`)
    url.username = keeper
    url.password = 'plain'
    return url.href
  }
  const [first, second] = [await owned(), await owned()]
  await restore(at(made, first, file))
  const other = join(folder, `${keeper}.backup`)
  const again = await backUp({ url: first, file: other, version: '0.1.0', clock: made.ground.clock, say })
  const rows = ({ parts }: { parts: { table: string; rows: string }[] }) =>
    parts.filter(({ table }) => table !== 'deed').map(({ table, rows }) => `${table} ${rows}`)
  expect(rows(again.manifest)).toEqual(rows(told.manifest))
  expect((await restore(at(made, second, other))).anew.members).toBe(2)
  const walls = 'select count(*)::int as down from pg_class where relrowsecurity and not relforcerowsecurity'
  expect(await ask(second, walls)).toEqual([{ down: 0 }])
}, 60_000)

test('a backup is never written over, and a half one never stands under its name', async () => {
  const made = await twoSales()
  const { file } = await backedUp(made)
  const { clock, db } = made.ground
  const again = { url: db.url, file, version: '0.1.0', clock, say }
  await expect(backUp(again)).rejects.toMatchObject({ code: 'backup_file_there' })
  const broken = join(folder, 'broken.backup')
  const stop = (line: string) => {
    if (line.startsWith('account:')) throw new Error('stopped')
  }
  await expect(backUp({ ...again, file: broken, say: stop })).rejects.toThrow('stopped')
  expect(() => statSync(broken)).toThrow('ENOENT')
  expect(() => statSync(`${broken}.half`)).toThrow('ENOENT')
})

test('rows of any length pass through in pieces', async () => {
  const made = await twoSales()
  const long = 'long '.repeat(400_000)
  await made.ground.db.pool.query(
    `insert into deed (id, actor, what, facts, done_at) select gen_random_uuid(), 'quits', 'told', jsonb_build_object('words', $1::text), now() from generate_series(1, 3)`,
    [long],
  )
  const { file, told } = await backedUp(made)
  const part = told.manifest.parts.find(({ table }) => table === 'deed')
  let length = 0
  if (part) for await (const rows of rowsOf(file, part)) length += rows.length
  expect(length).toBeGreaterThan(3 * long.length)
  const url = await empty()
  await restore(at(made, url, file))
  expect(await ask(url, "select length(facts ->> 'words') as n from deed where what = 'told'")).toEqual(
    [1, 2, 3].map(() => ({ n: long.length })),
  )
})
