/** The fake book keeps the contract in both shapes of refund, and its knobs do what they say. */
import { describe, expect, test } from 'vitest'
import { fakeConnector } from '../../connectors/fake/connector.ts'
import { accessLivesMs, FakeBooks } from '../../connectors/fake/knobs.ts'
import type { DocumentKind, TaxUse, VatTreatment } from '../../connectors/port.ts'
import { type BookSeed, connectorContract, type Harness } from './contract.ts'
import { ask, paidOn, papers } from './papers.ts'

connectorContract('the fake book', (seed) => makeFakeHarness(false, seed))
connectorContract('the fake book with refunds in two steps', (seed) => makeFakeHarness(true, seed))

async function makeFakeHarness(refundsInTwoSteps: boolean, { vat = 'registered' }: Partial<BookSeed> = {}) {
  let nowMs = Date.parse('2026-11-20T09:00:00Z')
  const books = new FakeBooks(() => new Date(nowMs))
  const book = books.addBook({ id: 'book-1', name: 'Old Mill Ltd', vatRegistered: vat === 'registered' })
  books.addBook({ id: 'book-2', name: 'Corner Bakery Ltd' })
  const connector = fakeConnector(books, { redirectUri: 'http://localhost:4600/callback', refundsInTwoSteps })
  const asked = { state: 'state-1', verifier: 'v'.repeat(43) }
  const agree = async () => ({ ...asked, url: books.agree(await connector.consentUrl(asked), ['book-1']) })
  const consent = async () => connector.grantsFrom(await agree())
  const [grant] = await consent()
  if (!grant) throw new Error('the consent opened no book')

  const codes = (use: TaxUse) => {
    return Object.fromEntries(treatments.map((one) => [one, `${use}-${one}`])) as Record<VatTreatment, string>
  }
  const harness: Harness = {
    connector,
    grant,
    bookName: 'Old Mill Ltd',
    now: () => new Date(nowMs),
    agree,
    consent,
    decline: async () => connector.grantsFrom({ ...asked, url: books.decline(await connector.consentUrl(asked)) }),
    refreshes: { rotateAfterMs: 0, oldLivesMs: 30 * 60_000, accessLivesMs },
    control: {
      lockPeriod: async (through) => book.lockPeriod(through),
      throttleOnce: async () => {
        book.knobs.throttle = 1
      },
      downOnce: async () => {
        book.knobs.unavailable = 1
      },
      loseReplyOnce: async () => {
        book.knobs.loseReply = 1
      },
      forgetKeys: async () => {
        book.knobs.forgetKeys = true
      },
      editVoid: async (kind, id) => book.editBehindOurBack(id, { status: kind === 'invoice' ? 'voided' : 'deleted' }),
      archiveContact: async (id) => book.editBehindOurBack(id, { active: false }),
      personSpends: async (accountId, amountMinor, datedOn) =>
        book.enterByHand({
          kind: 'money_spent',
          datedOn,
          totalMinor: amountMinor,
          moves: [{ accountId, amountMinor: -amountMinor }],
        }),
      revoke: async () => book.revokeConsent(),
      advance: async (ms) => {
        nowMs += ms
      },
      violations: async () => [],
    },
    vat: { sales: codes('sales'), purchases: codes('purchases') },
    accounts: { sales: 'acc-200', cost: 'acc-310', fee: 'acc-404' },
    itemId: null,
    opens: ['bank', 'current_liability'],
    bellFor: async (kind: DocumentKind, thingId: string) => {
      const bell = { id: 'bell-1', bookId: 'book-1', kind, thingId, at: new Date(nowMs).toISOString() }
      const raw = { body: new TextEncoder().encode(JSON.stringify([bell])), headers: { 'x-fake-key': 'key-1' } }
      return { raw, key: 'key-1' }
    },
    secrets: () => [grant.accessToken, grant.refreshToken, ...books.codes.keys()],
    close: async () => {},
  }
  return Object.assign(harness, { books, book })
}

