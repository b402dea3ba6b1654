/**
 * Accepting trades against a plain model, and many in one call against the same one by one on a network of equal beginnings:
 * the same verdicts, invoice numbers, balances, months of consents, promised documents and kept answers, ids aside.
 *
 * Where a month is nearly used up the members' limits are wide, and the other way round: what waits for the ledger's word on another
 * of its call is posted after those that do not, so one by one would be another order.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { networkAccountId } from '../../src/ledger/account.ts'
import { askWriter } from '../../src/ledger/post.ts'
import { currentTerms } from '../../src/networks/terms.ts'
import { proposalOf } from '../../src/trades/proposal.ts'
import type { AcceptanceAsk, AcceptanceVerdict } from '../../src/trades/record-trade.ts'
import { giveConsent } from '../../src/trades/standing-consent.ts'
import type { SetUp } from '../networks/set-up.ts'
import { type SmallWorld, smallWorld, today } from '../trades/small-world.ts'
import { type Asked, balanceOf, judge, noRules, type Part, type Rules, type World } from './plain-ledger.ts'

const names = ['mill', 'bakery', 'cobbler'] as const
type Name = (typeof names)[number]
/** Every seller pays one per cent and a buyer two pence. A cobbler is a sole trader: its fees may be left out. */
const fees = [
  { side: 'seller' as const, basisPoints: 100, fixedMinor: '0', mode: 'credits' as const, words: 'Fee' },
  { side: 'buyer' as const, basisPoints: 0, fixedMinor: '2', mode: 'credits' as const, words: 'Fee' },
]
type Tight = 'limits' | 'consents'
const creditLimit: Record<Tight, bigint> = { limits: 3_000n, consents: 900_000n }
const aMonth: Record<Tight, bigint> = { limits: 2_000_000n, consents: 2_000n }

type Ask = { key: number; seller: Name; buyer: Name; amount: number; onConsent: boolean }
const someone = fc.constantFrom(...names)
const ask: fc.Arbitrary<Ask> = fc
  .record({
    key: fc.nat(30),
    seller: someone,
    buyer: someone,
    amount: fc.integer({ min: 1, max: 1_800 }),
    onConsent: fc.constantFrom(true, true, false),
  })
  .filter((one) => one.seller !== one.buyer)
/** Or the last one again. */
const steps = fc.array(
  fc.oneof({ weight: 8, arbitrary: ask }, { weight: 2, arbitrary: fc.constant('again' as const) }),
  { minLength: 15, maxLength: 45 },
)
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 })
const tight = fc.constantFrom<Tight>('limits', 'consents')

// ── the model ──

type Trades = {
  ledger: World
  used: Map<string, bigint>
  nextInvoice: Map<Name, number>
  kept: Map<number, { content: string; heard: string }>
  accepted: number
}

function beginning(how: Tight): Trades {
  const rules = (name: Name): Rules => ({
    ...noRules,
    floor: name === 'cobbler' ? 0n : -creditLimit[how],
    ceiling: 5_000_000n,
    never: name === 'cobbler',
  })
  const all: [string, Rules][] = [...names.map((name): [string, Rules] => [name, rules(name)]), ['fees', noRules]]
  const ledger = { now: 0, today, day: '1900-01-01', instant: 0, rules: new Map(all), stood: [] }
  return { ledger, used: new Map(), nextInvoice: new Map(), kept: new Map(), accepted: 0 }
}

/** What is heard; the model moves on with it. */
function hear(trades: Trades, how: Tight, one: Ask): string {
  const content = JSON.stringify(one)
  const kept = trades.kept.get(one.key)
  if (kept) return kept.content === content ? kept.heard.replace('yes', 'again') : 'key_of_other_body'
  const heard = decide(trades, how, one)
  trades.kept.set(one.key, { content, heard })
  return heard
}

