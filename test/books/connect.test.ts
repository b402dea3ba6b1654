import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginConsent, chooseBook, finishConsent, offeredBy } from '../../src/books/connect.ts'
import { connectionsOf, healthOfNetwork, setAskFirst } from '../../src/books/connection.ts'
import { disconnect } from '../../src/books/disconnect.ts'
import { withGrant } from '../../src/books/grants.ts'
import { pause, resume } from '../../src/books/pause.ts'
import { consentWaiting, forgetUnchosen } from '../../src/books/waiting-consent.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import type { Network } from '../../src/networks/network.ts'
import { hashOf } from '../../src/networks/secret.ts'
import { start } from '../networks/set-up.ts'
import { type BooksSetUp, bea, session, setUpBooks } from './set-up.ts'

let world: BooksSetUp
let network: Network
beforeAll(async () => {
  world = await setUpBooks()
  network = await world.network()
})
afterAll(() => world.end())

const finish = (url: string, change: object = {}) =>
  finishConsent(world.deps, { url, actor: bea, sessionHash: session, ...change })
const choose = (consentId: string, bookId: string, actor = bea) => chooseBook(world.deps, { consentId, bookId, actor })
const allOf = (organisationId: string) => world.worker((tx) => connectionsOf(tx, organisationId))
const storedConsent = (id: string) => world.worker((tx) => tx.consent.findUniqueOrThrow({ where: { id } }))

test('consent, callback and choice make a connection that waits for its mapping', async () => {
  const firm = await world.memberWithBook(network)
  const { url, consentId } = await world.begin(firm)
  const { offered } = await world.offered(url, [firm.book.profile.bookId])
  expect(offered).toEqual([
    { bookId: firm.book.profile.bookId, bookName: firm.book.profile.name, country: 'GB', currency: 'GBP' },
  ])
  expect(await allOf(firm.member.organisationId)).toEqual([])
  const connection = await choose(consentId, firm.book.profile.bookId)
  expect(connection).toMatchObject({ state: 'mapping', bookName: firm.book.profile.name, askFirst: 5, yesGiven: 0 })
  const mapping = await world.mapping(connection.id, network.id)
  expect(mapping).toMatchObject({ version: 1, mapping: null, draft: { salesAccountId: 'acc-200' } })
})

test('neither state nor verifier nor token stands readable in the tables', async () => {
  const firm = await world.memberWithBook(network)
  const { url, consentId } = await world.begin(firm)
  await world.offered(url, [firm.book.profile.bookId])
  const state = new URL(url).searchParams.get('state') ?? ''
  expect(state).toHaveLength(43)
  const stored = await storedConsent(consentId)
  expect(Buffer.from(stored.stateHash).equals(hashOf(state))).toBe(true)
  expect(JSON.stringify(stored)).not.toContain('access-')
  await choose(consentId, firm.book.profile.bookId)
  expect((await storedConsent(consentId)).grantsSealed).toBeNull()
  const rows = await world.worker((tx) => tx.bookGrant.findMany())
  expect(JSON.stringify(rows)).not.toMatch(/access-|refresh-/)
})

test('a sealed grant moved to another row does not open', async () => {
  const one = await world.connect(await world.memberWithBook(network))
  const other = await world.connect(await world.memberWithBook(network))
  await world.worker(async (tx) => {
    const { sealed } = await tx.bookGrant.findUniqueOrThrow({ where: { connectionId: one.id } })
    await tx.bookGrant.update({ where: { connectionId: other.id }, data: { sealed } })
  })
  await expect(withGrant(world.deps, other.id, async () => 'in')).rejects.toThrow()
})

test('forged, foreign, reused and late callbacks are refused by name, leave nothing and stand in the trail', async () => {
  const firm = await world.memberWithBook(network)
  const { url } = await world.begin(firm)
  const back = world.books.agree(url, [firm.book.profile.bookId])
  const forged = new URL(back)
  forged.searchParams.set('state', 'x'.repeat(43))
  for (const wrong of [forged.href, 'no address', 'https://quits.example/connect/fake/callback'])
    await expect(finish(wrong)).rejects.toMatchObject({ code: 'consent_unknown' })
  await expect(finish(back, { sessionHash: hashOf('another cookie') })).rejects.toMatchObject({
    code: 'consent_unknown',
  })
  await expect(finish(back, { sessionHash: null })).rejects.toMatchObject({ code: 'consent_unknown' })
  await expect(finish(back, { actor: 'per_mallory' })).rejects.toMatchObject({ code: 'consent_unknown' })

  const { consentId } = await finish(back)
  await expect(finish(back)).rejects.toMatchObject({ code: 'consent_used' })
  await expect(choose(consentId, firm.book.profile.bookId, 'per_mallory')).rejects.toMatchObject({
    code: 'consent_unknown',
  })

  const late = await world.begin(firm)
  await world.travelTo(new Date(start.getTime() + 15 * 60_000))
  await expect(finish(world.books.agree(late.url, ['x']))).rejects.toMatchObject({ code: 'consent_expired' })
  await world.travelTo(start)

  expect(await allOf(firm.member.organisationId)).toEqual([])
  const codes = (await world.deeds('consent_refused')).map((deed) => (deed.facts as { code: string }).code)
  expect(codes.filter((code) => code === 'consent_unknown')).toHaveLength(6)
  expect(codes).toEqual(expect.arrayContaining(['consent_used', 'consent_expired']))
})