const treatments: VatTreatment[] = ['standard', 'reduced', 'zero', 'exempt', 'outside', 'reverse_charge']

describe('the knobs of the fake book', () => {
  test('a book that is down does nothing and is up again for the next call', async () => {
    const { connector, grant, book } = await makeFakeHarness(false)
    book.knobs.unavailable = 1
    await expect(connector.describe(grant)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(connector.describe(grant)).resolves.toMatchObject({ name: 'Old Mill Ltd' })
  })

  test('a forgotten key makes a second payment, which is why we look first', async () => {
    const harness = await makeFakeHarness(false)
    const kit = papers(harness)
    const customer = await kit.putContact('Bakery', 'customer')
    const account = await kit.openAccount()
    const invoice = await kit.putDocument(kit.invoice(customer))
    const asks = [ask(kit.payment(invoice, customer, account.id, 100n))]
    await harness.connector.putPayments(harness.grant, asks)
    harness.book.knobs.forgetKeys = true
    await harness.connector.putPayments(harness.grant, asks)
    expect(await kit.balance(account, paidOn)).toBe(200n)
  })

  test('a key is good for one thing only', async () => {
    const harness = await makeFakeHarness(false)
    const kit = papers(harness)
    const customer = await kit.putContact('Bakery', 'customer')
    const first = ask(kit.invoice(customer))
    await harness.connector.putDocuments(harness.grant, [first])
    const other = { ...first, thing: kit.invoice(customer) }
    const error = await kit.errorOf(harness.connector.putDocuments(harness.grant, [other]))
    expect(error).toMatchObject({ kind: 'conflicting', facts: { cause: 'key_reused' } })
  })

  test('two books do not know of each other, and each refresh is counted', async () => {
    const { books, book, connector } = await makeFakeHarness(false)
    const asked = { state: 'state-2', verifier: 'v'.repeat(43) }
    const url = books.agree(await connector.consentUrl(asked), ['book-1', 'book-2'])
    const [first, second] = await connector.grantsFrom({ ...asked, url })
    if (!first || !second) throw new Error('two books were opened')
    const account = { name: 'Mutual credit', kind: 'bank' as const, code: null, currency: 'GBP' }
    await connector.openAccount(first, ask(account))
    expect((await connector.describe(second)).accounts.map((one) => one.name)).not.toContain('Mutual credit')
    await connector.refresh(await connector.refresh(first))
    expect([book.refreshes, books.books.get('book-2')?.refreshes]).toEqual([2, 0])
  })

  test('changes of one instant are told apart, and a paid invoice counts as changed', async () => {
    const kit = papers(await makeFakeHarness(false))
    const customer = await kit.putContact('Bakery', 'customer')
    const account = await kit.openAccount()
    const invoice = await kit.putDocument(kit.invoice(customer))
    const { next } = await kit.changesSince(null)
    expect((await kit.changesSince(next)).documents).toEqual([])
    const payment = await kit.putPayment(kit.payment(invoice, customer, account.id, 100n))
    expect((await kit.changesSince(next)).documents.map((one) => one.id).sort()).toEqual(
      [invoice.id, payment.id].sort(),
    )
  })

  test('a crash after the commit leaves the document in the book', async () => {
    const harness = await makeFakeHarness(false)
    const kit = papers(harness)
    const customer = await kit.putContact('Bakery', 'customer')
    harness.books.onStep = (step) => {
      if (step === 'putDocuments committed') throw new Error('killed')
    }
    const invoice = kit.invoice(customer)
    await expect(kit.putDocument(invoice)).rejects.toThrow('killed')
    const { kind, reference } = invoice
    const found = await harness.connector.find(harness.grant, [{ by: 'reference', kind, reference, contactId: null }])
    expect(found).toMatchObject([{ number: invoice.number }])
  })
})
