import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actorOfKey } from '../src/networks/api-key.ts'
import { confirmSignIn } from '../src/networks/sign-in.ts'
import { quits } from '../src/quits.ts'
import { setUpBooks } from './books/set-up.ts'
import { emptyDatabase } from './support/db.ts'

type World = Awaited<ReturnType<typeof setUpBooks>>
let world: World
let folder: string
beforeAll(async () => {
  world = await setUpBooks()
  folder = mkdtempSync(join(tmpdir(), 'quits-files-'))
})
afterAll(async () => {
  await world.end()
  rmSync(folder, { recursive: true, force: true })
})

const masterKey = '07'.repeat(32)
async function ask(args: string[], more: Record<string, string> = {}) {
  const out: string[] = []
  const err: string[] = []
  const environment = {
    DATABASE_URL: world.db.url,
    QUITS_MASTER_KEY: masterKey,
    PUBLIC_URL: 'https://quits.example',
    ...more,
  }
  const exit = await quits(args, { out: (text) => out.push(text), err: (text) => err.push(text), environment })
  return { exit, out: out.join('\n'), err: err.join('\n') }
}
async function askJson(args: string[]) {
  const said = await ask([...args, '--json'])
  return { ...said, json: JSON.parse(said.out) }
}
function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('bad use is 1, with words, and help is 0', async () => {
  expect(await ask(['dance'])).toMatchObject({ exit: 1, err: expect.stringContaining("unknown command 'dance'") })
  expect(await ask(['networks', 'list', '--colour'])).toMatchObject({ exit: 1 })
  expect(await ask(['keys', 'create', '--role', 'queen'])).toMatchObject({
    exit: 1,
    err: expect.stringContaining('no role "queen"'),
  })
  expect(await ask(['members', 'import', join(folder, 'none.csv')])).toMatchObject({
    exit: 1,
    err: expect.stringContaining('cannot be read (ENOENT)'),
  })
  expect(await ask(['--help'])).toMatchObject({ exit: 0, out: expect.stringContaining('trades') })
})

test('a database that is not there is 3, and a mistaken configuration 1 with all its mistakes', async () => {
  const away = { DATABASE_URL: 'postgres://quits:geheim@127.0.0.1:1/quits' }
  for (const args of [['networks', 'list'], ['audit', '--json'], ['migrate'], ['doctor']]) {
    const said = await ask(args, away)
    expect(said.exit, args.join(' ')).toBe(3)
    expect(said.out + said.err).not.toContain('geheim')
  }
  const wrong = await ask(['config', 'check'], { PORT: 'x', LOG_LEVEL: 'loud' })
  expect(wrong).toMatchObject({ exit: 1, err: expect.stringContaining('PORT') })
  expect(wrong.err).toContain('LOG_LEVEL')
})

test('the configuration is printed without what opens anything', async () => {
  const said = await ask(['config', 'check', '--json'], {
    DATABASE_URL: 'postgres://someone:pass-1@db.example/quits?password=pass-2',
    XERO_CLIENT_ID: 'the-client',
    XERO_CLIENT_SECRET: 'pass-3',
    XERO_WEBHOOK_KEY: 'pass-4',
    QUICKBOOKS_CLIENT_ID: 'the-other',
    QUICKBOOKS_CLIENT_SECRET: 'pass-5',
    QUICKBOOKS_WEBHOOK_VERIFIER: 'pass-6',
    MAIL_URL: 'smtp://mail:pass-7@mail.example',
  })
  expect(said.exit).toBe(0)
  expect(JSON.parse(said.out)).toMatchObject({
    databaseUrl: 'postgres://someone@db.example/quits',
    xero: { clientId: 'the-client' },
  })
  expect(said.out).not.toMatch(/pass-\d/)
  expect(said.out).not.toContain(masterKey)
})

