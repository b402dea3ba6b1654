/**
 * A network: businesses that trade in one unit. Made in one step from a template, or copied from a network that works.
 *
 * Runs as the worker: it opens the ledger's own accounts and names people.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { openLedger } from '../ledger/account.ts'
import { createOrganisation, type NewOrganisation, organisationOf } from './organisation.ts'
import { nameRole } from './person.ts'
import { recordDeed } from './record-deed.ts'
import { isTemplate, templates } from './templates.ts'
import { currentTerms, soundTerms, type TermsBody, writeTerms } from './terms.ts'

export type NetworkState = 'open' | 'paused' | 'closed'
export type Network = {
  id: Uuid
  slug: string
  name: string
  /** The legal person that runs it: the other side of its fees. */
  organisationId: Uuid
  currency: string
  scale: number
  timeZone: string
  state: NetworkState
  createdAt: Date
}

export type NewNetwork = {
  slug: string
  name: string
  /** Terms, unit and zone come from here. */
  from: { template: string } | { networkId: Uuid }
  terms?: Partial<TermsBody> | undefined
  timeZone?: string | undefined
  /** Who runs it: a new legal person, or one that is known already. */
  organisation: NewOrganisation | { organisationId: Uuid }
  /** The first convener. */
  convener?: { email: string; name?: string | null } | undefined
  actor: string
}

/** Written so by the database too. */
const slugShape = /^[a-z0-9][a-z0-9-]{1,40}$/

export async function createNetwork(tx: Tx, clock: Clock, ask: NewNetwork): Promise<Network> {
  const { currency, scale, timeZone, terms } = await startOf(tx, ask.from)
  const body = soundTerms({ ...terms, ...ask.terms })
  const zone = ask.timeZone ?? timeZone
  if (!slugShape.test(ask.slug)) throw new Refusal('slug_taken', { slug: ask.slug })
  if (!isTimeZone(zone)) throw new Refusal('terms_not_sound', { why: `there is no time zone ${zone}` })
  const known = 'organisationId' in ask.organisation ? ask.organisation.organisationId : null
  const organisation = known
    ? await organisationOf(tx, known)
    : await createOrganisation(tx, clock, ask.organisation as NewOrganisation)
  const at = clock.now()
  const id = newId(at)
  const made = await tx.$executeRaw`
    insert into network (id, slug, name, organisation_id, currency, scale, time_zone, created_at)
    values (${id}::uuid, ${ask.slug}, ${ask.name.trim()}, ${organisation.id}::uuid, ${currency}, ${scale}, ${zone}, ${at})
    on conflict (slug) do nothing`
  if (made === 0) throw new Refusal('slug_taken', { slug: ask.slug })
  await writeTerms(tx, clock, id, 1, body, ask.actor)
  await openLedger(tx, id, zone)
  if (ask.convener) await nameRole(tx, clock, { ...ask.convener, networkId: id, role: 'convener', actor: ask.actor })
  const facts = { slug: ask.slug, from: 'template' in ask.from ? ask.from.template : 'a copy' }
  await recordDeed(tx, clock, { networkId: id, actor: ask.actor, what: 'network_made', facts })
  return networkOf(tx, id)
}

export async function networkOf(tx: Tx, id: Uuid): Promise<Network> {
  const row = await tx.network.findUnique({ where: { id } })
  if (!row) throw new Refusal('not_found', { thing: 'network' })
  return { ...row, state: row.state as NetworkState }
}

/** The networks that the caller's scope shows, by name; behind the last one seen, when that is given. */
export async function networksSeen(tx: Tx, page?: { after: Uuid | null; limit: number }): Promise<Network[]> {
  const last = page?.after
    ? await tx.network.findUnique({ where: { id: page.after }, select: { name: true, id: true } })
    : null
  const rows = await tx.network.findMany({
    where: last ? { OR: [{ name: { gt: last.name } }, { name: last.name, id: { gt: last.id } }] } : {},
    orderBy: [{ name: 'asc' }, { id: 'asc' }],
    ...(page ? { take: page.limit } : {}),
  })
  return rows.map((row) => ({ ...row, state: row.state as NetworkState }))
}

/** Paused: nothing is traded and nothing is lost. Closed is for good. */
export const networkMoves = {
  open: ['paused', 'closed'],
  paused: ['open', 'closed'],
  closed: [],
} as const satisfies Record<NetworkState, readonly NetworkState[]>

export async function moveNetwork(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; to: NetworkState; reason: string; actor: string },
): Promise<Network> {
  if (ask.reason.trim() === '') throw new Refusal('reason_missing', {})
  await tx.$queryRaw`select id from network where id = ${ask.networkId}::uuid for update`
  const network = await networkOf(tx, ask.networkId)
  if (network.state === ask.to) return network
  const moves: readonly NetworkState[] = networkMoves[network.state]
  if (!moves.includes(ask.to)) throw new Refusal('standing_does_not_allow', { standing: network.state, wanted: ask.to })
  await tx.network.update({ where: { id: network.id }, data: { state: ask.to } })
  const facts = { from: network.state, reason: ask.reason }
  await recordDeed(tx, clock, { networkId: network.id, actor: ask.actor, what: `network_${ask.to}`, facts })
  return { ...network, state: ask.to }
}

type Start = { currency: string; scale: number; timeZone: string; terms: TermsBody }

async function startOf(tx: Tx, from: NewNetwork['from']): Promise<Start> {
  if ('template' in from) {
    if (!isTemplate(from.template)) throw new Refusal('template_unknown', { template: from.template })
    return templates[from.template]
  }
  const { currency, scale, timeZone } = await networkOf(tx, from.networkId)
  return { currency, scale, timeZone, terms: await currentTerms(tx, from.networkId) }
}

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
