/** Many documents, few calls; and a vendor that is away. Counted at the book, on a clock that the test moves. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BookConnector } from '../../connectors/port.ts'
import { pause, resume } from '../../src/books/pause.ts'
import { lagMs } from '../../src/outbox/policy.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, type SmallOutbox, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const longestMs = 120_000
const fast = { limits: { aMinute: 6_000, inOneCall: 10 } }

/** Calls of one book since the mark, by verb. */
function callsOf(outbox: SmallOutbox, name: string, since = 0): Record<string, number> {
  const counted: Record<string, number> = {}
  for (const { verb, bookId } of on.books.calls.slice(since))
    if (bookId === outbox.book(name).profile.bookId) counted[verb] = (counted[verb] ?? 0) + 1
  return counted
}
async function sales(outbox: SmallOutbox, count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) await outbox.sale('mill', 'bakery', { net: 1_000n })
}
async function known(more: Parameters<typeof smallOutbox>[2] = fast): Promise<SmallOutbox> {
  const outbox = await smallOutbox(on, undefined, more)
  await sales(outbox, 1)
  await outbox.deliver()
  return outbox
}

test(
  'a lone trade is two writes in each book, and nothing is read',
  async () => {
    const outbox = await known()
    const mark = on.books.calls.length
    await sales(outbox, 1)
    await outbox.deliver()

    expect(callsOf(outbox, 'mill', mark)).toEqual({ putDocuments: 1, putPayments: 1 })
    expect(callsOf(outbox, 'bakery', mark)).toEqual({ putDocuments: 1, putPayments: 1 })
  },
  longestMs,
)

test(
  'what waits in one book leaves together, and what hangs on it follows in the same turn',
  async () => {
    const outbox = await known()
    const mark = on.books.calls.length
    await sales(outbox, 25)
    await outbox.deliver()

    expect(callsOf(outbox, 'mill', mark)).toEqual({ putDocuments: 3, putPayments: 3 })
    expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(26)
  },
  longestMs,
)

test(
  'one that the book refuses spoils none of those beside it',
  async () => {
    const outbox = await known()
    const trade = await outbox.sale('mill', 'bakery', { net: 1_000n })
    const stranger = {
      kind: 'invoice' as const,
      datedOn: '2026-11-01',
      number: trade.invoiceNumber,
      reference: 'by hand',
    }
    outbox.book('mill').enterByHand(stranger)
    await sales(outbox, 5)
    await outbox.deliverFor(1)

    const states = await outbox.states('mill')
    expect(states.match(/SI parked: number_taken/g)).toHaveLength(1)
    expect(states.match(/SP delivered/g)).toHaveLength(6)
    expect(states.match(/SP waiting/g)).toHaveLength(1)
  },
  longestMs,
)

test(
  'a vendor that is away is probed by one call at a time, and no document is put off by it',
  async () => {
    const outbox = await known()
    await sales(outbox, 12)
    outbox.book('mill').knobs.unavailable = 1_000_000
    const mark = on.books.calls.length
    await outbox.deliverFor(12)
    const probes = on.books.calls.slice(mark).filter((one) => one.bookId === outbox.book('mill').profile.bookId).length
    // At least every two minutes; on this clock, which moves by minutes, at most once in each after the first, which met two calls.
    expect(probes).toBeGreaterThanOrEqual(6)
    expect(probes).toBeLessThanOrEqual(14)
    const waiting = (await outbox.deliveries('mill')).filter((one) => one.state === 'waiting')
    expect(waiting.every((one) => one.fails === 0 && one.dueAt <= on.clock.now())).toBe(true)

    outbox.book('mill').knobs.unavailable = 0
    await outbox.travel(121)
    const back = on.books.calls.length
    await outbox.deliver()
    expect(callsOf(outbox, 'mill', back)).toEqual({ putDocuments: 2, putPayments: 2 })
    expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(13)
  },
  longestMs,
)

test(
  'an answer that speaks for the whole vendor stops the book at its first call, and only that call is looked up',
  async () => {
    const outbox = await known()
    await sales(outbox, 25)
    outbox.book('mill').knobs.loseReply = 1
    const mark = on.books.calls.length
    // One group at a time, so that what the second would have met is plain.
    await outbox.deliver({
      connectors: { fake: { ...outbox.connector, limits: { ...outbox.connector.limits, atOnce: 1 } } },
    })
    expect(callsOf(outbox, 'mill', mark)).toEqual({ putDocuments: 1 })
    const looked = (await outbox.deliveries('mill')).filter((one) => one.lookFirst)
    expect(looked).toHaveLength(10)

    await outbox.deliverFor(2)
    expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(26)
    expect(callsOf(outbox, 'mill', mark)).toEqual({ putDocuments: 3, find: 1, putPayments: 3 })
  },
  longestMs,
)

