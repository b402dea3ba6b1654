/** The bookkeeper's way: consent, choice, mapping, a yes after a preview, what goes wrong and its button, agreement. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openConnectionOf } from '../../../src/books/connection.ts'
import { idText } from '../../../src/kit/ids.ts'
import { setLimits } from '../../../src/networks/limits.ts'
import type { Delivery } from '../../../src/outbox/delivery.ts'
import { deliveryFrom } from '../../../src/outbox/delivery.ts'
import { tellOfParked } from '../../../src/outbox/mail-parked.ts'
import { type Mailer, sendMail } from '../../../src/outbox/send-mail.ts'
import { reconcileBook } from '../../../src/reconcile/run.ts'
import { type Business, hiddenFields, type Page, type PagesWorld, pagesWorld, proposeFrom } from './pages-world.ts'

let world: PagesWorld
beforeAll(async () => {
  world = await pagesWorld()
  const { networkId, id } = world.bakery.member
  await world.app.worker((tx) =>
    setLimits(tx, world.app.clock, {
      networkId,
      memberId: id,
      creditLimitMinor: 500_000n,
      reason: 'buys from everybody in these tests',
      actor: 'quits',
    }),
  )
})
afterAll(() => world.end())

let books = 0

/** From the consent button to the page that asks which organisation it is. */
async function consent(business: Business, bookIds: string[], by = business.bookkeeper): Promise<Page> {
  const begun = await by.post(`${business.path}/connection`, { kind: 'fake' })
  expect(begun.status, begun.text).toBe(303)
  const back = new URL(world.app.books.agree(begun.location, bookIds))
  const answer = await by.get(back.pathname + back.search)
  expect(answer.status).toBe(303)
  return answer
}

/** A new book behind a live connection. */
async function connected(business: Business, askFirst: 'always' | 'never' = 'never'): Promise<string> {
  books += 1
  const bookId = `book-${books}`
  const isRegistered = !['Bakery', 'Pottery', 'Smithy'].includes(business.name)
  world.app.books.addBook({ id: bookId, name: `${business.name} Trading Ltd`, vatRegistered: isRegistered })
  const { location } = await consent(business, [bookId])
  const consentId = new URLSearchParams(location.split('?')[1]).get('consent') ?? ''
  await business.bookkeeper.send(`${business.path}/connection/choose`, { consent: consentId, book: bookId })
  await business.bookkeeper.send(`${business.path}/connection/mapping/account`, { kind: 'bank' })
  const mapping = await business.bookkeeper.get(`${business.path}/connection/mapping`)
  await business.bookkeeper.send(`${business.path}/connection/mapping`, fieldsOf(mapping.html))
  await business.bookkeeper.send(`${business.path}/connection/ask-first`, { ask: askFirst })
  return bookId
}

/** What the mapping form would send as it stands: each drop-down's choice, and the version. */
function fieldsOf(html: string): Record<string, string> {
  const selects = [...html.matchAll(/<select name="([^"]+)"[^>]*>([\s\S]*?)<\/select>/g)].map(
    ([, name = '', options = '']) => {
      const chosen =
        /<option(?=[^>]*\sselected)[^>]*value="([^"]*)"|<option(?=[^>]*value="([^"]*)")[^>]*\sselected/.exec(options)
      return [name, chosen?.[1] ?? chosen?.[2] ?? ''] as const
    },
  )
  return { ...Object.fromEntries(selects), version: hiddenFields(html).version ?? '' }
}

async function sale(seller: Business, buyer: Business): Promise<string> {
  const path = await proposeFrom(seller, buyer)
  const accepted = await buyer.owner.post(`${path}/acceptance`)
  expect(accepted.status, accepted.text).toBe(303)
  return path
}

async function deliveries(business: Business): Promise<Delivery[]> {
  const { organisationId } = business.member
  const rows = await world.app.worker((tx) =>
    tx.delivery.findMany({ where: { organisationId }, orderBy: { promisedAt: 'asc' } }),
  )
  return rows.map(deliveryFrom)
}
async function parkedPath(business: Business): Promise<string> {
  const parked = (await deliveries(business)).find((one) => one.state === 'parked')
  if (!parked) throw new Error('nothing is parked')
  return `${business.path}/deliveries/${idText('delivery', parked.id)}`
}

