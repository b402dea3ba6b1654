import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BookConnector, BookError } from '../../connectors/port.ts'
import { refreshIdleGrants, withGrant } from '../../src/books/grants.ts'
import { askForSignIn } from '../../src/books/needs-sign-in.ts'
import { openGrant } from '../../src/books/sealed-grant.ts'
import { openDb } from '../../src/kit/db.ts'
import type { Network } from '../../src/networks/network.ts'
import { start } from '../networks/set-up.ts'
import { type BooksSetUp, type MemberWithBook, setUpBooks } from './set-up.ts'

let world: BooksSetUp
let network: Network
let firm: MemberWithBook
let connectionId: string
beforeAll(async () => {
  world = await setUpBooks()
  network = await world.network()
})
afterAll(() => world.end())

const minute = 60_000
let at = start.getTime()
const wait = async (ms: number) => {
  at += ms
  await world.travelTo(new Date(at))
}
async function liveFirm(): Promise<void> {
  firm = await world.memberWithBook(network)
  connectionId = (await world.live(firm)).id
}
const call = (deps = world.deps) =>
  withGrant(deps, connectionId, async (grant, fake) => (await fake.describe(grant)).name)
const row = () => world.worker((tx) => tx.bookGrant.findUniqueOrThrow({ where: { connectionId } }))
const withFake = (change: Partial<BookConnector>) => ({
  ...world.deps,
  connectors: { fake: { ...world.fake, ...change } },
})

test('a grant with more than five minutes left is used as it is; with less it is refreshed first', async () => {
  await liveFirm()
  await wait(25 * minute - 1)
  await call()
  expect(firm.book.refreshes).toBe(0)
  await wait(1)
  await call()
  expect(firm.book.refreshes).toBe(1)
  expect(await row()).toMatchObject({ refreshCount: 1, deadAt: null })
})

test('however many ask at once, in several processes, one refresh runs', async () => {
  await liveFirm()
  await wait(26 * minute)
  const elsewhere = openDb(world.db.url, { connections: 3 })
  try {
    const other = { ...world.deps, db: elsewhere }
    const names = await Promise.all(Array.from({ length: 12 }, (_, place) => call(place % 2 ? world.deps : other)))
    expect(new Set(names)).toEqual(new Set([firm.book.profile.name]))
    expect(firm.book.refreshes).toBe(1)
    expect((await row()).refreshCount).toBe(1)
    // Those of one process waited for one promise, not each for the row on a connection of its own.
    expect(Math.max(world.db.apart.totalCount, elsewhere.apart.totalCount)).toBe(1)
  } finally {
    await elsewhere.close()
  }
})

test('the pair before the newest is kept for half an hour', async () => {
  await liveFirm()
  const before = openGrant(world.deps.seal, connectionId, 'sealed', (await row()).sealed)
  await wait(26 * minute)
  await call()
  const after = await row()
  const previous = openGrant(world.deps.seal, connectionId, 'previous_sealed', after.previousSealed ?? '')
  expect(previous.refreshToken).toBe(before.refreshToken)
  expect(openGrant(world.deps.seal, connectionId, 'sealed', after.sealed).refreshToken).not.toBe(before.refreshToken)
  expect(after.previousUntil?.getTime()).toBe(at + 30 * minute)
})

test('where the newest token is refused, the one before it is tried once within its grace', async () => {
  await liveFirm()
  await wait(26 * minute)
  await call()
  const newest = openGrant(world.deps.seal, connectionId, 'sealed', (await row()).sealed).refreshToken
  firm.book.tokens.delete(newest)
  await wait(26 * minute)
  expect(await call()).toBe(firm.book.profile.name)
  expect(await world.read(connectionId)).toMatchObject({ state: 'live' })
})

