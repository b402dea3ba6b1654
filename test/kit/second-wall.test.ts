/** The second wall, asked table by table: who names nothing sees nothing, who names another network sees nothing of this one. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Scope, withConnection } from '../../src/kit/db.ts'
import { idFromText, newId } from '../../src/kit/ids.ts'
import { type ApiWorld, apiWorld, connectBook, saleOf, sell } from '../support/api-world.ts'

let world: ApiWorld
let owner: pg.Client
let tables: { name: string; hasNetwork: boolean; rows: number }[]
const bare = { networks: [], organisations: [] }

beforeAll(async () => {
  world = await apiWorld()
  const { app, avon, mill, bakery } = world
  await connectBook(app, mill, 'mill-book')
  await sell(avon.path, mill, bakery, '1000')
  await app.deliver()
  await mill.owner(`POST ${mill.path}/reconciliations`)
  await avon.convener(`POST ${avon.path}/ledger/audits`)
  await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '500') })
  owner = new pg.Client({ connectionString: app.db.url })
  await owner.connect()
  const { rows } = await owner.query<{ name: string; hasNetwork: boolean }>(
    `select c.relname as name, exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'network_id' and a.attnum > 0) as "hasNetwork"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind = 'r' and c.relname not in ('_prisma_migrations', 'quits_test_clock') order by 1`,
  )
  tables = []
  for (const one of rows) {
    const counted = await owner.query<{ count: string }>(`select count(*) from "${one.name}"`)
    tables.push({ ...one, rows: Number(counted.rows[0]?.count) })
  }
})
afterAll(async () => {
  await owner?.end()
  await world?.end()
})

/** Rows seen of a table; none when the role has no right there at all. */
async function seen(scope: Scope, table: string, where = 'true', values: unknown[] = []): Promise<number> {
  try {
    return await withConnection(world.app.db.pool, scope, async (client) => {
      const { rows } = await client.query<{ count: string }>(`select count(*) from "${table}" where ${where}`, values)
      return Number(rows[0]?.count)
    })
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42501') return 0
    throw error
  }
}

test('most tables have rows to hide, and the wall stands before each of them, for its owner too', async () => {
  expect(tables.filter((one) => one.rows > 0).length).toBeGreaterThan(25)
  const { rows } = await owner.query(
    `select relname from pg_class where relname = any ($1) and not (relrowsecurity and relforcerowsecurity)`,
    [tables.map((one) => one.name)],
  )
  expect(rows).toEqual([])
})

test('a role that names no network and no organisation sees no row of anything', async () => {
  const leaks: string[] = []
  const nobody = { role: 'writer', network: '' } as const
  for (const { name } of tables) {
    // Lanes carry no secret; the posting functions read names of organisations and answers by their key.
    if (name !== 'lane' && (await seen({ role: 'app', ...bare }, name)) > 0) leaks.push(`app: ${name}`)
    if (!['lane', 'answer', 'network', 'organisation'].includes(name) && (await seen(nobody, name)) > 0)
      leaks.push(`writer: ${name}`)
  }
  expect(leaks).toEqual([])
})

test('a role that names another network and another organisation sees no row of this network', async () => {
  const { avon, tamar, forge } = world
  const foreign = idFromText('organisation', forge.organisationId) ?? ''
  const app: Scope = { role: 'app', networks: [tamar.uuid], organisations: [foreign] }
  const writer: Scope = { role: 'writer', network: tamar.uuid }
  const leaks: string[] = []
  for (const { name, hasNetwork } of tables)
    for (const scope of [app, writer])
      if (hasNetwork && (await seen(scope, name, 'network_id = $1', [avon.uuid])) > 0)
        leaks.push(`${scope.role}: ${name}`)
  for (const name of ['connection', 'mapping', 'book_contact', 'attempt', 'reconciliation_line'])
    if ((await seen(app, name)) > 0) leaks.push(`app: ${name}`)
  expect(leaks).toEqual([])
})

test('in one network, a member’s papers of its book are hidden from the next', async () => {
  const { avon, bakery } = world
  const organisations = [idFromText('organisation', bakery.organisationId) ?? '']
  const neighbour: Scope = { role: 'app', networks: [avon.uuid], organisations }
  const mill = idFromText('organisation', world.mill.organisationId)
  for (const name of ['delivery', 'reconciliation', 'discrepancy', 'connection', 'approval'])
    expect([name, await seen(neighbour, name, 'organisation_id = $1', [mill])]).toEqual([name, 0])
  for (const name of ['mapping', 'book_grant', 'attempt', 'reconciliation_line', 'answer', 'mail', 'api_key'])
    expect([name, await seen(neighbour, name)]).toEqual([name, 0])
})

