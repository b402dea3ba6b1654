/** The convener's desk: bringing members in, limits, standing, terms, ledger; and who may not come near it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idText } from '../../../src/kit/ids.ts'
import { memberOf } from '../../../src/networks/member.ts'
import { makeAddress, switchAddress } from '../../../src/outbox/webhook-address.ts'
import { type PagesWorld, pagesWorld, proposeFrom } from './pages-world.ts'

let world: PagesWorld
beforeAll(async () => {
  world = await pagesWorld()
})
afterAll(() => world.end())

test('the first page lists members with standing, balance and limits, and says what the network owes', async () => {
  const page = await world.asha.get('/networks/valley')
  expect(page.status).toBe(200)
  expect(page.text).toContain('Bakery admitted £0.00 £1,000.00 £5,000.00 not connected nothing waits')
  expect(page.text).toContain('Last audit none yet')
})

test('a member sees whom it can trade with and no balances; a stranger to the network sees nothing', async () => {
  const page = await world.mill.owner.get('/networks/valley')
  expect(page.text).toContain('Members Mill Bakery')
  expect(page.text).not.toContain('£')
  const other = await world.network('elsewhere')
  const cora = await world.person({ networkId: other.id, role: 'convener' }, 'Cora')
  for (const path of ['', '/terms', '/trades', '/ledger']) {
    expect((await cora.get(`/networks/valley${path}`)).status, path).toBe(404)
    expect((await world.stranger.get(`/networks/valley${path}`)).status, path).toBe(401)
  }
  expect((await cora.get(world.mill.desk)).status).toBe(404)
  expect((await cora.get(world.mill.desk.replace('valley', 'elsewhere'))).status).toBe(404)
})

test('an auditor reads everything and changes nothing', async () => {
  const ada = await world.person({ networkId: world.valley.id, role: 'auditor' }, 'Ada')
  for (const path of ['/networks/valley', '/networks/valley/terms', '/networks/valley/ledger', world.mill.desk]) {
    const page = await ada.get(path)
    expect(page.status, path).toBe(200)
    const forms = [...page.html.matchAll(/<form method="post" action="([^"]*)"/g)].map((match) => match[1])
    expect(forms.filter((action) => action !== '/sign-out' && !action?.endsWith('/audit'))).toEqual([])
  }
  const refused = await ada.post('/networks/valley/invitations', { email: 'new@example.org', name: 'New' })
  expect(refused.status).toBe(403)
  expect(refused.text).toContain('Your role (auditor) may not invite member')
})

test('a business is invited by a link in a mail; the link can be sent anew and cancelled', async () => {
  const sent = await world.asha.send('/networks/valley/invitations', { email: 'forge@example.org', name: 'Forge' })
  expect(sent.text).toContain('Forge is invited; the link goes by mail.')
  const desk = /href="(\/networks\/valley\/members\/[^"]+)">Forge/.exec(sent.html)?.[1] ?? ''
  expect((await world.asha.get(desk)).text).toContain('It has not shown its legal form yet')
  expect((await world.asha.send(`${desk}/invitation/again`, { email: 'smith@example.org' })).text).toContain(
    'smith@example.org, sent',
  )
  expect((await world.asha.send(`${desk}/invitation/cancelled`)).text).toContain('cancelled')
  const mails = await world.app.worker((tx) => tx.mail.findMany({ where: { recipient: 'smith@example.org' } }))
  expect(mails).toHaveLength(1)
  const anew = await world.asha.send(`${desk}/invitation/anew`, { email: 'smith@example.org' })
  expect(anew.text).toContain('It is invited again')
})

test('a business that showed its legal form is admitted with limits within the terms', async () => {
  const invited = await world.asha.send('/networks/valley/invitations', {
    email: 'dyer@example.org',
    name: 'Dyer',
    legalForm: 'company',
    registrationNumber: '01234567',
  })
  const desk = /href="(\/networks\/valley\/members\/[^"]+)">Dyer/.exec(invited.html)?.[1] ?? ''
  const high = await world.asha.post(`${desk}/admission`, { creditLimit: '99,999.00', exposureLimit: '' })
  expect(high.status).toBe(422)
  expect(high.text).toContain('The network’s terms allow at most 25000.00')
  expect(high.html).toContain('value="99,999.00"')
  const wrong = await world.asha.post(`${desk}/admission`, { creditLimit: '1,00.00', exposureLimit: '' })
  expect(wrong.status).toBe(400)
  expect(wrong.html).toContain('class="wrong">&quot;1,00.00&quot; is no amount: write it as 1,000.00.')
  const admitted = await world.asha.send(`${desk}/admission`, { creditLimit: '1,500.00', exposureLimit: '6000' })
  expect(admitted.text).toContain('Credit limit £1,500.00 Exposure limit £6,000.00')
})

test('limits are changed with a reason, and each change is kept with who, why, from and to', async () => {
  const { asha, bakery } = world
  const without = await asha.post(`${bakery.desk}/limits`, { creditLimit: '2000', exposureLimit: '', reason: ' ' })
  expect(without.status).toBe(400)
  const page = await asha.send(`${bakery.desk}/limits`, {
    creditLimit: '2,000.00',
    exposureLimit: '',
    reason: 'Three good years',
  })
  expect(page.text).toContain('Credit limit £1,000.00 £2,000.00 Three good years Asha')
  const frozen = await asha.send(`${bakery.desk}/freeze`, { frozen: 'yes', reason: 'Owes since May' })
  expect(frozen.text).toContain('May buy no, frozen')
  await asha.send(`${bakery.desk}/freeze`, { frozen: 'no', reason: 'Paid' })
})

test('a request for a limit is answered once, with words', async () => {
  const { asha, mill } = world
  await mill.owner.send(`${mill.path}/limit-ask`, { to: '3,000.00', why: 'Two new lorries' })
  expect((await asha.get('/networks/valley')).text).toContain('asks for a limit')
  const desk = await asha.get(mill.desk)
  expect(desk.text).toContain('£3,000.00 asked by Owner of Mill')
  const ask = /name="ask" value="(las_[^"]+)"/.exec(desk.html)?.[1] ?? ''
  const answered = await asha.send(`${mill.desk}/limit-ask`, { ask, answer: 'grant', words: 'Well earned' })
  expect(answered.text).toContain('granted by Asha: Well earned')
  const again = await asha.post(`${mill.desk}/limit-ask`, { ask, answer: 'refuse', words: 'No' })
  expect(again.status).toBe(409)
  expect(again.text).toContain('answered already')
})

test('a leaver with a balance is written off against the reserve, then released', async () => {
  const { asha, mill } = world
  const cooper = await world.business('Cooper')
  const trade = await proposeFrom(mill, cooper)
  await cooper.owner.send(`${trade}/acceptance`)
  const leaving = await asha.send(`${cooper.desk}/standing`, { to: 'leaving', reason: 'Closes down' })
  expect(leaving.text).toContain('leaving Closes down')
  const early = await asha.post(`${cooper.desk}/standing`, { to: 'left', reason: 'Gone' })
  expect(early.text).toContain('The balance is -100.00; a leaver’s must be zero.')
  expect((await asha.send(`${cooper.desk}/write-off`, { reason: 'No assets' })).text).toContain('written off')
  const left = await asha.send(`${cooper.desk}/standing`, { to: 'left', reason: 'Gone' })
  expect(left.text).toContain('is no member any more')
  const row = await world.app.worker((tx) => memberOf(tx, world.valley.id, cooper.member.id))
  expect([row.standing, row.account.balanceMinor]).toEqual(['left', 0n])
})

test('new terms are a new version; the old one stays to be read', async () => {
  const { asha } = world
  const now = await asha.get('/networks/valley/terms')
  const fields = Object.fromEntries(
    [...now.html.matchAll(/<input[^>]*>/g)].map(([input]) => [
      /name="([^"]*)"/.exec(input)?.[1] ?? '',
      /value="([^"]*)"/.exec(input)?.[1] ?? '',
    ]),
  )
  const form = { ...fields, vatIn: 'money', feesBack: 'yes', settlementMode: 'running', words: 'Pay what you owe.' }
  const wrong = await asha.post('/networks/valley/terms', { ...form, defaultCreditLimit: '90,000.00' })
  expect(wrong.status).toBe(422)
  expect(wrong.text).toContain('the usual credit limit is above the highest one')
  const made = await asha.send('/networks/valley/terms', {
    ...form,
    feeSide1: 'seller',
    feePercent1: '1.5',
    feeFixed1: '',
    feeMode1: 'credits',
    feeWords1: 'Network fee',
  })
  expect(made.text).toContain('Version 2, which holds now')
  expect(made.text).toContain('Network fee (seller, 1.5 % + 0.00, in credits)')
  expect(made.text).toContain('Version 1, from')
})

test('an audit says in words what holds, and the head can be kept elsewhere', async () => {
  const page = await world.asha.send('/networks/valley/ledger/audit')
  expect(page.text).toContain('Every truth holds.')
  expect(page.text).toContain('All balances of the network sum to zero. yes')
  expect(page.html).toMatch(/<code>[0-9a-f]{64}<\/code>/)
  expect(page.text).toContain('Asha audit run')
})

test('every trade of the network is listed, and a convener reverses one with a reason', async () => {
  const { asha, mill, bakery } = world
  const trade = await proposeFrom(mill, bakery, { net1: '40.00', description: 'Rye' })
  await bakery.owner.send(`${trade}/acceptance`)
  const listed = await asha.get('/networks/valley/trades?state=accepted')
  expect(listed.text).toContain('Mill Bakery Rye £40.00 £48.00 accepted')
  const page = await asha.get(trade)
  expect(page.text).toContain('As convener')
  expect(page.text).not.toContain('In the book of')
  const bare = await asha.post(`${trade}/reversal`, { as: 'convener', reason: '' })
  expect(bare.status).toBe(400)
  const reversed = await asha.send(`${trade}/reversal`, { as: 'convener', reason: 'Wrong buyer' })
  expect(reversed.text).toContain('Reversed. Both movements stay in the ledger.')
  const byOwner = await mill.owner.post(`${trade}/reversal`, { as: 'convener', reason: 'I say so' })
  expect(byOwner.status).toBe(403)
})

test('a paused network takes no trades and goes on with a word', async () => {
  const { asha, mill, bakery } = world
  await asha.send('/networks/valley/state', { to: 'paused', reason: 'Stocktaking' })
  const refused = await mill.owner.post(`${mill.path}/trades/new`, {
    side: 'seller',
    other: idText('member', bakery.member.id),
    description: 'Flour',
    tradedOn: '2026-11-02',
    description1: 'Flour',
    net1: '1',
    treatment1: 'standard',
    part: 'most',
    step: 'preview',
  })
  expect(refused.status).toBe(409)
  expect(refused.text).toContain('This network is paused')
  expect((await asha.send('/networks/valley/state', { to: 'open', reason: 'Done' })).text).toContain(
    'The network goes on.',
  )
})

test('a webhook that fails or was switched off is one line on the page of what goes to the books; a member’s address is not told', async () => {
  const { app, asha, mill, valley } = world
  const path = '/networks/valley/sending'
  const make = (host: string, organisationId: string | null) =>
    app.worker(async (tx) => {
      const ask = { networkId: valley.id, organisationId, url: `https://${host}/`, whats: ['trade.accepted'] as const }
      const made = await makeAddress(
        tx,
        { ...app.deps, loopback: false },
        { ...ask, whats: [...ask.whats], actor: 'x' },
      )
      return made.address
    })
  const [own, its] = [await make('valley.example', null), await make('secret.example', mill.member.organisationId)]
  expect((await asha.get(path)).text).not.toContain('Webhooks that do not arrive')
  await app.worker(async (tx) => {
    await tx.$executeRaw`update webhook_address set failing_at = quits_now() where id = ${own.id}::uuid`
    await switchAddress(tx, app.clock, its.id, { on: false, cause: 'five days of failing', actor: 'quits' })
  })
  const { text } = await asha.get(path)
  expect(text).toContain('Webhooks that do not arrive: valley.example (fails since 2 Nov 2026, 10:00 )')
  expect(text).toContain('; a program of Mill (switched off: five days of failing).')
  expect(text).not.toContain('secret.example')
})