test('from consent to a live book: choose, map, and every address is free of codes', async () => {
  const business = await world.business('Granary', { vat: 'GB111222333' })
  world.app.books.addBook({ id: 'granary', name: 'Granary Trading Ltd' })
  const before = await business.bookkeeper.get(`${business.path}/connection`)
  expect(before.text).toContain('Connect to The practice book')
  const { location } = await consent(business, ['granary'])
  expect(location).toMatch(/^\/members\/mem_[0-9A-Z]+\/connection\/choose\?consent=cns_[0-9A-Z]+$/)

  const waiting = await business.bookkeeper.get(`${business.path}/connection`)
  expect(waiting.text).toContain('Choose the organisation')
  const choice = await business.bookkeeper.get(location)
  const elsewhere = location.replace(business.path, world.mill.path)
  expect((await world.mill.bookkeeper.get(elsewhere)).status).toBe(404)
  expect(choice.text).toContain('Granary Trading Ltd GB, GBP')
  const mapping = await business.bookkeeper.send(`${business.path}/connection/choose`, {
    consent: new URLSearchParams(location.split('?')[1]).get('consent') ?? '',
    book: 'granary',
  })
  expect(mapping.text).toContain('Create the mutual-credit account for me')

  const made = await business.bookkeeper.send(`${business.path}/connection/mapping/account`, { kind: 'bank' })
  expect(made.text).toContain('“Mutual credit: valley exchange (not cash)” stands in your book now.')
  const fields = fieldsOf(made.html)
  expect(fields).toMatchObject({
    salesAccountId: 'acc-200',
    bankScreen: 'reconciled',
    'vatCodes.sales.standard': 'sales-standard',
    'vatCodes.purchases.reduced': 'purchases-reduced',
  })
  const live = await business.bookkeeper.send(`${business.path}/connection/mapping`, fields)
  expect(live.text).toContain('Your book is live.')
  expect(live.text).toContain('Next Nothing waits for you here.')
  expect(live.text).toContain('Organisation Granary Trading Ltd, GB, GBP')
  expect(live.text).not.toContain('Connect to')
  expect(live.text).toContain('Disconnect from The practice book')
})

test('what a consent does not cover is named on the page, until a sign-in grants it', async () => {
  const business = await world.business('Tannery', { vat: 'GB111222399' })
  const { fake } = world.app.deps.connectors
  if (!fake) throw new Error('no fake book')
  Object.assign(fake, { wants: ['accounting', 'accounting.journals', 'accounting.reports'] })
  const bookId = await connected(business)
  const page = await business.bookkeeper.get(`${business.path}/connection`)
  expect(page.text).toContain('The consent does not cover accounting.journals, accounting.reports.')
  expect(page.text).toContain('Sign in to The practice book again')

  Object.assign(fake, { wants: ['accounting'] })
  const { location } = await consent(business, [bookId])
  const consentId = new URLSearchParams(location.split('?')[1]).get('consent') ?? ''
  await business.bookkeeper.send(`${business.path}/connection/choose`, { consent: consentId, book: bookId })
  const after = await business.bookkeeper.get(`${business.path}/connection`)
  expect(after.text).not.toContain('The consent does not cover')
})

test('a choice that does not fit is told at its field, and nothing typed is lost', async () => {
  const business = await world.business('Dairy', { vat: 'GB111222334' })
  const bookId = await connected(business)
  const page = await business.bookkeeper.get(`${business.path}/connection/mapping`)
  const fields = { ...fieldsOf(page.html), salesAccountId: 'acc-310', feeAccountId: 'acc-404' }
  const refused = await business.bookkeeper.post(`${business.path}/connection/mapping`, fields)

  expect(refused.status).toBe(422)
  expect(refused.text).toContain('The account "Cost of goods sold" is not an income account.')
  expect(fieldsOf(refused.html)).toMatchObject({ feeAccountId: 'acc-404' })
  expect(refused.html).toMatch(/<select name="salesAccountId"[^>]*aria-invalid="true"/)
  expect(world.app.books.book(bookId).documents.size).toBe(0)
})

