/** A member's pages: home, proposing with a look before, answering, the trade of both sides, invoice, statement, people. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idFromText, idText } from '../../../src/kit/ids.ts'
import { approveTrade } from '../../../src/outbox/move-delivery.ts'
import { connectBook } from '../../support/api-world.ts'
import { hiddenFields, type PagesWorld, pagesWorld, proposeFrom, saleForm } from './pages-world.ts'

let world: PagesWorld
beforeAll(async () => {
  world = await pagesWorld()
})
afterAll(() => world.end())

test('home shows balance and what is left, and one next thing for each role', async () => {
  const { mill } = world
  const owner = await mill.owner.get(mill.path)
  expect(owner.text).toContain('You can still buy for £1,000.00 You can still sell for £5,000.00')
  expect(owner.text).toContain('Next Connect your accounting software')
  const staff = await mill.staff.get(mill.path)
  expect(staff.text).toContain('Next Nothing waits for you.')
  expect(staff.text).not.toContain('Reconciliation')
})

test('nobody else sees a member’s pages: they look as if they were not there', async () => {
  const { mill, bakery, stranger } = world
  const other = await world.network('away')
  const cora = await world.person({ networkId: other.id, role: 'convener' }, 'Cora')
  const pages = [
    '',
    '/trades',
    '/trades/new',
    '/statement',
    '/statement.csv',
    '/people',
    '/consents',
    '/limit-ask',
    '/details',
  ]
  for (const page of pages) {
    expect((await bakery.owner.get(mill.path + page)).status, page).toBe(404)
    expect((await cora.get(mill.path + page)).status, page).toBe(404)
    expect((await stranger.get(mill.path + page)).status, page).toBe(401)
  }
  expect((await mill.owner.get('/members/mem_nonsense')).status).toBe(404)
  expect((await bakery.owner.post(`${mill.path}/people`, { email: 'eve@example.org', role: 'owner' })).status).toBe(404)
})

test('a proposal is looked at before it is sent, and keeps all that was typed', async () => {
  const { mill, bakery } = world
  const address = `${mill.path}/trades/new`
  const typed = saleForm(bakery, {
    net1: '1,000.00',
    description2: 'Rye',
    net2: '0.10',
    treatment2: 'reduced',
    part: 'percent',
    partValue: '60',
  })
  const look = await mill.owner.post(address, { ...typed, step: 'preview' })
  expect(look.status).toBe(200)
  expect(look.text).toContain('Look at it once more')
  expect(look.text).toContain('You sell to Bakery')
  expect(look.text).toContain('Total £1,200.11 Of it in credits £600.06 Of it in money £600.05, due 2 Dec 2026')
  expect(look.text).toContain('Your balance would be £600.06.')
  expect(await world.app.worker((tx) => tx.trade.count())).toBe(0)

  const edit = await mill.owner.post(address, { ...hiddenFields(look.html), step: 'edit' })
  expect(edit.html).toContain('value="1,000.00"')
  expect(edit.html).toMatch(/<option value="percent" selected>/)

  const fields = { ...hiddenFields(look.html), step: 'propose' }
  const first = await mill.owner.post(address, fields)
  expect(first.status).toBe(303)
  const second = await mill.owner.post(address, fields)
  expect(second.location).toBe(first.location)
  expect(await world.app.worker((tx) => tx.trade.count())).toBe(1)
  expect((await mill.owner.get(first.location)).text).toContain('Nothing is owed until the other side says yes.')
})

test('amounts are read strictly, and every wrong one is told at its field', async () => {
  const { mill, bakery } = world
  for (const net of ['1.000,00', '10,00', '1e3', '-5', '0', '5.001', '£5', '999999999999.00', 'ten']) {
    const page = await mill.owner.post(`${mill.path}/trades/new`, {
      ...saleForm(bakery, { net1: net }),
      step: 'preview',
    })
    expect(page.status, net).toBe(400)
    expect(page.html, net).toMatch(/name="net1"[^>]*aria-invalid="true"/)
    expect(page.html, net).toContain('value="Flour for November"')
  }
  const several = await mill.owner.post(`${mill.path}/trades/new`, {
    ...saleForm(bakery, { net1: 'ten', net2: '5.00', tradedOn: '2026-02-30', part: 'amount', partValue: '' }),
    step: 'preview',
  })
  expect(several.text).toContain('fields need mending')
  expect(several.html).toMatch(/name="tradedOn"[^>]*aria-invalid="true"/)
  for (const net of ['1,000.00', '1000', '1000.5'])
    expect(
      (await mill.owner.post(`${mill.path}/trades/new`, { ...saleForm(bakery, { net1: net }), step: 'preview' }))
        .status,
      net,
    ).toBe(200)
})

test('a rule’s refusal comes before the look, with its way out', async () => {
  const { mill, bakery } = world
  const cis = await mill.owner.post(`${mill.path}/trades/new`, {
    ...saleForm(bakery, { treatment1: 'cis' }),
    step: 'preview',
  })
  expect(cis.status).toBe(422)
  expect(cis.text).toContain('Construction Industry Scheme')
  const unregistered = await bakery.owner.post(`${bakery.path}/trades/new`, { ...saleForm(mill), step: 'preview' })
  expect(unregistered.text).toContain('A seller that is not registered for VAT charges none.')
  const tomorrow = await mill.owner.post(`${mill.path}/trades/new`, {
    ...saleForm(bakery, { tradedOn: '2026-11-03' }),
    step: 'preview',
  })
  expect(tomorrow.text).toContain('The day of sale has not come yet.')
})

test('the look warns when an acceptance now would be refused', async () => {
  const { mill, bakery } = world
  const look = await bakery.owner.post(`${bakery.path}/trades/new`, {
    ...saleForm(mill, { side: 'buyer', net1: '1,000.01' }),
    step: 'preview',
  })
  expect(look.text).toContain('As things stand you can buy for £1,000.00 more')
})

test('the buyer answers: accepted once, with its invoice, and each side sees its own book only', async () => {
  const { mill, bakery } = world
  const trade = await proposeFrom(mill, bakery)
  expect((await bakery.owner.get(bakery.path)).text).toContain('Proposals that wait for your answer')
  expect((await mill.owner.get(trade)).text).toContain('Withdraw it')
  const own = await mill.owner.post(`${trade}/acceptance`)
  expect(own.status).toBe(403)
  expect(own.text).toContain('Only the other side can answer this proposal.')
  const accepted = await bakery.owner.send(`${trade}/acceptance`)
  expect(accepted.text).toContain('Accepted; the invoice is')
  expect(accepted.text).toContain('In the book of Bakery held')
  expect(accepted.text).not.toContain('In the book of Mill')
  expect((await mill.bookkeeper.get(trade)).text).toContain('no book is connected')
  const staff = await mill.staff.get(trade)
  expect(staff.text).toContain('In the book of Mill held')
  expect(staff.html).not.toContain('Only Mill sees this')
  expect((await mill.owner.get(mill.path)).text).toContain('Sale')
})

test('the seller confirms the VAT treatment when the buyer proposed', async () => {
  const { mill, bakery } = world
  const trade = await proposeFrom(bakery, mill, { side: 'buyer', net1: '10' })
  const without = await mill.owner.post(`${trade}/acceptance`)
  expect(without.status).toBe(409)
  expect(without.text).toContain('The seller has not confirmed the VAT treatment yet.')
  expect((await mill.owner.send(`${trade}/acceptance`, { confirm: 'yes' })).text).toContain('Accepted')
})

test('a proposal is declined with a reason, or withdrawn by who made it', async () => {
  const { mill, bakery } = world
  const one = await proposeFrom(mill, bakery, { net1: '11' })
  expect((await bakery.staff.send(`${one}/refusal`, { reason: 'Too dear' })).text).toContain('Too dear')
  const two = await proposeFrom(mill, bakery, { net1: '12' })
  expect((await bakery.owner.post(`${two}/withdrawal`)).status).toBe(403)
  expect((await mill.owner.send(`${two}/withdrawal`)).text).toContain('Withdrawn. Nothing is owed.')
  expect((await bakery.bookkeeper.post(`${two}/acceptance`)).status).toBe(403)
})

test('a reversal needs the other side’s yes', async () => {
  const { mill, bakery } = world
  const trade = await proposeFrom(mill, bakery, { net1: '13' })
  await bakery.owner.send(`${trade}/acceptance`)
  expect((await mill.owner.send(`${trade}/reversal`, { as: 'side', reason: 'Wrong flour' })).text).toContain(
    'It waits for Bakery',
  )
  expect((await bakery.owner.get(trade)).text).toContain('The other side asks to reverse this trade Wrong flour')
  expect((await bakery.owner.get(`${bakery.path}/trades?waiting=reversal`)).text).toContain('reversal asked')
  expect((await bakery.owner.send(`${trade}/reversal`, { as: 'side', reason: 'Agreed' })).text).toContain('Reversed.')
  expect((await mill.owner.get(`${trade}/invoice`)).text).toContain('This trade was reversed')
})

test('a dispute stands with its words until the convener resolves it', async () => {
  const { asha, mill, bakery } = world
  const trade = await proposeFrom(mill, bakery, { net1: '14' })
  await bakery.owner.send(`${trade}/words`, { what: 'dispute', words: 'Never ordered <b>this</b>' })
  const page = await mill.owner.get(trade)
  expect(page.text).toContain('in dispute')
  expect(page.html).toContain('Never ordered &lt;b>this&lt;/b>')
  expect((await bakery.owner.post(`${trade}/words`, { what: 'resolved', words: 'Mine' })).status).toBe(403)
  expect((await bakery.owner.post(`${trade}/acceptance`)).text).toContain('This trade is in dispute.')
  expect((await asha.send(`${trade}/words`, { what: 'resolved', words: 'Talked it over' })).text).toContain('Resolved.')
  expect((await bakery.owner.send(`${trade}/acceptance`)).text).toContain('Accepted')
})

test('the invoice bears what a VAT invoice must, and only who is part of the trade opens it', async () => {
  const { mill, bakery } = world
  const trade = await proposeFrom(mill, bakery, { description2: 'Rye', net2: '50', treatment2: 'zero' })
  expect((await bakery.owner.get(`${trade}/invoice`)).status).toBe(404)
  await bakery.owner.send(`${trade}/acceptance`)
  const invoice = await bakery.owner.get(`${trade}/invoice`)
  for (const particular of [
    /VAT invoice MILL-?\d+/,
    /VAT number GB123456789/,
    /1 Mill Lane/,
    /Tax point 2 Nov 2026/,
    /Flour Standard rate, 20 % £100.00 £20.00/,
    /Rye Zero rate, 0 % £50.00 £0.00/,
    /Total £170.00 Paid in credits £150.00/,
  ])
    expect(invoice.text).toMatch(particular)
  const carter = await world.business('Carter')
  expect((await carter.owner.get(`${trade}/invoice`)).status).toBe(404)
  expect((await carter.owner.get(trade)).status).toBe(404)
  expect((await carter.owner.post(`${trade}/acceptance`)).status).toBe(404)
})

test('a statement opens and closes with its balances, pages on, and is kept as a file', async () => {
  const { mill } = world
  const weaver = await world.business('Weaver')
  for (const net of ['1.00', '2.00', '3.00']) {
    const trade = await proposeFrom(mill, weaver, { net1: net })
    await weaver.owner.send(`${trade}/acceptance`)
  }
  const page = await weaver.owner.get(`${weaver.path}/statement?from=2026-11-01&to=2026-11-30`)
  expect(page.text).toContain('Opening balance £0.00, before 1 Nov 2026 Closing balance −£6.00')
  expect(page.html).toMatch(/<code>[0-9a-f]{64}<\/code>/)
  const rest = await weaver.owner.get(`${weaver.path}/statement?after=2`)
  expect(rest.text).toContain('−£1.00 −£1.00')
  expect(rest.text).not.toContain('−£2.00')
  const file = await weaver.owner.get(`${weaver.path}/statement.csv`)
  const lines = file.html.trim().split('\r\n')
  expect(lines[0]).toBe('booked_on,transfer,what,with,reference,amount_GBP,balance')
  expect(lines).toHaveLength(6)
  expect(lines[4]).toMatch(/^2026-11-02,\d+,Purchase: Flour for November,Mill,MILL-?\d+,-3\.00,-6\.00$/)
  expect((await weaver.owner.get(`${weaver.path}/statement?from=yesterday`)).status).toBe(400)
})

test('owners name and remove people; the last owner stays', async () => {
  const { mill } = world
  const named = await mill.owner.send(`${mill.path}/people`, { email: 'New@Example.org', name: 'Nia', role: 'staff' })
  expect(named.text).toContain('Nia new@example.org')
  const owners = [
    ...named.html.matchAll(/name="person" value="(per_[^"]+)"\/><input type="hidden" name="role" value="(\w+)"/g),
  ]
  const owner = owners.find((match) => match[2] === 'owner')?.[1] ?? ''
  const last = await mill.owner.post(`${mill.path}/people/removed`, { person: owner, role: 'owner' })
  expect(last.status).toBe(409)
  expect(last.text).toContain('A member needs at least one owner.')
  expect((await mill.staff.post(`${mill.path}/people`, { email: 'eve@example.org', role: 'owner' })).status).toBe(403)
})

test('a standing consent accepts at once within its month, and not after it is revoked', async () => {
  const { mill } = world
  const potter = await world.business('Potter')
  const given = await potter.owner.send(`${potter.path}/consents`, {
    from: idText('member', mill.member.id),
    side: 'buyer',
    aMonth: '50.00',
  })
  expect(given.text).toContain('Mill: you buy from it for up to £50.00 a month; used this month: £0.00')
  const trade = await proposeFrom(mill, potter, { net1: '30' })
  expect((await mill.owner.get(trade)).text).toContain('by a standing consent')
  const page = await potter.owner.get(`${potter.path}/consents`)
  expect(page.text).toContain('used this month: £30.00')
  const beyond = await proposeFrom(mill, potter, { net1: '30' })
  expect((await mill.owner.get(beyond)).text).toContain('proposed')
  const consent = /name="consent" value="(stc_[^"]+)"/.exec(page.html)?.[1] ?? ''
  expect((await mill.owner.post(`${mill.path}/consents/revoked`, { consent })).status).toBe(404)
  expect((await potter.owner.send(`${potter.path}/consents/revoked`, { consent })).text).toContain('There are none.')
})

test('near its limit a member is told so, and a restricted one is offered no credit', async () => {
  const { mill } = world
  const tanner = await world.business('Tanner')
  const trade = await proposeFrom(mill, tanner, { net1: '850' })
  expect((await tanner.owner.send(`${trade}/acceptance`)).text).toContain('A balance is near its limit now.')
  expect((await tanner.owner.get(tanner.path)).text).toContain('You are near your credit limit of £1,000.00')
  const tailor = await world.business('Tailor', { sole: true })
  const limits = await tailor.owner.get(`${tailor.path}/limit-ask`)
  expect(limits.text).toContain('stays in credit')
  expect(limits.text).not.toContain('Ask the convener')
})

test('the VAT status is confirmed by a person, and a wrong number is refused', async () => {
  const { bakery } = world
  const wrong = await bakery.owner.post(`${bakery.path}/details/vat`, {
    registered: 'yes',
    number: '12',
    scheme: 'cash',
  })
  expect(wrong.status).toBe(422)
  expect(wrong.text).toContain('is not a VAT number of GB')
  const done = await bakery.bookkeeper.send(`${bakery.path}/details/vat`, {
    registered: 'yes',
    number: '987 6543 21',
    fromOn: '2026-01-01',
    scheme: 'cash',
  })
  expect(done.text).toContain('registered, GB987654321 from 1 Jan 2026, confirmed by a person')
})

test('once its book is connected a side waits for its yes, then reads what is there, with the way into the book', async () => {
  const { app, valley } = world
  const smith = await world.business('Smith', { vat: 'GB111222333' })
  const wright = await world.business('Wright')
  const { organisationId } = smith.member
  const network = idText('network', valley.id)
  const memberId = idText('member', smith.member.id)
  const owner = app.client(await app.key({ role: 'owner', organisationId }))
  const party = { memberId, organisationId, owner, path: `/v1/networks/${network}/members/${memberId}` }
  await connectBook(app, party, 'smith-book')
  const trade = await proposeFrom(smith, wright, { net1: '80' })
  await wright.owner.send(`${trade}/acceptance`)
  await app.deliver()
  expect((await smith.owner.get(smith.path)).text).toContain('One trade waits for your yes')
  expect((await smith.owner.get(trade)).text).toContain('Invoice')
  expect((await smith.owner.get(trade)).text).toContain('held it waits for your yes')
  const tradeId = idFromText('trade', trade.slice('/trades/'.length)) ?? ''
  await app.worker((tx) =>
    approveTrade(tx, { networkId: valley.id, tradeId, organisationId, actor: 'quits', at: app.clock.now() }),
  )
  await app.deliver()
  const page = await smith.bookkeeper.get(trade)
  expect(page.text).toContain('In the book of Smith in your book')
  expect(page.text).toMatch(/Invoice \w+-SI £96.00 in your book Open SMIT/)
  expect(page.html).toMatch(/<a href="https?:[^"]+" rel="noreferrer">Open/)
  expect((await wright.bookkeeper.get(trade)).text).not.toContain('In the book of Smith')
})

test('trades are listed by side and state, newest first, in pages', async () => {
  const { mill } = world
  const sales = await mill.owner.get(`${mill.path}/trades?side=seller&state=declined`)
  expect(sales.text).toContain('Flour for November £11.00')
  expect((await mill.owner.get(`${mill.path}/trades?side=buyer`)).text).toContain('There are none.')
  expect((await mill.owner.get(`${mill.path}/trades?after=broken`)).status).toBe(400)
})
