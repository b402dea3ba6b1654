/**
 * The demonstration's network: twelve businesses, nine months of trades, two connected books, a difference that somebody made
 * by hand, and a delivery that waits for a person.
 *
 * Keeps: each step looks for what it would make, so that a seeding that was cut off goes on where it stopped; one at a time,
 * however many demonstrations start. Everything is made through the rooms' own functions, under their rules.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { beginConsent, chooseBook, finishConsent } from '../src/books/connect.ts'
import { openConnectionOf } from '../src/books/connection.ts'
import { makeCreditAccount, mappingOf, saveMapping } from '../src/books/mapping.ts'
import type { Say } from '../src/demo/progress.ts'
import type { StandInBooks, Vendor } from '../src/demo/stand-in-books.ts'
import { giveConsent } from '../src/demo/visitor.ts'
import { addDays, type Day, dayIn } from '../src/kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../src/kit/db.ts'
import { idOfCause, idText } from '../src/kit/ids.ts'
import { invariant } from '../src/kit/invariant.ts'
import { parseAmount } from '../src/kit/money.ts'
import { admit, suspend } from '../src/networks/admit.ts'
import { acceptInvitation, invite } from '../src/networks/invite.ts'
import { type Member, memberOf, memberOfOrganisation, membersOf } from '../src/networks/member.ts'
import { createNetwork, type Network, networkOf } from '../src/networks/network.ts'
import { makeOperator } from '../src/networks/operator.ts'
import { nameRole, personByEmail } from '../src/networks/person.ts'
import { recordDeed } from '../src/networks/record-deed.ts'
import { currentTerms } from '../src/networks/terms.ts'
import { approveTrade } from '../src/outbox/move-delivery.ts'
import type { OutboxDeps } from '../src/outbox/outbox-deps.ts'
import { discrepanciesOf } from '../src/reconcile/read.ts'
import { reconcileBook } from '../src/reconcile/run.ts'
import { proposalOf } from '../src/trades/proposal.ts'
import { propose } from '../src/trades/propose.ts'
import { recordTrade } from '../src/trades/record-trade.ts'
import type { Deps as FaceDeps } from '../src/web/deps.ts'
import { bakery, cafe, type DemoBusiness, demoBusinesses, timber } from './demo-businesses.ts'
import { pastTrades } from './demo-past.ts'

type Deps = FaceDeps & OutboxDeps

const seedingLock = 7_840_551_301
const slug = 'lancaster'
const operatorEmail = 'operator@demo.example'
const convenerEmail = 'convener@demo.example'
const bookkeeperEmail = 'bookkeeper@demo.example'
const longestWaitMs = 60_000
const lookMs = 250
/** Days up to this many ago are closed in the timber merchant's book. */
const lockedDaysAgo = 31

/** Gives the people who can sign in. */
export async function seedDemo(deps: Deps, books: StandInBooks, say: Say): Promise<string[]> {
  const people = [convenerEmail, 'bakery@demo.example', 'timber@demo.example', bookkeeperEmail, operatorEmail]
  await oneAtATime(deps, async () => {
    if (await isSeeded(deps)) return
    say('Making the network of the demonstration (the first time only)')
    const network = await makeNetwork(deps)
    for (const business of demoBusinesses) await makeMember(deps, network, business)
    await makePast(deps, network, say)
    await settleStandings(deps, network)
    for (const [name, vendor] of [
      [timber, 'xero'],
      [bakery, 'quickbooks'],
    ] as const) {
      say(`${name} connects its book`)
      await connect(deps, network, name, vendor)
    }
    say('Trades are made and go to the books')
    await lockOldDays(deps, network, books)
    await makeTrades(deps, network)
    await waitForBooks(deps, network)
    say('Both books are read back and compared')
    await plantDifference(deps, network, books)
    await worker(deps, (tx) =>
      recordDeed(tx, deps.clock, { networkId: network.id, actor: 'quits', what: 'demo_seeded' }),
    )
  })
  return people
}

// ─── People and places ────────────────────────────────────────────────────────────────────────────────────────────────

async function makeNetwork(deps: Deps): Promise<Network> {
  return worker(deps, async (tx) => {
    const operator = await personByEmail(tx, operatorEmail)
    if (!operator?.isOperator) await makeOperator(tx, deps.clock, operatorEmail, 'Olive Operator')
    const known = await tx.network.findUnique({ where: { slug } })
    if (known) return networkOf(tx, known.id)
    return createNetwork(tx, deps.clock, {
      slug,
      name: 'Lancaster Trade Circle',
      from: { template: 'uk-monthly' },
      organisation: {
        name: 'Lancaster Trade Circle CIC',
        form: { legalForm: 'cic', partners: null, evidence: { kind: 'registration_number', number: '07733004' } },
        address: 'Storey Institute, Lancaster',
        email: convenerEmail,
      },
      convener: { email: convenerEmail, name: 'Cora Lune' },
      actor: 'quits',
    })
  })
}

