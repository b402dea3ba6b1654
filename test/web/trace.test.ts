/** One trace from the call to the vendor’s own id of what it did: a search for it shows the whole story, and nobody can forge one. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLog } from '../../src/kit/log.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import { type ApiWorld, apiWorld, connectBook, saleOf } from '../support/api-world.ts'
import { serveBeside } from './beside.ts'

const asked = 'trace-of-the-seller'
const agreed = '4bf92f3577b34da6a3ce929d0e0e4736'

let world: ApiWorld
let lines: string[] = []
const log = openLog('info', { write: (line) => void lines.push(line) })
beforeAll(async () => {
  world = await apiWorld()
  world.app.deps.log = log
  for (const [party, book] of [
    [world.mill, 'mill-book'],
    [world.bakery, 'bakery-book'],
  ] as const)
    await connectBook(world.app, party, book)
  await world.app.worker((tx) => tx.connection.updateMany({ data: { askFirst: 0 } }))
}, 60_000)
afterAll(() => world.end())

type Line = Record<string, unknown> & { msg: string }
/** What `grep <trace>` shows. */
const found = (trace: string) => lines.filter((line) => line.includes(trace)).map((line) => JSON.parse(line) as Line)
const said = (story: Line[]) => [...new Set(story.map((line) => line.msg))]

async function through(headers: Record<string, string>) {
  const url = await serveBeside({ ...world.app.deps, log })
  return fetch(`${url}/healthz`, { headers })
}

test('a trace goes in as traceparent or X-Request-Id, and comes back in both', async () => {
  const parent = await through({ traceparent: `00-${agreed}-00f067aa0ba902b7-01`, 'x-request-id': asked })
  expect(parent.headers.get('x-request-id')).toBe(agreed)
  expect(parent.headers.get('traceparent')).toMatch(new RegExp(`^00-${agreed}-[0-9a-f]{16}-01$`))
  const named = await through({ 'x-request-id': asked })
  expect([named.headers.get('x-request-id'), named.headers.get('traceparent')]).toEqual([asked, null])
  const made = await through({})
  expect(made.headers.get('traceparent')).toContain(made.headers.get('x-request-id') ?? 'none')
})

