/** A network’s people and members through the API: brought in, given limits, changed, let go. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText } from '../../../src/kit/ids.ts'
import { textOf } from '../../../src/networks/mail.ts'
import { nameRole } from '../../../src/networks/person.ts'
import { type ApiWorld, apiWorld, connectBook, saleOf, sell } from '../../support/api-world.ts'

const gbp = (amount: string) => ({ amount, currency: 'GBP' })
let world: ApiWorld
beforeAll(async () => {
  world = await apiWorld()
})
afterAll(() => world.end())

test('a network is made from a template, and from another network, by an operator alone', async () => {
  const { operator, avon } = world
  const { list } = (await operator('GET /v1/templates')).body
  expect(list.map((one: { template: string }) => one.template)).toContain('uk-business')
  const body = {
    slug: 'dart',
    name: 'Dart',
    from: { networkId: avon.networkId },
    terms: { proposalLifeDays: 3, defaultCreditLimit: gbp('7') },
    organisation: { name: 'Dart CIC' },
  }
  const made = await operator('POST /v1/networks', { body })
  expect(made.status).toBe(201)
  expect((await operator('POST /v1/networks', { body })).body.code).toBe('slug_taken')
  expect((await operator(`GET /v1/networks/${made.body.id}/terms`)).body).toMatchObject({
    version: 1,
    proposalLifeDays: 3,
    defaultCreditLimit: gbp('7'),
  })
})

test('an invitation goes by mail, again by mail, and ends; its link is in no answer', async () => {
  const { app, avon } = world
  const body = { email: 'dave@dairy.example', organisation: { name: 'Dairy Ltd' } }
  const invited = await avon.convener(`POST ${avon.path}/members`, { body })
  expect(invited.body).toMatchObject({
    member: { standing: 'invited', organisation: { name: 'Dairy Ltd', restricted: true } },
    invitation: { state: 'open', email: 'dave@dairy.example' },
  })
  const path = `${avon.path}/members/${invited.body.member.id}`
  expect((await avon.convener(`POST ${path}/admit`, { body: {} })).body.code).toBe('evidence_missing')
  await avon.convener(`POST ${path}/invitations/resend`, { body: { email: 'dora@dairy.example' } })
  const { list } = (await avon.convener(`GET ${path}/invitations`)).body
  expect(list.map((one: { state: string; email: string }) => [one.state, one.email]).sort()).toEqual([
    ['cancelled', 'dave@dairy.example'],
    ['open', 'dora@dairy.example'],
  ])
  const mails = await app.worker((tx) =>
    tx.mail.findMany({ where: { kind: 'invitation', recipient: 'dora@dairy.example' } }),
  )
  const token = /\/(?:join|invitations)\/(\S+)/.exec(mails[0] ? textOf(app.deps.seal, mails[0]) : '')?.[1] ?? 'none'
  expect(JSON.stringify(await app.worker((tx) => tx.answer.findMany()))).not.toContain(token)
  expect((await avon.convener(`POST ${path}/invitations/cancel`)).body.standing).toBe('left')
})

test('a business that is known comes into a second network through one of its owners, and is no business of others', async () => {
  const { app, operator, avon } = world
  const made = await operator('POST /v1/networks', {
    body: { slug: 'exe', name: 'Exe', from: { template: 'uk-business' }, organisation: { name: 'Exe CIC' } },
  })
  expect(made.status).toBe(201)
  const networkId = idFromText('network', made.body.id) ?? ''
  const body = { email: 'rosa@loom.example', organisation: { name: 'Loom Ltd' } }
  const loom: string = (await avon.convener(`POST ${avon.path}/members`, { body })).body.member.organisation.id
  const organisationId = idFromText('organisation', loom) ?? ''
  const convener = app.client(await app.key({ role: 'convener', networkId }))
  const owner = { organisationId, role: 'owner' as const, email: 'rosa@loom.example', actor: 'quits' }
  await app.worker((tx) => nameRole(tx, app.deps.clock, owner))
  const ask = (email: string) =>
    convener(`POST /v1/networks/${made.body.id}/members`, {
      body: { email, organisation: { organisationId: loom } },
    })
  expect(await ask('mallory@example.org')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect(await ask('Rosa@loom.example')).toMatchObject({
    status: 201,
    body: { member: { standing: 'invited', organisation: { id: loom } } },
  })
})

test('limits are set with a reason, kept in order, and asked for by the member', async () => {
  const { avon, bakery } = world
  const set = await avon.convener(`PUT ${bakery.path}/limits`, {
    body: { creditLimit: gbp('250000'), reason: 'two years' },
  })
  expect(set.body).toMatchObject({ creditLimit: gbp('250000'), softCreditLimit: gbp('200000'), toBuy: gbp('250000') })
  const changes = (await bakery.owner(`GET ${bakery.path}/limits/changes?limit=1`)).body.list
  expect(changes).toMatchObject([{ what: 'credit_limit', from: gbp('100000'), to: gbp('250000'), reason: 'two years' }])
  const beyond = await avon.convener(`PUT ${bakery.path}/limits`, {
    body: { creditLimit: gbp('2500001'), reason: 'more' },
  })
  expect(beyond).toMatchObject({ status: 422, body: { code: 'limit_above_terms' } })

  const asked = await bakery.owner(`POST ${bakery.path}/limit-asks`, { body: { to: gbp('300000'), why: 'a new oven' } })
  expect(asked.body.state).toBe('open')
  const answer = `POST ${avon.path}/limit-asks/${asked.body.id}/answer`
  expect((await avon.convener(answer, { body: { grant: true, words: 'yes' } })).body.state).toBe('granted')
  expect((await avon.convener(answer, { body: { grant: true, words: 'yes' } })).body.code).toBe('limit_ask_closed')
  expect((await bakery.owner(`GET ${bakery.path}/account`)).body.creditLimit).toEqual(gbp('300000'))
})

test('who is suspended sells and does not buy; who leaves is let go at zero, by a write-off if need be', async () => {
  const { avon } = world
  const [cooper, tanner] = [await avon.member('Cooper'), await avon.member('Tanner')]
  await sell(avon.path, cooper, tanner, '900')
  await avon.convener(`POST ${tanner.path}/suspend`, { body: { reason: 'silent' } })
  const refused = await cooper.owner(`POST ${avon.path}/trades`, { body: saleOf(cooper, tanner, '1') })
  expect(refused.body.code).toBe('member_may_not_buy')
  await tanner.owner(`POST ${tanner.path}/leave`, { body: { reason: 'closing' } })
  expect((await avon.convener(`POST ${tanner.path}/release`, { body: { reason: 'gone' } })).body.code).toBe(
    'balance_not_zero',
  )
  const off = await avon.convener(`POST ${tanner.path}/write-off`, { body: { reason: 'insolvent' } })
  expect(off.body.member.account.balance).toEqual(gbp('0'))
  expect((await avon.convener(`POST ${tanner.path}/release`, { body: { reason: 'gone' } })).body.standing).toBe('left')
  const names = (await cooper.owner(`GET ${avon.path}/directory`)).body.list.map((one: { name: string }) => one.name)
  expect(names).toContain('Cooper')
  expect(names).not.toContain('Tanner')
})

test('a legal form that becomes restricted takes credit away at once; VAT is recorded by the owner', async () => {
  const { avon } = world
  const smith = await avon.member('Smith')
  const form = {
    legalForm: 'sole_trader',
    evidence: { kind: 'statement', text: 'Now alone in business', on: '2026-10-30' },
  }
  expect((await smith.owner(`POST ${smith.path}/legal-form`, { body: form })).body).toMatchObject({ restricted: true })
  expect((await smith.owner(`GET ${smith.path}/account`)).body).toMatchObject({
    creditLimit: gbp('0'),
    neverBelowZero: true,
  })
  const vat = await smith.owner(`POST ${smith.path}/vat`, { body: { registered: false } })
  expect(vat.body.vat).toMatchObject({ registered: false, number: null })
  const wrong = await smith.owner(`POST ${smith.path}/vat`, { body: { registered: true, number: '12' } })
  expect(wrong.body.code).toBe('vat_number_not_sound')
})

test('people are named by address; the last owner stays', async () => {
  const { avon, bakery } = world
  const people = `${bakery.path}/people`
  const first = await bakery.owner(`POST ${people}`, {
    body: { email: 'Ann@Bakery.example', role: 'owner', name: 'Ann' },
  })
  expect(first.body).toMatchObject({ email: 'ann@bakery.example', role: 'owner' })
  const gone = { personId: first.body.personId, role: 'owner' }
  expect((await bakery.owner(`POST ${people}/remove`, { body: gone })).body.code).toBe('last_owner')
  await bakery.owner(`POST ${people}`, { body: { email: 'bob@bakery.example', role: 'owner' } })
  expect((await bakery.owner(`POST ${people}/remove`, { body: gone })).body.removed).toBe(true)
  const auditor = await avon.convener(`POST ${avon.path}/people`, {
    body: { email: 'aud@it.example', role: 'auditor' },
  })
  expect(auditor.status).toBe(201)
})

test('an operator’s key to a member’s things is told to its owners', async () => {
  const { app, operator, mill } = world
  await mill.owner(`POST ${mill.path}/people`, { body: { email: 'mia@mill.example', role: 'owner' } })
  const made = await operator(`POST ${mill.path}/api-keys`, { body: { name: 'first', role: 'owner' } })
  expect(made.status).toBe(201)
  expect((await app.client(made.body.secret)(`GET ${mill.path}`)).status).toBe(200)
  const told = await app.worker((tx) => tx.mail.findMany({ where: { kind: 'key_made' } }))
  expect(told.map((mail) => mail.recipient)).toEqual(['mia@mill.example'])
})

test('a dispute holds a trade until the convener resolves it, and its words stay in order', async () => {
  const { avon, mill, bakery } = world
  const proposed = await mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, '300') })
  const path = `${avon.path}/trades/${proposed.body.id}`
  expect((await bakery.owner(`POST ${path}/dispute`, { body: { words: 'never ordered' } })).body.disputed).toBe(true)
  expect((await bakery.owner(`POST ${path}/accept`, { body: {} })).body.code).toBe('trade_disputed')
  await mill.owner(`POST ${path}/words`, { body: { words: 'you did, on Monday' } })
  expect((await avon.convener(`POST ${path}/resolve`, { body: { words: 'settled by phone' } })).body.disputed).toBe(
    false,
  )
  const said = (await mill.owner(`GET ${path}/words`)).body.list.map((one: { what: string }) => one.what)
  expect(said).toEqual(['dispute', 'word', 'resolved'])
  expect((await bakery.owner(`POST ${path}/decline`, { body: { reason: 'no' } })).body.state).toBe('declined')
  expect((await mill.owner(`POST ${path}/withdraw`, { body: {} })).body.code).toBe('trade_not_open')
})

test('an invoice that stands in the seller’s book is read there and linked, never taken on trust', async () => {
  const { app, avon, mill, bakery } = world
  await connectBook(app, mill, 'book-link')
  const paper = { kind: 'invoice', settles: true, currency: 'GBP', datedOn: '2026-11-01', dueOn: '2026-12-01' } as const
  const amounts = { totalMinor: 12_000n, openMinor: 12_000n, vatMinor: 2_000n }
  app.books.book('book-link').enterByHand({ ...paper, ...amounts, number: 'INV-7', contactId: 'someone' })
  const ask = (number: string, amount = '10000') =>
    mill.owner(`POST ${avon.path}/trades`, { body: saleOf(mill, bakery, amount, { linkInvoiceNumber: number }) })
  const linked = await ask('INV-7')
  expect(linked.status, linked.text).toBe(201)
  expect((await bakery.owner(`GET ${avon.path}/trades/${linked.body.id}`)).body.linkedInvoice).toMatchObject({
    number: 'INV-7',
    total: gbp('12000'),
    open: gbp('12000'),
  })
  expect((await ask('INV-8')).body.code).toBe('invoice_does_not_fit')
  expect((await ask('INV-7', '20000')).body.code).toBe('invoice_does_not_fit')
  const byBuyer = await bakery.owner(`POST ${avon.path}/trades`, {
    body: saleOf(mill, bakery, '10000', { linkInvoiceNumber: 'INV-7' }),
  })
  expect(byBuyer.body.code).toBe('invoice_does_not_fit')
})

test('a paused network trades nothing until it goes on', async () => {
  const { tamar, forge } = world
  const weaver = await tamar.member('Weaver')
  await tamar.convener(`POST ${tamar.path}/pause`, { body: { reason: 'holiday' } })
  const sale = () => forge.owner(`POST ${tamar.path}/trades`, { body: saleOf(forge, weaver, '10') })
  expect((await sale()).body.code).toBe('network_paused')
  expect((await tamar.convener(`POST ${tamar.path}/resume`, { body: { reason: 'back' } })).body.state).toBe('open')
  expect((await sale()).status).toBe(201)
})
