import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BookConnector, BookContact } from '../../connectors/port.ts'
import {
  type ContactAsk,
  contactKept,
  findOrMakeContact,
  keepContact,
  keepSupplierAccount,
  keptSupplierAccount,
  matchContact,
  namesToTry,
} from '../../src/books/contact.ts'
import { withGrant } from '../../src/books/grants.ts'
import type { Network } from '../../src/networks/network.ts'
import { type BooksSetUp, bea, type MemberWithBook, setUpBooks } from './set-up.ts'

let world: BooksSetUp
let network: Network
beforeAll(async () => {
  world = await setUpBooks()
  network = await world.network()
})
afterAll(() => world.end())

const marks = { name: 'Mill Ltd', companyNumber: '01234567', vatNumber: 'GB123456789', email: 'a@mill.example' }
const contact = (id: string, change: Partial<BookContact> = {}): BookContact => ({
  id,
  version: '0',
  name: `Contact ${id}`,
  email: null,
  companyNumber: null,
  vatNumber: null,
  roles: [],
  active: true,
  mergedInto: null,
  ...change,
})
const match = (contacts: BookContact[], apart = false) => matchContact(contacts, marks, 'customer', apart)

test('company number comes before VAT number and name, that before e-mail and name', () => {
  const byNumber = contact('1', { companyNumber: '1234567' })
  const byVat = contact('2', { name: 'MILL LIMITED', vatNumber: '123 4567 89' })
  const byEmail = contact('3', { name: 'Mill Ltd.', email: 'A@mill.example ' })
  expect(match([byEmail, byVat, byNumber])).toMatchObject({ is: 'sure', by: 'company_number', contact: { id: '1' } })
  expect(match([byEmail, byVat])).toMatchObject({ is: 'sure', by: 'vat_number_and_name', contact: { id: '2' } })
  expect(match([byEmail])).toMatchObject({ is: 'sure', by: 'email_and_name', contact: { id: '3' } })
})

test('a shared VAT number or mail box without the name, and a name alone, match nobody', () => {
  const group = contact('1', { vatNumber: 'GB123456789' })
  const box = contact('2', { email: 'a@mill.example' })
  const namesake = contact('3', { name: 'Mill Ltd' })
  expect(match([group, box, namesake])).toEqual({ is: 'none' })
  const blank = { name: 'Mill Ltd', companyNumber: null, vatNumber: null, email: null }
  expect(matchContact([contact('4', { companyNumber: '' }), namesake], blank, 'customer', false)).toEqual({
    is: 'none',
  })
})

test('several sure matches are asked about; archived and merged ones are not used', () => {
  const one = contact('1', { companyNumber: '01234567' })
  const two = contact('2', { companyNumber: '01234567' })
  expect(match([one, two])).toMatchObject({ is: 'several', contacts: [{ id: '1' }, { id: '2' }] })
  expect(match([one, { ...two, active: false }])).toMatchObject({ is: 'sure', contact: { id: '1' } })
  expect(match([one, { ...two, mergedInto: '1' }])).toMatchObject({ is: 'sure', contact: { id: '1' } })
})

test('where a book keeps customers and suppliers apart, only its own list counts', () => {
  const supplier = contact('1', { companyNumber: '01234567', roles: ['supplier'] })
  expect(match([supplier], true)).toEqual({ is: 'none' })
  expect(match([supplier], false)).toMatchObject({ is: 'sure' })
})

test('names tell namesakes apart by side, then by network, and fit the field', () => {
  expect(namesToTry('A: B', 'supplier', 'Calder')).toEqual([
    'A B',
    'A B (supplier)',
    'A B (Calder)',
    'A B (supplier, Calder)',
  ])
  for (const name of namesToTry('x'.repeat(300), 'customer', 'y'.repeat(300)))
    expect(name.length).toBeLessThanOrEqual(200)
})

let firm: MemberWithBook
async function liveFirm(): Promise<string> {
  firm = await world.memberWithBook(network)
  return (await world.live(firm)).id
}
const put = (connectionId: string, change: Partial<ContactAsk> = {}, connector?: Partial<BookConnector>) =>
  withGrant(world.deps, connectionId, (grant, fake) =>
    findOrMakeContact(
      grant,
      { ...fake, ...connector },
      {
        key: 'dlv_01234567890123456789012345',
        marks,
        role: 'customer',
        networkName: 'Calder Valley',
        currency: 'GBP',
        kept: null,
        lookFirst: false,
        ...change,
      },
    ),
  )
const held = (id: string, change: Partial<BookContact> = {}) => {
  firm.book.contacts.set(id, { ...contact(id, change), updatedAt: firm.book.stamp() })
}
const names = () => [...firm.book.contacts.values()].map((one) => one.name)

