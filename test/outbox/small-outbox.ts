/** Members with live fake books who trade, and a worker that keeps the promises when told to. */
import { fakeConnector } from '../../connectors/fake/connector.ts'
import type { FakeBook, Seed } from '../../connectors/fake/knobs.ts'
import type { BookLimits } from '../../connectors/port.ts'
import { type Connection, setAskFirst } from '../../src/books/connection.ts'
import { openLog } from '../../src/kit/log.ts'
import type { TermsBody } from '../../src/networks/terms.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import type { Delivery } from '../../src/outbox/delivery.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { type BooksSetUp, setUpBooks } from '../books/set-up.ts'
import { type Business, smallWorld } from '../trades/small-world.ts'

type Firm = Business & { book?: Partial<Seed>; connected?: boolean }

export const ground = setUpBooks

/** A network of its own on the shared ground: its members' books, and a worker. */
export async function smallOutbox(
  on: BooksSetUp,
  firms: Record<string, Firm> = { mill: {}, bakery: {} },
  more: {
    terms?: Partial<TermsBody>
    refundsInTwoSteps?: boolean
    limits?: Partial<BookLimits>
    askFirst?: number | null
  } = {},
) {
  const world = await smallWorld(on, firms, more.terms)
  const { limits, refundsInTwoSteps = false } = more
  const redirectUri = 'https://quits.example/connect/fake/callback'
  const connector = fakeConnector(on.books, { redirectUri, refundsInTwoSteps, ...(limits ? { limits } : {}) })
  const deps: OutboxDeps = {
    ...on.deps,
    connectors: { fake: connector },
    log: openLog('silent'),
    config: { publicUrl: 'https://quits.example' },
    worker: 'worker 1',
    dice: () => 0,
  }
  const bookBy = new Map<string, FakeBook>()
  const connectionBy = new Map<string, Connection>()
  for (const [name, firm] of Object.entries(firms)) {
    const book = on.books.addBook({
      id: `book of ${name} in ${world.network.slug}`,
      name: `${name}’s own book`,
      vatRegistered: firm.vat ?? true,
      ...firm.book,
    })
    bookBy.set(name, book)
    if (firm.connected !== false) await connect(name)
  }
  async function connect(name: string): Promise<void> {
    const connection = await on.live({ member: world.member(name), book: named(name) })
    connectionBy.set(name, connection)
    const { askFirst = 0 } = more
    await on.worker((tx) => setAskFirst(tx, on.clock, { connectionId: connection.id, askFirst, actor: 'per_owner' }))
  }
  function named(name: string): FakeBook {
    const book = bookBy.get(name)
    if (!book) throw new Error(`no book of ${name}`)
    return book
  }
  const outbox = {
    ...world,
    on,
    deps,
    connector,
    book: named,
    connect,
    connection: (name: string): Connection => {
      const connection = connectionBy.get(name)
      if (!connection) throw new Error(`${name} is not connected`)
      return connection
    },
    deliver: (given: Partial<OutboxDeps> = {}) => deliverDue({ ...deps, ...given }),
    async travel(seconds: number): Promise<void> {
      await on.travelTo(new Date(on.clock.now().getTime() + seconds * 1000))
    },
    /** Serves what is due, lets a minute pass, and again. */
    async deliverFor(minutes: number): Promise<void> {
      for (let minute = 0; minute < minutes; minute += 1) {
        await outbox.deliver()
        await outbox.travel(60)
      }
      await outbox.deliver()
    },
    async one(name: string, end: string): Promise<Delivery> {
      const found = (await world.deliveries(name)).find((one) => one.reference.endsWith(end))
      if (!found) throw new Error(`${name} was promised nothing that ends in ${end}`)
      return found
    },
    async states(name: string): Promise<string> {
      const all = (await world.deliveries(name)).map(
        ({ kind, reference, state, parkedCause }) =>
          `${kind === 'contact' ? 'contact' : reference.slice(11)} ${state}${parkedCause && state === 'parked' ? `: ${parkedCause}` : ''}`,
      )
      return all.sort().join(', ')
    },
    /** What the book holds: kind, number, total, open. */
    papers(name: string): string {
      return [...named(name).documents.values()]
        .map((one) => {
          const settled = (named(name).settling.get(one.id) ?? []).flatMap((by) =>
            by.of.filter((part) => part.id === one.id).map((part) => part.amountMinor),
          )
          const open = one.settles ? ` open ${one.totalMinor - settled.reduce((a, b) => a + b, 0n)}` : ''
          return `${one.kind} ${one.totalMinor}${open}`
        })
        .join(', ')
    },
    attempts: (delivery: Delivery) =>
      on.worker((tx) =>
        tx.attempt.findMany({
          where: { networkId: delivery.networkId, deliveryId: delivery.id },
          orderBy: { number: 'asc' },
        }),
      ),
    lane: (name: string) =>
      on.worker((tx) => tx.lane.findUniqueOrThrow({ where: { id: world.member(name).organisationId } })),
  }
  return outbox
}
export type SmallOutbox = Awaited<ReturnType<typeof smallOutbox>>