test('what is append only stays so for every role and for the owner of the tables', async () => {
  const { avon } = world
  const changes = (table: string) => [
    `update "${table}" set network_id = network_id`,
    `delete from "${table}"`,
    `truncate "${table}" cascade`,
  ]
  const scopes: Scope[] = [
    { role: 'app', networks: [avon.uuid], organisations: [] },
    { role: 'writer', network: avon.uuid },
    { role: 'worker' },
  ]
  const done: string[] = []
  for (const table of ['transfer', 'entry', 'deed', 'audit_run', 'network_terms'])
    for (const change of changes(table)) {
      for (const scope of scopes)
        await withConnection(world.app.db.pool, scope, (client) => client.query(change)).then(
          () => done.push(`${scope.role}: ${change}`),
          (error: pg.DatabaseError) => expect(['42501', 'QA001']).toContain(error.code),
        )
      await owner.query(change).then(
        () => done.push(`owner: ${change}`),
        (error: pg.DatabaseError) => expect(error.code).toBe('QA001'),
      )
    }
  expect(done).toEqual([])
})

test('the posting functions take no account, trade or network that is not theirs', async () => {
  const { app, avon, tamar } = world
  const accountsOf = async (network: string) =>
    (
      await owner.query<{ id: string }>('select id from account where network_id = $1 order by kind = $2 desc', [
        network,
        'member',
      ])
    ).rows
  const [mine] = await accountsOf(tamar.uuid)
  const [theirs, also] = await accountsOf(avon.uuid)
  const trade = (
    await owner.query("select to_jsonb(t) as row from trade t where network_id = $1 and state = 'proposed'", [
      avon.uuid,
    ])
  ).rows[0]?.row
  const before = await everything()
  const call = (network: string, name: string, asks: unknown) =>
    withConnection(app.db.writer, { role: 'writer', network: tamar.uuid }, async (client) => {
      const { rows } = await client.query(`select ${name}($1, $2) as answer`, [network, JSON.stringify(asks)])
      return rows[0].answer[0] as { ok: boolean; code: string }
    })
  const posting = (debit?: string, credit?: string) => {
    const id = newId(app.clock.now())
    const transfer = { id, kind: 'trade', debit, credit, amountMinor: '5', causeKind: 'trade', causeId: id }
    return [{ id, transfers: [transfer] }]
  }
  for (const [debit, credit] of [
    [mine?.id, theirs?.id],
    [theirs?.id, mine?.id],
    [theirs?.id, also?.id],
  ])
    expect(await call(tamar.uuid, 'ledger_post', posting(debit, credit))).toMatchObject({ code: 'account_unknown' })
  await expect(call(avon.uuid, 'ledger_post', posting(theirs?.id, also?.id))).rejects.toThrow('no ledger head')
  const ask = { tradeId: trade.id, actor: 'x', side: 'buyer', confirmTreatment: true, reason: 'x', to: 'declined' }
  for (const name of ['accept_trades', 'close_trades', 'reverse_trades'])
    expect(await call(tamar.uuid, name, [{ ...ask, posting: { transfers: [] }, promises: [] }])).toMatchObject({
      code: 'not_found',
    })
  // A whole row smuggled in as a proposal names the other network's members, or the other network itself.
  const proposal = { ...trade, id: newId(app.clock.now()), reference: 'ZZZZZZZZZZ', network_id: tamar.uuid }
  expect(
    await call(tamar.uuid, 'accept_trades', [{ ...ask, side: 'import', tradeId: proposal.id, proposal }]),
  ).toMatchObject({
    code: 'member_not_admitted',
  })
  await expect(
    call(tamar.uuid, 'propose_trades', [{ proposal: { ...proposal, network_id: avon.uuid } }]),
  ).rejects.toThrow('row-level security')
  expect(await everything()).toEqual(before)
})

async function everything() {
  const { rows } = await owner.query(
    `select (select count(*) from trade) trades, (select count(*) from transfer) transfers, (select count(*) from deed) deeds,
            (select string_agg(balance_minor::text, ',' order by id) from account) balances, (select string_agg(state, ',' order by id) from trade) states`,
  )
  return rows[0]
}
