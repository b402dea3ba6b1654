/**
 * What the service is killed in: each journey is prepared, driven as its users would (who hears nothing asks again with the same key),
 * and done when what was asked for is so. A new one is one line more in `journeys`.
 */
import { createHmac, randomUUID } from 'node:crypto'
import type { Uuid } from '../../../src/kit/ids.ts'
import { invariant } from '../../../src/kit/invariant.ts'
import type { Firm, Vendor } from '../../bench-delivery/scene.ts'
import { marketOf } from '../../bench-delivery/trade-many.ts'
import { ask, networkText } from './asking.ts'
import { connecting } from './connecting.ts'
import { consentTo, type KillScene, memberText, webhookKeys } from './scene.ts'

export type Round = {
  /** Asks until it is answered; must bear to be asked again. */
  drive(): Promise<void>
  isDone(): Promise<boolean>
  /** What this journey promises besides the oracles. */
  broken?(): Promise<string[]>
}
export type Journey = {
  name: string
  vendor: Vendor | 'either'
  /** The schedule runs too, from a moment before this minute of the hour. */
  minute?: number
  prepare(scene: KillScene): Promise<Round>
}

const vendors = ['xero', 'quickbooks'] as const
const minuteMs = 60_000

export const journeys: Journey[] = [
  ...vendors.flatMap((vendor): Journey[] => [
    { name: 'deliver a sale', vendor, prepare: (scene) => sale(scene, vendor) },
    { name: 'deliver bills in a batch', vendor, prepare: (scene) => bills(scene, vendor) },
    { name: 'deliver a reversal', vendor, prepare: (scene) => reversal(scene, vendor) },
    { name: 'look up', vendor, prepare: (scene) => lookUp(scene, vendor) },
    { name: 'refresh', vendor, prepare: (scene) => refresh(scene, vendor) },
    { name: 'reconcile', vendor, prepare: (scene) => reconcile(scene, vendor) },
    { name: 'webhook', vendor, prepare: (scene) => webhook(scene, vendor) },
  ]),
  { name: 'import', vendor: 'either', prepare: backfill },
  { name: 'sweep', vendor: 'either', minute: 40, prepare: sweep },
  // Last: each time one book more is connected.
  ...vendors.map((vendor): Journey => ({ name: 'connect', vendor, prepare: (scene) => connecting(scene, vendor) })),
]

/** Accepted through the door; the first with its buyer, so contact, invoice and payment follow. */
async function sale(scene: KillScene, vendor: Vendor): Promise<Round> {
  const buyer = scene.newcomer()
  const firm = scene.firm(vendor)
  await consentTo(scene, buyer.memberId, firm.memberId)
  return sellThroughDoor(scene, firm, buyer.memberId)
}

async function sellThroughDoor(
  scene: KillScene,
  seller: Firm,
  buyerId: Uuid,
  share = 10_000,
): Promise<Round & { tradeId(): string }> {
  const key = await scene.key({ role: 'owner', organisationId: seller.organisationId })
  const idempotencyKey = randomUUID()
  let tradeId = ''
  return {
    tradeId: () => tradeId,
    async drive() {
      const answer = await ask(scene, {
        key,
        method: 'POST',
        path: '/v1/trades',
        idempotencyKey,
        body: {
          networkId: networkText(scene),
          sellerId: memberText(seller.memberId),
          buyerId: memberText(buyerId),
          description: 'Flour for November',
          lines: [{ description: 'Flour, a sack', net: { amount: '10', currency: 'GBP' }, treatment: 'outside' }],
          creditBasisPoints: share,
        },
      })
      invariant(
        answer.status === 201 && answer.body.state === 'accepted',
        `a sale was answered ${JSON.stringify(answer.body)}`,
      )
      tradeId = String(answer.body.id)
    },
    isDone: async () => tradeId !== '' && (await scene.isQuiet()),
  }
}