function decide(trades: Trades, how: Tight, one: Ask): string {
  const consent = `${one.buyer} from ${one.seller}`
  const used = trades.used.get(consent) ?? 0n
  if (one.onConsent && used + BigInt(one.amount) > aMonth[how]) return 'consent_used_up'
  const { heard, next } = judge(trades.ledger, postingOf(one))
  if (!heard.ok) return heard.code
  trades.ledger = next
  trades.accepted += 1
  if (one.onConsent) trades.used.set(consent, used + BigInt(one.amount))
  const number = (trades.nextInvoice.get(one.seller) ?? 0) + 1
  trades.nextInvoice.set(one.seller, number)
  return `yes ${one.seller} ${number}`
}

function postingOf({ key, seller, buyer, amount }: Ask): Asked {
  const part = (name: string, from: string, to: string, minor: bigint, kind: 'trade' | 'fee'): Part => {
    const optional = kind === 'fee' && from === 'cobbler'
    return {
      name: `${key} ${name}`,
      kind,
      from,
      to,
      amount: minor,
      names: null,
      expires: null,
      promised: false,
      optional,
    }
  }
  const sellersFee = (BigInt(amount) + 50n) / 100n
  const parts = [part('sale', buyer, seller, BigInt(amount), 'trade')]
  if (sellersFee > 0n) parts.push(part('S', seller, 'fees', sellersFee, 'fee'))
  parts.push(part('B', buyer, 'fees', 2n, 'fee'))
  return { id: `${key}`, parts, day: null, passCreditLimit: false, mayBuyFrozen: false }
}

// ── the real thing ──

type Real = {
  world: SmallWorld
  consents: Map<string, string>
  build(one: Ask): AcceptanceAsk
  prefixes: Map<string, Name>
}
let made = 0

async function real(on: SetUp, how: Tight): Promise<Real> {
  const business = { vat: false, creditLimit: creditLimit[how] }
  const world = await smallWorld(
    on,
    { mill: business, bakery: business, cobbler: { vat: false, form: 'sole_trader' } },
    { fees },
  )
  const { network, member } = world
  const consents = new Map<string, string>()
  for (const buyer of names)
    for (const seller of names) {
      if (buyer === seller) continue
      const given = await on.worker((tx) =>
        giveConsent(tx, on.clock, {
          networkId: network.id,
          memberId: member(buyer).id,
          fromMemberId: member(seller).id,
          side: 'buyer',
          aMonthMinor: aMonth[how],
          actor: 'per_test',
        }),
      )
      consents.set(`${buyer} from ${seller}`, given.id)
    }
  const terms = await on.worker((tx) => currentTerms(tx, network.id))
  made += 1
  const run = made
  const build = (one: Ask): AcceptanceAsk => {
    const { key, seller, buyer, amount } = one
    const tradeId = world.id(`trade ${key}`)
    const asked = world.ask(seller, buyer, { id: tradeId, net: BigInt(amount) })
    const parties = { network, terms, seller: member(seller), buyer: member(buyer) }
    const consentId = consents.get(`${buyer} from ${seller}`)
    return {
      networkId: network.id,
      tradeId,
      actor: 'per_test',
      side: 'buyer',
      confirmTreatment: true,
      proposal: proposalOf(parties, asked, on.clock.now()),
      ...(one.onConsent && consentId ? { consentId } : {}),
      answer: {
        actor: `key_${run}`,
        route: 'POST /v1/trades',
        key: `key ${key}`,
        bodyHash: createHash('sha256').update(JSON.stringify(one)).digest('hex'),
        template: {},
        status: 201,
      },
    }
  }
  const prefixes = new Map<string, Name>(names.map((name) => [member(name).invoicePrefix, name]))
  return { world, consents, build, prefixes }
}