async function makeMember(deps: Deps, network: Network, business: DemoBusiness): Promise<void> {
  const { clock, config } = deps
  await worker(deps, async (tx) => {
    if (await memberNamed(tx, network, business.name)) return
    const convener = await actorNamed(tx, convenerEmail)
    const vat = business.vat ? { registered: true, number: business.vat, scheme: 'accrual' as const } : undefined
    const isKnown = business.standing === 'admitted' || business.standing === 'suspended'
    const { name, email, address, form } = business
    const invited = await invite(tx, clock, {
      networkId: network.id,
      email,
      organisation: { name, email, address, vat, ...(isKnown ? { form } : {}) },
      from: { id: convener, name: 'Cora Lune' },
      publicUrl: config.publicUrl,
      seal: deps.seal,
    })
    if (business.standing === 'invited') return
    const { version: termsVersion } = await currentTerms(tx, network.id)
    const details = { name, email, address, form, vat, personName: business.owner, termsVersion }
    const { member } = await acceptInvitation(tx, clock, invited.token, details)
    if (name === timber || name === bakery) {
      const role = { organisationId: member.organisationId, role: 'bookkeeper' as const, email: bookkeeperEmail }
      await nameRole(tx, clock, { ...role, name: 'Bea Booker', actor: convener })
    }
    if (!isKnown) return
    await admit(tx, clock, {
      networkId: network.id,
      memberId: member.id,
      actor: convener,
      untold: true,
      ...(business.creditLimit ? { creditLimitMinor: minorOf(business.creditLimit) } : {}),
    })
  })
}

/** Suspended only after its past, in which it still bought. */
async function settleStandings(deps: Deps, network: Network): Promise<void> {
  for (const business of demoBusinesses.filter((one) => one.standing === 'suspended')) {
    await worker(deps, async (tx) => {
      const member = await theMember(tx, network, business.name)
      if (member.standing !== 'admitted') return
      const ask = { networkId: network.id, memberId: member.id, actor: await actorNamed(tx, convenerEmail) }
      await suspend(tx, deps.clock, { ...ask, reason: 'Nothing sold for half a year; we talk in December.' })
    })
  }
}

// ─── The past ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function makePast(deps: Deps, network: Network, say: Say): Promise<void> {
  const { members, terms, done } = await worker(deps, async (tx) => ({
    members: await membersOf(tx, network.id, { limit: 100, standings: ['admitted', 'suspended'] }),
    terms: await currentTerms(tx, network.id),
    done: new Set(
      (await tx.trade.findMany({ where: { networkId: network.id, ledgerOnly: true }, select: { id: true } })).map(
        (row) => row.id,
      ),
    ),
  }))
  const today = dayIn(network.timeZone, deps.clock.now())
  const firstMember = members[0]
  invariant(firstMember, 'the network has no members')
  // The last day of the past is kept with the members, so that a seeding that goes on tomorrow makes the same trades.
  const lastDay = addDays(dayIn(network.timeZone, firstMember.invitedAt), -5)
  const byName = new Map(members.map((one) => [one.organisation.name, one]))
  const trades = pastTrades(
    demoBusinesses.flatMap(({ name, sells }) => {
      const account = byName.get(name)?.account
      if (!account) return []
      const limits = {
        creditLimitMinor: account.creditLimitMinor ?? 0n,
        exposureLimitMinor: account.exposureLimitMinor ?? 0n,
      }
      return [{ name, sells, ...limits, endsAtZero: name === timber || name === bakery }]
    }),
    lastDay < today ? lastDay : addDays(today, -5),
  )
  const asks = trades.flatMap((past, place) => {
    const id = idOfCause('trade', network.id, 'demo', String(place))
    const [seller, buyer] = [byName.get(past.seller), byName.get(past.buyer)]
    invariant(seller && buyer, `${past.seller} or ${past.buyer} is no member`)
    if (done.has(id)) return []
    const proposal = proposalOf(
      { network, terms, seller, buyer },
      {
        networkId: network.id,
        id,
        actor: 'quits',
        proposedBy: 'seller',
        sellerMemberId: seller.id,
        buyerMemberId: buyer.id,
        currency: network.currency,
        lines: [{ description: past.description, netMinor: past.amountMinor, treatment: 'outside' }],
        part: { creditMinor: past.amountMinor },
        description: past.description,
        tradedOn: past.on,
        source: 'import',
        ledgerOnly: true,
      },
      deps.clock.now(),
    )
    return [{ proposal, tradeId: id, bookedOn: past.on }]
  })
  if (asks.length > 0) say(`${asks.length} trades of the past nine months are carried over`)
  await Promise.all(
    asks.map((ask) =>
      recordTrade(deps, { ...ask, networkId: network.id, actor: 'quits', side: 'import', confirmTreatment: true }),
    ),
  )
}