/** Three trades wait already: one call for their bills, one for their payments. */
async function bills(scene: KillScene, vendor: Vendor): Promise<Round> {
  const seller = scene.newcomer()
  const buyer = scene.firm(vendor)
  await consentTo(scene, buyer.memberId, seller.memberId)
  const market = marketOf(scene.books.db, scene.books.networkId, { now: scene.now })
  const pair = { seller: { ...seller, vendor: null, bookId: null }, buyer }
  return once(
    async () => market.sellMany(pair, 3),
    () => scene.isQuiet(),
  )
}

/** Part of it was in money, so the credit note is set against what is open, and the rest refunded. */
async function reversal(scene: KillScene, vendor: Vendor): Promise<Round> {
  const buyer = scene.newcomer()
  const firm = scene.firm(vendor)
  await consentTo(scene, buyer.memberId, firm.memberId)
  const sold = await sellThroughDoor(scene, firm, buyer.memberId, 6_000)
  await sold.drive()
  await untilQuiet(scene)
  const key = await scene.key({ role: 'convener' })
  const idempotencyKey = randomUUID()
  let isAnswered = false
  return {
    async drive() {
      const path = `/v1/networks/${networkText(scene)}/trades/${sold.tradeId()}/reverse`
      const answer = await ask(scene, { key, method: 'POST', path, idempotencyKey, body: { reason: 'wrong buyer' } })
      invariant(answer.status === 200, `a reversal was answered ${JSON.stringify(answer.body)}`)
      isAnswered = true
    },
    isDone: async () => isAnswered && (await scene.isQuiet()),
  }
}

/** The vendor has written, and its answer is lost: nothing is put again before it was looked for. */
async function lookUp(scene: KillScene, vendor: Vendor): Promise<Round> {
  const lost = { knob: 'loseReply', times: 1, match: { path: vendor === 'xero' ? '/Invoices' : '/(invoice|batch)' } }
  if (vendor === 'xero') scene.books.xero.control.faults.add({ ...lost, match: { ...lost.match, method: 'PUT' } })
  else scene.books.quickbooks.control.fault({ ...lost, match: { ...lost.match, method: 'POST' } })
  return sale(scene, vendor)
}

async function refresh(scene: KillScene, vendor: Vendor): Promise<Round> {
  await scene.travel(70 * minuteMs)
  return bills(scene, vendor)
}

async function reconcile(scene: KillScene, vendor: Vendor): Promise<Round> {
  const firm = scene.firm(vendor)
  const key = await scene.key({ role: 'owner', organisationId: firm.organisationId })
  const path = `/v1/networks/${networkText(scene)}/members/${memberText(firm.memberId)}/reconciliations`
  let isAnswered = false
  return {
    async drive() {
      const answer = await ask(scene, { key, method: 'POST', path, idempotencyKey: randomUUID(), body: {} })
      invariant(answer.status === 201, `a reconciliation was answered ${JSON.stringify(answer.body)}`)
      isAnswered = true
    },
    isDone: async () => isAnswered && (await scene.isQuiet()),
    // Half a report is none: what was cut off says so, and has no line.
    async broken() {
      const { rows } = await scene.books.db.pool.query(
        `select r.id from reconciliation r where r.state = 'running'
            or (r.state = 'failed' and exists (select 1 from reconciliation_line l where l.network_id = r.network_id and l.reconciliation_id = r.id))`,
      )
      return rows.length === 0 ? [] : ['half a report is kept']
    },
  }
}