test('two people who change a mapping at once do not overwrite each other', async () => {
  const business = await world.business('Brewery', { vat: 'GB111222335' })
  await connected(business)
  const page = `${business.path}/connection/mapping`
  const first = fieldsOf((await business.bookkeeper.get(page)).html)
  const second = fieldsOf((await business.owner.get(page)).html)
  await business.bookkeeper.send(page, { ...first, feeAccountId: 'acc-404' })
  const refused = await business.owner.post(page, { ...second, feeAccountId: 'acc-429' })

  expect(refused.status).toBe(409)
  expect(refused.text).toContain('The mapping was changed meanwhile.')
  expect(fieldsOf(refused.html)).toMatchObject({ feeAccountId: 'acc-404' })
})

test('a consent brought back by another browser, twice, or declined connects nothing', async () => {
  const business = await world.business('Forge')
  world.app.books.addBook({ id: 'forge', name: 'Forge Ltd' })
  const begun = await business.bookkeeper.post(`${business.path}/connection`, { kind: 'fake' })
  const back = new URL(world.app.books.agree(begun.location, ['forge']))
  const address = back.pathname + back.search

  const other = await business.owner.get(address)
  expect(other.location).toBe('/connect/refused?code=consent_unknown')
  expect((await world.stranger.get(address)).location).toMatch(/^\/sign-in/)
  expect((await business.bookkeeper.get(address)).location).toMatch(/choose/)
  expect((await business.bookkeeper.get(address)).location).toBe('/connect/refused?code=consent_used')
  const words = await business.bookkeeper.get('/connect/refused?code=consent_used')
  expect(words.text).toContain('This consent has been used already.')
  expect(words.text).toContain('Connection of Forge')

  const again = await business.bookkeeper.post(`${business.path}/connection`, { kind: 'fake' })
  const declined = new URL(world.app.books.decline(again.location))
  expect((await business.bookkeeper.get(declined.pathname + declined.search)).location).toBe(
    '/connect/refused?code=consent_declined',
  )
})

test('a book of another member, or another book than before, is refused by name', async () => {
  const first = await world.business('Pottery')
  const second = await world.business('Smithy')
  const bookId = await connected(first)
  const { location } = await consent(second, [bookId])
  const consentId = new URLSearchParams(location.split('?')[1]).get('consent') ?? ''
  const taken = await second.bookkeeper.post(`${second.path}/connection/choose`, { consent: consentId, book: bookId })
  expect(taken.status).toBe(409)
  expect(taken.text).toContain('"Pottery Trading Ltd" is connected to another member already.')

  world.app.books.addBook({ id: 'elsewhere', name: 'Elsewhere Ltd' })
  world.app.books.book(bookId).revokeConsent()
  const { location: other } = await consent(first, ['elsewhere'])
  const wrong = await first.bookkeeper.post(`${first.path}/connection/choose`, {
    consent: new URLSearchParams(other.split('?')[1]).get('consent') ?? '',
    book: 'elsewhere',
  })
  expect(wrong.text).toContain('You picked Elsewhere Ltd; this connection is for Pottery Trading Ltd.')
})

test('nobody but owner and bookkeeper sees the book’s pages', async () => {
  const { mill, bakery, asha, stranger } = world
  const pages = ['connection', 'connection/mapping', 'approvals', 'deliveries', 'reconciliation', 'contacts']
  for (const page of pages) {
    const path = `${mill.path}/${page}`
    expect((await bakery.owner.get(path)).status, page).toBe(404)
    expect((await asha.get(path)).status, page).toBe(403)
    expect((await mill.staff.get(path)).status, page).toBe(403)
    expect((await stranger.get(path)).status, page).toBe(401)
  }
  expect((await bakery.owner.post(`${mill.path}/connection`, { kind: 'fake' })).status).toBe(404)
  expect((await stranger.get('/inbox')).status).toBe(401)
})

