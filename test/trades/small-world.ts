/** A network whose members trade with each other, and tables of what their trades leave. */
import { asWorker, type Db, inTransaction } from '../../src/kit/db.ts'
import { idOfCause, newId, type Uuid } from '../../src/kit/ids.ts'
import { formatAmount } from '../../src/kit/money.ts'
import { networkAccountId } from '../../src/ledger/account.ts'
import { audit } from '../../src/ledger/audit.ts'
import type { LegalForm } from '../../src/networks/evidence.ts'
import { setLimits } from '../../src/networks/limits.ts'
import { type Member, memberOf } from '../../src/networks/member.ts'
import type { TermsBody } from '../../src/networks/terms.ts'
import type { Delivery } from '../../src/outbox/delivery.ts'
import { deliveryFrom } from '../../src/outbox/delivery.ts'
import type { TradeAsk } from '../../src/trades/proposal.ts'
import { proposalsOf, propose } from '../../src/trades/propose.ts'
import { type AcceptanceAsk, acceptancesOf, recordTrade } from '../../src/trades/record-trade.ts'
import { reverseTrade } from '../../src/trades/reverse-trade.ts'
import { type Side, type Trade, tradeOf } from '../../src/trades/trade.ts'
import { formOf, type SetUp, setUp } from '../networks/set-up.ts'
import { ledgerTable } from '../support/tables.ts'

export const today = '2026-11-02'

export type Business = {
  form?: LegalForm
  vat?: boolean
  creditLimit?: bigint
  exposureLimit?: bigint
}

export async function ground(): Promise<SetUp> {
  return setUp()
}

export async function smallWorld(on: SetUp, businesses: Record<string, Business>, terms: Partial<TermsBody> = {}) {
  const { db, clock } = on
  const network = await on.network(terms)
  const acceptances = acceptancesOf(db)
  const members: Record<string, Member> = {}
  let vatNumbers = 0
  for (const [name, business] of Object.entries(businesses)) {
    let member = await on.member(network, `The ${name}`, formOf(business.form ?? 'company'))
    if (business.vat ?? true) {
      vatNumbers += 1
      await db.pool.query('update organisation set vat_registered = true, vat_number = $2 where id = $1', [
        member.organisationId,
        `GB1234567${vatNumbers}`,
      ])
    }
    const credit =
      business.creditLimit ?? (business.form === undefined || business.form === 'company' ? 1_000_000n : 0n)
    member = await on.worker(async (tx) => {
      await setLimits(tx, clock, {
        networkId: network.id,
        memberId: member.id,
        creditLimitMinor: credit,
        exposureLimitMinor: business.exposureLimit ?? 5_000_000n,
        reason: 'as agreed',
        actor: 'per_convener',
      })
      return memberOf(tx, network.id, member.id)
    })
    members[name] = member
  }
  const member = (name: string): Member => {
    const found = members[name]
    if (!found) throw new Error(`no member ${name}`)
    return found
  }
  const deps = { db: db as Db, clock, acceptances, proposals: proposalsOf(db) }
  const world = {
    ...deps,
    network,
    member,
    worker: on.worker,
    /** A proposal with what the test does not care for filled in; `net` in pounds and pence. */
    ask(seller: string, buyer: string, more: Partial<TradeAsk> & { net?: bigint } = {}): TradeAsk {
      const { net = 100_000n, ...rest } = more
      const treatment = businesses[seller]?.vat === false ? 'outside' : 'standard'
      return {
        networkId: network.id,
        id: newId(clock.now()),
        actor: `per_${more.proposedBy === 'buyer' ? buyer : seller}`,
        proposedBy: 'seller',
        sellerMemberId: member(seller).id,
        buyerMemberId: member(buyer).id,
        currency: 'GBP',
        lines: [{ description: 'Flour', netMinor: net, treatment }],
        part: {},
        description: 'Flour for the week',
        tradedOn: today,
        source: 'api',
        ...rest,
      }
    },
    propose: (ask: TradeAsk) => propose(deps, ask),
    accept: (trade: Pick<Trade, 'id'>, more: Partial<AcceptanceAsk> = {}) =>
      recordTrade(deps, {
        networkId: network.id,
        tradeId: trade.id,
        actor: 'per_other',
        side: 'buyer',
        confirmTreatment: true,
        ...more,
      }),
    async sale(seller: string, buyer: string, more: Partial<TradeAsk> & { net?: bigint } = {}): Promise<Trade> {
      const trade = await propose(deps, world.ask(seller, buyer, more))
      await world.accept(trade, { side: trade.proposedBy === 'seller' ? 'buyer' : 'seller' })
      return world.read(trade)
    },
    read: (trade: Pick<Trade, 'id'>) => on.worker((tx) => tradeOf(tx, network.id, trade.id)),
    reverse: (trade: Pick<Trade, 'id'>, side: Side | 'convener' = 'convener') =>
      reverseTrade(deps, {
        networkId: network.id,
        tradeId: trade.id,
        side,
        actor: `per_${side}`,
        reason: 'wrong goods',
      }),
    async balance(name: string): Promise<bigint> {
      return (await on.worker((tx) => memberOf(tx, network.id, member(name).id))).account.balanceMinor
    },
    ledgerTable: () =>
      ledgerTable(db, network.id, {
        ...Object.fromEntries(Object.entries(members).map(([name, one]) => [name, one.accountId])),
        fees: networkAccountId(network.id, 'fees'),
      }),
    async deliveries(name: string): Promise<Delivery[]> {
      const rows = await on.worker((tx) =>
        tx.delivery.findMany({
          where: { networkId: network.id, organisationId: member(name).organisationId },
          orderBy: [{ promisedAt: 'asc' }],
        }),
      )
      return rows.map(deliveryFrom)
    },
    /** What one member's book was promised: kind, mark of the reference, amount, day, state; in order of the marks. */
    async bookTable(name: string): Promise<string> {
      const deliveries = (await world.deliveries(name)).filter((one) => one.kind !== 'contact')
      const lines = deliveries.map(({ document, kind, reference, state }) => {
        const amount =
          'totalMinor' in document ? document.totalMinor : 'amountMinor' in document ? document.amountMinor : ''
        const shown = amount === 'open' || amount === '' ? amount : formatAmount(BigInt(amount), 2)
        const day = document.what === 'contact' ? '' : (document.datedOn ?? '')
        return `${reference.slice(11)}  ${kind}  ${shown}  ${day}  ${state}`
      })
      return lines.length === 0 ? 'nothing' : ['mark  kind  amount  day  state', ...lines.sort()].join('\n')
    },
    /** As if a worker had begun, and finished, what is promised so far. */
    async deliverAll(name: string, state = 'delivered'): Promise<void> {
      await db.pool.query(
        'update delivery set attempts = 1, state = $3, receipt = \'{"id":"1","totalMinor":null,"openMinor":null}\' where network_id = $1 and organisation_id = $2 and state = \'waiting\'',
        [network.id, member(name).organisationId, state],
      )
    },
    async brokenTruths(): Promise<string[]> {
      const found = await inTransaction(db, asWorker, (tx) => audit(tx, network.id))
      return found.truths.filter((truth) => !truth.holds).map((truth) => truth.name)
    },
    id: (name: string): Uuid => idOfCause('test', network.id, name),
  }
  return world
}
export type SmallWorld = Awaited<ReturnType<typeof smallWorld>>
