/** Paused, nothing leaves, and promises go on: one book, or all that a network sends. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BookConnector } from '../../connectors/port.ts'
import { pause, pauseSending, resume, resumeSending, sendingPauseOf } from '../../src/books/pause.ts'
import { ground, type SmallOutbox, smallOutbox } from '../outbox/small-outbox.ts'
import type { BooksSetUp } from './set-up.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const asha = 'per_asha'
const stop = (outbox: SmallOutbox, reason = 'the accountant looks first') =>
  on.worker((tx) => pauseSending(tx, on.clock, { networkId: outbox.network.id, reason, actor: asha }))
const goOn = (outbox: SmallOutbox) =>
  on.worker((tx) => resumeSending(tx, on.clock, { networkId: outbox.network.id, actor: asha }))
const deeds = async (networkId: string) =>
  (
    await on.db.pool.query("select what from deed where network_id = $1 and what like 'sending%' order by id", [
      networkId,
    ])
  ).rows.map((row) => row.what)

test('a network whose sending is paused trades on, and nothing of it leaves for any book; then all of it goes', async () => {
  const outbox = await smallOutbox(on)
  const other = await smallOutbox(on)
  expect(await stop(outbox)).toMatchObject({ by: asha, reason: 'the accountant looks first' })
  await outbox.sale('mill', 'bakery')
  await other.sale('mill', 'bakery')
  await outbox.deliverFor(2)
  expect([outbox.papers('mill'), outbox.papers('bakery')]).toEqual(['', ''])
  expect(other.papers('mill')).toContain('payment')

  expect(await goOn(outbox)).toBe(true)
  await outbox.deliver()
  expect(outbox.papers('mill')).toContain('payment')
  expect(outbox.papers('bakery')).toContain('payment')
})

test('saying it twice is saying it once; who said it first, and why, stays', async () => {
  const outbox = await smallOutbox(on)
  await stop(outbox)
  expect(await stop(outbox, 'another reason')).toMatchObject({ reason: 'the accountant looks first' })
  expect(await goOn(outbox)).toBe(true)
  expect(await goOn(outbox)).toBe(false)
  expect(await on.worker((tx) => sendingPauseOf(tx, outbox.network.id))).toBeNull()
  expect(await deeds(outbox.network.id)).toEqual(['sending_paused', 'sending_resumed'])
})

test('a pause without a reason, or of a network that is not there, is refused', async () => {
  const outbox = await smallOutbox(on)
  await expect(stop(outbox, ' ')).rejects.toMatchObject({ code: 'reason_missing' })
  const connectionId = outbox.connection('mill').id
  const bare = on.worker((tx) => pause(tx, on.clock, { connectionId, reason: '', actor: asha }))
  await expect(bare).rejects.toMatchObject({ code: 'reason_missing' })
  const nowhere = { networkId: connectionId, reason: 'why', actor: asha }
  await expect(on.worker((tx) => pauseSending(tx, on.clock, nowhere))).rejects.toMatchObject({ code: 'not_found' })
})

test('a paused connection says by whom and why, and no longer once it goes on', async () => {
  const outbox = await smallOutbox(on)
  const ask = { connectionId: outbox.connection('mill').id, actor: asha }
  const paused = await on.worker((tx) => pause(tx, on.clock, { ...ask, reason: ' stocktaking ' }))
  expect(paused).toMatchObject({ state: 'paused', pausedBy: asha, pauseReason: 'stocktaking' })
  const again = await on.worker((tx) => pause(tx, on.clock, { ...ask, actor: 'per_bea', reason: 'other' }))
  expect(again).toMatchObject({ pausedBy: asha, pauseReason: 'stocktaking' })
  expect(await on.worker((tx) => resume(tx, on.clock, ask))).toMatchObject({ state: 'live', pausedBy: null })
  expect(await on.read(ask.connectionId)).toMatchObject({ pausedBy: null, pausedAt: null, pauseReason: null })
})

for (const what of ['connection', 'network'] as const)
  test(`once the pause of a ${what} has answered, nothing more is begun, even of what was chosen before it`, async () => {
    const outbox = await smallOutbox(on)
    await outbox.sale('mill', 'bakery')
    const connectionId = outbox.connection('mill').id
    const halt = () =>
      what === 'network'
        ? stop(outbox)
        : on.worker((tx) => pause(tx, on.clock, { connectionId, reason: 'now', actor: asha }))
    const go = () =>
      what === 'network' ? goOn(outbox) : on.worker((tx) => resume(tx, on.clock, { connectionId, actor: asha }))
    let halted = false
    const fake: BookConnector = {
      ...outbox.connector,
      // The contact has been chosen and is looked for; next it would be made.
      async *contacts(grant) {
        if (!halted && grant.bookId === outbox.book('mill').profile.bookId) {
          halted = true
          await halt()
        }
        yield* outbox.connector.contacts(grant)
      },
    }
    await outbox.deliver({ connectors: { fake } })
    expect(halted).toBe(true)
    expect([...outbox.book('mill').contacts.values()]).toEqual([])
    expect(outbox.papers('mill')).toBe('')
    expect(await outbox.states('mill')).toBe('SI waiting, SP waiting, contact waiting')

    await go()
    await outbox.deliverFor(2)
    expect(outbox.papers('mill')).toBe('invoice 120000 open 20000, payment 100000')
  })
