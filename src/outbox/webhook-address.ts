/**
 * The addresses of programs that are told of what happened in a network: the network's own, or one member's.
 *
 * Keeps: a secret is told once and stands sealed; while one takes the other's place, both sign for a day.
 * Runs as the worker: only that role sees addresses.
 */
import { randomBytes } from 'node:crypto'
import { type Clock, instantOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idText, newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { refusedUrl } from './public-line.ts'

export const noticeKinds = [
  'trade.accepted',
  'trade.reversed',
  'delivery.parked',
  'discrepancy.opened',
  'connection.needs_sign_in',
] as const
export type NoticeKind = (typeof noticeKinds)[number]
export type WebhookAddress = {
  networkId: Uuid
  id: Uuid
  organisationId: Uuid | null
  url: string
  whats: string[]
  madeAt: Date
  failingAt: Date | null
  offAt: Date | null
  offCause: string | null
}
type Secret = { secret: string; until: string | null }
type Deps = { clock: Clock; seal: Seal }

const overlapMs = 24 * 3_600_000
/** Each of them is told of everything: more of them is more likely a mistake than a wish. */
const mostAtOnePlace = 10
const shown = {
  ...{ networkId: true, id: true, organisationId: true, url: true, whats: true },
  ...{ madeAt: true, failingAt: true, offAt: true, offCause: true },
} as const
const placeOf = (id: Uuid) => ({ table: 'webhook_address', row: id, column: 'secrets_sealed' })

export async function makeAddress(
  tx: Tx,
  { clock, seal, loopback }: Deps & { loopback: boolean },
  ask: { networkId: Uuid; organisationId: Uuid | null; url: string; whats: NoticeKind[]; actor: string },
): Promise<{ address: WebhookAddress; secret: string }> {
  const why = refusedUrl(ask.url, loopback)
  if (why) throw new Refusal('address_not_allowed', { why: why.replaceAll('_', ' ') })
  const [id, secret, { networkId, organisationId }] = [newId(clock.now()), newSecret(), ask]
  if ((await tx.webhookAddress.count({ where: { networkId, organisationId } })) >= mostAtOnePlace)
    throw new Refusal('too_many_webhooks', { most: mostAtOnePlace })
  // As a machine writes it: nothing in it is a sign that cannot be written.
  const url = new URL(ask.url).href
  const sealed = seal.close(placeOf(id), JSON.stringify([{ secret, until: null }] satisfies Secret[]))
  await tx.$executeRaw`
    insert into webhook_address (network_id, id, organisation_id, url, whats, secrets_sealed, made_by, made_at)
    values (${networkId}::uuid, ${id}::uuid, ${organisationId}::uuid, ${url}, ${ask.whats}, ${sealed}, ${ask.actor}, quits_now())`
  await tx.$executeRaw`insert into lane (id, kind, due_at) values (${id}::uuid, 'address', 'infinity')`
  // What happened before anybody listened is told to nobody.
  await tx.$executeRaw`
    insert into told_until (network_id, number, seen_at) select h.network_id, h.number, quits_now() from ledger_head h where h.network_id = ${networkId}::uuid
    on conflict (network_id) do nothing`
  await trail(tx, clock, ask, id, 'webhook_made')
  return { address: await addressOf(tx, id), secret }
}

/** Of a network, those of its members among them. */
export async function addressesOf(tx: Tx, networkId: Uuid): Promise<WebhookAddress[]> {
  return tx.webhookAddress.findMany({ where: { networkId }, select: shown, orderBy: { id: 'asc' } })
}

/** Whose it is: a network's own, or one member's. */
export type AddressPlace = { networkId: Uuid; organisationId: Uuid | null }

/** Oldest first; `after` is the id of the last one seen. */
export async function addressesAt(
  tx: Tx,
  { networkId, organisationId }: AddressPlace,
  asked: { after: Uuid | null; limit: number },
): Promise<WebhookAddress[]> {
  const where = { networkId, organisationId, ...(asked.after ? { id: { gt: asked.after } } : {}) }
  return tx.webhookAddress.findMany({ where, select: shown, orderBy: { id: 'asc' }, take: asked.limit })
}

/** Only at its own place: another's is not there. */
export async function addressAt(
  tx: Tx,
  { networkId, organisationId }: AddressPlace,
  id: Uuid,
): Promise<WebhookAddress> {
  const found = await tx.webhookAddress.findFirst({ where: { networkId, organisationId, id }, select: shown })
  if (!found) throw new Refusal('not_found', { thing: 'webhook' })
  return found
}

export async function addressOf(tx: Tx, id: Uuid): Promise<WebhookAddress> {
  const found = await tx.webhookAddress.findFirst({ where: { id }, select: shown })
  if (!found) throw new Refusal('not_found', { thing: 'webhook' })
  return found
}

/** The new secret signs at once; the old one for another day beside it. */
export async function rotateSecret(tx: Tx, { clock, seal }: Deps, id: Uuid, actor: string): Promise<string> {
  const address = await addressOf(tx, id)
  const secret = newSecret()
  const until = instantOf(clock.now().getTime() + overlapMs).toISOString()
  const older = (await secretsOf(tx, { clock, seal }, id)).slice(0, 1).map((one) => ({ secret: one, until }))
  const sealed = seal.close(placeOf(id), JSON.stringify([{ secret, until: null }, ...older] satisfies Secret[]))
  await tx.$executeRaw`update webhook_address set secrets_sealed = ${sealed} where id = ${id}::uuid`
  await trail(tx, clock, { ...address, actor }, id, 'webhook_secret_rotated')
  return secret
}

/** Those that sign now, newest first. */
export async function secretsOf(tx: Tx, { clock, seal }: Deps, id: Uuid): Promise<string[]> {
  const rows = await tx.$queryRaw<{ sealed: string }[]>`
    select secrets_sealed as sealed from webhook_address where id = ${id}::uuid`
  const secrets = JSON.parse(seal.open(placeOf(id), rows[0]?.sealed ?? '')) as Secret[]
  return secrets.filter(({ until }) => until === null || instantOf(until) > clock.now()).map(({ secret }) => secret)
}

export async function switchAddress(
  tx: Tx,
  clock: Clock,
  id: Uuid,
  to: { on: boolean; cause: string; actor: string },
): Promise<WebhookAddress> {
  const address = await addressOf(tx, id)
  if ((address.offAt === null) === to.on) return address
  // What waited while it was off.
  if (to.on) await wake(tx, id)
  await tx.$executeRaw`
    update webhook_address set off_at = case when ${to.on} then null else quits_now() end, off_cause = ${to.on ? null : to.cause}, failing_at = null
     where id = ${id}::uuid`
  await trail(tx, clock, { ...address, actor: to.actor }, id, to.on ? 'webhook_switched_on' : 'webhook_switched_off')
  return addressOf(tx, id)
}

/**
 * Ends it with all that was told to it. The look for news is held off first, and the lane goes before the notices, as whoever
 * sends takes them: a sender that comes back late finds its lease gone and writes nothing.
 */
export async function removeAddress(tx: Tx, clock: Clock, address: WebhookAddress, actor: string): Promise<void> {
  const { networkId, id } = address
  await tx.$queryRaw`select 1 as held from told_until where network_id = ${networkId}::uuid for update`
  await tx.$executeRaw`delete from lane where id = ${id}::uuid and kind = 'address'`
  await tx.$executeRaw`delete from notice where network_id = ${networkId}::uuid and address_id = ${id}::uuid`
  await tx.$executeRaw`delete from webhook_address where network_id = ${networkId}::uuid and id = ${id}::uuid`
  await trail(tx, clock, { ...address, actor }, id, 'webhook_removed')
}

/** One that only says that the address is heard. */
export async function promiseTest(tx: Tx, clock: Clock, address: WebhookAddress): Promise<Uuid> {
  mustBeOn(address)
  const id = newId(clock.now())
  await wake(tx, address.id)
  await tx.$executeRaw`
    insert into notice (network_id, id, address_id, what, cause, facts, happened_at, due_at)
    values (${address.networkId}::uuid, ${id}::uuid, ${address.id}::uuid, 'webhook.test', ${id}, '{}', quits_now(), quits_now())`
  return id
}

/** What happened since then is sent anew, under the same ids. Gives how many. */
export async function replaySince(tx: Tx, address: WebhookAddress, since: Date): Promise<number> {
  mustBeOn(address)
  await wake(tx, address.id)
  return tx.$executeRaw`
    update notice set taken_at = null, given_up_at = null, attempts = 0, due_at = quits_now()
     where address_id = ${address.id}::uuid and happened_at >= ${since} and (taken_at is not null or given_up_at is not null)`
}

/** One of them is sent anew, under its own id; at once where it waits. */
export async function replayOne(tx: Tx, address: WebhookAddress, noticeId: Uuid): Promise<void> {
  mustBeOn(address)
  const { networkId, id } = address
  await wake(tx, id)
  const count = await tx.$executeRaw`
    update notice set taken_at = null, given_up_at = null, attempts = 0, due_at = quits_now()
     where network_id = ${networkId}::uuid and id = ${noticeId}::uuid and address_id = ${id}::uuid`
  if (count === 0) throw new Refusal('not_found', { thing: 'notice' })
}

function mustBeOn({ offAt, offCause }: WebhookAddress): void {
  if (offAt) throw new Refusal('webhook_is_off', { cause: offCause })
}

/** Always before the notices are touched, as whoever sends them takes the lane first. */
async function wake(tx: Tx, id: Uuid): Promise<void> {
  await tx.$executeRaw`update lane set due_at = quits_now() where id = ${id}::uuid and due_at > quits_now()`
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

async function trail(
  tx: Tx,
  clock: Clock,
  {
    networkId,
    organisationId,
    url,
    actor,
  }: { networkId: Uuid; organisationId: Uuid | null; url: string; actor: string },
  id: Uuid,
  what: string,
): Promise<void> {
  const facts = { webhook: idText('webhook', id), host: new URL(url).host }
  await recordDeed(tx, clock, { networkId, organisationId, actor, what, facts })
}