test('two callbacks at the same moment: one is taken', async () => {
  const firm = await world.memberWithBook(network)
  const { url } = await world.begin(firm)
  const back = world.books.agree(url, [firm.book.profile.bookId])
  const outcomes = await Promise.allSettled([finish(back), finish(back)])
  expect(outcomes.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('a declined consent and one the vendor does not confirm are told apart', async () => {
  const firm = await world.memberWithBook(network)
  const declined = await world.begin(firm)
  await expect(finish(world.books.decline(declined.url))).rejects.toMatchObject({ code: 'consent_declined' })
  const dead = await world.begin(firm)
  const back = new URL(world.books.agree(dead.url, [firm.book.profile.bookId]))
  back.searchParams.set('code', 'code-never-given')
  const refused = { code: 'consent_failed', facts: { cause: 'consent_refused' } }
  await expect(finish(back.href)).rejects.toMatchObject(refused)
})

test('a key begins a consent and the same key finishes it', async () => {
  const firm = await world.memberWithBook(network)
  const { organisationId } = firm.member
  const ask = { networkId: network.id, organisationId, kind: 'fake' as const, actor: 'key_1', sessionHash: null }
  const { url } = await beginConsent(world.deps, ask)
  const back = world.books.agree(url, [firm.book.profile.bookId])
  await expect(finish(back, { actor: 'key_2', sessionHash: null })).rejects.toMatchObject({ code: 'consent_unknown' })
  const { consentId } = await finish(back, { actor: 'key_1', sessionHash: null })
  expect(await choose(consentId, firm.book.profile.bookId, 'key_1')).toMatchObject({ state: 'mapping' })
})

test('of several books offered one is chosen; one that was not offered is refused; a choice is made once, within twenty-five minutes', async () => {
  const firm = await world.memberWithBook(network)
  const second = world.books.addBook({ id: 'second-book', name: 'Second Ltd', currency: 'EUR', country: 'IE' })
  const { url, consentId } = await world.begin(firm)
  const { offered } = await world.offered(url, [firm.book.profile.bookId, second.profile.bookId])
  expect(offered.map((one) => [one.bookName, one.country, one.currency])).toEqual([
    [firm.book.profile.name, 'GB', 'GBP'],
    ['Second Ltd', 'IE', 'EUR'],
  ])
  expect(await offeredBy(world.deps, { consentId, actor: bea })).toEqual(offered)
  await expect(choose(consentId, 'elsewhere')).rejects.toMatchObject({ code: 'book_not_offered' })
  const euros = { code: 'currency_differs', facts: { book: 'Second Ltd', currency: 'EUR', wanted: 'GBP' } }
  await expect(choose(consentId, 'second-book')).rejects.toMatchObject(euros)
  await choose(consentId, firm.book.profile.bookId)
  await expect(choose(consentId, firm.book.profile.bookId)).rejects.toMatchObject({ code: 'consent_used' })

  const other = await world.memberWithBook(network)
  const slow = await world.begin(other)
  await world.offered(slow.url, [other.book.profile.bookId])
  await world.travelTo(new Date(start.getTime() + 25 * 60_000 + 1))
  await expect(choose(slow.consentId, other.book.profile.bookId)).rejects.toMatchObject({ code: 'consent_expired' })
  await world.travelTo(start)
})

test('a consent waits twenty-five minutes for its choice; then its tokens are wiped', async () => {
  const firm = await world.memberWithBook(network)
  const { url, consentId } = await world.begin(firm)
  const { organisationId } = firm.member
  const waiting = (actor = bea) => consentWaiting(world.deps, { organisationId, actor })
  expect(await waiting()).toBeNull()
  await world.offered(url, [firm.book.profile.bookId])
  expect([await waiting(), await waiting('per_mallory')]).toEqual([consentId, null])
  await forgetUnchosen(world.deps)
  expect((await storedConsent(consentId)).grantsSealed).not.toBeNull()
  await world.travelTo(new Date(start.getTime() + 25 * 60_000 + 1))
  expect(await waiting()).toBeNull()
  expect(await forgetUnchosen(world.deps)).toBeGreaterThan(0)
  expect((await storedConsent(consentId)).grantsSealed).toBeNull()
  await world.travelTo(start)
})

test('a book that belongs to another member is refused, also when both choose at the same moment', async () => {
  const first = await world.memberWithBook(network)
  const second = await world.memberWithBook(network)
  const outcomes = await Promise.allSettled([world.connect(first), world.connect(second, first.book)])
  const refused = outcomes.filter((one) => one.status === 'rejected')
  expect(refused).toHaveLength(1)
  expect(refused[0]?.reason).toMatchObject({ code: 'book_of_other_member', facts: { book: first.book.profile.name } })
  // The second wall: the database itself takes no second live connection to a book.
  const mine = await world.connect(await world.memberWithBook(network))
  const copy = inTransaction(world.db, asWorker, async (tx) => {
    const row = await tx.connection.findUniqueOrThrow({ where: { id: mine.id } })
    const organisationId = second.member.organisationId
    await tx.connection.create({ data: { ...row, id: network.id, organisationId, profile: {}, lastError: {} } })
  })
  await expect(copy).rejects.toThrow()
})

test('signing in again keeps the connection; another organisation is refused by name', async () => {
  const firm = await world.memberWithBook(network)
  const connection = await world.live(firm)
  const other = world.books.addBook({ id: 'b-ltd', name: 'B Ltd' })
  const facts = { chosen: 'B Ltd', connected: firm.book.profile.name }
  await expect(world.connect(firm, other)).rejects.toMatchObject({ code: 'other_book_chosen', facts })
  firm.book.revokeConsent()
  await expect(withGrant(world.deps, connection.id, (grant, fake) => fake.describe(grant))).rejects.toThrow()
  expect(await world.read(connection.id)).toMatchObject({ state: 'needs_sign_in' })
  expect(await world.connect(firm)).toMatchObject({ id: connection.id, state: 'live', lastError: null })
})

test('one that was paused before its sign-in ran out is paused again', async () => {
  const firm = await world.memberWithBook(network)
  const connection = await world.live(firm)
  const ask = { connectionId: connection.id, actor: bea }
  expect(await world.worker((tx) => pause(tx, world.clock, { ...ask, reason: 'stocktaking' }))).toMatchObject({
    state: 'paused',
  })
  firm.book.revokeConsent()
  await expect(withGrant(world.deps, connection.id, (grant, fake) => fake.describe(grant))).rejects.toThrow()
  expect(await world.connect(firm)).toMatchObject({ state: 'paused' })
  expect(await world.worker((tx) => resume(tx, world.clock, ask))).toMatchObject({ state: 'live' })
  expect(await world.worker((tx) => resume(tx, world.clock, ask))).toMatchObject({ state: 'live' })
})

test('a connection of another kind is refused while one stands', async () => {
  const firm = await world.memberWithBook(network)
  await world.live(firm)
  const { organisationId } = firm.member
  const deps = {
    ...world.deps,
    connectors: { ...world.deps.connectors, xero: { ...world.fake, kind: 'xero' as const } },
  }
  const ask = { networkId: network.id, organisationId, kind: 'xero' as const, actor: bea, sessionHash: session }
  await expect(beginConsent(deps, ask)).rejects.toMatchObject({ code: 'already_connected' })
})

test('disconnecting revokes, wipes the tokens, says what stays; the same book again is the same connection', async () => {
  const firm = await world.memberWithBook(network)
  const connection = await world.live(firm)
  const gone = await disconnect(world.deps, { connectionId: connection.id, actor: bea })
  expect(gone).toMatchObject({ revoked: true, stays: { mappings: 1, contacts: 0 }, connection: { state: 'ended' } })
  expect(firm.book.tokens.size).toBe(0)
  const row = await world.worker((tx) => tx.bookGrant.findUniqueOrThrow({ where: { connectionId: connection.id } }))
  expect(row).toMatchObject({ sealed: '', previousSealed: null })
  await expect(withGrant(world.deps, connection.id, async () => 'in')).rejects.toMatchObject({
    code: 'connection_does_not_allow',
  })
  const twice = disconnect(world.deps, { connectionId: connection.id, actor: bea })
  await expect(twice).rejects.toMatchObject({ code: 'connection_does_not_allow' })
  expect(await world.connect(firm)).toMatchObject({ id: connection.id, state: 'live', endedAt: null })
})

test('after an end the book is free for another member', async () => {
  const firm = await world.memberWithBook(network)
  const connection = await world.live(firm)
  await disconnect(world.deps, { connectionId: connection.id, actor: bea })
  const buyer = await world.memberWithBook(network)
  expect(await world.connect(buyer, firm.book)).toMatchObject({ bookId: firm.book.profile.bookId })
})

test('how many trades wait for a yes is a setting of the connection', async () => {
  const { id } = await world.live(await world.memberWithBook(network))
  for (const askFirst of [0, null])
    expect(
      await world.worker((tx) => setAskFirst(tx, world.clock, { connectionId: id, askFirst, actor: bea })),
    ).toMatchObject({ askFirst })
})

test('a convener’s health page sees states and calls, worst first, and nothing out of a book', async () => {
  const other = await world.network()
  const good = await world.memberWithBook(other)
  const bad = await world.memberWithBook(other)
  await world.live(good)
  const broken = await world.live(bad)
  bad.book.revokeConsent()
  await expect(withGrant(world.deps, broken.id, (grant, fake) => fake.describe(grant))).rejects.toThrow()
  const rows = await world.worker((tx) => healthOfNetwork(tx, other.id))
  expect(rows.map((row) => [row.organisation, row.state])).toEqual([
    [bad.member.organisation.name, 'needs_sign_in'],
    [good.member.organisation.name, 'live'],
  ])
})
