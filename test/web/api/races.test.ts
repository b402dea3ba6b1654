/** Many at once over HTTP: limits hold to the penny, what is for once happens once, and a full house says so. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText } from '../../../src/kit/ids.ts'
import { Refusal } from '../../../src/kit/refusal.ts'
import { textOf } from '../../../src/networks/mail.ts'
import { type ApiWorld, apiWorld, connectBook, saleOf, sell } from '../../support/api-world.ts'
import type { Answered } from '../../support/app.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())
const statuses = (answers: Answered[]) => answers.map((one) => one.status).sort()

test('fault 59: 32 acceptances at once at the limit: as many as fit, and not a penny more', async () => {
  const { avon, mill, bakery } = world
  const limits = { creditLimit: { amount: '10000', currency: 'GBP' }, reason: 'small' }
  await avon.convener(`PUT ${bakery.path}/limits`, { body: limits })
  const proposed = await Promise.all(
    Array.from({ length: 32 }, () => mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '1000') })),
  )
  const accept = (one: Answered) => bakery.owner(`POST ${avon.path}/trades/${one.body.id}/accept`, { body: {} })
  const answers = await Promise.all(proposed.map(accept))
  expect(answers.filter((one) => one.status === 200)).toHaveLength(10)
  for (const one of answers.filter(({ status }) => status !== 200)) expect(one.body.code).toBe('credit_limit_exceeded')
  expect((await bakery.owner(`GET ${bakery.path}/account`)).body).toMatchObject({ balance: { amount: '-10000' } })
  expect((await avon.convener(`POST ${avon.path}/ledger/audits`)).body.holds).toBe(true)
})

test('one trade accepted and declined at once, by different keys, ends one way', async () => {
  const { app, avon, mill, bakery } = world
  await avon.convener(`PUT ${bakery.path}/limits`, {
    body: { creditLimit: { amount: '500000', currency: 'GBP' }, reason: 'more' },
  })
  const staff = app.client(
    await app.key({ role: 'staff', organisationId: idFromText('organisation', bakery.organisationId) ?? '' }),
  )
  const { body } = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '100') })
  const path = `${avon.path}/trades/${body.id}`
  const answers = await Promise.all([
    bakery.owner(`POST ${path}/accept`, { body: {} }),
    staff(`POST ${path}/accept`, { body: {} }),
    staff(`POST ${path}/decline`, { body: {} }),
    mill.owner(`POST ${path}/withdraw`, { body: {} }),
  ])
  expect(statuses(answers)).toEqual([200, 409, 409, 409])
})

test('fault 58: one key sent at once with two bodies is one of them', async () => {
  const { avon, mill, bakery } = world
  const idempotencyKey = randomUUID()
  const post = (amount: string) =>
    mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, amount), idempotencyKey })
  const answers = await Promise.all([post('101'), post('102'), post('101'), post('102')])
  const ids = new Set(answers.filter((one) => one.status === 201).map((one) => one.body.id))
  expect(ids.size).toBe(1)
  for (const one of answers.filter(({ status }) => status !== 201)) expect([409, 422]).toContain(one.status)
})

test('an invitation opened twice at once lets one in', async () => {
  const { app, avon } = world
  const body = { email: 'twin@x.example', organisation: { name: 'Twin Ltd' } }
  await avon.convener(`POST ${avon.path}/members`, { body })
  const [letter] = await app.worker((tx) => tx.mail.findMany({ where: { recipient: 'twin@x.example' } }))
  const token = /\/join\/(\S+)/.exec(letter ? textOf(app.deps.seal, letter) : '')?.[1] ?? ''
  const form = {
    personName: 'Tess',
    name: 'Twin Ltd',
    legalForm: 'sole_trader',
    statement: 'I trade alone.',
    statementOn: '2026-10-01',
    vatRegistered: 'no',
    termsVersion: '1',
    agree: 'yes',
  }
  const join = () =>
    fetch(`${app.url}/join/${token}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: app.url },
      body: new URLSearchParams(form),
    })
  const answers = await Promise.all([join(), join(), join()])
  expect(answers.map((one) => one.status).sort()).toEqual([303, 409, 409])
  expect(answers.filter((one) => one.headers.get('set-cookie'))).toHaveLength(1)
  await Promise.all(answers.map((one) => one.text()))
})

test('one book chosen by two businesses at once belongs to one', async () => {
  const { app, mill, bakery } = world
  app.books.addBook({ id: 'wanted', name: 'Wanted' })
  const ready = await Promise.all(
    [mill, bakery].map(async (party) => {
      const begun = await party.owner(`POST ${party.path}/connection/consents`, { body: { kind: 'fake' } })
      const url = app.books.agree(begun.body.consentUrl, ['wanted'])
      const finished = await party.owner(`POST ${party.path}/connection/consents/finish`, { body: { url } })
      return { party, consentId: finished.body.consentId as string }
    }),
  )
  const choose = ({ party, consentId }: (typeof ready)[number]) =>
    party.owner(`POST ${party.path}/connection/consents/${consentId}/choose`, { body: { bookId: 'wanted' } })
  const answers = await Promise.all([...ready, ...ready].map(choose))
  expect(answers.filter((one) => one.status === 201)).toHaveLength(1)
  for (const one of answers.filter(({ status }) => status !== 201)) expect(one.status).toBe(409)
  expect(answers.map((one) => one.body.code)).toContain('book_of_other_member')
})

test('a yes given twice at once is one yes', async () => {
  const { app, avon } = world
  const dairy = await avon.member('Dairy')
  const farm = await avon.member('Farm')
  await connectBook(app, farm, 'farm-book')
  const tradeId = (await sell(avon.path, farm, dairy, '900')).split('/').at(-1)
  const yes = () => farm.owner(`POST ${farm.path}/connection/approvals`, { body: { tradeId } })
  const answers = await Promise.all([yes(), yes(), yes(), yes()])
  expect(answers.every((one) => one.status < 500)).toBe(true)
  expect(answers.filter((one) => one.status === 201).length).toBeGreaterThan(0)
  expect(await app.worker((tx) => tx.approval.count())).toBe(1)
  const [connection] = await app.worker((tx) => tx.connection.findMany({ where: { bookId: 'farm-book' } }))
  expect(connection?.yesGiven).toBe(1)
})

test('a waiting room that is full answers 503 with the time to wait, keeps nothing, and the same key works later', async () => {
  const { app, avon, mill, bakery } = world
  const { body } = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '100') })
  const path = `POST ${avon.path}/trades/${body.id}/accept`
  const idempotencyKey = randomUUID()
  const room = app.deps.acceptances
  app.deps.acceptances = { ...room, add: () => Promise.reject(new Refusal('try_again_soon', {})) }
  const full = await bakery.owner(path, { body: {}, idempotencyKey })
  app.deps.acceptances = room
  expect([full.status, full.headers.get('retry-after'), full.body.code]).toEqual([503, '1', 'try_again_soon'])
  expect((await bakery.owner(path, { body: {}, idempotencyKey })).status).toBe(200)
})

test('a POST whose work broke down gives its key back', async () => {
  const { app, avon } = world
  const body = { email: 'broken@x.example', role: 'auditor' }
  const idempotencyKey = randomUUID()
  const { clock } = app.deps
  app.deps.clock = {
    now: () => {
      throw new Error('broken on purpose')
    },
  }
  const broken = await avon.convener(`POST ${avon.path}/people`, { body, idempotencyKey }).finally(() => {
    app.deps.clock = clock
  })
  expect([broken.status, broken.body?.code]).toEqual([500, 'our_fault'])
  expect(broken.text).not.toMatch(/broken on purpose|\.ts/)
  expect((await avon.convener(`POST ${avon.path}/people`, { body, idempotencyKey })).status).toBe(201)
})