test('a dead grant ends in one state and one mail, and the vendor is not asked again', async () => {
  await liveFirm()
  const before = (await world.mails('needs_sign_in')).length
  firm.book.revokeConsent()
  await wait(26 * minute)
  const outcomes = await Promise.allSettled([call(), call(), call()])
  expect(outcomes.map((one) => one.status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(await world.read(connectionId)).toMatchObject({ state: 'needs_sign_in', lastError: { was: 'live' } })
  expect((await row()).deadAt).not.toBeNull()
  expect((await world.mails('needs_sign_in')).length).toBe(before + 1)
  // Another process that finds it dead at the same moment tells nobody again.
  await askForSignIn(world.deps, connectionId, 'refresh_refused', () => true)
  expect((await world.mails('needs_sign_in')).length).toBe(before + 1)
  const asked = world.books.calls.length
  await expect(call()).rejects.toMatchObject({ code: 'connection_does_not_allow' })
  expect(world.books.calls.length).toBe(asked)
})

test('a book that says no once gets a new grant and is asked once more', async () => {
  await liveFirm()
  const { accessToken } = openGrant(world.deps.seal, connectionId, 'sealed', (await row()).sealed)
  firm.book.tokens.delete(accessToken)
  expect(await call()).toBe(firm.book.profile.name)
  expect(firm.book.refreshes).toBe(1)
})

test('a book that says no to the new grant too needs a person', async () => {
  await liveFirm()
  let asked = 0
  const refused = withGrant(world.deps, connectionId, async () => {
    asked += 1
    throw new BookError('unauthorized', {
      cause: 'access_revoked',
      said: '',
      status: 403,
      vendorCode: null,
      callId: null,
    })
  })
  await expect(refused).rejects.toMatchObject({ kind: 'unauthorized' })
  expect(asked).toBe(2)
  expect(await world.read(connectionId)).toMatchObject({
    state: 'needs_sign_in',
    lastError: { cause: 'access_revoked' },
  })
})

test('a vendor that cannot refresh for a moment ends nothing: what is left of the old token is used', async () => {
  await liveFirm()
  const down = async () => {
    throw new BookError('unavailable', { cause: 'vendor_down', said: '', status: 503, vendorCode: null, callId: null })
  }
  await wait(27 * minute)
  expect(await call(withFake({ refresh: down }))).toBe(firm.book.profile.name)
  await wait(4 * minute)
  await expect(call(withFake({ refresh: down }))).rejects.toMatchObject({ kind: 'unavailable' })
  expect(await world.read(connectionId)).toMatchObject({ state: 'live' })
  expect(await call()).toBe(firm.book.profile.name)
})

test('an error that is not about the grant passes through untouched', async () => {
  await liveFirm()
  firm.book.knobs.throttle = 1
  await expect(call()).rejects.toMatchObject({ kind: 'throttled', facts: { waitMs: 7_000 } })
  expect(firm.book.refreshes).toBe(0)
})

test('a connection is healthy by its last call, written at most once a minute', async () => {
  await liveFirm()
  await call()
  const first = (await world.read(connectionId)).lastGoodCallAt
  await wait(30_000)
  await call()
  expect((await world.read(connectionId)).lastGoodCallAt).toEqual(first)
  await wait(minute)
  await call()
  expect((await world.read(connectionId)).lastGoodCallAt?.getTime()).toBe(at)
})

test('grants that nobody used for a day are refreshed, and people hear of a hard end thirty, seven and one day before', async () => {
  await liveFirm()
  await wait(25 * 60 * minute)
  expect(await refreshIdleGrants(world.deps)).toBeGreaterThan(0)
  expect(firm.book.refreshes).toBe(1)
  const days = [31, 30, 7, 2, 1]
  for (const left of days) {
    const hardEndsAt = new Date(at + left * 86_400_000)
    await world.worker((tx) => tx.bookGrant.update({ where: { connectionId }, data: { hardEndsAt } }))
    await refreshIdleGrants(world.deps)
  }
  const subjects = (await world.mails('sign_in_ends')).map((mail) => mail.subject.match(/ends in (.*)$/)?.[1])
  expect(subjects).toEqual(['30 days', '7 days', 'one day'])
})