async function asked({ world, build, prefixes }: Real, asks: Ask[]): Promise<string[]> {
  const verdicts = await askWriter<AcceptanceVerdict>(world.db, world.network.id, 'accept_trades', asks.map(build))
  return verdicts.map((verdict) => {
    if (!verdict.ok) return verdict.code
    if ('kept' in verdict && verdict.kept.status >= 400) return String(verdict.kept.body.code)
    const number = String('kept' in verdict ? verdict.kept.body.invoiceNumber : verdict.invoiceNumber)
    const [, prefix = '', count] = /^([A-Z]+)0*(\d+)$/.exec(number) ?? []
    return `${verdict.replayed ? 'again' : 'yes'} ${prefixes.get(prefix)} ${count}`
  })
}

/** All that is left in the end, without an id in it. */
async function stateOf({ world, consents }: Real) {
  const { pool } = world.db
  const accounts = new Map<string, string>([
    ...names.map((name): [string, string] => [world.member(name).accountId, name]),
    [networkAccountId(world.network.id, 'fees'), 'fees'],
  ])
  const one = [world.network.id]
  const balances = (
    await pool.query('select id, balance_minor::text as balance from account where network_id = $1', one)
  ).rows
  const used = (
    await pool.query(
      'select consent_id as id, used_minor::text as used from standing_consent_month where network_id = $1',
      one,
    )
  ).rows
  const count = async (text: string) => Number((await pool.query(text, one)).rows[0]?.count)
  const pairs = new Map([...consents].map(([pair, id]) => [id, pair]))
  return {
    balances: balances
      .flatMap((row) => (accounts.has(row.id) ? [`${accounts.get(row.id)} ${row.balance}`] : []))
      .sort(),
    used: used.map((row) => `${pairs.get(row.id)} ${row.used}`).sort(),
    accepted: await count("select count(*) from trade where network_id = $1 and state = 'accepted'"),
    transfers: await count('select count(*) from transfer where network_id = $1'),
    deliveries: await count('select count(*) from delivery where network_id = $1'),
    deeds: await count("select count(*) from deed where network_id = $1 and what like 'trade%'"),
    broken: await world.brokenTruths(),
  }
}

/** Cut into calls; a key that comes back with another content begins a call, for its first answer must stand before it. */
function callsOf(asks: Ask[], inCalls: number[]): Ask[][] {
  const calls: Ask[][] = []
  let call: Ask[] = []
  const close = () => {
    if (call.length > 0) calls.push(call)
    call = []
  }
  for (const one of asks) {
    const isOther = call.some((earlier) => earlier.key === one.key && JSON.stringify(earlier) !== JSON.stringify(one))
    if (isOther || call.length >= (inCalls[calls.length % inCalls.length] as number)) close()
    call.push(one)
  }
  close()
  return calls
}

/** What is accepted in calls of any size is the model's, and leaves what the same trades leave one by one. */
export function acceptedTrades(on: () => SetUp) {
  return fc.asyncProperty(steps, sizes, tight, async (todo, inCalls, how) => {
    const many = await real(on(), how)
    const single = await real(on(), how)
    const model = beginning(how)
    const asks: Ask[] = []
    for (const step of todo) {
      const one = step === 'again' ? asks.at(-1) : step
      if (one) asks.push(one)
    }
    const wanted = asks.map((one) => hear(model, how, one))
    const heard: string[] = []
    for (const call of callsOf(asks, inCalls)) heard.push(...(await asked(many, call)))
    const oneByOne: string[] = []
    for (const one of asks) oneByOne.push(...(await asked(single, [one])))
    expect(oneByOne).toEqual(wanted)
    expect(heard).toEqual(wanted)
    const state = await stateOf(many)
    expect(state).toEqual(await stateOf(single))
    expect(state).toMatchObject({
      balances: [...names, 'fees'].map((name) => `${name} ${balanceOf(model.ledger.stood, name)}`).sort(),
      used: [...model.used].map(([pair, minor]) => `${pair} ${minor}`).sort(),
      accepted: model.accepted,
      transfers: model.ledger.stood.length,
      deeds: model.accepted,
      broken: [],
    })
  })
}
