/** Bells of the vendors, rung by the stand-ins at our own door, and what a book's change comes to in the end. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { answerBells } from '../../src/inbox/answer-bells.ts'
import { figuresOf } from '../../src/insight/figures.ts'
import { askAsWorker } from '../../src/kit/ask-as-worker.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { lookAtBook } from '../../src/reconcile/look-at-book.ts'
import { sweepAll } from '../../src/reconcile/sweep.ts'
import { serveBells } from '../../src/web/api/webhooks.ts'
import type { Deps } from '../../src/web/deps.ts'
import { type Ground, leaseMs, openGround, type Vendor, vendors } from './ground.ts'

const minute = 60_000
const key = 'the key of the bells'
let ground: Ground
let door: Server
let url: string
const heard: Partial<Record<Vendor, { headers: Record<string, string>; body: string }>> = {}
beforeAll(async () => {
  ground = await openGround()
  const app = express()
  const config = { xero: { webhookKey: key }, quickbooks: { webhookVerifier: key } }
  app.post('/v1/webhooks/:vendor', (ask, _answer, next) => {
    const parts: Buffer[] = []
    const vendor = ask.params.vendor as Vendor
    const headers = Object.fromEntries(
      ['content-type', 'x-xero-signature', 'intuit-signature'].flatMap((name) => {
        const value = ask.get(name)
        return value ? [[name, value]] : []
      }),
    )
    ask.on('data', (part: Buffer) => parts.push(part))
    ask.on('end', () => {
      heard[vendor] = { headers, body: Buffer.concat(parts).toString() }
    })
    next()
  })
  serveBells(app, { ...ground.deps, config } as unknown as Deps)
  door = createServer(app)
  await new Promise<void>((done) => door.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`
  for (const vendor of vendors) {
    // What the town did before it had a bell is nobody's news.
    await webhooks(vendor, { url: `${url}/v1/webhooks/${vendor}`, key })
    await webhooks(vendor, { send: true, drop: true })
  }
})
afterAll(async () => {
  await new Promise((done) => door.close(done))
  await ground.end({ isTouched: true })
})
beforeEach(() => ground.calm())

async function webhooks(vendor: Vendor, ask: Record<string, unknown>): Promise<Record<string, unknown>> {
  return (await ground.vendors[vendor].control.webhooks(ask)) as Record<string, unknown>
}
/** The vendor's last bell, word for word. */
const ringAgain = (vendor: Vendor) => {
  const { headers, body } = heard[vendor] ?? { headers: {}, body: '' }
  return fetch(`${url}/v1/webhooks/${vendor}`, { method: 'POST', headers, body })
}
const answer = () => answerBells(ground.deps, (book, keep) => lookAtBook(ground.deps, book, keep))
let rung = 0
/** A bell of our own making, of a thing that nobody knows. */
async function ring(vendor: Vendor): Promise<void> {
  rung += 1
  const { bookId } = ground.firm(vendor)
  const at = ground.time.now().toISOString()
  const bell = { id: `own ${rung}`, bookId, kind: 'changed', thingId: `unknown ${rung}`, at }
  await askAsWorker(ground.deps.db, 'ring_bells($1, $2)', [vendor, JSON.stringify([bell])])
}
const bells = (vendor: Vendor) =>
  ground.query<{ id: string; answered: boolean }>(
    'select id, answered_at is not null as answered from bell where kind = $1 order by id',
    [vendor],
  )
const findings = (vendor: Vendor, tradeId: Uuid) =>
  ground.query<{ kind: string }>(
    `select x.kind from discrepancy x join delivery d on d.network_id = x.network_id and d.id = x.delivery_id
      where d.trade_id = $1 and x.organisation_id = $2 order by x.id`,
    [tradeId, ground.firm(vendor).organisationId],
  )
