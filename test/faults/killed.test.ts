/**
 * Workers that die: their database sessions end and whatever they were at is abandoned, at each point around a call to a vendor.
 * Whoever comes after them finds one document to make, or one to adopt, never two.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { pauseSending, resumeSending } from '../../src/books/pause.ts'
import { type PreviewDocument, previewOf } from '../../src/outbox/preview.ts'
import { reconcileBook } from '../../src/reconcile/run.ts'
import { ownSides } from '../../src/web/pages/member/own-side.ts'
import { type Ground, leaseMs, openGround, otherThan, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end())

/** What a side's own pages say of the trade. */
const shown = async (tradeId: string, vendor: Vendor) => {
  const { networkId } = ground
  const { organisationId } = ground.firm(vendor)
  const sides = await ground.worker((tx) => ownSides(tx, { networkId, organisationId, tradeIds: [tradeId] }))
  return sides.of(tradeId)?.state.text
}

/** Nothing is taken up before the dead worker's lease has run out; then another worker does it. */
async function takenUpByAnother(vendor: Vendor): Promise<void> {
  const before = ground.mark(vendor)
  await ground.workAt(vendor, undefined, 1)
  expect(ground.asked(vendor, before)).toEqual([])
  await ground.time.advance(leaseMs)
  await ground.deliver(1)
}

test.each(vendors)(
  'fault 3: a worker that dies after its claim, before any attempt: %s gets it once, from another',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    expect(await ground.workAt(vendor, { moment: 'after_commit', skip: 0, dies: true })).toEqual({ is: 'dead' })
    expect(ground.asked(vendor, before)).toEqual([])
    expect(await ground.attempts(trade, vendor)).toEqual([])

    await takenUpByAnother(vendor)
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', 'done']])
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 4: a worker that dies before its bytes leave: %s is searched, has none, and is written to once',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    const before = ground.mark(vendor)
    expect(await ground.workAt(vendor, { moment: 'before_call', skip: 0, dies: true })).toEqual({ is: 'dead' })
    expect(ground.asked(vendor, before)).toEqual([])
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', null]])

    await takenUpByAnother(vendor)
    const tries = await ground.verbs(trade, vendor)
    expect([tries[0], tries.at(-1)]).toEqual([
      ['documents', 'unknown'],
      ['documents', 'done'],
    ])
    expect(new Set(tries.slice(1, -1).map(String))).toEqual(new Set(['look,absent']))
    const invoices = ground.writes(vendor, before).filter((one) => /\/invoices?$/i.test(one.path))
    expect(invoices).toHaveLength(1)
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 5: a worker that dies when %s has committed and its answer is not read: the document is adopted',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    expect(await ground.workAt(vendor, { moment: 'after_call', skip: 0, dies: true })).toEqual({ is: 'dead' })
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', null]])

    await takenUpByAnother(vendor)
    expect(await ground.verbs(trade, vendor)).toEqual([
      ['documents', 'unknown'],
      ['look', 'found'],
    ])
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 6: a worker that dies with the answer of %s in hand, not yet committed: the document is adopted',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    expect(await ground.workAt(vendor, { moment: 'before_commit', skip: 0, afterCalls: 1, dies: true })).toEqual({
      is: 'dead',
    })
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', null]])

    await takenUpByAnother(vendor)
    expect(await ground.verbs(trade, vendor)).toEqual([
      ['documents', 'unknown'],
      ['look', 'found'],
    ])
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 7: a worker that dies between invoice and payment: %s gets only the payment on resume',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    expect(await ground.workAt(vendor, { moment: 'after_commit', skip: 0, afterCalls: 1, dies: true })).toEqual({
      is: 'dead',
    })
    const standing = await ground.deliveries([trade], vendor)
    expect(standing.filter((one) => one.kind === 'invoice').map((one) => one.state)).toEqual(['delivered'])
    expect(standing.filter((one) => one.kind === 'payment').map((one) => one.state)).toEqual(['waiting'])

    const before = ground.mark(vendor)
    await takenUpByAnother(vendor)
    const written = ground.writes(vendor, before).map((one) => one.path.split('/').at(-1))
    expect(written.filter((path) => /^invoices?$/i.test(path ?? ''))).toEqual([])
    expect(written.filter((path) => /^payments?$/i.test(path ?? ''))).toHaveLength(1)
    expect(await ground.verbs(trade, vendor)).toEqual([['documents', 'done']])
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 8: a worker that dies between the sides: %s stands whole, the other side is shown open, and goes on',
  async (vendor) => {
    const trade = await ground.sell(vendor)
    await ground.workAt(vendor)
    const buyers = otherThan(vendor)
    expect(await ground.workAt(buyers, { moment: 'before_call', skip: 0, dies: true })).toEqual({ is: 'dead' })
    const states = async (side: Vendor) => [
      ...new Set((await ground.deliveries([trade], side)).map((one) => (one.state === 'delivered' ? 'in' : 'open'))),
    ]
    expect([await states(vendor), await states(buyers)]).toEqual([['in'], ['open']])
    expect([await shown(trade, vendor), await shown(trade, buyers)]).toEqual(['in your book', 'on its way'])

    await takenUpByAnother(buyers)
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 9: a worker that dies inside a page of a backfill: %s gets the rest, and holds what the preview said',
  async (vendor) => {
    const { networkId } = ground
    const { organisationId, connectionId } = ground.firm(vendor)
    await ground.worker((tx) => pauseSending(tx, ground.time, { networkId, reason: 'carried over', actor: 'quits' }))
    const trades: string[] = []
    for (let place = 0; place < 5; place += 1) trades.push(await ground.sell(vendor, BigInt(1_000 + place)))
    const shown: PreviewDocument[] = []
    for (const tradeId of trades) {
      const ask = { networkId, organisationId, connectionId, refundsInTwoSteps: false, publicUrl: '', tradeId }
      const [one] = await ground.worker((tx) => previewOf(tx, ask))
      shown.push(...(one?.documents ?? []))
    }
    await ground.worker((tx) => resumeSending(tx, ground.time, { networkId, actor: 'quits' }))

    ground.inCallsOf(3, 0)
    // The first page is in, the second has been committed by the vendor and by nobody else.
    expect(await ground.workAt(vendor, { moment: 'after_call', skip: 1, dies: true })).toEqual({ is: 'dead' })
    const standing = await ground.deliveries(trades, vendor)
    expect(standing.filter((one) => one.state === 'delivered').length).toBeGreaterThan(0)
    expect(standing.filter((one) => one.state === 'sending').length).toBeGreaterThan(0)
    expect(standing.filter((one) => one.state === 'waiting').length).toBeGreaterThan(0)
    const before = ground.mark(vendor)
    const done = standing.filter((one) => one.state === 'delivered').map((one) => one.reference)
    ground.inCallsOf(3, 1)
    await takenUpByAnother(vendor)

    const again = JSON.stringify(ground.writes(vendor, before).map((one) => one.body))
    expect(done.filter((reference) => again.includes(`"${reference}"`))).toEqual([])
    const held = await ground.documents(vendor)
    const totals = (some: { reference: string | null; totalMinor: bigint }[]) =>
      some.map((one) => `${one.reference} ${one.totalMinor}`).sort()
    const references = new Set(shown.map((one) => one.reference))
    expect(totals(held.filter((one) => references.has(one.reference ?? '')))).toEqual(totals(shown))
    await ground.expectOnce(...trades)
  },
)

