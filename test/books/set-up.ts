/** Members with fake books behind the port, and the whole way from consent to a live connection in one call. */
import { fakeConnector } from '../../connectors/fake/connector.ts'
import { type FakeBook, FakeBooks } from '../../connectors/fake/knobs.ts'
import type { BookConnector } from '../../connectors/port.ts'
import { beginConsent, chooseBook, finishConsent } from '../../src/books/connect.ts'
import { type Connection, connectionOf } from '../../src/books/connection.ts'
import { makeCreditAccount, mappingOf, saveMapping } from '../../src/books/mapping.ts'
import { sealWith } from '../../src/kit/seal.ts'
import type { Member } from '../../src/networks/member.ts'
import type { Network } from '../../src/networks/network.ts'
import { nameRole } from '../../src/networks/person.ts'
import { hashOf } from '../../src/networks/secret.ts'
import { setUp } from '../networks/set-up.ts'

export const bea = 'per_bea'
export const session = hashOf('the cookie of Bea')
export type BooksSetUp = Awaited<ReturnType<typeof setUpBooks>>

export async function setUpBooks() {
  const world = await setUp()
  const books = new FakeBooks(() => world.clock.now())
  const fake: BookConnector = fakeConnector(books, { redirectUri: 'https://quits.example/connect/fake/callback' })
  const deps = {
    db: world.db,
    clock: world.clock,
    seal: sealWith([new Uint8Array(32).fill(7)]),
    connectors: { fake },
  }
  let last = 0
  return {
    ...world,
    books,
    fake,
    deps,
    /** A member with an owner, and a book of its own name that nobody has connected yet. */
    async memberWithBook(
      network: Network,
      change: Parameters<FakeBooks['addBook']>[0] | object = {},
    ): Promise<MemberWithBook> {
      last += 1
      const member = await world.member(network, `Firm ${last}`)
      const { organisationId } = member
      const role = { organisationId, role: 'owner' as const, email: `owner${last}@firm.example`, actor: bea }
      await world.worker((tx) => nameRole(tx, world.clock, role))
      return { member, book: books.addBook({ id: `book-${last}`, name: `Firm ${last} Ltd`, ...change }) }
    },
    async begin({ member }: { member: Member }): Promise<{ url: string; consentId: string }> {
      const { networkId, organisationId } = member
      return beginConsent(deps, { networkId, organisationId, kind: 'fake', actor: bea, sessionHash: session })
    },
    async offered(consentUrl: string, bookIds: string[]) {
      return finishConsent(deps, { url: books.agree(consentUrl, bookIds), actor: bea, sessionHash: session })
    },
    async connect(firm: MemberWithBook, book: FakeBook = firm.book): Promise<Connection> {
      const { url } = await this.begin(firm)
      const { consentId } = await this.offered(url, [book.profile.bookId])
      return chooseBook(deps, { consentId, bookId: book.profile.bookId, actor: bea })
    },
    async live(firm: MemberWithBook): Promise<Connection> {
      const connection = await this.connect(firm)
      const { networkId } = firm.member
      const ask = { connectionId: connection.id, networkId, actor: bea }
      const { mapping } = await makeCreditAccount(deps, { ...ask, kind: 'bank' })
      await saveMapping(deps, { ...ask, mapping: mapping.draft, ifVersion: mapping.version })
      return this.read(connection.id)
    },
    async read(connectionId: string): Promise<Connection> {
      return world.worker((tx) => connectionOf(tx, connectionId))
    },
    async mapping(connectionId: string, networkId: string) {
      return world.worker((tx) => mappingOf(tx, connectionId, networkId))
    },
    async deeds(what: string) {
      return world.worker((tx) => tx.deed.findMany({ where: { what }, orderBy: { id: 'asc' } }))
    },
  }
}

export type MemberWithBook = { member: Member; book: FakeBook }
