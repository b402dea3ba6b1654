/**
 * Tells addresses what happened, after the Standard Webhooks scheme: id, instant and body are signed with each secret that lives.
 * Each address has a lane of its own, several are served at once, and a turn ends in time: one that is slow keeps no other waiting.
 *
 * Keeps: the same notice has the same id and body at every try; an address that fails rests as a whole, longer each time, and is
 * tried with one notice after it; one that has taken nothing for five days is switched off, and its people are told once. What was
 * given up can be sent anew.
 */
import { createHmac } from 'node:crypto'
import { instantOf } from '../kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import { idText, type Uuid } from '../kit/ids.ts'
import { queueMail, queueMailToOrganisation } from '../networks/mail.ts'
import { type Lease, stillOurs, takeLease } from './lease.ts'
import { bodyOf, type Notice } from './notice.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { type Posted, post } from './public-line.ts'
import { addressOf, secretsOf, switchAddress, type WebhookAddress } from './webhook-address.ts'

const mostInOneTurn = 20
/** Then another address has its turn. With the last post's own limit, well within a lease. */
const turnMs = 10_000
/** After the first, the second failure and so on; then daily. An address rests so long, and each notice that it refused by itself. */
const waitsSeconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
const patienceMs = 5 * 86_400_000
const gone = 410

/** Serves the address that has been due longest. Gives the number of addresses served. */
export async function sendNotices(
  deps: OutboxDeps,
  { loopback, worker = deps.worker }: { loopback: boolean; worker?: string },
): Promise<number> {
  const lease = await takeLease(deps.db, `${worker}/addresses`, 'address')
  if (!lease) return 0
  const downsBefore = downsIn(lease.budget)
  const { address, secrets, due } = await inTransaction(deps.db, asWorker, async (tx) => {
    const address = await addressOf(tx, lease.laneId)
    const due = address.offAt ? [] : await dueAt(tx, address, downsBefore > 0)
    return { address, due, secrets: due.length > 0 ? await secretsOf(tx, deps, address.id) : [] }
  })
  const endsAtMs = deps.clock.now().getTime() + turnMs
  let downs = address.offAt ? 0 : downsBefore
  for (const notice of due) {
    if (deps.isStopping?.() || deps.clock.now().getTime() >= endsAtMs) break
    const told = await tell(deps, address, secrets, notice, loopback)
    const went = await record(deps, lease, address, notice, told)
    if (went === 'lost') return 1
    // The rest would fail too: they wait for the same address.
    if (went === 'refused') {
      await restLane(deps, lease, downs + 1)
      return 1
    }
    downs = 0
    if (went === 'off') break
  }
  await giveBackLane(deps, lease, downs)
  return 1
}

/** How often the address failed since it last took something. */
function downsIn(budget: unknown): number {
  if (typeof budget !== 'object' || budget === null || !('downs' in budget)) return 0
  return typeof budget.downs === 'number' ? budget.downs : 0
}

/** In their order; where the address failed, what it has refused least goes first, so that one notice that it never takes holds up no other. */
function dueAt(tx: Tx, { id }: WebhookAddress, isProbed: boolean): Promise<Notice[]> {
  return tx.$queryRaw<Notice[]>`
    select network_id as "networkId", id, what, facts, happened_at as "happenedAt", attempts from notice
     where address_id = ${id}::uuid and taken_at is null and given_up_at is null and due_at <= quits_now()
     order by case when ${isProbed} then attempts else 0 end, happened_at, id limit ${mostInOneTurn}`
}

async function tell(
  deps: OutboxDeps,
  address: WebhookAddress,
  secrets: string[],
  notice: Notice,
  loopback: boolean,
): Promise<Posted> {
  const body = bodyOf(notice)
  const id = idText('notice', notice.id)
  const timestamp = String(Math.floor(deps.clock.now().getTime() / 1000))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Quits',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => signed(secret, `${id}.${timestamp}.${body}`)).join(' '),
  }
  return post(address.url, headers, body, { loopback })
}