test.each(vendors)(
  'fault 10: a reader that dies inside a reconciliation of %s: it is marked cut off, no half report stands, nothing was written',
  async (vendor) => {
    const { networkId, query } = ground
    const { organisationId } = ground.firm(vendor)
    const before = ground.mark(vendor)
    const reading = { networkId, organisationId, actor: 'quits' }
    const died = await ground.world
      .worker(0)
      .step((deps) => reconcileBook(deps, reading), { moment: 'after_call', skip: 1, dies: true })
    expect(died).toEqual({ is: 'dead' })
    const runs = () =>
      query<{ state: string; cause: string | null; lines: string; drift: string | null }>(
        `select r.state, r.failure ->> 'cause' as cause, r.drift_minor as drift,
              (select count(*) from reconciliation_line l where l.network_id = r.network_id and l.reconciliation_id = r.id) as lines
         from reconciliation r where r.organisation_id = $1 order by r.started_at desc limit 2`,
        [organisationId],
      )
    expect((await runs())[0]).toEqual({ state: 'running', cause: null, lines: '0', drift: null })
    await ground.time.advance(leaseMs)
    await ground.world.worker(1).step((deps) => reconcileBook(deps, reading))
    const [last, cut] = await runs()
    expect(cut).toEqual({ state: 'failed', cause: 'cut_off', lines: '0', drift: null })
    expect(last).toMatchObject({ state: 'done', drift: '0' })
    expect(ground.writes(vendor, before)).toEqual([])
  },
)
