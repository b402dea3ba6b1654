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
const placeOf = (id: Uuid) => ({ table: 'webhook_address', row: id, column: 'secrets_sealed' })

export async function makeAddress(
  tx: Tx,
  { clock, seal, loopback }: Deps & { loopback: boolean },
  ask: { networkId: Uuid; organisationId: Uuid | null; url: string; whats: NoticeKind[]; actor: string },
): Promise<{ address: WebhookAddress; secret: string }> {
  const why = refusedUrl(ask.url, loopback)
  if (why) throw new Refusal('address_not_allowed', { why: why.replaceAll('_', ' ') })
  const [id, secret, { networkId, organisationId }] = [newId(clock.now()), newSecret(), ask]
  const sealed = seal.close(placeOf(id), JSON.stringify([{ secret, until: null }] satisfies Secret[]))
  await tx.$executeRaw`
    insert into webhook_address (network_id, id, organisation_id, url, whats, secrets_sealed, made_by, made_at)
    values (${networkId}::uuid, ${id}::uuid, ${organisationId}::uuid, ${ask.url}, ${ask.whats}, ${sealed}, ${ask.actor}, quits_now())`
  await tx.$executeRaw`insert into lane (id, kind, due_at) values (${id}::uuid, 'address', 'infinity')`
  // What happened before anybody listened is told to nobody.
  await tx.$executeRaw`
    insert into told_until (network_id, number, seen_at) select h.network_id, h.number, quits_now() from ledger_head h where h.network_id = ${networkId}::uuid
    on conflict (network_id) do nothing`
  await trail(tx, clock, ask, id, 'webhook_made')
  return { address: await addressOf(tx, id), secret }
}

export async function addressesOf(tx: Tx, networkId: Uuid): Promise<WebhookAddress[]> {
  return (await read(tx)).filter((one) => one.networkId === networkId)
}

export async function addressOf(tx: Tx, id: Uuid): Promise<WebhookAddress> {
  const found = (await read(tx)).find((one) => one.id === id)
  if (!found) throw new Refusal('not_found', { thing: 'webhook address' })
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
  await tx.$executeRaw`
    update webhook_address set off_at = case when ${to.on} then null else quits_now() end, off_cause = ${to.on ? null : to.cause}, failing_at = null
     where id = ${id}::uuid`
  await trail(tx, clock, { ...address, actor: to.actor }, id, to.on ? 'webhook_switched_on' : 'webhook_switched_off')
  return addressOf(tx, id)
}

/** One that only says that the address is heard. */
export async function promiseTest(tx: Tx, clock: Clock, address: WebhookAddress): Promise<Uuid> {
  const id = newId(clock.now())
  await tx.$executeRaw`
    insert into notice (network_id, id, address_id, what, cause, facts, happened_at, due_at)
    values (${address.networkId}::uuid, ${id}::uuid, ${address.id}::uuid, 'webhook.test', ${id}, '{}', quits_now(), quits_now())`
  await wake(tx, address.id)
  return id
}

/** What happened since then is sent anew, under the same ids. Gives how many. */
export async function replaySince(tx: Tx, address: WebhookAddress, since: Date): Promise<number> {
  const count = await tx.$executeRaw`
    update notice set taken_at = null, given_up_at = null, attempts = 0, due_at = quits_now()
     where address_id = ${address.id}::uuid and happened_at >= ${since} and (taken_at is not null or given_up_at is not null)`
  await wake(tx, address.id)
  return count
}

async function wake(tx: Tx, id: Uuid): Promise<void> {
  await tx.$executeRaw`update lane set due_at = quits_now() where id = ${id}::uuid and due_at > quits_now()`
}

async function read(tx: Tx): Promise<WebhookAddress[]> {
  return tx.$queryRaw<WebhookAddress[]>`
    select network_id as "networkId", id, organisation_id as "organisationId", url, whats, made_at as "madeAt", failing_at as "failingAt",
           off_at as "offAt", off_cause as "offCause" from webhook_address order by made_at, id`
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