function signed(secret: string, words: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(words).digest('base64')}`
}

/** 'off': the address is switched off with it. A late holder of the lane records nothing. */
async function record(
  deps: OutboxDeps,
  lease: Lease,
  address: WebhookAddress,
  notice: Notice,
  told: Posted,
): Promise<'taken' | 'refused' | 'off' | 'lost'> {
  const isTaken = told.status !== null && told.status >= 200 && told.status < 300
  const status = told.status === null ? told.why : String(told.status)
  return inTransaction(deps.db, asWorker, async (tx) => {
    if (!(await stillOurs(tx, lease))) return 'lost'
    if (isTaken) {
      await tx.$executeRaw`update notice set taken_at = quits_now(), attempts = attempts + 1, last_status = ${status} where id = ${notice.id}::uuid and network_id = ${notice.networkId}::uuid`
      await tx.$executeRaw`update webhook_address set failing_at = null where id = ${address.id}::uuid and failing_at is not null`
      return 'taken'
    }
    await tx.$executeRaw`
      update notice set attempts = attempts + 1, last_status = ${status}, due_at = quits_now() + make_interval(secs => ${waitAfter(notice.attempts)})
       where id = ${notice.id}::uuid and network_id = ${notice.networkId}::uuid`
    await tx.$executeRaw`update webhook_address set failing_at = coalesce(failing_at, quits_now()) where id = ${address.id}::uuid`
    const { failingAt } = await addressOf(tx, address.id)
    const isOver =
      failingAt !== null && failingAt.getTime() <= instantOf(deps.clock.now().getTime() - patienceMs).getTime()
    if (told.status !== gone && !isOver) return 'refused'
    await giveUp(tx, deps, address, told.status === gone ? 'it is gone' : 'five days of failing')
    return 'off'
  })
}

function waitAfter(failuresBefore: number): number {
  return waitsSeconds[Math.min(failuresBefore, waitsSeconds.length - 1)] ?? 0
}

async function giveUp(tx: Tx, deps: OutboxDeps, address: WebhookAddress, cause: string): Promise<void> {
  await switchAddress(tx, deps.clock, address.id, { on: false, cause, actor: 'quits' })
  await tx.$executeRaw`
    update notice set given_up_at = quits_now() where address_id = ${address.id}::uuid and taken_at is null and given_up_at is null`
  const network = await tx.network.findUniqueOrThrow({ where: { id: address.networkId } })
  const letter = {
    kind: 'webhook_off',
    subject: `${new URL(address.url).host} is told nothing any more`,
    paragraphs: [
      `Quits tells ${new URL(address.url).host} what happens in ${network.name}. It was switched off: ${cause}.`,
      'Once it answers again, switch it on and have what it missed sent anew. The trades themselves are not touched.',
    ],
  }
  if (address.organisationId) await queueMailToOrganisation(tx, deps.clock, address.organisationId, ['owner'], letter)
  else for (const to of await convenersOf(tx, address.networkId)) await queueMail(tx, deps.clock, { ...letter, to })
}

async function convenersOf(tx: Tx, networkId: Uuid): Promise<string[]> {
  const serving = await tx.serves.findMany({ where: { networkId, role: 'convener', endedAt: null } })
  const people = await tx.person.findMany({ where: { id: { in: serving.map((one) => one.personId) } } })
  return people.map(({ email }) => email)
}

/** Whatever became due meanwhile rests with it. */
async function restLane({ db }: OutboxDeps, lease: Lease, downs: number): Promise<void> {
  const waits = waitAfter(downs - 1)
  await inTransaction(
    db,
    asWorker,
    (tx) => tx.$executeRaw`
      update lane set leased_by = null, leased_until = null, due_at = quits_now() + make_interval(secs => ${waits}),
        budget = jsonb_build_object('downs', ${downs}::integer, 'restUntil', quits_now() + make_interval(secs => ${waits}))
       where id = ${lease.laneId}::uuid and fence = ${lease.fence}`,
  )
}

async function giveBackLane({ db }: OutboxDeps, lease: Lease, downs: number): Promise<void> {
  await inTransaction(
    db,
    asWorker,
    (tx) => tx.$executeRaw`
      update lane set leased_by = null, leased_until = null, budget = jsonb_build_object('downs', ${downs}::integer),
        due_at = least(due_at, coalesce((select min(greatest(n.due_at, quits_now())) from notice n join webhook_address a on a.id = n.address_id and a.off_at is null
          where n.address_id = lane.id and n.taken_at is null and n.given_up_at is null), 'infinity'))
       where id = ${lease.laneId}::uuid and fence = ${lease.fence}`,
  )
}