/** A sale that stands in both books, long enough that nothing of it is news, and both books looked at. */
async function settledSale(seller: Vendor): Promise<{ id: Uuid; invoiceId: string }> {
  const id = await ground.sell(seller)
  await ground.deliver()
  await ground.time.advance(10 * minute)
  for (const vendor of vendors) await webhooks(vendor, { send: true, drop: true })
  await sweepAll(ground.deps, { whole: false })
  const invoice = (await ground.deliveries([id], seller)).find((one) => one.kind === 'invoice')
  return { id, invoiceId: invoice?.receiptId ?? '' }
}

for (const vendor of vendors) {
  test(`fault 41: xero group 14: quickbooks group 22: a bell of ${vendor} rung three times is stored once and is one look with one effect`, async () => {
    const { id, invoiceId } = await settledSale(vendor)
    ground.edit(vendor, { deed: 'voidInvoice', id: invoiceId })
    const known = (await bells(vendor)).length
    const mark = ground.mark(vendor)
    await webhooks(vendor, { send: true })
    const rung = await bells(vendor)
    expect(rung.length).toBeGreaterThan(known)
    for (const again of [await ringAgain(vendor), await ringAgain(vendor)]) expect(again.status).toBe(200)
    expect(await bells(vendor)).toEqual(rung)

    expect(await answer()).toBe(1)
    expect(await answer()).toBe(0)

    expect((await bells(vendor)).filter((one) => !one.answered)).toEqual([])
    expect(ground.asked(vendor, mark).length).toBeGreaterThan(0)
    expect(ground.writes(vendor, mark)).toEqual([])
    const found = await findings(vendor, id)
    expect(found.length).toBeGreaterThan(0)

    // The vendor rings the same bells once more, a day later: known, and no look.
    const after = ground.mark(vendor)
    await ground.time.advance(24 * 60 * minute)
    expect((await ringAgain(vendor)).status).toBe(200)
    expect(await answer()).toBe(0)
    expect(ground.asked(vendor, after)).toEqual([])
    expect(await findings(vendor, id)).toEqual(found)
  })
}

test('fault 42: xero group 14: quickbooks group 22: bells out of order: what the book says when it is read is what counts', async () => {
  const [plain, changed] = [await settledSale('xero'), await settledSale('xero')]
  ground.edit('xero', { deed: 'voidInvoice', id: plain.invoiceId })
  ground.edit('xero', { deed: 'editInvoice', id: changed.invoiceId, amount: '1.00' })
  ground.edit('xero', { deed: 'voidInvoice', id: changed.invoiceId })
  await webhooks('xero', { send: true, outOfOrder: true })
  expect(await answer()).toBe(1)
  const kinds = async ({ id }: { id: Uuid }) => (await findings('xero', id)).map(({ kind }) => kind).sort()
  expect(await kinds(changed)).toEqual(await kinds(plain))
  expect(await kinds(changed)).not.toContain('amount_differs')
  expect((await kinds(changed)).length).toBeGreaterThan(0)
})

test('what we put rings as well, and is not read back for it', async () => {
  for (const vendor of vendors) await webhooks(vendor, { send: true, drop: true })
  await ground.time.advance(10 * minute)
  await ground.sell('xero')
  await ground.deliver()
  const marks = vendors.map((vendor) => ground.mark(vendor))
  for (const vendor of vendors) await webhooks(vendor, { send: true })
  for (let looks = 0; looks < 4; looks += 1) await answer()
  expect(vendors.map((vendor, place) => ground.asked(vendor, marks[place] ?? 0).length)).toEqual([0, 0])
  expect((await bells('xero')).filter((one) => !one.answered)).toEqual([])
})

test('fault 22: a look that takes longer than a lease keeps its book: nobody looks beside it, and it is made once', async () => {
  await ground.time.advance(3 * 60 * minute)
  await ring('xero')
  const looks: string[] = []
  const beside = () => answerBells(ground.deps, async () => looks.push('beside') > 0)
  const done = await answerBells(ground.deps, async (_book, keep) => {
    looks.push('first')
    for (let step = 0; step < 4; step += 1) {
      await ground.time.advance(100_000)
      await keep()
      await beside()
    }
    return true
  })
  expect(done).toBe(1)
  await ground.time.advance(10 * minute)
  await beside()
  expect(looks).toEqual(['first'])
  expect((await bells('xero')).filter((one) => !one.answered)).toEqual([])
})

