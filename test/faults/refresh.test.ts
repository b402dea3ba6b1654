/** Tokens that run out, are lost on their way, or are taken away: one call for each, nothing lost, and its people told once. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { signIn } from '../../scripts/simulate/town.ts'
import { withGrant } from '../../src/books/grants.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import { nameRole } from '../../src/networks/person.ts'
import { sweepAll } from '../../src/reconcile/sweep.ts'
import type { AskingProcess } from './asking-process.ts'
import { type Ground, openGround, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
  // Whoever is to be told that a book is closed.
  for (const vendor of vendors) {
    const { organisationId } = ground.firm(vendor)
    const ask = { organisationId, role: 'owner' as const, email: `${vendor}@owner.example`, actor: 'quits' }
    await inTransaction(ground.deps.db, asWorker, (tx) => nameRole(tx, ground.deps.clock, ask))
  }
}, 90_000)
afterEach(async () => {
  ground.clearFaults()
  for (const firm of ground.town.firms)
    if ((await stateOf(firm.connectionId)) !== 'live') await signIn(ground.deps, ground.networkId, firm)
  await ground.calm()
})
afterAll(() => ground.end())

const minuteMs = 60_000
const tokenPath = '(token|bearer)$'
const idOf = (vendor: Vendor) => ground.firm(vendor).connectionId
const seen = (vendor: Vendor) =>
  vendor === 'xero' ? ground.vendors.xero.control.requests.since() : ground.vendors.quickbooks.control.requests()
const refreshes = (vendor: Vendor, since: number) =>
  seen(vendor).filter((one) => one.number > since && new RegExp(tokenPath).test(one.path.split('?')[0] ?? ''))
async function stateOf(connectionId: string): Promise<string | undefined> {
  const [row] = await ground.query<{ state: string }>('select state from connection where id = $1', [connectionId])
  return row?.state
}
const mailCount = async () => {
  const [row] = await ground.query<{ count: string }>("select count(*) from mail where kind = 'needs_sign_in'")
  return Number(row?.count)
}
const call =
  (place = 0) =>
  (vendor: Vendor) =>
    ground.world.worker(place).step((deps) => withGrant(deps, idOf(vendor), async (grant) => grant.accessToken))
const use = call()
/** Older than any access token; one whose refresh rotates when `aDay`. */
const growOld = (aDay = false) => ground.time.advance((aDay ? 25 * 60 : 61) * minuteMs)
const signInAgain = (vendor: Vendor) => signIn(ground.deps, ground.networkId, ground.firm(vendor))

/** Promised while nobody is let in: all of it waits, and goes by itself in the order promised once someone has signed in. */
async function goesOnceSignedIn(vendor: Vendor, trades: string[]): Promise<void> {
  const waiting = (await ground.deliveries(trades, vendor)).map(({ state }) => state)
  expect(new Set(waiting)).toEqual(new Set(['waiting']))
  ground.clearFaults()
  await signInAgain(vendor)
  await ground.deliver()
  await ground.expectOnce(...trades)
  const papers = (await ground.deliveries(trades, vendor)).filter(({ kind }) => kind === 'invoice' || kind === 'bill')
  const begun = await ground.query<{ id: string }>(
    `select d.id from delivery d join attempt t on t.network_id = d.network_id and t.delivery_id = d.id
      where d.id = any ($1::uuid[]) and t.outcome = 'done' order by t.started_at, d.promised_at, d.id`,
    [papers.map(({ id }) => id)],
  )
  expect(begun.map(({ id }) => id)).toEqual(papers.map(({ id }) => id))
}