test('a trade waits for a yes, shown as it will stand in the book; then it goes', async () => {
  const { mill, bakery } = world
  const bookId = await connected(mill, 'always')
  await connected(bakery)
  const trade = await sale(mill, bakery)
  const page = await mill.bookkeeper.get(`${mill.path}/approvals`)
  expect(page.text).toContain(
    'Sales invoice MILL00001 Contact Bakery (not known in the book yet: looked for, else made)',
  )
  expect(page.text).toContain('Flour 200 Sales sales-standard £100.00 £20.00')
  expect(page.text).toContain('880 Mutual credit: valley exchange (not cash) £100.00 Debtors £100.00')
  expect((await mill.bookkeeper.get(`${mill.path}/connection`)).text).toContain('One trade waits for your yes.')
  await world.app.deliver()
  expect(world.app.books.book(bookId).documents.size).toBe(0)

  // Another member cannot say it, nor for it.
  const tradeId = trade.split('/').at(-1) ?? ''
  expect((await bakery.bookkeeper.post(`${mill.path}/approvals`, { trade: tradeId })).status).toBe(404)
  expect((await bakery.bookkeeper.post(`${bakery.path}/approvals`, { trade: tradeId })).status).toBe(404)
  const said = await mill.bookkeeper.send(`${mill.path}/approvals`, { trade: tradeId })
  expect(said.text).toContain('It goes to the book now.')
  await world.app.deliver()
  expect([...world.app.books.book(bookId).documents.values()].map((one) => one.kind)).toEqual(['invoice', 'payment'])
  const shown = await mill.bookkeeper.get(`${mill.path}/deliveries`)
  expect(shown.text).toContain('Sales invoice MILL00001 · Bakery in your book')
  expect(shown.html).toContain('href="https://fake.example/invoice-')
})

test('yes to all says yes to what was shown, and to nothing that came meanwhile', async () => {
  const seller = await world.business('Tannery', { vat: 'GB111222336' })
  await connected(seller, 'always')
  await sale(seller, world.bakery)
  await sale(seller, world.bakery)
  const page = await seller.bookkeeper.get(`${seller.path}/approvals`)
  await sale(seller, world.bakery)
  const { trades } = hiddenFields(page.html)
  const said = await seller.bookkeeper.send(`${seller.path}/approvals/all`, { trades: trades ?? '' })

  expect(said.text).toContain('2 trades go to the book now.')
  expect(said.html.match(/Yes, write these/g)).toHaveLength(1)
})

test('what is parked says why and has one button; all of one cause go at once', async () => {
  const seller = await world.business('Nursery', { vat: 'GB111222337' })
  const bookId = await connected(seller)
  const book = world.app.books.book(bookId)
  book.lockPeriod('2026-11-02')
  await sale(seller, world.bakery)
  await sale(seller, world.bakery)
  await world.app.deliver()
  const page = await seller.bookkeeper.get(`${seller.path}/deliveries?state=parked`)
  expect(page.text).toContain('Its day is in a closed period (locked to 2026-11-02).')
  expect(page.text).toContain('Try all 2 again')
  expect(page.html).toContain('value="2026-11-03"')
  expect(page.text).toContain('The book: period_locked')

  const path = await parkedPath(seller)
  const early = await seller.bookkeeper.post(`${path}/redate`, { to: '2026-11-01' })
  expect(early.status).toBe(409)
  await seller.bookkeeper.send(`${path}/redate`, { to: '2026-11-03' })
  book.lockPeriod(null)
  await seller.bookkeeper.send(`${seller.path}/deliveries/retry`, { cause: 'period_locked' })
  await world.app.deliver()
  expect((await deliveries(seller)).map((one) => one.state)).not.toContain('parked')
  expect((await world.bakery.bookkeeper.post(`${path}/retry`)).status).toBe(404)
})