test('fault 22: a look whose lease ended all the same has been made: its bells are answered, and its book stays with the next one', async () => {
  await ground.time.advance(3 * 60 * minute)
  await ring('xero')
  await answerBells(ground.deps, async () => {
    await ground.time.advance(leaseMs)
    await answerBells(ground.deps, async () => {
      throw new Error('the vendor is away')
    })
    return true
  })
  expect((await bells('xero')).filter((one) => !one.answered)).toEqual([])
  await ground.time.advance(60 * minute)
  let looks = 0
  for (let turns = 0; turns < 3; turns += 1)
    await answerBells(ground.deps, async () => {
      looks += 1
      return true
    })
  expect(looks).toBe(0)
})

test('fault 46: a book that rings all day is looked at less and less, once an hour in the end, and at once after a quiet hour', async () => {
  await ground.time.advance(3 * 60 * minute)
  const looks: number[] = []
  const begin = ground.time.now().getTime()
  const turn = () =>
    answerBells(ground.deps, async () => looks.push((ground.time.now().getTime() - begin) / minute) > 0)
  for (let minutes = 0; minutes < 24 * 60; minutes += minutes < 40 ? 1 : 20) {
    await ring('xero')
    await turn()
    await ground.time.advance((minutes < 40 ? 1 : 20) * minute)
  }
  expect(looks.slice(0, 5)).toEqual([0, 1, 3, 7, 15])
  expect(looks.length).toBeLessThan(35)

  await ground.time.advance(60 * minute)
  await turn()
  const before = looks.length
  await ground.time.advance(61 * minute)
  for (let minutes = 0; minutes < 3; minutes += 1) {
    await ring('xero')
    await turn()
    await ground.time.advance(minute)
  }
  expect(looks.length).toBe(before + 2)
  await ground.time.advance(10 * minute)
  await turn()
})

test('a look that fails is made again, in growing steps', async () => {
  await ground.time.advance(3 * 60 * minute)
  await ring('xero')
  let looks = 0
  for (let minutes = 0; minutes < 12 * 60; minutes += 5) {
    await answerBells(ground.deps, async () => {
      looks += 1
      throw new Error('the vendor is away')
    })
    await ground.time.advance(5 * minute)
  }
  expect(looks).toBeGreaterThan(10)
  expect(looks).toBeLessThan(20)
  await ground.time.advance(60 * minute)
  await answerBells(ground.deps, async () => true)
  expect((await bells('xero')).filter((one) => !one.answered)).toEqual([])
})

test('fault 45: xero group 14: quickbooks group 22: bells lost for a day: the hourly sweep finds all, and the silence is told', async () => {
  const sales = [await settledSale('xero'), await settledSale('quickbooks')] as const
  ground.edit('xero', { deed: 'voidInvoice', id: sales[0].invoiceId })
  ground.edit('quickbooks', { deed: 'voidInvoice', id: sales[1].invoiceId })
  for (const vendor of vendors) await webhooks(vendor, { send: true, drop: true })
  await ground.time.advance(25 * 60 * minute)
  expect(await answer()).toBe(0)
  const { silent } = await figuresOf(ground.deps.db)
  expect(silent.map(({ vendor }) => vendor).sort()).toEqual(['quickbooks', 'xero'])
  for (const { seconds } of silent) expect(seconds).toBeGreaterThan(86_400)

  await sweepAll(ground.deps, { whole: false })
  for (const [place, vendor] of vendors.entries())
    expect((await findings(vendor, sales[place]?.id ?? '')).length).toBeGreaterThan(0)
})