test('what is not well formed is not taken over: no line can be forged, none grows without end', async () => {
  for (const forged of [
    'short',
    'x'.repeat(65),
    'a"},{"forged":true',
    'canary canary canary',
    'canary{jndi}canary',
    'cänäry-cänäry',
  ])
    expect(
      (await through({ 'x-request-id': Buffer.from(forged).toString('latin1') })).headers.get('x-request-id'),
    ).toMatch(/^[0-9a-f]{32}$/)
  const noughts = await through({ traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` })
  expect(noughts.headers.get('x-request-id')).not.toBe('0'.repeat(32))
  expect(lines.some((line) => /canary|forged/.test(line))).toBe(false)
})

test('the trace of who proposed and of who accepted stands in each attempt, beside what the vendor calls it', async () => {
  const { app, avon, bakery, mill } = world
  lines = []
  const url = await serveBeside({ ...app.deps, log })
  const post = async (key: string, path: string, body: object, headers: Record<string, string>) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'idempotency-key': crypto.randomUUID(),
        ...headers,
      },
      body: JSON.stringify(body),
    })
    expect(answer.status).toBeLessThan(300)
    return (await answer.json()) as { id: string }
  }
  const [seller, buyer] = await Promise.all([mill, bakery].map(keyOf))
  const trade = await post(seller ?? '', `${avon.path}/trades`, saleOf(mill, bakery, '4000'), { 'x-request-id': asked })
  await post(
    buyer ?? '',
    `${avon.path}/trades/${trade.id}/accept`,
    {},
    { traceparent: `00-${agreed}-00f067aa0ba902b7-01` },
  )
  app.books.book('mill-book').knobs.loseReply = 1
  await deliverAll()

  const story = found(agreed)
  expect(said(story)).toEqual(['request', 'an attempt leaves', 'an attempt ended'])
  expect(found(asked).filter((line) => line.msg !== 'request')).toEqual(story.filter((line) => line.msg !== 'request'))
  const ended = story.filter((line) => line.msg === 'an attempt ended')
  const rows = await app.worker((tx) => tx.delivery.findMany({ where: { state: 'delivered' } }))
  // Both books: the contact, the paper and its payment.
  expect(rows.map((row) => row.kind).sort()).toEqual(['bill', 'contact', 'contact', 'invoice', 'payment', 'payment'])
  expect(rows.map((row) => row.trace)).toEqual(rows.map(() => `${asked} ${agreed}`))
  for (const row of rows) {
    const done = ended.filter((line) => line.outcome === 'done' && line.reference === row.reference)
    expect(done).toMatchObject([
      {
        kind: row.kind,
        bookDocument: (row.receipt as { id: string }).id,
        callId: (row.receipt as { callId: string }).callId,
      },
    ])
  }
  expect(ended.filter((line) => line.trouble === 'unclear')).not.toEqual([])
  // Nobody is named, and nothing of the trade is told but its id.
  expect(JSON.stringify(story)).not.toMatch(/Flour|Bakery|Mill|4000|40\.00/)
})

test('the trace of a reversal stands in what it leaves in the books', async () => {
  const { app, avon } = world
  const trade = await app.worker((tx) => tx.trade.findFirstOrThrow({ where: { state: 'accepted' } }))
  const path = `${avon.path}/trades/${(await avon.convener(`GET ${avon.path}/trades`)).body.list[0].id}`
  lines = []
  const reversed = await avon.convener(`POST ${path}/reverse`, {
    body: { reason: 'wrong' },
    headers: { 'x-request-id': 'trace-of-the-reversal' },
  })
  expect(reversed.status).toBe(200)
  await deliverAll()
  const rows = await app.worker((tx) =>
    tx.delivery.findMany({ where: { tradeId: trade.id, trace: 'trace-of-the-reversal' } }),
  )
  expect(rows.map((row) => row.kind)).toContain('credit_note')
  expect(
    found('trace-of-the-reversal').filter((line) => line.msg === 'an attempt ended' && line.kind === 'credit_note'),
  ).not.toEqual([])
})

test('each of many that are proposed or accepted in one call is told under its trace', async () => {
  const { app, bakery, mill, avon } = world
  const sale = { networkId: avon.networkId, key: 'one-of-many', ...saleOf(mill, bakery, '700') }
  const made = await mill.owner('POST /v1/trades/batch', {
    body: { trades: [sale] },
    idempotencyKey: null,
    headers: { 'x-request-id': 'trace-of-many-asked' },
  })
  const tradeId: string = made.body.list[0].trade.id
  const answers = [{ networkId: avon.networkId, tradeId, key: 'one-yes-of-many' }]
  const yes = await bakery.owner('POST /v1/trades/accept/batch', {
    body: { answers },
    idempotencyKey: null,
    headers: { 'x-request-id': 'trace-of-many-agreed' },
  })
  expect(yes.body.list[0].status).toBe(200)
  const rows = await app.worker((tx) =>
    tx.delivery.findMany({ where: { kind: 'invoice', trace: { contains: 'many' } } }),
  )
  expect(rows.map((row) => row.trace)).toEqual(['trace-of-many-asked trace-of-many-agreed'])
})

async function keyOf({ organisationId }: { organisationId: string }): Promise<string> {
  const { idFromText } = await import('../../src/kit/ids.ts')
  return world.app.key({ role: 'owner', organisationId: idFromText('organisation', organisationId) ?? '' })
}

/** A book that was told to wait is asked again once its time has come. */
async function deliverAll(): Promise<void> {
  const { app } = world
  for (let round = 0; round < 12; round += 1) {
    while ((await deliverDue(app.deps)) > 0) {}
    await app.travelTo(new Date(app.clock.now().getTime() + 30_000))
  }
}
