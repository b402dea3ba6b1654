/**
 * What a book says no to, or answers as nobody foresaw: an account, a contact or a VAT code that is gone, a closed period, a poisoned
 * answer, a plan that has ended. Only what it is about waits, under its cause and with its way out; everything else goes on.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { fees, signIn } from '../../scripts/simulate/town.ts'
import { connectionOf } from '../../src/books/connection.ts'
import { keepContact } from '../../src/books/contact.ts'
import { disconnect } from '../../src/books/disconnect.ts'
import { checkMappingsOf, mappingOf, saveMapping } from '../../src/books/mapping.ts'
import { newTerms } from '../../src/networks/terms.ts'
import { redateDelivery } from '../../src/outbox/move-delivery.ts'
import { buttons, wordsFor } from '../../src/outbox/words.ts'
import { type DeliveryRow, type Ground, openGround, otherThan, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
  const { deps, networkId } = ground
  await ground.worker((tx) => newTerms(tx, deps.clock, { networkId, change: { fees: [...fees] }, actor: 'quits' }))
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end({ isTouched: true }))

const place = (delivery: DeliveryRow) => ({ networkId: ground.networkId, id: delivery.id })

const stateOf = async (vendor: Vendor) =>
  (await ground.worker((tx) => connectionOf(tx, ground.firm(vendor).connectionId))).state
const triesOf = async (tradeId: string, vendor: Vendor, kind: string) =>
  (await ground.attempts(tradeId, vendor)).filter((row) => row.kind === kind && row.verb !== 'look').length

test.each(vendors)(
  'fault 29: an answer of %s with fields, words and signs that nobody knows is read all the same',
  async (vendor) => {
    ground.fault(vendor, { knob: 'poisonAnswer', times: -1 })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 28: in a closed period of %s an invoice is parked, never re-dated by itself, and offered its first open day',
  async (vendor) => {
    const day = ground.time.now().toISOString().slice(0, 10)
    ground.edit(vendor, { deed: 'lockPeriod', until: day, through: day })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    const invoice = await ground.one(trade, vendor, 'invoice')
    expect([invoice.state, invoice.cause]).toEqual(['parked', 'period_locked'])
    expect(invoice.facts).toMatchObject({ lockedThrough: day })
    const words = wordsFor('period_locked', invoice.facts ?? {})
    expect([words.button, buttons[words.button].deed]).toEqual(['redate', 'deliveries/{deliveryId}/redate'])
    for (const state of await ground.states(trade, otherThan(vendor))) expect(state).toMatch(/ delivered$/)

    // Tried again by a person a day later, it bears its own day still.
    await ground.time.advance(26 * 3_600_000)
    await ground.retry(invoice)
    await ground.deliver()
    expect(await ground.one(trade, vendor, 'invoice')).toMatchObject({ state: 'parked', cause: 'period_locked' })
    const standing = async () =>
      (await ground.documents(vendor)).filter((document) => document.reference === invoice.reference)
    expect(await standing()).toEqual([])

    const open = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
    expect(await ground.worker((tx) => redateDelivery(tx, place(invoice), null))).toBe(open)
    await ground.deliver()
    // Its payment bears the closed day too, and so does its fee: each waits for a yes of its own.
    for (const kind of ['payment', 'money_spent']) {
      const other = await ground.one(trade, vendor, kind)
      expect([kind, other.state, other.cause]).toEqual([kind, 'parked', 'period_locked'])
      await ground.worker((tx) => redateDelivery(tx, place(other), null))
    }
    await ground.deliver()
    expect(await standing()).toMatchObject([{ datedOn: open }])
    const row = await ground.query('select document ->> $2 as note from delivery where id = $1', [invoice.id, 'note'])
    expect(row[0]?.note).toContain(`Tax point ${day}`)
    await ground.expectOnce(trade)
    ground.edit(vendor, { deed: 'unlockPeriod' })
  },
)

test.each(vendors)(
  'fault 31: quickbooks group 18: when the plan of a book in %s ends, the connection asks for a sign-in, everything is held, and goes when it is back',
  async (vendor) => {
    ground.edit(vendor, { deed: 'subscriptionLapsed' })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    expect(await stateOf(vendor)).toBe('needs_sign_in')
    for (const state of await ground.states(trade, vendor)) expect(state).toMatch(/ waiting$/)
    for (const state of await ground.states(trade, otherThan(vendor))) expect(state).toMatch(/ delivered$/)
    const asked = ground.mark(vendor)
    await ground.time.advance(3 * 3_600_000)
    await ground.deliver()
    expect(ground.asked(vendor, asked)).toEqual([])
    const mails = await ground.query(
      "select 1 from mail where kind = 'needs_sign_in' and subject like '%' || $1 || '%'",
      [ground.firm(vendor).name],
    )
    expect(mails.length).toBeGreaterThan(0)

    ground.edit(vendor, { deed: 'subscriptionLapsed', lapsed: false, on: false })
    await signIn(ground.deps, ground.networkId, ground.firm(vendor))
    await ground.deliver()
    expect(await stateOf(vendor)).toBe('live')
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 31: a book that is gone from %s leaves its connection waiting for a sign-in, or ended by its owner, and what is promised held',
  async (vendor) => {
    const { connectionId } = ground.firm(vendor)
    ground.vendors[vendor].control.revoke({ organisation: ground.firm(vendor).bookId, everything: true })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    expect(await stateOf(vendor)).toBe('needs_sign_in')
    for (const state of await ground.states(trade, vendor)) expect(state).toMatch(/ waiting$/)
    await disconnect(ground.deps, { connectionId, actor: 'quits' })
    await ground.deliver()
    expect(await stateOf(vendor)).toBe('ended')
    for (const state of await ground.states(trade, vendor)) expect(state).toMatch(/ waiting$/)

    await signIn(ground.deps, ground.networkId, ground.firm(vendor))
    await ground.deliver()
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 27: a contact that was archived in %s parks its document at once; another one chosen, it goes',
  async (vendor) => {
    const { connectionId } = ground.firm(vendor)
    const counterpartId = ground.firm(otherThan(vendor)).organisationId
    const [kept] = await ground.query<{ id: string }>(
      "select book_contact_id as id from book_contact where connection_id = $1 and counterpart_id = $2 and role = 'customer'",
      [connectionId, counterpartId],
    )
    ground.edit(vendor, { deed: 'archiveContact', id: kept?.id, kind: 'Customer' })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    const invoice = await ground.one(trade, vendor, 'invoice')
    expect([invoice.state, invoice.cause]).toEqual(['parked', 'contact_archived'])
    expect(await triesOf(trade, vendor, 'invoice')).toBe(1)
    expect(wordsFor('contact_archived')).toMatchObject({ button: 'choose_contact', who: 'bookkeeper' })
    for (const state of await ground.states(trade, otherThan(vendor))) expect(state).toMatch(/ delivered$/)

    const made = ground.edit(vendor, { deed: 'addContact', name: 'The mill, again', kind: 'Customer' })
    const id = String(made.id ?? (made.done as { Id?: string } | undefined)?.Id)
    // Xero knows one contact for both sides.
    for (const role of vendor === 'xero' ? (['customer', 'supplier'] as const) : (['customer'] as const))
      await ground.worker((tx) =>
        keepContact(tx, ground.time, {
          ...{ connectionId, counterpartId, role, chosenBy: 'quits' },
          contact: { id, name: 'The mill, again', version: null },
        }),
      )
    await ground.retry(invoice)
    await ground.deliver()
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 27: xero group 9: quickbooks group 10: an account that was archived in %s parks its documents at once; another one chosen, they go by themselves',
  async (vendor) => {
    const { connectionId } = ground.firm(vendor)
    const { networkId } = ground
    const held = await ground.worker((tx) => mappingOf(tx, connectionId, networkId))
    const { profile } = await ground.worker((tx) => connectionOf(tx, connectionId))
    const { costAccountId } = held.mapping ?? {}
    const other = profile.accounts.find(
      (one) => one.kind === 'expense' && one.active && !one.reserved && one.id !== costAccountId,
    )
    ground.edit(vendor, { deed: 'archiveAccount', id: costAccountId })
    const trade = await ground.sell(otherThan(vendor))
    const neighbour = await ground.sell(vendor)
    await ground.deliver()
    const bill = await ground.one(trade, vendor, 'bill')
    expect([bill.state, bill.cause]).toEqual(['parked', 'account_archived'])
    expect(await triesOf(trade, vendor, 'bill')).toBe(1)
    expect(wordsFor('account_archived')).toMatchObject({ button: 'mapping', who: 'bookkeeper' })
    for (const state of await ground.states(trade, otherThan(vendor))) expect(state).toMatch(/ delivered$/)
    await ground.expectOnce(neighbour)

    expect(await checkMappingsOf(ground.deps, connectionId)).toContainEqual(
      expect.objectContaining({ field: 'costAccountId' }),
    )
    await saveMapping(ground.deps, {
      ...{ connectionId, networkId, ifVersion: held.version, actor: 'quits' },
      mapping: { ...held.mapping, costAccountId: other?.id },
    })
    await ground.deliver()
    await ground.expectOnce(trade)
  },
)

test.each(vendors)(
  'fault 27: xero group 6: a VAT code that was made inactive in %s parks the invoice at once, and the rest of the book goes on',
  async (vendor) => {
    const { connectionId } = ground.firm(vendor)
    const held = await ground.worker((tx) => mappingOf(tx, connectionId, ground.networkId))
    const code = held.mapping?.vatCodes.sales.standard
    ground.edit(vendor, { deed: 'deactivateTaxCode', id: code, taxType: code })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    const invoice = await ground.one(trade, vendor, 'invoice')
    expect([invoice.state, invoice.cause]).toEqual(['parked', 'tax_code_refused'])
    expect(await triesOf(trade, vendor, 'invoice')).toBe(1)
    expect(wordsFor('tax_code_refused')).toMatchObject({ button: 'mapping', who: 'bookkeeper' })
    expect(buttons.mapping.page).toBe('connection/mapping')
    // Its payment waits with it; its fee goes, and so does the other book.
    expect(await ground.states(trade, vendor)).toContain('payment waiting')
    expect(await ground.states(trade, vendor)).toContain('money_spent delivered')
    for (const state of await ground.states(trade, otherThan(vendor))) expect(state).toMatch(/ delivered$/)
  },
)
