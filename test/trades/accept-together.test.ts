/** Trades accepted in one call: a refused one takes nothing from its neighbours, and many hear what one alone would. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askWriter } from '../../src/ledger/post.ts'
import { proposalOf, type TradeAsk } from '../../src/trades/proposal.ts'
import { partiesOf } from '../../src/trades/propose.ts'
import type { AcceptanceAsk, AcceptanceVerdict } from '../../src/trades/record-trade.ts'
import { giveConsent } from '../../src/trades/standing-consent.ts'
import { type SetUp, start } from '../networks/set-up.ts'
import { ground, type SmallWorld, smallWorld } from './small-world.ts'

let on: SetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const said = (verdicts: AcceptanceVerdict[]) =>
  verdicts.map((one) =>
    one.ok ? ('kept' in one ? `kept ${one.kept.status}` : one.replayed ? 'again' : 'yes') : one.code,
  )

function asking(world: SmallWorld) {
  const networkId = world.network.id
  const yes = (tradeId: string, more: Partial<AcceptanceAsk> = {}): AcceptanceAsk => ({
    networkId,
    tradeId,
    actor: 'per_bakery',
    side: 'buyer',
    confirmTreatment: false,
    ...more,
  })
  return {
    yes,
    /** Exactly one call for all of these. */
    together: (asks: AcceptanceAsk[]) => askWriter<AcceptanceVerdict>(world.db, networkId, 'accept_trades', asks),
    /** Written only if it is accepted. */
    async atOnce(ask: TradeAsk, more: Partial<AcceptanceAsk> = {}): Promise<AcceptanceAsk> {
      const parties = await on.worker((tx) => partiesOf(tx, ask))
      return yes(ask.id, { actor: 'quits', proposal: proposalOf(parties, ask, on.clock.now()), ...more })
    },
    consent: (aMonthMinor: bigint) =>
      on.worker((tx) =>
        giveConsent(tx, on.clock, {
          networkId,
          memberId: world.member('bakery').id,
          fromMemberId: world.member('mill').id,
          side: 'buyer',
          aMonthMinor,
          actor: 'per_bakery',
        }),
      ),
  }
}

test('a trade that the ledger refuses uses up nothing of the month of a consent', async () => {
  const world = await smallWorld(on, { mill: { vat: false }, bakery: { vat: false, creditLimit: 50_000n } })
  const { together, atOnce, consent } = asking(world)
  const { id: consentId } = await consent(60_000n)
  const sale = (net: bigint) => atOnce(world.ask('mill', 'bakery', { net }), { consentId })
  const verdicts = await together([await sale(51_000n), await sale(10_000n), await sale(50_001n), await sale(1_000n)])
  expect(said(verdicts)).toEqual(['credit_limit_exceeded', 'yes', 'consent_used_up', 'yes'])
  expect(verdicts[2]).toMatchObject({ facts: { leftMinor: '49000' } })
  expect(await world.balance('bakery')).toBe(-11_000n)
  expect(await world.brokenTruths()).toEqual([])
})

test('a linked invoice is free for the next one of the call when the ledger refuses the first', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: { creditLimit: 50_000n } })
  const { together, yes } = asking(world)
  const linkedInvoice = { id: '12', number: 'M-12', datedOn: '2026-10-12', totalMinor: 120_000n, openMinor: 120_000n }
  const [large, fits, late] = [
    await world.propose(world.ask('mill', 'bakery', { linkedInvoice, part: { creditMinor: 60_000n } })),
    await world.propose(world.ask('mill', 'bakery', { linkedInvoice, part: { creditMinor: 40_000n } })),
    await world.propose(world.ask('mill', 'bakery', { linkedInvoice, part: { creditMinor: 1_000n } })),
  ]
  expect(said(await together([yes(large.id), yes(fits.id), yes(late.id), yes(fits.id)]))).toEqual([
    'credit_limit_exceeded',
    'yes',
    'invoice_does_not_fit',
    'again',
  ])
  expect(await world.balance('mill')).toBe(40_000n)
  expect(await world.brokenTruths()).toEqual([])
})

test.each(['one call', 'two calls'])(
  'the same trade twice in %s: another’s own yes comes too late, its proposal hears it',
  async (how) => {
    const world = await smallWorld(on, { mill: {}, bakery: {} })
    const { together, yes, atOnce } = asking(world)
    const asked = async (first: AcceptanceAsk, second: AcceptanceAsk) =>
      said(
        how === 'one call'
          ? await together([first, second])
          : [...(await together([first])), ...(await together([second]))],
      )
    const fresh = world.ask('mill', 'bakery', { net: 100n })
    expect(await asked(await atOnce(fresh), yes(fresh.id))).toEqual(['yes', 'trade_not_open'])
    const stands = world.ask('mill', 'bakery', { net: 100n })
    await world.propose(stands)
    expect(await asked(yes(stands.id), await atOnce(stands))).toEqual(['yes', 'again'])
  },
)

test('a key that was answered before is known by that answer, whoever comes first in the call', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const { together, yes } = asking(world)
  const trade = await world.propose(world.ask('mill', 'bakery', { net: 100n }))
  const under = (body: string) =>
    yes(trade.id, {
      answer: {
        actor: `per_${world.network.id}`,
        route: 'post /accept',
        key: 'k',
        bodyHash: createHash('sha256').update(body).digest('hex'),
        template: {},
        status: 200,
      },
    })
  expect(said(await together([under('this')]))).toEqual(['yes'])
  expect(said(await together([under('other'), under('this')]))).toEqual(['key_of_other_body', 'kept 200'])
})

test('a network that is paused while an acceptance waits its turn accepts nothing more', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const { together, yes } = asking(world)
  const trade = await world.propose(world.ask('mill', 'bakery', { net: 100n }))
  const holder = await on.db.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select 1 from ledger_head where network_id = $1 for update', [world.network.id])
    const answer = together([yes(trade.id)])
    await expect
      .poll(async () => {
        const { rows } = await on.db.pool.query(
          "select count(*)::integer as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%accept_trades%' and datname = current_database()",
        )
        return rows[0].n
      })
      .toBe(1)
    await holder.query("update network set state = 'paused' where id = $1", [world.network.id])
    await holder.query('commit')
    expect(said(await answer)).toEqual(['network_paused'])
  } finally {
    holder.release()
  }
})

test('what a consent has used counts in the month in which the ledger booked it', async () => {
  const world = await smallWorld(on, { mill: {}, bakery: {} })
  const { together, atOnce, consent } = asking(world)
  const { id: consentId } = await consent(60_000n)
  await on.travelTo(new Date('2026-11-30T12:00:00Z'))
  const one = await atOnce(world.ask('mill', 'bakery', { net: 100n }), { consentId })
  const { rows } = await on.db.pool.query(
    "select pg_get_functiondef(oid) as text from pg_proc where proname = 'quits_now'",
  )
  // Midnight falls between the rules of trades and the ledger.
  await on.db.pool.query(`create sequence tick; grant all on sequence tick to public;
    create or replace function quits_now() returns timestamptz language sql volatile as $$
      select timestamptz '2026-11-30T23:58:30Z' + nextval('tick') * interval '1 minute' $$`)
  try {
    expect(said(await together([one]))).toEqual(['yes'])
  } finally {
    await on.db.pool.query(rows[0].text)
    await on.travelTo(start)
  }
  const used = await on.db.pool.query(
    'select month::text, used_minor::text as used from standing_consent_month where consent_id = $1',
    [consentId],
  )
  expect(used.rows).toEqual([{ month: '2026-12-01', used: '100' }])
  expect(await world.brokenTruths()).toEqual([])
})