/** Rung until it is answered, as the vendor does; then the book is looked at. */
async function webhook(scene: KillScene, vendor: Vendor): Promise<Round> {
  const { bookId } = scene.firm(vendor)
  const thing = randomUUID()
  const at = scene.now().toISOString()
  const body =
    vendor === 'xero'
      ? JSON.stringify({
          events: [
            {
              resourceId: thing,
              eventDateUtc: at,
              eventType: 'UPDATE',
              eventCategory: 'INVOICE',
              tenantId: bookId,
              tenantType: 'ORGANISATION',
            },
          ],
          firstEventSequence: 1,
          lastEventSequence: 1,
          entropy: 'x',
        })
      : JSON.stringify([
          {
            specversion: '1.0',
            id: thing,
            type: 'qbo.invoice.updated.v1',
            time: at,
            intuitentityid: '1',
            intuitaccountid: bookId,
          },
        ])
  const signature = createHmac('sha256', webhookKeys[vendor]).update(body).digest('base64')
  const bells = async () => {
    const { rows } = await scene.books.db.pool.query<{ rung: number; answered: number }>(
      'select count(*)::integer as rung, count(answered_at)::integer as answered from bell where book_id = $1 and (id = $2 or thing_id = $2)',
      [bookId, thing],
    )
    return rows[0] ?? { rung: 0, answered: 0 }
  }
  return {
    async drive() {
      const answer = await fetch(`${scene.service.url}/v1/webhooks/${vendor}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          [vendor === 'xero' ? 'x-xero-signature' : 'intuit-signature']: signature,
        },
      })
      invariant(answer.status === 200, `a bell was answered ${answer.status}`)
    },
    // Taken in, and the book looked at for its sake.
    isDone: async () => (await bells()).answered > 0 && (await scene.isQuiet()),
    async broken() {
      const { rung } = await bells()
      return rung === 1 ? [] : [`one bell stands ${rung} times`]
    },
  }
}

/** A past of three hundred trades is two commits; what one run made, the next one knows. */
async function backfill(scene: KillScene): Promise<Round> {
  const [seller, buyer] = [scene.newcomer(), scene.newcomer()]
  const key = await scene.key({ role: 'convener' })
  const fileName = `${randomUUID()}.csv`
  const rows = 300
  const line = `2026-10-01,${memberText(seller.memberId)},${memberText(buyer.memberId)},1.00`
  const text = `day,seller,buyer,amount\n${Array(rows).fill(line).join('\n')}\n`
  let isAnswered = false
  return {
    async drive() {
      const path = `/v1/networks/${networkText(scene)}/imports/trades?fileName=${fileName}`
      const answer = await ask(scene, { key, method: 'POST', path, idempotencyKey: randomUUID(), body: text })
      invariant(
        answer.status < 300 && Number(answer.body.done) + Number(answer.body.known) === rows,
        `an import was answered ${JSON.stringify(answer.body).slice(0, 300)}`,
      )
      isAnswered = true
    },
    isDone: async () => isAnswered && (await scene.isQuiet()),
    async broken() {
      const found = await scene.worker((tx) =>
        tx.trade.count({ where: { networkId: scene.books.networkId, sellerMemberId: seller.memberId } }),
      )
      return found === rows ? [] : [`of ${rows} trades ${found} stand`]
    },
  }
}

/** Every book, by the schedule. */
async function sweep(scene: KillScene): Promise<Round> {
  const since = scene.now()
  return {
    drive: async () => undefined,
    async isDone() {
      const done = await scene.worker((tx) =>
        tx.timedTask.count({ where: { name: 'sweep_books', claimedAt: { gte: since }, endedAt: { not: null } } }),
      )
      const organisationId = { in: vendors.map((vendor) => scene.firm(vendor).organisationId) }
      const firms = await scene.worker((tx) => tx.connection.findMany({ where: { organisationId, state: 'live' } }))
      const connectionId = { in: firms.map((one) => one.id) }
      const swept = await scene.worker((tx) => tx.sweep.count({ where: { connectionId, sweptAt: { gte: since } } }))
      return done > 0 && swept === 2 && (await scene.isQuiet())
    },
  }
}

/** Asked once, and not of the service. */
function once(work: () => Promise<void>, isDone: () => Promise<boolean>): Round {
  let asked: Promise<void> | null = null
  return { drive: () => (asked ??= work()), isDone }
}

export async function untilQuiet(scene: KillScene): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await scene.isQuiet())) {
    invariant(performance.now() < end, 'it never becomes quiet')
    await new Promise((done) => setTimeout(done, 20))
  }
}