test('migrate needs nothing but the database, and does it once', async () => {
  const empty = await emptyDatabase()
  const alone = { DATABASE_URL: empty.url, QUITS_MASTER_KEY: '' }
  expect(await ask(['networks', 'list'], { DATABASE_URL: empty.url })).toMatchObject({
    exit: 1,
    err: expect.stringContaining('npm run migrate'),
  })
  expect(await ask(['migrate'], alone)).toMatchObject({ exit: 0, out: expect.stringContaining('first') })
  expect(await ask(['migrate'], alone)).toMatchObject({ exit: 0, out: expect.stringContaining('Nothing to do') })
  await empty.drop()
})

test('an operator is named, and signs in once by a printed link from any browser', async () => {
  expect(await ask(['sign-in', 'olga@example.org'])).toMatchObject({
    exit: 2,
    err: expect.stringContaining('olga@example.org'),
  })
  expect(await ask(['operator', 'add', 'not an address'])).toMatchObject({ exit: 1 })
  expect((await askJson(['operator', 'add', 'Olga@example.org'])).json).toMatchObject({
    email: 'olga@example.org',
    isOperator: true,
  })
  const link = await ask(['sign-in', 'olga@example.org'])
  const token = /^https:\/\/quits\.example\/sign-in\/([\w-]{43})$/.exec(link.out)?.[1] ?? ''
  expect((await confirmSignIn(world, { token, browser: 'whichever' })).person).toMatchObject({
    email: 'olga@example.org',
  })
  await expect(confirmSignIn(world, { token, browser: 'whichever' })).rejects.toMatchObject({ code: 'link_dead' })
})

test('keys are made with their place, told once, listed without their secret and revoked', async () => {
  const network = await world.network()
  const member = await world.member(network, 'Keyed Ltd')
  const named = ['--network', network.slug, '--member', 'Keyed Ltd']
  const operator = await ask(['keys', 'create', '--role', 'operator', '--name', 'first'])
  expect(await actorOfKey(world, operator.out)).toMatchObject({ isOperator: true, mayWrite: true })
  const till = (
    await askJson(['keys', 'create', '--role', 'staff', '--name', 'till', ...named, '--read-only', '--days', '7'])
  ).json
  expect(await actorOfKey(world, till.secret)).toMatchObject({
    mayWrite: false,
    actsFor: [{ organisationId: member.organisationId, role: 'staff' }],
  })
  const listed = await ask(['keys', 'list', ...named])
  expect(listed.out).toContain(`${till.id}  staff  only reads`)
  expect(listed.out).not.toContain(till.secret)
  expect(await ask(['keys', 'revoke', till.id])).toMatchObject({ exit: 0 })
  expect(await actorOfKey(world, till.secret)).toBeNull()
  expect(await ask(['keys', 'create', '--role', 'staff', '--name', 'till', '--network', network.slug])).toMatchObject({
    exit: 1,
    err: expect.stringContaining('--member is missing'),
  })
})

const newNetwork = (slug: string) => [
  ...['networks', 'create', slug, '--name', 'North Valley', '--convener', 'asha@valley.example'],
  ...['--organisation', 'North Valley CIC', '--registration-number', '09876543'],
]
const members =
  'name,email,legal_form,registration_number,credit_limit\nOak Ltd,oak@example.org,company,01111111,100\nElm Ltd,elm@example.org,company,02222222,100\n'

