/**
 * What a page's address names: found first, then guarded, before anything of it is shown.
 *
 * Keeps: what is not there and what is not yours to see look alike (404).
 */
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import { type IdKind, idFromText, type Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import { scopeFor } from '../../networks/person.ts'
import { type Actor, type DeedName, may, type Place } from '../../networks/roles.ts'
import { type AtMember, type AtNetwork, type AtTrade, atMember, atNetwork, atTrade, guardFound } from '../api/place.ts'
import type { Visit } from '../page.ts'

export type Here<F> = F & { actor: Actor; mayDo(deed: DeedName): boolean }

/** /networks/:slug */
export async function networkHere(visit: Visit, deed: DeedName): Promise<Here<AtNetwork>> {
  const actor = visit.actor()
  const slug = visit.params.slug ?? ''
  const isSlug = /^[a-z0-9][a-z0-9-]{1,40}$/.test(slug)
  const row = isSlug
    ? await worker(visit, (tx) => tx.network.findUnique({ where: { slug }, select: { id: true } }))
    : null
  if (!row) throw new Refusal('not_found', { thing: 'network' })
  const at = await atNetwork({ db: visit.deps.db, actor }, { networkId: row.id })
  return guarded(at, actor, deed)
}

/** /members/:mem */
export async function memberHere(visit: Visit, deed: DeedName): Promise<Here<AtMember>> {
  const actor = visit.actor()
  const id = idNamed(visit, 'mem', 'member')
  const row = await worker(visit, (tx) => tx.member.findFirst({ where: { id }, select: { networkId: true } }))
  if (!row) throw new Refusal('not_found', { thing: 'member' })
  const at = await atMember({ db: visit.deps.db, actor }, { networkId: row.networkId, memberId: id })
  return guarded(at, actor, deed)
}

/** /networks/:slug/members/:mem */
export async function memberOfNetworkHere(visit: Visit, deed: DeedName): Promise<Here<AtMember>> {
  const { networkId } = await networkHere(visit, deed)
  const here = await memberHere(visit, deed)
  if (here.networkId !== networkId) throw new Refusal('not_found', { thing: 'member' })
  return here
}

/** /trades/:trd */
export async function tradeHere(visit: Visit, deed: DeedName): Promise<Here<AtTrade>> {
  const actor = visit.actor()
  const id = idNamed(visit, 'trd', 'trade')
  const row = await worker(visit, (tx) => tx.trade.findFirst({ where: { id }, select: { networkId: true } }))
  if (!row) throw new Refusal('not_found', { thing: 'trade' })
  const at = await atTrade({ db: visit.deps.db, actor }, { networkId: row.networkId, tradeId: id })
  return guarded(at, actor, deed)
}

/** Reads behind the second wall: only what this person's networks and organisations hold. */
export async function see<A>(visit: Visit, work: (tx: Tx) => Promise<A>): Promise<A> {
  return inTransaction(visit.deps.db, await scopeFor(visit.deps.db, visit.actor()), work)
}

/** For what only the worker may read or write: people, mail, the states of a network's connections. */
export function worker<A>(visit: Visit, work: (tx: Tx) => Promise<A>): Promise<A> {
  return inTransaction(visit.deps.db, asWorker, work)
}

export function idNamed(visit: Visit, param: string, kind: IdKind): Uuid {
  const id = idFromText(kind, visit.params[param] ?? '')
  if (!id) throw new Refusal('not_found', { thing: kind })
  return id
}

/** Names of those who did things: `per_…` by name, the rest as they are. */
export async function namesOf(tx: Tx, actors: (string | null)[]): Promise<(actor: string | null) => string> {
  const ids = [...new Set(actors)].flatMap((actor) => (actor ? (idFromText('person', actor) ?? []) : []))
  const people = await tx.person.findMany({ where: { id: { in: ids } }, select: { id: true, name: true, email: true } })
  const known = new Map(people.map((one) => [one.id, one.name ?? one.email]))
  return (actor) => {
    if (actor === null) return ''
    if (actor.startsWith('key_')) return 'an API key'
    const id = idFromText('person', actor)
    return (id && known.get(id)) ?? (actor === 'quits' ? 'Quits' : actor)
  }
}

function guarded<F extends { places: Place[]; thing: string }>(at: F, actor: Actor, deed: DeedName): Here<F> {
  guardFound(actor, deed, at)
  return { ...at, actor, mayDo: (wanted) => at.places.some((place) => may(actor, wanted, place)) }
}
