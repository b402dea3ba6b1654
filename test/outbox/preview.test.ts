/** What is shown before a yes is what then stands in the book. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withConnection } from '../../src/kit/db.ts'
import { approveTrade } from '../../src/outbox/move-delivery.ts'
import { type PreviewDocument, previewOf } from '../../src/outbox/preview.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { table } from '../support/tables.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const asking = { askFirst: null }
function preview(outbox: SmallOutbox, name: string) {
  const { networkId, organisationId } = outbox.member(name)
  const connectionId = outbox.connection(name).id
  const ask = { networkId, organisationId, connectionId, refundsInTwoSteps: false, publicUrl: 'https://quits.example' }
  return on.worker((tx) => previewOf(tx, ask))
}

function entries(documents: PreviewDocument[] | undefined): string {
  const rows = (documents ?? []).flatMap((one) =>
    one.entries.map((entry) => `${one.kind}  ${entry.account}  ${entry.debitMinor}  ${entry.creditMinor}`),
  )
  return ['document  account  debit  credit', ...rows].join('\n')
}

test('a sale is shown with the book’s own names of accounts and VAT codes, and its double entry', async () => {
  const outbox = await smallOutbox(on, undefined, asking)
  const trade = await outbox.sale('mill', 'bakery')
  const [shown] = await preview(outbox, 'mill')

  expect(shown?.tradeId).toBe(trade.id)
  expect(shown?.documents[0]).toMatchObject({
    kind: 'invoice',
    number: trade.invoiceNumber,
    contact: 'The bakery',
    isNewContact: true,
    openMinor: 20_000n,
    lines: [{ description: 'Flour', netMinor: 100_000n, account: '200 Sales', taxCode: 'sales-standard' }],
    trouble: null,
  })
  expect(entries(shown?.documents)).toBe(table`
    document  account                                          debit   credit
    invoice   Debtors                                          120000  0
    invoice   200 Sales                                        0       100000
    invoice   VAT                                              0       20000
    payment   880 Mutual credit: Calder Valley (not cash)      100000  0
    payment   Debtors                                          0       100000
  `)
})

test('the mirror stands in the buyer’s book', async () => {
  const outbox = await smallOutbox(on, { mill: {}, bakery: { vat: false } }, asking)
  await outbox.sale('mill', 'bakery')
  const [shown] = await preview(outbox, 'bakery')

  expect(entries(shown?.documents)).toBe(table`
    document  account                                          debit   credit
    bill      310 Cost of goods sold                           120000  0
    bill      Creditors                                        0       120000
    payment   Creditors                                        100000  0
    payment   880 Mutual credit: Calder Valley (not cash)      0       100000
  `)
})

test('after a yes the book holds just what was shown', async () => {
  const outbox = await smallOutbox(on, undefined, asking)
  const trade = await outbox.sale('mill', 'bakery')
  const [shown] = await preview(outbox, 'mill')
  const { networkId, organisationId } = outbox.member('mill')
  const yes = { networkId, organisationId, tradeId: trade.id, actor: 'per_owner', at: on.clock.now() }
  await on.worker((tx) => approveTrade(tx, yes))
  await outbox.deliver()

  const held = [...outbox.book('mill').documents.values()].map((one) => [
    one.kind,
    one.number,
    one.datedOn,
    one.totalMinor,
  ])
  expect(held).toEqual(shown?.documents.map((one) => [one.kind, one.number, one.datedOn, one.totalMinor]))
  expect(await preview(outbox, 'mill')).toEqual([])
})

test('what cannot go as it is says so before anybody says yes', async () => {
  const outbox = await smallOutbox(on, undefined, asking)
  await outbox.sale('mill', 'bakery')
  const lacking = { standard: null, reduced: null, zero: null, exempt: null, outside: null, reverse_charge: null }
  await on.db.pool.query(`update mapping set body = jsonb_set(body, '{vatCodes,sales}', $2) where connection_id = $1`, [
    outbox.connection('mill').id,
    JSON.stringify(lacking),
  ])
  const [shown] = await preview(outbox, 'mill')

  expect(shown?.documents[0]?.trouble).toMatchObject({ button: 'mapping' })
  expect(shown?.documents[0]?.trouble?.says).toBe('No VAT code for standard sales has been chosen for this book yet.')
})

test('a day in a closed period and VAT under cash accounting are told', async () => {
  const outbox = await smallOutbox(on, undefined, asking)
  await outbox.sale('mill', 'bakery')
  await on.db.pool.query(
    `update connection set profile = profile || '{"lockedThrough": "2026-12-31"}' || jsonb_build_object('vat', (profile -> 'vat') || '{"scheme": "cash"}') where id = $1`,
    [outbox.connection('mill').id],
  )
  const [shown] = await preview(outbox, 'mill')

  expect(shown?.documents[0]?.trouble?.says).toContain('closed period')
  expect(shown?.documents[1]?.remarks).toHaveLength(1)
})

test('nothing waits for a yes where everything goes by itself', async () => {
  const outbox = await smallOutbox(on)
  await outbox.sale('mill', 'bakery')

  expect(await preview(outbox, 'mill')).toEqual([])
})

test('what was parked for want of a choice goes by itself once a person has chosen', async () => {
  const outbox = await smallOutbox(on)
  const fees = outbox.book('mill').profile.accounts.find((one) => one.id === 'acc-200')
  if (!fees) throw new Error('no sales account')
  fees.active = false
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  expect(await outbox.one('mill', '-SI')).toMatchObject({ state: 'parked', parkedCause: 'account_archived' })

  fees.active = true
  await outbox.travel(1)
  await withConnection(on.db.pool, { role: 'worker' }, async (client) => {
    await client.query('update mapping set confirmed_at = quits_now() where connection_id = $1', [
      outbox.connection('mill').id,
    ])
    await client.query('select wake_lane($1)', [outbox.member('mill').organisationId])
  })
  await outbox.deliver()
  expect(await outbox.one('mill', '-SP')).toMatchObject({ state: 'delivered' })
})
