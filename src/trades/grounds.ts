/**
 * The ground on which proposals and answers are judged: who asks with a key, and every network, member, consent and trade that the
 * ask names, read by one call of trade_grounds(). Who asks in the same instant shares that call.
 *
 * Keeps: nothing here is remembered that can change: a key is asked anew each time. A version of the terms never changes.
 */
import { askAsWorker } from '../kit/ask-as-worker.ts'
import { type Batch, batchOf } from '../kit/batch.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { actorOf, isSecretOfKey, type KeyHolder } from '../networks/api-key.ts'
import type { Standing } from '../networks/member.ts'
import type { Actor } from '../networks/roles.ts'
import { hashOf } from '../networks/secret.ts'
import { type Terms, termsOf } from '../networks/terms.ts'
import type { Parties, Party, TradingNetwork } from './proposal.ts'
import { otherSide, type Side } from './trade.ts'

/** Null: not named well enough to be looked for. */
export type ProposalNamed = { networkId: Uuid; sellerId: Uuid | null; buyerId: Uuid | null }
export type TradeNamed = { networkId: Uuid; tradeId: Uuid }
export type GroundAsk = { secret: string; proposals: ProposalNamed[]; trades: TradeNamed[] }

/** As much of a trade as says who may answer it. */
export type TradeOnGround = {
  networkId: Uuid
  id: Uuid
  proposedBy: Side
  seller: { organisationId: Uuid }
  buyer: { organisationId: Uuid }
}

type NetworkTold = TradingNetwork & { termsVersion: number }
type Told = {
  key: KeyHolder
  own: Uuid[]
  networks: NetworkTold[]
  /** Network, trade, who proposed, the seller's and the buyer's organisation. */
  trades: [Uuid, Uuid, Side, Uuid, Uuid][]
  /** Network, member, organisation, account, standing. */
  members: [Uuid, Uuid, Uuid, Uuid, Standing][]
  organisations: [Uuid, string, boolean][]
  /** Network, consent, who accepts, who proposes, the side of who accepts. */
  consents: [Uuid, Uuid, Uuid, Uuid, Side][]
}

export type Ground = {
  actor: Actor
  /** Whether the actor's organisation has a place in this network. */
  isMemberOf(networkId: Uuid): boolean
  /** Refuses with not_found what is not there. */
  network(id: Uuid): TradingNetwork
  terms(networkId: Uuid): Terms
  member(networkId: Uuid, id: Uuid): Party
  trade(networkId: Uuid, id: Uuid): TradeOnGround
  consentFor(parties: Parties, proposedBy: Side): Uuid | null
}

const mostInOneCall = 64
const waitingRoom = 10_000
const mostTermsRemembered = 5_000
/** All askers wait in one lane: while one call reads, the next fills. */
const oneLane = 'grounds'

export type Grounds = {
  /** Null: the key is none of ours, or lives no longer. */
  ask(ask: GroundAsk): Promise<Ground | null>
}

export function groundsOf(db: Db): Grounds {
  const remembered = new Map<string, Terms>()
  const read = (asks: GroundAsk[]) => {
    const told = asks.map(({ secret, proposals, trades }) => ({
      secretHash: Buffer.from(hashOf(secret)).toString('hex'),
      proposals: once(proposals.map((one) => [one.networkId, one.sellerId, one.buyerId])),
      trades: once(trades.map((one) => [one.networkId, one.tradeId])),
    }))
    return askAsWorker<(Told | null)[]>(db, 'trade_grounds($1::jsonb)', [JSON.stringify(told)])
  }
  const few: Batch<GroundAsk, Told | null> = batchOf({
    run: (_lane, asks) => read(asks),
    most: mostInOneCall,
    waitingRoom,
    atOnce: 1,
  })

  async function termsFor({ id, termsVersion }: NetworkTold): Promise<Terms> {
    const name = `${id} ${termsVersion}`
    const known = remembered.get(name)
    if (known) return known
    const terms = await inTransaction(db, asWorker, (tx) => termsOf(tx, id, termsVersion))
    if (remembered.size >= mostTermsRemembered) remembered.clear()
    remembered.set(name, terms)
    return terms
  }

  return {
    async ask(ask) {
      if (!isSecretOfKey(ask.secret)) return null
      // A long list is a call of its own, so that nobody waits behind it who asks for one.
      const isLong = ask.proposals.length + ask.trades.length > 1
      const told = isLong ? (await read([ask]))[0] : await few.add(oneLane, ask)
      invariant(told !== undefined, 'trade_grounds() told nothing')
      if (told === null) return null
      const terms = new Map<Uuid, Terms>()
      for (const network of told.networks) terms.set(network.id, await termsFor(network))
      return groundFrom(told, terms)
    },
  }
}

/** Many asks name the same few. */
function once(named: (Uuid | null)[][]): (Uuid | null)[][] {
  return [...new Map(named.map((one) => [one.join(' '), one])).values()]
}

function groundFrom(told: Told, terms: Map<Uuid, Terms>): Ground {
  const networks = new Map(told.networks.map(({ termsVersion: _version, ...network }) => [network.id, network]))
  const organisations = new Map(told.organisations.map(([id, name, registered]) => [id, { name, vat: { registered } }]))
  const members = new Map(
    told.members.map(([networkId, id, organisationId, accountId, standing]): [string, Party] => {
      const organisation = organisations.get(organisationId)
      invariant(organisation, `member ${id} lacks its organisation`)
      return [`${networkId} ${id}`, { networkId, id, organisationId, accountId, standing, organisation }]
    }),
  )
  const trades = new Map(
    told.trades.map(([networkId, id, proposedBy, seller, buyer]): [string, TradeOnGround] => [
      `${networkId} ${id}`,
      { networkId, id, proposedBy, seller: { organisationId: seller }, buyer: { organisationId: buyer } },
    ]),
  )
  const consents = new Map(told.consents.map(([networkId, id, ...who]) => [[networkId, ...who].join(' '), id]))
  return {
    actor: actorOf(told.key),
    isMemberOf: (networkId) => told.own.includes(networkId),
    network: (id) => thereIs(networks.get(id), 'network'),
    terms: (networkId) => thereIs(terms.get(networkId), 'network'),
    member: (networkId, id) => thereIs(members.get(`${networkId} ${id}`), 'member'),
    trade: (networkId, id) => thereIs(trades.get(`${networkId} ${id}`), 'trade'),
    consentFor({ network, ...sides }, proposedBy) {
      const accepting = otherSide(proposedBy)
      return consents.get([network.id, sides[accepting].id, sides[proposedBy].id, accepting].join(' ')) ?? null
    },
  }
}

function thereIs<T>(found: T | undefined, thing: string): T {
  if (found === undefined) throw new Refusal('not_found', { thing })
  return found
}
