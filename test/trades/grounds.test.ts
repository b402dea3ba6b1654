/**
 * What is read for many askers in one call: each is told what it alone would be told. Two walls stand before the members, and each
 * is shown to hold where the other is taken away, and that without both a stranger would be told.
 */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askAsWorker } from '../../src/kit/ask-as-worker.ts'
import { idFromText } from '../../src/kit/ids.ts'
import { hashOf } from '../../src/networks/secret.ts'
import { type ApiWorld, apiWorld, type Party, saleOf } from '../support/api-world.ts'

type Told = {
  key: { name: string }
  own: string[]
  networks: { id: string }[]
  trades: string[][]
  members: string[][]
  organisations: [string, string, boolean][]
  consents: string[][]
} | null
type Asked = { secretHash: string; proposals: (string | null)[][]; trades: string[][] }

let world: ApiWorld
const keys: Record<'mill' | 'bakery' | 'forge' | 'convener' | 'operator', string> = {
  mill: '',
  bakery: '',
  forge: '',
  convener: '',
  operator: '',
}
beforeAll(async () => {
  world = await apiWorld()
  const owner = (party: Party) => world.app.key({ role: 'owner', organisationId: organisation(party) })
  for (const name of ['mill', 'bakery', 'forge'] as const) keys[name] = await owner(world[name])
  keys.convener = await world.app.key({ role: 'convener', networkId: world.avon.uuid })
  keys.operator = await world.app.key({ role: 'operator' })
  const consent = { fromMemberId: world.mill.memberId, side: 'buyer', aMonth: { amount: '100000', currency: 'GBP' } }
  await world.bakery.owner(`POST ${world.bakery.path}/standing-consents`, { body: consent })
})
afterAll(() => world.end())

const member = (party: Party) => idFromText('member', party.memberId) ?? ''
const organisation = (party: Party) => idFromText('organisation', party.organisationId) ?? ''
const asks = (secret: string, more: Partial<Asked> = {}): Asked => ({
  secretHash: Buffer.from(hashOf(secret)).toString('hex'),
  proposals: [],
  trades: [],
  ...more,
})
const told = (asked: Asked[], name = 'trade_grounds') =>
  askAsWorker<Told[]>(world.app.db, `${name}($1::jsonb)`, [JSON.stringify(asked)])
/** In which order things are told matters to nobody. */
const sorted = (ground: Told | undefined) =>
  ground &&
  Object.fromEntries(
    Object.entries(ground).map(([what, list]) => [
      what,
      Array.isArray(list) ? list.map((one) => JSON.stringify(one)).sort() : list,
    ]),
  )
const membersTold = (ground: Told | undefined) => ground?.members.map((one) => one[1]).sort()

test('each of many is told what it alone would be told, in the order asked, and a dead key nothing', async () => {
  const { avon, tamar, mill, bakery, forge } = world
  const proposal = [avon.uuid, member(mill), member(bakery)]
  const made = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(bakery, mill, '100', { as: 'buyer' }) })
  expect(made.status).toBe(201)
  const trade = idFromText('trade', made.body.id) ?? ''
  const asked = [
    asks(keys.forge, { proposals: [[tamar.uuid, member(forge), null]] }),
    asks(keys.mill, { proposals: [proposal, [avon.uuid, member(bakery), member(mill)]] }),
    asks(`qk_${'A'.repeat(43)}`, { proposals: [proposal], trades: [[avon.uuid, trade]] }),
    asks(keys.bakery, { trades: [[avon.uuid, trade]] }),
    asks(keys.operator, { proposals: [proposal] }),
    asks(keys.convener, { proposals: [proposal], trades: [[avon.uuid, trade]] }),
    asks(keys.mill),
    asks(keys.mill, { proposals: [proposal] }),
  ]
  const together = await told(asked)
  const alone = await Promise.all(asked.map(async (one) => (await told([one]))[0]))
  expect(together.map(sorted)).toEqual(alone.map(sorted))

  const [ofForge, ofMill, dead, ofBakery, ofOperator, ofConvener, ofNobody] = together
  expect([ofForge?.own, membersTold(ofForge), ofForge?.organisations]).toEqual([
    [tamar.uuid],
    [member(forge)],
    [[organisation(forge), 'Forge', true]],
  ])
  expect([ofMill?.own, membersTold(ofMill), ofMill?.networks.length]).toEqual([
    [avon.uuid],
    [member(mill), member(bakery)].sort(),
    1,
  ])
  // Only the bakery gave one: as the buyer, to the mill.
  expect(ofMill?.consents.map(([network, , ...who]) => [network, ...who])).toEqual([
    [avon.uuid, member(bakery), member(mill), 'buyer'],
  ])
  expect(dead).toBeNull()
  expect([ofBakery?.trades, ofBakery?.members]).toEqual([
    [[avon.uuid, trade, 'buyer', organisation(bakery), organisation(mill)]],
    [],
  ])
  expect([ofOperator?.own, ofOperator?.members, ofOperator?.networks.length]).toEqual([[], [], 1])
  expect([ofConvener?.own, membersTold(ofConvener)?.length, ofConvener?.trades.length]).toEqual([[], 2, 1])
  expect(ofNobody).toMatchObject({ own: [avon.uuid], networks: [], trades: [], members: [], consents: [] })
})