test('a delivery of another member is not found beneath one’s own address', async () => {
  const seller = await world.business('Orchard', { vat: 'GB111222338' })
  const bookId = await connected(seller)
  world.app.books.book(bookId).lockPeriod('2026-11-30')
  await sale(seller, world.bakery)
  await world.app.deliver()
  const id = (await parkedPath(seller)).split('/').at(-1)
  for (const move of ['retry', 'drop', 'redate', 'next-number', 'contact', 'anew'])
    expect(
      (
        await world.bakery.bookkeeper.post(`${world.bakery.path}/deliveries/${id}/${move}`, {
          reason: 'x',
          contact: 'x',
        })
      ).status,
      move,
    ).toBe(404)
  const dropped = await seller.bookkeeper.send(`${seller.path}/deliveries/${id}/drop`, { reason: 'entered by hand' })
  expect(dropped.text).toContain('Why not entered by hand')
})

test('several contacts that could be it are offered, and the choice is kept', async () => {
  const seller = await world.business('Joinery', { vat: 'GB111222339' })
  const bookId = await connected(seller)
  const book = world.app.books.book(bookId)
  for (const id of ['one', 'two'])
    book.contacts.set(id, {
      id,
      version: '0',
      name: 'Bakery',
      email: 'bakery@example.org',
      companyNumber: null,
      vatNumber: null,
      roles: [],
      active: true,
      mergedInto: null,
      updatedAt: book.stamp(),
    })
  await sale(seller, world.bakery)
  await world.app.deliver()
  const page = await seller.bookkeeper.get(`${seller.path}/deliveries`)
  expect(page.text).toContain('Several contacts in the book could be Bakery.')
  const path = await parkedPath(seller)
  expect((await seller.bookkeeper.post(`${path}/contact`, { contact: 'three' })).status).toBe(404)
  await seller.bookkeeper.send(`${path}/contact`, { contact: 'two' })
  await world.app.deliver()

  const contacts = await seller.bookkeeper.get(`${seller.path}/contacts`)
  expect(contacts.text).toContain('As a customer: “Bakery” in the book, chosen by Bookkeeper of Joinery.')
  expect([...book.documents.values()].map((one) => one.contactId)).toEqual(['two', 'two'])
})

test('a contact that was archived is replaced by one of the book’s own list', async () => {
  const seller = await world.business('Foundry', { vat: 'GB111222340' })
  const bookId = await connected(seller)
  const book = world.app.books.book(bookId)
  await sale(seller, world.bakery)
  await world.app.deliver()
  const [contact] = book.contacts.values()
  book.editBehindOurBack(contact?.id ?? '', { active: false, name: 'Bakery, old' })
  book.contacts.set('new', {
    id: 'new',
    version: '0',
    name: 'Bakery, new',
    email: null,
    companyNumber: null,
    vatNumber: null,
    roles: [],
    active: true,
    mergedInto: null,
    updatedAt: book.stamp(),
  })
  await sale(seller, world.bakery)
  await world.app.deliver()
  const path = await parkedPath(seller)
  const page = await seller.bookkeeper.get(`${path}/pick-contact`)
  expect(page.text).toContain('Bakery, new')
  expect(page.text).not.toContain('Bakery, old')
  await seller.bookkeeper.send(`${path}/pick-contact`, { contact: 'new' })
  await world.app.deliver()
  expect((await deliveries(seller)).every((one) => one.state === 'delivered')).toBe(true)
})

test('a supplier’s kept account is where its next bill goes', async () => {
  const buyer = await world.business('Cafe', { vat: 'GB111222341' })
  const bookId = await connected(buyer)
  await sale(world.mill, buyer)
  await world.app.deliver()
  const supplier = idText('organisation', world.mill.member.organisationId)
  const income = await buyer.bookkeeper.post(`${buyer.path}/contacts/account`, { supplier, account: 'acc-200' })
  expect(income.status).toBe(422)
  const kept = await buyer.bookkeeper.send(`${buyer.path}/contacts/account`, { supplier, account: 'acc-404' })
  expect(kept.html).toMatch(/<option[^>]*value="acc-404"[^>]*selected|<option[^>]*selected[^>]*value="acc-404"/)
  expect(world.app.books.book(bookId).contacts.size).toBe(1)
})