describe('a network from the command line', () => {
  test('is made, filled from files, audited and read, and a refusal is 2', async () => {
    expect((await askJson(newNetwork('north'))).json).toMatchObject({ slug: 'north', currency: 'GBP' })
    expect(await ask(newNetwork('north'))).toMatchObject({ exit: 2, err: expect.stringContaining('north') })
    expect((await ask(['networks', 'list'])).out).toContain('North Valley')
    expect(await ask(['members', 'list'])).toMatchObject({ exit: 1, err: expect.stringContaining('--network') })

    const at = ['--network', 'north']
    const people = file('members.csv', members)
    expect((await askJson(['members', 'import', people, ...at, '--dry-run'])).json).toMatchObject({
      done: 2,
      dryRun: true,
    })
    expect((await ask(['members', 'list', ...at])).out).toBe('No members.')
    expect(await ask(['members', 'import', people, ...at])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('2 made'),
    })
    expect((await askJson(['members', 'list', ...at])).json).toMatchObject([
      { name: 'Oak Ltd', balanceMinor: '0', creditLimitMinor: '10000' },
      { name: 'Elm Ltd', standing: 'admitted' },
    ])

    const past = (amount: string) =>
      file('past.csv', `day,seller,buyer,amount\n2020-01-01,Oak Ltd,Elm Ltd,60\n2020-01-02,Oak Ltd,Elm Ltd,${amount}\n`)
    const stopped = await ask(['trades', 'import', past('40.01'), ...at])
    expect(stopped).toMatchObject({ exit: 2 })
    expect(stopped.out).toContain('Line 3: This would bring the buyer to −£100.01; the limit is −£100.00.')
    expect(stopped.out).toContain('Stopped before line 3')
    expect(await ask(['trades', 'import', past('40'), ...at])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('1 made, £40.00 in all; 1 stood already'),
    })

    expect((await askJson(['statement', ...at, '--member', 'Oak Ltd', '--from', '2020-01-02'])).json).toMatchObject({
      openingMinor: '6000',
      closingMinor: '10000',
      entries: [{ bookedOn: '2020-01-02', amountMinor: '4000', afterMinor: '10000' }],
    })
    expect(await ask(['statement', ...at, '--member', 'Ash Ltd'])).toMatchObject({ exit: 2 })
    expect(await ask(['statement', ...at, '--member', 'Oak Ltd', '--from', '2020-02-30'])).toMatchObject({ exit: 1 })
  })

  test('is audited for the record, and a broken truth is 2', async () => {
    await ask(newNetwork('south'))
    expect(await askJson(['audit', '--network', 'south'])).toMatchObject({
      exit: 0,
      json: [{ network: 'south', holds: true, head: { number: '0' } }],
    })
    await world.db.pool.query(
      "update ledger_head set hash = '\\x00' where network_id = (select id from network where slug = 'south')",
    )
    expect(await ask(['audit', '--network', 'south'])).toMatchObject({
      exit: 2,
      out: expect.stringContaining('BROKEN  chain_is_whole: the head row'),
    })
    const { rows } = await world.db.pool.query(
      "select holds from audit_run where network_id = (select id from network where slug = 'south') order by id",
    )
    expect(rows.map((row) => row.holds)).toEqual([true, false])
  })
})

test('connections are listed, paused and resumed; a member without a live book cannot be reconciled', async () => {
  const network = await world.network()
  const firm = await world.memberWithBook(network)
  const connection = await world.live(firm)
  const at = ['--network', network.slug]
  const [listed] = (await askJson(['connections', 'list', ...at])).json
  expect(listed).toMatchObject({ kind: 'fake', state: 'live', organisation: firm.member.organisation.name })
  expect(await ask(['connections', 'resume', listed.id])).toMatchObject({
    exit: 0,
    out: expect.stringContaining('is live'),
  })
  expect(await ask(['connections', 'pause', listed.id, '--reason', 'stocktaking'])).toMatchObject({
    exit: 0,
    out: expect.stringContaining('is paused'),
  })
  expect((await world.read(connection.id)).state).toBe('paused')
  expect(await ask(['reconcile', ...at])).toMatchObject({ exit: 0, out: 'No live book to reconcile.' })
  expect(await ask(['reconcile', ...at, '--member', firm.member.invoicePrefix])).toMatchObject({ exit: 2 })
  expect(await ask(['connections', 'resume', listed.id])).toMatchObject({
    exit: 0,
    out: expect.stringContaining('is live'),
  })
})