test(
  'what a search does not show yet is not put again before it would: lost, unseen for a while, one document',
  async () => {
    const outbox = await known()
    outbox.book('mill').knobs.forgetKeys = true
    await sales(outbox, 1)
    outbox.book('mill').knobs.loseReply = 1
    const seesFrom = on.clock.now().getTime() + lagMs - 1_000
    const late: BookConnector = {
      ...outbox.connector,
      find: async (grant, sought) =>
        on.clock.now().getTime() < seesFrom ? sought.map(() => null) : outbox.connector.find(grant, sought),
    }
    for (let second = 0; second < 60; second += 6) {
      await outbox.deliver({ connectors: { fake: late } })
      await outbox.travel(6)
    }

    expect((await outbox.states('mill')).match(/SP delivered/g)).toHaveLength(2)
    expect(outbox.papers('mill').match(/invoice/g)).toHaveLength(2)
  },
  longestMs,
)

test(
  'a document whose contact a person merged into another meanwhile is ours all the same',
  async () => {
    const outbox = await known()
    await sales(outbox, 1)
    const book = outbox.book('mill')
    book.knobs.loseReply = 1
    await outbox.deliver()
    const [contact] = book.contacts.values()
    const into = { ...contact, id: 'contact-merged', name: 'Bakery and Sons' } as NonNullable<typeof contact>
    book.contacts.set(into.id, into)
    book.editBehindOurBack(contact?.id ?? '', { mergedInto: into.id, active: false })
    for (const one of book.documents.values()) if (one.contactId === contact?.id) one.contactId = into.id
    // A vendor that shows the document whatever contact it is asked for.
    const find: BookConnector['find'] = (grant, sought) =>
      outbox.connector.find(
        grant,
        sought.map((one) => (one.by === 'reference' ? { ...one, contactId: null } : one)),
      )
    for (let minute = 0; minute < 3; minute += 1) {
      await outbox.deliver({ connectors: { fake: { ...outbox.connector, find } } })
      await outbox.travel(60)
    }

    expect((await outbox.states('mill')).match(/SI delivered/g)).toHaveLength(2)
    expect(outbox.papers('mill').match(/invoice/g)).toHaveLength(2)
  },
  longestMs,
)

test(
  'a book with a crowd waiting takes no turn from another: its trade is in both books before the crowd has gone',
  async () => {
    const slow = { limits: { aMinute: 60, inOneCall: 1 } }
    const busy = await smallOutbox(on, undefined, slow)
    await sales(busy, 14)
    const other = await smallOutbox(on, undefined, slow)
    await other.sale('mill', 'bakery')
    // One worker, one turn after another, and the clock stands still.
    await other.deliver()
    expect(await other.states('mill')).toBe('SI delivered, SP delivered, contact delivered')
    expect((await busy.states('mill')).match(/waiting/g)?.length).toBeGreaterThan(15)
  },
  longestMs,
)

test(
  'live trades overtake what is carried over',
  async () => {
    const outbox = await known({ limits: { aMinute: 6_000, inOneCall: 1 } })
    await sales(outbox, 12)
    const { organisationId } = outbox.member('mill')
    await on.db.pool.query("update delivery set live = false where organisation_id = $1 and state = 'waiting'", [
      organisationId,
    ])
    const trade = await outbox.sale('mill', 'bakery', { net: 2_000n })
    const seen: string[] = []
    const putDocuments: BookConnector['putDocuments'] = (grant, asks) => {
      if (grant.bookId === outbox.book('mill').profile.bookId)
        seen.push(...asks.map(({ thing }) => ('number' in thing ? thing.number : '')))
      return outbox.connector.putDocuments(grant, asks)
    }
    await outbox.deliver({ connectors: { fake: { ...outbox.connector, putDocuments } } })

    expect(seen).toHaveLength(13)
    // Two calls are under way at once, and either may arrive first.
    expect(seen.slice(0, 2)).toContain(trade.invoiceNumber)
  },
  longestMs,
)

test(
  'a reversal that overtakes its trade leaves nothing to send in that book',
  async () => {
    const outbox = await known()
    const ask = { connectionId: outbox.connection('mill').id, actor: 'per_owner', reason: 'a look at the book' }
    await on.worker((tx) => pause(tx, on.clock, ask))
    const trade = await outbox.sale('mill', 'bakery', { net: 5_000n })
    await outbox.reverse(trade)
    await on.worker((tx) => resume(tx, on.clock, ask))
    const mark = on.books.calls.length
    await outbox.deliverFor(1)

    expect(callsOf(outbox, 'mill', mark)).toEqual({})
  },
  longestMs,
)