test('nobody is found: one is made; asked again, that one is found', async () => {
  const id = await liveFirm()
  const made = await put(id)
  expect(made).toMatchObject({ is: 'made', contact: { name: 'Mill Ltd' } })
  expect(await put(id)).toMatchObject({ is: 'found', by: 'company_number' })
  expect(names()).toEqual(['Mill Ltd'])
})

test('a namesake is left as it is and the new one is named by its side, even if the namesake appears meanwhile', async () => {
  const id = await liveFirm()
  held('person', { name: 'mill ltd', email: 'other@mill.example' })
  expect(await put(id)).toMatchObject({ is: 'made', contact: { name: 'Mill Ltd (customer)' } })
  expect(firm.book.contacts.get('person')).toMatchObject({
    name: 'mill ltd',
    email: 'other@mill.example',
    version: '0',
  })

  const later = await liveFirm()
  held('person', { name: 'Mill Ltd' })
  const seesNobody: BookConnector['contacts'] = async function* () {}
  expect(await put(later, {}, { contacts: seesNobody })).toMatchObject({
    is: 'made',
    contact: { name: 'Mill Ltd (customer)' },
  })
  expect(names()).toEqual(['Mill Ltd', 'Mill Ltd (customer)'])
})

test('all names are taken: the book’s refusal is told, nothing is overwritten', async () => {
  const id = await liveFirm()
  for (const name of namesToTry('Mill Ltd', 'customer', 'Calder Valley')) held(name, { name })
  await expect(put(id)).rejects.toMatchObject({ kind: 'conflicting', facts: { cause: 'name_taken' } })
  expect(firm.book.contacts.size).toBe(4)
})

test('after an answer that never came, the one we made is found, also when it has no number to be known by', async () => {
  const id = await liveFirm()
  const bare = { name: 'Mill Ltd', companyNumber: null, vatNumber: null, email: null }
  firm.book.knobs.loseReply = 1
  await expect(put(id, { marks: bare })).rejects.toMatchObject({ kind: 'unclear' })
  expect(await put(id, { marks: bare, lookFirst: true })).toMatchObject({ is: 'found', by: 'own_name' })
  expect(names()).toEqual(['Mill Ltd'])
})

test('our own stored id is used whatever it is called now, and followed where the book merged it; an archived one is not', async () => {
  const id = await liveFirm()
  held('old', { name: 'Renamed', mergedInto: 'new' })
  held('new', { name: 'Renamed too' })
  expect(await put(id, { kept: { bookContactId: 'old' } })).toMatchObject({
    is: 'found',
    by: 'own_id',
    contact: { id: 'new' },
  })
  held('new', { name: 'Renamed too', active: false })
  expect(await put(id, { kept: { bookContactId: 'old' } })).toMatchObject({ is: 'made' })
})

test('several: nothing is made, the candidates are given; what a person chose is remembered', async () => {
  const id = await liveFirm()
  held('one', { companyNumber: '01234567' })
  held('two', { companyNumber: '01234567' })
  expect(await put(id)).toMatchObject({ is: 'several', contacts: [{ id: 'one' }, { id: 'two' }] })
  expect(firm.book.contacts.size).toBe(2)
  const { organisationId } = firm.member
  const ask = { connectionId: id, counterpartId: organisationId, role: 'customer' as const, chosenBy: bea }
  await world.worker((tx) =>
    keepContact(tx, world.clock, { ...ask, contact: { id: 'two', name: 'Two', version: '0' } }),
  )
  expect(await world.worker((tx) => contactKept(tx, id, organisationId, 'customer'))).toMatchObject({
    bookContactId: 'two',
    chosenBy: bea,
  })
})

test('a supplier keeps its cost account, also when its contact changes; only an active expense account will do', async () => {
  const id = await liveFirm()
  const counterpartId = firm.member.organisationId
  const supplier = { connectionId: id, counterpartId, role: 'supplier' as const, chosenBy: null }
  const keep = (accountId: string | null) =>
    world.worker((tx) =>
      keepSupplierAccount(tx, world.clock, { connectionId: id, counterpartId, accountId, actor: bea }),
    )
  const kept = () => world.worker((tx) => keptSupplierAccount(tx, id, counterpartId))
  await expect(keep('acc-429')).rejects.toMatchObject({ code: 'not_found' })
  await world.worker((tx) =>
    keepContact(tx, world.clock, { ...supplier, contact: { id: 'c1', name: 'C', version: null } }),
  )
  expect(await kept()).toBeNull()
  for (const wrong of ['acc-200', 'acc-800', 'nowhere'])
    await expect(keep(wrong)).rejects.toMatchObject({ code: 'mapping_not_sound' })
  await keep('acc-429')
  await world.worker((tx) =>
    keepContact(tx, world.clock, { ...supplier, contact: { id: 'c2', name: 'C', version: null } }),
  )
  expect(await kept()).toBe('acc-429')
})
