/** Deliveries and connections on the command line: found by filter, moved by deed, told in words and in one shape of JSON. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idText } from '../../src/kit/ids.ts'
import { nameRole } from '../../src/networks/person.ts'
import { quits } from '../../src/quits.ts'
import { type BooksSetUp, setUpBooks } from '../books/set-up.ts'
import { type SmallOutbox, smallOutbox } from '../outbox/small-outbox.ts'

let on: BooksSetUp
let outbox: SmallOutbox
beforeAll(async () => {
  on = await setUpBooks()
  outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
})
afterAll(() => on.end())

async function ask(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const environment = {
    DATABASE_URL: on.db.url,
    QUITS_MASTER_KEY: '07'.repeat(32),
    PUBLIC_URL: 'https://quits.example',
  }
  const exit = await quits(args, { out: (text) => out.push(text), err: (text) => err.push(text), environment })
  return { exit, out: out.join('\n'), err: err.join('\n') }
}
async function askJson(...args: string[]) {
  const { exit, out } = await ask(...args, '--json')
  return { exit, json: JSON.parse(out) }
}
const slug = () => outbox.network.slug

test('one shape of JSON for a delivery, with cause, words, whose it is and the next action', async () => {
  const { exit, json } = await askJson('deliveries', 'list', '--network', slug())
  expect(exit).toBe(0)
  expect(json).toHaveLength(1)
  expect(json[0]).toMatchObject({
    network: slug(),
    book: 'The mill',
    kind: 'invoice',
    state: 'parked',
    cause: 'period_locked',
    words: expect.stringContaining('closed period'),
    who: 'bookkeeper',
    next: { button: 'redate', text: expect.any(String) },
    said: expect.any(String),
  })
  const shown = (await askJson('deliveries', 'show', json[0].id)).json
  expect(shown).toMatchObject({ ...json[0], tries: [{ number: 1, verb: 'documents', outcome: 'refused' }] })
  const moved = (await askJson('deliveries', 'retry', json[0].id)).json
  expect(Object.keys(moved).sort()).toEqual([...Object.keys(json[0]), 'changed'].sort())
  const text = (await ask('deliveries', 'show', json[0].id)).out
  expect(text).toMatch(/^invoice .*\nstate +waiting\n/)
  await outbox.deliver()
})

test('filters find what they name, and say so when nothing is like that', async () => {
  const list = async (...more: string[]) =>
    (await askJson('deliveries', 'list', '--network', slug(), ...more)).json.length
  expect(await list('--cause', 'period_locked')).toBe(1)
  expect(await list('--cause', 'plan_limit')).toBe(0)
  expect(await list('--organisation', 'The mill')).toBe(1)
  expect(await list('--organisation', idText('organisation', outbox.member('bakery').organisationId))).toBe(0)
  await outbox.travel(120)
  expect(await list('--state', 'all', '--older-than', '1m')).toBeGreaterThan(1)
  expect(await list('--older-than', '90d')).toBe(0)
  expect((await ask('deliveries', 'list', '--network', slug(), '--state', 'dropped')).out).toBe('Nothing is dropped.')
})

test('bad use is told with 1, a rule that says no with 2', async () => {
  const no = 'dlv_00000000000000000000000000'
  for (const [exit, ...args] of [
    [1, 'deliveries', 'list', '--state', 'lost'],
    [1, 'deliveries', 'list', '--older-than', 'yesterday'],
    [1, 'deliveries', 'list', '--older-than', '999999d'],
    [1, 'deliveries', 'list', '--state', 'waiting', '--cause', 'period_locked'],
    [1, 'deliveries', 'list', '--member', 'x', '--organisation', 'y', '--network', slug()],
    [2, 'deliveries', 'list', '--organisation', 'Nobody Ltd'],
    [1, 'deliveries', 'show', 'trd_1'],
    [2, 'deliveries', 'show', no],
    [2, 'deliveries', 'retry', no],
    [2, 'deliveries', 'undo', no],
    [1, 'deliveries', 'retry-all'],
    [1, 'connections', 'pause'],
    [1, 'connections', 'pause', '--reason', 'x'],
    [1, 'connections', 'pause', 'con_1', '--reason', 'x'],
    [1, 'connections', 'pause', 'con_1', '--network', slug(), '--reason', 'x'],
    [1, 'connections', 'pause', '--network', slug()],
    [2, 'connections', 'resume', '--network', 'nowhere'],
    [1, 'connections', 'list', '--state', 'tired'],
    [2, 'connections', 'show', 'con_00000000000000000000000000'],
    [2, 'connections', 'sign-in-link', 'con_00000000000000000000000000'],
  ] as [number, ...string[]][]) {
    const answer = await ask(...args)
    expect({ args, exit: answer.exit }).toEqual({ args, exit })
    expect(answer.err, args.join(' ')).not.toBe('')
  }
})

test('dropped with a reason and taken back, each once; what is in the book is neither', async () => {
  const invoice = idText('delivery', (await outbox.one('mill', '-SI')).id)
  const drop = ['deliveries', 'drop', invoice, '--reason', 'entered by hand']
  expect((await askJson(...drop)).json).toMatchObject({
    state: 'dropped',
    droppedReason: 'entered by hand',
    changed: true,
  })
  expect((await askJson(...drop)).json).toMatchObject({ changed: false })
  expect(await ask('deliveries', 'retry', invoice)).toMatchObject({ exit: 2, err: expect.stringContaining('dropped') })
  expect((await askJson('deliveries', 'undo', invoice)).json).toMatchObject({ state: 'waiting', changed: true })
  expect((await ask('deliveries', 'undo', invoice)).out).toMatch(/is waiting already\.$/)
  const { rows } = await on.db.pool.query(
    "select what, facts ->> 'reason' as reason from deed where actor = 'quits' and what in ('delivery_drop', 'delivery_undo') order by id",
  )
  expect(rows).toEqual([
    { what: 'delivery_drop', reason: 'entered by hand' },
    { what: 'delivery_undo', reason: null },
  ])
  const contact = (await outbox.deliveries('mill')).find((one) => one.kind === 'contact')
  const inBook = idText('delivery', contact?.id ?? '')
  expect(await ask('deliveries', 'drop', inBook, '--reason', 'x')).toMatchObject({
    exit: 2,
    err: expect.stringContaining('in the book'),
  })
  await outbox.deliver()
})

test('all of a kind are tried again, and the next time there is nothing of that kind', async () => {
  const all = ['deliveries', 'retry-all', '--cause', 'period_locked', '--network', slug()]
  expect((await askJson(...all)).json).toEqual({ cause: 'period_locked', retried: 1, books: 1 })
  expect((await ask(...all)).out).toBe('Nothing is parked for period_locked.')
  await outbox.deliver()
})

test('a network’s sending is paused with a reason, shown at each of its books, and goes on', async () => {
  const id = idText('connection', outbox.connection('mill').id)
  const at = ['--network', slug()]
  expect((await askJson('connections', 'pause', ...at, '--reason', 'year end')).json).toMatchObject({
    network: slug(),
    paused: { by: 'quits', reason: 'year end' },
  })
  expect((await ask('connections', 'show', id)).out).toContain('sends nothing, paused by quits: year end')
  expect((await askJson('connections', 'show', id)).json).toMatchObject({
    id,
    state: 'live',
    paused: null,
    sending: [{ network: slug(), paused: { reason: 'year end' } }],
    deliveries: expect.objectContaining({ delivered: expect.any(Number) }),
  })
  expect((await askJson('connections', 'resume', ...at)).json).toEqual({ network: slug(), paused: null })
})

test('connections are found by state and by how long no call has worked, and one is paused with a reason', async () => {
  const list = async (...more: string[]) => (await askJson('connections', 'list', '--network', slug(), ...more)).json
  expect(await list('--organisation', 'The mill')).toMatchObject([
    { organisation: 'The mill', state: 'live', parked: 1 },
  ])
  expect(await list('--state', 'none')).toEqual([])
  expect(await list('--older-than', '90d')).toEqual([])
  const id = idText('connection', outbox.connection('bakery').id)
  const paused = (await askJson('connections', 'pause', id, '--reason', 'stocktaking')).json
  expect(paused).toMatchObject({ state: 'paused', paused: { by: 'quits', reason: 'stocktaking' } })
  expect(await list('--state', 'paused')).toMatchObject([{ id, organisation: 'The bakery' }])
  expect((await askJson('connections', 'resume', id)).json).toMatchObject({ state: 'live', paused: null })
})

test('a sign-in link leads one of its people to the connection; a stranger gets none', async () => {
  const { organisationId } = outbox.member('mill')
  const id = idText('connection', outbox.connection('mill').id)
  expect(await ask('connections', 'sign-in-link', id)).toMatchObject({ exit: 2 })
  await on.worker((tx) =>
    nameRole(tx, on.clock, { email: 'milla@example.org', organisationId, role: 'owner', actor: 'quits' }),
  )
  const { json } = await askJson('connections', 'sign-in-link', id)
  expect(json).toMatchObject({
    email: 'milla@example.org',
    url: expect.stringMatching(/^https:\/\/quits\.example\/sign-in\/\S+$/),
    leadsTo: `/members/${idText('member', outbox.member('mill').id)}/connection`,
  })
  expect(await ask('connections', 'sign-in-link', id, '--email', 'eve@example.org')).toMatchObject({ exit: 2 })
})