// ─── The books ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The owner's consent on the stand-in's own page, the account made, the proposed mapping confirmed. */
async function connect(deps: Deps, network: Network, name: string, vendor: Vendor): Promise<void> {
  const { member, actor, held } = await worker(deps, async (tx) => {
    const member = await theMember(tx, network, name)
    const business = demoBusinesses.find((one) => one.name === name)
    return {
      member,
      actor: await actorNamed(tx, business?.email ?? ''),
      held: await openConnectionOf(tx, member.organisationId),
    }
  })
  if (held?.state === 'live') return
  let connectionId = held?.id
  if (!connectionId) {
    const ask = { networkId: network.id, organisationId: member.organisationId, kind: vendor, actor, sessionHash: null }
    const { url } = await beginConsent(deps, ask)
    const { consentId, offered } = await finishConsent(deps, {
      url: await giveConsent(url, name),
      actor,
      sessionHash: null,
    })
    const book = offered.find((one) => one.bookName === name)
    invariant(book, `the consent opens no book of ${name}`)
    connectionId = (await chooseBook(deps, { consentId, bookId: book.bookId, actor })).id
  }
  const place = { connectionId, networkId: network.id, actor }
  await makeCreditAccount(deps, { ...place, kind: 'bank' })
  const mapping = await worker(deps, (tx) => mappingOf(tx, place.connectionId, network.id))
  await saveMapping(deps, { ...place, mapping: mapping.draft, ifVersion: mapping.version })
}

/** A closed period, so that the demonstration has a delivery that waits for its bookkeeper. */
async function lockOldDays(deps: Deps, network: Network, books: StandInBooks): Promise<void> {
  const until = addDays(dayIn(network.timeZone, deps.clock.now()), -lockedDaysAgo)
  await books.control('xero', `/organisations/${encodeURIComponent(timber)}/edit`, { deed: 'lockPeriod', until })
}

async function makeTrades(deps: Deps, network: Network): Promise<void> {
  const today = dayIn(network.timeZone, deps.clock.now())
  const sell = (mark: string, seller: string, buyer: string, net: string, more: SaleMore = {}) =>
    makeTrade(deps, network, { mark, seller, buyer, net, description: mark, ...more })
  await sell('Shelving for the shop', timber, bakery, '480.00', { yes: [timber, bakery] })
  await sell('Catering for the open day', bakery, timber, '120.00', { yes: [timber, bakery] })
  await sell('Bread for November', bakery, cafe, '64.00', { yes: [bakery] })
  // The seller has looked and said yes; the buyer's bookkeeper has not yet.
  await sell('Oak counter', timber, bakery, '900.00', { credits: '450.00', yes: [timber] })
  // Its day is closed in the seller's book, so it waits there for a person.
  const old = { tradedOn: addDays(today, -lockedDaysAgo - 9), yes: [timber, bakery] }
  await sell('Repair of the bread racks', timber, bakery, '75.00', old)
  await sell('Lunch for the staff', cafe, bakery, '38.50', { isOnlyProposed: true })
}

type SaleMore = { credits?: string; tradedOn?: Day; yes?: string[]; isOnlyProposed?: boolean }

async function makeTrade(
  deps: Deps,
  network: Network,
  sale: SaleMore & { mark: string; seller: string; buyer: string; net: string; description: string },
): Promise<void> {
  const id = idOfCause('trade', network.id, 'demo', sale.mark)
  const { seller, buyer, known } = await worker(deps, async (tx) => ({
    seller: await theMember(tx, network, sale.seller),
    buyer: await theMember(tx, network, sale.buyer),
    known: await tx.trade.findUnique({ where: { networkId_id: { networkId: network.id, id } } }),
  }))
  const [sellerPerson, buyerPerson] = await worker(deps, async (tx) => [
    await actorNamed(tx, emailOf(sale.seller)),
    await actorNamed(tx, emailOf(sale.buyer)),
  ])
  invariant(sellerPerson && buyerPerson, 'a demo trade lacks its people')
  const treatment = seller.organisation.vat.registered ? 'standard' : 'outside'
  if (!known)
    await propose(deps, {
      networkId: network.id,
      id,
      actor: sellerPerson,
      proposedBy: 'seller',
      sellerMemberId: seller.id,
      buyerMemberId: buyer.id,
      currency: network.currency,
      lines: [{ description: sale.description, netMinor: minorOf(sale.net), treatment }],
      part: { creditMinor: minorOf(sale.credits ?? sale.net) },
      description: sale.description,
      tradedOn: sale.tradedOn ?? dayIn(network.timeZone, deps.clock.now()),
      source: 'page',
    })
  if (sale.isOnlyProposed) return
  if (known?.state !== 'accepted') {
    const ask = { networkId: network.id, tradeId: id, actor: buyerPerson, side: 'buyer' as const }
    await recordTrade(deps, { ...ask, confirmTreatment: false })
  }
  for (const name of sale.yes ?? []) {
    const { organisationId } = name === sale.seller ? seller : buyer
    const ask = { networkId: network.id, tradeId: id, organisationId, actor: sellerPerson, at: deps.clock.now() }
    await worker(deps, (tx) => approveTrade(tx, { ...ask, actor: name === sale.seller ? sellerPerson : buyerPerson }))
  }
}