test('what differs adds up to the difference, each has words, an owner and a way to be accepted', async () => {
  const seller = await world.business('Quarry', { vat: 'GB111222342' })
  const bookId = await connected(seller)
  const book = world.app.books.book(bookId)
  await sale(seller, world.bakery)
  await world.app.deliver()
  const agreed = await seller.bookkeeper.send(`${seller.path}/reconciliation`)
  expect(agreed.text).toContain('Read just now: everything agrees.')
  expect(agreed.text).not.toContain('Why is this not zero?')

  const credit = book.profile.accounts.find((one) => one.name.startsWith('Mutual credit'))?.id ?? ''
  book.enterByHand({
    kind: 'money_spent',
    datedOn: '2026-11-02',
    totalMinor: 1_234n,
    moves: [{ accountId: credit, amountMinor: -1_234n }],
  })
  await sale(seller, world.bakery)
  const page = await seller.bookkeeper.send(`${seller.path}/reconciliation`)
  expect(page.text).toContain('Why is this not zero?')
  // A sale on its way (100.00) and an entry by hand (12.34).
  expect(page.text).toContain('Difference £112.34')
  expect(page.text).toMatch(
    /entered by hand, or of a trade that a restored backup does not know\. £0\.00 −£12\.34 £12\.34/,
  )
  expect(page.text).not.toContain('Not explained by any line')

  const action =
    /action="([^"]*\/discrepancies\/dis_[0-9A-Z]+)\/accept"/.exec(
      page.html.slice(page.html.indexOf('a restored backup does not know.</h3>')),
    )?.[1] ?? ''
  const elsewhere = action.replace(seller.path, world.bakery.path)
  for (const deed of ['own', 'accept'])
    expect((await world.bakery.bookkeeper.post(`${elsewhere}/${deed}`, { words: 'mine' })).status, deed).toBe(404)
  const owned = await seller.bookkeeper.send(`${action}/own`)
  expect(owned.text).toContain('owned by Bookkeeper of Quarry')
  expect((await seller.bookkeeper.post(`${action}/accept`, { words: '' })).status).toBe(400)
  const accepted = await seller.bookkeeper.send(`${action}/accept`, { words: 'Bank charge, moved next month' })
  expect(accepted.text).toContain('Accepted by Bookkeeper of Quarry: Bank charge, moved next month')
  expect(accepted.text).toContain('Difference £112.34')

  const address = /href="([^"]*reconciliation\/rec_[0-9A-Z]+\.csv)"/.exec(page.html)?.[1] ?? ''
  const csv = await seller.bookkeeper.get(address)
  expect(csv.html).toMatch(/^verdict,reference,kind/)
  expect((await world.bakery.bookkeeper.get(address.replace(seller.path, world.bakery.path))).status).toBe(404)
})

test('pause, resume, a cut consent and disconnecting each show their one next step', async () => {
  const business = await world.business('Weavers', { vat: 'GB111222343' })
  const bookId = await connected(business)
  const { bookkeeper, path } = business
  expect((await bookkeeper.post(`${path}/connection/pause`)).status).toBe(400)
  const pausedPage = await bookkeeper.send(`${path}/connection/pause`, { reason: 'stocktaking' })
  expect(pausedPage.text).toContain('Let it go on')
  expect(pausedPage.text).toMatch(/Paused by Bookkeeper of Weavers, .*: stocktaking\./)
  expect((await bookkeeper.send(`${path}/connection/resume`)).text).toContain('Nothing waits for you here.')

  world.app.books.book(bookId).revokeConsent()
  await sale(business, world.bakery)
  await world.app.deliver()
  const cut = await bookkeeper.get(`${path}/connection`)
  expect(cut.text).toContain('The practice book no longer lets us in. 3 documents wait; nothing is lost.')
  expect(cut.text).toContain('Sign in to The practice book again')
  const inbox = await bookkeeper.get('/inbox')
  expect(inbox.text).toMatch(/Weavers valley exchange 3 The accounting system no longer lets us in/)

  const before = await world.app.worker((tx) => openConnectionOf(tx, business.member.organisationId))
  const { location } = await consent(business, [bookId])
  const again = await bookkeeper.send(`${path}/connection/choose`, {
    consent: new URLSearchParams(location.split('?')[1]).get('consent') ?? '',
    book: bookId,
  })
  expect(again.text).toContain('is connected again. 3 waiting documents go on by themselves.')
  const after = await world.app.worker((tx) => openConnectionOf(tx, business.member.organisationId))
  expect(after?.id).toBe(before?.id)

  const ended = await bookkeeper.send(`${path}/connection/disconnect`)
  expect(ended.text).toContain('Disconnected; The practice book confirmed it.')
  expect(ended.text).toContain('Connect to The practice book')
  expect(ended.text).toContain('Before, “Weavers Trading Ltd” was connected here.')
})

