/** The main path, walked by somebody who has only keys and the OpenAPI document. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, apiWorld, connectBook, saleOf } from '../../support/api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())

test('from two connected books to a trade that stands in both and a reconciliation that agrees', async () => {
  const { app, avon, bakery, mill } = world
  await connectBook(app, bakery, 'book-bakery')
  await connectBook(app, mill, 'book-mill')

  const proposed = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '30000') })
  expect(proposed.status).toBe(201)
  expect(proposed.body).toMatchObject({ state: 'proposed', bookedOn: null })
  const trade = `${avon.path}/trades/${proposed.body.id}`
  expect((await bakery.owner(`GET ${trade}`)).body).toMatchObject({
    total: { amount: '36000', currency: 'GBP' },
    credit: { amount: '30000' },
    money: { amount: '6000' },
  })

  const accepted = await bakery.owner(`POST ${trade}/accept`, { body: {} })
  expect(accepted.status).toBe(200)
  expect(accepted.body).toMatchObject({ id: proposed.body.id, state: 'accepted', bookedOn: '2026-11-02' })
  expect(accepted.body.invoiceNumber).toMatch(/^[A-Z0-9]+$/)
  expect((await bakery.owner(`GET ${bakery.path}/account`)).body.balance).toEqual({ amount: '-30000', currency: 'GBP' })

  await app.deliver()
  expect((await mill.owner(`GET ${mill.path}/deliveries?state=delivered`)).body.list).toEqual([])
  for (const party of [mill, bakery]) {
    const preview = await party.owner(`GET ${party.path}/connection/preview`)
    expect(preview.body.list).toHaveLength(1)
    const [paper, payment] = preview.body.list[0].documents
    expect(paper).toMatchObject({
      total: { amount: '36000' },
      lines: [{ net: { amount: '30000' }, vat: { amount: '6000' } }],
      trouble: null,
    })
    expect(payment).toMatchObject({ kind: 'payment', total: { amount: '30000' }, trouble: null })
    expect(payment.account).toContain('Mutual credit')
    const yes = await party.owner(`POST ${party.path}/connection/approvals`, { body: { tradeId: proposed.body.id } })
    expect(yes.status).toBe(201)
    expect((await party.owner(`GET ${party.path}/connection/preview`)).body.list).toEqual([])
  }

  await app.deliver()
  for (const party of [mill, bakery]) {
    const { list } = (await party.owner(`GET ${party.path}/deliveries?tradeId=${proposed.body.id}`)).body
    expect(list.map((one: { kind: string; state: string }) => one.state)).toEqual(['delivered', 'delivered'])
    const one = await party.owner(`GET ${party.path}/deliveries/${list[0].id}`)
    expect(one.body.attempts.at(-1)).toMatchObject({ outcome: 'done' })
    expect(one.body.delivery.inTheBook.deepLink).toContain('https://')

    const run = await party.owner(`POST ${party.path}/reconciliations`)
    expect(run.status).toBe(201)
    expect(run.body).toMatchObject({ state: 'done', drift: { amount: '0' }, discrepancies: 0 })
    const lines = await party.owner(`GET ${party.path}/reconciliations/${run.body.id}/lines`)
    expect(lines.body.list.length).toBe(run.body.matches)
    const csv = await party.owner(`GET ${party.path}/reconciliations/${run.body.id}/lines.csv`)
    expect(csv.type).toBe('text/csv')
    expect(csv.text.split('\r\n')[0]).toMatch(/^verdict,reference/)
  }
})

test('a difference planted by hand is named, and may be accepted with words', async () => {
  const { app, bakery } = world
  const mapping = await bakery.owner(`GET ${bakery.path}/connection/mapping`)
  const accountId = mapping.body.mapping.creditAccountId
  app.books.book('book-bakery').enterByHand({
    kind: 'money_received',
    datedOn: '2026-11-02',
    totalMinor: 500n,
    moves: [{ accountId, amountMinor: 500n }],
  })
  const run = await bakery.owner(`POST ${bakery.path}/reconciliations`)
  expect(run.body).toMatchObject({ drift: { amount: '-500' }, discrepancies: 1 })
  const { list } = (await bakery.owner(`GET ${bakery.path}/discrepancies`)).body
  expect(list).toMatchObject([{ kind: 'missing_in_ledger', state: 'open', effect: { amount: '-500' } }])
  const accept = `POST ${bakery.path}/discrepancies/${list[0].id}/accept`
  expect((await bakery.owner(accept, { body: { words: 'our own correction' } })).body.state).toBe('accepted')
  expect((await bakery.owner(accept, { body: { words: 'again' } })).status).toBe(409)
})

test('a statement opens and closes with balances, page by page, and as CSV', async () => {
  const { mill } = world
  const page = await mill.owner(`GET ${mill.path}/statement?from=2026-11-01&to=2026-11-30&limit=1`)
  expect(page.body).toMatchObject({
    opening: { amount: '0' },
    closing: { amount: '30000' },
    list: [{ kind: 'trade', amount: { amount: '30000' }, bookedOn: '2026-11-02' }],
    next: null,
  })
  expect((await mill.owner(`GET ${mill.path}/balance?on=2026-11-01`)).body.balance.amount).toBe('0')
  expect((await mill.owner(`GET ${mill.path}/balance?on=2026-11-02`)).body.balance.amount).toBe('30000')
  const csv = await mill.owner(`GET ${mill.path}/statement.csv`)
  expect(csv.text.split('\r\n').map((line) => line.split(',').slice(-2))).toEqual([
    ['amount', 'balance'],
    ['', '0.00'],
    ['300.00', '300.00'],
    ['', '300.00'],
    [''],
  ])
})

test('an audit holds, and is kept', async () => {
  const { avon } = world
  const ran = await avon.convener(`POST ${avon.path}/ledger/audits`)
  expect(ran.body.holds).toBe(true)
  expect((await avon.convener(`GET ${avon.path}/ledger/audits`)).body.list[0].id).toBe(ran.body.id)
  expect((await avon.convener(`GET ${avon.path}/ledger/head`)).body).toMatchObject(ran.body.head)
})

test('what a consent does not cover is named one by one', async () => {
  const { app, avon } = world
  const party = await avon.member('Tannery')
  const { fake } = app.deps.connectors
  if (!fake) throw new Error('no fake book')
  Object.assign(fake, { wants: ['accounting', 'accounting.journals', 'accounting.reports'] })
  await connectBook(app, party, 'book-tannery')
  Object.assign(fake, { wants: ['accounting'] })
  expect((await party.owner(`GET ${party.path}/connection`)).body).toMatchObject({
    state: 'live',
    lastError: { cause: 'scope_missing', missing: ['accounting.journals', 'accounting.reports'] },
  })
})

test('pause, resume and the end of a connection', async () => {
  const { bakery } = world
  const path = `${bakery.path}/connection`
  const body = { reason: 'stocktaking' }
  const paused = { state: 'paused', paused: { reason: 'stocktaking' } }
  expect((await bakery.owner(`POST ${path}/pause`, { body })).body).toMatchObject(paused)
  expect((await bakery.owner(`POST ${path}/pause`, { body })).body).toMatchObject(paused)
  expect((await bakery.owner(`POST ${path}/pause`, { body: {} })).status).toBe(400)
  expect((await bakery.owner(`POST ${path}/resume`)).body.state).toBe('live')
  expect((await bakery.owner(`PUT ${path}/ask-first`, { body: { askFirst: null } })).body.askFirst).toBeNull()
  expect((await bakery.owner(`POST ${path}/disconnect`)).body).toMatchObject({
    connection: { state: 'ended' },
    revoked: true,
  })
  expect((await bakery.owner(`GET ${path}`)).status).toBe(404)
})

test('a reversal needs both sides, or the convener with a reason', async () => {
  const { avon, bakery, mill } = world
  const propose = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '1000') })
  const path = `${avon.path}/trades/${propose.body.id}`
  await bakery.owner(`POST ${path}/accept`, { body: {} })
  const asked = await mill.owner(`POST ${path}/reversal`, { body: { reason: 'wrong buyer' } })
  expect(asked.body.state).toBe('accepted')
  const agreed = await bakery.owner(`POST ${path}/reversal`, { body: { reason: 'agreed' } })
  expect(agreed.body).toMatchObject({ state: 'reversed' })
  expect(agreed.body.reversedAt).not.toBeNull()
  const again = await avon.convener(`POST ${path}/reverse`, { body: { reason: 'once more' } })
  expect(again.body.code).toBe('trade_already_reversed')
})

test('a standing consent accepts by itself up to its amount a month', async () => {
  const { avon, bakery, mill } = world
  const given = await bakery.owner(`POST ${bakery.path}/standing-consents`, {
    body: { fromMemberId: mill.memberId, side: 'buyer', aMonth: { amount: '1500', currency: 'GBP' } },
  })
  expect(given.status).toBe(201)
  const key = { idempotencyKey: 'standing-1' }
  const first = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '1000'), ...key })
  expect(first.body.state).toBe('accepted')
  const repeat = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '1000'), ...key })
  expect([repeat.body, repeat.headers.get('idempotency-replayed')]).toEqual([first.body, 'true'])
  const beyond = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '1000') })
  expect(beyond.body.state).toBe('proposed')
  const revoked = await bakery.owner(`POST ${bakery.path}/standing-consents/${given.body.id}/revoke`)
  expect(revoked.body.revoked).toBe(true)
})