/** Until what was said yes to is in the books, or waits for a person. A book that is slow does not hold up the start. */
async function waitForBooks(deps: Deps, network: Network): Promise<void> {
  const until = performance.now() + longestWaitMs
  while (performance.now() < until) {
    const open = await worker(
      deps,
      (tx) => tx.$queryRaw<{ open: bigint }[]>`
        select count(*) as open from delivery d
          join approval a on a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id
         where d.network_id = ${network.id}::uuid and d.state in ('waiting', 'sending')
           and not exists (select 1 from delivery p where p.network_id = d.network_id and p.id = any (d.depends_on) and p.state = 'parked')`,
    )
    if (open[0]?.open === 0n) return
    await pause(lookMs)
  }
}

/** Somebody at the bakery pays for a parcel from the mutual-credit account, by hand. Found by the reconciliation after it. */
async function plantDifference(deps: Deps, network: Network, books: StandInBooks): Promise<void> {
  for (const name of [timber, bakery]) {
    const ask = await worker(deps, async (tx) => {
      const { organisationId } = await theMember(tx, network, name)
      return { networkId: network.id, organisationId, actor: 'quits' }
    })
    await reconcileBook(deps, ask)
    if (name !== bakery) continue
    const found = await worker(deps, (tx) => discrepanciesOf(tx, ask))
    if (found.some((one) => one.kind === 'missing_in_ledger')) continue
    const all = await books.control<{ id: string; name: string; accounts: { id: string; name: string }[] }[]>(
      'quickbooks',
      '/organisations',
    )
    const company = all.find((one) => one.name === bakery)
    const account = company?.accounts.find((one) => one.name.startsWith('Mutual credit'))
    invariant(company && account, 'the bakery’s book has no mutual-credit account')
    await books.control('quickbooks', `/organisations/${company.id}/edit`, {
      deed: 'spendMoney',
      account: account.id,
      amount: '12.40',
      memo: 'Parcel to Kendal',
    })
    await reconcileBook(deps, ask)
  }
}

// ─── What the steps share ─────────────────────────────────────────────────────────────────────────────────────────────

/** On a session of its own: two demonstrations on one folder seed it once. */
async function oneAtATime(deps: Deps, work: () => Promise<void>): Promise<void> {
  const session = await deps.db.apart.connect()
  try {
    await session.query('select pg_advisory_lock($1)', [seedingLock])
    await work()
  } finally {
    // The session ends, and the lock with it.
    session.release(true)
  }
}

async function isSeeded(deps: Deps): Promise<boolean> {
  return worker(deps, async (tx) => (await tx.deed.count({ where: { what: 'demo_seeded' } })) > 0)
}

function worker<T>(deps: Deps, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(deps.db, asWorker, work)
}

async function memberNamed(tx: Tx, network: Network, name: string): Promise<Member | null> {
  const organisations = await tx.organisation.findMany({ where: { name }, select: { id: true } })
  for (const { id } of organisations) {
    const member = await memberOfOrganisation(tx, network.id, id)
    if (member) return memberOf(tx, network.id, member.id)
  }
  return null
}

async function theMember(tx: Tx, network: Network, name: string): Promise<Member> {
  const member = await memberNamed(tx, network, name)
  invariant(member, `${name} is no member of the demonstration`)
  return member
}

async function actorNamed(tx: Tx, email: string): Promise<string> {
  const person = await personByEmail(tx, email)
  invariant(person, `nobody has the address ${email}`)
  return idText('person', person.id)
}

function emailOf(name: string): string {
  return demoBusinesses.find((one) => one.name === name)?.email ?? ''
}

function minorOf(amount: string): bigint {
  const minor = parseAmount(amount, 2)
  invariant(minor !== null, `not an amount: ${amount}`)
  return minor
}