test('the inbox holds everything of all businesses a person keeps books for, and nothing of others', async () => {
  const one = await world.business('Saddlery', { vat: 'GB111222344' })
  const two = await world.business('Bindery', { vat: 'GB111222345' })
  const bea = await world.person({ organisationId: one.member.organisationId, role: 'bookkeeper' }, 'Bea')
  await connected(two, 'always')
  const bookId = await connected(one)
  world.app.books.book(bookId).lockPeriod('2026-11-30')
  await sale(one, world.bakery)
  await sale(two, world.bakery)
  await world.app.deliver()

  expect((await bea.get('/inbox')).text).toMatch(/Saddlery valley exchange 1 Its day is in a closed period/)
  expect((await bea.get('/inbox')).text).not.toContain('Bindery')
  expect((await two.bookkeeper.get('/inbox')).text).toMatch(/Bindery valley exchange 1 trade waits for a yes/)
  expect((await two.staff.get('/inbox')).text).toContain('You keep no books here.')
})

test('fault 63: with the mail server down letters are queued and the page shows the alert anyway; once it is back they go', async () => {
  const { app } = world
  const shop = await world.business('Cooperage', { vat: 'GB111222346' })
  const bookId = await connected(shop)
  app.books.book(bookId).lockPeriod('2026-11-30')
  await sale(shop, world.bakery)
  await app.deliver()
  await app.travelTo(new Date(app.clock.now().getTime() + 3_600_000))
  expect(await tellOfParked({ ...app.deps, config: { publicUrl: 'https://quits.example' } })).toBeGreaterThan(0)
  const waiting = () => app.worker((tx) => tx.mail.findMany({ where: { sentAt: null, failed: null } }))
  const queued = (await waiting()).length
  const down: Mailer = { keepsText: false, send: async () => Promise.reject(new Error('connect ECONNREFUSED')) }
  await sendMail(app.deps, down)
  const held = await waiting()
  expect(held).toHaveLength(queued)
  expect(held.every((letter) => letter.attempts > 0 && letter.body !== '')).toBe(true)
  expect((await shop.bookkeeper.get('/inbox')).text).toMatch(
    /Cooperage valley exchange 1 Its day is in a closed period/,
  )
  expect((await shop.owner.get(`${shop.path}/deliveries`)).text).toContain('Its day is in a closed period')

  const sent: string[] = []
  await app.travelTo(new Date(app.clock.now().getTime() + 3_600_000))
  await sendMail(app.deps, { keepsText: false, send: async ({ subject }) => void sent.push(subject) })
  expect(sent).toHaveLength(queued)
  expect(await waiting()).toEqual([])
})

test('nothing secret stands in a page: no token, no code, no id of a book', async () => {
  const { mill } = world
  for (const page of ['connection', 'connection/mapping', 'approvals', 'deliveries', 'reconciliation', 'contacts']) {
    const { html } = await mill.bookkeeper.get(`${mill.path}/${page}`)
    expect(html, page).not.toMatch(/access-|refresh-|code-\d/)
  }
  await reconcileBook(world.app.deps, {
    networkId: mill.member.networkId,
    organisationId: mill.member.organisationId,
    actor: 'quits',
  })
})
