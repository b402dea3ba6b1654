/**
 * Tells addresses what happened, after the Standard Webhooks scheme: id, instant and body are signed with each secret that lives.
 * Each address has a lane of its own, so one that is slow keeps no other waiting.
 *
 * Keeps: the same notice has the same id and body at every try; an address that has taken nothing for five days is switched
 * off, and its people are told once. What was given up can be sent anew.
 */
import { createHmac } from 'node:crypto'
import { askAsWorker } from '../kit/ask-as-worker.ts'
import { instantOf } from '../kit/clock.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import { idText, type Uuid } from '../kit/ids.ts'
import { queueMail, queueMailToOrganisation } from '../networks/mail.ts'
import { type Lease, stillOurs, takeLease } from './lease.ts'
import { bodyOf, type Notice } from './notice.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { type Posted, post } from './public-line.ts'
import { addressOf, secretsOf, switchAddress, type WebhookAddress } from './webhook-address.ts'

const mostAtOnce = 20
const mostGathered = 2_000
/** After the first, the second try and so on; then daily. */
const waitsSeconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
const patienceMs = 5 * 86_400_000
const gone = 410
/** Finds what is new, and serves one address. Gives how much was done. */
export async function sendNotices(deps: OutboxDeps, { loopback }: { loopback: boolean }): Promise<number> {
  const found = await askAsWorker<number>(deps.db, 'gather_notices($1)', [mostGathered])
  const lease = await takeLease(deps.db, `${deps.worker}/addresses`, 'address')
  if (!lease) return found
  const { address, secrets, due } = await inTransaction(deps.db, asWorker, async (tx) => {
    const address = await addressOf(tx, lease.laneId)
    const due = address.offAt ? [] : await dueAt(tx, address)
    return { address, due, secrets: due.length > 0 ? await secretsOf(tx, deps, address.id) : [] }
  })
  for (const notice of due) {
    const told = await tell(deps, address, secrets, notice, loopback)
    // The rest would fail too: they wait for the same address.
    if (!(await record(deps, lease, address, notice, told))) break
  }
  await giveBackLane(deps, lease)
  return found + 1
}

function dueAt(tx: Tx, { id }: WebhookAddress): Promise<Notice[]> {
  return tx.$queryRaw<Notice[]>`
    select network_id as "networkId", id, what, facts, happened_at as "happenedAt", attempts from notice
     where address_id = ${id}::uuid and taken_at is null and given_up_at is null and due_at <= quits_now()
     order by happened_at, id limit ${mostAtOnce}`
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

/** False when it was not taken. A late holder of the lane records nothing. */
async function record(
  deps: OutboxDeps,
  lease: Lease,
  address: WebhookAddress,
  notice: Notice,
  told: Posted,
): Promise<boolean> {
  const isTaken = told.status !== null && told.status >= 200 && told.status < 300
  const status = told.status === null ? told.why : String(told.status)
  return inTransaction(deps.db, asWorker, async (tx) => {
    if (!(await stillOurs(tx, lease))) return false
    if (isTaken) {
      await tx.$executeRaw`update notice set taken_at = quits_now(), attempts = attempts + 1, last_status = ${status} where id = ${notice.id}::uuid and network_id = ${notice.networkId}::uuid`
      await tx.$executeRaw`update webhook_address set failing_at = null where id = ${address.id}::uuid and failing_at is not null`
      return true
    }
    const waits = waitsSeconds[Math.min(notice.attempts, waitsSeconds.length - 1)] ?? 0
    await tx.$executeRaw`
      update notice set attempts = attempts + 1, last_status = ${status}, due_at = quits_now() + make_interval(secs => ${waits})
       where id = ${notice.id}::uuid and network_id = ${notice.networkId}::uuid`
    await tx.$executeRaw`update webhook_address set failing_at = coalesce(failing_at, quits_now()) where id = ${address.id}::uuid`
    const { failingAt } = await addressOf(tx, address.id)
    const isOver =
      failingAt !== null && failingAt.getTime() <= instantOf(deps.clock.now().getTime() - patienceMs).getTime()
    if (told.status === gone || isOver)
      await giveUp(tx, deps, address, told.status === gone ? 'it is gone' : 'five days of failing')
    return false
  })
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

async function giveBackLane({ db }: OutboxDeps, lease: Lease): Promise<void> {
  await inTransaction(
    db,
    asWorker,
    (tx) => tx.$executeRaw`
      update lane set leased_by = null, leased_until = null,
        due_at = least(due_at, coalesce((select min(greatest(n.due_at, quits_now())) from notice n join webhook_address a on a.id = n.address_id and a.off_at is null
          where n.address_id = lane.id and n.taken_at is null and n.given_up_at is null), 'infinity'))
       where id = ${lease.laneId}::uuid and fence = ${lease.fence}`,
  )
}