test('fault 32: xero group 4: quickbooks group 2: fifty callers in four processes with an expired token make one refresh call at each vendor', async () => {
  const ask: AskingProcess = {
    url: ground.deps.db.url,
    at: '',
    key: Buffer.from(new Uint8Array(32).fill(7)).toString('hex'),
    vendors: { xero: ground.vendors.xero.url, quickbooks: ground.vendors.quickbooks.url },
  }
  await growOld()
  ask.at = ground.time.now().toISOString()
  const program = fileURLToPath(new URL('./asking-process.ts', import.meta.url))
  const processes: ChildProcess[] = Array.from({ length: 4 }, () =>
    fork(program, [JSON.stringify(ask)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  )
  try {
    await Promise.all(processes.map((one) => once(one, 'message')))
    for (const vendor of vendors) {
      const before = ground.mark(vendor)
      // Slow enough for all of them to be there while the one call runs.
      ground.fault(vendor, { knob: 'tokenSlow', value: 500, match: { path: tokenPath } })
      const answers = await Promise.all(
        processes.map(async (one, place) => {
          const answer = once(one, 'message')
          one.send({ connectionId: idOf(vendor), callers: place < 2 ? 13 : 12 })
          return ((await answer) as [string[]])[0]
        }),
      )
      expect(answers.flat()).toHaveLength(50)
      expect(new Set(answers.flat()).size).toBe(1)
      expect(refreshes(vendor, before)).toHaveLength(1)
    }
  } finally {
    for (const one of processes) one.kill()
  }
}, 60_000)

test('fault 33: xero group 4: quickbooks group 6: a token endpoint slower than three and a half seconds is waited for: one call, and its answer is used', async () => {
  await growOld()
  const before = new Map(vendors.map((vendor) => [vendor, ground.mark(vendor)]))
  for (const vendor of vendors) ground.fault(vendor, { knob: 'tokenSlow', value: 3_600, match: { path: tokenPath } })
  const outcomes = await Promise.all(vendors.map((vendor, place) => call(place)(vendor)))
  expect(outcomes.map(({ is }) => is)).toEqual(['done', 'done'])
  for (const vendor of vendors) expect(refreshes(vendor, before.get(vendor) ?? 0)).toHaveLength(1)
}, 20_000)

test.each(vendors)(
  'fault 33: xero group 4: quickbooks group 4: the answer to a refresh is lost at %s: the token it was asked with works again',
  async (vendor) => {
    await growOld()
    ground.world.troubles.push({ kind: 'lost_back', vendor, ofToken: true, skip: 0 })
    expect(await use(vendor)).toMatchObject({ is: 'failed', error: { kind: 'unclear' } })
    expect(await stateOf(idOf(vendor))).toBe('live')
    await ground.time.advance(20 * minuteMs)
    expect(await use(vendor)).toMatchObject({ is: 'done' })
  },
)

test.each(vendors)(
  'fault 11: xero group 4: quickbooks group 3: a process dies between the answer to its refresh and its storing: %s lets the next one in',
  async (vendor) => {
    await growOld()
    await use(vendor)
    await growOld()
    const before = ground.mark(vendor)
    const dead = await ground.world
      .worker(0)
      .step((deps) => withGrant(deps, idOf(vendor), async () => 'never'), { moment: 'after_call', skip: 0, dies: true })
    expect(dead).toEqual({ is: 'dead' })
    expect(refreshes(vendor, before)).toHaveLength(1)
    const trade = await ground.sell(vendor)
    await ground.deliver(1)
    await ground.expectOnce(trade)
    expect(await stateOf(idOf(vendor))).toBe('live')
  },
)

test.each(vendors)(
  'fault 11: quickbooks group 3: where the lost pair cannot be had again, %s needs a sign-in, and what is promised is held',
  async (vendor) => {
    await use(vendor)
    // QuickBooks gives another token after a day, and the old one is dead at once; Xero takes the old one for half an hour.
    await growOld(true)
    const mails = await mailCount()
    ground.world.troubles.push({ kind: 'lost_back', vendor, ofToken: true, skip: 0 })
    await use(vendor)
    if (vendor === 'xero') await ground.time.advance(31 * minuteMs)
    const trades = [await ground.sell(vendor), await ground.sell(vendor)]
    await ground.deliver()
    expect(await stateOf(idOf(vendor))).toBe('needs_sign_in')
    expect(await mailCount()).toBe(mails + 1)
    await goesOnceSignedIn(vendor, trades)
  },
)

test.each(vendors)(
  'fault 34: xero group 12: quickbooks group 5: invalid_grant at %s is final: no loop, one mail, all held and sent in order after a sign-in',
  async (vendor) => {
    await growOld()
    const mails = await mailCount()
    const before = ground.mark(vendor)
    ground.fault(vendor, { knob: 'tokenInvalidGrant', times: -1 })
    const trades = [await ground.sell(vendor), await ground.sell(vendor), await ground.sell(vendor)]
    for (let hour = 0; hour < 3; hour += 1) {
      await ground.deliver()
      await use(vendor)
      await ground.time.advance(60 * minuteMs)
    }
    expect(refreshes(vendor, before)).toHaveLength(1)
    expect(ground.asked(vendor, before)).toEqual([])
    expect(await mailCount()).toBe(mails + 1)
    await goesOnceSignedIn(vendor, trades)
  },
)

test('fault 34: a grant whose finder died before telling anybody is told of by the next who wants it', async () => {
  await ground.query('update book_grant set dead_at = quits_now() where connection_id = $1', [idOf('xero')])
  const mails = await mailCount()
  const trade = await ground.sell('xero')
  await ground.deliver()
  expect(await stateOf(idOf('xero'))).toBe('needs_sign_in')
  expect(await mailCount()).toBe(mails + 1)
  await goesOnceSignedIn('xero', [trade])
})

test.each(vendors)('fault 34: a client secret that is wrong ends no permission at %s', async (vendor) => {
  await growOld()
  const { connectors } = ground.world.worker(0).deps
  const sound = connectors[vendor]
  if (!sound) throw new Error('no connector')
  const { BookError } = await import('../../connectors/port.ts')
  const refused = { cause: 'client_refused', said: '', status: 401, vendorCode: 'invalid_client', callId: null }
  connectors[vendor] = { ...sound, refresh: () => Promise.reject(new BookError('unauthorized', refused)) }
  expect(await use(vendor)).toMatchObject({ is: 'failed', error: { kind: 'unavailable' } })
  connectors[vendor] = sound
  expect(await stateOf(idOf(vendor))).toBe('live')
  expect(await use(vendor)).toMatchObject({ is: 'done' })
})

test.each(vendors)(
  'fault 35: a permission taken away at %s is seen by the first call that meets it',
  async (vendor) => {
    const mails = await mailCount()
    await ground.vendors[vendor].control.revoke({ organisation: ground.firm(vendor).bookId, everything: true })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    expect(await stateOf(idOf(vendor))).toBe('needs_sign_in')
    expect(await mailCount()).toBe(mails + 1)
    await goesOnceSignedIn(vendor, [trade])
  },
)

test.each(vendors)('fault 35: where nothing is sent, the hourly sweep finds %s closed', async (vendor) => {
  await ground.vendors[vendor].control.revoke({ organisation: ground.firm(vendor).bookId, everything: true })
  await sweepAll(ground.deps, { whole: false })
  expect(await stateOf(idOf(vendor))).toBe('needs_sign_in')
})

test.each(vendors)('fault 38: a 401 in the middle of a batch takes one refresh and one retry at %s', async (vendor) => {
  await use(vendor)
  const trades = [await ground.sell(vendor), await ground.sell(vendor)]
  const before = ground.mark(vendor)
  ground.fault(vendor, { knob: 'expireAccess', match: { path: '^/(api\\.xro|v3)/' } })
  await ground.deliver()
  expect(refreshes(vendor, before)).toHaveLength(1)
  expect(ground.asked(vendor, before).filter(({ status }) => status === 401)).toHaveLength(1)
  await ground.expectOnce(...trades)
})

test.each(vendors)(
  'fault 38: %s that says 401 to the new token too is asked no third time, and all is held',
  async (vendor) => {
    await use(vendor)
    const trades = [await ground.sell(vendor), await ground.sell(vendor)]
    const before = ground.mark(vendor)
    ground.fault(vendor, { knob: 'expireAccess', times: -1, match: { path: '^/(api\\.xro|v3)/' } })
    // A second of the vendor's clock, so that the new token is told from the old one.
    await ground.deliver()
    expect(refreshes(vendor, before).length).toBeLessThanOrEqual(1)
    expect(ground.asked(vendor, before).filter(({ status }) => status === 401)).toHaveLength(2)
    expect(await stateOf(idOf(vendor))).toBe('needs_sign_in')
    await goesOnceSignedIn(vendor, trades)
  },
)