test('nobody asks, and nobody is told', async () => {
  expect(await told([])).toEqual([])
})

const sql = readFileSync(new URL('../../src/trades/grounds.sql', import.meta.url), 'utf8')
const explicitFilter = /\n *where exists \(select 1 from unnest\(seer, seen\) sees.*/
const takingTheRole = /,\n *set_config\('role', 'quits_app', true\)/
const without = (...walls: RegExp[]) =>
  walls.reduce((text, wall) => {
    expect(text.match(new RegExp(wall, 'g'))).toHaveLength(1)
    return text.replace(wall, '')
  }, sql)

/** The same function less a wall, beside the real one. */
async function installed(name: string, text: string): Promise<string> {
  await world.app.db.pool.query(text.replace('function trade_grounds(', `function ${name}(`))
  await world.app.db.pool.query(`grant execute on function ${name}(jsonb) to quits_worker`)
  return name
}

/** The mill names the forge of another network: alone, and in one call with the forge itself. */
async function strangersTold(name?: string): Promise<{ alone: string[][]; shared: string[][] }> {
  const { tamar, mill, forge } = world
  const named = [[tamar.uuid, member(forge), member(mill)]]
  const curious = asks(keys.mill, { proposals: named })
  const [alone] = await told([curious], name)
  const [own, shared] = await told([asks(keys.forge, { proposals: named }), curious], name)
  expect(membersTold(own)).toEqual([member(forge)])
  return { alone: alone?.members ?? [], shared: shared?.members ?? [] }
}

test('nobody is told of a member of a network that it does not see, whoever shares its call', async () => {
  expect(await strangersTold()).toEqual({ alone: [], shared: [] })
})

test('without the wall of the database the statement still asks for its own networks only', async () => {
  const name = await installed('grounds_less_wall', without(takingTheRole))
  expect(await strangersTold(name)).toEqual({ alone: [], shared: [] })
})

test('without that condition the wall of the database hides what no asker of the call sees', async () => {
  const name = await installed('grounds_less_condition', without(explicitFilter))
  const { alone, shared } = await strangersTold(name)
  expect(alone).toEqual([])
  // Who shares a call shares its wall: this is what the condition is for.
  expect(shared.map((one) => one[1])).toEqual([member(world.forge)])
})

test('without both a stranger is told, so each of these tests can fail', async () => {
  const name = await installed('grounds_less_both', without(takingTheRole, explicitFilter))
  const { alone, shared } = await strangersTold(name)
  expect([alone.length, shared.length]).toEqual([1, 1])
})

test('planned while its tables are nearly empty, it looks up all that is named through its key', async () => {
  const { avon, mill, bakery } = world
  const client = new pg.Client({ connectionString: world.app.db.url })
  const notes: string[] = []
  client.on('notice', (note) => void notes.push(note.message ?? ''))
  await client.connect()
  try {
    await client.query(`load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_level = notice;
      set auto_explain.log_nested_statements = on; select set_config('role', 'quits_worker', false)`)
    const proposal = [avon.uuid, member(mill), member(bakery)]
    const asked = [asks(keys.mill, { proposals: [proposal], trades: [[avon.uuid, member(mill)]] })]
    await client.query('select trade_grounds($1)', [JSON.stringify(asked)])
  } finally {
    await client.end()
  }
  const plans = notes.join('\n')
  expect(plans).not.toMatch(/Seq Scan on (?!quits_test_clock)/)
  // An index of the network alone would read all of its members for each one named.
  expect(plans).not.toMatch(/using member_network_id_\w+ on member/)
  for (const [index, table, ...conditions] of [
    ['api_key_secret_hash_key', 'api_key', 'secret_hash ='],
    ['member_of_organisation', 'member', 'organisation_id ='],
    ['member_pkey', 'member', 'network_id = ANY', 'id ='],
    ['member_pkey', 'member', 'network_id = t.network_id', 'id ='],
    ['organisation_pkey', 'organisation', 'id ='],
    ['network_pkey', 'network', 'id ='],
    ['trade_pkey', 'trade', 'network_id =', 'id ='],
    ['standing_consent_once', 'standing_consent', 'network_id =', 'member_id =', 'from_member_id =', 'side ='],
  ] as const) {
    // By itself, or as a bitmap.
    const scan = `(?:using ${index} on ${table}|Bitmap Index Scan on ${index}) [^\\n]*\\n *Index Cond: (.*)`
    const found = [...plans.matchAll(new RegExp(scan, 'g'))]
    const isThroughKey = found.some(([, condition]) => conditions.every((one) => condition?.includes(one)))
    expect([index, isThroughKey]).toEqual([index, true])
  }
})