test('a parked delivery is listed with its words, tried again, and dropped with a reason', async () => {
  const network = await world.network()
  const member = await world.member(network, 'Parked Ltd')
  const ids = ['0190c000-0000-7000-8000-000000000001', '0190c000-0000-7000-8000-000000000002']
  for (const [place, id] of ids.entries())
    await world.db.pool.query(
      `insert into delivery (network_id, id, organisation_id, kind, reference, document, state, due_at, parked_cause, promised_at)
       values ($1, $2, $3, 'contact', $4, $5, 'parked', now(), 'contact_ambiguous', now())`,
      [
        network.id,
        id,
        member.organisationId,
        `C${place}`,
        { what: 'contact', counterpartId: member.organisationId, role: 'customer' },
      ],
    )
  const at = ['--network', network.slug]
  const listed = (await askJson(['deliveries', 'list', ...at])).json
  expect(listed).toMatchObject([
    { reference: 'C0', cause: 'contact_ambiguous', next: { button: 'choose_contact' } },
    { reference: 'C1', book: 'Parked Ltd' },
  ])
  expect(await ask(['deliveries', 'retry', listed[0].id])).toMatchObject({ exit: 0, out: 'C0 is waiting.' })
  expect(await ask(['deliveries', 'retry', listed[0].id])).toMatchObject({ exit: 0, out: 'C0 is waiting already.' })
  expect(await ask(['deliveries', 'drop', listed[1].id])).toMatchObject({ exit: 1, err: '--reason is missing.' })
  expect(await ask(['deliveries', 'drop', listed[1].id, '--reason', 'closed'])).toMatchObject({
    exit: 0,
    out: 'C1 is dropped.',
  })
  expect(await ask(['deliveries', 'list', ...at])).toMatchObject({ out: 'Nothing is parked.' })
  expect(await ask(['deliveries', 'list', '--state', 'lost'])).toMatchObject({ exit: 1 })
  expect(await ask(['deliveries', 'approve', 'trd_00000000000000000000000000'])).toMatchObject({ exit: 2 })
})

test('the doctor names what is wrong and how to mend it', async () => {
  const said = await askJson(['doctor'])
  const states = Object.fromEntries(
    said.json.findings.map((one: { what: string; state: string }) => [one.what, one.state]),
  )
  // The tests' own server runs with fsync off, and the doctor sees it.
  expect(states).toEqual({
    ...{ node: 'good', configuration: 'good', mail: 'note', address: 'good', database: 'good' },
    ...{ durability: 'wrong', clock: 'good', schema: 'good', xero: 'note', quickbooks: 'note' },
  })
  expect(said.exit).toBe(2)
  const silent = await ask(['doctor'], {
    XERO_CLIENT_ID: 'a',
    XERO_CLIENT_SECRET: 'b',
    XERO_IDENTITY_URL: 'http://127.0.0.1:1',
    PUBLIC_URL: 'http://quits.example',
  })
  expect(silent.out).toContain('127.0.0.1:1 does not answer')
  expect(silent.out).toContain('neither https nor this machine')
})

test('the embedded database is started and stopped, and joined when another program has it', async () => {
  const home = join(tmpdir(), `quits-command-${randomBytes(4).toString('hex')}`)
  const embedded = { DATABASE_URL: '', QUITS_MASTER_KEY: '', QUITS_HOME: home }
  try {
    const first = spawned(['operator', 'add', 'olga@example.org', '--json'], home)
    const second = await ask(['networks', 'list'], embedded)
    expect(second).toMatchObject({ exit: 0, out: 'No networks.' })
    const told = await first
    expect(told).toMatchObject({ exit: 0, out: expect.stringContaining('"isOperator": true') })
    expect(await ask(['sign-in', 'olga@example.org'], embedded)).toMatchObject({ exit: 0 })
    expect(await ask(['doctor'], embedded)).toMatchObject({ exit: 0, out: expect.stringContaining('fsync is on') })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}, 120_000)

function spawned(args: string[], home: string): Promise<{ exit: number | null; out: string }> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const environment = { PATH: process.env.PATH ?? '', QUITS_HOME: home }
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/quits.ts', ...args], { cwd: root, env: environment })
  let out = ''
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString()
  })
  return new Promise((done) => child.on('close', (exit) => done({ exit, out })))
}
