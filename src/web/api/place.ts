/**
 * What a path names: a network, a member, a trade… found first, then guarded, before anything else is looked at.
 *
 * Keeps: what is not there and what is not yours to see are answered with the same words.
 */
import { asWorker, type Db, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import { type Member, memberOf } from '../../networks/member.ts'
import { type Network, networkOf } from '../../networks/network.ts'
import { type Actor, type DeedName, may, mustBeAllowed, type Place, rolesAt } from '../../networks/roles.ts'
import { otherSide, type Side, type Trade, tradeOf } from '../../trades/trade.ts'
import { guard } from '../guard.ts'

/** `places`: where this actor may stand; one that allows the deed is enough. `isOpen`: that it is there is no secret. */
export type Found = { places: Place[]; thing: string; isOpen?: boolean }
type Params = Record<string, string>
export type Finder<F extends Found> = (asked: { db: Db; actor: Actor }, params: Params) => Promise<F>

/** Says no in words when no place allows the deed. */
export function guardFound(actor: Actor, deed: DeedName | null, found: Found): void {
  if (deed === null) return
  const seen = found.places.filter((place) => rolesAt(actor, place).length > 0)
  if (found.isOpen && seen.length === 0) mustBeAllowed(actor, deed, found.places[0])
  const place = seen.find((one) => may(actor, deed, one)) ?? seen[0] ?? found.places[0] ?? {}
  guard(actor, deed, place, found.thing)
}

/** The installation itself. */
export const atInstallation: Finder<Found> = async () => ({ places: [{}], thing: 'route', isOpen: true })

export type AtNetwork = Found & { networkId: Uuid; network: Network; own: Member[] }

/** `own`: the members of this network that the actor acts for. */
export const atNetwork: Finder<AtNetwork> = async ({ db, actor }, params) => {
  const networkId = named(params, 'networkId')
  return inTransaction(db, asWorker, async (tx) => {
    const network = await networkOf(tx, networkId)
    const own = await ownMembers(tx, actor, networkId)
    return { networkId, network, own, thing: 'network', places: standsAt(networkId, own) }
  })
}

export type AtMember = Found & { networkId: Uuid; network: Network; member: Member }

export const atMember: Finder<AtMember> = async ({ db }, params) => {
  const [networkId, memberId] = [named(params, 'networkId'), named(params, 'memberId')]
  return inTransaction(db, asWorker, async (tx) => {
    const member = await memberOf(tx, networkId, memberId)
    const network = await networkOf(tx, networkId)
    const places = [{ networkId, organisationId: member.organisationId }]
    return { networkId, network, member, places, thing: 'member' }
  })
}

export type AtTrade = Found & { networkId: Uuid; network: Network; trade: Trade; seller: Member; buyer: Member }

export const atTrade: Finder<AtTrade> = async ({ db }, params) => {
  const [networkId, tradeId] = [named(params, 'networkId'), named(params, 'tradeId')]
  return inTransaction(db, asWorker, async (tx) => {
    const trade = await tradeOf(tx, networkId, tradeId)
    const seller = await memberOf(tx, networkId, trade.sellerMemberId)
    const buyer = await memberOf(tx, networkId, trade.buyerMemberId)
    const network = await networkOf(tx, networkId)
    const places = [seller, buyer].map(({ organisationId }) => ({ networkId, organisationId }))
    return { networkId, network, trade, seller, buyer, places, thing: 'trade' }
  })
}

/**
 * The side on which the actor stands. One who acts for both says which, or takes `otherwise`: the side whose turn it is.
 * Null: for neither, as a convener.
 */
export function sideOf(
  actor: Actor,
  deed: DeedName,
  at: Record<Side, Pick<Member, 'organisationId'>>,
  asked: Side | undefined,
  otherwise: Side,
): Side | null {
  const mayStand = (side: Side) => may(actor, deed, { organisationId: at[side].organisationId })
  if (asked) {
    guard(actor, deed, { organisationId: at[asked].organisationId }, 'member')
    return asked
  }
  if (mayStand(otherwise)) return otherwise
  return mayStand(otherSide(otherwise)) ? otherSide(otherwise) : null
}

function standsAt(networkId: Uuid, own: Member[]): Place[] {
  return [{ networkId }, ...own.map(({ organisationId }) => ({ networkId, organisationId }))]
}

async function ownMembers(tx: Tx, actor: Actor, networkId: Uuid): Promise<Member[]> {
  const organisationId = { in: actor.actsFor.map((one) => one.organisationId) }
  const rows = await tx.member.findMany({ where: { networkId, organisationId }, orderBy: { id: 'asc' } })
  return Promise.all(rows.map((row) => memberOf(tx, networkId, row.id)))
}

function named(params: Params, name: string): Uuid {
  const id = params[name]
  if (!id) throw new Refusal('not_found', { thing: 'route' })
  return id
}
